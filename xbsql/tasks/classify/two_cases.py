"""Text read twice, as it is written and in small letters."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow.compute as pc

from xbsql.engine.design import unit
from xbsql.features.column import ALL
from xbsql.matching.blank import has_words
from xbsql.store.model import State, restorable
from xbsql.tasks.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.features.column import Keeping


@restorable("two_cases")
@dataclass(frozen=True)
class TwoCases(Reader):
    """A reader whose view 'text' is the mean of a text's vector and that of the same in small letters.

    The encoder reads 'Hiking Boots' and 'hiking boots' as two things; across languages the mean of both is
    nearer to what is meant.
    """

    @classmethod
    def of(cls, reader: Reader) -> Self:
        """The same reader, reading twice."""
        return cls(**{field.name: getattr(reader, field.name) for field in fields(Reader)})

    def blank(self, table: pa.Table) -> NDArray[np.bool_]:
        """Rows that name nothing: all is NULL, or no text has a letter that is more than a placeholder's."""
        words = map(has_words, self.raw_texts(table).to_pylist())
        return np.asarray(super().blank(table) | ~np.fromiter(words, np.bool_, table.num_rows))

    def _vectors(self, texts: pa.Array) -> NDArray[np.float32]:
        return unit(super()._vectors(texts) + super()._vectors(pc.utf8_lower(texts)))

    def abroad(
        self,
        target: pa.Table,
        label: str,
        options: Mapping[str, Any],
        keeping: Keeping = ALL,
        *,
        pooled: bool = False,
    ) -> Reader:
        """See `Reader.abroad`."""
        return TwoCases.of(super().abroad(target, label, options, keeping, pooled=pooled))

    def state(self) -> State:
        """The reader as data."""
        return replace(super().state(), kind="two_cases")
