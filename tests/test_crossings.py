"""A transfer between tables whose columns, units and currencies differ."""

import numpy as np
import pyarrow as pa
import pytest

import xbsql

GERMAN = {"weight": "gewicht", "distance": "entfernung", "mode": "transportart"}


def parcels(n, seed, factor=1.0, names=None, **more):
    generator = np.random.default_rng(seed)
    weight, distance = generator.lognormal(1, 0.6, n), generator.lognormal(6, 0.5, n)
    mode = generator.choice(["air", "sea", "road"], n)
    days = factor * (2 + 0.8 * weight + 0.004 * distance - 3 * (mode == "air")) + 0.5 * generator.normal(
        size=n
    )
    columns = {"weight": weight, "distance": distance, "mode": mode, "days": days} | more
    return pa.table({(names or {}).get(name, name): values for name, values in columns.items()})


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    con = xbsql.connect(store=tmp_path_factory.mktemp("store"))
    xbsql.fit(con, "home", parcels(600, 0), "days")
    yield con
    con.close()


TARGET, TEST = parcels(60, 1, 1.2, GERMAN), parcels(800, 2, 1.2, GERMAN)


def notes(rows):
    return rows["note"][0].as_py() or ""


def r2(con, model, table=TEST):
    return xbsql.evaluate(con, model, table, "days")["value"][0].as_py()


def test_aligned_columns_carry_the_home_model_across(con):
    xbsql.transfer(con, "plain", TARGET, "days", base="home")
    told = notes(xbsql.transfer(con, "aligned", TARGET, "days", base="home", options={"align": True}))
    assert "column 'gewicht' is read as 'weight' (meaning" in told
    assert "column 'transportart' is read as 'mode' (meaning" in told
    assert "carry 100% of what the home model's columns do" in told
    assert r2(con, "aligned") > r2(con, "plain") + 0.01


def test_an_aligned_model_reads_the_targets_names_in_sql_and_after_a_restart(con, tmp_path):
    xbsql.transfer(con, "sql", TARGET, "days", base="home", options={"align": True})
    inputs = con.sql("SELECT key FROM xb.model_card('sql') WHERE section = 'input'").fetchall()
    assert {name for (name,) in inputs} == set(GERMAN.values())
    con.register("test_rows", TEST.slice(0, 5))
    first = con.sql("SELECT xb.predict('sql', t).value FROM test_rows t").fetchall()
    with xbsql.connect(store=xbsql.surface.duck.session_of("test", con).store.path) as again:
        again.register("test_rows", TEST.slice(0, 5))
        assert again.sql("SELECT xb.predict('sql', t).value FROM test_rows t").fetchall() == first


def test_home_rows_serve_without_a_base_and_the_next_market_goes_on(con):
    source = parcels(500, 0)
    xbsql.transfer(con, "rows", TARGET, "days", source=source, options={"align": True})
    assert r2(con, "rows") > 0.8
    xbsql.transfer(con, "next", parcels(60, 3, 1.3, GERMAN), "days", base="rows")
    assert r2(con, "next") > 0.8
    xbsql.transfer(con, "english", parcels(60, 4), "days", base="rows")
    assert r2(con, "english", parcels(500, 5)) > 0.8
    inputs = xbsql.model_card(con, "english").to_pylist()
    assert "gewicht" not in {row["key"] for row in inputs if row["section"] == "input"}


def test_options_name_columns_as_the_target_does(con):
    options = {"align": True, "category": ["transportart"], "ignore": ["entfernung"]}
    told = notes(xbsql.transfer(con, "named", TARGET, "days", base="home", options=options))
    assert "'transportart' is read as 'mode'" in told
    assert "column 'entfernung' is not read" in told
    assert r2(con, "named") > 0.5


def test_columns_may_be_aligned_by_hand(con):
    by_hand = {"align": {"gewicht": "weight"}}
    told = notes(xbsql.transfer(con, "hand", TARGET, "days", base="home", options=by_hand))
    assert "column 'gewicht' is read as 'weight' (given, 1.00)" in told
    assert "'entfernung'" in told


@pytest.mark.parametrize(
    ("align", "message"),
    [
        ({"gewich": "weight"}, r"no column to align 'gewich'.*did you mean 'gewicht'"),
        ({"gewicht": "wait"}, "no column to align with 'wait'"),
        ("yes", "the option 'align' is 'yes'; give true"),
    ],
)
def test_an_alignment_that_cannot_be_is_one_line(con, align, message):
    with pytest.raises(xbsql.XbsqlError, match=message):
        xbsql.transfer(con, "m", TARGET, "days", base="home", options={"align": align})


def test_columns_that_one_side_lacks_are_no_error(con):
    lacking = TARGET.rename_columns(
        [{v: k for k, v in GERMAN.items()}.get(n, n) for n in TARGET.column_names]
    )
    fewer = lacking.drop_columns(["mode"]).append_column("duty", pa.array(np.arange(60.0)))
    xbsql.transfer(con, "fewer", fewer, "days", base="home")
    told = notes(xbsql.transfer(con, "fewer", fewer, "days", base="home", options={"align": True}))
    assert "not aligned with any column of the source: 'duty'" in told
    assert 0 < float(told.split(" carry ")[1].split("%")[0]) < 100


CONTRADICTIONS = [
    (
        {"load_kg": np.ones(60)},
        {"load_lb": np.ones(60)},
        "'load_kg' of the source is 'load_lb' in the target",
    ),
    ({"currency": ["EUR"] * 60}, {"currency": ["JPY"] * 60}, "is EUR in the source and JPY in the target"),
    ({"unit": ["kg"] * 60}, {"unit": ["lb"] * 60}, "'unit' is kg in the source and lb in the target"),
]


@pytest.mark.parametrize(("theirs", "ours", "message"), CONTRADICTIONS)
def test_contradicting_units_are_refused_unless_they_are_said_to_be_fine(con, theirs, ours, message):
    source, target = parcels(60, 0, **theirs), parcels(60, 1, **ours)
    with pytest.raises(xbsql.XbsqlError, match=f"^xb.transfer: .*{message}.*'units': 'same'") as caught:
        xbsql.transfer(con, "m", target, "days", source=source)
    assert "\n" not in str(caught.value)
    assert len(xbsql.transfer(con, "m", target, "days", source=source, options={"units": "same"}))


def test_a_base_remembers_its_currency(con):
    home = parcels(300, 0, currency=np.random.default_rng(0).choice(["EUR", "CHF"], 300))
    xbsql.fit(con, "euros", home, "days")
    with pytest.raises(xbsql.XbsqlError, match="'currency' is CHF, EUR in the source and JPY in the target"):
        xbsql.transfer(con, "m", parcels(60, 1, currency=["JPY"] * 60), "days", base="euros")


@pytest.mark.parametrize(
    ("options", "message"), [({"units": "kg"}, "option 'units' is 'kg'"), ({"alig": True}, "align")]
)
def test_an_option_that_is_none_is_one_line(con, options, message):
    with pytest.raises(xbsql.XbsqlError, match=message):
        xbsql.transfer(con, "m", TARGET, "days", base="home", options=options)


SHOP = {"Product Title": "Titel", "Category": "Kategorie"}
TITLES = {
    "bags": (["red leather handbag", "travel backpack", "tote bag"], ["rote Lederhandtasche",
    "Reiserucksack", "Stofftasche"]),
    "mugs": (["coffee mug", "ceramic cup", "tea glass"], ["Kaffeebecher", "Keramiktasse", "Teeglas"]),
}  # fmt: skip


def shops(side, repeat, names=None):
    rows = [(f"{title} {i}", kind) for i in range(repeat) for kind in TITLES for title in TITLES[kind][side]]
    titles, kinds = zip(*rows, strict=True)
    table = {"Product Title": list(titles), "Category": list(kinds)}
    return pa.table({(names or {}).get(name, name): values for name, values in table.items()})


@pytest.mark.parametrize("label", ["Kategorie", "Category"])
@pytest.mark.parametrize("home", ["base", "source"])
def test_a_label_of_two_names_is_aligned_with_the_title(con, label, home):
    source, target = shops(0, 20), shops(1, 8, SHOP)
    xbsql.fit(con, "shop", source, "Category")
    given = {"base": "shop"} if home == "base" else {"source": source}
    align = {"Titel": "Product Title", "Kategorie": "Category"}
    told = notes(xbsql.transfer(con, f"{home}{label}", target, label, **given, options={"align": align}))
    assert "column 'Titel' is read as 'Product Title' (given, 1.00)" in told
    measured = xbsql.evaluate(con, f"{home}{label}", shops(1, 3, SHOP), "Kategorie").to_pylist()
    assert next(row["value"] for row in measured if row["metric"] == "accuracy") > 0.9


def test_the_label_of_a_base_needs_no_word_and_the_title_is_found_by_meaning(con):
    xbsql.fit(con, "shop", shops(0, 20), "Category")
    rows = xbsql.transfer(con, "meant", shops(1, 8, SHOP), "Kategorie", base="shop", options={"align": True})
    assert "column 'Titel' is read as 'Product Title' (meaning" in notes(rows)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (
            "Kategorie",
            "no label column 'Kategorie'; the source has Product Title, Category.*say what it is called",
        ),
        ("Kat", "no label column 'Kat'; the table has Titel, Kategorie"),
    ],
)
def test_a_label_that_one_side_lacks_is_one_line(con, label, message):
    with pytest.raises(xbsql.XbsqlError, match=message) as caught:
        xbsql.transfer(con, "m", shops(1, 8, SHOP), label, source=shops(0, 8), options={"align": True})
    assert "\n" not in str(caught.value)


def test_units_of_columns_that_are_not_read_are_no_contradiction(con):
    empty = pa.nulls(60, pa.float64())
    source, target = parcels(60, 0, spare_kg=empty), parcels(60, 1, spare_lb=empty)
    assert len(xbsql.transfer(con, "m", target, "days", source=source))
    ids = {"tracking_oz": [f"K{i}X{i * 7}" for i in range(60)]}
    source, target = parcels(60, 0, **ids), parcels(60, 1, tracking_lb=ids["tracking_oz"])
    assert len(xbsql.transfer(con, "m", target, "days", source=source))
