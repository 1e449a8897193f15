"""Who may import whom: the data goes one way, so imports do too."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STANDARD = {"arrow", "errors", "model"}
RUNS = {"boosters", "forecasts", "harmonies", "insights", "launches", "matches", "searches"}
RUNS |= {"supplies", "texts"}
ENGINE = STANDARD | {"metrics", "features", "engine", "kernels"}

# folder or module -> (parts of xbsql it may import, third-party packages it may import)
RULES = {
    "kernels": ({"kernels"}, {"numpy", "scipy", "torch", "triton"}),
    "sql": (set(), set()),
    "xbsql/errors.py": (set(), set()),
    "xbsql/market.py": ({"errors"}, {"babel", "holidays"}),
    "xbsql/harmonise": (
        STANDARD | {"features", "harmonise", "market", "matching"},
        {"numpy", "pyarrow", "scipy"},
    ),
    "xbsql/supply": ({"errors", "metrics", "supply"}, {"numpy", "scipy"}),
    "xbsql/harmonies.py": (STANDARD | {"features", "harmonise", "session"}, {"numpy", "pyarrow"}),
    "xbsql/crossings.py": (STANDARD | {"engine", "harmonise", "harmonies", "session"}, {"pyarrow"}),
    "xbsql/supplies.py": (STANDARD | {"features", "session", "supply"}, {"numpy", "pyarrow"}),
    "xbsql/boosters.py": (STANDARD | {"engine", "features", "fits", "session", "store", "tasks"}, set()),
    "xbsql/arrow.py": ({"errors", "kernels"}, {"numpy", "pyarrow", "torch"}),
    "xbsql/model.py": ({"errors", "arrow"}, {"numpy", "pyarrow"}),
    "xbsql/artifact.py": (STANDARD, {"numpy", "safetensors"}),
    "xbsql/store.py": (STANDARD | {"artifact"}, set()),
    "xbsql/metrics.py": (STANDARD, {"numpy"}),
    "xbsql/series_metrics.py": (STANDARD | {"features"}, {"numpy"}),
    "xbsql/sample": ({"errors", "sample", "market"}, {"numpy", "pyarrow"}),
    "xbsql/features": (
        STANDARD | {"features", "kernels"},
        {"holidays", "numpy", "pyarrow", "scipy", "sklearn", "torch", "sentencepiece", "py3langid"},
    ),
    "xbsql/engine": (ENGINE, {"numpy", "scipy", "sklearn", "lightgbm", "torch"}),
    "xbsql/tasks": (ENGINE | {"series", "series_metrics", "tasks"}, {"numpy", "pyarrow", "scipy"}),
    "xbsql/series": (
        ENGINE | {"series"},
        {"fracast", "hierarchicalforecast", "lightgbm", "numpy", "scipy", "statsforecast", "torch"},
    ),
    "xbsql/index": (
        STANDARD | {"features", "index", "kernels", "store"},
        {"numpy", "pyarrow", "scipy", "sklearn", "torch"},
    ),
    "xbsql/matching": (
        STANDARD | {"features", "kernels", "matching"},
        {"lightgbm", "numpy", "pyarrow", "scipy", "sklearn"},
    ),
    "xbsql/texts.py": (STANDARD | {"features", "session"}, {"pyarrow"}),
    "xbsql/matches.py": (STANDARD | {"features", "matching", "session"}, {"numpy", "pyarrow"}),
    "xbsql/searches.py": (STANDARD | {"index", "kernels", "session", "texts"}, {"numpy", "pyarrow", "scipy"}),
    "xbsql/forecasts.py": (STANDARD | {"features", "series", "session", "tasks"}, {"numpy", "pyarrow"}),
    "xbsql/launches.py": (
        STANDARD | {"features", "forecasts", "series", "session"},
        {"numpy", "pyarrow", "scipy"},
    ),
    "xbsql/insights.py": (STANDARD | {"session", "tasks"}, {"pyarrow"}),
    "xbsql/calls.py": ({"errors"}, set()),
    "xbsql/cards.py": (STANDARD | {"store", "engine"}, set()),
    "xbsql/fits.py": (STANDARD | {"calls", "store"}, {"threadpoolctl"}),
    "xbsql/session.py": (
        ENGINE | {"artifact", "calls", "cards", "crossings", "fits", "harmonise", "index", "store", "tasks"},
        {"pyarrow"},
    ),
    "xbsql/selfcheck.py": ({"kernels", "session"}, {"numpy", "torch"}),
    "xbsql/function.py": (set(), {"pyarrow"}),
    "xbsql/duck.py": (STANDARD | {"function", "functions", "session", "sql"}, {"duckdb", "pyarrow"}),
    "xbsql/functions": ({"function", "functions", "handlers", "index", "launches", "matching"}, set()),
    "xbsql/handlers": (
        STANDARD | RUNS | {"handlers", "harmonise", "index", "selfcheck", "session"},
        {"numpy", "pyarrow"},
    ),
    "xbsql/twins": (
        STANDARD | RUNS | {"duck", "function", "functions", "harmonise", "index", "selfcheck", "session"},
        {"duckdb", "numpy", "pyarrow"},
    ),
    "xbsql/frame": (
        STANDARD
        | {
            "frame",
            "function",
            "functions",
            "harmonise",
            "index",
            "launches",
            "matching",
            "searches",
            "texts",
        }
        | {"session", "supplies", "twins"},
        {"duckdb", "polars", "pyarrow"},
    ),
    "xbsql/cluster.py": (
        {"arrow", "errors", "kernels", "searches", "session", "store", "texts"},
        {"numpy", "pyarrow", "ray"},
    ),
}
OWNER = {
    "duckdb": {"duck.py", "frame", "cli.py", "demo.py", "twins"},
    "polars": {"frame"},
    "ray": {"cluster.py"},
}


def files(place):
    path = ROOT / place
    assert path.exists(), f"{place} is gone: correct the rules"
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imported(file):
    """Pairs (package, part of xbsql or '') of every import, also those inside functions and for types."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, *rest = name.split(".")
            yield package, rest[0] if package == "xbsql" and rest else ""


def standard_library(package):
    import sys

    return package in sys.stdlib_module_names or package == "__future__"


@pytest.mark.parametrize("place", RULES)
def test_imports_go_one_way(place):
    parts, packages = RULES[place]
    for file in files(place):
        for package, part in imported(file):
            if package == "xbsql":
                assert part in parts, f"{file.relative_to(ROOT)} imports xbsql.{part}"
            elif not standard_library(package):
                assert package in packages, f"{file.relative_to(ROOT)} imports {package}"


def test_every_module_has_a_rule():
    ruled = {file for place in RULES for file in files(place)}
    free = {"__init__.py", "cli.py", "demo.py"}
    for file in (ROOT / "xbsql").rglob("*.py"):
        inside = file.relative_to(ROOT).parts
        if inside[1] in free or inside[1] in ("kernels", "sql", "report"):
            continue
        assert file in ruled, f"{file.relative_to(ROOT)} has no import rule"


@pytest.mark.parametrize("package", OWNER)
def test_a_binding_owns_its_library(package):
    for file in (ROOT / "xbsql").rglob("*.py"):
        if any(found == package for found, _ in imported(file)):
            assert {file.name, file.parent.name} & OWNER[package], (
                f"{file.relative_to(ROOT)} imports {package}"
            )


def test_nobody_imports_the_command_line():
    for file in (ROOT / "xbsql").rglob("*.py"):
        assert ("xbsql", "cli") not in set(imported(file)), file


def test_a_task_imports_no_other_task():
    tasks = {file.stem for file in (ROOT / "xbsql" / "tasks").glob("*.py")} & {
        "classify",
        "predict",
        "forecast",
    }
    for task in tasks:
        text = (ROOT / "xbsql" / "tasks" / f"{task}.py").read_text()
        assert not [other for other in tasks - {task} if f"xbsql.tasks.{other}" in text]
