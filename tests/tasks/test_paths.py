"""Labels that are paths: answers hang together, stop where they are not sure, and say how deep they go."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from xbsql import sample
from xbsql.engine import held_out
from xbsql.errors import XbsqlError
from xbsql.store.model import restore
from xbsql.tasks import road, row_task
from xbsql.tasks.classify.task import TASK as classify
from xbsql.tasks.explain import explain, summed

PATHS = {"levels": " > "}
WEAR = ("shoes", "bags", "clothing", "jewellery", "watches")


def shelf(category):
    return f"{'Wear' if category in WEAR else 'Live'} > {category}"


@pytest.fixture(scope="module")
def shop():
    """Rows of (title, shelf) by market, products in random order."""
    catalogue = sample.catalog(["en", "de"])
    order = np.random.default_rng(0).permutation(len(catalogue))
    mixed = catalogue.take(pa.array(order))
    shelves = pa.array([shelf(name) for name in mixed["category"].to_pylist()])
    mixed = mixed.select(["title", "market"]).append_column("shelf", shelves)
    return {m: mixed.filter(pc.equal(mixed["market"], m)).drop_columns("market") for m in ("US", "DE")}


@pytest.fixture(scope="module")
def home(shop):
    return road.fit(classify, shop["US"].slice(0, 400), "shelf", options=PATHS)


def answers(model, table):
    batch = table.select(["title"]).combine_chunks().to_batches()[0]
    return model.predict(batch)


def scores(model, table):
    return {row["metric"]: row["value"] for row in road.evaluate(classify, model, table, "shelf")}


def test_an_answer_is_the_deepest_sure_node_of_the_likeliest_path(shop, home):
    for row in answers(home[0], shop["DE"].slice(0, 80)).to_pylist():
        assert row["level"] == len(row["path"] or [])
        assert row["label"] == (" > ".join(row["path"]) if row["path"] else None)
        assert row["scores"] == sorted(row["scores"], reverse=True)
        assert row["score"] == row["scores"][max(row["level"] - 1, 0)]
        least = home[0].tree.least
        assert row["level"] == sum(score >= least - 1e-9 for score in row["scores"])
        best = [pair["score"] for pair in row["best"]]
        assert best == sorted(best, reverse=True)
        assert len(row["best"]) == 3


def test_sure_is_measured_and_asking_for_less_answers_deeper(shop, home):
    rest = shop["US"].slice(400)
    strict = scores(home[0], rest)
    loose = {**PATHS, "sure": 0.8}
    easy = scores(road.fit(classify, shop["US"].slice(0, 400), "shelf", options=loose)[0], rest)
    assert strict["accuracy_answered"] > 0.88
    assert easy["answered_depth"] > strict["answered_depth"]
    assert strict["accuracy_level_1"] > strict["accuracy_level_2"]
    assert strict["answered_level_1"] >= strict["answered_level_2"]


def test_of_very_many_rows_some_are_measured_and_their_number_is_said(shop, home, monkeypatch):
    rest = shop["US"].slice(400)
    whole = {row["metric"]: row for row in road.evaluate(classify, home[0], rest, "shelf")}
    monkeypatch.setattr(row_task, "MOST_CELLS", 100 * len(home[0].classes))
    monkeypatch.setattr(row_task, "FEWEST_ASKED", 1)
    some = {row["metric"]: row for row in road.evaluate(classify, home[0], rest, "shelf")}
    assert {row["rows"] for row in some.values()} == {100}
    assert some["accuracy"]["lo"] <= whole["accuracy"]["value"] <= some["accuracy"]["hi"]


def test_the_report_of_a_fit_has_each_level(home):
    names = [row["metric"] for row in home[1]]
    assert names[-2:] == ["accuracy_level_1", "accuracy_level_2"]


def test_a_restored_model_answers_the_same_bits(shop, home):
    again = restore(home[0].state())
    assert answers(again, shop["DE"]).equals(answers(home[0], shop["DE"]))


def test_each_level_of_the_likeliest_path_is_explained(shop, home):
    rows = shop["US"].slice(400, 12)
    found = explain(home[0], rows)
    said = answers(home[0], rows).to_pylist()
    assert found.rows.tolist() == [row for row, each in enumerate(said) for _ in each["scores"]]
    assert (found.base + found.parts.sum(axis=1)).tolist() == pytest.approx(
        [score for each in said for score in each["scores"]]
    )
    levels = [len(label.split(" > ")) for label in found.labels.to_pylist()]
    assert levels == [level + 1 for each in said for level in range(len(each["scores"]))]
    lines = found.per_row()
    assert set(lines["label"].to_pylist()) == set(found.labels.to_pylist())
    assert summed(home[0], rows)["label"].null_count == summed(home[0], rows).num_rows > 0


def test_a_transfer_keeps_the_levels_of_home(shop, home):
    target = shop["DE"].slice(0, 120)
    shown = pa.array(np.arange(120) < 60)
    target = target.set_column(1, "shelf", pc.if_else(shown, target["shelf"].combine_chunks(), None))
    model, done = road.transfer(classify, target, "shelf", base=home[0])
    assert model.tree.levels == home[0].tree.levels
    assert done.verdict.basis == "evidence"
    whole, leaf = (done.verdict.value(f"blend{level}") for level in ("", ", level 2"))
    assert whole == pytest.approx(leaf)
    assert done.verdict.value("blend, level 1") >= whole
    assert done.verdict.value("target only, level 1") >= done.verdict.value("target only, level 2")
    said = next(note for note in done.verdict.notes if note.startswith("by level: "))
    assert [each.split()[0] for each in said.removeprefix("by level: ").split("), ")] == ["1", "2"]
    found = scores(model, shop["DE"].slice(120))
    assert found["accuracy_level_1"] > 0.75


def test_a_model_without_levels_leaves_the_path_null(shop):
    model, _ = road.fit(classify, shop["US"].slice(0, 100), "shelf")
    found = answers(model, shop["US"].slice(0, 5))
    for name in ("path", "level", "scores", "best"):
        assert found.field(name).null_count == 5


NODES = {
    "Clothing": "Kleidung", "Clothing > Shoes": "Schuhe", "Clothing > Shoes > Boots": "Stiefel",
    "Clothing > Shoes > Sandals": "Sandalen", "Clothing > Jackets": "Jacken", "Kitchen": "Küche",
    "Kitchen > Knives": "Messer", "Kitchen > Pans": "Pfannen", "Garden": "Garten",
    "Garden > Hoses": "Gartenschläuche", "Garden > Flower pots": "Blumentöpfe", "Toys": "Spielzeug",
    "Toys > Puzzles": "Puzzles für Kinder", "Toys > Dolls": "Puppen",
}  # fmt: skip


@pytest.fixture(scope="module")
def tree():
    names = [path.rpartition(" > ")[2] for path in NODES]
    table = pa.table({"title": names, "shelf": list(NODES)})
    return road.fit(classify, table, "shelf", options={**PATHS, "nodes": True, "text": ["title"]})[0]


def test_nodes_alone_place_titles_of_another_language(tree):
    table = pa.table({"title": [f"{name}, neu" for name in NODES.values()], "shelf": list(NODES)})
    found = scores(tree, table)
    assert found["accuracy_level_1"] >= 13 / 14
    assert found["accuracy"] >= 11 / 14
    assert restore(tree.state()).predict(table.to_batches()[0]).equals(tree.predict(table.to_batches()[0]))


@pytest.mark.parametrize("text", ["???", "12345", "🎁", "n/a", " ", "3.5 / 12"])
def test_a_text_that_names_nothing_gets_no_node(tree, text):
    found = tree.predict(pa.table({"title": [text, "Stiefel"]}).to_batches()[0]).to_pylist()
    assert found[0] is None
    assert found[1]["label"] == "Clothing > Shoes > Boots"


@pytest.mark.parametrize(
    "letters", ["abcdefghijklmnopqrstuvwxyz", "бвгджзклмнпрст", "らりるれろまみむめも", "ทธนบปผฝพฟ"]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_of_texts_that_mean_nothing_no_more_are_sure_than_may_be_wrong(tree, letters, seed):
    generator = np.random.default_rng(seed)
    texts = ["".join(generator.choice(list(letters), generator.integers(3, 12))) for _ in range(60)]
    found = tree.predict(pa.table({"title": ["zxqv", "的", *texts, "Stiefel"]}).to_batches()[0]).to_pylist()
    assert [row["label"] for row in found[:2]] == [None, None]
    assert sum(row["level"] > 0 for row in found[2:-1]) <= 0.05 * len(texts)
    assert found[-1]["label"] == "Clothing > Shoes > Boots"


def test_nodes_without_a_name_are_counted_and_attract_nothing():
    names = [None if "P" in path[1:] else path.rpartition(" > ")[2] for path in NODES]
    table = pa.table({"title": pa.array(names, pa.string()), "shelf": list(NODES)})
    options = {**PATHS, "nodes": True, "text": ["title"]}
    model, report = road.fit(classify, table, "shelf", options=options)
    nameless = sum(name is None for name in names)
    assert f"{nameless} nodes have no name ('Kitchen > Pans')" in report[0]["note"]
    found = answers(model, pa.table({"title": ["zorbl", "Stiefel", "Messer"]})).to_pylist()
    assert [row["label"] for row in found] == [None, "Clothing > Shoes > Boots", "Kitchen > Knives"]


def test_a_few_labelled_rows_teach_what_no_name_says(tree):
    """A made-up word means a node once rows say so, also of a node that the taxonomy did not have."""
    words = ["zorbl", "Zorbl premium", "zorbl original neu"] * 2
    shelves = ["Kitchen > Pans"] * 6 + ["Kitchen > Woks"] * 3
    table = pa.table({"title": [*words, "quand", "quand gross", "der quand"], "shelf": shelves})
    model, done = road.transfer(classify, table, "shelf", base=tree)
    found = answers(model, pa.table({"title": ["zorbl klein", "quand klein"]})).to_pylist()
    assert [row["best"][0]["label"] for row in found] == ["Kitchen > Pans", "Kitchen > Woks"]
    assert done.verdict.outcome == "NOT MEASURED"


def test_codes_of_a_tariff_are_a_tree():
    codes = ["64", 6403, 6402, "85", "8518", 8517]
    names = ["Footwear", "Leather shoes", "Rubber shoes", "Electrical machines", "Headphones", "Telephones"]
    table = pa.table({"title": names, "shelf": [str(code) for code in codes]})
    options = {"levels": [2, 4], "nodes": True, "text": ["title"]}
    model, _ = road.fit(classify, table, "shelf", options=options)
    found = answers(model, pa.table({"title": ["Kopfhörer", "Lederschuhe"]})).to_pylist()
    assert [row["best"][0]["label"] for row in found] == ["8518", "6403"]


@pytest.mark.parametrize(
    ("labels", "options", "error"),
    [
        ([f"a > {i}" for i in range(60)], {}, "names its rows: 60 labels are 60 classes.*'nodes': true"),
        (["a > b"] * 60, {}, "only one node, 'a > b'"),
        (["a > b", "a > c"] * 30, {"abstain": 0.5}, "'abstain' and 'levels' are both given"),
        (["a/b", "a/c"] * 30, {}, "no label holds ' > '"),
    ],
)
def test_what_cannot_be_learnt_is_one_line(labels, options, error):
    table = pa.table({"title": [f"red shoe {i}" for i in range(60)], "shelf": labels})
    with pytest.raises(XbsqlError, match=error):
        road.fit(classify, table, "shelf", options={**PATHS, **options})


def test_what_was_made_of_labels_is_noted():
    labels = ["a > b", "a > c", "d >  > e"] * 20
    table = pa.table({"title": [f"red shoe {i}" for i in range(60)], "shelf": labels})
    _, report = road.fit(classify, table, "shelf", options=PATHS)
    assert "labels of 20 rows skip a level ('d >  > e')" in report[0]["note"]


@pytest.fixture
def many(monkeypatch):
    """Few rows are many."""
    monkeypatch.setattr(held_out, "MANY_CLASSES", 8)
    monkeypatch.setattr(held_out, "MANY_CELLS", 1000)
    monkeypatch.setattr(held_out, "FEWEST_ROWS", 300)


def test_many_classes_are_judged_on_rows_held_out_once(shop, many):
    table = shop["US"].slice(0, 400)
    model, report = road.fit(classify, table, "shelf", options={**PATHS, "seed": 1})
    values = {row["metric"]: row for row in report}
    assert values["accuracy"]["rows"] == 40
    unseen = scores(model, shop["US"].slice(400))
    assert unseen["accuracy"] > 0.7
    assert restore(model.state()).predict(table.select(["title"]).to_batches()[0]) is not None
    target = shop["DE"].slice(0, 400)
    abroad, done = road.transfer(classify, target, "shelf", base=model, source=table)
    assert done.verdict.outcome in ("HELPS", "NO EVIDENCE")
    assert scores(abroad, shop["DE"].slice(400))["accuracy"] > 0.7


def test_a_taxonomy_that_changed_is_answered_without_its_rows_and_said(tree):
    """New nodes are known by name, moved ones keep what they were taught, retired ones are not answered."""
    taught = pa.table({"title": ["zorbl", "zorbl premium"], "shelf": ["Kitchen > Pans"] * 2})
    old, _ = road.transfer(classify, taught, "shelf", base=tree)
    paths = [path.replace("Kitchen > Pans", "Cooking > Pans") for path in NODES if "Hoses" not in path]
    paths += ["Cooking", "Garden > Lawn mowers"]
    names = [path.rpartition(" > ")[2] for path in paths]
    rows = pa.table({"title": names, "shelf": paths})
    options = {"nodes": True, "text": ["title"]}
    model, done = road.transfer(classify, rows, "shelf", base=old, options=options)
    asked = pa.table({"title": ["zorbl klein", "Rasenmäher", "Gartenschläuche"]})
    found = [row["best"][0]["label"] for row in answers(model, asked).to_pylist()]
    assert found[:2] == ["Cooking > Pans", "Garden > Lawn mowers"]
    assert set(model.classes) == set(paths)
    notes = " ".join(done.verdict.notes)
    assert "2 nodes are new" in notes
    assert "1 node is moved: 'Kitchen > Pans' is 'Cooking > Pans' now" in notes
    assert "1 node is retired ('Garden > Hoses')" in notes


def test_where_no_row_may_leave_none_becomes_a_name_of_its_node(tree):
    table = pa.table({"title": ["zorbl", "zorbl premium"], "shelf": ["Kitchen > Pans"] * 2})
    _, done = road.transfer(classify, table, "shelf", base=tree, options={"keep_rows": False})
    assert not [name for name in done.weights if name.endswith(("taught:nodes", ":neighbours"))]


def test_rows_of_which_nothing_is_read_have_no_answer_in_the_scores_either(shop, home):
    rows = shop["US"].slice(400, 80)
    titles = [None if place % 4 == 0 else title for place, title in enumerate(rows["title"].to_pylist())]
    rows = rows.set_column(rows.column_names.index("title"), "title", pa.array(titles, pa.string()))
    said, found = answers(home[0], rows), scores(home[0], rows)
    told = [row is not None and row["level"] > 0 for row in said.to_pylist()]
    assert said.null_count == 20
    assert found["answered"] == pytest.approx(np.mean(told))
    assert found["answered_level_1"] <= 0.75
