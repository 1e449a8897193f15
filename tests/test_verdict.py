"""A verdict in one row, and what a transfer lives by."""

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.errors import XbsqlError
from xbsql.session.verdict import _transferred

CARD = {
    "verdict": "NOT MEASURED", "metric": "balanced_accuracy", "labels": 12345, "labels_saved": 24690.0,
    "gain": -0.1234, "gain_lo": -0.2345, "gain_hi": -0.0123, "arms": [{"name": "blend", "value": -12.34}],
    "notes": [],
}  # fmt: skip


def rows(n, seed, market=None):
    """Parcels whose days a column says, and an embedded photo that says nothing."""
    rng = np.random.default_rng(seed)
    kg = rng.uniform(0, 10, n)
    photo = rng.normal(size=(n, 6)).tolist()
    columns = {"kg": kg, "photo": photo, "days": 2 * kg + rng.normal(0, 1, n)}
    return pa.table(columns | ({} if market is None else {"market": market}))


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    with xbsql.connect(store=tmp_path_factory.mktemp("store")) as con:
        table = rows(80, 1).drop_columns(["photo"])
        xbsql.fit(con, "home", table, "days")
        xbsql.transfer(con, "away", rows(30, 2).drop_columns(["photo"]), "days", base="home")
        yield con


@pytest.mark.parametrize("model", ["home", "away"])
def test_the_row_fits_a_terminal(con, model):
    (row,) = con.sql(f"FROM xb.verdict('{model}')").fetchall()
    lines = str(con.sql(f"FROM xb.verdict('{model}')")).splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert row[0] == ("HOME MODEL" if model == "home" else row[0])
    assert row[1] == "r2"


def test_the_widest_row_fits_too():
    row = _transferred(CARD)
    assert row["gain"] == "-.123 [-.234, -.012]"
    assert row["labels"] == "12345, saves >24690"
    assert sum(len(str(value)) for value in row.values()) + 3 * len(row) + 1 <= 90


def test_what_gives_the_days_is_the_column_and_not_the_photo(con):
    found = xbsql.gain_shares(con, rows(30, 3), "days", rows(60, 4))
    shares = {row["name"]: row for row in found.to_pylist()}
    assert shares["table"]["share"] > 0.9
    assert shares["table"]["lo"] > 0.3
    assert abs(shares["vector"]["lost"]) < 0.1


def test_the_market_that_is_like_this_one_gives_the_gain(con):
    alike, other = rows(60, 5, ["US"] * 60), rows(60, 6, ["XX"] * 60)
    days = pa.array(np.random.default_rng(0).uniform(0, 20, 60))
    other = other.set_column(2, "days", days)
    source = pa.concat_tables([alike, other]).drop_columns(["photo"])
    found = xbsql.gain_shares(
        con, rows(30, 7).drop_columns(["photo"]), "days", source, options={"source_market": "market"}
    ).to_pylist()
    markets = [row for row in found if row["part"] == "market"]
    assert markets[0]["name"] == "US"
    assert {row["name"] for row in found if row["part"] == "kind"} == {"table"}


def test_bad_input_is_one_line(con):
    with pytest.raises(XbsqlError, match=r"xb.verdict: no model 'nobody'"):
        xbsql.verdict(con, "nobody")
    with pytest.raises(XbsqlError, match=r"xb.gain_shares: no label column 'y'"):
        xbsql.gain_shares(con, rows(40, 3), "y", rows(40, 4))
