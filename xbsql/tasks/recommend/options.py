"""Options of a recommender."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from xbsql import errors
from xbsql.recommendation.events import Columns
from xbsql.tasks.options import COLUMN, FLAG, Option, OptionKind, Options, whole

MOMENT = OptionKind("VARCHAR", lambda value: isinstance(value, str | date), "give a date: '2026-12-31'", str)

FEWEST_SHARED = 2
"""Users who must have two items together where no row may leave its market: one alone names herself."""


@dataclass(frozen=True)
class RecommendOptions(Options):
    """What a user may decide of a recommender beside the data."""

    user: Annotated[str, Option(COLUMN, "the column that says who")] = "user"
    ts: Annotated[
        str | None,
        Option(COLUMN, "the column that says when: what came last is held out; without it one is drawn"),
    ] = None
    weight: Annotated[
        str | None,
        Option(
            COLUMN,
            "the column that says how much: pieces, money, stars; below 0 is a return. What an item counts "
            "goes by the mean of its user, so the unit does not matter",
        ),
    ] = None
    title: Annotated[
        str | None,
        Option(
            COLUMN,
            "the column that says in words what an item is: one that nobody has is recommended by what is "
            "had with items of like titles. A row without a user says that there is such an item",
        ),
    ] = None
    source_market: Annotated[
        str | None,
        Option(
            COLUMN,
            "a column of the home rows: each of its values is a market with features of its own, the eight "
            "largest; the others are one. Several with 300 users stand in the target's place to learn from",
            at_home=False,
        ),
    ] = None
    keep_rows: Annotated[
        bool,
        Option(
            FLAG,
            "`false`: the model holds no user and no history, and no pair of items that one user alone has; "
            "whoever asks gives histories. What that leaves is in [privacy](privacy.md)",
        ),
    ] = True
    hash_ids: Annotated[
        bool | None,
        Option(
            FLAG,
            "`true`: ids of users are kept as keyed hashes; `false`: in clear, also where they look personal",
            shown="in clear; ids that look personal are refused",
        ),
    ] = None
    until: Annotated[
        str | None, Option(MOMENT, "a date: later rows are left out", shown="the clock's time")
    ] = None
    seed: Annotated[int, Option(whole(0), "the seed of whatever is drawn; another one is another fit")] = 0

    def columns(self, label: str) -> Columns:
        """Where a table keeps what."""
        return Columns(self.user, label, self.ts, self.weight)

    @property
    def fewest(self) -> int:
        """Users who must have two items together."""
        return 1 if self.keep_rows else FEWEST_SHARED

    def end(self, where: str) -> int | None:
        """The last moment that is read, microseconds since 1970.

        Raises:
            XbsqlError: `until` is no date, or nobody says when anything was.
        """
        if self.until is None:
            return None
        if self.ts is None:
            problem = "the option 'until' leaves rows out by their moment, and 'ts' is not given"
            raise errors.invalid(where, problem, "name the column of moments: {'ts': 'bought'}")
        try:
            found = datetime.fromisoformat(self.until)
        except ValueError as error:
            problem = f"the option 'until' is {errors.shown(self.until)!r}"
            raise errors.invalid(where, problem, "give a date: '2026-12-31'") from error
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return int(found.timestamp() * 1e6)
