"""No test is timed: a machine that is busy fails none. A failing example is shrunk but not explained.

Hypothesis explains by tracing every line, and CPython 3.11 can hang where a signal comes into that.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import Phase, settings

phases = tuple(phase for phase in Phase if phase is not Phase.explain)
settings.register_profile("untimed", deadline=None, phases=phases)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def browser():
    """A function: what Chromium makes of pages, one dict a page and window; see tests/browser.py."""
    asked = [sys.executable, "-c", "import PySide6.QtWebEngineWidgets"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        why = done.stderr.strip().rpartition("\n")[2]
        pytest.skip(f"no browser here ({why}): `pip install PySide6-WebEngine` brings Chromium")

    def opened(*paths, schemes=("light", "dark")):
        found = []
        for scheme in schemes:
            command = [sys.executable, Path(__file__).with_name("browser.py"), scheme, *paths]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            assert done.stdout, done.stderr[-2000:]
            found += json.loads(done.stdout)
        assert len(found) == len(schemes) * 2 * len(paths)
        return found

    return opened
