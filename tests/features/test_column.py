"""Levels of a category: which are held, how, and that what is hidden is read as what is not."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.features.column import MOST_LEVELS, OTHERS, Column, Keeping, category
from xbsql.features.hidden import fresh_key, hidden, hidden_column

VALUES = st.lists(st.sampled_from(["a", "b", "", "ü ber", "c", "d", None]), min_size=1, max_size=40)
FEWEST = st.integers(1, 4)


def column(values):
    return pa.chunked_array([pa.array(values, pa.string())])


def codes(found, values):
    return found.codes(column(values)).to_pylist()


def counts(values):
    return {value: values.count(value) for value in set(values) - {None}}


@given(VALUES, VALUES, FEWEST)
def test_hidden_levels_give_the_codes_of_clear_ones(home, target, fewest):
    clear, concealed = (category("c", column(home), Keeping(fewest, hidden=h)) for h in (False, True))
    assert codes(clear, target) == codes(concealed, target)
    assert clear.others == concealed.others
    assert not set(concealed.levels) & set(home)
    for keeping in (Keeping(fewest), Keeping(fewest, hidden=True)):
        wide = clear.grown(column(target), Keeping(fewest))
        assert codes(concealed.grown(column(target), keeping), home + target) == codes(wide, home + target)
        assert codes(clear.grown(column(target), keeping), home + target) == codes(wide, home + target)


@given(VALUES, FEWEST)
def test_a_rare_value_is_no_level_and_shares_the_code_of_all_others(values, fewest):
    found = category("c", column(values), Keeping(fewest))
    kept = {value for value, count in counts(values).items() if count >= fewest}
    assert set(found.levels) == kept
    assert (found.others is not None) == bool(counts(values).keys() - kept)
    by_value = dict(zip(values, codes(found, values), strict=True))
    assert len({by_value[value] for value in kept}) == len(kept)
    assert {by_value[value] for value in counts(values).keys() - kept} <= {found.others}
    assert codes(found, ["never seen", None]) == [
        len(found.levels) if found.others is None else found.others,
        None,
    ]


@given(VALUES, VALUES, FEWEST)
def test_codes_stay_where_levels_are_added(home, target, fewest):
    keeping = Keeping(fewest)
    found = category("c", column(home), keeping)
    wide = found.grown(column(target), keeping)
    known = [value for value in home if value in found.levels or value is None]
    assert codes(wide, known) == codes(found, known)
    if found.others is not None:
        assert wide.others == found.others
    assert len(set(codes(wide, list(wide.levels)))) == len(wide.levels)
    assert wide.others not in codes(wide, list(wide.levels))
    assert [wide.coded[code] for code in codes(wide, list(wide.levels))] == list(wide.levels)
    assert wide.others is None or wide.coded[wide.others] == OTHERS


@given(VALUES, st.booleans())
def test_a_column_at_rest_lives_again(values, concealed):
    found = category("c", column(values), Keeping(2, hidden=concealed))
    again = Column.from_config(found.config())
    assert again == found
    assert codes(again, values) == codes(found, values)


def test_a_column_stored_before_reads_as_it_did():
    old = Column.from_config({"name": "c", "role": "category", "levels": ["b", "a"]})
    assert codes(old, ["a", "b", "new", None]) == [1, 0, 2, None]
    assert old.config() == {"name": "c", "role": "category", "levels": ["b", "a"]}


def test_levels_are_the_most_frequent_and_no_more_than_the_limit():
    found = category("c", column([f"v{i // 2}" for i in range(3000)] + ["one"]), Keeping(2))
    assert (len(found.levels), found.others) == (MOST_LEVELS, MOST_LEVELS)


def test_a_hash_tells_equal_values_and_nothing_across_keys():
    one, other = fresh_key(), fresh_key()
    assert hidden(["a", "b", "a"], one)[0] == hidden(["a"], one)[0] != hidden(["b"], one)[0]
    assert not set(hidden(["a"], one)) & set(hidden(["a"], other))
    assert all(len(value) == 32 for value in hidden(["", "x" * 1000], one))
    chunks = pa.chunked_array([pa.array(["a", None]), pa.array(["b", "a"])])
    assert hidden_column(chunks, one).to_pylist() == [*hidden(["a"], one), None, *hidden(["b", "a"], one)]
    assert np.unique(hidden(map(str, range(1000)), one)).size == 1000


@pytest.mark.parametrize("values", [[b"\xff", b"a"], [b"a", None], [{"a": 1}, None]])
def test_bytes_and_structs_are_no_category(values):
    given = pa.chunked_array([pa.array(values)])
    known = category("c", column(["a", "b"]))
    for use in (
        lambda: category("c", given),
        lambda: known.grown(given, Keeping()),
        lambda: known.written(given),
    ):
        with pytest.raises(XbsqlError, match=r"column 'c' is .*, which is no category; cast it"):
            use()
