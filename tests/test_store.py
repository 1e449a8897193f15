"""The store: what is written is what is read, and what dies, lies or breaks in between changes nothing."""

import contextlib
import hashlib
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
import pyarrow as pa
import pytest
from safetensors.numpy import load_file, save_file

from xbsql import errors
from xbsql.session import models
from xbsql.session.session import Session
from xbsql.store.artifact import read
from xbsql.store.files import small_draft, unfinished
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


WHOLE = {"key": "k", "task": "predict", "label": "y", "rows": 3, "seconds": 0.1}


def sealed(folder, change):
    """Change a manifest and give it the right digest."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest.pop("digest")
    changed = change(manifest)
    if isinstance(changed, dict):
        changed = {**changed, "digest": artifact.digest(changed)}
    (folder / "manifest.json").write_text(json.dumps(changed))


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def pipe(folder):
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")


def no_card(manifest):
    return {**{k: v for k, v in manifest.items() if k != "card"}, "format": "99"}


def in_card(**more):
    return lambda folder: sealed(folder, lambda found: {**found, "card": {**found["card"], **more}})


def foreign_name(folder):
    folder.parent.rename(folder.parent.with_name(os.fsdecode(b"\xff\xfe")))


BAD = {
    "a list": lambda folder: sealed(folder, lambda _: []),
    "deep": lambda folder: (folder / "manifest.json").write_text("[" * 100_000 + "]" * 100_000),
    "deep and sealed": lambda folder: sealed(folder, lambda found: {**found, "card": {"x": nested(90)}}),
    "no card": lambda folder: sealed(folder, no_card),
    "rows of text": in_card(rows="3"),
    "rows beyond all": in_card(rows=10**30),
    "a verdict of text": in_card(verdict="HELPS"),
    "a verdict without arms": in_card(verdict={"verdict": "HELPS", "notes": []}),
    "weights of text": in_card(weights={"pool": "much"}),
    "a label of a list": in_card(label=["y"]),
    "a state of texts": lambda folder: sealed(folder, lambda found: {**found, "state": "x"}),
    "a pipe": pipe,
    "a folder": lambda folder: ((folder / "manifest.json").unlink(), (folder / "manifest.json").mkdir()),
    "no Unicode": lambda folder: (folder / "manifest.json").write_bytes(b'{"digest": "\\ud800"}'),
    "5,000 digits": lambda folder: (folder / "manifest.json").write_text(f'{{"format": {"9" * 5000}}}'),
    "a name that is no text": foreign_name,
    "a version of no digits": lambda folder: (folder.parent / "²").mkdir(),
}


@pytest.mark.parametrize("bad", BAD)
def test_one_bad_folder_is_its_own_note_and_stops_nothing(store, bad):
    store.save("whole", tree(), WHOLE)
    BAD[bad](store.save("broken", tree(), WHOLE).path)
    start = time.monotonic()
    rows = models.models(Session(store.path))
    pa.Table.from_pylist(rows)
    notes = {row["model"]: row.get("note") for row in rows}
    assert notes.pop("whole") is None
    assert len(notes) == 1
    if bad != "a version of no digits":
        assert all(note and "\n" not in note and len(note) < 400 for note in notes.values()), notes
    assert time.monotonic() - start < 5


def test_an_array_that_is_not_as_the_manifest_says_is_refused(store):
    path = store.save("m", tree(), WHOLE).path
    arrays = load_file(path / "arrays.safetensors")

    def written(change):
        name = next(key for key in arrays if arrays[key].dtype == np.float32)
        save_file({**arrays, name: change(arrays[name])}, path / "arrays.safetensors")
        digest = hashlib.sha256((path / "arrays.safetensors").read_bytes()).hexdigest()
        sealed(path, lambda found: {**found, "files": {**found["files"], "arrays.safetensors": digest}})
        return read(path)

    written(lambda array: array + 1)
    with pytest.raises(errors.XbsqlError, match="holds an array that is not as its manifest says"):
        written(lambda array: array[:2].copy())
    with pytest.raises(errors.XbsqlError, match="holds an array with a value that is no number"):
        written(lambda array: np.full_like(array, np.nan))


@pytest.mark.parametrize("part", ["../../../outside", "/etc/hostname", "x/../../y"])
def test_a_text_outside_its_folder_is_never_read(store, part):
    path = store.save("m", tree(), WHOLE).path

    def change(found):
        return {**found, "state": {**found["state"], "texts": [part]}, "files": {**found["files"]}}

    sealed(path, change)
    with pytest.raises(errors.XbsqlError, match="lacks texts/"):
        read(path)


def test_a_number_is_never_given_twice(store):
    for key in "ab":
        store.save("q", tree(), {"key": key})
    store.drop("q@2")
    assert store.save("q", tree(), {"key": "c"}).version == 3
    with pytest.raises(errors.XbsqlError, match="no version 'q@2'; the store has q@1, q@3"):
        store.resolve("t", "q@2")
    assert store.drop("q") == [1, 3]
    with pytest.raises(errors.XbsqlError, match="no model 'q'"):
        store.resolve("t", "q")
    assert store.save("q", tree(), {"key": "a"}).version == 4
    assert store.versions("q") == [4]
    left = [
        path for path in (store.path / "models" / "q").rglob("*") if path.is_file() and "4" not in path.parts
    ]
    assert sum(path.stat().st_size for path in left) < 20, "what is dropped takes no space"


def test_a_drop_that_is_killed_is_a_whole_one(store, monkeypatch):
    for key in "abc":
        store.save("q", tree(), {"key": key})

    def killed(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("xbsql.store.store.bury", killed)
        with pytest.raises(KeyboardInterrupt):
            store.drop("q")
    assert Store(store.path).names() == []
    assert (store.path / "models" / "q" / "3" / "manifest.json").exists()
    assert Store(store.path).save("q", tree(), {"key": "d"}).version == 4
    assert not (store.path / "models" / "q" / "3" / "manifest.json").exists(), (
        "the next writer goes on with it"
    )


def test_a_drop_against_a_fit_in_two_processes_loses_nothing(store):
    script = f"""
        import numpy as np
        from pathlib import Path
        from xbsql.store.model import State
        from xbsql.store.store import Store
        store, versions = Store(Path({str(store.path)!r})), []
        for i in range(60):
            state = State("s", arrays={{"w": np.full(9, i)}})
            versions.append(store.save("m", state, {{"key": str(i)}}).version)
        print(versions)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    )
    dropped, said = [], set()
    while child.poll() is None:
        try:
            dropped += store.drop("m")
        except errors.XbsqlError as error:
            said.add(error.said)
    versions = json.loads(child.stdout.read())
    child.stdout.close()
    assert child.returncode == 0
    assert all(line.startswith("no model 'm'") for line in said), said
    assert versions == sorted(set(versions)), "no number was given twice"
    assert sorted([*dropped, *store.versions("m")]) == versions, "each fit is there, or was dropped once"


def test_only_the_dead_are_swept(store):
    home, old = store.path / "models" / "m", time.time() - 7200
    store.save("m", tree(), {"key": "a"})
    with unfinished(home, "draft") as living, small_draft(home, "3") as small:
        dead = [home / ".draft-1-aa", home / ".promoted-1-aa", home / ".dropped-bb", home / ".rows-1-cc"]
        for path in dead:
            path.mkdir() if "draft" in path.name or "rows" in path.name else path.touch()
        young = home / ".draft-1-dd"
        young.mkdir()
        for path in (living, small, *dead):
            os.utime(path, (old, old))
        store.save("m", tree(), {"key": "b"})
        assert not [path for path in dead if path.exists()]
        assert living.exists()
        assert small.exists()
        assert young.exists()


FULL = """
import resource, signal, sys, numpy as np
from pathlib import Path
from xbsql.errors import XbsqlError
from xbsql.store.model import State
from xbsql.store.store import Store
store = Store(Path(sys.argv[1]))
store.save("m", State("s", arrays={"w": np.zeros(9)}), {"key": "first"})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for state in (State("s", arrays={"w": np.random.rand(50_000)}), State("s", texts={"t": "x" * 400_000})):
    try:
        store.save("m", state, {"key": "second"})
    except XbsqlError as error:
        print(error)
print(store.versions("m"), sorted(path.name for path in (store.path / "models" / "m").iterdir()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes to stand for a full disk")
def test_a_full_disk_in_a_fit_says_so_and_leaves_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    assert lines[-1] == "[1] ['1', 'promoted']", done.stdout + done.stderr
    assert [line.split(": ")[:2] for line in lines[:-1]] == [["store", f"cannot write {tmp_path}"]] * 2
    assert all("File too large" in line and "free some space" in line for line in lines[:-1])


def test_a_full_disk_before_the_pointer_leaves_no_version(store, monkeypatch):
    store.save("m", tree(), {"key": "a"})

    @contextlib.contextmanager
    def full(home, text):
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setattr("xbsql.store.store.small_draft", full)
    with pytest.raises(errors.XbsqlError, match=r"cannot write .*No space left on device; free some space"):
        store.save("m", tree(), {"key": "b"})
    assert store.versions("m") == [1]
    assert sorted(path.name for path in (store.path / "models" / "m").iterdir()) == ["1", "promoted"]


def test_every_file_has_the_mode_that_the_umask_gives(store):
    old = os.umask(0o027)
    try:
        store.save("m", tree(), {"key": "a"})
    finally:
        os.umask(old)
    modes = {path.stat().st_mode & 0o777 for path in store.path.rglob("*") if path.is_file()}
    assert modes == {0o640}
