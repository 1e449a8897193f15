"""The sample catalogue: one product in six languages, in titles as shops write them."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import xbsql.sample
from xbsql.errors import XbsqlError
from xbsql.sample import catalog, categories, make
from xbsql.sample.sizes import canonical, ways
from xbsql.sample.vocabulary import LANGUAGES, features, kinds, shops, words

SAME = ("category", "brand", "colour", "material", "size")


@pytest.fixture(scope="module")
def rows():
    return catalog().to_pylist()


def test_the_shipped_catalogue_is_what_the_words_give():
    shipped = Path(xbsql.sample.__file__).with_name("catalogue.csv").read_text(encoding="utf-8")
    assert make.catalogue() == shipped


def test_another_seed_gives_other_titles():
    assert make.catalogue(seed=1, number=20) != make.catalogue(seed=2, number=20)


def test_every_product_is_sold_in_every_market(rows):
    products = {row["product_id"] for row in rows}
    assert len(products) >= 600
    assert len(rows) == len(products) * len(shops())
    assert len({(row["product_id"], row["market"]) for row in rows}) == len(rows)
    assert len({row["category"] for row in rows}) >= 12


def test_a_product_is_the_same_in_every_market(rows):
    same = ("category", "brand", "colour", "material", "size")
    assert len({(row["product_id"], *(row[name] for name in same)) for row in rows}) == len(rows) // len(
        shops()
    )


def test_nothing_is_empty_and_missing_attributes_are_null(rows):
    for name in ("product_id", "category", "brand", "market", "lang", "currency", "title"):
        assert all(row[name] and row[name] == row[name].strip() for row in rows)
    for name in ("colour", "material", "size"):
        missing = sum(row[name] is None for row in rows) / len(rows)
        assert 0.02 < missing < 0.6
        assert not any(row[name] == "" for row in rows)


def test_no_two_products_share_a_title_in_a_language(rows):
    assert len({(row["lang"], row["title"]) for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("language", "script", "least"),
    [
        ("ja", "[\u3040-\u30ff]", 0.85),
        ("zh", "[\u4e00-\u9fff]", 0.97),
        ("en", "[a-z]", 0.9),
        ("de", "[a-z]", 0.9),
    ],
)
def test_titles_are_in_their_language_s_script(rows, language, script, least):
    titles = [row["title"] for row in rows if row["lang"] == language]
    assert np.mean([bool(re.search(script, title)) for title in titles]) >= least
    kana = [title for title in titles if re.search("[\u3040-\u30ff]", title)]
    assert not kana or language == "ja"


def test_titles_are_clean(rows):
    """No slot left open, no bracket left empty, no separator left alone, no part of a pattern left over."""
    left = r"[{}<>]|\(\s*\)|\[\s*\]|【\s*】|,\s*,|\|\s*\||\s{2}|^[\s,|/-]|[\s,|/]$|\(,|,\)"
    assert [row["title"] for row in rows if re.search(left, row["title"])] == []


def test_titles_of_a_language_follow_many_patterns(rows):
    for language in LANGUAGES:
        titles = [row["title"] for row in rows if row["lang"] == language]
        shapes = {re.sub(r"[^\W_]+", "w", title) for title in titles}
        assert len(shapes) >= 50


def test_prices_carry_the_currency_of_their_market_and_suit_it(rows):
    currency = {shop.market: shop.currency for shop in shops()}
    at_home = {row["product_id"]: row["price"] for row in rows if row["market"] == "US"}
    per_dollar = {shop.market: shop.per_dollar * shop.level for shop in shops()}
    for row in rows:
        assert row["currency"] == currency[row["market"]]
        ratio = row["price"] / at_home[row["product_id"]] / per_dollar[row["market"]]
        assert 0.5 < ratio < 2.0
        assert row["currency"] != "JPY" or row["price"] == int(row["price"])


@pytest.mark.parametrize("languages", [["ja"], ["de", "en"], []])
def test_languages_choose_rows(languages):
    chosen = catalog(languages)
    assert set(chosen["lang"].to_pylist()) == set(languages)
    assert chosen.schema == catalog().schema


def test_an_unknown_language_is_one_clear_line():
    with pytest.raises(XbsqlError, match=r"xbsql.sample.catalog: no language 'sv'; there is en, de"):
        catalog(["en", "sv"])


def test_categories_have_a_name_in_every_language(rows):
    named = categories().to_pylist()
    assert {row["category"] for row in named} == {row["category"] for row in rows}
    assert len(named) == len({(row["category"], row["lang"]) for row in named}) == 14 * len(LANGUAGES)


def test_words_are_whole_in_every_language():
    tables = [words("colours", "colour"), words("materials", "material"), words("sizes", "unit")]
    said = [w for known in tables for w in known.values()] + [kind.nouns for kind in kinds()]
    said += list(itertools.chain(*(features(kind.category, kind.nouns["en"]) for kind in kinds())))
    assert all(
        variant == variant.strip() != "" for entry in said for word in entry.values() for variant in word
    )
    assert len({(kind.category, kind.nouns["en"][0]) for kind in kinds()}) == len(kinds())


@pytest.mark.parametrize(
    ("unit", "value", "language", "written"),
    [
        ("cm", "28", "en", "11 inch"),
        ("cm", "28", "zh", "28厘米"),
        ("cmxcm", "135x200", "en", "53x79 in"),
        ("l", "1.5", "de", "1,5 l"),
        ("l", "1.5", "ja", "1.5リットル"),
        ("shoe", "42", "ja", "26.5cm"),
        ("shoe", "38", "en", "US 7.5"),
        ("kg", "10", "en", "22 lb"),
        ("ml", "350", "en", "12 oz"),
        ("c", "-5", "en", "23F"),
    ],
)
def test_a_size_is_written_as_its_market_writes_it(unit, value, language, written):
    assert written in ways(unit, value, language)


def test_a_canonical_size_is_the_same_everywhere():
    assert canonical("shoe", "42") == "42 EU"
    assert canonical("apparel", "M") == "M"
