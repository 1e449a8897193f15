"""A small real network for CTranslate2: it translates word for word, by attention to the same place."""

import io

import numpy as np
import sentencepiece
from ctranslate2.specs import transformer_spec

LONGEST = 260
"""Places that it knows: CTranslate2 stops at 256."""
SHARP = 30.0


def write(folder, words):
    """A folder with `model.bin`, `source.spm` and `target.spm` of a dictionary of single words.

    A word's vector has a 1 at its number, a place's at its own behind all words. The decoder attends to the
    source's word at its own place and says the word of the same number; what nobody knows is '<unk>'.
    """
    folder.mkdir(parents=True, exist_ok=True)
    left, right = (
        ["<unk>", "<s>", "</s>", *("\u2581" + word for word in side)] for side in zip(*words, strict=True)
    )
    count, size = len(left), len(left) + LONGEST
    size += size % 2
    tokens, places = np.zeros((2, size, size))
    tokens[:count, :count] = np.eye(count)
    places[count : count + LONGEST, count : count + LONGEST] = np.eye(LONGEST)
    spec = transformer_spec.TransformerSpec.from_config((1, 1), 1)
    first, last = spec.encoder.layer[0], spec.decoder.layer[0]
    parts = (
        spec.encoder,
        first.self_attention,
        first.ffn,
        spec.decoder,
        last.self_attention,
        last.attention,
        last.ffn,
    )
    for part in parts:
        part.layer_norm.gamma, part.layer_norm.beta = np.ones(size, np.float32), np.zeros(size, np.float32)
    for layer in (first, last):
        _linear(layer.self_attention.linear[0], np.zeros((3 * size, size)))
        _linear(layer.self_attention.linear[1], np.zeros((size, size)))
        _linear(layer.ffn.linear_0, np.zeros((4, size)))
        _linear(layer.ffn.linear_1, np.zeros((size, 4)))
    _linear(last.attention.linear[0], SHARP * places)
    _linear(last.attention.linear[1], np.vstack([SHARP * places, tokens]))
    _linear(last.attention.linear[2], SHARP * np.eye(size))
    _linear(spec.decoder.projection, SHARP * tokens[:count])
    spec.encoder.embeddings[0].weight = tokens[:count].astype(np.float32)
    spec.decoder.embeddings.weight = np.zeros((count, size), np.float32)
    for side in (spec.encoder, spec.decoder):
        side.scale_embeddings = False
        side.position_encodings.encodings = places[count : count + LONGEST].astype(np.float32)
    spec.register_source_vocabulary(left)
    spec.register_target_vocabulary(right)
    spec.config.add_source_eos, spec.config.decoder_start_token = True, "<s>"
    spec.validate()
    spec.save(str(folder))
    for name, side in (("source.spm", left), ("target.spm", right)):
        (folder / name).write_bytes(_cutter(side[3:]))


def _linear(layer, weight):
    layer.weight, layer.bias = weight.astype(np.float32), np.zeros(len(weight), np.float32)


def _cutter(words):
    """A SentencePiece model that keeps these words whole."""
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(word) for word in words] * 20), model_writer=made,
        user_defined_symbols=words, vocab_size=1000, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    return made.getvalue()
