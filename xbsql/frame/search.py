"""The search family for Polars: indexes, joins and matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from xbsql.frame.connection import module
from xbsql.frame.space import ExpressionSpace, FrameSpace
from xbsql.index.hits import RECALL
from xbsql.matching.columns import KNOWN_COLUMNS
from xbsql.session import search as searches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from xbsql.frame.space import Twin
    from xbsql.session.session import Session
    from xbsql.surface.twins.search import Ids


class SearchExpressions(ExpressionSpace):
    """Functions of each row that ask an index."""

    def search(self, index: str, k: int = 10, filter: Ids = "*", recall: float = RECALL) -> pl.Expr:
        """List of Struct(id, score, rank) of each vector or text; `filter` is one list of ids for all."""
        kept = _kept(filter)
        return self._map(
            "search", lambda session, asked: searches.search(session, index, asked, k, kept(session), recall)
        )

    def search_text(self, index: str, k: int = 10, filter: Ids = "*") -> pl.Expr:
        """List of Struct(id, score, rank) of each text; `filter` is one list of ids for all."""
        kept = _kept(filter)
        return self._map(
            "search_text",
            lambda session, asked: searches.search_text(session, index, asked, k, kept(session)),
        )


class SearchFrames(FrameSpace):
    """Functions of a whole frame that build an index, or join two frames by what is alike."""

    def build_index(
        self, index: str, id: str, vec: str | None = None, text: str | None = None,
        encoder: str | None = None, metric: str = "cosine", weights: Sequence[float] | None = None,
        mode: str = "exact",
    ) -> pl.LazyFrame:  # fmt: skip
        """Build an index from columns of the frame, when the result is collected."""
        columns = (id, vec, text, encoder, metric, weights, mode)
        return self._rows("build_index", lambda call, rows: call(index, rows, *columns))

    def add_to_index(
        self, index: str, id: str, vec: str | None = None, text: str | None = None
    ) -> pl.LazyFrame:  # fmt: skip
        """Add rows to an index, when the result is collected."""
        return self._rows("add_to_index", lambda call, rows: call(index, rows, id, vec, text))

    def similarity_join(
        self, catalog: pl.LazyFrame, qid: str, qvec: str, cid: str, cvec: str, k: int = 10,
        metric: str = "cosine",
    ) -> pl.LazyFrame:  # fmt: skip
        """qid, cid, score, rank: the k rows of the catalog that are most similar to each row of the frame."""
        own, other = (
            self._type_of("similarity_join", self._frame, qid),
            self._type_of("similarity_join", catalog, cid),
        )
        schema = {"qid": own, "cid": other, "score": pl.Float32, "rank": pl.Int32}

        def run(call: Twin, rows: pa.Table) -> pa.Table:
            offered = catalog.select(cid, cvec).collect().to_arrow()
            return call(rows, offered, qid, qvec, cid, cvec, k, metric)

        return self._whole("similarity_join", schema, run)

    def duplicates(self, id: str, vec: str, threshold: float = 0.9, metric: str = "cosine") -> pl.LazyFrame:
        """id, twin, score, cluster: pairs of rows that are at least that similar."""
        own = self._type_of("duplicates", self._frame, id)
        schema = {"id": own, "twin": own, "score": pl.Float32, "cluster": own}
        return self._whole("duplicates", schema, lambda call, rows: call(rows, id, vec, threshold, metric))

    def match(
        self, right: pl.LazyFrame, lid: str, ltext: str, rid: str, rtext: str, block: str | None = None,
        beside: str | None = None, threshold: float = 0.5, model: str | None = None,
    ) -> pl.LazyFrame:  # fmt: skip
        """lid, rid, score: which row of the other frame each row is, one to one."""
        schema = {
            "lid": self._type_of("match", self._frame, lid),
            "rid": self._type_of("match", right, rid),
            "score": pl.Float64,
        }

        def run(call: Twin, rows: pa.Table) -> pa.Table:
            other = right.collect().to_arrow()
            return call(rows, other, lid, ltext, rid, rtext, block, beside, threshold, model)

        return self._whole("match", schema, run)

    def match_candidates(
        self, right: pl.LazyFrame, lid: str, ltext: str, rid: str, rtext: str, block: str | None = None,
        beside: str | None = None,
    ) -> pl.LazyFrame:  # fmt: skip
        """lid, rid and what is known of each pair that may be a match."""
        name = "match_candidates"
        ids = {"lid": self._type_of(name, self._frame, lid), "rid": self._type_of(name, right, rid)}
        schema = ids | dict.fromkeys(KNOWN_COLUMNS, pl.Float64)
        asked = (lid, ltext, rid, rtext, block, beside)
        return self._whole(name, schema, lambda call, rows: call(rows, right.collect().to_arrow(), *asked))


def _kept(filter: Ids) -> Callable[[Session], str]:
    """The name under which a session keeps the filter; kept when the search runs."""
    ids = filter.to_arrow() if isinstance(filter, pl.Series) else filter
    return lambda session: str(module("surface.twins.search").kept(session, ids))
