"""The contract every model keeps: an Arrow batch in, an Arrow array out, and at rest nothing but data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import family_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class State:
    """All that a fitted object needs to live again: JSON values, arrays, texts and parts; never code.

    Attributes:
        kind: the name its class is registered under, see `restorable`.
        config: JSON values.
        arrays: NumPy arrays of any numeric dtype, C-contiguous.
        texts: long texts such as LightGBM models.
        parts: the states of the objects it is made of.
    """

    kind: str
    config: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, State] = field(default_factory=dict)


class Restorable(Protocol):
    """An object that can be turned into a State and back."""

    def state(self) -> State:
        """The object as data."""
        ...

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The object again; predictions are bit for bit those of the original."""
        ...


R = TypeVar("R", bound=Restorable)
_KINDS: dict[str, type[Restorable]] = {}


def restorable(kind: str) -> Callable[[type[R]], type[R]]:
    """Class decorator: states of this kind are restored by this class."""

    def register(cls: type[R]) -> type[R]:
        if _KINDS.get(kind, cls).__qualname__ != cls.__qualname__:
            message = f"two classes are registered for the kind '{kind}'"
            raise TypeError(message)
        _KINDS[kind] = cls
        return cls

    return register


def restore(state: State) -> Any:  # noqa: ANN401 - the kind decides the type, and it is read from disk
    """The object of a state.

    Raises:
        XbsqlError: no class is registered for the state's kind (a newer xbsql wrote it).
    """
    if state.kind not in _KINDS:
        raise errors.unknown(
            "store", "kind of object", state.kind, sorted(_KINDS), place="this version knows"
        )
    return _KINDS[state.kind].from_state(state)


@dataclass(frozen=True)
class Signature:
    """What a model reads and what it returns.

    Attributes:
        task: the task that fitted it, e.g. 'classify'.
        inputs: the columns it reads, by name and Arrow type; a batch may hold more, in any order.
        output: the type of what `predict` returns, one value a row.
        label: the label column it was fitted on.
    """

    task: str
    inputs: pa.Schema
    output: pa.DataType
    label: str

    def batch(self, where: str, model: str, given: pa.Array) -> pa.RecordBatch:
        """The columns this model reads, out of rows (STRUCT) or, where it is one column, out of its values.

        NULL of no type is a row of NULLs.

        Args:
            where: the SQL function, for errors.
            model: the model's reference, for errors.
            given: shape (n,).

        Raises:
            XbsqlError: a column is missing, there twice, or not of the family (text, number, ...) it had.
        """
        if pa.types.is_struct(given.type):
            rows = pa.RecordBatch.from_struct_array(given)
        elif pa.types.is_null(given.type):
            rows = pa.record_batch([given] * len(self.inputs), names=self.inputs.names)
        elif len(self.inputs) == 1:
            rows = pa.record_batch([given], names=[self.inputs[0].name])
        else:
            problem = f"model '{model}' reads {', '.join(self.inputs.names)}, and one {given.type} was given"
            raise errors.invalid(where, problem, f"pass the row: FROM t SELECT {where}('{model}', t)")
        columns = [self._column(where, model, rows, field) for field in self.inputs]
        return pa.RecordBatch.from_arrays(columns, schema=self.inputs)

    def _column(self, where: str, model: str, rows: pa.RecordBatch, field: pa.Field) -> pa.Array:
        place = rows.schema.get_field_index(field.name)  # -1 for none, and for two
        if place < 0 and field.name in rows.schema.names:
            raise errors.invalid(where, f"two columns are named '{field.name}'", "give one another name (AS)")
        if place < 0:
            has = f"model '{model}' reads it, and the row has"
            raise errors.unknown(where, "column", field.name, rows.schema.names, place=has)
        column = rows.column(place)
        if column.type == field.type:
            return column
        wanted, found = family_of(field.type), family_of(column.type)
        if found not in (wanted, "null"):
            problem = f"model '{model}' needs {wanted} in column '{field.name}', got {column.type}"
            remedy = "give the bytes of a file" if wanted == "blob" else "cast it"
            raise errors.invalid(where, problem, remedy)
        return column.cast(field.type, safe=False)


class Model(ABC):
    """A fitted thing with a signature, thread-safe and read-only."""

    signature: Signature

    @abstractmethod
    def predict(self, batch: pa.RecordBatch, *, shift: bool = True) -> pa.Array:
        """One value of type `signature.output` for each row; rows whose inputs are all NULL give NULL.

        `shift` False leaves that field NULL where the model has one: measuring it costs more than a booster.
        """

    @abstractmethod
    def state(self) -> State:
        """The model as data; `restore` makes it live again."""
