"""What pictures of a pair say, fitted and tried: `python -m bench.match_looks`.

It prints the line of `xbsql.linking.beside` and what `xb.match` finds by texts, by pictures and by both.
Each draw takes a photo of each class of the grocery data's training photos, and beside it the class's icon,
another photo, or other photos of half of the classes. A title is four words of the class's description that
stand in a row, none of its name. The line is fitted on four draws, matches are tried on three others.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression

import xbsql
from bench.images import described, titled
from xbsql.features.image.column import pictures
from xbsql.features.image.encoder import picture_encoder
from xbsql.matching.looks import Looks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

KINDS: Final = ("icons", "photos", "half")
FITTED, TRIED = range(4), range(4, 7)
FEWEST: Final = 4
"""Photos of a class that is drawn from."""
WAYS: Final = {"texts": (True, False), "pictures": (False, True), "both": (True, True)}


class Shelf(NamedTuple):
    """What is drawn from, by class: the icon, the training photos, and the words of the description."""

    icon: dict[str, bytes]
    photos: dict[str, list[bytes]]
    words: dict[str, list[str]]


class Offer(NamedTuple):
    """One row of a catalogue."""

    kind: str
    title: str
    photo: bytes


def main() -> None:
    """Print the line, and recall, precision and the share of rows that are answered."""
    folder = os.environ.get("XBSQL_DATA")
    if folder is None:
        sys.exit("bench.match_looks: needs grocery; set XBSQL_DATA to the folder that holds it")
    shelf = read(Path(folder) / "grocery")
    rows, same = [], []
    for kind in KINDS:
        for draw in FITTED:
            left, right = drawn(shelf, kind, draw)
            looks = Looks.of(seen(left), seen(right))
            i, j = np.divmod(np.arange(len(left) * len(right)), len(right))
            rows.append(np.column_stack([-looks.behind(i, j), looks.nearest(i, j)]))
            same.append(np.array([left[a].kind == right[b].kind for a, b in zip(i, j, strict=True)]))
    line = LogisticRegression(C=10.0).fit(np.concatenate(rows), np.concatenate(same))
    away, nearest = line.coef_[0].tolist()
    print(f"away {away:.2f}, nearest {nearest:.2f}, alone {line.intercept_[0]:.2f}")
    with xbsql.connect() as con:
        for kind in KINDS:
            for way in WAYS:
                texts, shown = WAYS[way]
                scores = [tried(con, *drawn(shelf, kind, draw), texts=texts, looks=shown) for draw in TRIED]
                recall, precision, answered = np.mean(scores, axis=0)
                print(f"{kind} by {way}: recall {recall:.3f}, precision {precision:.3f} of {answered:.3f}")


def read(folder: Path) -> Shelf:
    """The icons, training photos and descriptions of the grocery data."""
    photos, texts = pq.read_table(folder / "photos.parquet"), pq.read_table(folder / "descriptions.parquet")
    shelf = Shelf({}, {}, {})
    for row in photos.to_pylist():
        if row["split"] == "iconic":
            shelf.icon[row["class_name"]] = row["jpeg128"]
        if row["split"] == "train":
            shelf.photos.setdefault(row["class_name"], []).append(row["jpeg128"])
    for row in texts.to_pylist():
        shelf.words[row["class_name"]] = described(row["description"], row["class_name"])
    return shelf


def drawn(shelf: Shelf, kind: str, draw: int) -> tuple[list[Offer], list[Offer]]:
    """Two catalogues of the same classes, each in an order of its own."""
    rng = np.random.default_rng([draw, 5])
    left, right = [], []
    for name in sorted(name for name, photos in shelf.photos.items() if len(photos) >= FEWEST):
        one, other = rng.choice(len(shelf.photos[name]), 2, replace=False).tolist()
        theirs = shelf.icon[name] if kind == "icons" else shelf.photos[name][other]
        left.append(Offer(name, titled(shelf.words[name], rng), shelf.photos[name][one]))
        right.append(Offer(name, titled(shelf.words[name], rng), theirs))
    left, right = ([side[row] for row in rng.permutation(len(side)).tolist()] for side in (left, right))
    return left, right[: len(right) // 2] if kind == "half" else right


def seen(side: Sequence[Offer]) -> NDArray[np.float32]:
    """The vectors of the photos; equal ones are looked at once."""
    return pictures(pa.array([offer.photo for offer in side]), picture_encoder(), "bench.match_looks").vectors


def tried(
    con: DuckDBPyConnection, left: list[Offer], right: list[Offer], *, texts: bool, looks: bool
) -> tuple[float, float, float]:  # fmt: skip
    """The shares of rows with a counterpart that find it, of answers that are right, of rows answered."""
    own, other = (_table(side, texts=texts, looks=looks) for side in (left, right))
    found = xbsql.match(con, own, other, "id", "title", "id", "title", beside="beside")
    pairs = list(zip(found["lid"].to_pylist(), found["rid"].to_pylist(), strict=True))
    answers = [(a, b) for a, b in pairs if b is not None]
    hits = sum(left[a].kind == right[b].kind for a, b in answers)
    there = {offer.kind for offer in right}
    return hits / sum(o.kind in there for o in left), hits / max(len(answers), 1), len(answers) / len(left)


def _table(side: list[Offer], *, texts: bool, looks: bool) -> pa.Table:
    titles = pa.array([offer.title if texts else None for offer in side], pa.string())
    beside: pa.Array = pa.nulls(len(side))
    if looks:
        vectors = seen(side)
        image = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
        beside = pa.StructArray.from_arrays([image], ["image"])
    return pa.table({"id": range(len(side)), "title": titles, "beside": beside})


if __name__ == "__main__":
    main()
