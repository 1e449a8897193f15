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


def write_marian(folder, words):
    """The same network as Marian keeps it: one `.npz`, a vocabulary `.yml` for each side, `.spm` beside.

    Its embeddings are multiplied by the root of their size, its decoder begins with nothing, and places are
    given as `Wpos`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    left, right = (
        ["</s>", "<unk>", *("\u2581" + word for word in side)] for side in zip(*words, strict=True)
    )
    count, size = len(left), len(left) + LONGEST
    size += size % 2
    tokens, places = np.zeros((2, size, size))
    tokens[:count, :count] = np.eye(count)
    places[count : count + LONGEST, count : count + LONGEST] = np.eye(LONGEST)
    root, nothing = np.sqrt(size), np.zeros((size, size))
    layers = {"encoder_l1_self": nothing, "decoder_l1_self": nothing}
    found = {"encoder_Wemb": tokens[:count] / root, "decoder_Wemb": np.zeros((count, size))}
    found["Wpos"] = places[count : count + LONGEST]
    for name, weight in layers.items():
        found |= {f"{name}_{part}": weight for part in ("Wq", "Wk", "Wv", "Wo")}
    found["decoder_l1_context_Wq"] = SHARP * places.T
    found["decoder_l1_context_Wk"] = SHARP * places.T
    found["decoder_l1_context_Wv"] = tokens.T
    found["decoder_l1_context_Wo"] = SHARP * np.eye(size)
    for name in ("encoder_l1_ffn", "decoder_l1_ffn"):
        found |= {f"{name}_W1": np.zeros((size, 4)), f"{name}_b1": np.zeros((1, 4))}
        found |= {f"{name}_W2": np.zeros((4, size)), f"{name}_b2": np.zeros((1, size))}
        found |= _normal(f"{name}_ffn", size)
    for name in (*layers, "decoder_l1_context"):
        found |= {f"{name}_b{part}": np.zeros((1, size)) for part in "qkvo"} | _normal(f"{name}_Wo", size)
    found |= _normal("encoder_top", size, "") | _normal("decoder_top", size, "")
    found["decoder_ff_logit_out_W"] = SHARP * tokens[:count].T
    found["decoder_ff_logit_out_b"] = np.zeros((1, count))
    shown = CONFIG.encode() + b"\0"
    arrays = {name: np.asarray(values, np.float32) for name, values in found.items()}
    np.savez(folder / "model.npz", **arrays, **{"special:model.yml": np.frombuffer(shown, np.int8)})
    for name, side in (("src", left), ("trg", right)):
        lines = "".join(f'"{word}": {place}\n' for place, word in enumerate(side))
        (folder / f"vocab.{name}.yml").write_text(lines, encoding="utf-8")
    for name, side in (("source.spm", left), ("target.spm", right)):
        (folder / name).write_bytes(_cutter(side[2:]))


CONFIG = """type: transformer
enc-depth: 1
dec-depth: 1
transformer-heads: 1
transformer-ffn-activation: relu
transformer-preprocess: n
transformer-postprocess: da
transformer-postprocess-top: n
transformer-postprocess-emb: d
transformer-decoder-autoreg: self-attention
transformer-no-projection: false
transformer-guided-alignment-layer: last
"""


def _normal(name, size, place="_pre"):
    return {f"{name}_ln_scale{place}": np.ones((1, size)), f"{name}_ln_bias{place}": np.zeros((1, size))}
