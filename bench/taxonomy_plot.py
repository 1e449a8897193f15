"""`python -m bench.taxonomy_plot`: the label-efficiency chart of the taxonomy, from its CSV alone."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from bench.plot import read, sizes_of
from bench.run import ROOT, table_path
from xbsql.pages.chart import Point, label_efficiency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.plot import Record

PANELS = {
    "mean of six": "English to de, fr, ja, zh, ru, tr",
    "sv-SE": "English to Swedish, unknown to the encoder",
}


def main() -> int:
    """Draw the chart beside its table; 0, or 2 where there is no table."""
    source = table_path("taxonomy", ROOT, quick=False)
    if not source.is_file():
        print("bench.taxonomy_plot: no table; run python -m bench.run taxonomy")
        return 2
    figure = label_efficiency(points(read(source)), "accuracy on 1,500 held-out categories")
    path = source.with_name("taxonomy_labels.png")
    figure.savefig(path, dpi=150)
    print(path.relative_to(ROOT))
    return 0


def points(records: Sequence[Record]) -> list[Point]:
    """Median and p20 to p80 over the draws, of each arm where it was measured."""
    found = []
    for record in records:
        value = float(record["p50"] or math.nan)
        if record["case"] in PANELS and not math.isnan(value):
            lo, hi = float(record["p20"] or value), float(record["p80"] or value)
            labels = int(sizes_of(record)["labels"])
            found.append(Point(PANELS[record["case"]], record["implementation"], labels, value, lo, hi))
    return found


if __name__ == "__main__":
    sys.exit(main())
