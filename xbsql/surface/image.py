"""Pictures: embedded, and what is wrong with those that cannot be."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa

from xbsql.session import image as run
from xbsql.session.session import Session
from xbsql.surface.arguments import Name, Values
from xbsql.surface.function import function

Blob = Annotated[pa.Array, Values("BLOB"), "the bytes of a file: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"]


@function("FLOAT[]", example="SELECT sku, xb.embed_image(photo) AS vec FROM (FROM photos_jp LIMIT 3)")
def embed_image(
    session: Session,
    blob: Blob,
    model: Annotated[
        Name,
        "'image', 'lite0', 'lite2', or 'vgg16:PATH' and 'resnet50:PATH' with a state dict of your own",
    ] = "image",
) -> pa.Array:
    """The vector of a picture, of length one: the inner product of two is how alike they look. 'image' has
    2,776 numbers, of two networks that come with the installation and of colours. NULL where there is no
    picture that can be read, see xb.image_info; how many there were, and why, is in xb.last_calls. The same
    bytes are looked at once.
    """
    return run.embed_image(session, blob, model)


@function(
    "STRUCT(format VARCHAR, width INTEGER, height INTEGER, frames INTEGER, problem VARCHAR)",
    example="SELECT sku, xb.image_info(photo).problem AS problem FROM photos_jp LIMIT 3",
)
def image_info(session: Session, blob: Blob) -> pa.Array:
    """What a file says of itself, and why it cannot be read: `problem` is NULL where it can. The first frame
    of an animated picture is read, what is transparent is white, a turned photo is turned back. NULL gives
    NULL.
    """
    return run.image_info(session, blob)
