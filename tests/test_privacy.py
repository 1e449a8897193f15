"""What a store holds of the rows: planted values are looked for in every file."""

import struct
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.errors import XbsqlError
from xbsql.features.hidden import hidden
from xbsql.store.model import restore
from xbsql.surface.duck import session_of
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as classify
from xbsql.tasks.predict.task import TASK as predict

N = 600
STRICT = {"keep_rows": False}
MAILS = [f"planted{i}@secret-mail.example" for i in range(20)]
IBAN = "DE89370400440532013000"
MOST, LEAST = 987654.3215, -13579.2468
SAID = {"text": ["note"], "category": ["contact", "iban", "lane", "rare"]}


def orders(seed, n=N):
    """Shipments with personal columns; the number and the label have an extreme row each."""
    rng = np.random.default_rng(seed)
    contact = rng.integers(0, 20, n)
    lane = rng.integers(0, 3, n)
    weight = rng.normal(10, 2, n)
    days = 3 * lane + 0.3 * weight + rng.normal(0, 0.5, n)
    weight[0], days[1], days[2] = MOST, MOST, LEAST
    return pa.table(
        {
            "contact": [MAILS[i] for i in contact],
            "iban": pa.array([IBAN if i % 2 else None for i in range(n)]),
            "lane": [f"lane-planted-{i}" for i in lane],
            "rare": [f"once-planted-{seed}-{i}" if i < 9 else "often-planted" for i in range(n)],
            "note": [f"wordplanted{lane[i]} sent by {MAILS[contact[i]]} in box {i}" for i in range(n)],
            "weight": weight,
            "shop": [f"shop-planted-{i % 2}" for i in range(n)],
            "days": days,
            "late": np.where(days > 6, "late", "fine"),
        }
    )


PLANTED = [*MAILS, IBAN, "lane-planted", "once-planted", "often-planted", "wordplanted", "shop-planted"]
NUMBERS = [form for value in (MOST, LEAST) for form in (struct.pack("<d", value), repr(value)[:9].encode())]


def content(folder):
    files = [file for file in Path(folder).rglob("*") if file.is_file()]
    assert files
    return b"".join(file.read_bytes() for file in files)


def planted(folder):
    """What of the planted values stands in the files of a folder."""
    found = content(folder)
    texts = [text for text in PLANTED if text.encode() in found or text.encode("utf-16-le") in found]
    return texts + [number for number in NUMBERS if number in found]


@pytest.fixture
def con(tmp_path):
    con = xbsql.connect(store=tmp_path / "store")
    yield con
    con.close()


@pytest.mark.parametrize(("label", "other"), [("days", "late"), ("late", "days")])
def test_no_value_of_a_row_stands_in_a_model_that_keeps_no_rows(con, tmp_path, label, other):
    home, target = (orders(seed).drop_columns([other]) for seed in (1, 2))
    options = SAID | STRICT
    xbsql.fit(con, "home", home, label, options=options)
    assert not planted(tmp_path / "store")
    by = {"source_market": "shop"} | ({"intervals_by": "lane"} if label == "days" else {})
    xbsql.transfer(con, "abroad", target, label, base="home", source=home, options=options | by)
    assert not planted(tmp_path / "store")
    (tmp_path / "out").mkdir()
    xbsql.export_booster(con, "abroad", str(tmp_path / "out"))
    assert not planted(tmp_path / "out")


@pytest.mark.parametrize(("label", "other"), [("days", "late"), ("late", "days")])
def test_an_ordinary_model_names_its_categories_but_none_of_a_single_row(con, tmp_path, label, other):
    home = orders(1).drop_columns([other, "note"])
    said = {"category": SAID["category"]}
    xbsql.fit(con, "home", home, label, options=said)
    xbsql.transfer(con, "abroad", orders(2).drop_columns([other, "note"]), label, base="home", options=said)
    found = planted(tmp_path / "store")
    assert {MAILS[0], IBAN, "lane-planted", "often-planted"} <= set(found)
    assert "once-planted" not in found


def test_a_forecast_holds_the_names_of_series_and_no_other_text(con, tmp_path):
    weeks = np.arange("2023-01-02", "2024-06-03", 7, dtype="datetime64[D]")
    rows = len(weeks) * 12
    table = pa.table(
        {
            "unique_id": np.repeat([f"series-planted-{i}" for i in range(12)], len(weeks)),
            "ds": np.tile(weeks, 12),
            "name": np.repeat([f"title-planted {i}" for i in range(12)], len(weeks)),
            "contact": [MAILS[i % 20] for i in range(rows)],
            "y": np.random.default_rng(0).poisson(5, rows).astype(float),
        }
    )
    xbsql.fit(con, "demand", table, "y", task="forecast", options={"horizon": 2, "title": "name"})
    found = content(tmp_path / "store")
    assert b"series-planted-3" in found
    assert b"title-planted" not in found
    assert not planted(tmp_path / "store")
    table = table.set_column(0, "unique_id", pa.array([MAILS[i // len(weeks)] for i in range(rows)]))
    with pytest.raises(XbsqlError, match=r"'unique_id' looks like e-mail addresses.*md5\(unique_id\)"):
        xbsql.fit(con, "demand", table, "y", task="forecast", options={"horizon": 2})


def test_an_extraction_holds_names_of_attributes_and_no_word_of_a_title(con, tmp_path):
    table = pa.table(
        {
            "title": [
                f"wordplanted{i} {'red' if i % 2 else 'blue'} scarf valueplanted{i % 7}" for i in range(40)
            ],
            "colour": ["red" if i % 2 else "blue" for i in range(40)],
            "brand": [f"valueplanted{i % 7}" for i in range(40)],
        }
    )
    options = {"attributes": ["colour", "brand"]}
    xbsql.fit(con, "values", table, "brand", task="extract", options=options)
    found = content(tmp_path / "store")
    assert b"colour" in found
    assert b"planted" not in found


def test_an_index_holds_ids_and_no_text(con, tmp_path):
    con.register(
        "notes", orders(1).slice(0, 50).append_column("id", pa.array([f"id-planted-{i}" for i in range(50)]))
    )
    con.sql("CALL xb.build_index('notes', notes, id := id, text := note)").fetchall()
    found = content(tmp_path / "store")
    assert b"id-planted-7" in found
    assert not planted(tmp_path / "store")


@pytest.mark.parametrize(("task", "label", "other"), [(predict, "days", "late"), (classify, "late", "days")])
def test_hidden_categories_predict_as_clear_ones_and_are_explained(task, label, other):
    home = orders(1).drop_columns([other, "note", "rare"])
    said = {"category": ["contact", "iban", "lane"]}
    hidden_model, _ = road.fit(task, home, label, options=said | STRICT)
    clear, _ = road.fit(task, home, label, options=said)
    batch = orders(3, 50).to_batches()[0].select(clear.signature.inputs.names)
    names = [field.name for field in clear.signature.output if field.name != "shift"]
    for name in names if label == "late" else ["value"]:
        assert hidden_model.predict(batch).field(name).equals(clear.predict(batch).field(name))
    assert restore(hidden_model.state()).predict(batch).equals(hidden_model.predict(batch))
    from xbsql.tasks.explain import explain

    table = pa.Table.from_batches([batch])
    assert explain(hidden_model, table).per_row().equals(explain(clear, table).per_row())


def test_an_exported_booster_says_how_its_categories_are_hidden(con, tmp_path):
    import json

    home = orders(1).select(["lane", "weight", "days"])
    xbsql.fit(con, "home", home, "days", options=STRICT)
    rows = xbsql.export_booster(con, "home", str(tmp_path / "out")).to_pylist()
    about = json.loads((tmp_path / "out" / "columns.json").read_text())
    lane, weight = about["files"][0]["matrix"]
    values = hidden(home["lane"].to_pylist(), lane["key"])
    x = np.stack([[lane["levels"].index(value) for value in values], np.asarray(home["weight"])], axis=1)
    model = session_of("test", con).model("test", "home")
    member = model.predictor.members[rows[0]["member"]]
    plain = lgb.Booster(model_file=tmp_path / "out" / rows[0]["file"])
    np.testing.assert_array_equal(plain.predict(x), member.predict(model.reader.read(home)))
    assert "key" not in weight


@pytest.mark.parametrize(("task", "label", "other"), [(predict, "days", "late"), (classify, "late", "days")])
def test_personal_columns_are_refused_until_told(task, label, other):
    home = orders(1, 80).drop_columns([other])
    message = (
        r"xb\.fit: columns that look personal: 'contact' \(e-mail addresses\), 'iban' \(IBANs\), 'note' .*"
        r"leave them out by options \{'ignore': \['contact', 'iban', 'note'\]\}, or have .* 'category'"
    )
    with pytest.raises(XbsqlError, match=message):
        road.fit(task, home, label)
    with pytest.raises(XbsqlError, match=r"look personal: 'note' \(e-mail addresses\); leave"):
        road.fit(task, home, label, options={"category": ["contact"], "ignore": "iban"})
    left_out = {"ignore": ["contact", "iban", "note"]}
    model, _ = road.fit(task, home, label, options=left_out)
    assert not {"contact", "iban", "note"} & set(model.reader.schema.names)
    with pytest.raises(XbsqlError, match=r"xb\.transfer: columns that look personal: 'contact'"):
        road.transfer(task, home, label, base=model)
    road.transfer(task, home, label, base=model, options=left_out, method="source")
    road.fit(task, home, label, options={"group": "contact", "ignore": ["iban", "note"]})


def test_a_label_of_persons_is_refused_until_told():
    table = orders(1, 200).select(["weight", "contact"])
    with pytest.raises(XbsqlError, match="label column 'contact' looks like e-mail addresses"):
        road.fit(classify, table, "contact")
    assert len(road.fit(classify, table, "contact", options={"category": ["contact"]})[0].classes) == 20


def test_a_home_model_with_rows_is_no_base_where_no_row_may_leave():
    table = pa.table({"title": [f"{w} {i}" for i in range(40) for w in ("red shoe", "oak table")]})
    table = table.append_column("label", pa.array(["shoes", "tables"] * 40))
    home, _ = road.fit(classify, table, "label")
    with pytest.raises(
        XbsqlError, match="'keep_rows' is false, and the home model holds embeddings of its rows"
    ):
        road.transfer(classify, table.slice(0, 20), "label", base=home, options=STRICT)
    lean, _ = road.fit(classify, table, "label", options=STRICT)
    road.transfer(classify, table.slice(0, 20), "label", base=lean, options=STRICT, method="source")
