"""What a model says of pictures, and which home picture each is most like."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors, kernels
from xbsql.arrow import one_chunk
from xbsql.session.insight import of_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.session.session import Session
    from xbsql.tasks.row_model import RowModel


class Looked(NamedTuple):
    """What is said of pictures, one a row.

    Attributes:
        said: what the model answers, as text; None where it answers nothing.
        score: float64, shape (n,): how sure it is; NaN where it says nothing of that.
        there: bool, shape (n,): whether any picture of the row can be read.
        near: int64, shape (n,): the home row that is most alike, -1 without one.
        alike: float32, shape (n,): the cosine with that, each side less its own mean.
    """

    said: list[str | None]
    score: NDArray[np.float64]
    there: NDArray[np.bool_]
    near: NDArray[np.int64]
    alike: NDArray[np.float32]

    def least_sure(self, most: int) -> NDArray[np.int64]:
        """The rows with a picture, the least sure first."""
        order = np.argsort(np.nan_to_num(self.score, nan=2.0), kind="stable")
        return np.asarray(order[self.there[order]][:most], np.int64)


def model_of_pictures(session: Session, where: str, reference: str) -> RowModel:
    """A model that reads pictures.

    Raises:
        XbsqlError: no such model, or it reads none.
    """
    _, model = of_rows(session, where, reference)
    if not model.reader.pictures:
        raise errors.invalid(where, f"'{reference}' reads no pictures", "give a model of a column of BLOBs")
    return model


def looked_at(
    session: Session, where: str, reference: str, rows: pa.Table, home: pa.Table | None = None
) -> Looked:
    """What a model says of rows, and the home rows whose pictures are most alike.

    Args:
        session: whose models are used.
        where: the SQL function.
        reference: a model that reads pictures.
        rows: with the columns that it reads.
        home: with the home market's columns of pictures; None leaves out what is near.

    Raises:
        XbsqlError: no such model, it reads no pictures, or a column that it reads is missing.
    """
    model = model_of_pictures(session, where, reference)
    batch = model.signature.batch(where, reference, one_chunk(rows.to_struct_array()))
    answers, shown = model.predict(batch), pa.Table.from_batches([batch])
    names = [field.name for field in answers.type]
    said = answers.field("label" if "label" in names else names[0])
    score = answers.field("score") if "score" in names else pa.nulls(len(rows), pa.float64())
    own = model.reader.seen(shown)
    near, alike = np.full(len(rows), -1, np.int64), np.zeros(len(rows), np.float32)
    if home is not None and len(home):
        near, alike = _nearest(own, _seen_at_home(where, model, home))
    texts = [None if value is None else _told(value) for value in said.to_pylist()]
    sure = np.asarray(pc.fill_null(score, float("nan")).to_numpy(zero_copy_only=False), np.float64)
    return Looked(texts, sure, np.asarray(own.any(axis=1), np.bool_), near, alike)


def _seen_at_home(where: str, model: RowModel, home: pa.Table) -> NDArray[np.float32]:
    """The home rows' pictures as vectors."""
    for name in model.reader.pictures:
        if name not in home.column_names:
            raise errors.unknown(where, "column of pictures", name, home.column_names, place="home has")
    return model.reader.seen(home)


def _nearest(
    own: NDArray[np.float32], home: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The most alike home row of each row, -1 where either side has no picture, and the cosine."""
    from xbsql.engine.candidates.centred import centre_of
    from xbsql.engine.design import unit
    from xbsql.features.views import Features

    known = np.flatnonzero(home.any(axis=1))
    there = own.any(axis=1)
    near, alike = np.full(len(own), -1, np.int64), np.zeros(len(own), np.float32)
    if len(known) and there.any():
        middle = centre_of(Features({"picture": home}))
        here = centre_of(Features({"picture": own}), middle)
        left, right = unit(own[there] - here), unit(home[known] - middle)
        scores, rows = kernels.topk(left, right, 1)
        near[there], alike[there] = known[rows[:, 0]], scores[:, 0]
    return near, alike


def _told(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
