"""Pictures embedded, and looked into, for a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import arrow, errors

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


def embed_both(session: Session, texts: pa.Array, blobs: pa.Array, model: str, share: float) -> pa.Array:
    """FLOAT[] of each row's text and picture side by side; NULL of a row that has neither.

    Args:
        session: whose encoder of texts is used.
        texts: one a row; of NULL or a blank one the text's numbers are 0.
        blobs: the same of pictures; what cannot be read counts as none.
        model: the encoder of pictures.
        share: of the squared length that is the picture's, 0 to 1.

    Raises:
        XbsqlError: a column of another type, no such network, or a share outside 0 .. 1.
    """
    from xbsql.features.image.column import pictures
    from xbsql.features.image.encoder import picture_encoder
    from xbsql.features.text import embed_array

    where = "xb.embed_both"
    if isinstance(share, bool) or not 0 <= share <= 1:
        raise errors.invalid(where, f"share is {share}", "give the share of the picture, 0 to 1")
    if not arrow.is_text(texts.type) and not pa.types.is_null(texts.type):
        raise errors.invalid(where, f"the text is {texts.type}", "cast it to VARCHAR")
    with session.calls.record("embed_both", model, len(blobs)) as call:
        call.kernel = "network"
        looks = pictures(blobs, picture_encoder(model), where)
        call.unread.update(looks.problems)
        words = pc.utf8_trim_whitespace(texts.cast(pa.string()))
        said = pc.fill_null(pc.not_equal(words, ""), fill_value=False).to_numpy(zero_copy_only=False)
        vectors, _ = arrow.matrix(embed_array(pc.fill_null(words, ""), session.encoder("text")), where)
        left = np.float32((1.0 - share) ** 0.5) * np.where(said[:, None], vectors, np.float32(0.0))
        both = np.hstack([left, np.float32(share**0.5) * looks.vectors]).astype(np.float32)
    return arrow.vectors(both, said | looks.there).cast(pa.list_(pa.float32()))


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
