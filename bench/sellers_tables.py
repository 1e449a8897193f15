"""Small tables of a seller and what is right of them: series, catalogues, labels, boosters."""

from __future__ import annotations

import datetime as dt
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.sellers_inputs import one, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection

    Check = Callable[[DuckDBPyConnection], object]

TABLES: dict[str, Check] = {}
MONDAY = dt.date(2023, 3, 6)
WEEKS = [MONDAY + dt.timedelta(7 * k) for k in range(70)]
FIT = "CALL xb.fit('{0}', {0}, 'y', task := 'forecast', options := {{'horizon': 2{1}}})"
THINGS = {
    "lamp": ("desk lamp", "Schreibtischlampe"), "rice": ("basmati rice", "Basmatireis"),
    "cable": ("extension cable", "Verl\u00e4ngerungskabel"), "soap": ("hand soap", "Handseife"),
    "tea": ("black tea", "Schwarztee"), "towel": ("bath towel", "Badetuch"),
    "bowl": ("salad bowl", "Salatsch\u00fcssel"),
    "pillow": ("neck pillow", "Nackenkissen"), "hose": ("garden hose", "Gartenschlauch"),
    "oil": ("olive oil", "Oliven\u00f6l"), "mat": ("yoga mat", "Yogamatte"), "box": ("lunch box", "Brotdose"),
}  # fmt: skip
SIZES = ("150 ml", "300 ml", "1 l", "3 m", "8 m", "50 g", "400 g", "2 kg", "4 pcs", "16 pcs")


def table_of(check: Check) -> Check:
    """Add a check, named as its function."""
    TABLES[check.__name__.replace("_", " ")] = check
    return check


def made(con: DuckDBPyConnection, name: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    """A table of these rows."""
    con.execute(f"CREATE OR REPLACE TABLE {name} ({columns})")
    con.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def sales(con: DuckDBPyConnection, name: str, scale: float = 1.0) -> float:
    """Weekly sales of five products under `name`; the mean of the largest one's."""
    generator = random.Random(7)
    rows = [
        (f"k{i}", day, round(scale * generator.gammavariate(4, 3 * (i + 1)), 3))
        for i in range(5)
        for day in WEEKS
    ]
    made(con, name, "unique_id VARCHAR, ds DATE, y DOUBLE", rows)
    return float(one(con, f"SELECT max(m) FROM (SELECT avg(y) AS m FROM {name} GROUP BY unique_id)"))


@table_of
def forecasts_of_large_amounts(con: DuckDBPyConnection) -> None:
    mean = sales(con, "large", 1e8)
    con.execute(FIT.format("large", ""))
    top = one(con, "SELECT max(yhat) FROM xb.forecast('large', large, unique_id, ds, y, horizon := 1)")
    assert 0.3 * mean < top < 3 * mean, (top, mean)


@table_of
def months_that_end_on_days_28_to_31(con: DuckDBPyConnection) -> None:
    ends = [dt.date(2022 + k // 12, k % 12 + 1, 28) + dt.timedelta(4) for k in range(30)]
    lasts = [day.replace(day=1) - dt.timedelta(1) for day in ends]
    made(con, "months", "unique_id VARCHAR, ds DATE, y DOUBLE",
         [(f"k{i}", day, 50.0 + i + k % 4) for i in range(4) for k, day in enumerate(lasts)])  # fmt: skip
    con.execute(FIT.format("months", ""))
    found = con.execute("FROM xb.forecast('months', months, unique_id, ds, y, horizon := 2)").fetchall()
    assert len(found) == 8
    assert all(40 < row[3] < 70 and row[2].day >= 28 for row in found), found[0]


@table_of
def a_known_column_without_its_future(con: DuckDBPyConnection) -> None:
    generator = random.Random(1)
    made(con, "promo", "unique_id VARCHAR, ds DATE, y DOUBLE, promo DOUBLE", [
        (f"k{i}", day, (20 + generator.randint(-2, 2)) * (1 + 2 * on), on)
        for i in range(5) for k, day in enumerate(WEEKS) for on in [float((k + i) % 6 == 0)]
    ])  # fmt: skip
    con.execute(FIT.format("promo", ""))
    call = "xb.forecast('promo', promo, unique_id, ds, y, horizon := 1, known := {'promo': promo})"
    query = f"SELECT any_value(status) FROM {call}"
    assert one(con, query) != "ok"


@table_of
def ids_with_a_part_that_is_null(con: DuckDBPyConnection) -> None:
    sales(con, "plain")
    con.execute(
        "CREATE OR REPLACE TABLE parts AS SELECT unique_id AS sku, "
        "CASE WHEN unique_id > 'k2' THEN NULL ELSE 'A' END AS category, ds, y FROM plain"
    )
    con.execute(FIT.format("parts", ", 'id': ['category', 'sku']"))
    query = "FROM xb.forecast('parts', parts, {'category': category, 'sku': sku}, ds, y, horizon := 1)"
    assert len(con.execute(query).fetchall()) == 5


@table_of
def options_that_do_not_exist(con: DuckDBPyConnection) -> None:
    sales(con, "plain")
    con.execute(FIT.format("plain", ""))
    for option in ("{'calender': 'JP'}", "{'fil': 'last'}", "{'duplicate': 'mean'}"):
        call = f"FROM xb.forecast('plain', plain, unique_id, ds, y, horizon := 1, options := {option})"
        assert "did you mean" in refused(con, call)
    refused(con, "CALL xb.fit('plain', plain, 'y', options := {'seed': 'abc'})")


@table_of
def one_series_without_an_id(con: DuckDBPyConnection) -> None:
    sales(con, "plain")
    con.execute("CREATE OR REPLACE TABLE alone AS SELECT ds, sum(y) AS y FROM plain GROUP BY ds")
    said = refused(con, FIT.format("alone", ""))
    assert "id" in said
    con.execute("CALL xb.fit('alone', alone, 'y', task := 'forecast', options := {'horizon': 2, 'id': []})")


@table_of
def blank_titles_match_nothing(con: DuckDBPyConnection) -> None:
    left = [("L1", "blue rain coat"), ("L2", "usb keyboard"), ("L3", ""), ("L4", "n/a"), ("L5", "unknown")]
    right = [("R1", "blauer Regenmantel"), ("R2", "USB-Tastatur"), ("R3", " "), ("R4", "-"), ("R5", "X")]
    made(con, "l", "id VARCHAR, title VARCHAR", left)
    made(con, "r", "id VARCHAR, title VARCHAR", right)
    found = con.execute(MATCH.format("l", "r", "")).fetchall()
    assert [row[1] for row in found if row[0] in ("L3", "L4", "L5")] == [None] * 3, found


MATCH = "FROM xb.match({0}, {1}, lid := id, ltext := title, rid := id, rtext := title{2})"


@table_of
def another_size_is_another_product(con: DuckDBPyConnection) -> None:
    generator, left, right, other = random.Random(5), [], [], set()
    for brand in ("Nordal", "Veltro", "Osaka", "Pinto", "Rhea"):
        for name, (english, german) in THINGS.items():
            size, key = generator.choice(SIZES), f"{brand}-{name}"
            their = size
            if generator.random() < 0.5:
                their = generator.choice([each for each in SIZES if each != size])
                other.add(key)
            left.append((key, f"{brand} {english} {size}"))
            right.append((key, f"{brand} {german} {their}"))
    made(con, "sized", "id VARCHAR, title VARCHAR", left)
    made(con, "sized_abroad", "id VARCHAR, title VARCHAR", right)
    found = con.execute(MATCH.format("sized", "sized_abroad", ", threshold := 0.9")).fetchall()
    pairs = [row for row in found if row[1] is not None]
    wrong = [row for row in pairs if row[0] != row[1] or row[0] in other]
    assert len(pairs) >= 10, len(pairs)
    assert len(wrong) <= 0.15 * len(pairs), (len(wrong), len(pairs), wrong[:3])


@table_of
def keys_of_beside_that_do_not_exist(con: DuckDBPyConnection) -> None:
    made(con, "l", "id VARCHAR, title VARCHAR, x DOUBLE", [("a", "red hat", 1.0), ("b", "tea", 2.0)])
    said = refused(con, MATCH.format("l", "l", ", beside := {'prise': x}"))
    assert "did you mean 'price'" in said


@table_of
def soft_hyphens_in_an_index(con: DuckDBPyConnection) -> None:
    titles = [
        "Garten\u00adstuhl mit Arm\u00adlehne",
        "Gartentisch aus Holz",
        "Stuhlkissen",
        "Gartenstuhl klappbar",
    ]
    made(con, "hyphens", "id INTEGER, title VARCHAR", list(enumerate(titles)))
    con.execute("CALL xb.build_index('hyphens', hyphens, id := id, text := title)")
    for search in ("search", "search_text"):
        assert one(con, f"SELECT xb.{search}('hyphens', 'Gartenstuhl mit Armlehne', k := 1)[1].id") == "0"


@table_of
def classes_of_an_imported_booster(con: DuckDBPyConnection) -> None:
    import lightgbm as lgb
    import numpy as np

    x = np.arange(90.0).reshape(-1, 1)
    data = lgb.Dataset(x, label=np.arange(90) // 30, feature_name=["x"])
    settings = {"objective": "multiclass", "num_class": 3, "verbose": -1, "min_data_in_leaf": 1}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plain.txt"
        lgb.train(settings, data, 5).save_model(path)
        con.execute(f"FROM xb.import_booster('abc', '{path}', 'y', classes := ['low', 'mid', 'high'])")
    con.execute("CREATE OR REPLACE TABLE points AS SELECT unnest([5.0, 45.0, 85.0]) AS x")
    found = con.execute("SELECT xb.classify('abc', t).label FROM points t ORDER BY x").fetchall()
    assert found == [("low",), ("mid",), ("high",)]


@table_of
def titles_in_capitals(con: DuckDBPyConnection) -> None:
    generator = random.Random(3)
    colours = (("red", "rot"), ("blue", "blau"), ("green", "gr\u00fcn"))
    home: list[tuple[str, str]] = []
    abroad: list[tuple[str, str]] = []
    for name, words in THINGS.items():
        for k in range(40):
            colour = generator.choice(colours)
            (home if k % 2 else abroad).append((f"{colour[1 - k % 2]} {words[1 - k % 2]} {k}", name))
    made(con, "english", "title VARCHAR, category VARCHAR", home)
    made(con, "german", "title VARCHAR, category VARCHAR", abroad)
    con.execute("CALL xb.fit('capitals', english, 'category')")
    share = "SELECT avg((xb.classify('capitals', {}).label = category)::INT) FROM german"
    plain, capitals = (one(con, share.format(text)) for text in ("title", "upper(title)"))
    assert capitals > plain - 0.05, (plain, capitals)


@table_of
def classes_in_two_spellings(con: DuckDBPyConnection) -> None:
    rows = [(f"item {k}", ("Shoes", "shoes ", " Shoes", "Bags")[k % 4]) for k in range(80)]
    made(con, "spelt", "title VARCHAR, category VARCHAR", rows)
    notes = con.execute("SELECT note FROM xb.fit('spelt', spelt, 'category')").fetchall()
    assert "in case or blanks alone" in str(notes)
    assert "case or blanks" in str(con.execute("FROM xb.lint(spelt, label := 'category')").fetchall())


@table_of
def labels_that_are_numbers_in_text(con: DuckDBPyConnection) -> None:
    rows = [(f"item {k}", f"{k * 7 % 900},{k % 100:02d}") for k in range(120)]
    made(con, "priced", "title VARCHAR, price VARCHAR", rows)
    assert "parse_number" in refused(con, "CALL xb.fit('priced', priced, 'price')")


@table_of
def a_missing_model_and_an_empty_table(con: DuckDBPyConnection) -> None:
    made(con, "priced", "title VARCHAR, price DOUBLE", [("a", 1.0)])
    con.execute("CREATE OR REPLACE TABLE nobody AS FROM priced LIMIT 0")
    assert "no model 'nope'" in refused(con, "FROM xb.predict_table('nope', nobody)")


@table_of
def a_lint_in_units_that_differ(con: DuckDBPyConnection) -> None:
    con.execute("CREATE OR REPLACE TABLE waves AS SELECT i + 365.0 AS wavelength_nm FROM range(60) t(i)")
    con.execute(
        "CREATE OR REPLACE TABLE waves_mm AS SELECT (i + 365.0) / 1e6 AS wavelength_mm FROM range(60) t(i)"
    )
    found = con.execute("SELECT problem, remedy FROM xb.lint(waves, waves_mm)").fetchall()
    assert "wavelength_nm" in str(found)
    assert not any("nmi" in remedy for _, remedy in found)
