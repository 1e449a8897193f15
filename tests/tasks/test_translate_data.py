"""Translation of real product phrases, into a language that nothing was tuned on."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from xbsql.metrics.texts import chrf
from xbsql.progress import quiet
from xbsql.tasks.translate.options import TranslateOptions
from xbsql.tasks.translate.reading import Material
from xbsql.tasks.translate.task import TranslateProblem
from xbsql.translation.proposals import Asked
from xbsql.translation.terms import Terms
from xbsql.translation.words import plain

DATA = Path(os.environ.get("XBSQL_DATA", "/nowhere")) / "off_taxonomy" / "taxonomy.parquet"


def phrases(language):
    """Names of foods in English and another language, in an order that means nothing."""
    rows = pq.read_table(
        DATA, columns=["kind", "node_id", "lang", "name"], filters=[("kind", "=", "categories")]
    )
    named = {(row["node_id"], row["lang"]): row["name"] for row in rows.to_pylist() if row["name"]}
    pairs = {named[node, lang]: named.get((node, language)) for node, lang in named if lang == "en"}
    both = [(a, b) for a, b in pairs.items() if b]
    return sorted(both, key=lambda pair: hashlib.md5(pair[0].lower().encode()).hexdigest())


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_file(), reason="XBSQL_DATA has no off_taxonomy")
def test_the_choice_beats_each_origin_and_its_score_is_believable():
    both = phrases("nl")
    known, asked = both[:400], both[400:550]
    material = Material(tuple(known), (), (), (), Terms(), "en", "nl")
    problem = TranslateProblem(material, TranslateOptions(src="en", dst="nl"), "en", "nl")
    model = problem.model(problem.weighed(problem.candidates(), quiet))
    answers = model.answers([a for a, _ in asked])
    true = np.array([chrf(answer.text, b) for answer, (_, b) in zip(answers, asked, strict=True)])
    found, _ = model.engine.proposer.propose([Asked.of(plain(a)) for a, _ in asked])
    for origin in ("copy", "memory", "edit", "phrases"):
        alone = []
        for several, (source, target) in zip(found, asked, strict=True):
            own = [each for each in several if origin in each.origins]
            text = max(own, key=lambda each: each.origins[origin]).text if own else source
            alone.append(chrf(text, target))
        assert true.mean() > np.mean(alone) + 1, origin
    score = np.array([answer.score for answer in answers])
    assert np.corrcoef(score, true)[0, 1] > 0.35
    assert abs(score.mean() - true.mean()) < 8
