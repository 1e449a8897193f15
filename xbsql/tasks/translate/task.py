"""Translation of product information, and what general pairs or another market's bring to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from xbsql import errors
from xbsql.features.personal import personal
from xbsql.metrics.rows import bootstrap_counts, interval
from xbsql.tasks.task import Asked, Problem, Task, mine
from xbsql.tasks.translate.evidence import Translated, decided, untried
from xbsql.tasks.translate.material import HomePart, stock_of
from xbsql.tasks.translate.measured import measured
from xbsql.tasks.translate.options import TranslateOptions
from xbsql.tasks.translate.reading import read, source_column
from xbsql.tasks.translate.translation import Translation, encode
from xbsql.translation.chooser import Chooser
from xbsql.translation.external import External
from xbsql.translation.proposals import FAMILY
from xbsql.translation.trial import FEWEST, tried

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from xbsql.engine.candidate import Family
    from xbsql.progress import Progress
    from xbsql.store.model import Model
    from xbsql.tasks.translate.reading import Material

DRAWS: Final = 500


@dataclass(frozen=True)
class Origin:
    """Where a translation can come from: the engine's candidate for texts.

    Attributes:
        name: see `proposals.ORIGINS`.
        family: what it reuses.
        prior: weight before any evidence.
        pooled: whether it stands as the arm 'pooled'.
    """

    name: str
    family: Family
    prior: float = 1.0
    pooled: bool = False


@dataclass(frozen=True)
class TranslateProblem(Problem[Origin, Translated, Translation]):
    """Pairs of one market, or of a target with a source.

    Attributes:
        material: the market's.
        options: of the user, checked.
        text: the column of source texts; label: of translations.
        home: what the source knows; None at home.
        external: a network of the user's.
    """

    material: Material
    options: TranslateOptions
    text: str
    label: str
    home: HomePart | None = None
    external: External | None = None
    metric = "chrf"

    def __len__(self) -> int:
        return len(self.material.pairs)

    def candidates(self) -> list[Origin]:
        """The origins that can say something here."""
        own = bool(self.material.pairs or self.material.dictionary)
        names = ["copy"]
        names += ["memory", "edit"] if self.material.pairs else []
        names += ["phrases"] if own else []
        if self.home is not None and self.home.knowledge is not None:
            names += ["home"] + (["pooled"] if own else [])
        names += ["external"] if self.external is not None else []
        names += ["catalogue"] if self.material.titles else []
        return [Origin(name, FAMILY[name], pooled=name == "pooled") for name in [*names, "guess"]]  # type: ignore[arg-type]

    def weighed(self, candidates: Sequence[Origin], progress: Progress) -> Translated:
        """The origins tried on pairs that were held out, and the chooser of what they say."""
        names = frozenset(candidate.name for candidate in candidates)
        source = self.home is not None
        progress(0.0, "learning phrases")
        own, stock = stock_of(self.material, self.home, names, self.options.seed, external=self.external)
        count = len(np.unique(own.pairs.unit))
        if count < FEWEST:
            chooser = (
                self.home.chooser if self.home is not None and self.home.chooser is not None else Chooser()
            )
            return untried(stock, chooser, candidates, len(self), source=source)
        progress(0.3, "trying them")
        whole = tried(own.pairs, own.taught, stock, encode, self.options.seed, _told(progress, 0.3, 0.6))
        alone = None
        if self.home is not None and (self.home.knowledge or self.home.bridge) is not None:
            mine_, bare = stock_of(
                self.material,
                None,
                frozenset(n for n in names if FAMILY[n] == "target"),
                self.options.seed,
                stock,
                self.external,
            )
            alone = (
                bare,
                tried(mine_.pairs, mine_.taught, bare, encode, self.options.seed, _told(progress, 0.6, 0.9)),
            )
        return decided(candidates, own.pairs.unit, (stock, whole), alone, self.options.seed)

    def model(self, found: Translated) -> Translation:
        """The translator that is delivered."""
        return Translation(
            found.stock, found.chooser, self.text, self.label, self.material.src, self.material.dst
        )

    def scores(self, found: Translated) -> list[dict[str, Any]]:
        """ChrF of the choice out of fold, and how the score follows it; none with too few pairs."""
        if found.true is None or found.expected is None:
            return []
        counts = bootstrap_counts(len(found.true), DRAWS, self.options.seed)
        lo, hi = interval(counts @ found.true / len(found.true))
        rows = [
            {"metric": "chrf", "value": float(found.true.mean()), "lo": lo, "hi": hi, "rows": len(found.true)}
        ]
        if found.true.std() and found.expected.std():
            value = float(np.corrcoef(found.expected, found.true)[0, 1])
            rows.append(
                {
                    "metric": "score_correlation",
                    "value": value,
                    "lo": None,
                    "hi": None,
                    "rows": len(found.true),
                }
            )
        return rows

    def notes(self, found: Translated) -> list[str]:
        """The languages, how much was read, and conflicts of terms."""
        material = self.material
        said = f"{material.src or 'unknown'} to {material.dst or 'unknown'}, {len(material.pairs)} pairs"
        more = [f"{len(material.titles)} titles"] if material.titles else []
        more += [f"{len(material.dictionary)} dictionary entries"] if material.dictionary else []
        home = [] if self.home is None else list(self.home.notes)
        return [", ".join([said, *more]), *material.notes, *home]


def refuse_turned(where: str, material: Material, home: HomePart) -> None:
    """Refuse pairs that look as if they went the other way than home's.

    Raises:
        XbsqlError: they do.
    """
    if material.src and (material.src, material.dst) == (home.dst, home.src):
        problem = (
            f"home translates {home.src} to {home.dst}, and these pairs {material.src} to {material.dst}"
        )
        raise errors.invalid(where, problem, "let the other column be the label, or say src and dst")


def refuse_personal(asked: Asked, options: TranslateOptions, text: str) -> None:
    """Refuse source texts that look personal, since a memory keeps them; a column that is named is read.

    Raises:
        XbsqlError: they do.
    """
    found = {} if options.text is not None else personal(asked.data.select([text]))
    for name, kind in found.items():
        problem = f"column '{name}' looks like {kind}, and a translator remembers its texts"
        raise errors.invalid(asked.where, problem, f"translate another, or say {{'text': '{name}'}}")


def _told(progress: Progress, begin: float, end: float):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """A function that turns the folds of a trial into a share."""
    done = 0

    def told(text: str) -> None:
        nonlocal done
        done += 1
        progress(begin + (end - begin) * min(done / 4, 1.0), text)

    return told


class Translating(Task[Translation, Translated]):
    """A table holds one row a pair: a text, and what it is in the target language."""

    name = "translate"
    options = TranslateOptions

    def accepts(self, schema: pa.Schema, label: str, options: Mapping[str, Any]) -> bool:
        """Only where the user says so: a pair of texts could as well be a text and its class."""
        return False

    def at_home(self, asked: Asked) -> TranslateProblem:
        """Pairs of one market.

        Raises:
            XbsqlError: an option or a column that cannot be used, or nothing to learn from.
        """
        options = TranslateOptions.of(asked.where, asked.options)
        material = _read(asked, asked.data, options)
        refuse_personal(asked, options, text := source_column(asked.where, asked.data, asked.label, options))
        if not (material.pairs or material.dictionary):
            problem = f"no row has both a text and a translation in '{errors.shown(asked.label)}'"
            raise errors.invalid(asked.where, problem, "give pairs")
        return TranslateProblem(
            material, options, text, asked.label, external=_external(asked.where, options)
        )

    def abroad(self, asked: Asked, base: Model | None, source: pa.Table | None) -> TranslateProblem:
        """The target's pairs, titles and texts, with home's pairs or its model.

        Raises:
            XbsqlError: an option or a column that cannot be used, or nothing to learn from.
        """
        options = TranslateOptions.of(asked.where, asked.options)
        material = _read(asked, asked.data, options)
        refuse_personal(asked, options, text := source_column(asked.where, asked.data, asked.label, options))
        if base is not None:
            home = HomePart.of_model(mine(asked.where, base, Translation), material)
        else:
            asked.step(0.0, "home: learning phrases")
            home = self._of_rows(asked, source, options, material)
        refuse_turned(asked.where, material, home)
        if not material.dst and home.dst:
            material = replace(material, dst=home.dst)
        external = _external(asked.where, options) or home.external
        return TranslateProblem(material, options, text, asked.label, home, external)

    def _of_rows(
        self, asked: Asked, source: pa.Table | None, options: TranslateOptions, material: Material
    ) -> HomePart:
        assert source is not None
        given = {
            k: v
            for k, v in asked.options.items()
            if k not in ("dst",) and (k != "text" or v in source.column_names)
        }
        if asked.label not in source.column_names:
            raise errors.unknown(
                asked.where, "label column", asked.label, source.column_names, place="the source has"
            )
        theirs = _read(asked, source, TranslateOptions.of(asked.where, given))
        return HomePart.of_rows(theirs, material, trained=len(material.pairs) < FEWEST, seed=options.seed)

    def evaluated(self, model: Model, table: pa.Table, label: str, by: str | None) -> list[dict[str, Any]]:
        """See `measured`."""
        return measured(mine("xb.evaluate", model, Translation), table, label, by)


def _read(asked: Asked, table: pa.Table, options: TranslateOptions) -> Material:
    """A table, in the market's sizes where these are asked for.

    Raises:
        XbsqlError: see `read`; or there is no market whose sizes could be meant.
    """
    material = read(asked.where, table, asked.label, options)
    if options.units == "kept":
        return material
    if asked.market is None:
        problem = "the option units = 'market' needs a market"
        raise errors.invalid(asked.where, problem, "say it: market := 'FR'")
    return replace(material, market=asked.market)


def _external(where: str, options: TranslateOptions) -> External | None:
    return None if options.external is None else External.of(where, options.external)


TASK: Final = Translating()
