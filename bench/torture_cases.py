"""What is done to xbsql in a child process of `bench.torture`: one case by seed, and what came of it.

    python -m bench.torture_cases CASE FOLDER     reads seeds, one a line; writes one JSON object a seed

An outcome is 'refused' (one line that says so), 'same' (the answers are those of the whole thing), 'other'
(what was changed is what answers now, which no digest can tell), or what must not be: 'internal: ...',
'silent: ...', 'outside: ...'.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.torture_artifact import Artifact
from bench.torture_calls import Calls
from bench.torture_index import Index
from bench.torture_kills import Kills
from bench.torture_leaks import Leaks
from bench.torture_text import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.torture_case import Case

CASES: dict[str, type[Case]] = {
    "text": Text, "artifact": Artifact, "index": Index, "kills": Kills, "calls": Calls, "leaks": Leaks,
}  # fmt: skip


def outcome(attack: Callable[[int], str], seed: int) -> str:
    """What came of one seed, errors included."""
    from xbsql.errors import XbsqlError

    try:
        return attack(seed)
    except XbsqlError as error:
        text = str(error)
        fine = "\n" not in text and len(text) < 1500 and "fault of xbsql" not in text
        return "refused" if fine else f"internal: {text[:300]}"
    except Exception as error:
        return f"internal: {type(error).__name__}: {' '.join(str(error).split())[:300]}"


def main(name: str, folder: str) -> None:
    """Answer seeds until there is none."""
    case = CASES[name](Path(folder))
    for line in sys.stdin:
        seed = int(line)
        print(json.dumps({"seed": seed, "outcome": outcome(case.attack, seed)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
