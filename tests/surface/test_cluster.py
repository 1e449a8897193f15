"""Over a cluster of worker processes come the same answers as from one, also where a worker is killed."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql import cluster, sample

ray = pytest.importorskip("ray", reason="the extra xbsql[cluster] is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds worker processes in /proc"),
    # Ray's own: sockets and processes that it leaves to the interpreter's end.
    pytest.mark.filterwarnings("ignore"),
]
TITLES = ["red running shoes", "rote Laufschuhe", "frozen pizza", None, "pizza surgelee", "usb-c cable 2m"]


@pytest.fixture(scope="module")
def rays():
    import ray.data

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(
            num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
            object_store_memory=200 << 20,
        )  # fmt: skip
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        yield ray
        ray.shutdown()


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    with xbsql.connect(tmp_path_factory.mktemp("cluster") / "shop.duckdb") as con:
        rows = {"title": [f"{word} {i}" for i in range(30) for word in ("shoe", "pizza")]}
        rows |= {"kind": ["Shoes", "Food"] * 30}
        xbsql.fit(con, "kind", pa.table(rows), "kind")
        rng = np.random.default_rng(0)
        numbers = pa.table({"a": rng.normal(size=200), "b": rng.normal(size=200)})
        price = pa.array(numbers["a"].to_numpy() * 3 + 5)
        xbsql.fit(con, "price", numbers.append_column("price", price), "price")
        yield con


@pytest.fixture
def store(con):
    return xbsql.surface.duck.session_of("test", con).store.path


def offers(count):
    return pa.table({"sku": range(count), "title": [TITLES[i % 6] for i in range(count)]})


def workers(name):
    """Pids of the Ray workers whose title holds a name and whose raylet is a child of this process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            title = (entry / "cmdline").read_bytes().decode(errors="replace")
            parent = _parent(entry)
            if (
                title.startswith("ray::")
                and name in title
                and _parent(Path("/proc") / str(parent)) == os.getpid()
            ):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _parent(entry):
    return int((entry / "stat").read_text().rpartition(")")[2].split()[1])


def killed_in_the_middle(name, work):
    """The result of `work()`, and how many workers of that name were killed while it ran."""
    gone, done = [], threading.Event()

    def kill():
        while not done.is_set() and not gone:
            busy = workers(name)
            if busy:
                os.kill(busy[0], signal.SIGKILL)
                gone.append(busy[0])
            time.sleep(0.02)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        return work(), len(gone)
    finally:
        done.set()
        thread.join()


def test_pictures_over_workers_are_those_of_one_process(rays, con, store):
    """A broken one is a NULL there too."""
    icons = sample.pictures("US", 1)
    xbsql.fit(con, "kinds", icons, "category", options={"network": "lite0", "ignore": ["sku"]})
    blobs = pa.array([*icons["photo"].to_pylist()[:3], b"no picture", None], pa.binary())
    rows = pa.table({"photo": blobs})
    one = cluster.Workers(count=1, cpus=0.5, rows=32)
    data = cluster.embed_image(rays.data.from_arrow(rows), "photo", store=store, model="lite0", workers=one)
    spread = cluster.classify(data, "kinds", "photo", store=store, workers=one)
    found = pa.concat_tables(rays.get(spread.to_arrow_refs()))
    vectors, classes = xbsql.embed_image(con, blobs, model="lite0"), xbsql.classify(con, "kinds", blobs)
    assert [row and row["label"] for row in found["classified"].to_pylist()] == [
        row and row["label"] for row in classes.to_pylist()
    ]
    assert [value is None for value in found["embedding"].to_pylist()] == [False] * 3 + [True] * 2
    for own, expected in zip(found["embedding"].to_pylist()[:3], vectors.to_pylist(), strict=False):
        np.testing.assert_allclose(own, expected, atol=1e-5)


def test_embeddings_and_classes_are_those_of_one_process(rays, con, store):
    rows = offers(60)
    one = cluster.Workers(count=1, cpus=0.5, rows=32)
    data = cluster.embed(rays.data.from_arrow(rows), "title", store=store, workers=one)
    spread = cluster.classify(data, "kind", "title", store=store, workers=one)
    found = pa.concat_tables(rays.get(spread.to_arrow_refs()))
    assert found["sku"].to_pylist() == list(range(60))
    embedded, classes = xbsql.embed(con, rows["title"]), xbsql.classify(con, "kind", rows["title"])
    assert (found["embedding"].type, found["classified"].type) == (embedded.type, classes.type)
    assert found["embedding"].null_count == embedded.null_count == 10
    own, other = (np.stack(each.drop_null().to_numpy(zero_copy_only=False)) for each in (
        found["embedding"], embedded))  # fmt: skip
    np.testing.assert_allclose(own, other, atol=2e-6)
    labels = [[row and row["label"] for row in each.to_pylist()] for each in (found["classified"], classes)]
    assert labels[0] == labels[1]


def test_translations_are_those_of_one_process(rays, con, store):
    words = {"red": "rouge", "blue": "bleu", "hat": "chapeau", "bag": "sac"}
    pairs = [(f"{c} {t}", f"{words[t]} {words[c]}") for c in ("red", "blue") for t in ("hat", "bag")]
    known = pa.table({"en": [a for a, _ in pairs[:3]], "fr": [b for _, b in pairs[:3]]})
    xbsql.fit(con, "french", known, "fr", task="translate", options={"src": "en", "dst": "fr"})
    rows = pa.table({"title": [a for a, _ in pairs] + [None, "12"]})
    one = cluster.Workers(count=1, cpus=0.5, rows=4)
    spread = cluster.translate(rays.data.from_arrow(rows), "french", "title", store=store, workers=one)
    found = pa.concat_tables(rays.get(spread.to_arrow_refs()))
    assert found["translated"].to_pylist() == xbsql.translate(con, "french", rows["title"]).to_pylist()
    with pytest.raises(xbsql.XbsqlError, match=r"'kind' was fitted for classify; use cluster\.classify"):
        cluster.translate(rays.data.from_arrow(rows), "kind", "title", store=store)


def test_predictions_survive_the_death_of_a_worker(rays, con, store):
    rng = np.random.default_rng(1)
    rows = pa.table({"a": rng.normal(size=2000), "b": rng.normal(size=2000)})
    data = rays.data.from_arrow(rows).repartition(40).materialize()
    two = cluster.Workers(count=2, cpus=0.5, rows=50)
    spread = cluster.predict(data, "price", store=store, workers=two)
    found, dead = killed_in_the_middle(
        "_Worker)).submit", lambda: pa.concat_tables(rays.get(spread.to_arrow_refs()))
    )
    assert dead == 1, "no worker was there to be killed"
    assert found.select(["a", "b"]).to_pylist() == rows.to_pylist(), "nothing lost, nothing twice"
    wanted = xbsql.predict(con, "price", rows.to_struct_array())
    assert found["predicted"].type == wanted.type
    value = found["predicted"].combine_chunks().field("value").to_numpy()
    np.testing.assert_allclose(value, wanted.field("value").to_numpy(), rtol=1e-9)


def vectors(count, seed, name):
    """Vectors of small whole numbers, so that many scores are equal; every seventh is NULL."""
    points = np.random.default_rng(seed).integers(-2, 3, (count, 6)).astype(np.float32)
    flat = pa.FixedSizeListArray.from_arrays(
        pa.array(points.ravel()), 6, mask=pa.array(np.arange(count) % 7 == 3)
    )
    return pa.table(
        {name: [f"{name}{i:05}" for i in np.random.default_rng(seed).permutation(count)], "v": flat}
    )


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_a_sharded_join_is_that_of_one_process_though_a_worker_dies(rays, con, metric):
    queries, catalog = vectors(300, 1, "q"), vectors(2000, 2, "c")
    wanted = xbsql.similarity_join(con, queries, catalog, "q", "v", "c", "v", 5, metric)
    sides = rays.data.from_arrow(queries).repartition(6), rays.data.from_arrow(catalog)

    def join():
        spread = cluster.similarity_join(*sides, "q", "v", "c", "v", 5, metric, shards=5)
        return pa.concat_tables(rays.get(spread.to_arrow_refs()))

    found, dead = killed_in_the_middle("_within", join)
    assert dead == 1
    assert found.to_pylist() == wanted.to_pylist(), "rows, scores, ranks and ties"


def test_mistakes_are_one_line_before_anything_runs(rays, con, store):
    data = rays.data.from_arrow(offers(6))
    for call, message in (
        (
            lambda: cluster.embed(data, "name", store=store),
            "cluster.embed: no column 'name'; the dataset has",
        ),
        (lambda: cluster.classify(data, "sorts", "title", store=store), "cluster.classify: no model 'sorts'"),
        (
            lambda: cluster.predict(data, "kind", store=store),
            "'kind' was fitted for classify; use cluster.classify",
        ),
        (
            lambda: cluster.similarity_join(data, data, "sku", "v", "sku", "v"),
            "no column 'v'; the dataset has",
        ),
        (
            lambda: cluster.similarity_join(data, data, "sku", "sku", "sku", "sku", 0),
            "k is 0; give a whole number",
        ),
        (
            lambda: cluster.similarity_join(data, data, "sku", "sku", "sku", "sku", metric="cos"),
            "cluster.similarity_join: no metric 'cos'; there is cosine",
        ),
    ):
        with pytest.raises(xbsql.XbsqlError, match=message):
            call()


def test_without_ray_the_extra_is_named():
    code = """
import sys, importlib.util
plain = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "ray" else plain(name, *rest)
from xbsql import cluster
assert "ray" not in sys.modules
try:
    cluster.embed(None, "title", store="nowhere")
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "cluster.embed: ray is not installed; pip install 'xbsql[cluster]'\n"


def test_the_tutorial_runs_from_its_first_line_to_its_last(rays, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("init", "shutdown"):  # Ray runs already, for all tests of this file
        monkeypatch.setattr(rays, name, lambda **_: None)
    page = (Path(__file__).parents[2] / "docs" / "tutorial_cluster.md").read_text()
    program = "".join(re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    exec(program, {})
    assert capsys.readouterr().out.startswith("200 ")


def products(count):
    """Offers of two markets in blocks; some have no block, and the titles of some say little."""
    rows = []
    for place in range(count):
        kind = None if place % 17 == 0 else f"kind {place % 5}"
        for market, title in (("UK", "tea pot number"), ("DE", "Teekanne Nummer")):
            rows.append({"sku": place, "shop": market, "title": f"{title} {place}", "kind": kind})
    return pa.Table.from_pylist(rows).take(np.random.default_rng(0).permutation(len(rows)))


def test_entities_by_shards_are_those_of_one_process(rays, con, store, monkeypatch):
    monkeypatch.setattr("xbsql.session.offer_shards.SHARD", 60)
    monkeypatch.setattr("xbsql.surface.cluster_entities.SHARD", 60)
    rows = products(60)
    wanted = xbsql.entities(con, rows, "sku", "shop", "title", block="kind")
    assert len(set(wanted["entity"].to_pylist())) < 90, "some are joined"
    data = rays.data.from_arrow(rows).repartition(4)
    spread = cluster.entities(data, "sku", "shop", "title", store=store, block="kind")
    found = pa.concat_tables(rays.get(spread.to_arrow_refs()))
    assert found.column_names == wanted.column_names
    keys = [("entity", "ascending"), ("market", "ascending"), ("id", "ascending")]
    assert found.sort_by(keys).to_pylist() == wanted.sort_by(keys).to_pylist()
    for call, message in (
        (lambda: cluster.entities(data, "sku", "shop", "name", store=store), "no column 'name'; the dataset"),
        (lambda: cluster.entities(data, "sku", "shop", "title", store=store, threshold=2), "threshold is 2"),
    ):
        with pytest.raises(xbsql.XbsqlError, match=f"cluster.entities: {message}"):
            call()
