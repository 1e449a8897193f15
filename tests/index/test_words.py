"""By words and by meaning: across languages the vectors decide, within one the words add what they know."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import xbsql
from xbsql import sample
from xbsql.index.lexical import Postings, ceiling, rarity

PRODUCTS = 150


def titles(catalog, lang, ids):
    rows = catalog.filter(pc.equal(catalog["lang"], lang))
    known = dict(zip(rows["product_id"].to_pylist(), rows["title"].to_pylist(), strict=True))
    return [known[each] for each in ids]


@pytest.fixture(scope="module")
def market():
    catalog = sample.catalog()
    ids = sorted(set(catalog.filter(pc.equal(catalog["lang"], "en"))["product_id"].to_pylist()))[:PRODUCTS]
    with xbsql.connect() as con:
        home = pa.table({"id": ids, "title": titles(catalog, "en", ids)})
        xbsql.build_index(con, "home", home, "id", text="title")
        yield con, catalog, ids


def first(con, search, queries, ids, index="home"):
    """Share of the queries whose own product comes first."""
    hits = search(con, index, pa.array(queries), 1).to_pylist()
    own = zip(hits, ids, strict=True)
    return np.mean([bool(found) and found[0]["id"] == str(each) for found, each in own])


@pytest.mark.parametrize("lang", ["de", "ja"])
def test_across_languages_nothing_is_lost_to_meaning_alone(market, lang):
    con, catalog, ids = market
    queries = titles(catalog, lang, ids)
    both, meaning = (first(con, search, queries, ids) for search in (xbsql.search_text, xbsql.search))
    assert both >= meaning - 0.01


def test_within_a_language_words_find_what_has_no_meaning(market):
    con, *_ = market
    generator = np.random.default_rng(0)
    codes = [f"{a}{b}-{number}" for a, b, number in zip(
        generator.choice(list("ABCDEFG"), 60), generator.choice(list("HJKLMNP"), 60),
        generator.permutation(9_000)[:60] + 1_000, strict=True)]  # fmt: skip
    rows = pa.table({"id": codes, "title": [f"Fast charging cable for phones {code}" for code in codes]})
    xbsql.build_index(con, "codes", rows, "id", text="title")
    asked = [code.lower().replace("-", " ") for code in codes]
    both = first(con, xbsql.search_text, asked, codes, "codes")
    meaning = first(con, xbsql.search, asked, codes, "codes")
    assert both == 1.0 > meaning


def test_scores_say_what_they_are_made_of(market):
    con, catalog, ids = market
    own = titles(catalog, "en", ids[:1])[0]
    best = xbsql.search_text(con, "home", pa.array([own]), PRODUCTS).to_pylist()[0]
    assert best[0]["score"] == pytest.approx(1.5, abs=0.01)
    assert [hit["score"] for hit in best] == sorted((hit["score"] for hit in best), reverse=True)
    assert xbsql.search_text(con, "home", pa.array(["zzqx 9"]), 1).to_pylist()[0][0]["score"] < 1


def test_a_text_reaches_its_own_ceiling():
    texts = ["usb c cable 2 m", "red shoes", "red red wine", "oak table"]
    postings = Postings.of(texts)
    inverted, mean = postings.inverted(), float(postings.counts.sum(axis=1).mean())
    for row in range(len(texts)):
        terms = postings.counts[row].indices.astype(np.int64)
        worth = rarity(len(texts), inverted.start[terms + 1] - inverted.start[terms])
        found = inverted.scores(terms, worth, mean)[row]
        assert found == pytest.approx(ceiling(worth, postings.counts[row].data, mean), rel=1e-5)
