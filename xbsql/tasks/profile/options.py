"""Options of the task of customers."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from xbsql import errors
from xbsql.tasks.options import COLUMN, FLAG, Option, OptionKind, Options, choice, whole

SPEND, RETURN = "spend", "return"
DAY: Final = OptionKind(
    "VARCHAR", lambda value: isinstance(value, str | date), "give a date: '2024-12-31'", str
)


@dataclass(frozen=True)
class ProfileOptions(Options):
    """What a user may decide of a model of customers beside the data; the label is the column of amounts."""

    user: Annotated[str, Option(COLUMN, "the column that says who bought")] = "user"
    ts: Annotated[str, Option(COLUMN, "the column that says when")] = "ts"
    basket: Annotated[
        str | None, Option(COLUMN, "the column of what was bought at once; without it that of one day")
    ] = None
    category: Annotated[str | None, Option(COLUMN, "the column of the category of what was bought")] = None
    ahead: Annotated[
        str,
        Option(
            choice(SPEND, RETURN),
            "what is learnt: what a customer spends within the horizon, after returns, or whether there is "
            "an order at all",
        ),
    ] = SPEND
    horizon: Annotated[int, Option(whole(1, 3650, "give 1 to 3650 days"), "days ahead")] = 90
    until: Annotated[
        str | None,
        Option(DAY, "the day of which profiles are learnt from", shown="one horizon before the last day"),
    ] = None
    keep_rows: Annotated[
        bool,
        Option(
            FLAG,
            "`false`: the model holds weights alone, as of any model of rows; see [privacy](privacy.md). "
            "No customer's id is held in either case",
        ),
    ] = True
    seed: Annotated[int, Option(whole(0), "the seed of folds and resamples; another one is another fit")] = 0

    def day(self, where: str) -> date | None:
        """The day of the profiles.

        Raises:
            XbsqlError: `until` is no date.
        """
        if self.until is None:
            return None
        try:
            return date.fromisoformat(self.until[:10])
        except ValueError as error:
            problem = f"the option 'until' is {errors.shown(self.until)!r}"
            raise errors.invalid(where, problem, "give a date: '2024-12-31'") from error

    @property
    def of_rows(self) -> dict[str, Any]:
        """The options of the task that learns from the profiles."""
        return {"keep_rows": self.keep_rows, "seed": self.seed}
