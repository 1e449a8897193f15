"""The bench harness: a run that is interrupted, red, quick or unknown, and what it prints and leaves."""

import csv
import json
import math
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import plot, run
from bench.case import Bench, Journal, Quantiles, Timings

ROOT = Path(run.__file__).parent.parent

SUBJECT = '''
"""A subject."""
import os
from bench.case import Quantiles

def run(bench):
    calls = []
    def work(key):
        1 / (key - float(os.environ.get("STOP", "-1")))
        calls.append(key)
        bench.record("squares", "ours", "value", key ** 2, sizes={"n": key}, unit="m2")
        return (key, {"square": key ** 2})
    for key in range(4):
        assert bench.unit(str(key), lambda: work(key)) == [key, {"square": key ** 2}]
    bench.record("all", "ours", "spread", Quantiles(1.0, 2.0, 3.0), bytes_moved=8)
    return {"called": len(calls), "third": 1 / 3, "big": 123456.0, "none": None, "quick": bench.quick}
'''


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("QUICK", raising=False)
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "toy.py").write_text(SUBJECT)
    (tmp_path / "bench" / "helper.py").write_text("def walk(bench):\n    pass\n")
    return tmp_path


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def measured(table):
    """The lines of a table without the subject's own count of its calls."""
    return [line for line in table.read_text().splitlines() if ",called," not in line]


def test_the_headline_is_the_very_last_line_and_the_table_holds_every_row(root, capsys):
    assert run.main(["toy"], root) == 0
    assert capsys.readouterr().out.endswith("\ntoy: called=4 third=0.3333 big=1.235e+05 none=nan quick=0\n")
    written = rows_of(root / "bench" / "results" / "toy.csv")
    rows = [row for row in written if row["case"] != "headline"]
    shown = {row["metric"]: row["p50"] for row in written if row["case"] == "headline"}
    assert shown == {"called": "4", "third": "0.333333", "big": "123456", "none": "", "quick": "0"}
    assert [row["p50"] for row in rows] == ["0", "1", "4", "9", "2"]
    assert [row["sizes"] for row in rows] == ["n=0", "n=1", "n=2", "n=3", ""]
    assert [rows[0][name] for name in ("p20", "p80", "bytes")] == ["", "", ""]
    assert [rows[-1][name] for name in ("p20", "p80", "bytes")] == ["1", "3", "8"]
    assert all(row["device"] and row["date"] and row["versions"].startswith("python 3") for row in rows)
    assert all(row["commit"] == "unknown" for row in rows)


def test_an_interrupted_run_goes_on_and_gives_the_same_table(root, monkeypatch, capsys):
    run.main(["toy"], root)
    table = root / "bench" / "results" / "toy.csv"
    whole = measured(table)
    monkeypatch.setenv("STOP", "2")
    with pytest.raises(ZeroDivisionError):
        run.main(["toy"], root)
    with (root / ".bench" / "toy.jsonl").open("a") as file:
        file.write('\n{"key": "2", "res')
    table.unlink()
    monkeypatch.delenv("STOP")
    capsys.readouterr()
    assert run.main(["toy"], root) == 0
    assert "toy: called=2 " in capsys.readouterr().out
    assert measured(table) == whole
    assert not (root / ".bench" / "toy.jsonl").exists()


@pytest.mark.parametrize("change", ["source", "quick", "named source"])
def test_changed_code_starts_anew(root, monkeypatch, change):
    (root / "other.py").write_text("")
    (root / "bench" / "toy.py").write_text('SOURCES = ["other.py"]\n' + SUBJECT)
    before = run.handle("toy", run.load("toy", root), root)
    before.unit("0", lambda: 7)
    if change == "source":
        (root / "bench" / "toy.py").write_text('SOURCES = ["other.py"]\n# changed\n' + SUBJECT)
    if change == "quick":
        monkeypatch.setenv("QUICK", "1")
    if change == "named source":
        (root / "other.py").write_text("changed = 1\n")
    again = run.handle("toy", run.load("toy", root), root)
    assert again.unit("0", lambda: 8) == 8


def test_a_killed_run_resumes(root):
    """A real process, killed in its second unit."""
    (root / "bench" / "slow.py").write_text(
        "import time\ndef run(bench):\n"
        "    first = bench.unit('first', lambda: time.time())\n"
        "    bench.unit('second', lambda: time.sleep(bench.subject and SLEEP))\n"
        "    return {'first': first}\nSLEEP = 600\n"
    )
    code = f"from pathlib import Path; from bench import run; run.main(['slow'], Path({str(root)!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)
    journal, stop = root / ".bench" / "slow.jsonl", time.monotonic() + 30
    while not journal.exists() and time.monotonic() < stop:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    module = run.load("slow", root)
    module.SLEEP = 0
    stored = json.loads(journal.read_text().splitlines()[1])["result"]
    assert module.run(run.handle("slow", module, root)) == {"first": stored}


def test_red_tests_write_nothing(root, capsys):
    (root / "bench" / "toy.py").write_text('TESTS = ["test_red.py"]\n' + SUBJECT)
    (root / "test_red.py").write_text("def test_red():\n    assert False\n")
    assert run.main(["toy"], root) == 1
    assert "toy: its tests are red" in capsys.readouterr().out
    assert not any((root / folder).exists() for folder in ("bench/results", ".bench"))


@pytest.mark.parametrize(
    ("arguments", "folder"), [([], ".bench/toy-quick.csv"), (["--save"], "bench/results/toy.csv")]
)
def test_a_quick_run_keeps_out_of_the_results_unless_asked(root, monkeypatch, capsys, arguments, folder):
    monkeypatch.setenv("QUICK", "1")
    assert run.main(["toy", *arguments], root) == 0
    assert capsys.readouterr().out.endswith("quick=1\n")
    assert [str(path.relative_to(root)) for path in root.rglob("*.csv")] == [folder]


def test_an_unknown_subject_names_those_there_are(root, capsys):
    assert run.main(["tpy"], root) == 2
    assert capsys.readouterr().out == "bench: no subject 'tpy'; there is toy\n"


def bench_in(folder):
    return Bench("toy", False, Journal(folder / "toy.jsonl", "d"), "c", "2024-01-01")


def test_data_is_found_or_the_run_ends_with_one_line(tmp_path, monkeypatch):
    bench = bench_in(tmp_path)
    monkeypatch.delenv("XBSQL_DATA", raising=False)
    with pytest.raises(SystemExit, match="bench toy: needs m4; set XBSQL_DATA"):
        bench.data("m4")
    monkeypatch.setenv("XBSQL_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match="has no m4"):
        bench.data("m4")
    (tmp_path / "m4").mkdir()
    assert bench.data("m4") == tmp_path / "m4"


def test_timed_interleaves_and_skips_the_warmup(tmp_path):
    calls = []
    work = {name: (lambda name=name: calls.append(name)) for name in "abc"}
    timings = bench_in(tmp_path).timed(work, rounds=4, warmup=1)
    assert {name: len(sample) for name, sample in timings.samples.items()} == dict.fromkeys("abc", 4)
    rounds = [calls[start : start + 3] for start in range(0, 15, 3)]
    assert all(sorted(calls) == ["a", "b", "c"] for calls in rounds)
    assert {calls[0] for calls in rounds} == {"a", "b", "c"}


def test_speedup_is_paired_within_rounds():
    timings = Timings({"ours": [1.0, 10.0, 2.0], "peer": [2.0, 20.0, 4.0]})
    assert timings.speedup("ours", over="peer") == Quantiles(2.0, 2.0, 2.0)
    assert timings.seconds("peer").p50 == 4.0


@pytest.mark.parametrize("sample", [[], [1.0, math.nan]])
def test_quantiles_of_nothing_are_nan(sample):
    assert all(math.isnan(value) for value in Quantiles.of(sample))


def test_quantiles_agree_with_numpy():
    numpy = pytest.importorskip("numpy")
    sample = list(numpy.random.default_rng(0).normal(size=37))
    assert Quantiles.of(sample) == pytest.approx(numpy.quantile(sample, [0.2, 0.5, 0.8]))


def test_a_unit_turns_numpy_into_plain_values_and_refuses_the_rest(tmp_path):
    numpy = pytest.importorskip("numpy")
    bench = bench_in(tmp_path)
    assert bench.unit("array", lambda: {"a": numpy.arange(2), "b": numpy.float32(0.5)}) == {
        "a": [0, 1],
        "b": 0.5,
    }
    with pytest.raises(TypeError, match="must be JSON, got PosixPath"):
        bench.unit("path", lambda: tmp_path)


def test_plots_are_made_from_the_table_alone(root, capsys):
    assert plot.main(["toy"], root) == 2
    assert capsys.readouterr().out == "bench.plot: no table for 'toy'; run python -m bench.run toy\n"
    run.main(["toy"], root)
    assert plot.main(["toy"], root) == 0
    made = sorted(path.name for path in (root / "bench" / "results").glob("*.png"))
    assert made == ["toy_spread.png", "toy_value.png"]


def test_importing_the_harness_loads_no_library():
    """A CUDA machine may have torch and Triton alone."""
    heavy = {"numpy", "pyarrow", "duckdb", "matplotlib", "torch"}
    code = f"import sys, bench.run, bench.plot; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_every_file_that_a_subject_names_is_there():
    for file in sorted((ROOT / "bench").glob("*.py")):
        for named in re.findall(r'"((?:xbsql|kernels|bench|tests)/[\w/]+(?:\.py)?)"', file.read_text()):
            assert (ROOT / named).exists() or file.name.startswith("house"), f"{file.name} names {named}"
