"""Pictures: embedded, and what is wrong with those that cannot be."""

from __future__ import annotations

from typing import Annotated, Any

import pyarrow as pa

from xbsql.session import image as run
from xbsql.session.session import Session
from xbsql.surface.arguments import DATA, Folder, Model, Name, Names, Rows, Share, Values, Whole
from xbsql.surface.function import function

Blob = Annotated[pa.Array, Values("BLOB"), "the bytes of a file: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"]


@function("FLOAT[]", example="SELECT sku, xb.embed_image(photo) AS vec FROM (FROM photos_jp LIMIT 3)")
def embed_image(
    session: Session,
    blob: Blob,
    model: Annotated[
        Name,
        "'image', 'lite0', 'lite2', or weights of your own: 'vgg16:PATH', 'resnet50:PATH', 'timm:FOLDER', "
        "'hub:OWNER/NAME'",
    ] = "image",
) -> pa.Array:
    """The vector of a picture, of length one: the inner product of two is how alike they look. 'image' has
    2,776 numbers, of two networks that come with the installation and of colours. NULL where there is no
    picture that can be read, see xb.image_info; how many there were, and why, is in xb.last_calls. The same
    bytes are looked at once.
    """
    return run.embed_image(session, blob, model)


@function(
    "FLOAT[]", example="SELECT sku, xb.embed_both('a red bag', photo) AS vec FROM (FROM photos_jp LIMIT 3)"
)
def embed_both(
    session: Session,
    text: Annotated[pa.Array, Values("VARCHAR"), "a text, such as a title"],
    blob: Blob,
    model: Annotated[Name, "what reads the picture, as of xb.embed_image"] = "image",
    share: Annotated[Share, "of the picture in the similarity of two rows, 0 to 1"] = 0.5,
) -> pa.Array:
    """The vector of a text and a picture side by side: for search, duplicates and joins by both. The cosine
    of two is the mean of the cosines of their texts and of their pictures, weighed by `share`. A part that is
    missing adds nothing; the metric 'dot' then counts it as unlike everything, while 'cosine', for which
    every vector has length one, counts the other part for more. NULL where both are missing.
    """
    return run.embed_both(session, text, blob, model, share)


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


@function(
    {"path": "VARCHAR", "rows": "BIGINT", "unread": "BIGINT", "right": "DOUBLE"},
    example="CALL xb.fit('kinds_us', icons_us, 'category', "
    "options := {'ignore': ['sku'], 'network': 'lite0'}); "
    "FROM xb.picture_sheet('kinds_us', photos_jp, 'pictures.html', home := icons_us)",
    action=True,
)
def picture_sheet(
    session: Session,
    model: Annotated[Model, "a model that reads pictures"],
    tbl: Annotated[pa.Table, Rows(), f"rows with the columns that it reads: {DATA}"],
    path: Annotated[Folder, "of the HTML file, which is replaced"],
    home: Annotated[
        pa.Table | None,
        Rows(optional=True),
        "the home market's rows: the most alike of them stands beside each",
    ] = None,
    n: Annotated[Whole, "how many pictures are shown, at most 2,000"] = 200,
) -> list[dict[str, Any]]:
    """Write pictures as one HTML page that fetches nothing: each with the label that the model gives it, how
    sure that is, the label it has (a wrong answer is red) and the home picture that is most alike, each side
    less its own mean; the least sure first. `unread` counts rows in which there is no picture that can be
    read, `right` is the share of the labelled rows that is answered right.
    """
    from xbsql.pages import pictures as page

    return [page.sheet(session, model, tbl, str(path), home, n)]


@function(
    {"network": "VARCHAR", "logme": "DOUBLE", "accuracy": "DOUBLE", "numbers": "BIGINT", "ms": "DOUBLE"},
    example="FROM xb.rank_networks(photos_jp, 'category', networks := ['lite0', 'lite2'])",
)
def rank_networks(
    session: Session,
    tbl: Annotated[pa.Table, Rows(), f"labelled pictures: {DATA}"],
    label: Annotated[Name, "the label column; rows where it is NULL are not looked at"],
    networks: Annotated[
        Names, "what to compare, as of the option `network`; NULL: those that are installed"
    ] = None,
) -> list[dict[str, Any]]:
    """Which network reads these pictures best, before anything is fitted; best first. `logme` is the log
    evidence a row that labels can be told from its vectors by a line (LogME: You et al., 2021); larger is
    better, and only differences say something. `accuracy` is that of the nearest mean of a class, with each
    picture's scene left out of it. `numbers` is the length of a vector, `ms` what a picture took now. The
    first column of pictures is read, at most 2,000 of its rows.
    """
    from xbsql.session import backbones

    return backbones.rank_networks(session, tbl, label, networks)
