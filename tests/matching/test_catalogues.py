"""Catalogues as sellers have them: blanks and placeholders, other sizes, copies, rows in any order."""

import random

import pyarrow as pa
import pytest

import xbsql
from xbsql.session.match import match, match_candidates
from xbsql.surface.duck import session_of

EN = [
    "olive oil", "green tea", "black coffee", "hand cream", "shampoo", "dog food", "cat litter",
    "paper towels", "LED bulb", "garden hose", "extension cable", "screwdriver set",
    "yoga mat", "water bottle", "lunch box",
    "baking tray", "desk lamp", "phone case", "rice", "pasta", "honey", "sunscreen", "toothpaste",
    "laundry detergent",
]  # fmt: skip
DE = [
    "Olivenöl", "grüner Tee", "schwarzer Kaffee", "Handcreme", "Shampoo", "Hundefutter", "Katzenstreu",
    "Küchenrollen", "LED-Lampe", "Gartenschlauch", "Verlängerungskabel", "Schraubendreher-Set", "Yogamatte",
    "Wasserflasche", "Brotdose", "Backblech", "Schreibtischlampe", "Handyhülle", "Reis", "Nudeln", "Honig",
    "Sonnencreme", "Zahnpasta", "Waschmittel",
]  # fmt: skip
SIZES = [
    "250 ml", "500 ml", "1 l", "2 m", "5 m", "10 m", "100 g", "200 g", "1 kg", "6 pcs", "12 pcs", "24 pcs",
]  # fmt: skip
BLANK = ["", " ", "-", "n/a", "unknown", "X", "null", "none", "tbd", "k.A.", "???", "\u00a0", None]


def sized():
    """120 products on both sides; of about half the right side has another size only."""
    rng = random.Random(2)
    left, right, same = [], [], []
    for brand in ("Aurora", "Belmont", "Corvin", "Delphi", "Estrel"):
        for en, de in zip(EN, DE, strict=True):
            size = rng.choice(SIZES)
            same.append(rng.random() >= 0.5)
            other = size if same[-1] else rng.choice([each for each in SIZES if each != size])
            left.append(f"{brand} {en} {size}")
            right.append(f"{brand} {de} {other}")
    return left, right, same


@pytest.fixture(scope="module")
def session():
    con = xbsql.connect()
    yield session_of("test", con)
    con.close()


def side(texts, block=None):
    return pa.table(
        {
            "text": pa.array(texts, pa.string()),
            "block": pa.nulls(len(texts)) if block is None else pa.array(block),
            "beside": pa.nulls(len(texts)),
        }
    )


def found(session, left, right, threshold=0.5, **more):
    """Pairs of places and their scores."""
    rows = match(session, side(left), side(right), threshold, None, **more).to_pylist()
    return {row["l"] - 1: (row["r"] - 1, row["score"]) for row in rows if row["r"] is not None}


@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_blanks_and_placeholders_match_nothing(session, threshold):
    left = ["red leather handbag", "wireless mouse", "garden hose 20 m", *BLANK]
    right = [*BLANK, "rote Lederhandtasche", "kabellose Maus", "Gartenschlauch 20 m"]
    chosen = found(session, left, right, threshold)
    assert all(a < 3 and b >= len(BLANK) for a, (b, _) in chosen.items())
    pairs = match_candidates(session, side(left), side(right))
    assert max(pairs["l"].to_pylist()) <= 3
    assert min(pairs["r"].to_pylist()) > len(BLANK)
    assert found(session, BLANK, BLANK, 0.0) == {}


def test_another_size_is_another_product(session):
    left, right, same = sized()
    chosen = found(session, left, right, 0.9)
    correct = sum(a == b and same[a] for a, (b, _) in chosen.items())
    assert correct >= 0.9 * sum(same)
    assert len(chosen) - correct <= 0.15 * len(chosen)


def test_placeholders_beside_products_match_none_of_them(session):
    left, right, _ = sized()
    chosen = found(session, [*left, "unknown", "X", "Set"], right)
    assert not {120, 121, 122} & chosen.keys()


def test_variants_are_one_product_where_one_says_so(session):
    left = [f"{name} 100 g" for name in EN]
    right = [f"{name} 250 g" for name in EN]
    assert found(session, left, right, 0.0) == {}
    chosen = found(session, left, right, 0.0, variants=True)
    assert sum(a == b for a, (b, _) in chosen.items()) >= 22
    assert len(match_candidates(session, side(left), side(right))) == 0
    columns = match_candidates(session, side(left), side(right), variants=True)
    assert set(columns["sizes"].to_pylist()) == {0.0}, "nobody looks at sizes"


def test_of_two_sizes_the_same_one_is_found(session):
    left = [f"{name} {size}" for name in EN for size in ("100 g", "1 kg")]
    right = [f"{name} {size}" for name in DE for size in ("1000 g", "0,1 kg")]
    chosen = found(session, left, right)
    assert all((a + b) % 2 for a, (b, _) in chosen.items()), "grams are the other place on the right"
    assert sum(a // 2 == b // 2 for a, (b, _) in chosen.items()) >= 0.7 * len(left)


def test_the_answer_is_the_same_in_any_order_of_rows(session):
    left, right, _ = sized()
    left, right = [*left, *left[:5], "tea"], [*right, *right[:9], "Tee"]
    rng = random.Random(0)
    expected = {(left[a], right[b], score) for a, (b, score) in found(session, left, right).items()}
    mixed = rng.sample(left, len(left)), rng.sample(right, len(right))
    again = {(mixed[0][a], mixed[1][b], score) for a, (b, score) in found(session, *mixed).items()}
    assert again == expected
    assert len(expected) > 20


def test_copies_are_assigned_one_to_one(session):
    left = [name for name in EN for _ in range(3)]
    right = [name for name in EN for _ in range(2)]
    chosen = found(session, left, right)
    partners = [b for b, _ in chosen.values()]
    assert len(set(partners)) == len(partners) == len(right)
    assert all(left[a] == right[b] for a, (b, _) in chosen.items())
    once = found(session, EN, EN)
    assert {left[a]: score for a, (_, score) in chosen.items()} == {
        EN[a]: score for a, (_, score) in once.items()
    }


def test_a_block_may_hold_no_row_of_the_other_side(session):
    own, other = side(EN, ["a"] * 24), side(EN, ["b"] * 12 + [None] * 12)
    assert match(session, own, other, 0.0, None)["r"].null_count == 24
    assert match(session, own, side(EN, ["a", "b"] * 12), 0.5, None)["r"].null_count == 12
