"""xbsql for Polars: `pl.Expr.xb` and `pl.LazyFrame.xb`, once this module is imported.

    import xbsql.frame

    xbsql.frame.use("shop.duckdb.xbsql")
    lazy.with_columns(pl.col("title").xb.classify("category_jp"))

Everything is lazy, and every schema is known before anything runs. Row functions take Polars' own buffers and
run in the streaming engine; what needs a whole table (`fit`, `duplicates` ...) takes it when the result is
collected.
"""

from __future__ import annotations

import atexit
import threading
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl
import pyarrow as pa

from xbsql import errors, searches
from xbsql import functions as surface
from xbsql.arrow import free_name, one_chunk
from xbsql.frame_forecast import ForecastFrames
from xbsql.frame_supply import SupplyExpressions, SupplyFrames
from xbsql.index.hits import RECALL
from xbsql.matching.columns import KNOWN_COLUMNS

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    from duckdb import DuckDBPyConnection

    from xbsql.function import Function
    from xbsql.session import Session
    from xbsql.twins.search import Ids

    Twin: TypeAlias = Callable[..., pa.Table]

_lock = threading.Lock()
_connections: list[DuckDBPyConnection] = []
"""What expressions were built for; each holds a place in this list."""
# Polars keeps this module alive until after the process's last rites, and duckdb complains of what is still
# alive then. So nothing here refers to duckdb: modules that do are asked for by name.
atexit.register(_connections.clear)


def _module(name: str) -> ModuleType:
    return import_module(f"xbsql.{name}")


def use(store: str | os.PathLike[str] | DuckDBPyConnection) -> None:
    """Say where models and indexes rest, for all expressions that are built from now on.

    Without it the store is the folder in XBSQL_STORE, else '.xbsql' in the home folder.

    Args:
        store: a folder, or a DuckDB connection, whose store it is then.
    """
    duck = _module("duck")
    found = duck.load(store) if hasattr(store, "cursor") else duck.connect(store=store)
    with _lock:
        _connections.append(found)


def _place() -> int:
    """The place of the connection whose session runs what is built now."""
    with _lock:
        if not _connections:
            _connections.append(_module("duck").connect())
        return len(_connections) - 1


def _session(where: str) -> Session:
    found: Session = _module("duck").session_of(where, _connections[_place()])
    return found


@pl.api.register_expr_namespace("xb")
class Expressions(SupplyExpressions):
    """The row functions; see `docs/sql.md` for what each of them does."""

    def __init__(self, expr: pl.Expr) -> None:
        self._expr = expr

    def embed(self, model: str = "text") -> pl.Expr:
        """Array(Float32, 512) of each text."""
        return self._map("embed", lambda session, texts: session.embed(texts, model))

    def similarity(self, other: pl.Expr | str, metric: str = "cosine") -> pl.Expr:
        """Float32 of each pair of vectors."""
        b = pl.col(other) if isinstance(other, str) else other
        session = _session("xb.similarity")

        def run(pair: Sequence[pl.Series]) -> pl.Series:
            found = session.similarity(_arrow(pair[0]), _arrow(pair[1]), metric)
            return _series(pair[0].name, found)

        return pl.map_batches([self._expr, b], run, return_dtype=pl.Float32, is_elementwise=True)

    def language(self) -> pl.Expr:
        """Struct(code, score) of each text."""
        return self._map("language", lambda session, texts: session.language(texts))

    def classify(self, model: str) -> pl.Expr:
        """Struct(label, score, runner_up, margin, shift) of each text, or of each row as a struct."""
        return self._map("classify", lambda session, inputs: session.classify(model, inputs))

    def predict(self, model: str) -> pl.Expr:
        """Struct(value, lo, hi, shift, version) of each row as a struct."""
        return self._map("predict", lambda session, rows: session.predict(model, rows))

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

    def _map(self, name: str, run: Callable[[Session, pa.Array], pa.Array]) -> pl.Expr:
        session = _session(f"xb.{name}")
        kind = _polars_type(_function(name).value)
        return self._expr.map_batches(
            lambda series: _series(series.name, run(session, _arrow(series))),
            return_dtype=kind,
            is_elementwise=True,
        )


@pl.api.register_lazyframe_namespace("xb")
class Frames(SupplyFrames, ForecastFrames):
    """The functions of whole tables; see `docs/sql.md` for what each of them does."""

    def __init__(self, frame: pl.LazyFrame) -> None:
        self._frame = frame

    def predict_table(self, model: str, *, shift: bool = False) -> pl.LazyFrame:
        """Every column of the frame and predicted, value, lo, hi, shift; streamed."""
        row = Expressions(pl.struct(pl.all()).alias("_xb"))
        found = row._map(
            "predict_table", lambda session, rows: session.predict_table(model, rows, shift=shift)
        )
        taken = self._frame.collect_schema().names()
        names = [free_name(field.name, taken) for field in _function("predict_table").fields]
        return self._frame.with_columns(found.struct.rename_fields(names)).unnest("_xb")

    def evaluate(self, model: str, label: str | None = None, by: str | None = None) -> pl.LazyFrame:
        """Metrics of a model on labelled rows."""
        return self._rows("evaluate", lambda call, rows: call(model, rows, label, by))

    def fit(
        self, model: str, label: str, task: str = "auto", market: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> pl.LazyFrame:  # fmt: skip
        """Fit a model on the frame and store it, when the result is collected."""
        return self._rows("fit", lambda call, rows: call(model, rows, label, task, market, options))

    def transfer(
        self, model: str, label: str, base: str | None = None, source: pl.LazyFrame | None = None,
        market: str | None = None, method: str = "auto", options: Mapping[str, Any] | None = None,
    ) -> pl.LazyFrame:  # fmt: skip
        """Carry a home model or home rows to the frame's market, when the result is collected."""

        def run(call: Twin, rows: pa.Table) -> pa.Table:
            home = None if source is None else source.collect().to_arrow()
            return call(model, rows, label, base, home, market, method, options)

        return self._rows("transfer", run)

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

    def explain(
        self, model: str, background: pl.LazyFrame | None = None, per_row: bool = True
    ) -> pl.LazyFrame:  # fmt: skip
        """row, label, feature, value, contribution: what each column adds to each prediction."""

        def run(call: Twin, rows: pa.Table) -> pa.Table:
            return call(model, rows, None if background is None else background.collect().to_arrow(), per_row)

        return self._rows("explain", run)

    def label_curve(
        self, model: str, label: str | None = None, options: Mapping[str, Any] | None = None
    ) -> pl.LazyFrame:  # fmt: skip
        """labels, arm, basis, metric, value, lo, hi: what labels of the frame bring."""
        return self._rows("label_curve", lambda call, rows: call(model, rows, label, options))

    def weights(
        self, target: pl.LazyFrame, method: str = "density_ratio", columns: Sequence[str] | None = None
    ) -> pl.LazyFrame:  # fmt: skip
        """row, weight: how much each row of the frame looks like the target."""
        return self._rows(
            "weights", lambda call, rows: call(rows, target.collect().to_arrow(), method, columns)
        )

    def domain_similarity(
        self, target: pl.LazyFrame, columns: Sequence[str] | None = None, model: str | None = None
    ) -> pl.LazyFrame:  # fmt: skip
        """measure, column, value: how alike the frame and the target are."""
        return self._rows(
            "domain_similarity", lambda call, rows: call(rows, target.collect().to_arrow(), columns, model)
        )

    def _rows(self, name: str, run: Callable[[Twin, pa.Table], pa.Table]) -> pl.LazyFrame:
        """What a function with a fixed schema makes of the whole frame."""
        fields = _function(name).fields
        return self._whole(name, {field.name: _polars_type(field.type) for field in fields}, run)

    def _whole(
        self, name: str, schema: Mapping[str, Any], run: Callable[[Twin, pa.Table], pa.Table]
    ) -> pl.LazyFrame:  # fmt: skip
        place, kind = _place(), pl.Struct(schema)
        twin: Twin = getattr(import_module("xbsql"), name)

        def made(rows: pl.Series) -> pl.Series:
            found = run(partial(twin, _connections[place]), rows.struct.unnest().to_arrow())
            return _series("_xb", found.to_struct_array()).cast(kind)

        row = pl.struct(pl.all()).alias("_xb")
        return self._frame.select(row.map_batches(made, return_dtype=kind)).unnest("_xb")

    def _type_of(self, name: str, frame: pl.LazyFrame, column: str) -> Any:  # noqa: ANN401 - a Polars type
        known = frame.collect_schema()
        if column not in known:
            raise errors.unknown(f"xb.{name}", "column", column, known.names(), place="the frame has")
        return known[column]


def _function(name: str) -> Function:
    return next(function for function in surface.FUNCTIONS if function.name == name)


def _polars_type(kind: pa.DataType) -> Any:  # noqa: ANN401 - a Polars type
    return _series("", pa.nulls(0, kind)).dtype


def _arrow(series: pl.Series) -> pa.Array:
    """A series as one Arrow array, over the same memory where it is one chunk."""
    return one_chunk(series.to_arrow())


def _series(name: str, array: pa.Array) -> pl.Series:
    return pl.Series(name, array)


def _kept(filter: Ids) -> Callable[[Session], str]:
    """The name under which a session keeps the filter; kept when the search runs."""
    ids = filter.to_arrow() if isinstance(filter, pl.Series) else filter
    return lambda session: str(_module("twins.search").kept(session, ids))
