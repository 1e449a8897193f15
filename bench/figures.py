"""`python -m bench.figures`: write the figures of README.md and docs/*.md from bench/results."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bench.plot import Record, read
from bench.run import HEADLINE, ROOT
from bench.trap_tables import TRAPS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def marks(name: str) -> re.Pattern[str]:
    """What stands in a page between the marks of a table."""
    return re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)


MARKS = marks("figures")


class Figure(NamedTuple):
    """One line of the table.

    Attributes:
        subject: the bench.
        key: of its headline.
        says: what the figure is, for a reader.
    """

    subject: str
    key: str
    says: str


FIGURES = (
    Figure("taxonomy", "acc0", "accuracy in six languages, 21 classes, no foreign label"),
    Figure("taxonomy", "acc50", "the same with 50 foreign labels"),
    Figure("taxonomy", "acc200", "with 200"),
    Figure("taxonomy", "acc500", "with 500"),
    Figure(
        "taxonomy", "sv200", "Swedish, which the encoder does not know, 200 labels: blend minus better arm"
    ),
    Figure("traps", "verdict_right", "share of right verdicts in the worst of eleven traps, 40 seeds each"),
    Figure("traps", "worst_loss", "what the blend loses against the target alone in the worst trap"),
    Figure(
        "tabular", "gain50", "33 tables: gain of the blend over the better target-only learner, 50 labels"
    ),
    Figure("tabular", "gain50_lo", "lower end of its 95 % interval, over tables and draws"),
    Figure("tabular", "gain200", "the same with 200 labels"),
    Figure("tabular", "gain1000", "with 1,000"),
    Figure("tabular", "neg50", "share of runs on real tables below target only - .005, 50 labels"),
    Figure("tabular", "neg200", "from 200 labels on"),
    Figure("tabular", "worst50", "the worst run of all, 50 labels"),
    Figure("tabular", "worst200", "from 200 labels on"),
    Figure("tabular", "multiplier50", "how many times as many labels the target alone needs (median)"),
    Figure("tabular", "seconds", "seconds of a transfer, 5,000 source rows and 1,000 labels"),
    Figure(
        "tabular",
        "predict_share",
        "rows a second of `xb.predict_table` in SQL, one booster, over plain LightGBM",
    ),
    Figure(
        "tabular",
        "blend_over_members",
        "seconds of `xb.predict_table` with a blend over those of its members",
    ),
    Figure("logistics", "coverage_min", "least share of labels inside 90 % intervals, real shipments"),
    Figure("logistics", "coverage_max", "largest"),
    Figure(
        "logistics", "rwanda", "freight to Rwanda: error of the blend less target only (below 0 is better)"
    ),
    Figure("logistics", "null_control", "the same where the markets do not differ, in days"),
    Figure("forecast", "owa_weekly", "M4 weekly: OWA (Naive 2 is 1, the winner of M4 has .851)"),
    Figure("forecast", "owa_hourly", "M4 hourly: OWA (the winner of M4 has .440)"),
    Figure(
        "forecast",
        "pinball_gain8",
        "demand carried to three countries: gain over the best target-only method",
    ),
    Figure("forecast", "pinball_worst", "the same in the worst country, at 4 to 32 weeks of history"),
    Figure("forecast", "total_gain8", "totals of eight weeks: WAPE below that of the mean of the last weeks"),
    Figure("forecast", "coverage_min", "least share of weeks inside 90 % intervals"),
    Figure("forecast", "coverage_max", "largest"),
    Figure("forecast", "cold_gain", "products without history: gain over the market's mean product"),
    Figure("forecast", "series_vs_autoets", "10,000 series fitted and forecast: times AutoETS's speed"),
    Figure("embed", "vs_package", "texts a second over the encoder's own package, one thread each"),
    Figure("embed", "sql_share", "texts a second of `SELECT xb.embed(title)` over the Python call"),
    Figure("embed", "max_diff", "largest difference to the package's vectors"),
    Figure("start", "import_s", "seconds of `import xbsql`"),
    Figure("start", "connect_s", "seconds of `xbsql.connect()` after it"),
    Figure("start", "demo_s", "seconds of `xbsql demo`"),
    Figure("kernels", "over_matmul", "exact top-10 of 200,000 x 384: time over the bare matmul"),
    Figure("kernels", "vs_faiss_tuned", "the same against faiss-cpu tuned: times faster"),
    Figure("kernels", "vs_duckdb", "against DuckDB's array_cosine_similarity: times faster"),
    Figure("kernels", "int8_vs_fp32", "int8 scan with certified float32 rescore over the float32 scan"),
    Figure("kernels", "int8_recall", "its recall"),
    Figure(
        "search", "vs_best", "`xb.search`, 1,000 queries x 818,846 x 512, against tuned faiss: times faster"
    ),
    Figure("search", "sql_share", "the kernel's own time over that of the SQL query"),
    Figure("search", "memory_ratio", "memory of a process that searches, over the vectors"),
    Figure("search", "filtered_ratio", "time with a filter that 1 % pass, over the time without"),
    Figure("polars", "share", "a model's own time over that of the same call in Polars"),
    Figure("polars", "same", "whether Polars and SQL answer alike, row by row"),
    Figure(
        "profiles", "mae_gain50", "spend of customers abroad: error below the best of three from 50 labels"
    ),
    Figure("profiles", "mae_gain120", "below the best of three from 120 labels"),
    Figure("profiles", "coverage", "share of spends inside 90 % intervals, from a summer into Christmas"),
    Figure(
        "categories", "map_node", "Google's categories of five locales mapped: right nodes, the worst locale"
    ),
    Figure("categories", "name_node", "a bare name asked of the foreign tree, no label: the right node"),
    Figure("categories", "sure", "answers that stop where they are sure: share that is right"),
    Figure("categories", "answered", "how deep these go, as a share of the true depth"),
    Figure(
        "categories", "vs_svm", "40,000 titles x 440 classes: accuracy over a linear SVM on hashed n-grams"
    ),
    Figure("categories", "big_fit_s", "300,000 titles x 5,000 classes fitted: CPU seconds"),
    Figure("categories", "predict_over_embed", "classified by that model, over embedding the same titles"),
    Figure("extract", "ae_asked", "AE-110K: the attributes that a title has are asked for, F1"),
    Figure("extract", "ae_open", "all attributes of its kind of product are asked for"),
    Figure("extract", "oa_asked", "OA-Mine, those that a title has"),
    Figure("extract", "ae100", "100 titles of AE-110K, with OA-Mine as home"),
    Figure("extract", "zero", "OA-Mine's model asked for AE-110K's names, no label"),
    Figure("extract", "titles_per_s", "titles read a second, two cores"),
    Figure(
        "translate", "chrf_fr_google", "names of categories into French, 1,000 pairs: chrF (copied: 17.7)"
    ),
    Figure("translate", "chrf_fr_off", "names of foods into French (copied: 23.7)"),
    Figure("translate", "chrf_gain", "over the best of general pairs, own pairs and the memory, each alone"),
    Figure("translate", "memory_gain", "over the same without its memory"),
    Figure("translate", "score_corr", "least correlation of score and chrF, fr and de"),
    Figure("translate", "numbers_kept", "titles whose numbers all stay, ten directions"),
    Figure("translate", "terms_kept", "titles whose brands all stay"),
    Figure("images", "fine0", "photos by catalogue icons alone: accuracy, 81 classes"),
    Figure("images", "coarse0", "the same, coarse classes"),
    Figure("images", "fine5", "81 classes with 5 labelled photos each"),
    Figure("images", "gain5", "what the icons add to these"),
    Figure("images", "fine_all", "with all labelled photos"),
    Figure("images", "fusion_gain", "title and picture together, over the better of the two"),
    Figure("images", "embed_over_forward", "seconds of an embedding over the networks' bare forward pass"),
    Figure("markets", "tau", "simulated markets ranked by margin: Kendall's tau with the truth"),
    Figure("markets", "coverage", "share of worlds whose margins all lie in the joint 90 % intervals"),
    Figure("markets", "facts0", "facts of each market as columns: error taken away, no label, real trade"),
    Figure("markets", "facts15", "with 15 labels"),
    Figure(
        "recommend",
        "ndcg",
        "WSDM Cup 2022, market t1, official candidates: nDCG@10, all of t1 and four others",
    ),
    Figure("recommend", "ndcg0", "the same without an event of t1"),
    Figure("recommend", "ndcg211", "with 211 users of t1"),
    Figure("recommend", "ndcg513", "with 513"),
    Figure("recommend", "ndcg1023", "with 1,023"),
    Figure("recommend", "worst_vs_target", "least of what the other markets bring to any of these"),
    Figure("recommend", "seconds", "seconds to fit home's four markets and carry them to t1"),
    Figure("recommend", "users_s", "seconds of the top ten of 10,000 users, from SQL"),
    Figure("recommend", "vs_implicit", "top ten unseen items, against implicit's: times faster, same scores"),
    Figure("honest", "held_twins", "cells whose 95 % interval holds, target lists home's products"),
    Figure("honest", "held_new", "the same where it sells others"),
    Figure("honest", "held_estimated", "the same of ESTIMATED, without a label"),
    Figure("honest", "overlap_helps", "noise and rows on both sides: HELPS in so many of 360 draws"),
    Figure("honest", "power", "true gains found, two classes, 15 % positive: share of draws"),
    Figure("honest", "false_claims", "gains claimed of an unrelated source: share of draws"),
    Figure("honest", "suggested_for_200", "rows picked by `xb.suggest_labels` that do what 200 at random do"),
    Figure("honest", "capitals_loss", "accuracy lost on titles in capitals"),
    Figure("honest", "wide_s", "seconds of a transfer of 1,000 rows of 800 columns"),
    Figure("torture", "kills", "processes killed at work, none of which lost or changed anything"),
    Figure("torture", "calls", "odd calls from SQL, Python and Polars"),
    Figure("torture", "mutants", "mutants of LightGBM texts, manifests, arrays and indexes"),
    Figure("torture", "deaths", "deaths of the process in these"),
    Figure("torture", "silent", "answers changed in silence in these"),
    Figure("report", "seconds", "seconds of `xb.market_report` over a million order lines"),
    Figure("report", "mb", "megabytes of that page"),
    Figure("report", "requests", "what it has a browser fetch"),
    Figure("adapt", "recover", "accuracy after a flip and 200 labels, short of the best in hindsight"),
    Figure("adapt", "false_alarms", "alarms in 10,000 rows without a change"),
    Figure("adapt", "cost_share", "seconds of `xb.adapt` that follows 1,000 labels over those of a new fit"),
    Figure("adapt", "refit_share", "the same where these labels bring that new fit"),
    Figure("adapt", "years_ok", "of nine years, as good as the better of never and always refit"),
    Figure("cost", "transfer_ratio", "CPU time of a transfer of texts over that at commit a02259f"),
    Figure("cost", "match_ratio", "the same of a match of 2,000 x 50,000"),
    Figure("cost", "fit_ratio", "of a fit of 5,000 titles into 21 classes"),
    Figure("cost", "fit_rows_ratio", "of the same with four columns beside"),
    Figure("cost", "label_curve_ratio", "of a label curve"),
    Figure("cost", "fit_table_ratio", "of a fit of 100,000 rows of numbers and categories"),
    Figure("cost", "transfer_table_ratio", "of a transfer from them"),
    Figure("entities", "f1_gain", "food categories in six languages: F1 over one-to-one pairs of languages"),
    Figure("entities", "precision", "of its pairs, 15 pairs of languages"),
    Figure("entities", "left_alone", "rows that lack their product in a language: share that got none there"),
    Figure("entities", "wrong_variant", "simulated offers: joined pairs that differ in size"),
    Figure("entities", "ece", "the same: calibration error of a row's score"),
    Figure("entities", "minutes", "200,000 offers in each of six markets, in blocks, two cores: carried on"),
    Figure("few", "vs_best", "few series: error of the blend over that of the best of six rivals"),
    Figure("few", "coverage_min", "least share of values inside its 90 % intervals"),
    Figure("few", "coverage_max", "largest"),
    Figure("few", "one_series_s", "seconds of fitting and forecasting one series of 90 days"),
)


LOSSES = (
    Figure(
        "tabular", "neg50", "33 real tables, 50 labels: share of runs worse by .005 than the labels alone"
    ),
    Figure("tabular", "neg200", "the same from 200 labels on"),
    Figure("tabular", "worst50", "what the worst of these runs lost, 50 labels"),
    Figure("tabular", "worst200", "from 200 labels on"),
    Figure("forecast", "pinball_worst", "demand, worst country: gain over the best that needs no home"),
    Figure("recommend", "worst_vs_target", "recommendations, worst case: gain of the other markets, nDCG@10"),
    Figure("honest", "false_claims", "a source that has nothing to do with it: share of draws called HELPS"),
    Figure("honest", "overlap_helps", "noise, the same rows on both sides: draws of 360 called HELPS"),
    Figure("honest", "power", "a true gain, one label in seven positive: share of draws called HELPS"),
)
PEERS = (
    Figure("kernels", "vs_duckdb", "exact top-10 over DuckDB's array_cosine_similarity: times faster"),
    Figure("kernels", "vs_faiss_tuned", "over faiss-cpu, tuned: times faster (under 1 is slower)"),
    Figure("search", "vs_best", "`xb.search` over the best tuned faiss index: times faster"),
    Figure("forecast", "series_vs_autoets", "10,000 series over statsforecast's AutoETS: times faster"),
    Figure("forecast", "owa_weekly", "M4 weekly, OWA: the winner of M4 has .851, less is better"),
    Figure("forecast", "owa_hourly", "M4 hourly, OWA: the winner of M4 has .440"),
    Figure("few", "vs_best", "few series: error over that of the best of six rivals, less is better"),
    Figure("recommend", "vs_implicit", "top ten unseen items over implicit's: times faster"),
)


def main(root: Path = ROOT) -> int:
    """Replace each table between its marks."""
    for (name, mark), made in TABLES.items():
        page, shown = root / name, made(root).replace("\\", r"\\")
        page.write_text(marks(mark).sub(rf"\g<1>{shown}\g<2>", page.read_text()))
    return 0


def table(root: Path = ROOT, figures: Sequence[Figure] = FIGURES) -> str:
    """The figures that have been measured, Markdown."""
    lines = ["| bench | figure | measured |", "|---|---|---|"]
    for figure in figures:
        found = headline(root, figure.subject).get(figure.key)
        if found is not None and found["p50"]:
            lines.append(f"| `{figure.subject}: {figure.key}` | {figure.says} | {float(found['p50']):.4g} |")
    return "\n".join(lines) + "\n"


def losses(root: Path = ROOT) -> str:
    """What transfer cost, or seemed to bring, where there was little to gain; Markdown."""
    return table(root, LOSSES)


def peers(root: Path = ROOT) -> str:
    """What was measured beside other projects; Markdown."""
    return table(root, PEERS)


def traps(root: Path = ROOT) -> str:
    """A line a trap: what it is, the scores of the arms and the verdicts of its seeds; Markdown."""
    path = root / "bench" / "results" / "traps.csv"
    found: dict[str, dict[str, float]] = {}
    for row in read(path) if path.is_file() else []:
        key = row["metric"] if row["implementation"] == "engine" else row["implementation"]
        found.setdefault(row["case"], {})[key] = float(row["p50"] or "nan")
    lines = ["| trap | what it is | may help | labels alone | home alone | blend | HELPS | HURTS |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for name in [name for name in TRAPS if name in found]:
        one, says = found[name], (TRAPS[name].__doc__ or "").splitlines()[0]
        trap = TRAPS[name](np.random.default_rng(0))
        helps = "yes" if trap.benign else "no" if trap.labelled.num_rows else "not known"
        scores = " | ".join(f"{one[arm]:.3f}" for arm in ("target_only", "source_only", "blend"))
        shares = " | ".join(f"{one[f'says {verdict}']:.0%}" for verdict in ("HELPS", "HURTS"))
        lines.append(f"| {name} | {says} | {helps} | {scores} | {shares} |")
    return "\n".join(lines) + "\n"


TABLES: dict[tuple[str, str], Callable[[Path], str]] = {
    ("README.md", "figures"): table,
    ("docs/hurts.md", "traps"): traps,
    ("docs/hurts.md", "losses"): losses,
    ("docs/comparison.md", "peers"): peers,
}


def headline(root: Path, subject: str) -> dict[str, Record]:
    """The headline rows of a subject by key; empty where it has no table."""
    path = root / "bench" / "results" / f"{subject}.csv"
    rows = read(path) if path.is_file() else []
    return {row["metric"]: row for row in rows if row["case"] == HEADLINE}


if __name__ == "__main__":
    sys.exit(main())
