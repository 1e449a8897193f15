"""What every model of whole rows can be asked for beside its predictions."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Self

from xbsql.store.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor
    from xbsql.metrics.rows import Floats
    from xbsql.tasks.reader import Reader


class RowModel(Model):
    """A model that reads whole rows into views and predicts from these.

    Attributes:
        reader: table -> views.
        predictor: views -> probabilities or values.
        label: the column it was fitted on.
    """

    reader: Reader
    predictor: Predictor
    label: str

    @abstractmethod
    def under(self, names: Mapping[str, str]) -> Self:
        """The model for a target that calls columns otherwise: its name -> the home market's."""

    @abstractmethod
    def chosen(self, prediction: Floats) -> tuple[NDArray[np.int64] | None, pa.Array | None]:
        """The class that is answered of each row, as code and as name; both None where labels are values."""
