"""Translations: of texts, of tables; terms out of files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa

from xbsql.arrow import digest, one_chunk, table_of_rows
from xbsql.pages.translations import sheet
from xbsql.session import localise as market
from xbsql.session import translate as run
from xbsql.session.session import Session
from xbsql.surface.arguments import (
    DATA,
    Each,
    Folder,
    Given,
    KeptOnce,
    Keys,
    Model,
    ModelOfRow,
    Name,
    Rows,
    TableSource,
    Text,
    Values,
    existing,
)
from xbsql.surface.function import Columns, Helper, function
from xbsql.surface.models import by_model


@function(
    'STRUCT("text" VARCHAR, score DOUBLE, "from" VARCHAR, changed_terms VARCHAR[])',
    example="SELECT title, xb.translate('shop_fr', title).text FROM home LIMIT 3",
)
def translate(
    session: Session,
    model: ModelOfRow,
    text: Annotated[pa.Array, Values("VARCHAR"), "a text, or a row that has the model's text column"],
) -> pa.Array:
    """A text in the target language of a model that was fitted with task 'translate'. `score` is the chrF
    that is expected of it, 0 to 100: the rows to look at come first in ORDER BY score. `from` says where it
    is from: 'memory' (translated before), 'edit' (the same with other numbers, brands or words), 'phrases',
    'home', 'pooled' (phrases of the market's own pairs, of home's, of both), 'catalogue' (a phrase of the
    market's titles), 'guess' (unknown words by meaning), 'copy' (as it was). `changed_terms` lists terms that
    were given their translation, sizes that were given in the market's units (option `units`), and forbidden
    words that could not be avoided. Markup, line ends, numbers, what templates fill in ({{name}}, %s)
    and protected words stay. NULL gives NULL; a text without letters is returned with the score NULL, and
    so is one that was not translated before where too few pairs were there to learn scores from.
    """
    return by_model(run.translate, session, model, text)


TRANSLATED: Columns = {
    "translated": "VARCHAR", "score": "DOUBLE", "from": "VARCHAR", "changed_terms": "VARCHAR[]",
    "digest": "VARCHAR", "outdated": "BOOLEAN", "translator": "VARCHAR",
}  # fmt: skip
TERM: Columns = {"term": "VARCHAR", "translation": "VARCHAR", "kind": "VARCHAR", "conflict": "VARCHAR"}


class _Done(KeptOnce):
    """An earlier result, or none."""

    def of_python(self, where: str, name: str, value: Any, tables: TableSource) -> Any:  # noqa: ANN401
        """The table; None where there is none."""
        return None if value is None else super().of_python(where, name, value, tables)


DONE = _Done("a table", expression="(SELECT _xb_keep_done(list(_xb_row)) FROM query_table({}) _xb_row)")


@function(
    TRANSLATED, example="SELECT title, translated FROM xb.translate_table('shop_fr', home, 'title') LIMIT 3"
)
def translate_table(
    session: Session,
    model: Annotated[Model, existing("translate_table")],
    tbl: Annotated[pa.Array, Each(), DATA],
    text: Annotated[Text, "the column that is translated; NULL for the one the model was fitted on"] = None,
    done: Annotated[
        pa.Table | Keys | None, DONE, "an earlier result: what has its digest is taken from there"
    ] = None,
) -> pa.Array:
    """Every column of the table and its translation, as xb.translate gives it. `digest` is the md5 of the
    source; `outdated` says whether the text was translated now, and not taken from `done`. So only what
    changed is translated again. `translator` is the model's name; a `done` of another one is refused, and
    one without that column is believed. Of several translations of one text in `done` the one counts that
    the model does not give; several of these are refused. Where the table has a column `score` the new one is
    `score_1`.
    """
    kept = str(done.names) if isinstance(done, Keys) else None if done is None else _kept(session, done)
    return run.translate_table(session, model, tbl, text, kept or None)


@dataclass(frozen=True)
class Bound(Rows):
    """A table that a query reads which is written when it is bound; Python hands it on as rows."""

    order: str = ""
    empty: bool = True


def _bound(
    session: Session, *, model: Name, tbl: Name, fields: Given, id: Text = None, done: Text = None
) -> list[dict[str, str]]:
    return [{"sql": market.localise_sql(session, model, tbl, fields, id, done)}]


@function(
    {
        "scores": "MAP(VARCHAR, DOUBLE)", "outdated": "VARCHAR[]", "digests": "MAP(VARCHAR, VARCHAR)",
        "translator": "VARCHAR",
    },
    example="FROM xb.localise('shop_fr', home, {'title': 'translated', 'category': 'market'}) LIMIT 3",
    handler=_bound,
    travels={"sql": "VARCHAR"},
    beside="tbl",
)  # fmt: skip
def localise(
    session: Session,
    model: Model,
    tbl: Annotated[pa.Table, Bound(), DATA],
    fields: Annotated[
        Given,
        "column -> 'translated', 'same' (everywhere) or 'market' (each market's own); a column that is not "
        "named is the same: {'title': 'translated', 'price': 'market'}",
    ],
    id: Annotated[Text, "the column that says which row of `done` is which"] = None,
    done: Annotated[
        pa.Table | None, Bound(optional=True), "an earlier result, with what the market wrote there since"
    ] = None,
) -> pa.Table:
    """A catalogue as another market has it, in the same columns: fields marked 'translated' in the target
    language, those marked 'same' as they are, those marked 'market' as `done` has them, else NULL, so that
    no home price goes abroad. A text that has not changed since `done`, by its digest, is taken from there,
    also where a person has changed it. By field: `scores` as of xb.translate, `outdated` (what was translated
    now), `digests` (md5 of the sources). `translator` is the model's name; a `done` of another is refused,
    and so is one with different rows of one id.
    """
    return market.localise(session, model, tbl, fields, id, done)


@function(
    TERM,
    example="COPY (SELECT 'hat' AS term, 'chapeau' AS translation) TO 'terms.csv'; "
    "FROM xb.termbase('terms.csv')",
)
def termbase(
    session: Session,
    path: Annotated[Folder, "of a CSV, ding, dictd, EDICT, TBX or TMX file"],
    src: Annotated[Text, "the language of the terms, in a file of several; of CSV a column"] = None,
    dst: Annotated[Text, "the language of the translations; of CSV a column"] = None,
) -> list[dict[str, Any]]:
    """The terms of a file, as rows for xb.fit and xb.transfer with task 'translate'. `kind` is 'term' for
    lists of terms (or what a column of that name says), 'dictionary' for dictionaries, 'pair' for memories.
    `conflict` lists the other translations of a term that has several: the first one counts.
    """
    return run.termbase(str(path), src, dst)


@function(
    {"path": "VARCHAR", "rows": "BIGINT", "score": "DOUBLE"},
    example="WITH done AS (FROM xb.translate_table('shop_fr', home, 'title') LIMIT 5) "
    "FROM xb.translation_sheet(done, 'title', 'sheet.html')",
    action=True,
)
def translation_sheet(
    session: Session,
    tbl: Annotated[pa.Table, Rows(), f"a result of xb.translate_table: {DATA}"],
    text: Annotated[Name, "the column of the sources"],
    path: Annotated[Folder, "of the HTML file, which is replaced"],
    reference: Annotated[Text, "a column of translations by people, shown beside"] = None,
) -> list[dict[str, Any]]:
    """Write translations beside their sources as one HTML page, the lowest score first, at most 1,000 of
    them. `score` is the mean over all.
    """
    return [sheet(tbl, text, Path(path), reference)]


def _keep_done(session: Session, done: pa.ChunkedArray) -> pa.Array:
    """Keep each earlier result and name it by its digest; '' where there is none."""
    names = []
    for line in one_chunk(done):
        table = table_of_rows(line.values) if line.is_valid else None
        nothing = table is None or table.column_names == ["_nothing"]
        names.append("" if nothing else _kept(session, table))
    return pa.array(names, pa.string())


def _kept(session: Session, done: pa.Table) -> str:
    return run.keep_done(session, done, digest(done))


HELPERS = (Helper("keep_done", "VARCHAR", _keep_done),)
