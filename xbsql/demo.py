"""The demonstration: a home market carried to Germany and Japan, with verdicts, a chart and its SQL."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeAlias

from tqdm import tqdm

from xbsql import sample
from xbsql.pages.card import card
from xbsql.pages.chart import Point, label_efficiency, svg
from xbsql.pages.page import code, page, table, verdict_cards
from xbsql.surface.duck import connect

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    Rows: TypeAlias = list[dict[str, Any]]

MARKETS = {"germany": "DE", "japan": "JP"}
LABELS = (0, 25, 50, 100)
SHOWN = (0, 100)

TABLES = """
-- Half of the products are sold at home only, the others abroad only, under titles of that country.
CREATE OR REPLACE TABLE home AS
    SELECT product_id, title, category FROM catalogue WHERE market = 'US' AND hash(product_id) % 2 = 0;
CREATE OR REPLACE TABLE {name} AS
    SELECT product_id, title, category FROM catalogue WHERE market = '{market}' AND hash(product_id) % 2 = 1
""".strip()

LABELLED = """
-- {labels} labelled rows; the category of all others is unknown.
CREATE OR REPLACE TABLE {name}_{labels} AS
    SELECT product_id, title,
        CASE WHEN row_number() OVER (ORDER BY hash(product_id, 7)) <= {labels} THEN category END AS category
    FROM {name}
""".strip()

TEST = """
CREATE OR REPLACE TABLE {name}_test AS
    SELECT title, category FROM {name} QUALIFY row_number() OVER (ORDER BY hash(product_id, 7)) > {most}
""".strip()

CLASSIFIED = """
-- The whole foreign catalogue in one statement.
CREATE OR REPLACE TABLE {name}_classified AS
    SELECT product_id, title, unnest(xb.classify('category_{name}', title)) FROM {name}
""".strip()


class Script:
    """Statements that run now and are written down for the user to run again."""

    def __init__(self, con: DuckDBPyConnection, bar: tqdm[Any]) -> None:
        self.con, self.bar = con, bar
        self.lines: list[str] = []

    def run(self, statements: str, doing: str) -> Rows:
        """Run statements; the rows of the last one."""
        self.bar.set_postfix_str(doing)
        self.lines.append(statements + ";")
        result = self.con.execute(statements)
        names = [column[0] for column in result.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        self.bar.update()
        return rows


def demo(folder: Path) -> str:
    """Run the demonstration.

    Args:
        folder: gets shop.duckdb, its store, report.html, label_efficiency.png and demo.sql; models that an
            earlier run left there are reused.

    Returns:
        What to print: the verdict cards and where everything is.
    """
    start = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    steps = len(MARKETS) * (4 + sum(6 if labels else 4 for labels in LABELS))
    with (
        connect(folder / "shop.duckdb", store=folder / "shop.duckdb.xbsql") as con,
        tqdm(
            total=steps,
            bar_format="{percentage:3.0f} % {bar:30} {elapsed} {postfix}",
            leave=False,
            disable=None,
        ) as bar,
    ):
        con.register("sample", sample.catalog())
        con.execute("CREATE OR REPLACE TABLE catalogue AS FROM sample")
        con.unregister("sample")
        sample.add_examples(con)
        script = Script(con, bar)
        cards: list[tuple[str, Rows]] = []
        points: list[Point] = []
        for name, market in MARKETS.items():
            script.run(TABLES.format(name=name, market=market), f"loading {name}")
            script.run("CALL xb.fit('category_home', home, 'category', market := 'US')", "fitting at home")
            script.run(TEST.format(name=name, most=max(LABELS)), f"loading {name}")
            for labels in LABELS:
                rows, measured = _transfer(script, name, market, labels)
                points += measured
                if labels in SHOWN:
                    cards.append((f"{name.title()}, {labels} labels", rows))
            script.run(CLASSIFIED.format(name=name), f"classifying {name}")
        _write(folder, script, cards, points)
    seconds = time.perf_counter() - start
    return "\n\n".join([*(card(title, rows) for title, rows in cards), _closing(folder, seconds)])


def _transfer(script: Script, name: str, market: str, labels: int) -> tuple[Rows, list[Point]]:
    """Transfer with so many labels; the verdict, and each arm's score on rows that nothing was fitted on."""
    model = f"category_{name}" if labels == max(LABELS) else f"category_{name}_{labels}"
    script.run(LABELLED.format(name=name, labels=labels), f"{name}: {labels} labels")
    rows = script.run(
        f"CALL xb.transfer('{model}', {name}_{labels}, 'category', "
        f"base := 'category_home', source := home, market := '{market}')",
        f"{name}: transferring to {labels} labels",
    )
    arms = {"source only": "category_home", "blend": model}
    if labels:
        alone = f"alone_{name}_{labels}"
        script.run(
            f"CALL xb.fit('{alone}', {name}_{labels}, 'category', market := '{market}')",
            f"{name}: {labels} labels alone",
        )
        arms["target only"] = alone
    points = []
    for arm, reference in arms.items():
        found = script.run(
            f"FROM xb.evaluate('{reference}', {name}_test, 'category') WHERE metric = 'accuracy'",
            f"{name}: measuring {arm}",
        )[0]
        points.append(Point(name.title(), arm, labels, found["value"], found["lo"], found["hi"]))
    return rows, points


def _write(folder: Path, script: Script, cards: list[tuple[str, Rows]], points: list[Point]) -> None:
    figure = label_efficiency(points, "accuracy on rows nothing was fitted on")
    figure.savefig(folder / "label_efficiency.png", dpi=150)
    sections = [
        ("Did the transfer help?", verdict_cards(cards)),
        ("How many labels is home worth?", svg(figure)),
    ]
    for name in MARKETS:
        query = f"SELECT title, label, score, runner_up, shift FROM {name}_classified ORDER BY hash(title)"
        result = script.con.execute(f"{query} LIMIT 12")
        columns = [column[0] for column in result.description or []]
        sections.append((f"{name.title()}'s catalogue, classified", table(columns, result.fetchall())))
    text = "\n\n".join(dict.fromkeys(script.lines))
    sections.append(("The SQL that did it", code(text)))
    lead = "Categories learned from English titles at home, carried to German and Japanese titles."
    (folder / "report.html").write_text(page("xbsql: a home market carried abroad", lead, sections))
    (folder / "demo.sql").write_text(text + "\n")


def _closing(folder: Path, seconds: float) -> str:
    return (
        f"{seconds:.0f} s. Look at {folder / 'report.html'}\n"
        f"Go on with: xbsql shell {folder / 'shop.duckdb'}\n"
        "  e.g. SELECT title, xb.classify('category_japan', title).label FROM japan LIMIT 5;\n"
        f"Every statement that ran is in {folder / 'demo.sql'}; the examples of docs/ run there, too"
    )
