"""The search family of the SQL surface, as data."""

from __future__ import annotations

from xbsql.index.hits import RECALL
from xbsql.matching.columns import KNOWN_COLUMNS
from xbsql.surface.function import DATA, Argument, Function, Helper, rows_type
from xbsql.surface.handlers import search as handlers

_HITS = "STRUCT(id VARCHAR, score FLOAT, rank INTEGER)[]"
_STATE = rows_type(
    index="VARCHAR",
    rows="BIGINT",
    skipped="BIGINT",
    dim="INTEGER",
    metric="VARCHAR",
    encoder="VARCHAR",
    has_text="BOOLEAN",
    seconds="DOUBLE",
    mode="VARCHAR",
    recall="DOUBLE",
)
_INDEX = Argument("index", "VARCHAR: the name of the index")
_K = Argument("k", "INTEGER: how many; fewer come back only where fewer rows match", "10")
_FILTER = Argument(
    "filter",
    "a list of the ids that may be found, e.g. (SELECT list(sku) FROM home WHERE price < 10); NULL, which is "
    "what list() makes of no row, lets nothing through",
    "'*'",
)
_METRIC = Argument("metric", "VARCHAR: 'cosine', 'dot' or 'l2' (minus the squared distance)", "'cosine'")
_TABLE = Argument("tbl", DATA)
_ID = Argument("id", "a column or expression, BIGINT or VARCHAR, no two rows the same")
_VEC = Argument(
    "vec", "a vector, e.g. a column or xb.embed(title); without it the texts are embedded", "NULL"
)
_TEXT = Argument("text", "VARCHAR: a text, for xb.search_text", "NULL")

SEARCH = Function(
    "search",
    "row",
    (
        _INDEX,
        Argument("vector", "FLOAT[n], or VARCHAR where the index knows its encoder"),
        _K,
        _FILTER,
        Argument(
            "recall",
            "DOUBLE: the share of the k that an approximate index is to find, as measured when it was built; "
            "1 is exact",
            str(RECALL),
        ),
    ),
    _HITS,
    "The k rows of an index that are most similar to a vector, best first; exact, unless the index was built "
    "approximate and no filter is given. Of equal scores the smaller id comes first. Ids are given as text "
    "and compare with the table's own. NULL gives NULL.",
    "SELECT unnest(xb.search('catalog', 'red shoes', k := 3), recursive := true)",
    handlers.search,
)
SEARCH_TEXT = Function(
    "search_text",
    "row",
    (_INDEX, Argument("query", "VARCHAR"), _K, _FILTER),
    _HITS,
    "The k rows of an index that fit a text best by words (BM25 over words and their trigrams) and by "
    "meaning (vectors) together: the score is the sum of 1 / (60 + rank) over the two lists. The index must "
    "have been built with texts. NULL gives NULL.",
    "SELECT unnest(xb.search_text('catalog', 'running shoes', k := 3), recursive := true)",
    handlers.search_text,
)
BUILD_INDEX = Function(
    "build_index",
    "action",
    (
        _INDEX,
        _TABLE,
        _ID,
        _VEC,
        _TEXT,
        Argument(
            "encoder",
            "VARCHAR: the text encoder that made the vectors; searches fail when its version has changed. "
            "'text' where vec is not given",
            "NULL",
        ),
        _METRIC,
        Argument("weights", "FLOAT[]: one a feature, e.g. its transferability in a model", "NULL"),
        Argument(
            "mode",
            "VARCHAR: 'exact', or 'approximate' to order the rows by cell; `recall` says what share of a "
            "row's 10 neighbours a search finds then, measured on up to 500 of the rows",
            "'exact'",
        ),
    ),
    _STATE,
    "Build an index and keep it in the store, in place of one of the same name. Rows whose id or vector is "
    "NULL, or whose vector is not finite, are left out and counted in `skipped`. Rows are streamed: memory "
    "does not grow with the vectors. The same content again changes nothing; a build that fails leaves what "
    "was there.",
    "CALL xb.build_index('catalog', home, id := title, text := title)",
    handlers.build_index,
    effects=True,
)
ADD_TO_INDEX = Function(
    "add_to_index",
    "action",
    (_INDEX, _TABLE, _ID, _VEC, _TEXT),
    _STATE,
    "Add rows to an index; a row whose id is there already takes its place. The same addition again changes "
    "nothing.",
    "CALL xb.add_to_index('catalog', japan, id := title, text := title)",
    handlers.add_to_index,
    effects=True,
)
DELETE_FROM_INDEX = Function(
    "delete_from_index",
    "action",
    (_INDEX, Argument("ids", "a list of ids; those that are not there are passed over")),
    _STATE,
    "Delete rows from an index.",
    "FROM xb.delete_from_index('catalog', (SELECT list(title) FROM japan))",
    handlers.delete_from_index,
    effects=True,
)
DROP_INDEX = Function(
    "drop_index",
    "action",
    (_INDEX,),
    rows_type(index="VARCHAR", rows="BIGINT"),
    "Remove an index from the store and from memory.",
    "CALL xb.drop_index('catalog')",
    handlers.drop_index,
    effects=True,
)
INDEXES = Function(
    "indexes",
    "set",
    (),
    rows_type(
        index="VARCHAR",
        rows="BIGINT",
        skipped="BIGINT",
        dim="INTEGER",
        metric="VARCHAR",
        encoder="VARCHAR",
        has_text="BOOLEAN",
        seconds="DOUBLE",
        mode="VARCHAR",
        recall="DOUBLE",
        bytes="BIGINT",
        created="VARCHAR",
        note="VARCHAR",
    ),
    "Every index in the store; a broken one says what is wrong with it in `note`.",
    "FROM xb.indexes()",
    handlers.indexes,
    effects=True,
)
SIMILARITY_JOIN = Function(
    "similarity_join",
    "set",
    (
        Argument("queries", DATA),
        Argument("catalog", DATA),
        Argument("qid", "the queries' id, any type"),
        Argument("qvec", "the queries' vector; rows where it is NULL find nothing"),
        Argument("cid", "the catalog's id, any type; decides among equal scores"),
        Argument("cvec", "the catalog's vector; rows where it is NULL are not found"),
        _K,
        _METRIC,
    ),
    rows_type(q="BIGINT", c="BIGINT", score="FLOAT", rank="INTEGER"),
    "The k most similar rows of the catalog for each query: qid, cid, score, rank. Exact. For a catalog that "
    "is searched again, or does not fit into memory, build an index.",
    "FROM xb.similarity_join(japan, home, qid := title, qvec := xb.embed(title), cid := title, "
    "cvec := xb.embed(title), k := 2) LIMIT 4",
    handlers.similarity_join,
)
DUPLICATES = Function(
    "duplicates",
    "set",
    (
        _TABLE,
        Argument("id", "any type"),
        Argument("vec", "a vector; rows where it is NULL are in no pair"),
        Argument("threshold", "DOUBLE: the least score of a pair", "0.9"),
        _METRIC,
    ),
    rows_type(a="BIGINT", b="BIGINT", score="FLOAT", cluster="BIGINT"),
    "Pairs of rows that are at least that similar: id, twin, score, and cluster, the smallest id of all that "
    "hang together through pairs. Each pair comes once, the smaller id first.",
    "FROM xb.duplicates(home, id := title, vec := xb.embed(title), threshold := 0.8) LIMIT 3",
    handlers.duplicates,
)

_SIDES = (
    Argument("left", DATA),
    Argument("right", DATA),
    Argument("lid", "the left id, any type"),
    Argument("ltext", "VARCHAR: the left text, e.g. a title; rows where it is NULL have no match"),
    Argument("rid", "the right id, any type"),
    Argument("rtext", "VARCHAR: the right text"),
    Argument("block", "a column of both tables: only rows of one value are compared", "NULL"),
    Argument(
        "beside",
        "STRUCT of both tables with any of price (a number of one currency), brand (VARCHAR) and image (its "
        "vector): three more columns for a scorer of your own",
        "NULL",
    ),
)
MATCH = Function(
    "match",
    "set",
    (
        *_SIDES,
        Argument("threshold", "DOUBLE: the least probability of a match", "0.5"),
        Argument(
            "model", "VARCHAR: a model fitted on xb.match_candidates; NULL for the built-in scorer", "NULL"
        ),
    ),
    rows_type(l="BIGINT", r="BIGINT", score="DOUBLE"),
    "Which row of one catalogue is which of another, one to one and across languages: lid, rid, score, one "
    "row a left row. The score is the probability that they are one thing; rid and score are NULL where "
    "nothing matches.",
    "FROM xb.match(japan, home, lid := title, ltext := title, rid := title, rtext := title) LIMIT 3",
    handlers.match,
)
MATCH_CANDIDATES = Function(
    "match_candidates",
    "set",
    _SIDES,
    rows_type(l="BIGINT", r="BIGINT", **dict.fromkeys(KNOWN_COLUMNS, "DOUBLE")),
    "The pairs that xb.match chooses from, and what is known of each: lid, rid and a column for each "
    "similarity, gap to the best pair of a row, rank. Label some with true and false, and xb.fit or "
    "xb.transfer makes a scorer of them for xb.match.",
    "FROM xb.match_candidates(japan, home, lid := title, ltext := title, rid := title, rtext := title) "
    "LIMIT 3",
    handlers.match_candidates,
)

SEARCH_FUNCTIONS = (
    BUILD_INDEX,
    ADD_TO_INDEX,
    SEARCH,
    SEARCH_TEXT,
    SIMILARITY_JOIN,
    DUPLICATES,
    MATCH,
    MATCH_CANDIDATES,
    INDEXES,
    DELETE_FROM_INDEX,
    DROP_INDEX,
)
SEARCH_HELPERS = (
    Helper("filter", "VARCHAR", handlers.keep_filter),
    Helper("index_rows", "BIGINT", handlers.index_rows, effects=True),
)
