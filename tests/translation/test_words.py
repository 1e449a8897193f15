"""Texts as words and back: nothing is lost between the two."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql.translation.alignment import Cells, Side, lexical, links
from xbsql.translation.knowledge import Knowledge, taught
from xbsql.translation.pieces import MOST_WORDS, pieces
from xbsql.translation.terms import Terms
from xbsql.translation.words import joined, numbers, plain, remembered, split


@pytest.mark.parametrize(
    "text",
    [
        "T-shirt d'été, 2 x (500ml) & co.",
        'WH-1000XM4 / 3/4" pipe, 1.5 l - new!',
        "ワイヤレスヘッドホン黒3個",
        "红色运动鞋男款",
        'a "b" (c) [d] e/f',
        "see https://a.example/b?c=1&d=2 or a.b+c@d.example",
        "{{name}}, {0} of ${total}: %s, %1$s and %(who)s",
        "r\u0332ed \u0939\u093f\u0928\u094d\u0926\u0940",
        "",
    ],
)
def test_a_text_comes_back_from_its_words(text):
    assert joined(split(plain(text)).shown) == plain(text)


@given(st.text(st.sampled_from("ab1 -/.,('&é"), max_size=30))
def test_words_lose_only_blanks(text):
    said = joined(split(plain(text)).shown)
    assert said.replace(" ", "") == plain(text).replace(" ", "")
    assert split(said).forms == split(plain(text)).forms


def test_digits_of_full_width_are_read_as_others():
    assert plain("\uff11\uff12個 \uff21\uff22") == "12個 AB"
    assert numbers("\uff11.\uff15 \uff2c") == numbers("1.5 L")


@given(st.text(st.sampled_from("ab c.!?<>/&;\n|,。1"), max_size=200))
def test_pieces_are_the_text(text):
    assert "".join(piece.text for piece in pieces(text)) == text


def test_a_long_text_comes_apart():
    found = pieces("one two three four five six. " * 300)
    assert all(len(split(piece.text)) <= MOST_WORDS for piece in found)


@pytest.mark.parametrize("number", ["12,5", "1,000", "0,75"])
def test_a_long_text_never_comes_apart_inside_a_number(number):
    wood = "\u6728" * 30
    text = f"{wood}, {number} cm, {wood}"
    assert any(number in piece.text for piece in pieces(text))
    assert len(pieces(text)) > 3


def test_markup_is_not_translated():
    said = [piece.text for piece in pieces("<p class='a'>Red shoes</p><br/>12") if piece.speaks]
    assert said == ["Red shoes"]


def test_terms_are_marked_whole_and_the_longest_first():
    terms = Terms.of(["Oak"], [("red shoe", "soulier"), ("shoe", "chaussure"), ("shoe", "botte")], ["gift"])
    marked = terms.mark("Red shoe, shoes, SHOE by Oak")
    assert marked.marks == ("soulier", "chaussure", "Oak")
    assert "shoes" in marked.text
    assert terms.conflicts == ("shoe: chaussure | botte",)
    assert terms.broken("a Gift, gifts") == ["gift"]


PAIRS = [
    ("red shoe", "chaussure rouge"),
    ("blue shoe", "chaussure bleue"),
    ("red bag", "sac rouge"),
    ("blue bag", "sac bleu"),
    ("black hat", "chapeau noir"),
    ("red hat", "chapeau rouge"),
] * 3


def learnt():
    split_pairs = [(split(a), split(b)) for a, b in PAIRS]
    found = taught(split_pairs, np.ones(len(PAIRS)))
    return found, Knowledge.of(found, [b.forms for _, b in split_pairs])


def test_words_are_linked_with_their_translations():
    found, knowledge = learnt()
    assert knowledge.forth.best("shoe") == "chaussure"
    assert knowledge.forth.best("red") == "rouge"
    assert next(iter(knowledge.table.entries("red hat"))).target == ("chapeau", "rouge")
    assert found.lexicons()[1].best("sac") == "bag"


def test_links_are_the_same_both_ways_round():
    one, two = (Side.of([text.split() for text in texts]) for texts in zip(*PAIRS, strict=True))
    there, again = Cells.of(one, two), Cells.of(two, one)
    forth = lexical(one, two, there, np.ones(len(PAIRS))).posterior
    back = lexical(two, one, again, np.ones(len(PAIRS))).posterior
    turned = np.lexsort((again.target, again.source))
    own = links(one, two, there, forth, back[turned])
    other = links(two, one, again, back, forth[np.lexsort((there.target, there.source))])
    pairs = set(zip(there.source[own].tolist(), there.target[own].tolist(), strict=True))
    assert pairs == set(zip(again.target[other].tolist(), again.source[other].tolist(), strict=True))


def test_knowledge_comes_back_from_its_state():
    _, knowledge = learnt()
    again = Knowledge.from_state(knowledge.state())
    assert list(again.table.entries("blue bag")) == list(knowledge.table.entries("blue bag"))
    assert again.language.chance("<s>", "sac", "bleu") == pytest.approx(
        knowledge.language.chance("<s>", "sac", "bleu")
    )


@pytest.mark.parametrize("hole", ["{{name}}", "{0}", "{}", "${total}", "%s", "%1$s", "%(who)s"])
def test_what_a_template_fills_in_stays(hole):
    assert split(f"red {hole} shoes").fixed == (hole,)


def test_a_share_is_not_filled_in():
    assert split("50 % dry, 100%dicht").fixed == ("50", "100")


@pytest.mark.parametrize(
    "text",
    [
        "\uff32\uff45\uff44\u3000\uff48\uff41\uff54\u3000\uff08\uff11\uff12\u3000\uff49\uff4e\uff09",
        "RED HAT (12 IN)",
        "red  hat\u3000(12 in)",
    ],
)
def test_a_text_is_remembered_whatever_its_case_and_width(text):
    assert remembered(plain(text)) == "red hat (12 in)"


def test_wide_and_narrow_kana_are_one():
    assert remembered(plain("ﾊﾞｯｸﾞ")) == remembered(plain("バッグ"))


def test_markup_that_is_escaped_stays_too():
    text = "&lt;b&gt;Red&lt;/b&gt; hat&lt;br/&gt;size &lt; 5"
    found = pieces(text)
    assert "".join(piece.text for piece in found) == text
    assert [piece.text for piece in found if piece.speaks] == ["Red", "hat", "size &lt; 5"]
