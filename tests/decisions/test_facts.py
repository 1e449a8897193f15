"""Facts of markets as columns of their rows tell whom a market is like, without a label of it."""

import numpy as np
import pyarrow as pa
import pytest

import xbsql


def market(name, rule, facts, n, rng):
    x = rng.normal(size=(n, 2))
    y = x @ rule[:2] + rule[2] + rng.normal(0, 0.3, n)
    known = {"wealth": np.full(n, facts[0]), "tongue": [f"family {int(facts[1] > 0)}"] * n}
    return pa.table({"market": [name] * n, "a": x[:, 0], "b": x[:, 1], **known, "y": y})


def world(follow, rng):
    """Ten home markets and a target, whose rules follow their facts as far as `follow` says."""
    facts = rng.normal(size=(11, 2))
    rules = follow * facts @ np.array([[1.5, 0.0, 1.5], [0.0, 1.5, 0.0]]) + [1.0, 1.0, 0.0]
    rules += (1 - follow) * rng.normal(0, 0.5, (11, 3))
    tables = [market(f"m{k}", rules[k], facts[k], 200 if k == 10 else 60, rng) for k in range(11)]
    return pa.concat_tables(tables[:10]), tables[10].drop_columns(["market"])


@pytest.mark.parametrize("follow", [1.0, 0.0])
def test_facts_as_columns_say_whom_a_market_is_like_before_its_first_label(follow):
    found = {"with": [], "without": []}
    for seed in range(2):
        home, target = world(follow, np.random.default_rng(seed))
        truth = target["y"].to_numpy()
        blank = target.set_column(target.column_names.index("y"), "y", pa.nulls(len(target), pa.float64()))
        for arm, left in (("with", []), ("without", ["wealth", "tongue"])):
            with xbsql.connect(progress=False) as con:
                data, source = (side.drop_columns(left) for side in (blank, home))
                xbsql.transfer(con, "m", data, "y", source=source, options={"source_market": "market"})
                told = xbsql.predict_table(con, "m", data.drop_columns(["y"]))["value"].to_numpy()
            found[arm].append(np.abs(told - truth).mean())
    mean = {arm: np.mean(errors) for arm, errors in found.items()}
    assert mean["with"] < (0.85 if follow else 1.15) * mean["without"], found
