"""Recommendations: laws of the counts, evidence that saw no held-out item, answers in SQL, privacy."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xbsql
from xbsql import kernels, tasks
from xbsql.errors import XbsqlError
from xbsql.metrics.ranking import ndcg_of
from xbsql.recommendation.blend import Blend
from xbsql.recommendation.carry import weighed
from xbsql.recommendation.counts import SHRINK, Counts
from xbsql.recommendation.events import Columns, read_events
from xbsql.recommendation.histories import Histories
from xbsql.recommendation.markets import Markets
from xbsql.recommendation.methods import methods, neighbours
from xbsql.recommendation.rehearsal import rehearsed
from xbsql.recommendation.serve import recommended
from xbsql.recommendation.shelf import Shelf
from xbsql.recommendation.spectrum import directions
from xbsql.recommendation.trial import tried
from xbsql.recommendation.wanted import Wanted
from xbsql.session.session import Session
from xbsql.store.model import restore
from xbsql.surface import cluster
from xbsql.tasks import road

TASK = tasks.task_named("xb.fit", "recommend")
GROUPS, SIZE = 6, 20
COLUMNS = Columns("user", "item")


def market(users, seed, prefix="", noise=0.2, shuffled=False):
    """Users who buy within one of six groups of items, but for some noise; `shuffled` groups are others."""
    random = np.random.default_rng(seed)
    names = np.array([f"i{item:03d}" for item in range(GROUPS * SIZE)])
    names = random.permutation(names) if shuffled else names
    rows = []
    for user in range(users):
        size = random.integers(3, 8)
        own = random.choice(SIZE, size, replace=False) + SIZE * random.integers(0, GROUPS)
        own = np.where(random.random(size) < noise, random.integers(0, GROUPS * SIZE, size), own)
        rows += [(f"{prefix}{user}", name) for name in sorted(set(names[own]))]
    return pa.table({"user": [user for user, _ in rows], "item": [item for _, item in rows]})


def fit(data, **options):
    return road.fit(TASK, data, "item", options={"user": "user", **options})[0]


def histories(data, columns=COLUMNS):
    events = read_events("xb.fit", data, columns)
    return Histories.of(events, np.arange(len(events.items))), len(events.items)


def dense(counts):
    return counts.pairs.toarray() + np.diag(counts.mass)


@pytest.fixture(scope="module")
def shop():
    """A connection with a home market and a smaller one that buys alike."""
    con = xbsql.connect()
    con.register("us", market(250, 1, "us"))
    con.register("jp", market(50, 2, "jp"))
    con.sql("CALL xb.fit('us', us, 'item', task := 'recommend', market := 'US')").fetchall()
    con.sql(
        "CALL xb.transfer('jp', jp, 'item', base := 'us', market := 'JP', task := 'recommend')"
    ).fetchall()
    yield con
    con.close()


def test_counts_are_their_definition():
    had, items = histories(market(40, 3))
    x = had.matrix(items).toarray()
    weight = 1 / np.log(2.0 + had.lengths)
    assert dense(Counts.of(had, items)) == pytest.approx((x * weight[:, None]).T @ x)


def test_counts_of_two_groups_add_up():
    had, items = histories(market(40, 3))
    parts = [Counts.of(had.take(some), items) for some in np.split(np.arange(40), [13])]
    assert dense(parts[0].plus(parts[1])) == pytest.approx(dense(Counts.of(had, items)), abs=1e-12)


def test_neighbours_are_those_of_the_kernel():
    had, items = histories(market(60, 4))
    counts = Counts.of(had, items)
    scores, _ = kernels.cooccurrence_topk(
        had.user, had.item, 5, n_items=items, user_weights=1 / np.log(2.0 + had.lengths), shrink=SHRINK
    )
    found = Shelf(Markets.of(counts, {}), np.arange(items)).nearest(np.arange(items), 5)
    assert np.where(found.item < 0, -np.inf, found.score) == pytest.approx(np.asarray(scores), rel=1e-5)


@given(factor=st.floats(0.01, 1e6))
@settings(max_examples=10, deadline=None)
def test_a_weight_has_no_unit(factor):
    rows = {"user": [1, 1, 2, 2, 2], "item": [1, 2, 1, 2, 3], "w": [1.0, 5.0, 2.0, 2.0, 0.5]}
    columns = Columns("user", "item", None, "w")
    one, items = histories(pa.table(rows), columns)
    other, _ = histories(pa.table(rows | {"w": [factor * w for w in rows["w"]]}), columns)
    assert one.matrix(items).toarray() == pytest.approx(other.matrix(items).toarray())


@pytest.mark.parametrize("kind", [pa.int32(), pa.float64(), pa.decimal128(21, 0), pa.string()])
def test_an_id_is_the_same_whatever_its_type(kind):
    table = pa.table({"user": pa.array([7, 7, 8]).cast(kind), "item": pa.array([1, 2, 1]).cast(kind)})
    events = read_events("xb.fit", table, COLUMNS)
    assert [*events.users, *events.items] == ["7", "8", "1", "2"]


def test_returns_duplicates_and_the_future():
    day, ahead = dt.datetime(2024, 1, 1), dt.datetime(2400, 1, 1)
    table = pa.table(
        {
            "user": ["a", "a", "a", "b", "b", "c", None],
            "item": ["x", "x", "y", "x", "x", "x", "x"],
            "ts": [day, day, day, day, day + dt.timedelta(1), ahead, day],
            "w": [2.0, 2.0, 1.0, 3.0, -3.0, 1.0, 1.0],
        }
    )
    events = read_events("xb.fit", table, Columns("user", "item", "ts", "w"))
    pairs = zip(events.users[events.user], events.items[events.item], events.amount.tolist(), strict=True)
    assert list(pairs) == [("a", "x", 2.0), ("a", "y", 1.0)]
    assert [note.split(" ")[0] for note in events.notes] == ["1", "1", "1"]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("hash_ids", [False, True])
def test_added_events_are_as_if_they_had_been_there(weighted, hash_ids):
    random, whole = np.random.default_rng(5), market(60, 5)
    if weighted:
        whole = whole.append_column("w", pa.array(random.uniform(0.5, 9, len(whole))))
    options = {"weight": "w"} if weighted else {}
    order = random.permutation(len(whole))
    first, later = whole.take(order[:200]), whole.take(order[200:])
    model = fit(first, hash_ids=hash_ids, **options)
    model = model.updated("xb.add_events", read_events("xb.add_events", later, model.columns, returns=True))
    again = fit(whole, hash_ids=False, **options)
    assert list(model.items) == list(again.items)
    assert dense(model.markets.own) == pytest.approx(dense(again.markets.own), abs=1e-9)
    assert model.markets.own.buyers == pytest.approx(again.markets.own.buyers)
    users = pa.array(again.users, pa.string())
    candidates = np.tile(np.arange(len(again.items)), (len(users), 1))
    seen = [m.shelf.features(m.histories.take(m.known(users)), candidates) for m in (model, again)]
    assert seen[0] == pytest.approx(seen[1], abs=1e-6)


def test_what_is_sent_back_later_is_gone():
    table = pa.table({"user": ["a", "a", "b"], "item": ["x", "y", "x"], "w": [1.0, 1.0, 1.0]})
    model = fit(table, weight="w")
    back = pa.table({"user": ["a"], "item": ["x"], "w": [-1.0]})
    model = model.updated("xb.add_events", read_events("xb.add_events", back, model.columns, returns=True))
    assert model.markets.own.buyers.tolist() == [1.0, 1.0]
    assert model.markets.own.pairs.nnz == 0


def test_nothing_is_known_of_a_held_out_item():
    """Where items mean nothing no method finds the held-out one more often than chance does."""
    random = np.random.default_rng(6)
    rows = [(user, item) for user in range(310) for item in random.choice(220, 5, replace=False)]
    had, items = histories(pa.table({"user": [u for u, _ in rows], "item": [i for _, i in rows]}))
    markets = Markets.of(Counts.of(had, items), {})
    trial = tried(had, markets, 1, 0, lambda share: None)
    chance = ndcg_of(trial.y, random.random(trial.there.shape)).mean()
    for at, name in enumerate(trial.names):
        assert ndcg_of(trial.y, trial.x[..., at]).mean() < chance + 0.03, name
    learnt = weighed(methods(trial.names, {}, 0, trial.users, learn=True), trial, 0, lambda share, name: None)
    assert learnt.verdict.value("blend") < chance + 0.03


def test_home_helps_a_small_market_and_a_wrong_home_does_not_hurt():
    later = market(300, 8, "new", noise=0.1)
    for users, mixed, least in ((32, False, 0.03), (120, True, -0.03)):
        gains = []
        for seed in (7, 17):
            abroad, home = market(users, seed, "jp"), market(280, 9, shuffled=mixed)
            model = road.transfer(TASK, abroad, "item", source=home, options={"user": "user"})[0]
            gains.append(found_of(model, later) - found_of(fit(abroad), later))
        assert np.mean(gains) > least


def found_of(model, later):
    """nDCG@10 of the last item of users whose other items are given, among what the model's market sells."""
    had = histories(later)[0]
    place = model.placed(pa.array(read_events("xb.fit", later, COLUMNS).items, pa.string()))
    sold = model.shelf.items
    parts = [place[part] for part in np.split(had.item, had.start[1:-1])]
    parts = [(part[:-1][part[:-1] >= 0], part[-1]) for part in parts if part[-1] in sold]
    past = Histories.listed([part for part, _ in parts])
    lists = np.tile(np.arange(len(sold)), (len(parts), 1))
    score = model.blend.score(model.shelf.features(past, lists), model.markets.names, lists >= 0)
    for row, (part, _) in enumerate(parts):
        score[row, np.isin(sold, part)] = -1.0
    return ndcg_of(np.searchsorted(sold, [held for _, held in parts]), score).mean()


def several(users, seed, **said):
    """Rows of three home markets, which sell the same items."""
    names = [
        name for name in ("a", "b", "c") for _ in range(len(market(users, seed + ord(name), name, **said)))
    ]
    rows_ = pa.concat_tables([market(users, seed + ord(name), name, **said) for name in ("a", "b", "c")])
    return rows_.append_column("market", pa.array(names))


MARKETS = {"user": "user", "source_market": "market"}


def test_nothing_is_known_of_what_a_rehearsal_holds_out():
    """As for the target: where items mean nothing no feature and nothing that is learnt beats chance."""
    random = np.random.default_rng(6)
    counts, had = {}, {}
    for name in ("a", "b"):
        pairs = [(user, item) for user in range(320) for item in random.choice(220, 5, replace=False)]
        start = np.arange(0, 1601, 5)
        item = np.array([item for _, item in pairs], np.int64)
        had[name] = Histories(start, item, np.zeros(1600, np.int64), np.ones(1600))
        counts[name] = Counts.of(had[name], 220)
    for users in (0, 50, 1000):
        trial = rehearsed(counts, had, users, 1, 0, lambda share: None)
        assert set(trial.folds) == {0, 1}
        chance = ndcg_of(trial.y, random.random(trial.there.shape)).mean()
        for at, name in enumerate(trial.names):
            assert ndcg_of(trial.y, trial.x[..., at]).mean() < chance + 0.03, name


def test_markets_that_are_few_or_small_are_not_rehearsed():
    had, items = histories(market(310, 1))
    few = had.take(np.arange(40))
    counts = {"a": Counts.of(had, items), "b": Counts.of(few, items)}
    for given_ in ({"a": had}, {"a": had, "b": few}, {}):
        assert rehearsed(counts, given_, 10, 1, 0, lambda share: None) is None


@pytest.fixture(scope="module")
def served_from_several():
    """A market without an event, served from three."""
    none = pa.table({"user": pa.array([], pa.string()), "item": pa.array([], pa.string())})
    return road.transfer(TASK, none, "item", source=several(310, 20, noise=0.6), options=MARKETS)


def test_what_home_markets_learnt_in_its_place_serves_a_market_without_events(served_from_several):
    model, done = served_from_several
    assert sum(weight for name, weight in done.weights.items() if name.startswith("rehearsed:")) > 0.2
    assert "home markets rehearsed it" in " ".join(done.verdict.notes)
    later = market(300, 8, "new", noise=0.6)
    plain = replace(model, blend=Blend({"near": neighbours("all")}, {"near": 1.0}))
    assert found_of(model, later) > found_of(plain, later) - 0.01


@pytest.mark.parametrize("users", [["x"], [None]])
def test_an_empty_market_is_one_whose_rows_name_no_item(served_from_several, users):
    none = pa.table({"user": pa.array(users, pa.string()), "item": pa.nulls(1, pa.string())})
    model, done = road.transfer(TASK, none, "item", source=several(310, 20, noise=0.6), options=MARKETS)
    assert done.weights == pytest.approx(served_from_several[1].weights)
    assert list(model.items) == list(served_from_several[0].items)


def test_no_other_task_takes_a_market_without_a_row(tmp_path):
    with xbsql.connect(store=tmp_path) as con:
        con.sql(
            "CREATE TABLE home AS SELECT 'title ' || i AS title, i % 2 || 'a' AS kind FROM range(40) t(i)"
        )
        con.sql("CREATE TABLE none AS FROM home WHERE false")
        for task in ("classify", "predict", "extract", "translate"):
            call = f"CALL xb.transfer('m', none, 'kind', source := home, task := '{task}')"
            with pytest.raises(Exception, match="data has no rows"):
                con.sql(call).fetchall()


def test_directions_are_kept_and_stay_as_the_last_fit_found_them(served_from_several):
    model = served_from_several[0]
    again = restore(model.state())
    assert again.markets.directed
    assert (again.markets.direction == model.markets.direction).all()
    late = pa.table({"user": ["jp1", "z"], "item": ["a new one", "i001"]})
    after = again.updated("xb.add_events", read_events("xb.add_events", late, model.columns, returns=True))
    place = after.placed(pa.array(model.items, pa.string()))
    assert (after.markets.direction[place] == model.markets.direction).all()
    assert not after.markets.direction[after.placed(pa.array(["a new one"]))].any()


def test_directions_tell_groups_apart_and_know_no_order_of_users():
    data = market(310, 10, noise=0.05)
    had, items = histories(data)
    found = directions(Counts.of(had, items))
    cosine = found @ found.T
    group = np.arange(items) // SIZE
    same = group[:, None] == group
    assert cosine[same].mean() > 0.8
    assert cosine[~same].mean() < 0.3
    mixed = directions(Counts.of(had.take(np.random.default_rng(0).permutation(310)), items))
    assert mixed @ mixed.T == pytest.approx(cosine, abs=1e-3)


def test_columns_are_called_as_at_home():
    home, abroad = (market(40, seed).rename_columns(["who", "what"]) for seed in (1, 2))
    model = road.fit(TASK, home, "what", options={"user": "who"})[0]
    assert road.transfer(TASK, abroad, "what", base=model)[0].columns == ("who", "what", None, None)


def test_a_restored_model_answers_alike():
    model = fit(market(310, 10))
    again = restore(model.state())
    candidates = np.tile(np.arange(len(model.items)), (5, 1))
    for one in (model, again):
        assert len(one.users) == 310
    scores = [
        m.blend.score(
            m.shelf.features(m.histories.take(np.arange(5)), candidates), m.markets.names, candidates >= 0
        )
        for m in (model, again)
    ]
    assert (scores[0] == scores[1]).all()


def test_one_user_who_has_everything_costs_little_and_says_little():
    many = pa.table({"user": ["all"] * 200_000 + ["a", "a"], "item": [*range(200_000), 1, 2]})
    had, items = histories(many)
    counts = Counts.of(had, items)
    assert counts.pairs.nnz < 500**2 + 10
    assert counts.buyers.max() == 2


def rows(con, query):
    return con.sql(query).fetchall()


ONE = "WITH w AS (SELECT 'jp1' AS who) "


def test_k_rows_come_back_and_none_that_is_had(shop):
    had = {item for (item,) in rows(shop, "SELECT item FROM jp WHERE user = 'jp1'")}
    found = rows(shop, ONE + "FROM xb.recommend('jp', w, who, k := 7)")
    assert [row[0] for row in found] == ["jp1"] * 7
    assert [row[3] for row in found] == list(range(1, 8))
    assert not had & {row[1] for row in found}
    assert [row[2] for row in found] == sorted((row[2] for row in found), reverse=True)
    assert {row[4].removeprefix("bought ") for row in found if row[4].startswith("bought")} <= had


def test_a_catalogue_smaller_than_k_comes_back_whole(shop):
    sold = rows(shop, "SELECT count(DISTINCT item) FROM jp")[0][0]
    had = rows(shop, "SELECT count(DISTINCT item) FROM jp WHERE user = 'jp1'")[0][0]
    assert len(rows(shop, ONE + "FROM xb.recommend('jp', w, who, k := 5000)")) == sold - had
    everything = ONE + "FROM xb.recommend('jp', w, who, k := 5000, exclude_seen := false)"
    assert len(rows(shop, everything)) == sold


@pytest.mark.parametrize(
    ("filter", "items"),
    [
        ("['i001', 'i002']", ["i001", "i002"]),
        ("(SELECT list(item) FROM us WHERE item < 'i003')", ["i000", "i001", "i002"]),
        ("['i001', 'never seen']", ["i001", "never seen"]),
        ("['never seen']", ["never seen"]),
        ("[]", []),
        ("NULL", []),
    ],
)
def test_what_the_filter_lets_through_comes_back_and_nothing_else(shop, filter, items):
    query = "WITH w AS (SELECT 'somebody' AS who) FROM xb.recommend('jp', w, who, k := 3, filter := {})"
    assert sorted(row[1] for row in rows(shop, query.format(filter))) == items


def test_candidates_are_a_users_own_and_their_order_says_nothing(shop):
    query = """
        WITH w AS (SELECT * FROM (VALUES
            (1, ['i020', 'i021'], {0}), (2, ['i020', 'i021'], {1}), (3, ['i020'], []), (4, ['i020'], ['new'])
        ) t(who, had, among))
        FROM xb.recommend('jp', w, who, k := 2, history := had, candidates := among)
    """
    found = rows(shop, query.format("['i022', 'i099', 'i030']", "['i030', 'i099', 'i022']"))
    own = {who: [row[1:3] for row in found if row[0] == who] for who in (1, 2, 3, 4)}
    assert own[1] == own[2]
    assert len(own[1]) == 2
    assert own[3] == []
    assert own[4] == [("new", 0.0)]


def test_a_given_history_stands_in_the_place_of_the_known_one(shop):
    query = "WITH w AS (SELECT 'jp1' AS who, ['i040', 'i041', 'i042'] AS had) "
    found = rows(shop, query + "FROM xb.recommend('jp', w, who, k := 5, history := had)")
    assert sum(40 <= int(row[1][1:]) < 60 for row in found) >= 4
    assert all(row[4] in ("bought i040", "bought i041", "bought i042") for row in found[:3])


def test_newcomers_get_what_is_popular_and_nobody_gets_nothing(shop):
    query = "WITH w AS (SELECT unnest(['stranger', NULL]) AS who) FROM xb.recommend('jp', w, who, k := 3)"
    found = rows(shop, query)
    assert [row[0] for row in found] == ["stranger"] * 3
    assert all(row[4].startswith("popular in") for row in found)


def test_diversity_spreads(shop):
    query = (
        "WITH w AS (SELECT 1 AS who, ['i000', 'i001', 'i020', 'i021'] AS had) "
        "FROM xb.recommend('jp', w, who, k := 4, history := had, diversity := {})"
    )
    found = [[row[1] for row in rows(shop, query.format(much))] for much in (0.0, 0.9)]
    assert found[0][0] == found[1][0]
    assert len(found[1]) == len(set(found[1])) == 4
    assert found[0] != found[1]


def test_python_answers_as_sql(shop):
    table = pa.table({"who": ["jp3", "jp1"], "had": [None, ["i001", "i002"]]})
    found = xbsql.recommend(shop, "jp", table, "who", k=4, history="had", filter=["i003", "i045", "i046"])
    shop.register("asked", table)
    query = "FROM xb.recommend('jp', asked, who, k := 4, history := had, filter := ['i003', 'i045', 'i046'])"
    assert [tuple(row.values()) for row in found.to_pylist()] == rows(shop, query)


def test_a_filter_that_is_no_list_is_one_line(shop):
    items = pa.table({"what": ["i025"]})
    with pytest.raises(XbsqlError, match=r"xb\.similar_items: filter is -1; give a list"):
        xbsql.similar_items(shop, "us", items, "what", filter=-1)


def test_similar_items_are_of_the_same_group(shop):
    query = (
        "WITH w AS (SELECT unnest(['i025', 'nothing']) AS what) FROM xb.similar_items('us', w, what, k := 5)"
    )
    found = rows(shop, query)
    assert len(found) == 5
    assert all(row[0] == "i025" and 20 <= int(row[1][1:]) < 40 and row[1] != "i025" for row in found)


def test_events_are_added_once(shop):
    shop.sql("CALL xb.fit('grow', jp, 'item', task := 'recommend')").fetchall()
    shop.execute("CREATE OR REPLACE TABLE late AS SELECT 'new' AS user, unnest(['i060', 'i061']) AS item")
    first, again = (rows(shop, "CALL xb.add_events('grow', late)")[0] for _ in range(2))
    assert (first[1], first[3]) == (2, 51)
    assert (again[1], again[6]) == (2, "these events are in it already")
    asked = "WITH w AS (SELECT 'new' AS who) FROM xb.recommend('grow', w, who, k := 3)"
    assert all(row[4].startswith("bought i06") for row in rows(shop, asked))


def test_events_go_into_the_promoted_version_and_ids_are_spelt_as_there(shop):
    shop.sql("CALL xb.fit('old', jp, 'item', task := 'recommend')").fetchall()
    shop.execute("CREATE OR REPLACE TABLE late AS SELECT 'new' AS user, unnest(['i060', 'i061']) AS item")
    assert rows(shop, "CALL xb.add_events('old@1', late)")[0][1] == 2
    with pytest.raises(Exception, match=r"'old@1' is not the promoted version; name 'old', or call"):
        rows(shop, "CALL xb.add_events('old@1', late)")
    told = rows(shop, "SELECT version, parent, event FROM xb.history('old')")
    assert told == [(1, None, "fitted"), (2, 1, "events added")]
    shop.execute("CREATE OR REPLACE TABLE loud AS SELECT 'x' AS user, unnest(['I060', 'I061']) AS item")
    with pytest.raises(Exception, match="item 'I060' is not known, and 'i060' is; write ids as in"):
        rows(shop, "CALL xb.add_events('old', loud)")


def test_events_that_are_known_measure_nothing(shop):
    with pytest.raises(Exception, match="no row has an item that its user did not have"):
        rows(shop, "FROM xb.evaluate('jp', jp)")
    shop.execute("CREATE OR REPLACE TABLE next AS SELECT user, 'i007' AS item FROM jp WHERE user < 'jp2'")
    found = rows(shop, "SELECT metric, value, lo, hi FROM xb.evaluate('jp', next)")
    assert [row[0] for row in found] == ["ndcg@10", "hit@10", "recall@10"]
    assert all(0 <= row[2] <= row[1] <= row[3] <= 1 for row in found)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("FROM xb.recommend('jp', w, who, k := 0)", "k is 0; give 1 to"),
        ("FROM xb.recommend('jp', w, who, diversity := 1.5)", "diversity is 1.5"),
        ("FROM xb.recommend('nil', w, who)", "no model 'nil'"),
        ("FROM xb.recommend('jp', w, who, history := 'i001')", "history is string; give a list"),
        ("FROM xb.recommend('jp', w, who, filter := 'i001')", "filter is 'i001'; give a list"),
        ("FROM xb.similar_items('jp', w, who, k := -1)", "k is -1"),
        ("CALL xb.fit('x', w, 'who', task := 'recommend')", "no column 'user'"),
        ("CALL xb.fit('x', jp, 'item', options := {'user': 'user', 'ts': 'item'})", "a moment is a DATE"),
        (
            "CALL xb.fit('x', jp, 'item', options := {'user': 'user', 'weight': 'item'})",
            "a weight is a number",
        ),
        ("CALL xb.add_events('jp', w)", "no column 'user'"),
        ("FROM xb.predict_table('jp', jp)", "call xb.recommend"),
    ],
)
def test_a_mistake_is_told_in_one_line(shop, query, said):
    shop.execute("CREATE OR REPLACE TEMP VIEW w AS SELECT 'jp1' AS who")
    with pytest.raises(Exception, match=said) as caught:
        rows(shop, query)
    assert "\n" not in str(caught.value).strip()


def test_ids_that_differ_by_case_are_told(shop):
    shop.register("loud", pa.table({"who": [f"JP{at}" for at in range(5)]}))
    with pytest.raises(Exception, match="user 'JP0' is not known, and 'jp0' is"):
        rows(shop, "FROM xb.recommend('jp', loud, who)")
    shop.execute("CREATE OR REPLACE TABLE upper_us AS SELECT user, upper(item) AS item FROM us")
    with pytest.raises(Exception, match="write them alike on both sides"):
        rows(shop, "CALL xb.transfer('x', jp, 'item', source := 'upper_us', options := {'user': 'user'})")


@pytest.mark.parametrize("by", ["rows", "model", "hashed"])
def test_the_targets_own_events_teach_home_nothing_that_they_judge(by):
    """Items mean nothing, so only the held-out events themselves could find one another."""
    random = np.random.default_rng(6)
    pairs = [(f"u{user}", f"i{item}") for user in range(90) for item in random.choice(150, 5, replace=False)]
    target = pa.table({"user": [user for user, _ in pairs], "item": [item for _, item in pairs]})
    whole = pa.concat_tables([target, market(50, 9, "us")])
    given = {"source": whole} if by == "rows" else {"base": fit(whole, hash_ids=by == "hashed")}
    done = road.transfer(TASK, target, "item", options={"user": "user"}, **given)[1]
    said = "stand in the target and were left out" if by == "rows" else "already and judge nothing"
    assert done.verdict.outcome != "HELPS"
    assert f"{len(pairs)} pairs of user and item" in " ".join(done.verdict.notes)
    assert said in " ".join(done.verdict.notes)
    if by != "rows":
        assert done.verdict.outcome == "NOT MEASURED"


def test_until_needs_moments_and_a_recommender_needs_events():
    table = pa.table({"user": ["a", "b"], "item": ["x", "y"], "w": [-1.0, -2.0]})
    with pytest.raises(XbsqlError, match=r"'until' .* 'ts' is not given; name the column"):
        fit(table, until="2024-01-01")
    with pytest.raises(XbsqlError, match=r"no event is left of 2 rows; 2 pairs .* above 0; give rows"):
        fit(table, weight="w")
    with pytest.raises(XbsqlError, match="no event is left of 2 rows"):
        road.transfer(TASK, table, "item", source=table, options={"user": "user", "weight": "w"})
    nothing = table.set_column(1, "item", pa.nulls(2, pa.string()))
    with pytest.raises(XbsqlError, match="no event is left of 2 rows"):
        fit(nothing)


def test_users_without_items_are_served_from_home(shop):
    shop.execute("CREATE OR REPLACE TABLE nothing AS SELECT 'a' AS user, NULL::VARCHAR AS item")
    arms = rows(shop, "CALL xb.transfer('cold', nothing, 'item', base := 'us', market := 'MX')")
    assert "NOT MEASURED" in arms[0]
    query = "WITH w AS (SELECT 1 AS who, ['i020', 'i021'] AS had) "
    found = rows(shop, query + "FROM xb.recommend('cold', w, who, k := 4, history := had)")
    assert all(20 <= int(row[1][1:]) < 40 for row in found)
    assert rows(shop, query + "FROM xb.recommend('cold', w, who, k := 1)")[0][4] == "popular in other markets"


def stored(folder):
    return b"".join(path.read_bytes() for path in Path(folder).rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("options", "clear", "rows_kept"),
    [({}, True, True), ({"hash_ids": True}, False, True), ({"keep_rows": False}, False, False)],
)
def test_what_a_model_holds_of_users(tmp_path, options, clear, rows_kept):
    data = market(60, 11, "secretuser")
    with xbsql.connect(store=tmp_path) as con:
        con.register("jp", data)
        given_ = json.dumps({"user": "user", **options}).replace('"', "'")
        con.sql(f"CALL xb.fit('m', jp, 'item', options := {given_})").fetchall()
        assert (b"secretuser1" in stored(tmp_path)) == clear
        found = rows(con, "WITH w AS (SELECT 'secretuser1' AS who) FROM xb.recommend('m', w, who, k := 3)")
        assert (found[0][4].startswith("bought")) == rows_kept
        if not rows_kept:
            with pytest.raises(Exception, match="holds no histories"):
                rows(con, "CALL xb.add_events('m', jp)")


def test_a_million_events_of_one_user_say_no_more_than_others_do():
    with xbsql.connect() as con:
        con.execute(
            """CREATE TABLE events AS SELECT 'all' AS user, 'i' || i % 5000 AS item FROM range(1000000) t(i)
            UNION ALL SELECT 'u' || i % 40, 'i' || ((i % 40) // 2 + 20 * (i // 40)) FROM range(80) t(i)"""
        )
        con.sql("CALL xb.fit('m', events, 'item', options := {'user': 'user'})").fetchall()
        query = "WITH w AS (SELECT unnest(['i3', 'i1']) AS item) FROM xb.similar_items('m', w, item, k := 1)"
        assert [row[1] for row in rows(con, query)] == ["i23", "i21"]
        asked = "WITH w AS (SELECT 'all' AS who) FROM xb.recommend('m', w, who)"
        assert rows(con, asked) == []


def test_a_pair_of_one_user_alone_is_not_kept():
    table = pa.table({"user": ["a", "a", "b", "b", "c", "c"], "item": ["x", "y", "x", "y", "x", "z"]})
    counts = fit(table, keep_rows=False).markets.own
    assert counts.pairs.nnz == 2
    assert counts.buyers.tolist() == [3.0, 2.0, 0.0]
    assert directions(counts).any(axis=1).tolist() == [True, True, False]


def test_what_may_not_be_kept_does_not_come_from_home():
    home, abroad = market(60, 1), market(20, 2)
    options = {"user": "user", "keep_rows": False}
    with pytest.raises(XbsqlError, match="holds pairs of items that one user alone has; fit that with"):
        road.transfer(TASK, abroad, "item", base=fit(home), options=options)
    model = road.transfer(TASK, abroad, "item", base=fit(home, keep_rows=False), options=options)[0]
    assert len(model.users) == len(model.histories) == 0


def test_ids_that_look_personal_are_refused():
    data = pa.table({"user": [f"ann{at}@example.com" for at in range(9)], "item": ["x", "y", "z"] * 3})
    with pytest.raises(XbsqlError, match="column 'user' looks like e-mail addresses"):
        fit(data)
    for told in ({"hash_ids": True}, {"hash_ids": False}, {"keep_rows": False}):
        assert len(fit(data, **told).items) == 3


def test_a_worker_of_a_cluster_answers_as_sql(tmp_path):
    users = pa.table({"who": ["jp3", None, "jp1"], "had": [["i001", "i002"], None, None]})
    with xbsql.connect(store=tmp_path) as con:
        con.register("jp", market(60, 2, "jp"))
        con.register("asked", users)
        con.sql("CALL xb.fit('m', jp, 'item', options := {'user': 'user'})").fetchall()
        call = "FROM xb.recommend('m', asked, who, k := 4, history := had{})"
        expected = rows(con, call.format(""))
        some = rows(con, call.format(", exclude_seen := false, filter := ['i001', 'i003']"))
    found = cluster._recommended(Session(tmp_path), users, "m@1", ("who", "had", None), Wanted(4), "wants")
    assert found.column_names == ["who", "had", "wants"]
    lists = zip(found["who"].to_pylist(), found["wants"].to_pylist(), strict=True)
    assert [(who, *one.values()) for who, wants in lists for one in wants] == expected
    args = (users, "m@1", ("who", "had", None), Wanted(4, exclude_seen=False), "wants", ["i001", "i003"])
    found = cluster._recommended(Session(tmp_path), *args)
    assert [(one["item"], one["rank"]) for wants in found["wants"].to_pylist() for one in wants] == [
        (row[1], row[3]) for row in some
    ]


TITLED = [
    ("a", "i1", "red running shoes"), ("a", "i2", "blue running socks"), ("b", "i1", "red running shoes"),
    ("b", "i2", "blue running socks"), ("c", "i3", "ceramic coffee mug"), ("c", "i4", "coffee filter paper"),
    ("d", "i3", "ceramic coffee mug"), ("d", "i4", None), (None, "n1", "green running shoes"),
    (None, "n2", "glass coffee cup"), (None, "n3", ""),
]  # fmt: skip


def titled(rows_):
    return pa.table({name: [row[at] for row in rows_] for at, name in enumerate(("user", "item", "title"))})


def test_an_item_that_nobody_has_is_known_by_its_title():
    with xbsql.connect() as con:
        con.register("sold", titled(TITLED))
        con.sql("CALL xb.fit('m', sold, 'item', options := {'user': 'user', 'title': 'title'})").fetchall()
        who = "WITH w AS (SELECT unnest(['a', 'c']) AS who) "
        first = rows(con, who + "FROM xb.recommend('m', w, who, k := 1)")
        assert [(row[0], row[1]) for row in first] == [("a", "n1"), ("c", "n2")]
        assert [row[4] in ("bought i1", "bought i3") for row in first] == [True, True]
        new = "WITH w AS (SELECT 'n1' AS what) FROM xb.similar_items('m', w, what, k := 1)"
        assert rows(con, new)[0][1] in ("i1", "i2")
        stranger = "WITH w AS (SELECT 'x' AS who) FROM xb.recommend('m', w, who, filter := ['n2'])"
        assert rows(con, stranger)[0][4] == "new"
        con.execute("CREATE TABLE late AS SELECT 'e' AS user, unnest(['n1', 'i3']) AS item")
        con.sql("CALL xb.add_events('m', late)").fetchall()
        assert rows(con, who + "FROM xb.recommend('m', w, who, k := 1)")[0][1] != "n1"


def test_titles_may_stand_at_home_alone_and_must_be_text():
    home = titled(TITLED)
    abroad = pa.table(
        {"user": ["p", "p", "q"], "item": ["i1", "i2", "i1"], "title": pa.nulls(3, pa.string())}
    )
    options = {"user": "user", "title": "title"}
    model = road.transfer(TASK, abroad, "item", source=home, options=options)[0]
    assert [str(model.items[at]) for at in model.markets.lent.to] == ["n1", "n2"]
    again = restore(model.state())
    assert (again.markets.lent.share != model.markets.lent.share).nnz == 0
    numbers = abroad.set_column(2, "title", pa.array([1, 2, 3]))
    with pytest.raises(XbsqlError, match="column 'title' is int64, and a title is text; cast it"):
        fit(numbers, title="title")
    with pytest.raises(XbsqlError, match="no column 'name'"):
        fit(abroad, title="name")


def test_evidence_and_measures_are_told_by_what_is_known_of_a_user(shop):
    call = "CALL xb.transfer('jp', jp, 'item', base := 'us', market := 'JP', task := 'recommend')"
    note = " ".join(map(str, rows(shop, call)[0]))
    assert "nDCG@10 by items known of a user (held-out items): " in note
    shop.execute("CREATE OR REPLACE TABLE next AS SELECT user, 'i007' AS item FROM jp WHERE user < 'jp2'")
    shop.execute("INSERT INTO next VALUES ('stranger', 'i008')")
    found = rows(shop, "SELECT \"group\", metric, rows FROM xb.evaluate('jp', next, by := 'length')")
    total = {metric: count for group, metric, count in found if group is None}
    for metric, count in total.items():
        assert sum(row[2] for row in found if row[1] == metric and row[0] is not None) == count
    assert ("0", "ndcg@10", 1) in found
    with pytest.raises(Exception, match="is not measured by 'user'; leave `by` out, or say 'length'"):
        rows(shop, "FROM xb.evaluate('jp', next, by := 'user')")


def test_weights_out_of_range_are_left_out_and_told():
    weights = [5.0, float("nan"), float("inf"), 0.0, -1.0, None, 1e300]
    table = pa.table({"user": list("abcdefg"), "item": ["x"] * 7, "w": weights})
    events = read_events("xb.fit", table, Columns("user", "item", None, "w"))
    assert list(events.users[events.user]) == ["a", "g"]
    assert [note.split(" ")[0] for note in events.notes] == ["3", "2"]


def test_users_with_one_event_are_served_and_judge_nothing():
    table = pa.table({"user": [f"u{at}" for at in range(40)], "item": [f"i{at % 4}" for at in range(40)]})
    model, report = road.fit(TASK, table, "item", options={"user": "user"})
    assert report[0]["value"] is None
    assert model.markets.own.pairs.nnz == 0
    found = recommended(model.shelf, model.blend, model.histories, Wanted(2))
    assert (found.item >= 0).all()


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("FROM xb.recommend('jp', shouted, who, history := ['I001', ' i002'])", "history item 'I001'"),
        ("FROM xb.recommend('jp', shouted, who, candidates := ['I001', ' i002'])", "candidates item 'I001'"),
        ("FROM xb.recommend('jp', shouted, who, filter := ['I001', ' i002'])", "filter item 'I001'"),
        ("FROM xb.similar_items('jp', shouted, who)", "item 'I001'"),
    ],
)
def test_ids_known_but_for_their_case_are_told_wherever_they_stand(shop, query, what):
    shop.execute("CREATE OR REPLACE TABLE shouted AS SELECT 'I001' AS who")
    with pytest.raises(Exception, match=f"{what} is not known, and 'i001' is; write ids as in the events"):
        rows(shop, query)
