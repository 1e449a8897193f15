"""What was translated before, changed for a new text."""

from types import SimpleNamespace

import numpy as np
import pytest

from xbsql.translation.chooser import BEFORE, NAMES, Chooser
from xbsql.translation.knowledge import Knowledge, taught
from xbsql.translation.language_model import LanguageModel, Mixture
from xbsql.translation.lexicon import Lexicon
from xbsql.translation.memory import edited
from xbsql.translation.overlap import Overlap
from xbsql.translation.words import joined, split

PAIRS = [
    ("dog beds", "lits pour chien"), ("cat beds", "lits pour chat"), ("dog toys", "jouets pour chien"),
    ("red hat", "chapeau rouge"), ("red bag", "sac rouge"), ("blue hat", "chapeau bleu"),
    ("red cat hat", "chapeau rouge pour chat"), ("red cat toys", "jouets rouge pour chat"),
    ("hat 12 cm", "chapeau 12 cm"), ("bag 3 cm", "sac 3 cm"),
] * 2  # fmt: skip

MEANT = {"dog": "chien", "cat": "chat", "toys": "jouets", "hat": "chapeau", "bag": "sac", "cm": "cm"}
WORDS = Lexicon({word: {other: 1.0} for word, other in MEANT.items()})


@pytest.fixture(scope="module")
def knowledge():
    words = [(split(a), split(b)) for a, b in PAIRS]
    found = taught(words, np.ones(len(PAIRS)))
    return Knowledge.of(found, [b.forms for _, b in words])


def change(knowledge, asked, source, target, ways):
    language = Mixture(((knowledge.language, 1.0),))
    found = edited(
        split(asked), split(source), split(target), WORDS,
        lambda words: ways.get(" ".join(words.forms), [list(words.shown)]), language,
    )  # fmt: skip
    return None if found is None else joined([token.replace("\x01", "") for token in found.shown])


def test_another_word_takes_the_place_of_the_one_it_differs_by(knowledge):
    said = change(knowledge, "cat toys", "dog toys", "jouets pour chien", {"cat": [["chat"]]})
    assert said == "jouets pour chat"


def test_of_several_ways_the_one_that_reads_best_is_taken(knowledge):
    ways = {"cat": [["bleu"], ["chat"]]}
    assert change(knowledge, "cat toys", "dog toys", "jouets pour chien", ways) == "jouets pour chat"


def test_a_word_more_stands_where_it_reads_best():
    texts = [("rouge", "chien", "sac"), ("chien", "sac", "rond")] * 3
    shown = LanguageModel.counted(texts, [1.0] * len(texts))
    market = SimpleNamespace(language=shown)
    assert change(market, "red dog bag", "dog bag", "chien sac", {"red": [["rouge"]]}) == "rouge chien sac"
    assert change(market, "round dog bag", "dog bag", "chien sac", {"round": [["rond"]]}) == "chien sac rond"


def test_numbers_are_exchanged_and_a_text_apart_is_no_edit(knowledge):
    assert change(knowledge, "hat 7 cm", "hat 12 cm", "chapeau 12 cm", {}) == "chapeau 7 cm"
    assert change(knowledge, "blue sofa", "dog toys", "jouets pour chien", {}) is None


def test_texts_are_found_by_the_rare_words_they_share():
    texts = [split(text).forms for text in ("red hat", "red bag", "red coat", "blue sofa", "red blue hat")]
    found = Overlap.of(texts)
    assert found.nearest(split("green sofa").forms, 2) == [3]
    assert found.nearest(split("red hat").forms, 2) == [0, 4]
    assert found.nearest(split("zebra").forms, 3) == []
    assert Overlap.of([]).nearest(("a",), 3) == []


def test_a_chooser_that_was_stored_before_knows_what_it_knew():
    rng = np.random.default_rng(0)
    x, y = rng.random((200, len(NAMES))), rng.random(200) * 100
    own = [NAMES.index(name) for name in BEFORE]
    state = Chooser(Chooser.learned(x[:, own], y).trees).state()
    del state.config["names"]
    again = Chooser.from_state(state)
    x[:, NAMES.index("alien")] = 0.0
    assert again.names == BEFORE
    other = x.copy()
    other[:, NAMES.index("votes")] += 9
    assert again.expected(x).tolist() == again.expected(other).tolist()
