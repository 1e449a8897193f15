"""How far rows have moved from what a model was fitted on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xbsql import errors
from xbsql.arrow import one_chunk
from xbsql.session.insight import of_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from xbsql.session.session import Session


def drift(
    session: Session, reference: str, rows: pa.Table, known: pa.Table | None, alpha: float
) -> list[dict[str, Any]]:
    """See `xb.drift`.

    Raises:
        XbsqlError: no such model, a column that it reads is missing, or an alpha out of bounds.
    """
    from xbsql.tasks.drift import drifted

    where = "xb.drift"
    task, model = of_rows(session, where, reference)
    if not 0 < alpha < 1:
        raise errors.invalid(where, f"alpha is {alpha:g}", "give a share such as 0.01")
    for side in (rows, known):
        if side is not None:
            model.signature.batch(where, reference, one_chunk(side.to_struct_array()))
    with session.calls.record("drift", reference, len(rows)) as call:
        call.kernel = "rbf_matvec"
        return drifted(task, model, rows, known, alpha)
