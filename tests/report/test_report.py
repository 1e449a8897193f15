"""The report: what it says is what the rows say."""

import pytest

from xbsql.pages.card import card
from xbsql.pages.chart import Point, equal_labels, label_efficiency, svg, worth
from xbsql.pages.page import page, table, verdict_cards


def rows(**changes):
    shared = {
        "verdict": "HELPS",
        "basis": "evidence",
        "gain": 0.2,
        "labels_saved": 120.4,
        "reason": "it <helps>",
        "note": None,
    }
    arms = {"target only": 0.5, "source only": 0.6, "pooled": None, "blend": 0.7}
    shown = [{"arm": arm, "value": value, "lo": None, "hi": None} for arm, value in arms.items()]
    return [{**shared, **arm, **changes} for arm in shown]


def line(arm, **scores):
    return [Point("x", arm, int(labels[1:]), value, value, value) for labels, value in scores.items()]


def test_a_card_says_verdict_arms_gain_and_labels_saved():
    text = card("Japan", rows())
    assert text.splitlines()[0] == "Japan  ->  HELPS"
    assert "about 120 more labels" in text
    assert [text.count(arm) for arm in ("target only", "pooled", "blend")] == [1, 1, 1]


def test_labels_saved_beyond_twice_the_labels_are_that_many_or_more():
    assert "more than 120 more labels" in card("Japan", rows(labels=60, labels_saved=120.0))
    assert "about 90 more labels" in card("Japan", rows(labels=60, labels_saved=90.0))


def test_the_weights_of_the_candidates_stand_on_the_card():
    assert "weights: pool 0.60, alone 0.40" in card("Japan", rows(weights="pool 0.60, alone 0.40"))


def test_a_prior_says_what_would_measure_it_and_shows_no_arm():
    text = card("Japan", rows(basis="prior", gain=None, labels_saved=None, note="is Swedish"))
    assert "30 labelled rows or more" in text
    assert "is Swedish" in text
    assert "blend" not in text


def test_text_from_data_is_escaped():
    html = page("t", "l", [("h", verdict_cards([("<b>", rows())]) + table(["<c>"], [["<d>"]]))])
    assert "<b>" not in html
    assert "<c>" not in html
    assert "<d>" not in html
    assert "it &lt;helps&gt;" in html


@pytest.mark.parametrize(
    ("alone", "expected"), [({"n10": 0.5, "n30": 0.7}, 20.0), ({"n10": 0.2, "n30": 0.3}, None)]
)
def test_the_worth_in_labels_is_read_off_the_targets_line(alone, expected):
    points = line("blend", n0=0.6, n30=0.8) + line("target only", **alone)
    assert equal_labels(points) == (None if expected is None else pytest.approx(expected))
    said = "0 labels with the source are worth {} without"
    assert worth(points) == said.format("more than 30" if expected is None else "20")
    assert svg(label_efficiency(points, "accuracy")).startswith("<svg")
