"""The store: what is written is what is read, and what dies, lies or breaks in between changes nothing."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from xbsql import errors
from xbsql.store.artifact import read
from xbsql.store.model import State
from xbsql.store.store import Store, artifact


def tree(seed=0):
    rng = np.random.default_rng(seed)
    leaf = State("leaf", {"a": 1, "b": [1.5, None, "ü"]}, {"w": rng.normal(size=(3, 2)).astype(np.float32)})
    return State(
        "root",
        {"classes": ["x", "y"]},
        {"w": rng.integers(0, 9, 5), "e": np.zeros((0, 4))},
        {"booster": "tree\nline"},
        {"left": leaf, "right": State("root", parts={"deep": leaf})},
    )


def same(a, b):
    assert (a.kind, dict(a.config), dict(a.texts)) == (b.kind, dict(b.config), dict(b.texts))
    assert list(a.arrays) == list(b.arrays)
    for name in a.arrays:
        np.testing.assert_array_equal(a.arrays[name], b.arrays[name], strict=True)
    assert list(a.parts) == list(b.parts)
    for name in a.parts:
        same(a.parts[name], b.parts[name])


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_what_is_saved_is_what_is_read(store):
    saved = store.save("m", tree(), {"key": "k1", "task": "classify"})
    same(read(store.artifact("t", "m").path), tree())
    assert (saved.version, saved.promoted, saved.card["task"]) == (1, True, "classify")


def test_equal_arrays_of_several_parts_are_stored_once(store):
    rows = np.random.default_rng(1).normal(size=(1000, 8))
    parts = {
        name: State("leaf", {}, {"rows": rows.copy(), "own": np.arange(i)}) for i, name in enumerate("abc")
    }
    parts["view"] = State("leaf", {}, {"rows": rows.view(np.int64)})
    saved = store.save("m", State("root", parts=parts), {"key": "k", "task": "classify"})
    same(read(saved.path), State("root", parts=parts))
    assert rows.nbytes * 2 < (saved.path / "arrays.safetensors").stat().st_size < rows.nbytes * 2 + 2000


def listed(tree):
    keys = sorted(tree["arrays"])
    return {**tree, "arrays": keys, "parts": {name: listed(part) for name, part in tree["parts"].items()}}


def test_an_artifact_of_the_first_format_is_read(store):
    state = State(
        "root", {}, {"w": np.arange(3), "v": np.ones(2)}, {}, {"left": State("leaf", {}, {"w": np.zeros(4)})}
    )
    path = store.save("m", state, {"key": "k", "task": "classify"}).path
    manifest = json.loads((path / "manifest.json").read_text())
    manifest.pop("digest")
    manifest |= {"format": 1, "state": listed(manifest["state"])}
    (path / "manifest.json").write_text(json.dumps({**manifest, "digest": artifact.digest(manifest)}))
    found = read(path)
    np.testing.assert_array_equal(found.arrays["w"], np.arange(3))
    np.testing.assert_array_equal(found.parts["left"].arrays["w"], np.zeros(4))


def test_the_same_fit_is_the_same_version_and_another_is_the_next(store):
    assert [store.save("m", tree(), {"key": k}).version for k in ("a", "b", "a")] == [1, 2, 1]
    assert store.resolve("t", "m") == ("m", 1)
    assert store.promote("m@2").version == 2
    assert store.resolve("t", "m") == ("m", 2)


def test_dropping_the_promoted_version_promotes_the_newest_left(store):
    for key in "abc":
        store.save("m", tree(), {"key": key})
    assert store.drop("m@3") == [3]
    assert store.resolve("t", "m") == ("m", 2)
    assert store.drop("m") == [1, 2]
    assert store.names() == []


@pytest.mark.parametrize("name", ["", "a b", "../up", "m@1", ".hidden", "1x", "x" * 101, "a/b"])
def test_a_name_that_is_no_name_is_refused(store, name):
    with pytest.raises(errors.XbsqlError, match="cannot be a model's name"):
        store.save(name, tree(), {"key": "k"})


def test_an_unknown_model_or_version_names_what_exists(store):
    store.save("eta_home", tree(), {"key": "k"})
    with pytest.raises(
        errors.XbsqlError, match=r"no model 'eta_hom'; the store has eta_home .did you mean 'eta_home'"
    ):
        store.resolve("xb.predict", "eta_hom")
    with pytest.raises(errors.XbsqlError, match="no version 'eta_home@7'; the store has eta_home@1"):
        store.resolve("xb.predict", "eta_home@7")


def corrupt_digest(folder):
    (folder / "texts" / "booster.txt").write_text("other")


def truncate(folder):
    file = folder / "arrays.safetensors"
    file.write_bytes(file.read_bytes()[:-3])


def plant_pickle(folder):
    (folder / "evil.pkl").write_bytes(b"\x80\x04.")


def plant_link(folder):
    (folder / "texts" / "link").symlink_to("/etc/hostname")


def remove_file(folder):
    (folder / "arrays.safetensors").unlink()


def edit_manifest(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["card"]["task"] = "other"
    (folder / "manifest.json").write_text(json.dumps(manifest))


def newer_format(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["format"] = 99
    (folder / "manifest.json").write_text(json.dumps(manifest))


def no_manifest(folder):
    (folder / "manifest.json").write_text("{ half")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (corrupt_digest, r"changed or truncated texts/booster.txt"),
        (truncate, r"changed or truncated arrays.safetensors"),
        (plant_pickle, r"does not list: evil.pkl"),
        (plant_link, r"does not list: texts/link"),
        (remove_file, r"lacks arrays.safetensors"),
        (edit_manifest, r"manifest.json that was changed"),
        (newer_format, r"format 99, this xbsql reads up to 2; upgrade xbsql"),
        (no_manifest, r"no readable manifest.json"),
    ],
)
def test_a_broken_artifact_says_so_and_does_not_stop_a_new_version(store, damage, message):
    path = store.save("m", tree(), {"key": "k"}).path
    damage(path)
    with pytest.raises(errors.XbsqlError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert store.save("m", tree(), {"key": "k2"}).version == 2
    same(read(store.artifact("t", "m").path), tree())


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    with pytest.raises(errors.XbsqlError, match="store: cannot write"):
        Store(file / "store").save("m", tree(), {"key": "k"})


def test_writers_at_once_lose_nothing(store):
    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(lambda i: store.save("m", tree(i), {"key": f"k{i % 5}"}).version, range(20)))
    assert sorted(set(versions)) == store.versions("m")
    assert len(store.versions("m")) >= 5
    keys = [store.artifact("t", f"m@{v}").card["key"] for v in store.versions("m")]
    assert set(keys) == {f"k{i}" for i in range(5)}
    assert not list((store.path / "models" / "m").glob(".draft*"))


def test_a_process_killed_while_it_writes_leaves_the_store_readable(store):
    first = tree()
    store.save("m", first, {"key": "first"})
    script = f"""
        import itertools, numpy as np
        from pathlib import Path
        from xbsql.store.model import State
        from xbsql.store.store import Store
        store = Store(Path({str(store.path)!r}))
        print("ready", flush=True)
        for i in itertools.count():
            state = State("big", arrays={{"w": np.full(2_000_000, i, np.float32)}})
            store.save("m", state, {{"key": str(i)}})
    """
    for delay in (0.02, 0.05, 0.11):
        child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(delay)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        for version in store.versions("m"):
            read(store.artifact("t", f"m@{version}").path)
        store.resolve("t", "m")
    same(read(store.artifact("t", "m@1").path), first)
    old = time.time() - 2 * 24 * 3600
    for draft in (store.path / "models" / "m").glob(".draft*"):
        os.utime(draft, (old, old))
    store.save("m", first, {"key": "after"})
    assert not list((store.path / "models" / "m").glob(".draft*")), "leftovers are swept after a day"


def test_no_module_of_the_project_can_unpickle():
    root = Path(__file__).parents[1]
    for folder in ("xbsql", "kernels", "sql", "bench"):
        for file in (root / folder).rglob("*.py"):
            assert "import pickle" not in file.read_text(), file
