"""What a call would take: more work costs more, and what there is to estimate is said."""

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql import XbsqlError
from xbsql.session.cost import FUNCTIONS, Facts, memory, priced, work


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    return xbsql.connect(store=tmp_path_factory.mktemp("store"))


def rows(count, seed=0):
    generator = np.random.default_rng(seed)
    titles = [f"{thing} of {kind}" for thing in ("shoe", "coat", "lamp") for kind in ("wool", "steel")]
    drawn = generator.integers(0, 6, count)
    return pa.table(
        {
            "title": [f"{titles[place]} {number}" for number, place in enumerate(drawn)],
            "weight": generator.normal(size=count),
            "kind": generator.choice(["a", "b", "c"], count),
        }
    )


def asked(con, *arguments, **named):
    (found,) = xbsql.estimate(con, *arguments, **named).to_pylist()
    return found


def test_more_work_costs_more(con):
    small, large = (asked(con, "fit", rows(count), "kind") for count in (200, 2000))
    assert 0 < small["seconds"] < large["seconds"]
    assert 0 < small["gb"] < large["gb"]
    assert large["rows"] == 2000
    carried = asked(con, "transfer", rows(200), "kind", source=rows(1000, 1))
    assert small["seconds"] < carried["seconds"]
    assert carried["rows"] == 1200
    assert carried["seconds"] < asked(con, "label_curve", rows(200), "kind")["seconds"] * 100


def test_python_and_sql_agree_on_what_is_read(con):
    con.register("given", rows(100))
    con.execute("CREATE OR REPLACE TABLE goods AS FROM given")
    found = con.execute("SELECT function, rows FROM xb.estimate('fit', goods, 'kind')").fetchall()
    assert found == [("fit", 100)]


def test_a_match_has_two_catalogues(con):
    both = asked(con, "match", rows(100), "title", source=rows(400))
    assert both["rows"] == 500
    with pytest.raises(XbsqlError, match="two catalogues"):
        asked(con, "match", rows(100), "title")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("drop_model", rows(9), "kind"), "there is fit, transfer"), (("fit", rows(9), "kin"), "kind")],
)
def test_what_there_is_is_said(con, arguments, message):
    with pytest.raises(XbsqlError, match=message):
        asked(con, *arguments)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "facts",
    [Facts(0), Facts(1, 0), Facts(40, 10**6, 10**6, classes=200, columns=50, levels=400, characters=60.0)],
)
def test_any_facts_have_a_price(function, facts):
    assert all(np.isfinite(units) and units >= 0 for units in [*work(function, facts).values()])
    assert all(held >= 0 for held in memory(function, facts).values())
    assert all(np.isfinite(priced(function, facts)))


def test_tasks_that_were_not_measured_are_refused(con):
    pairs = pa.table({"en": ["red hat", "blue hat"] * 3, "fr": ["chapeau rouge", "chapeau bleu"] * 3})
    xbsql.fit(con, "said", pairs, "fr", task="translate", options={"src": "en", "dst": "fr"})
    with pytest.raises(
        XbsqlError, match="what the task 'translate' takes is not known, only that of classify"
    ):
        asked(con, "transfer", pairs, "fr", base="said")
    with pytest.raises(XbsqlError, match="'src' is an option of translate, and this table reads as classify"):
        asked(con, "fit", pairs, "fr", options={"src": "en", "dst": "fr"})
    titles = pa.table({"title": ["red hat"], "attribute": ["colour"], "value": ["red"]})
    with pytest.raises(XbsqlError, match="what the task 'extract' takes is not known"):
        asked(con, "fit", titles, "value")
    assert asked(con, "fit", rows(100), "kind", options={"seed": 1, "units": "same"})["rows"] == 100
