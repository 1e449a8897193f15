"""The LightGBM text that a model holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import lightgbm as lgb

_RANGE = re.compile(r"\[[^\]\s]*\]")


def kept_text(booster: lgb.Booster) -> str:
    """A booster as text without the least and the largest value of each column.

    LightGBM's header states these ranges, which are values of rows, and predicts without them. Codes of
    categories stay.
    """
    text: str = booster.model_to_string()
    return re.sub(r"(?m)^feature_infos=.*$", lambda line: _RANGE.sub("none", line[0]), text, count=1)
