"""What the next function and the next task cost, and whether the house is in order; counted from the tree.

Surface lines are lines of code: no blank line, no comment, no docstring (a declaration's docstring is the
reference), and no generated file. A function and a task are really added in a scratch copy, made to work
there by a test, and the files that had to be written or changed by hand are counted.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import re
import shutil
import subprocess
import sys
import tempfile
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.house_added import FUNCTION, TASK, TASKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.case import Bench

ROOT = Path(__file__).resolve().parents[1]
TESTS = ["tests/test_imports.py", "tests/surface/test_declarations.py"]
GENERATED = {"python.py", "polars.py", "names.py", "generated.sql", "zz_comments.sql"}
ELSEWHERE = {"cluster.py"}
"""Beside the surface of SQL, Python and Polars that the number is about."""


def run(bench: Bench) -> dict[str, float]:
    from xbsql.surface.functions import FUNCTIONS

    house = rooms()
    figures = {
        "functions": float(len(FUNCTIONS)),
        "surface_lines": float(sum(map(code_lines, surface()))),
        "files_a_function": float(added(FUNCTION, "tests/surface/test_margin.py")),
        "files_a_task": float(added(TASK, "tests/tasks/test_amount.py", TASKS)),
        "circles": float(
            len(house.circles({m: set(house.own_imports(m)) for m in house.MODULES if house.room(m)}))
        ),
        "up": float(sum(1 for _ in upwards(house))),
        "undocumented": float(len(undocumented())),
    }
    for name, value in figures.items():
        bench.record("house", "xbsql", name, value)
    return figures


def rooms() -> Any:  # noqa: ANN401 - the module of the test of imports
    """The order of the rooms and how imports are found, as the test of imports has them."""
    spec = importlib.util.spec_from_file_location("rooms", ROOT / "tests" / "test_imports.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def surface() -> list[Path]:
    """The surface's files that are written by hand."""
    files = [*(ROOT / "xbsql" / "surface").glob("*.py"), *(ROOT / "sql").glob("*.sql")]
    files += [ROOT / "xbsql" / "frame.py", ROOT / "xbsql" / "__init__.py"]
    return [file for file in files if file.name not in GENERATED | ELSEWHERE]


def code_lines(file: Path) -> int:
    """Lines of code: no blank line, no comment, no docstring."""
    text = file.read_text()
    if file.suffix == ".sql":
        return sum(bool(line.strip()) and not line.strip().startswith("--") for line in text.splitlines())
    silent = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    tokens = (
        token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type not in silent
    )
    lines = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    return len(lines - set(docstrings(ast.parse(text))))


def docstrings(tree: ast.Module) -> Iterator[int]:
    """The lines of the docstrings of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            first = node.body[0]
            yield from range(first.lineno, (first.end_lineno or first.lineno) + 1)


def upwards(house: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - see `rooms`
    """Imports of a room by one below it."""
    order = list(house.ROOMS)
    for module in house.MODULES:
        for target in house.own_imports(module) if house.room(module) else ():
            if house.room(target) and order.index(house.room(target)) > order.index(house.room(module)):
                yield module, target


def undocumented() -> set[str]:
    """Names of functions in the docs that `xb.help` does not know, and functions without words."""
    from xbsql.surface.functions import FUNCTIONS

    known = {
        function.name for function in FUNCTIONS if function.doc and all(a.doc for a in function.arguments)
    }
    pages = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").glob("*.md")]
    named = {name for page in pages for name in re.findall(r"\bxb\.([a-z_]+)\(", page.read_text())}
    return (named | {function.name for function in FUNCTIONS}) - known


def added(files: dict[str, str], test: str, line: tuple[str, str, str] | None = None) -> int:
    """Add text to files of a scratch copy, generate the faces, run the test there; how many files it took.

    Args:
        files: name -> what comes at its end; a new file where there is none.
        test: what must pass then.
        line: a file, what stands in it, and what comes in its place.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "xbsql"
        left_out = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "results", "demo")
        shutil.copytree(ROOT, copy, symlinks=True, ignore=left_out)
        for name, text in files.items():
            path = copy / name
            path.parent.mkdir(exist_ok=True)
            path.write_text((path.read_text() if path.exists() else "") + text)
        if line is not None:
            path = copy / line[0]
            path.write_text(path.read_text().replace(line[1], line[2], 1))
        for command in (["-m", "xbsql.surface.faces"], ["-m", "pytest", "-q", test]):
            subprocess.run([sys.executable, *command], cwd=copy, check=True, capture_output=True)
    return len(files) + (line is not None)
