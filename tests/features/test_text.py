"""The Arrow border of the encoder: NULLs, layouts, duplicates and the cache change no vector."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.features.text import LONGEST_CACHED, VectorCache, embed_array, embed_texts, forget

TITLES = ["", "red shirt", "木のテーブル", "Kinderwagen", "детская коляска", "x" * (LONGEST_CACHED + 1)]
KINDS = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.int32(), pa.large_string()),
]


@pytest.fixture(scope="module")
def expected(text_encoder):
    return dict(zip(TITLES, text_encoder.encode(TITLES), strict=True)).__getitem__


def column(texts, kind):
    plain = pa.array(texts, pa.string())
    return plain.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else plain.cast(kind)


def agrees(found, texts, expected):
    assert found.type == pa.list_(pa.float32(), 512)
    assert found.is_null().to_pylist() == [text is None for text in texts]
    for row, text in enumerate(texts):
        if text is not None:
            assert np.abs(found[row].values.to_numpy() - expected(text)).max() < 1e-6


@pytest.mark.parametrize("kind", KINDS, ids=str)
@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.none() | st.sampled_from(TITLES), max_size=12),
    st.integers(0, 12),
    st.integers(0, 12),
    st.booleans(),
)
def test_every_layout_gives_the_rows_of_its_texts(text_encoder, expected, kind, texts, start, length, cold):
    if cold:
        forget()
    part = column(texts, kind).slice(start, length)
    agrees(embed_array(part, text_encoder), part.to_pylist(), expected)
    chunks = pa.chunked_array([part, column(texts, kind)], kind)
    agrees(embed_array(chunks, text_encoder), chunks.to_pylist(), expected)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("texts", [[], [None], [None, None]], ids=str)
def test_nothing_but_nulls(text_encoder, kind, texts):
    found = embed_array(column(texts, kind), text_encoder)
    assert (len(found), found.null_count) == (len(texts), len(texts))


def test_an_untyped_null_column_is_text(text_encoder):
    assert embed_array(pa.nulls(2), text_encoder).null_count == 2


def test_a_dictionary_with_unused_repeated_and_null_values(text_encoder, expected):
    values = pa.array(["Kinderwagen", None, "red shirt", "Kinderwagen", "never used"])
    indices = pa.array([3, 1, 0, None, 2], pa.int16())
    texts = ["Kinderwagen", None, "Kinderwagen", None, "red shirt"]
    agrees(embed_array(pa.DictionaryArray.from_arrays(indices, values), text_encoder), texts, expected)


def test_distinct_rows_whose_dictionary_is_in_another_order(text_encoder, expected):
    texts = ["Kinderwagen", "red shirt"]
    swapped = pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.int8()), pa.array(texts[::-1]))
    agrees(embed_array(swapped, text_encoder), texts, expected)


def test_bytes_that_are_no_text_are_read_as_replacement_marks(text_encoder):
    offsets = pa.py_buffer(np.array([0, 6], dtype=np.int32))
    broken = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"shoe \xff")])
    found = embed_array(broken, text_encoder)[0].values.to_numpy()
    assert np.abs(found - text_encoder.encode(["shoe \ufffd"])[0]).max() < 1e-6


def test_a_column_of_distinct_texts_is_handed_over_without_a_copy(text_encoder, monkeypatch):
    forget()
    made = []
    monkeypatch.setattr(type(text_encoder), "encode", recording(type(text_encoder).encode, made))
    found = embed_array(pa.array(TITLES), text_encoder)
    assert found.values.buffers()[1].address == made[0].ctypes.data


def recording(encode, made):
    def recorded(self, texts):
        made.append(encode(self, texts))
        return made[-1]

    return recorded


def test_a_text_is_encoded_once_unless_it_is_long(text_encoder, monkeypatch):
    forget()
    made = []
    monkeypatch.setattr(type(text_encoder), "encode", recording(type(text_encoder).encode, made))
    twice = pa.array(TITLES + TITLES)
    embed_array(twice, text_encoder)
    embed_array(twice, text_encoder)
    assert [len(rows) for rows in made] == [len(TITLES), 1]


@pytest.mark.parametrize("kind", [pa.int64(), pa.binary(), pa.list_(pa.string())], ids=str)
def test_what_is_no_text_is_refused(text_encoder, kind):
    with pytest.raises(XbsqlError, match=rf"xb\.embed: needs text, got {kind}.*; cast the column to VARCHAR"):
        embed_array(pa.array([], kind), text_encoder)


@given(st.lists(st.lists(st.integers(0, 20), max_size=8, unique=True), max_size=15), st.integers(1, 6))
def test_the_cache_holds_the_latest_texts_within_its_bound(calls, capacity):
    cache, model = VectorCache(1, 4 * capacity), {}
    for numbers in calls:
        texts, vectors = [str(one) for one in numbers], np.array(numbers, np.float32)[:, None]
        out = np.full((len(texts), 1), -1, np.float32)
        found = cache.fill(texts, out)
        assert found.tolist() == [text in model for text in texts]
        assert (out[found] == vectors[found]).all()
        for text in [text for text in texts if text in model] + [text for text in texts if text not in model]:
            model[text] = model.pop(text, None)
        cache.add([text for text, hit in zip(texts, found, strict=True) if not hit], vectors[~found])
        while len(model) > capacity:
            del model[next(iter(model))]
        assert len(cache) == len(model) <= capacity


def test_threads_that_fight_for_a_small_cache_get_their_own_vectors(text_encoder, monkeypatch, expected):
    monkeypatch.setattr("xbsql.features.text.CACHE_BYTES", 2 * 4 * 512)
    forget()
    rng = np.random.default_rng(0)
    asked = [[TITLES[row] for row in rng.permutation(len(TITLES))[:3]] for _ in range(40)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda texts: embed_texts(texts, text_encoder), asked))
    forget()
    for texts, rows in zip(asked, results, strict=True):
        assert np.abs(rows - np.stack([expected(text) for text in texts])).max() < 1e-6


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("GARTENSCHLAUCH 20 M", "Gartenschlauch 20 m"),
        ("T-SHIRT", "T-shirt"),
        ("Gartenschlauch", "Gartenschlauch"),
        ("USB", "USB"),
        ("USBケーブル 3M", "USBケーブル 3M"),
        ("NIKE Laufschuh", "NIKE Laufschuh"),
        ("Kinder\u00adwagen\u200b", "Kinderwagen"),
        ("12345", "12345"),
        ("", ""),
    ],
)
def test_capitals_and_unseen_marks_are_read_as_words(text, read, text_encoder):
    assert text_encoder.normal([text]) == [read]


def test_titles_in_capitals_have_the_vectors_of_their_words(text_encoder):
    titles = ["Gartenschlauch", "Reiserucksack", "Keramiktasse", "Wollmütze", "Regenschirm", "Hundefutter"]
    plain, capitals = (embed_texts(texts, text_encoder) for texts in (titles, [t.upper() for t in titles]))
    assert (plain * capitals).sum(axis=1).min() > 0.999
    hidden = embed_texts(["Garten\u00adschlauch"], text_encoder)
    assert hidden[0] @ plain[0] > 0.999
