"""Options of a regression."""

from dataclasses import dataclass
from typing import Annotated

import pyarrow as pa

from xbsql import errors
from xbsql.features.roles import as_text
from xbsql.tasks.options import COLUMN, SHARE, Option
from xbsql.tasks.reader import Reader
from xbsql.tasks.row_options import RowOptions


@dataclass(frozen=True)
class PredictOptions(RowOptions):
    """What a user may decide of a regression beside the data."""

    level: Annotated[
        float, Option(SHARE, "the share of labels that the interval `lo` to `hi` shall hold")
    ] = 0.9
    abstain: Annotated[
        float | None,
        Option(
            SHARE,
            "the largest `shift` that is answered; beyond it `value`, `lo` and `hi` are NULL, and `shift` "
            "stays. `xb.evaluate` then shows what share is answered and how well",
            at_home=False,
        ),
    ] = None
    intervals_by: Annotated[
        str | None,
        Option(
            COLUMN,
            "a column that is read: its values with 30 labels or more have an interval of their own width, "
            "all others share one. One width for all holds its share of the rows over all markets, too many "
            "of a calm one and too few of a wild one",
            aligned=True,
            at_home=False,
        ),
    ] = None

    def check(self, where: str) -> None:
        """Refuse a bound on the shift where no row is kept to measure it by.

        Raises:
            XbsqlError: that is asked for.
        """
        if self.abstain is not None and not self.keep_rows:
            problem = (
                "the option 'abstain' bounds the shift, and 'keep_rows' false keeps no row to measure it by"
            )
            raise errors.invalid(where, problem, "leave one of the two out")

    def widths_by(self, where: str, table: pa.Table, reader: Reader) -> pa.ChunkedArray | None:
        """The value of each row that its interval goes by, as text; None where all rows share one width.

        Raises:
            XbsqlError: the model does not read that column.
        """
        if self.intervals_by is None:
            return None
        if self.intervals_by not in reader.schema.names:
            what = "column for the option 'intervals_by'"
            raise errors.unknown(where, what, self.intervals_by, reader.schema.names, place="the model reads")
        return as_text(table[self.intervals_by], self.intervals_by)
