"""Options of a classification."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from xbsql.engine.objective import SCORES
from xbsql.tasks.options import FLAG, SHARE, Option, OptionKind, choice, listed
from xbsql.tasks.row_options import RowOptions


def _is_naming(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    return all(isinstance(name, str) for names in value.values() for name in _names(names))


def _names(names: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever a user gives
    return listed(names) if isinstance(names, str | list | tuple) else (names,)


NAMING = OptionKind(
    "STRUCT",
    _is_naming,
    "give {'class': ['name', ...]}",
    lambda value: {str(key): _names(names) for key, names in value.items()},
    wrong="no map of names",
)


@dataclass(frozen=True)
class ClassifyOptions(RowOptions):
    """What a user may decide of a classification beside the data."""

    abstain: Annotated[
        float | None,
        Option(
            SHARE,
            "the least score that is answered; below it `label` is NULL, and `score`, `runner_up` and "
            "`margin` stay. `xb.evaluate` then shows what share is answered and how well",
            at_home=False,
        ),
    ] = None
    metric: Annotated[
        str | None,
        Option(
            choice(*SCORES),
            "what the verdict is judged by, and for `balanced_accuracy`, `macro_f1` and `f1` (of the rarest "
            "class) also which class is answered: a rare one sooner",
            shown="`accuracy`; of two classes, one of them under 30 %, `auc`",
        ),
    ] = None
    classes: Annotated[
        Mapping[str, tuple[str, ...]] | None,
        Option(
            NAMING,
            "for `xb.transfer`: class -> its name or names in the target's language; each name counts as a "
            "labelled row",
            at_home=False,
        ),
    ] = None
    finetune: Annotated[
        bool,
        Option(
            FLAG,
            "`true`: also fine-tune the encoder's last layers towards the target, as one more candidate of "
            "`xb.transfer`; takes about ten times as long as all others together, and on short titles it did "
            "not pay",
        ),
    ] = False
