"""The macros of the SQL surface, one family a file; `xb.` stands for whatever alias is chosen."""

from __future__ import annotations

from importlib.resources import files


def statements() -> list[str]:
    """Every CREATE MACRO statement, in the order of the files' names."""
    texts = (
        file.read_text() for file in sorted(files(__name__).iterdir(), key=str) if file.name.endswith(".sql")
    )
    return [statement.strip() for text in texts for statement in text.split(";\n") if statement.strip()]
