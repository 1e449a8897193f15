"""docs/options.md and `xb.options`: what the options of every task say of themselves."""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from xbsql.tasks import TASKS, task_named
from xbsql.tasks.options import CrossingOptions, described
from xbsql.tasks.row_task import RowTask

if TYPE_CHECKING:
    from xbsql.tasks.options import Option, Options

PAGE: Final = """\
<!-- Made by `python -m xbsql.tasks.options_page docs/options.md` from the options of each task. -->

# Options

`xb.fit` and `xb.transfer` take a STRUCT of options. An option that does not exist, or a value of another
type, is an error of one line that says what exists or what to give. NULL leaves the default.

{table}

`align` and `units` are options of `xb.transfer` alone, for the tasks that read rows. What a forecast does
with gaps, duplicates, negative values and dates is told in [forecasts](forecast.md).

Without roles a column's role is found from its type and values: numbers, booleans and dates are what they
are; text is text where its values have several words, a category where they repeat, and is not read where
it names the row.

```sql
CALL xb.transfer(
    'category_jp', japan, 'category', base := 'category_home', market := 'JP',
    options := {{'classes': {{'shoes': ['靴', 'シューズ'], 'bags': 'バッグ'}}, 'seed': 1}}
);
CALL xb.fit('category_sure', home, 'category', options := {{'text': ['title'], 'abstain': 0.6}});
CALL xb.fit('days_by_mode', parcels, 'days', options := {{'intervals_by': 'mode'}});
CALL xb.fit('weights_only', home, 'category', options := {{'text': ['title'], 'keep_rows': false}});
```

## What a fit notes

`note` says what the data may not mean: a column that is not read, a category of 1,000 values or more, dates
written in another way than ISO, a language that the encoder does not know, classes that only one market has
labels of, classes that differ in case or blanks alone, or in HTML entities and what nobody sees, labels
that are taken as missing (`''`, `-`, `NULL`, `n/a`), columns of the home model that the target lacks, and a
column that alone predicts the label almost perfectly (AUC, or R2 of the label's ranks, above 0.98 out of
fold): often something that is known only once the label is.
"""


class Row(NamedTuple):
    """An option of a task, for `xb.options`.

    Attributes:
        option: its name.
        type: as SQL calls it; of a word that is one of a few, these.
        default: as SQL writes it; '' where there is none.
        meaning: one line.
    """

    option: str
    type: str
    default: str
    meaning: str


def options_rows(task: str) -> list[Row]:
    """The options of `xb.fit` and `xb.transfer` for a task, in the order of its dataclass.

    Raises:
        XbsqlError: no such task.
    """
    found = task_named("xb.options", task)
    kinds = [found.options, *([CrossingOptions] if isinstance(found, RowTask) else [])]
    return [row for kind in kinds for row in _rows(kind)]


def options_page() -> str:
    """The text of docs/options.md; options that several tasks share stand once."""
    tasks: dict[Row, list[str]] = {}
    for task in TASKS:
        for row in options_rows(task):
            tasks.setdefault(row, []).append(task)
    head = ["| option | tasks | type | default | meaning |", "|---|---|---|---|---|"]
    lines = [
        f"| `{row.option}` | {', '.join(names)} | {row.type} | {row.default} | {row.meaning} |"
        for row, names in tasks.items()
    ]
    return PAGE.format(table="\n".join([*head, *lines]))


def _rows(kind: type[Options]) -> list[Row]:
    said = described(kind)
    defaults = {field.name: field.default for field in fields(kind)}  # type: ignore[arg-type]
    return [
        Row(name, _type(option), _default(option, defaults[name]), option.meaning)
        for name, option in said.items()
    ]


def _type(option: Option) -> str:
    return ", ".join(f"'{name}'" for name in option.kind.choices) or option.kind.name


def _default(option: Option, value: object) -> str:
    """A default as SQL writes it."""
    if option.shown is not None:
        return option.shown
    if value is None or value == ():
        return ""
    if isinstance(value, tuple):
        value = value[0] if len(value) == 1 else list(value)
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(options_page())
