"""Pictures embedded, and looked into, for a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from xbsql import arrow

if TYPE_CHECKING:
    from xbsql.session.session import Session

INFO = pa.struct(
    [
        ("format", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("frames", pa.int32()),
        ("problem", pa.string()),
    ]
)


def embed_image(session: Session, blobs: pa.Array, model: str) -> pa.Array:
    """FLOAT[] of each picture; NULL of what cannot be read.

    Raises:
        XbsqlError: the column holds no BLOBs, or there is no such network.
    """
    from xbsql.features.image.column import pictures
    from xbsql.features.image.encoder import picture_encoder

    with session.calls.record("embed_image", model, len(blobs)) as call:
        call.kernel = "network"
        found = pictures(blobs, picture_encoder(model), "xb.embed_image")
        call.unread.update(found.problems)
    return arrow.vectors(found.vectors, found.there).cast(pa.list_(pa.float32()))


def image_info(session: Session, blobs: pa.Array) -> pa.Array:
    """STRUCT(format, width, height, frames, problem) of each file; NULL stays NULL.

    Raises:
        XbsqlError: the column holds no BLOBs.
    """
    with session.calls.record("image_info", "", len(blobs)) as call:
        call.kernel = "decoder"
        contents = arrow.blobs_of(blobs, "xb.image_info")
        rows = [None if content is None else _info(bytes(content)) for content in contents]
    return pa.array(rows, INFO)


def _info(content: bytes) -> dict[str, Any]:
    from xbsql.features.image.decode import Unreadable, header, square

    found: dict[str, Any] = {}
    try:
        found = header(content)._asdict()
        square(content, 1)
    except Unreadable as error:
        found["problem"] = str(error)
    return found
