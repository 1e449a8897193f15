"""No answer of the bench of recommendations reaches a model."""

import os
from pathlib import Path

import pytest

import xbsql
from bench.recommend import ASKED, EVENTS


@pytest.mark.data
def test_no_row_of_the_split_valid_reaches_training():
    if "XBSQL_DATA" not in os.environ:
        pytest.skip("XBSQL_DATA names no folder: put xmrec there")
    path = Path(os.environ["XBSQL_DATA"]) / "xmrec"
    with xbsql.connect() as con:
        con.execute(EVENTS.format(path) + ASKED.format(path))
        file = f"'{path}/interactions.parquet'"
        con.execute(
            f"CREATE TABLE held AS SELECT user_id AS user, item_id AS item FROM {file} WHERE split = 'valid'"
        )
        for table in ("events", "known", "home"):
            assert con.sql(f"FROM {table} JOIN held USING (user, item)").fetchall() == []
        con.execute("CREATE TABLE part AS SELECT user, item FROM known WHERE place <= 150")
        con.sql("CALL xb.fit('m', part, 'item', task := 'recommend', options := {'user': 'user'})").fetchall()
        con.execute("CREATE TABLE a AS SELECT user, [item] AS own FROM answers SEMI JOIN part USING (user)")
        found = con.sql("FROM xb.recommend('m', a, user, k := 1, candidates := own)").fetchall()
        assert len(found) == len(con.sql("FROM a").fetchall()) > 20  # none counts as had
