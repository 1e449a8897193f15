"""Translations: of texts, of tables; terms out of files."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa

from xbsql.session import translate as run
from xbsql.session.session import Session
from xbsql.surface.arguments import ModelOfRow, Values
from xbsql.surface.function import function
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
    were given their translation, and forbidden words that could not be avoided. Markup, line ends, numbers
    and protected words stay. NULL gives NULL; a text without letters is returned with the score NULL.
    """
    return by_model(run.translate, session, model, text)
