"""The figures of README.md and docs/*.md are those of bench/results."""

import pytest

from bench.figures import FIGURES, LOSSES, MARKS, PEERS, TABLES, headline, marks, table
from bench.run import ROOT
from bench.trap_tables import TRAPS


def test_the_readme_shows_what_was_measured():
    found = MARKS.search((ROOT / "README.md").read_text())
    assert found, "the README has no place for the figures"
    shown = found[0].removeprefix(found[1]).removesuffix(found[2])
    assert shown == table(), "run `make docs`"


def test_every_figure_of_a_measured_subject_has_its_headline():
    for figure in (*FIGURES, *LOSSES, *PEERS):
        rows = headline(ROOT, figure.subject)
        assert not rows or figure.key in rows, figure


@pytest.mark.parametrize(("page", "mark"), [key for key in TABLES if key[0] != "README.md"])
def test_a_page_shows_what_was_measured(page, mark):
    found = marks(mark).search((ROOT / page).read_text())
    assert found, f"{page} has no place for {mark}"
    shown = found[0].removeprefix(found[1]).removesuffix(found[2])
    assert shown == TABLES[page, mark](ROOT), "run `make docs`"


def test_every_trap_has_its_line():
    shown = TABLES["docs/hurts.md", "traps"](ROOT)
    assert [line.split(" | ")[0] for line in shown.splitlines()[2:]] == [f"| {name}" for name in TRAPS]
