"""Columns of two tables: what is aligned, by what, and what is left alone."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.features.encoder import encoder
from xbsql.features.text import embed_texts
from xbsql.harmonise.align import align, likeness, overlap, renames
from xbsql.harmonise.profile import Profile, profiles

HOME = ["shipment date", "net price", "gross weight", "product category", "ordered units", "shipping company"]
KINDS = ["date", "number", "number", "text", "number", "text"]
ABROAD = {
    "it": "data di spedizione, prezzo netto, peso lordo, categoria prodotto, unità ordinate, corriere",
    "nl": "verzenddatum, nettoprijs, brutogewicht, productcategorie, bestelde eenheden, vervoerder",
    "pl": "data wysyłki, cena netto, waga brutto, kategoria produktu, zamówione sztuki, kurier",
    "ko": "배송일, 순가격, 총중량, 제품 카테고리, 주문 수량, 배송 회사",
}


def side(names, kinds):
    return {name: Profile(name, kind) for name, kind in zip(names, kinds, strict=True)}


def found(source, target, encode):
    return {pair.source: (pair.target, pair.how) for pair in align(source, target, encode) if pair.how}


def nothing(texts):
    """An encoder to which no two texts are alike."""
    seeds = [int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) for text in texts]
    rows = np.stack([np.random.default_rng(seed).normal(size=512) for seed in seeds])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def meaning(texts):
    return embed_texts(list(texts), encoder())


@pytest.mark.parametrize("language", ABROAD)
def test_columns_of_another_language_are_found_and_none_is_wrong(language):
    pairs = found(side(HOME, KINDS), side(ABROAD[language].split(", "), KINDS), meaning)
    truth = dict(zip(HOME, ABROAD[language].split(", "), strict=True))
    assert all(truth[name] == other for name, (other, _) in pairs.items())
    assert len(pairs) >= 3


def test_a_column_without_a_partner_stays_alone():
    target = side(["gewicht", "lieferantenbewertung", "haltbarkeit"], ["number"] * 3)
    pairs = align(side(["weight", "colour"], ["number", "text"]), target, meaning)
    assert [(pair.source, pair.target) for pair in pairs] == [
        ("weight", "gewicht"), ("colour", None), (None, "lieferantenbewertung"), (None, "haltbarkeit"),
    ]  # fmt: skip
    assert pairs[1].score is None
    assert pairs[2].score is not None


@pytest.mark.parametrize(
    ("ours", "how"),
    [
        ("weight_kg", "name"), ("Weight KG", "normalised name"), ("weightKg", "normalised name"),
        ("weight_lb", "normalised name"), ("WEIGHT", "normalised name"), ("wéight_kg", "normalised name"),
    ],
)  # fmt: skip
def test_names_that_are_one_but_for_how_they_are_written(ours, how):
    pairs = found(side(["weight_kg"], ["number"]), side([ours], ["number"]), nothing)
    assert pairs == {"weight_kg": (ours, how)}


def test_a_name_that_two_columns_share_is_not_guessed():
    target = side(["Weight KG", "weight_lb"], ["number"] * 2)
    assert found(side(["weight"], ["number"]), target, nothing) == {}
    rivals = side(["net weight", "weight net"], ["number"] * 2)
    assert found(side(["gewicht netto"], ["number"]), rivals, meaning) == {}


def test_columns_of_another_kind_are_never_aligned():
    assert found(side(["weight"], ["number"]), side(["Weight"], ["text"]), meaning) == {}
    assert found(side(["weight"], ["number"]), side(["gewicht"], ["date"]), meaning) == {}
    assert found(side(["photo"], ["blob"]), side(["Photo"], ["text"]), meaning) == {}
    dates, digits = ({"day": column(values, "day")} for values in (["2-Jun-06", "3-Jul-07"], ["3", "4.5"]))
    assert found(dates, {"Day": digits["day"]}, meaning) == {}


names = st.lists(st.text("ab_ C", min_size=1, max_size=4), max_size=6, unique=True)


@settings(deadline=None)
@given(names, names, st.randoms())
def test_every_column_is_said_once_and_the_pairs_are_one_to_one(theirs, ours, random):
    kinds = ["number", "text", "date"]
    source = {name: Profile(name, random.choice(kinds)) for name in theirs}
    target = {name: Profile(name, random.choice(kinds)) for name in ours}
    pairs = align(source, target, nothing)
    assert [pair.source for pair in pairs if pair.source is not None] == theirs
    assert sorted(pair.target for pair in pairs if pair.target is not None) == sorted(ours)
    assert all(name not in source for name in renames(pairs))


def column(values, name="c"):
    return profiles(pa.table({name: values}))[name]


def test_values_speak_for_texts_they_share_and_for_numbers_of_one_range():
    modes, other = column(["air", "sea", "road"] * 9), column(["air", "sea", "road", "rail"] * 9)
    words, binary = column(["rot", "blau", "gelb"]), column(["yes", "no"] * 9)
    assert overlap(modes, modes) == pytest.approx(1)
    assert likeness(0.3, modes, other) > 0.5 > likeness(0.3, modes, words) == 0.3
    assert likeness(0.3, binary, binary) == 0.3
    small, large = column([float(i) for i in range(1, 99)]), column([1e4 + i for i in range(99)])
    assert overlap(small, small) == 1
    assert overlap(small, large) == 0
    assert likeness(0.8, small, small) > 0.8 > likeness(0.8, small, large)


@pytest.mark.parametrize("values", [pa.nulls(3), pa.array([[1]] * 3), pa.array([], pa.string())])
def test_columns_without_values_have_a_profile(values):
    assert overlap(column(values), column(values)) is None
