"""The lexical view: the same words give the same row, rare ones weigh more, nothing is remembered."""

import hashlib

import numpy as np
import pytest
from scipy import sparse

from xbsql.errors import XbsqlError
from xbsql.features.ngrams import BUCKETS, Ngrams, _vectorizers, counts, folded
from xbsql.store.model import restore

TITLES = ["Red cotton shirt", "Blue cotton shirt", "USB-C Ladekabel 2 m", "赤い綿のシャツ", None, ""]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\uff35\uff33\uff22\uff0d\uff23 ｶｰﾄﾞ", "usb-c カード"),
        ("STRASSE", "straße"),
        ("½ ㎏", "1\u20442 kg"),
        ("e\u0301tui", "étui"),
    ],
)
def test_spellings_of_one_text_are_one_row(one, other):
    assert folded(one) == folded(other)
    assert (counts([one]) != counts([other])).nnz == 0


def test_rows_are_float32_of_length_one_and_no_text_is_a_row_of_zeros():
    rows = Ngrams.fit(TITLES).transform(TITLES)
    assert (rows.shape, rows.dtype, rows.format) == ((len(TITLES), BUCKETS), np.float32, "csr")
    lengths = np.linalg.norm(rows.toarray(), axis=1)
    assert lengths == pytest.approx([1, 1, 1, 1, 0, 0], abs=1e-6)


def test_shared_words_are_nearer_and_rare_words_count_more():
    fitted = Ngrams.fit(["cotton shirt"] * 50 + ["gorpcore"])
    rows = fitted.transform(["cotton shirt gorpcore", "cotton shirt", "gorpcore", "wooden table"])
    near = (rows @ rows[0].T).toarray().ravel()
    assert near[0] > near[1] > near[3]
    assert near[2] > near[3]
    share = np.square(rows[0].toarray()).ravel()
    assert share[counts(["gorpcore"]).indices].sum() > share[counts(["cotton shirt"]).indices].sum()


def test_the_same_text_gives_the_same_columns_on_every_machine():
    row = counts(["Red shirt 42"])
    row.sort_indices()
    digest = hashlib.sha256(row.indices.astype("<i8").tobytes() + row.data.astype("<f4").tobytes())
    assert digest.hexdigest()[:16] == "69c777508497f7f9"


def test_rows_do_not_depend_on_the_batch():
    fitted = Ngrams.fit(TITLES)
    together = fitted.transform(TITLES)
    for row, text in enumerate(TITLES):
        assert abs(together[row] - fitted.transform([text])).sum() < 1e-6


def test_weights_return_from_their_state():
    fitted = Ngrams.fit(TITLES)
    again = restore(fitted.state())
    assert isinstance(again, Ngrams)
    assert np.array_equal(again.weights, fitted.weights)


def test_a_megabyte_and_unpaired_surrogates_are_text():
    assert counts(["lorem ipsum " * 90_000]).nnz < 2_000
    assert (counts(["shoe \ud83d"]) != counts(["shoe ?"])).nnz == 0


@pytest.mark.parametrize("texts", [[], [None], [""]], ids=str)
def test_nothing_to_learn_from_is_one_clear_line(texts):
    with pytest.raises(XbsqlError, match="ngrams: no text to learn from"):
        Ngrams.fit(texts)


def test_the_ngrams_of_words_that_return_are_those_of_the_whole_text():
    texts = ["tea tea  green\u3000tea", "", None, "日本語 tea", "a", "Green TEA 100g"]
    clean = [folded(text) if text else "" for text in texts]
    expected = sparse.hstack([each.transform(clean) for each in _vectorizers()], "csr")
    found = counts(texts)
    assert np.array_equal(found.indptr, expected.indptr)
    assert np.array_equal(found.indices, expected.indices)
    assert np.array_equal(found.data, expected.data)
