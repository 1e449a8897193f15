"""Options of a classification."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from xbsql.engine.objective import SCORES
from xbsql.tasks.options import FLAG, SHARE, Option, OptionKind, choice, listed, whole
from xbsql.tasks.row_options import RowOptions


def _is_naming(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    return all(isinstance(name, str) and name.strip() for names in value.values() for name in _names(names))


def _names(names: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever a user gives
    return listed(names) if isinstance(names, str | list | tuple) else (names,)


NAMING = OptionKind(
    "STRUCT",
    _is_naming,
    "give {'class': ['name', ...]}",
    lambda value: {str(key): _names(names) for key, names in value.items()},
    wrong="no map of names",
)


def _are_levels(value: object) -> bool:
    if isinstance(value, str):
        return bool(value.strip())
    if not isinstance(value, list | tuple) or len(value) < 2 or len(set(map(str, value))) < len(value):
        return False
    if all(isinstance(each, str) for each in value):
        return True
    whole = all(isinstance(each, int) and not isinstance(each, bool) and each > 0 for each in value)
    return whole and list(value) == sorted(value)


LEVELS = OptionKind(
    "VARCHAR or LIST",
    _are_levels,
    "give what parts the names of a path (' > '), columns ['first', 'second'], or code lengths [2, 4, 6]",
    lambda value: value if isinstance(value, str) else tuple(value),
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
            abroad=True,
        ),
    ] = None
    finetune: Annotated[
        bool,
        Option(
            FLAG,
            "`true`: also fine-tune the encoder's last layers towards the target, as one more candidate of "
            "`xb.transfer`; takes about ten times as long as all others together, and on short titles it did "
            "not pay",
            abroad=True,
        ),
    ] = False
    levels: Annotated[
        str | tuple[str | int, ...] | None,
        Option(
            LEVELS,
            "labels are paths: what parts their names (`' > '`), or the columns of the levels, the label "
            "last, or the lengths of codes whose beginnings are their parents (`[2, 4, 6]`). The answer is "
            "the deepest level that is sure. See [categories](categories.md)",
            aligned=True,
        ),
    ] = None
    sure: Annotated[
        float,
        Option(
            SHARE,
            "with `levels`: the share of answers, each at the level it stops at, that has to be right",
            needs="levels",
        ),
    ] = 0.95
    best: Annotated[
        int,
        Option(whole(1, 100), "with `levels`: how many of the likeliest labels `best` lists", needs="levels"),
    ] = 3
    nodes: Annotated[
        bool,
        Option(
            FLAG,
            "with `levels`: `true` says that the rows are the nodes of a taxonomy, a row a name, and no "
            "products: a class may have one row, and its path is read as well",
            needs="levels",
        ),
    ] = False
