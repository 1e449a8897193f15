"""Pairs of offers with all that is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xbsql.linking.evidence import Evidence
    from xbsql.linking.graph import Bools, Floats, Graph
    from xbsql.linking.labels import Labels


@dataclass(frozen=True)
class Judged:
    """Pairs of rows of different markets, judged by all that is known of each.

    Attributes:
        graph: the rows and pairs.
        text: float64, shape (p,): log odds by the texts alone.
        told: bool, shape (p,): whether the texts proposed the pair.
        labels: what somebody said of pairs.
        evidence: what stands beside the texts says.
        markets: the markets' names, in the order of their numbers.
    """

    graph: Graph
    text: Floats
    told: Bools
    evidence: Evidence
    labels: Labels
    markets: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        """Bytes that are held, about."""
        return (4 + len(self.evidence.names) * 2) * int(self.text.nbytes)
