"""Words, runs and clusters of titles, the tagger's sums over paths, and canonical forms."""

from __future__ import annotations

from itertools import chain, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.extraction.canonical import Canonical, sorts_of, spelled
from xbsql.extraction.clusters import clusters
from xbsql.extraction.sheet import sheet_of
from xbsql.extraction.sizes import spellings, systems
from xbsql.extraction.tagger import LEAST, Tagger, features, fit_tagger
from xbsql.extraction.titles import LAYERS, READ, joined, runs, titles_of
from xbsql.store.model import restore
from xbsql.tasks.extract.options import ExtractOptions


def wide(text):
    """The text in full-width characters."""
    return "".join(chr(ord(each) + 0xFEE0) for each in text)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=4))
def test_words_lie_in_their_title_and_a_run_stands_for_what_it_says(texts):
    titles = titles_of(texts)
    assert titles.first[-1] == len(titles.kind)
    number = runs(titles)
    for row, text in enumerate(texts):
        a, b = titles.first[row], titles.first[row + 1]
        assert (titles.stop[a:b] > titles.start[a:b]).all()
        assert (titles.start[a:b][1:] >= titles.stop[a:b][:-1]).all()
        for layer, (words, cut) in enumerate(LAYERS):
            if not cut and b - a >= words:
                assert number[layer, a] == joined(titles.hashes[a : a + words, 0])
                assert (number[layer, b - words + 1 : b] == 0).all()
        assert text[:READ].strip() == "" or b > a


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Men&#39;s", "men's"),
        (wide("50ML"), "50ml"),
        ("Größe", "GRÖSSE".replace("SS", "ß")),
        (wide("NAVY"), "navy"),
    ],
)
def test_width_case_and_entities_make_no_other_value(one, other):
    stand = [joined(titles_of([text]).hashes[:, 0]) for text in (one, other)]
    assert stand[0] == stand[1]


@pytest.mark.parametrize(
    ("title", "value", "said"),
    [
        ("Printed swim shorts", "Print", "Print"),
        ("Mens swim shorts", "Men", "Men"),
        ("ネイビー シャツ 綿", "綿", "綿"),
        ("shoes, EU 38", "EU 38", "EU 38"),
    ],
)
def test_a_value_is_found_in_its_title(title, value, said):
    sheet, unfound = sheet_of(
        titles_of([title]), ["x"], np.zeros(1, np.int64), np.zeros(1, np.int64), [value]
    )
    assert sum(unfound) == 0
    words, cut = LAYERS[sheet.layer[0]]
    titles, at = sheet.titles, sheet.word[0]
    assert title[titles.start[at] : titles.stop[at + words - 1] - cut] == said


def test_a_value_that_is_the_whole_title_is_left_out():
    sheet, unfound = sheet_of(
        titles_of(["red cap", "red cap."]), ["x"], np.arange(2), np.zeros(2, np.int64), ["red cap", "red cap"]
    )
    assert unfound.whole == 2
    assert not len(sheet.value)


def none_of(titles):
    """No meaning of any word."""
    return np.zeros((len(titles.kind), 0), np.int64)


def test_the_tagger_sums_over_all_paths():
    """Against the sum over every path of labels, one by one."""
    titles, count = titles_of(["a b c d", "e f"]), 2
    draw = np.random.default_rng(0)
    keys = np.unique(features(titles, none_of(titles)))
    size = 1 + 2 * count
    tagger = Tagger(keys, draw.normal(size=(len(keys), size)), draw.normal(size=(size, size)))
    found = tagger.spans(titles, none_of(titles))
    place = np.searchsorted(keys, features(titles, none_of(titles)))
    emission = tagger.weights[place].sum(axis=1)
    for row in range(2):
        a, b = titles.first[row], titles.first[row + 1]
        length = int(b - a)
        total, expected = 0.0, np.zeros((length, length, count))
        for path in product(range(size), repeat=length):
            weight = sum(emission[a + t, y] for t, y in enumerate(path))
            weight = np.exp(weight + sum(tagger.moves[p, q] for p, q in pairwise(path)))
            total += weight
            for t, y in enumerate(path):
                if 1 <= y <= count:
                    end = t + 1
                    while end < length and path[end] == y + count:
                        end += 1
                    expected[end - t - 1, t, y - 1] += weight
        for k in range(length):
            share = expected[k, : length - k] / total
            seen = found[k, a : b - k]
            np.testing.assert_allclose(seen, np.where(share > LEAST, share, seen), rtol=1e-9)
            assert (seen <= share * (1 + 1e-9)).all()


def test_a_tagger_learns_and_lives_again():
    titles = titles_of(["red cap", "blue hat", "red hat", "green cap"] * 5)
    labels = np.tile([1, 0], 20)
    tagger = fit_tagger(titles, none_of(titles), labels, 1)
    fresh = titles_of(["red hat"])
    spans = tagger.spans(fresh, none_of(fresh))
    assert spans[0, 0, 0] > 0.8
    assert spans[0, 1, 0] < 0.3
    again = restore(tagger.state())
    none = none_of(titles)
    np.testing.assert_array_equal(again.spans(titles, none), tagger.spans(titles, none))


def test_titles_that_nearly_repeat_one_another_are_one_cluster():
    texts = [
        "Nike Air Zoom Pegasus running shoes for men, black mesh upper, size 42",
        "Nike Air Zoom Pegasus running shoes for men, black mesh upper, size 43",
        "Ceramic teapot with bamboo handle and infuser basket, 800 ml",
        "Wool scarf with fringes, hand made in Scotland, tartan pattern",
    ]
    found = clusters(titles_of(texts + [f"thing number {i} of kind {i * 7}" for i in range(20)]))
    assert found[0] == found[1]
    assert len({found[0], found[2], found[3]}) == 3


@pytest.mark.parametrize(
    ("attribute", "values", "form"),
    [
        ("Color", ["navy", "Marineblau", "ネイビー", "Nautical Navy", "azul marino", "深蓝色"], "navy"),
        ("Farbe", [wide("BLACK"), "schwarz", "noir"], "black"),
        ("素材", ["本革", "leather", "cuir", "100% Leather"], "leather"),
        ("Gender", ["Men&#39;s", "Herren", "メンズ", "uomo"], "men"),
        ("Pack size", ["12-pack", "12er-Set", "12入り", "pack of 12"], "12 pieces"),
        ("Net content", ["2 kg", "2000 g", wide("2kg")], "2 kg"),
        ("Size", ["UK 5", "us 7.5", "EU 38"], "EU 38"),
        ("Brand Name", ["NIKE", "Nike", wide("nike")], "nike"),
        ("Color", ["Black/White", "???", ""], None),
        ("Shoe width", ["M", "2 kg"], None),
    ],
)
def test_one_form_for_all_markets(attribute, values, form):
    own = {"Size": {"EU 38": ["UK 5", "US 7.5"]}}
    tables = Canonical(sorts_of([attribute]), own, ("Brand Name",), ("Shoe width",))
    assert [restore(tables.state()).of(attribute, value) for value in values] == [form] * len(values)


@pytest.mark.parametrize(
    ("system", "values", "form"),
    [
        ("women shoes", ["UK 5", "US 7.5", "EU 38", "38 EU", "uk5", "Size US 7.5", "DE 38"], "EU 38"),
        ("men shoes", ["UK 10", "US 11", "US11", "EU 44.5"], "EU 44.5"),
        ("women clothes", ["UK 10", "US 6", "FR 40", "IT 44"], "EU 38"),
        ("men clothes", ["UK 40", "US 40", "IT 50"], "EU 50"),
        ("women shoes", ["38", "UK 99", "UK 5.25", "UK 5 / UK 6", "UK 5-6"], None),
    ],
)
def test_a_size_is_read_by_the_system_that_it_names(system, values, form):
    chosen = ExtractOptions.of("xb.fit", {"canonical": {"size": system}})
    tables = Canonical({}, chosen.canonical)
    assert [tables.of("size", value) for value in values] == [form] * len(values)


@pytest.mark.parametrize("system", systems())
def test_no_size_of_a_system_is_two(system):
    written = [spelled(each) for each in chain(*spellings(system).values())]
    forms = {each: form for form, names in spellings(system).items() for each in map(spelled, names)}
    tables = Canonical({}, {"size": spellings(system)})
    assert len(set(written)) == len(forms)
    assert all(tables.of("size", each) == form for each, form in forms.items())


def test_a_system_that_there_is_not_names_those_that_there_are():
    with pytest.raises(XbsqlError, match="one of men clothes, men shoes, women clothes, women shoes"):
        ExtractOptions.of("xb.fit", {"canonical": {"size": "shoes"}})
