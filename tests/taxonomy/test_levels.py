"""Labels as paths: one spelling whatever they are written like, and what is wrong with them is said."""

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.taxonomy.levels import Levels, read_labels

NAMES = st.text("abcn/-", min_size=1, max_size=3).filter(lambda name: name.strip("-/"))


def read(values, levels, **columns):
    table = pa.table({"title": ["t"] * len(values), **columns, "label": pa.array(values)})
    found = read_labels("xb.fit", table, "label", Levels.of(levels))
    return found.table["label"].to_pylist(), found.notes


PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=4), min_size=1, max_size=6)


@given(PATHS, st.sampled_from([">", " > ", "  >"]))
def test_blanks_around_a_separator_change_nothing_and_reading_again_neither(paths, separator):
    paths = [*paths, ["a", "b"]]
    labels = [" > ".join(path) for path in paths]
    found, notes = read([separator.join(path) for path in paths], " > ")
    known, _ = read(labels, " > ")
    assert found == known
    assert read(found, " > ")[0] == found
    assert not notes
    for label in filter(None, found):
        nodes = Levels.of(" > ").path(label)
        assert nodes[-1] == label
        assert all(below.startswith(above + " > ") for above, below in pairwise(nodes))


def test_a_label_that_skips_a_level_is_read_down_to_the_gap_and_said():
    found, notes = read(["a > b > c", "a >  > c", "a > b > ", None, "", "n/a"], " > ")
    assert found == ["a > b > c", "a", "a > b", None, None, None]
    assert notes == ("labels of 1 rows skip a level ('a >  > c'): they are read down to the gap",)


def test_a_column_a_level_is_one_path():
    columns = {"first": ["a", "a", "b"], "second": ["s", "t", None]}
    found, notes = read(["boots", None, "x"], ["first", "second", "label"], **columns)
    assert found == ["a > s > boots", "a > t", "b"]
    assert len(notes) == 1
    assert "skip a level" in notes[0]


@pytest.mark.parametrize(
    ("values", "expected", "said"),
    [
        (["0101", "101", "64"], ["0101", "0101", "64"], "lost their leading zero: '101' is read as '0101'"),
        ([101, 6403, 4], ["0101", "6403", "04"], "codes of 2 rows have lost"),
        (["6403.91", "64 03", "640391"], ["640391", "6403", "640391"], None),
        (["64039110", "6403"], ["640391", "6403"], "longer than the last level"),
        (["1012100", "6403"], ["010121", "6403"], "lost their leading zero"),
    ],
)
def test_codes_have_one_spelling(values, expected, said):
    found, notes = read(values, [2, 4, 6])
    assert found == expected
    assert (said is None and not notes) or any(said in note for note in notes)


@pytest.mark.parametrize(
    ("values", "levels", "error"),
    [
        (["a/b", "a/c"], " > ", r"no label holds ' > '.*'a/b'.*give the option 'levels' as '/'"),
        (["abc"], [2, 4], "label 'abc' has 3 characters, and codes have 2, 4"),
        (["x"], ["first", "label"], "holds '>', which parts levels"),
    ],
)
def test_what_cannot_be_read_is_one_line(values, levels, error):
    columns = {"first": ["a > b"]} if "first" in levels else {}
    with pytest.raises(XbsqlError, match=error) as raised:
        read(values, levels, **columns)
    assert "\n" not in str(raised.value)


def test_blobs_are_no_labels():
    with pytest.raises(XbsqlError, match="label column 'hs' holds BLOBs"):
        read_labels("xb.fit", pa.table({"hs": [b"\xff", b"6403"]}), "hs", Levels.of(" > "))


def test_codes_that_were_floats_and_full_width_digits_are_the_codes():
    table = pa.table({"hs": ["6403.0", "6403", "\uff16\uff14\uff10\uff13", "8471.30"]})
    found = read_labels("xb.fit", table, "hs", Levels(lengths=(2, 4, 6)))
    assert found.table["hs"].to_pylist() == ["6403", "6403", "6403", "847130"]


def test_a_column_of_a_level_that_is_not_there_is_an_error():
    table = pa.table({"section": ["Live", "Live"], "c": ["fish", "birds"]})
    with pytest.raises(XbsqlError, match=r"column of a level 'sectoin'; .*did you mean 'section'"):
        read_labels("xb.fit", table, "c", Levels.of(["sectoin", "c"]))
    read = read_labels("xb.fit", table, "c", Levels.of(["section", "c"])).table
    first = read.set_column(0, "c", [["Live"] * 2]).replace_schema_metadata(read.schema.metadata)
    for rows in (read.slice(0, 1), first):
        again = read_labels("xb.fit", rows, "c", Levels.of(["section", "c"])).table
        assert again["c"].to_pylist() == rows["c"].to_pylist()


def test_rows_without_a_first_level_are_said_to_be_left_out():
    table = pa.table({"s": ["W", None, "W"], "c": ["bags", "kitchen", None]})
    found = read_labels("xb.fit", table, "c", Levels.of(["s", "c"]))
    assert found.table["c"].to_pylist() == ["W > bags", None, "W"]
    assert found.notes == ("labels of 1 rows have no first level (' > kitchen'): they are left out",)


def test_the_label_is_the_last_level():
    table = pa.table({"a": ["x"], "b": ["y"], "c": ["z"]})
    with pytest.raises(XbsqlError, match="names 'b' below 'c', which is the label; list the label last"):
        read_labels("xb.fit", table, "c", Levels.of(["a", "c", "b"]))


def test_a_path_that_is_a_list_is_told_how_to_be_a_text():
    with pytest.raises(XbsqlError, match=r"array_to_string\(hs, ' > '\)"):
        read_labels("xb.fit", pa.table({"hs": [["A", "B"]]}), "hs", Levels.of(" > "))


@pytest.mark.parametrize(
    ("given", "levels", "path"),
    [
        ("Bags &amp; Cases &gt; Wallets", " > ", "Bags & Cases > Wallets"),
        ("Bags & Cases \uff1e Wallets", " > ", "Bags & Cases > Wallets"),
        ("Bags & Ca\u00adses\u00a0>\u00a0Wallets", " > ", "Bags & Cases > Wallets"),
        ("Bags & Cases\tWallets", "\t", "Bags & Cases\tWallets"),
        ("Bags &gt; Wallets", " &gt; ", "Bags &gt; Wallets"),
    ],
)
def test_a_path_that_a_feed_has_escaped_is_the_path(given, levels, path):
    found = read_labels("xb.fit", pa.table({"c": [given, path]}), "c", Levels.of(levels))
    assert found.table["c"].to_pylist() == [path, path]
    assert found.holes == ()
    told = ["labels of 1 rows hold HTML entities, unseen or full-width characters"] * (given != path)
    assert [note.partition(" (")[0] for note in found.notes] == told


def test_levels_in_columns_are_read_plainly_too():
    table = pa.table({"a": ["Bags &amp; Cases", "Bags & Cases"], "c": ["Wallets", "Wallets"]})
    found = read_labels("xb.fit", table, "c", Levels.of(["a", "c"]))
    assert found.table["c"].to_pylist() == ["Bags & Cases > Wallets"] * 2
