"""The contract every model keeps: an Arrow batch in, an Arrow array out, and at rest nothing but data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar


from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pyarrow as pa
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


class Model(ABC):
    """A fitted thing with a signature, thread-safe and read-only."""

    signature: Signature

    @abstractmethod
    def predict(self, batch: pa.RecordBatch) -> pa.Array:
        """One value of type `signature.output` for each row; rows whose inputs are all NULL give NULL."""

    @abstractmethod
    def state(self) -> State:
        """The model as data; `restore` makes it live again."""
