"""Next spend and return of customers as a task: the same as by hand, without ids, each mistake one line."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import xbsql
from xbsql.customers.profile import Asked, profile
from xbsql.errors import XbsqlError
from xbsql.tasks import road, task_named

TASK = task_named("test", "profile")
COLUMNS = {"user": "who", "ts": "moment"}


def sales(customers, seed, days=400, prefix="secretuser"):
    """Lines of customers who come at their own pace and spend at their own level."""
    random = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        pace, level, day = random.uniform(10, 90), random.uniform(5, 50), random.uniform(0, 120)
        while day < days:
            rows.append((f"{prefix}{customer}", int(day), level * random.uniform(0.7, 1.3)))
            day += random.exponential(pace)
    start = dt.datetime(2024, 1, 1)
    return pa.table(
        {
            "who": [who for who, _, _ in rows],
            "moment": [start + dt.timedelta(day) for _, day, _ in rows],
            "paid": [paid for _, _, paid in rows],
        }
    )


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    with xbsql.connect(store=tmp_path_factory.mktemp("store")) as found:
        found.register("us", sales(120, 1))
        found.register("jp", sales(50, 2))
        found.register("young", sales(40, 3, days=60))
        call = "CALL xb.fit('us', us, 'paid', task := 'profile', options := {'user': 'who', 'ts': 'moment'})"
        found.sql(call).fetchall()
        yield found


def by_hand(lines, until):
    """The profiles of a day."""
    none = pa.nulls(len(lines), pa.string())
    given = {"user": lines["who"], "ts": lines["moment"], "amount": lines["paid"], "basket": none}
    return profile("test", pa.table({**given, "category": none}), Asked(until, 90, 0.9, 5), None)


def test_it_learns_what_the_recipe_by_hand_learns_in_any_order_of_rows():
    lines = sales(80, 1)
    day = lines["moment"].to_pylist()
    until = max(day).date() - dt.timedelta(90)
    past = by_hand(lines, until)
    past = past.filter(pc.greater(past["orders"], 0)).sort_by("user")
    past = past.drop_columns(["user", "first_order", "last_order", "basis", "nearest", "later_orders"])
    found = road.fit(task_named("test", "predict"), past, "later_spend")[1]
    mixed = lines.take(np.random.default_rng(0).permutation(len(lines)))
    for some in (lines, mixed):
        model, report = road.fit(TASK, some, "paid", options=COLUMNS)
        assert [row["value"] for row in report] == pytest.approx([row["value"] for row in found])
        assert report[0]["note"].startswith(f"profiles of {until}: {len(past)} customers, what came within")
        assert model.signature.label == "later_spend"


def test_todays_profiles_are_asked(con):
    call = "CALL xb.transfer('jp', jp, 'paid', base := 'us', task := 'profile', options := {})"
    arms = con.sql(call.replace("{}", "{'user': 'who', 'ts': 'moment'}")).fetchall()
    assert {row[2] for row in arms} >= {"target only", "source only", "blend"}
    con.execute("CREATE OR REPLACE TABLE today AS FROM xb.profile(jp, who, moment, paid)")
    rows = con.sql("SELECT typical_spend, value FROM xb.predict_table('jp', today)").fetchall()
    assert len(rows) == 50
    assert np.corrcoef(np.array(rows).T)[0, 1] > 0.5


def test_no_id_of_a_customer_is_stored(tmp_path):
    with xbsql.connect(store=tmp_path) as con:
        con.register("us", sales(40, 1))
        call = "CALL xb.fit('us', us, 'paid', task := 'profile', options := {'user': 'who', 'ts': 'moment'})"
        con.sql(call).fetchall()
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(b"secretuser" in content for content in files)


def test_return_is_a_class_and_home_may_be_rows(con):
    call = """
        CALL xb.transfer('back', jp, 'paid', source := us, task := 'profile',
                         options := {'user': 'who', 'ts': 'moment', 'ahead': 'return', 'horizon': 30})
    """
    assert {row[2] for row in con.sql(call).fetchall()} >= {"target only", "source only", "blend"}
    con.execute("CREATE OR REPLACE TABLE today AS FROM xb.profile(jp, who, moment, paid, horizon := 30)")
    rows = con.sql("SELECT predicted, value FROM xb.predict_table('back', today)").fetchall()
    assert {row[0] for row in rows} <= {"true", "false"}


def test_a_young_market_is_served_from_home_without_a_label(con):
    call = """
        CALL xb.transfer('new', young, 'paid', base := 'us', task := 'profile',
                         options := {'user': 'who', 'ts': 'moment'})
    """
    rows = con.sql(call).fetchall()
    assert "NOT MEASURED" in str(rows[0])
    assert "no label: the table ends too early" in str(rows[0])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"user": "nobody"}, "no column 'nobody'"),
        ({"category": "kind"}, "no column 'kind'"),
        ({"category": "mail"}, "column 'mail' looks like e-mail addresses, and categories are kept"),
        ({"ahead": "spent"}, "no choice for the option 'ahead' 'spent'; there is spend, return"),
        ({"horizon": 0}, "the option 'horizon' is 0; give 1 to 3650 days"),
        ({"until": "soon"}, "the option 'until' is 'soon'; give a date"),
        ({"until": "1990-01-01"}, "nobody ordered until 1990-01-01"),
        ({"ts": "who"}, "ts is no timestamp"),
    ],
)
def test_a_mistake_is_one_line(options, said):
    lines = sales(5, 0)
    lines = lines.append_column("mail", pa.array([f"ann{at % 9}@example.com" for at in range(len(lines))]))
    with pytest.raises(XbsqlError, match=said) as caught:
        road.fit(TASK, lines, "paid", options={**COLUMNS, **options})
    assert "\n" not in str(caught.value)


def test_a_base_of_another_question_and_a_source_that_cannot_be_read():
    target, options = sales(20, 0), {**COLUMNS, "horizon": 30}
    base = road.fit(TASK, sales(40, 1), "paid", options=options)[0]
    with pytest.raises(XbsqlError, match="the model was fitted for predict"):
        road.transfer(TASK, target, "paid", base=base, options={**options, "ahead": "return"})
    with pytest.raises(XbsqlError, match="in the source, no column 'moment'"):
        road.transfer(TASK, target, "paid", source=target.drop_columns(["moment"]), options=options)
