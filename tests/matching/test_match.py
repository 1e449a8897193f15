"""Matches are one to one, found across languages, and NULL where nothing is the same thing."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

import xbsql
from xbsql.harmonise.assignment import assigned
from xbsql.matching.columns import KNOWN_COLUMNS
from xbsql.matching.pairs import Matches
from xbsql.matching.tokens import Tokens, distinct
from xbsql.matching.translation import translated

HOME = [
    "red running shoes", "blue cotton shirt", "green tea", "black leather belt", "white kitchen table",
    "garden hose", "baby pram", "desk lamp",
]  # fmt: skip
ABROAD = [
    "rote Laufschuhe", "blaues Baumwollhemd", "grüner Tee", "schwarzer Ledergürtel", "weißer Küchentisch",
    "Gartenschlauch",
]  # fmt: skip
PAIRS = "lid := id, ltext := title, rid := id, rtext := title"


@pytest.fixture
def con(tmp_path):
    con = xbsql.connect(tmp_path / "shop.duckdb")
    con.register("home_rows", pa.table({"id": range(len(HOME)), "title": HOME, "kind": ["a", "b"] * 4}))
    abroad = [f"de{row}" for row in range(len(ABROAD))]
    con.register("abroad_rows", pa.table({"id": abroad, "title": ABROAD, "kind": ["a", "b"] * 3}))
    con.execute("CREATE TABLE home AS FROM home_rows")
    con.execute("CREATE TABLE abroad AS FROM abroad_rows")
    yield con
    con.close()


def test_translations_find_each_other_one_to_one(con):
    rows = con.sql(f"FROM xb.match(abroad, home, {PAIRS}, threshold := 0)").fetchall()
    assert [row[:2] for row in rows] == [(f"de{row}", row) for row in range(len(ABROAD))]
    assert all(0 <= score <= 1 for *_, score in rows)


def test_what_is_less_likely_than_the_threshold_is_null(con):
    con.execute("INSERT INTO abroad VALUES ('de8', NULL, 'a'), ('de9', 'Zahnarztbesuch', 'a')")
    every = con.sql(f"FROM xb.match(abroad, home, {PAIRS}, threshold := 0)").fetchall()
    scores = {left: score for left, _, score in every if score is not None}
    assert scores["de9"] < max(scores.values()), "nothing at home is a visit to the dentist"
    rows = con.sql(f"FROM xb.match(abroad, home, {PAIRS}, threshold := 0.9)").fetchall()
    assert len(rows) == len(ABROAD) + 2
    assert ("de8", None, None) in rows
    assert ("de9", None, None) in rows
    assert all((other is None) == (score is None) for _, other, score in rows)
    assert {left for left, _, score in rows if score is not None} == {
        left for left, score in scores.items() if score >= 0.9
    }
    assert any(score is not None for *_, score in rows)


def test_every_left_row_comes_back_and_no_right_row_comes_twice(con):
    con.execute("INSERT INTO home SELECT id + 100, title, kind FROM home")
    rows = con.sql(f"FROM xb.match(home, abroad, {PAIRS}, threshold := 0)").fetchall()
    assert sorted(row[0] for row in rows) == sorted([*range(8), *range(100, 108)])
    partners = [row[1] for row in rows if row[1] is not None]
    assert len(partners) == len(set(partners)) == len(ABROAD)


def test_blocks_are_never_crossed(con):
    con.execute("UPDATE home SET kind = 'b' WHERE id = 0")
    rows = con.sql(f"FROM xb.match_candidates(abroad, home, {PAIRS}, block := kind)").fetchall()
    assert ("de0", 0) not in [row[:2] for row in rows]
    kinds = {left: int(left[2:]) % 2 for left, *_ in rows}
    assert all(kinds[left] == (1 if right == 0 else right % 2) for left, right, *_ in rows)
    con.execute("UPDATE home SET kind = NULL WHERE id = 2")
    rows = con.sql(f"FROM xb.match_candidates(abroad, home, {PAIRS}, block := kind)").fetchall()
    assert 2 not in [right for _, right, *_ in rows]


def test_columns_may_have_the_names_of_arguments(con):
    own = "id AS text, title AS id, kind AS beside, id AS item, title AS _text"
    for name in ("home", "abroad"):
        con.execute(f"CREATE TABLE odd_{name} AS SELECT {own} FROM {name}")
    swapped = "lid := text, ltext := id, rid := item, rtext := _text"
    odd = con.sql(f"FROM xb.match(odd_abroad, odd_home, {swapped}, block := beside)").fetchall()
    assert odd == con.sql(f"FROM xb.match(abroad, home, {PAIRS}, block := kind)").fetchall()


def test_python_and_sql_agree(con):
    sql = con.sql(f"FROM xb.match(abroad, home, {PAIRS})").to_arrow_table()
    assert xbsql.match(con, "abroad", "home", "id", "title", "id", "title").to_pylist() == sql.to_pylist()
    sql = con.sql(f"FROM xb.match_candidates(abroad, home, {PAIRS}, block := kind)").to_arrow_table()
    twin = xbsql.match_candidates(con, "abroad", "home", "id", "title", "id", "title", "kind")
    assert twin.to_pylist() == sql.to_pylist()
    assert twin.column_names == ["lid", "rid", *KNOWN_COLUMNS]


def test_a_scorer_of_ones_own_is_an_ordinary_model(con):
    con.execute(
        f"""CREATE TABLE pairs AS SELECT * EXCLUDE (lid, rid), lid[3:]::INT = rid AS same
            FROM xb.match_candidates(abroad, home, {PAIRS})"""
    )
    con.sql("CALL xb.fit('pairs', pairs, 'same')").fetchall()
    rows = con.sql(f"FROM xb.match(abroad, home, {PAIRS}, model := 'pairs', threshold := 0.3)").fetchall()
    found = [(left, right) for left, right, _ in rows if right is not None]
    assert len(found) >= 4
    assert all(int(left[2:]) == right for left, right in found)


@pytest.mark.parametrize("seed", range(5))
def test_the_assignment_is_the_best_there_is(seed):
    rng = np.random.default_rng(seed)
    odds = rng.normal(size=(7, 9))
    i, j = np.nonzero(rng.random(odds.shape) < 0.6)
    chosen = assigned(i, j, odds[i, j], -0.5, odds.shape)
    gain = np.zeros((7, 9 + 7))
    gain[i, j] = np.maximum(odds[i, j] + 0.5, 0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    picked = chosen[chosen >= 0]
    assert np.isclose((odds[i, j][picked] + 0.5).sum(), gain[rows, columns].sum())
    assert len(set(i[picked].tolist())) == len(set(j[picked].tolist())) == len(picked)
    assert (odds[i, j][picked] >= -0.5).all()


def test_nothing_to_choose_from_is_nothing_chosen():
    nothing = np.empty(0, np.int64)
    assert assigned(nothing, nothing, np.empty(0), 0.0, (3, 2)).tolist() == [-1, -1, -1]


def test_words_are_learned_from_other_matches_only():
    left = Tokens.split([["rot", "hemd"], ["rot", "tee"], ["blau", "hemd"], ["hut"]])
    right = Tokens.split([["red", "shirt"], ["red", "tea"], ["blue", "shirt"], ["hat"]])
    pairs = np.arange(4)
    taught = translated(left, right, Matches(pairs, np.ones(4)), pairs, pairs)
    assert (taught[:3, 0] > 0.2).all(), "each word but one is confirmed by another match"
    assert taught[3].tolist() == [0.0, 0.0, -1.0, -1.0], "a match says nothing for itself"
    wrong = translated(left, right, Matches(pairs, np.ones(4)), np.array([0]), np.array([3]))
    assert wrong[0, 0] < taught[0, 0]


def test_scripts_without_spaces_come_apart():
    tokens = Tokens.of(["赤いシャツ", "赤い帽子", "red shirt", ""])
    assert {"赤い", "red", "shirt", "?"} <= set(tokens.words)
    assert (tokens.rows[0] >= 0).sum() == 4


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "FROM xb.match(home, abroad, lid := id, ltext := id, rid := id, rtext := title)",
            "cast it to VARCHAR",
        ),
        (f"FROM xb.match(home, abroad, {PAIRS}, threshold := 2)", "threshold is 2.0; give a probability"),
        (f"FROM xb.match(home, abroad, {PAIRS}, model := 'nope')", "no model 'nope'"),
    ],
)
def test_a_mistake_is_one_clear_line(con, query, message):
    with pytest.raises(duckdb.Error, match=message):
        con.sql(query).fetchall()


def test_an_empty_side_matches_nothing(con):
    con.execute("CREATE TABLE nobody AS FROM home LIMIT 0")
    rows = con.sql(f"FROM xb.match(abroad, nobody, {PAIRS})").fetchall()
    assert [row[1:] for row in rows] == [(None, None)] * len(ABROAD)
    assert con.sql(f"FROM xb.match(nobody, home, {PAIRS})").fetchall() == []


THINGS = {
    "frying pan": "Bratpfanne", "desk lamp": "Schreibtischlampe", "backpack": "Rucksack", "pillow": "Kissen",
    "phone case": "Handyhülle", "garden hose": "Gartenschlauch", "tea pot": "Teekanne", "mug": "Becher",
}  # fmt: skip


def test_what_is_there_in_another_size_only_is_not_matched_to_another_thing(con):
    """The right counterpart is barred by its size; a thing of the same brand and size must not step in."""
    titles = [(f"{brand} {own} 60 ml", f"{brand} {theirs} 2 l") for brand in ("Veltro", "Pinto")
              for own, theirs in THINGS.items()]  # fmt: skip
    other = [f"{brand} {theirs} 60 ml" for brand in ("Veltro", "Pinto") for theirs in ("Löffel", "Uhr")]
    con.register("ours", pa.table({"id": range(len(titles)), "title": [own for own, _ in titles]}))
    con.register("theirs", pa.table({"id": range(len(titles) + 4), "title": [t for _, t in titles] + other}))
    found = con.sql(f"FROM xb.match(ours, theirs, {PAIRS}, threshold := 0.9)").fetchall()
    assert [right for _, right, _ in found] == [None] * len(titles)
    con.execute(
        "CREATE TABLE alike AS SELECT id, replace(title, '2 l', '0.06 l') AS title "
        f"FROM theirs WHERE id < {len(titles)}"
    )
    same = con.sql(f"FROM xb.match(ours, alike, {PAIRS}, threshold := 0.5)").fetchall()
    assert sum(left == right for left, right, _ in same) >= 0.75 * len(titles)


@given(st.lists(st.lists(st.integers(-1, 7), min_size=3, max_size=3), max_size=8))
def test_distinct_words_are_those_of_unique(rows):
    words = np.array(rows, np.int64).reshape(-1, 3)
    found, places = distinct(words, 8)
    np.testing.assert_array_equal(found, np.unique(words))
    np.testing.assert_array_equal(found[places], words)
