"""`bench.run gpu`: what it takes, what it leaves where a row fails, what it makes of its rows."""

from __future__ import annotations

import json

import pytest
import torch

from bench import gpu, gpu_plot, run
from bench.case import Bench, Journal, Row


@pytest.fixture(autouse=True)
def _without_a_gpu(device):
    if device != "cpu":
        pytest.skip("at full size it takes minutes")


@pytest.fixture
def _as_before():
    before = gpu._Asked.options
    yield
    gpu._Asked.options = before


def test_it_lists_its_rows_and_providers(capsys):
    assert gpu.configure(["--list"]) is False
    out = capsys.readouterr().out
    assert out.startswith("rows: S4 S5 S1")
    assert "providers: torch faiss jax cupy cuvs" in out
    assert "keops geomloss flash-kmeans" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--rows", "S4,S99"], "no rows S99; there is S4"), (["--providers", "mxnet"], "no providers mxnet")],
)
def test_what_it_does_not_know_is_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit):
        gpu.configure(arguments)
    assert message in capsys.readouterr().err


def test_help_tells_what_each_subject_takes(capsys):
    with pytest.raises(SystemExit) as ended:
        run.main(["gpu", "--help"])
    out = capsys.readouterr().out
    assert not ended.value.code
    assert all(
        option in out for option in ("--list", "--rows", "--providers", "--seconds", "--out", "--json")
    )
    assert run.main(["kernels", "--help"]) == 0
    assert "k100_vs_best" in capsys.readouterr().out
    assert run.main(["--help"]) == 0
    assert "one of adapt" in capsys.readouterr().out


def test_a_subject_without_options_takes_none(capsys):
    with pytest.raises(SystemExit):
        run.main(["kernels", "--rows", "S4"])
    assert "kernels takes no further arguments, got --rows S4" in capsys.readouterr().err


@pytest.mark.usefixtures("_as_before")
def test_a_row_that_fails_says_so_and_the_rest_goes_on(tmp_path, monkeypatch):
    from bench import gpu_rows

    def broken(*_given):
        message = "out of\nmemory"
        raise RuntimeError(message)

    monkeypatch.setattr(gpu_rows, "join", broken)
    gpu.configure(["--rows", "J1,S1", "--out", str(tmp_path), "--json"])
    bench = Bench("gpu", True, Journal(tmp_path / "journal", "d"), "c", "2024-01-01")
    found = gpu.run(bench)
    assert (found["checked"], found["failed"]) == (1, 1)
    rows = json.loads((tmp_path / "gpu.json").read_text())
    assert {(row["case"], row["metric"]) for row in rows} == {("S1", "checked"), ("J1", "failed")}
    assert "| J1 | failed: RuntimeError: out of memory |" in (tmp_path / "gpu.md").read_text()
    assert (tmp_path / "gpu.csv").is_file()


@pytest.mark.usefixtures("_as_before")
def test_a_provider_that_is_not_installed_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("bench.topk_peers_gpu.PROVIDERS", {"torch": "torch", "keops": "no_such_package"})
    gpu.configure(["--list"])
    assert "not installed here: keops\n" in capsys.readouterr().out
    gpu.configure(["--rows", "C1", "--seconds", "0"])
    found = gpu.run(Bench("gpu", True, Journal(tmp_path / "journal", "d"), "c", "2024-01-01"))
    out = capsys.readouterr().out
    assert out.count("bench gpu: keops left out: no_such_package is not installed\n") == 1
    assert found["checked"] == found["failed"] == 0


@pytest.mark.parametrize("key", ["M1", "M2", "C1", "D1", "R1"])
def test_a_peer_whose_numbers_are_others_is_not_timed(key):
    from bench.gpu_rows import Scale, makers
    from bench.gpu_timing import right

    made = makers(Scale("cpu", torch.bfloat16, 1000))[key]()
    plain = made.ways["torch"]
    assert "torch" in right(made, ())
    made.ways["torch"] = lambda: 2 * torch.as_tensor(plain()) + 1
    assert "torch" not in right(made, ())


def row(case, name, metric, value, sizes=""):
    where = {"subject": "gpu", "dtype": "", "unit": "", "device": "a GPU", "versions": "", "commit": ""}
    return Row(
        case=case, implementation=name, metric=metric, p50=value, p20=value, p80=value, sizes=sizes,
        bytes=1000, date="2024-01-01", **where,
    )  # fmt: skip


def test_plots_and_table_are_made_of_rows_alone(tmp_path):
    pytest.importorskip("matplotlib")
    rows = [
        each
        for case, sizes in (("S1", "N=10"), ("sweep-N-10", "N=10"), ("sweep-N-100", "N=100"))
        for name in ("xbsql", "torch")
        for each in (row(case, name, "time", 1e-3, sizes), row(case, name, "rate", 2.0, sizes))
    ]
    rates = {"memory": 3e12, "torch.bfloat16": 8e14, "torch.float32": 6e13, "torch.int8": 1.5e15}
    gpu_plot.roofline(rows, rates, tmp_path)
    gpu_plot.curves(rows, tmp_path)
    made = sorted(path.name for path in tmp_path.glob("*.png"))
    assert made == ["gpu_roofline.png", "gpu_sweep_N.png"]
    assert "| S1 | 1 | 1 |" in gpu_plot.markdown(rows)


def test_a_peer_whose_rows_are_others_is_not_timed():
    from bench.gpu_rows import Scale, makers
    from bench.gpu_timing import right

    made = makers(Scale("cpu", torch.bfloat16, 1000))["S1"]()
    made.ways["torch"] = lambda: (torch.zeros(1, 3), torch.full((1, 3), 5))
    found = right(made, ())
    assert "torch" not in found
    assert {"xbsql", "faiss algorithm on torch"} <= set(found)


def test_group_sizes_are_timed_beside_the_one_that_is_chosen(capsys):
    from bench import gpu_tiles
    from bench.gpu_rows import Scale

    found = gpu_tiles.grouped(Scale("cpu", torch.bfloat16, 1000), 1, 900, 24, 1, rounds=1)
    assert found.startswith("8: ")
    assert found.endswith("ms; chosen 8")
    assert gpu_tiles.main() == 1
    assert "no CUDA device" in capsys.readouterr().out
