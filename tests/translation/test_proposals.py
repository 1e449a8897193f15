"""What a translation may not do beside its source."""

import pytest

from xbsql.translation.proposals import Asked, closed, speaks


@pytest.mark.parametrize(
    ("source", "said", "kept"),
    [
        ("red shoes", "Rouge) chaussures", "Rouge chaussures"),
        ("red shoes", "( Rouge chaussures", "Rouge chaussures"),
        ("red shoes (new)", "chaussures rouges (neuf", "chaussures rouges neuf"),
        ("red shoes (new)", "chaussures rouges (neuf)", "chaussures rouges (neuf)"),
        ("red shoes", "chaussures (rouges)", "chaussures (rouges)"),
        ("a) red shoes", "a) chaussures rouges", "a) chaussures rouges"),
        ("red shoes", "a) [chaussures] rouges [", "a [chaussures] rouges"),
    ],
)
def test_a_bracket_that_only_the_translation_leaves_open_goes(source, said, kept):
    assert closed(Asked.of(source), said) == kept


def test_a_word_is_translated_by_words():
    assert not speaks(Asked.of("water"), "|")
    assert speaks(Asked.of("water"), "eau")
    assert speaks(Asked.of("12 | 13"), "12 | 13")
