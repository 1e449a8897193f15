"""ProMap's similarities of product pairs, English -> Czech, for `bench.match`.

F1 of the matches among the 299 Czech test pairs with no, 50 and 100 labelled Czech pairs and all English
ones, by `xb.transfer`, beside a random forest on the same rows. A pair counts as a match from a threshold on
that no test label enters: with labels the probabilities are calibrated on the target, and the threshold is
where the F1 they lead to expect is highest; without a label nobody knows how probabilities moved, and as
large a share of the pairs is taken as at home. 'f1_best' is what the best threshold would have given, which
nobody can know.

Beside each similarity stands its rank among the similarities of its own market ('blend'), since what is a
high one differs by market; ranks of Czech test pairs are those among the Czech training pairs, whose labels
it does not take. 'blend, values alone' has no ranks. The rule of the threshold and the ranks were chosen on
ProMap's pairs of Amazon, Google, Walmart and of several shops, not on Czech ones: there F1 rose with ranks
from .590 to .623, .946 to .946 and .890 to .906 without a label, with 50 from .651 to .656, .971 to .983 and
.898 to .902, with 100 of several shops it fell from .651 to .642. Ranks instead of values gained less (.601,
.653, .646), as did, with labels, a threshold by home's share of matches, alone or drawn to the labels' share.
"""

from __future__ import annotations

import statistics
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sklearn.ensemble import RandomForestClassifier

from bench.case import Quantiles
from xbsql.metrics.rows import auc
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as CLASSIFY

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.case import Bench

NO_FEATURES = ("id1", "id2", "hash_similarity")
TREES = 300


class Markets(NamedTuple):
    """English pairs, and Czech ones to learn from and to test on."""

    english: pa.Table
    czech: pa.Table
    test: pa.Table

    @classmethod
    def read(cls, folder: Path) -> Markets:
        """Both markets as the data set splits them."""
        english = pa.concat_tables([pairs(folder, f"promapen_{part}") for part in ("train", "test")])
        return cls(english, pairs(folder, "promapcz_train"), pairs(folder, "promapcz_test"))

    def ranked(self) -> Markets:
        """The same with ranks beside the values."""
        english, czech, test = self
        return Markets(ranked(english, english), ranked(czech, czech), ranked(test, czech))


def promap(bench: Bench, labels: int, draws: int) -> float:
    """Mean F1 on the Czech test pairs over draws of so many Czech labels."""
    markets = Markets.read(bench.data("product_matching") / "promap")
    found = [
        bench.unit(f"promap {labels} {seed}", partial(one_draw, markets, labels, seed))
        for seed in range(draws)
    ]
    sizes = {"labels": labels, "draws": draws, "test pairs": len(markets.test)}
    for name in found[0]:
        implementation, metric = name.split(": ")
        values = [one[name] for one in found]
        shown = Quantiles.of(values) if draws > 1 else values[0]
        bench.record("promap", implementation, metric, shown, sizes=sizes)
    return statistics.fmean(one["blend: f1"] for one in found)


def one_draw(markets: Markets, labels: int, seed: int) -> dict[str, float]:
    """Scores of the transferred model and of a random forest, '<implementation>: <metric>'."""
    czech, test = markets.czech, markets.test
    kept = np.zeros(len(czech), dtype=bool)
    kept[np.random.default_rng(seed).permutation(len(czech))[:labels]] = True
    truth = test["match"].to_numpy()
    found: dict[str, float] = {}
    for name, told in (("blend", markets.ranked()), ("blend, values alone", markets)):
        found |= {f"{name}: {metric}": value for metric, value in transferred(told, kept).items()}
    labelled, english = czech.filter(pa.array(kept)), markets.english
    share = float(english["match"].to_numpy().mean())
    for name, rows in (("english and czech", pa.concat_tables([english, labelled])), ("czech", labelled)):
        if len(rows):
            guess = forest(rows, test)
            found[f"random forest, {name}: f1_half"] = f1(guess >= 0.5, truth)
            cut = threshold(guess, share, labels)
            found[f"random forest, {name}: f1"] = f1(guess >= cut, truth)
    return found


def transferred(markets: Markets, kept: NDArray[np.bool_]) -> dict[str, float]:
    """Scores of the transferred model on the test pairs, by metric; `kept` Czech pairs have their label."""
    english, czech, test = markets
    label = pc.if_else(pa.array(kept), czech["match"], pa.scalar(None, pa.bool_()))
    target = czech.set_column(czech.column_names.index("match"), "match", label)
    model, _ = road.transfer(CLASSIFY, target, "match", source=english)
    chance = model.probabilities(test)[:, list(model.classes).index("true")]
    share = float(english["match"].to_numpy().mean())
    truth = test["match"].to_numpy()
    return {
        "f1": f1(chance >= threshold(chance, share, int(kept.sum())), truth),
        "f1_half": f1(chance >= 0.5, truth),
        "f1_best": max(f1(chance >= least, truth) for least in chance),
        "auc": float(auc(truth.astype(np.int64), np.stack([1 - chance, chance], axis=1))),
    }


def ranked(table: pa.Table, market: pa.Table) -> pa.Table:
    """The table with, for each similarity, the share of a market's pairs below it, ties in the middle."""
    for name in features(table):
        among, values = np.sort(market[name].to_numpy()), table[name].to_numpy()
        below = np.searchsorted(among, values, "left") + np.searchsorted(among, values, "right")
        table = table.append_column(f"rank_{name}", pa.array(below / 2 / len(among)))
    return table


def forest(rows: pa.Table, test: pa.Table) -> NDArray[np.float64]:
    """Probabilities of a plain random forest."""
    x, new = (np.column_stack([t[name].to_numpy() for name in features(t)]) for t in (rows, test))
    trees = RandomForestClassifier(TREES, random_state=0, n_jobs=1).fit(x, rows["match"].to_numpy())
    return np.asarray(trees.predict_proba(new)[:, -1])


def features(table: pa.Table) -> list[str]:
    return [name for name in table.column_names if name != "match"]


def pairs(folder: Path, name: str) -> pa.Table:
    """Similarities and whether the pair is a match, as a boolean."""
    table = pq.read_table(folder / f"{name}.parquet").drop_columns(list(NO_FEATURES))
    place = table.column_names.index("match")
    return table.set_column(place, "match", table["match"].cast(pa.bool_()))


def threshold(chance: NDArray[np.float64], home_share: float, labels: int) -> float:
    """The probability from which on a pair counts as a match, see above."""
    return best_threshold(chance) if labels else float(np.quantile(chance, 1 - home_share))


def best_threshold(chance: NDArray[np.float64]) -> float:
    """The probability from which on the expected F1 of these very pairs is highest."""
    ordered = np.sort(chance)[::-1]
    expected = 2 * np.cumsum(ordered) / (np.arange(1, len(ordered) + 1) + ordered.sum())
    return float(ordered[expected.argmax()])


def f1(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(2 * (found & truth).sum() / max(found.sum() + truth.sum(), 1))
