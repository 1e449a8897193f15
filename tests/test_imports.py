"""Who may import whom: the data goes one way, so imports do too."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# From the bottom up: a room imports itself and those above it in this list, which lie below it in the house.
# Beside each: the packages that it may import.
ROOMS = {
    "errors": set(),
    "progress": set(),
    "interrupts": set(),
    "sql": set(),
    "kernels": {"numpy", "scipy", "torch", "triton"},
    "arrow": {"numpy", "pyarrow", "torch"},
    "market": {"babel", "holidays"},
    "store": {"numpy", "pyarrow", "safetensors"},
    "metrics": {"numpy", "sacrebleu"},
    "features": {
        "huggingface_hub", "numpy", "pyarrow", "scipy", "sklearn", "torch", "safetensors", "sentencepiece",
        "timm", "py3langid", "PIL",
    },
    "engine": {"numpy", "scipy", "sklearn", "lightgbm", "torch"},
    "series": {
        "fracast", "hierarchicalforecast", "holidays", "lightgbm", "numpy", "pyarrow", "scipy",
        "statsforecast", "torch",
    },
    "harmonise": {"numpy", "pyarrow", "scipy"},
    "matching": {"lightgbm", "numpy", "pyarrow", "scipy", "sklearn"},
    "taxonomy": {"numpy", "pyarrow", "scipy"},
    "linking": {"numpy", "pyarrow", "scipy", "sklearn"},
    "index": {"numpy", "pyarrow", "scipy", "sklearn", "torch"},
    "extraction": {"numpy", "pycrfsuite", "scipy", "sklearn"},
    "supply": {"numpy", "scipy"},
    "customers": {"numpy", "pyarrow", "scipy", "sklearn"},
    "sample": {"numpy", "pyarrow", "PIL"},
    "decisions": {"numpy", "pyarrow", "scipy"},
    "recommendation": {"lightgbm", "numpy", "pyarrow", "scipy"},
    "translation": {"numpy", "sentencepiece", "ctranslate2"},
    "tasks": {"numpy", "pyarrow", "scipy"},
    "session": {"lightgbm", "numpy", "pyarrow", "scipy", "threadpoolctl", "torch"},
    "pages": {"matplotlib", "numpy", "pyarrow"},
    "surface": {"duckdb", "numpy", "polars", "pyarrow", "ray"},
    "frame": {"polars"},
    "cluster": set(),
    "demo": {"duckdb", "matplotlib", "numpy", "pyarrow", "tqdm"},
    "shell": {"duckdb", "pyarrow"},
    "cli": {"duckdb", "pyarrow"},
}  # fmt: skip
OWNER = {
    "duckdb": {
        "surface/calls.py",
        "surface/duck.py",
        "surface/python.py",
        "surface/frames.py",
        "shell.py",
        "cli.py",
        "demo.py",
    },
    "polars": {"surface/frames.py", "surface/polars.py", "frame.py"},
    "ray": {"surface/cluster.py", "surface/cluster_entities.py"},
}


def modules():
    """Every module by its dotted name, with its file; `kernels` and `sql` are the top-level folders."""
    found = {}
    for top in ("xbsql", "kernels", "sql"):
        for file in sorted((ROOT / top).rglob("*.py")):
            inside = file.relative_to(ROOT).with_suffix("").parts
            if inside[:2] in (("xbsql", "kernels"), ("xbsql", "sql")):
                continue
            parts = inside if top == "xbsql" else ("xbsql", *inside)
            found[".".join(parts).removesuffix(".__init__")] = file
    return found


MODULES = modules()


def imported(file):
    """The dotted names of every import, also those inside functions and for types."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(module):
    """The modules of xbsql that a module imports."""
    for name in imported(MODULES[module]):
        if name.split(".")[0] == "xbsql":
            while name not in MODULES:
                name = name.rpartition(".")[0]
            if name != module:
                yield name


def room(module):
    return module.split(".")[1] if "." in module else ""


def circles(graph):
    """The groups of modules that reach one another, by peeling off what imports nothing that is left."""
    left = {module: set(targets) for module, targets in graph.items()}
    while free := [module for module, targets in left.items() if not targets & left.keys()]:
        for module in free:
            del left[module]
    while rest := [m for m in left if not any(m in targets for targets in left.values())]:
        for module in rest:
            del left[module]
    return left


@pytest.mark.parametrize("module", [m for m in MODULES if room(m)])
def test_imports_run_down(module):
    order = list(ROOMS)
    for target in own_imports(module):
        if room(target):  # `xbsql` itself holds names alone
            assert order.index(room(target)) <= order.index(room(module)), f"{module} imports {target}"


@pytest.mark.parametrize("module", [m for m in MODULES if room(m)])
def test_a_room_imports_its_own_packages(module):
    for name in imported(MODULES[module]):
        package = name.split(".")[0]
        if package not in {"xbsql", "__future__", *sys.stdlib_module_names}:
            assert package in ROOMS[room(module)], f"{module} imports {package}"


def test_no_circle_anywhere():
    assert not circles({module: set(own_imports(module)) for module in MODULES if room(module)})


@pytest.mark.parametrize("package", OWNER)
def test_a_binding_owns_its_library(package):
    for file in (ROOT / "xbsql").rglob("*.py"):
        if any(name.split(".")[0] == package for name in imported(file)):
            place = file.relative_to(ROOT / "xbsql").as_posix()
            assert place.startswith(tuple(OWNER[package])), f"{place} imports {package}"


def test_nobody_imports_the_command_line():
    for module in MODULES:
        assert "xbsql.cli" not in set(own_imports(module)), module


def test_a_task_imports_no_other_task():
    tasks = {"classify", "extract", "forecast", "predict", "profile", "recommend", "translate"}
    for task in tasks:
        files = sorted((ROOT / "xbsql" / "tasks" / task).rglob("*.py"))
        assert files, task
        for text in (file.read_text() for file in files):
            assert not [other for other in tasks - {task} if f"xbsql.tasks.{other}" in text]
