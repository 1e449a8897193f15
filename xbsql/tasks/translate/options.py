"""Options of a translation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from xbsql import errors
from xbsql.features.scripts import NAMES
from xbsql.tasks.options import COLUMN, WORD, Option, Options, choice, whole
from xbsql.translation.external import network


@dataclass(frozen=True)
class TranslateOptions(Options):
    """What a user may decide of a translation beside the data."""

    text: Annotated[
        str | None,
        Option(COLUMN, "the column of source texts", shown="the one text column beside the label"),
    ] = None
    kind: Annotated[
        str | None,
        Option(
            COLUMN,
            "a column that says what a row is: 'pair', 'title' (a text of the target market alone), 'term' "
            "(this translation and no other), 'dictionary', 'protected' (stays as it is), 'forbidden' (must "
            "not be in a translation)",
            shown="the column 'kind', where there is one",
        ),
    ] = None
    src: Annotated[
        str | None, Option(WORD, "the language of the source texts, ISO 639-1", shown="what it looks like")
    ] = None
    dst: Annotated[
        str | None,
        Option(WORD, "the language of the translations", shown="what it looks like", at_home=False),
    ] = None
    units: Annotated[
        str,
        Option(
            choice("kept", "market"),
            "sizes: as the source has them, or as those of the model's market ('12 in' as '30,5 cm' for FR)",
        ),
    ] = "kept"
    external: Annotated[
        str | None,
        Option(
            WORD,
            "the folder of a network of your own, of CTranslate2 or Marian, with SentencePiece models: one "
            "more origin, `external`",
            shown="abroad that of the home model, where its languages are the same",
            path=network,
        ),
    ] = None
    seed: Annotated[int, Option(whole(0), "of folds and resamples")] = 0

    def check(self, where: str) -> None:
        """Refuse codes that are no language, and twice the same one."""
        for name, code in (("src", self.src), ("dst", self.dst)):
            if code is not None and language(code) not in NAMES:
                raise errors.unknown(where, f"language for the option '{name}'", code, NAMES)
        if self.src is not None and self.dst is not None and language(self.src) == language(self.dst):
            problem = f"src and dst are both '{errors.shown(language(self.src))}'"
            raise errors.invalid(where, problem, "name two languages")


def language(code: str) -> str:
    """A code without its region: 'zh' of 'zh-TW'."""
    return code.replace("_", "-").split("-")[0].lower()
