"""A fitted translation as a model: a text column in, STRUCT(text, score, from, changed_terms) out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from xbsql.features.encoder import encoder
from xbsql.features.text import embed_texts
from xbsql.store.model import Model, Signature, State, restorable, restore
from xbsql.translation.translator import Engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from xbsql.translation.chooser import Chooser
    from xbsql.translation.translator import Answer, Stock

OUTPUT = pa.struct(
    [
        ("text", pa.string()),
        ("score", pa.float64()),
        ("from", pa.string()),
        ("changed_terms", pa.list_(pa.string())),
    ]
)


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors of texts by the package's encoder, float32 (n, 512)."""
    return embed_texts(list(texts), encoder())


@restorable("translation")
@dataclass(frozen=True)
class Translation(Model):
    """A translator of one pair of languages in one market.

    Attributes:
        stock: what is known.
        chooser: which proposal is taken.
        text: the column of source texts; label: of translations.
        src: the language of the sources; dst: of the translations.
    """

    stock: Stock
    chooser: Chooser
    text: str
    label: str
    src: str
    dst: str

    @property
    def signature(self) -> Signature:  # type: ignore[override]
        """What it reads and returns."""
        return Signature("translate", pa.schema([(self.text, pa.string())]), OUTPUT, self.label)

    @cached_property
    def engine(self) -> Engine:
        """What translates."""
        return Engine(self.stock, self.chooser, encode)

    def answers(self, texts: Sequence[str | None]) -> list[Answer | None]:
        """The translation of each text; None for None."""
        distinct = list(dict.fromkeys(text for text in texts if text is not None))
        found = dict(zip(distinct, self.engine.translate(distinct), strict=True))
        return [None if text is None else found[text] for text in texts]

    def predict(self, batch: pa.RecordBatch, *, shift: bool = True) -> pa.Array:
        """STRUCT(text, score, from, changed_terms) of each row; NULL for NULL."""
        found = self.answers(batch.column(self.text).to_pylist())
        rows = [
            None
            if one is None
            else dict(zip(OUTPUT.names, (one.text, one.score, one.origin, list(one.changed)), strict=True))
            for one in found
        ]
        return pa.array(rows, OUTPUT)

    def state(self) -> State:
        """The model as data."""
        config = {"text": self.text, "label": self.label, "src": self.src, "dst": self.dst}
        return State(
            "translation", config, parts={"stock": self.stock.state(), "chooser": self.chooser.state()}
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The model again."""
        return cls(restore(state.parts["stock"]), restore(state.parts["chooser"]), **state.config)
