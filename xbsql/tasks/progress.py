"""How far a fit has come, as the caller hears it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[float, str], None]
"""Told the share done, 0 to 1, and what is being done."""

READING = 0.15
"""Share of the progress that reading and encoding the rows stands for."""


def quiet(share: float, text: str) -> None:
    """Tell nobody."""


def fitting(step: Progress) -> Progress:
    """What the engine calls after each fit: its share follows that of reading."""
    return lambda share, name: step(READING + (0.99 - READING) * share, f"fitting {name}")
