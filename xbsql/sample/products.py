"""The sample catalogue: 720 products with the titles of shops in six markets, as Arrow tables."""

from __future__ import annotations

import io
from importlib.resources import files
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import compute, csv

from xbsql.errors import unknown
from xbsql.sample.vocabulary import LANGUAGES, words

if TYPE_CHECKING:
    from collections.abc import Sequence

CATALOG_SCHEMA = pa.schema(
    [
        ("product_id", pa.string()),
        ("category", pa.string()),
        ("brand", pa.string()),
        ("colour", pa.string()),
        ("material", pa.string()),
        ("size", pa.string()),
        ("market", pa.string()),
        ("lang", pa.string()),
        ("price", pa.float64()),
        ("currency", pa.string()),
        ("title", pa.string()),
    ]
)


def catalog(languages: Sequence[str] | None = None) -> pa.Table:
    """The sample catalogue, one row a product and market.

    The products are invented; the titles say the same of one product in every language, each with the gaps,
    synonyms and habits of its market's shops. `python -m xbsql.sample.make` writes it, from words/*.csv.

    Args:
        languages: which of en, de, fr, es, ja, zh; None for all six.

    Returns:
        product_id string 'P0001'; category string, one of 14 codes; brand string; colour and material string,
        codes that are the same in every market, NULL where the product has none; size string, metric or
        European ('28 cm', '42 EU'), NULL where it has none; market string, ISO country; lang string; price
        float64, in currency string; title string. Sorted by product_id; within it US, DE, FR, ES, JP, CN.

    Raises:
        XbsqlError: a language that the catalogue does not have.
    """
    for language in languages or ():
        if language not in LANGUAGES:
            raise unknown("xbsql.sample.catalog", "language", language, LANGUAGES)
    whole = csv.read_csv(
        io.BytesIO(files("xbsql.sample").joinpath("catalogue.csv").read_bytes()),
        convert_options=csv.ConvertOptions(column_types=CATALOG_SCHEMA, strings_can_be_null=True),
    )
    if languages is None:
        return whole
    return whole.filter(compute.is_in(whole["lang"], pa.array(languages, pa.string())))


def categories() -> pa.Table:
    """The names of the catalogue's categories: category string, lang string, name string; 14 x 6 rows."""
    rows = [
        {"category": category, "lang": language, "name": names[0]}
        for category, by_language in words("categories", "category").items()
        for language, names in by_language.items()
    ]
    return pa.Table.from_pylist(rows)
