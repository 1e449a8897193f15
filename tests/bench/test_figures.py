"""The README's figures are those of bench/results."""

from bench.figures import FIGURES, MARKS, headline, table
from bench.run import ROOT


def test_the_readme_shows_what_was_measured():
    found = MARKS.search((ROOT / "README.md").read_text())
    assert found, "the README has no place for the figures"
    shown = found[0].removeprefix(found[1]).removesuffix(found[2])
    assert shown == table(), "run `make docs`"


def test_every_figure_of_a_measured_subject_has_its_headline():
    for figure in FIGURES:
        rows = headline(ROOT, figure.subject)
        assert not rows or figure.key in rows, figure
