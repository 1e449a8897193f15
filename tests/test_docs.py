"""What the documentation shows is what happens: every example runs, and the reference is the code's own."""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import xbsql
from xbsql import sample
from xbsql.surface.faces import faces
from xbsql.surface.functions import FUNCTIONS

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "docs/transfer.md", "docs/options.md", "docs/search.md", "docs/insight.md"]
PAGES += ["docs/customers.md", "docs/markets.md", "docs/supply.md", "docs/forecast.md", "docs/privacy.md"]
PAGES += ["docs/examples.md", "docs/categories.md", "docs/extract.md", "docs/pictures.md"]
PAGES += ["docs/index.md", "docs/tutorial_sql.md", "docs/hurts.md"]
PAGES += ["docs/decisions.md", "docs/adapt.md", "docs/entities.md", "docs/recommend.md", "docs/translate.md"]
TUTORIALS = ["docs/tutorial_polars.md", "docs/tutorial_kernels.md"]  # that of a cluster: test_cluster.py
WORDS = ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/cluster.md", "docs/tutorial_cluster.md"]
WORDS += ["docs/comparison.md"]


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    """A shop whose home sells what the foreign market does not, with 60 labels abroad."""
    folder = tmp_path_factory.mktemp("docs")
    con = xbsql.connect(folder / "shop.duckdb")
    con.register("catalogue", sample.catalog())
    con.execute(
        """
        CREATE TABLE home AS SELECT title, category FROM catalogue
            WHERE market = 'US' AND hash(product_id) % 2 = 0;
        CREATE TABLE japan AS
            SELECT title, CASE WHEN position <= 60 THEN category END AS category
            FROM (SELECT *, row_number() OVER (ORDER BY hash(product_id)) AS position FROM catalogue
                  WHERE market = 'JP' AND hash(product_id) % 2 = 1);
        """
    )
    sample.add_examples(con)
    for statement in con.extract_statements(blocks("docs/examples.md", "sql")[0]):
        con.sql(statement).fetchall()
    with contextlib.chdir(folder):  # examples that write files write them here
        yield con
    con.close()


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", faces(), ids=lambda path: path.name)
def test_what_is_generated_is_not_stale(path):
    assert path.read_text() == faces()[path], "run `make docs`"


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_every_functions_example_returns_rows(con, function):
    assert con.sql(function.example).fetchall()


@pytest.mark.parametrize("page", PAGES)
def test_every_sql_block_runs(con, page):
    found = blocks(page, "sql")
    assert found
    for block in found:
        for statement in con.extract_statements(block):
            con.sql(statement).fetchall()


def test_every_python_block_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = blocks("README.md", "python")
    assert found
    for block in found:
        names = {}
        exec(block, names)
        names["con"].close()
    assert "xb." in capsys.readouterr().out


@pytest.mark.parametrize("page", TUTORIALS)
def test_a_tutorial_runs_from_its_first_line_to_its_last(page, tmp_path):
    program = "".join(blocks(page, "python"))
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert program
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("page", [*WORDS, *TUTORIALS, *PAGES])
def test_what_a_page_points_to_is_there(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / target).exists(), target
