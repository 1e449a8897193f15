"""Classification: rows with text, columns or both into named classes, or into the nodes of a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xbsql.tasks.classify.classifier import Classifier
from xbsql.tasks.classify.flat import Flat
from xbsql.tasks.classify.paths import Paths
from xbsql.taxonomy.levels import Levels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import pyarrow as pa

    from xbsql.store.model import Model
    from xbsql.tasks.classify.paths import Problem
    from xbsql.tasks.row_task import Read
    from xbsql.tasks.task import Asked


class Classify(Flat):
    """Labels that are paths, by the option `levels` or by the home model's, are read by `Paths`."""

    def accepts(self, schema: pa.Schema, label: str, options: Mapping[str, Any]) -> bool:
        """Text and booleans; with levels also numbers, which are codes then."""
        return options.get("levels") is not None or super().accepts(schema, label, options)

    def at_home(self, asked: Asked) -> Problem:
        """The labelled rows of one market."""
        paths = self._paths(asked, None)
        return super().at_home(asked) if paths is None else paths.at_home(asked)

    def abroad(
        self, asked: Asked, base: Model | None, source: pa.Table | None, read: Read | None = None
    ) -> Problem:
        """The target's rows, labelled or not, and the source."""
        paths = self._paths(asked, base)
        if paths is None:
            return super().abroad(asked, base, source, read)
        return paths.abroad(asked, base, source, read)

    def evaluated(self, model: Model, table: pa.Table, label: str, by: str | None) -> list[dict[str, Any]]:
        """The scores of the rows with a label; of paths by level as well."""
        if isinstance(model, Classifier) and model.tree is not None:
            return Paths(model.tree.levels).evaluated(model, table, label, by)
        return super().evaluated(model, table, label, by)

    def _paths(self, asked: Asked, base: Model | None) -> Paths | None:
        """The task of labels that are paths; None where they are not."""
        said = self.options.of(asked.where, {"levels": asked.options.get("levels")})
        if said.levels is not None:
            return Paths(Levels.of(said.levels))
        if isinstance(base, Classifier) and base.tree is not None:
            return Paths(base.tree.levels)
        return None


TASK: Final = Classify()
