"""Torture by LightGBM text: a file from elsewhere, and a model of the store."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.torture_case import Case, rows
from bench.torture_mutants import text_of

if TYPE_CHECKING:
    from pathlib import Path


class Text(Case):
    """LightGBM text by both roads: a file from elsewhere, and a model of the store."""

    @staticmethod
    def prepare(folder: Path) -> None:
        """Plain models of every objective that is carried on from."""
        import lightgbm as lgb

        table = rows(400, 0)
        codes = np.unique(table["mode"].to_pylist(), return_inverse=True)[1].astype(float)
        x = np.stack([np.asarray(table["weight"]), np.asarray(table["size"]), codes], axis=1)
        days = np.asarray(table["days"])
        classes = np.digitize(days, [4, 6]).astype(float)
        goals: dict[str, tuple[dict[str, Any], Any]] = {
            "values": ({"objective": "regression", "monotone_constraints": [1, 0, 0]}, days),
            "quantile": ({"objective": "quantile", "alpha": 0.9}, days),
            "two": ({"objective": "binary"}, (days > 4).astype(float)),
            "many": ({"objective": "multiclass", "num_class": 3}, classes),
        }
        for name, (settings, y) in goals.items():
            data = lgb.Dataset(x, y, categorical_feature=[2])
            made = lgb.train({**settings, "verbosity": -1, "num_threads": 1, "num_leaves": 7}, data, 6)
            head, _, _ = made.model_to_string().rpartition("pandas_categorical")
            (folder / f"{name}.txt").write_text(f'{head}pandas_categorical:[["air", "road", "sea"]]\n')

    def attack(self, seed: int) -> str:
        """One mutant by one of the two roads."""
        from xbsql.engine.booster_text import BrokenText, read_plain
        from xbsql.engine.candidates.boosted import BoostedPredictor
        from xbsql.engine.design import Layout
        from xbsql.features.views import Features
        from xbsql.store.model import State

        random = Random(seed)
        files = sorted(self.folder.glob("*.txt"))
        text = text_of(random.choice(files).read_text(), random)
        classes, width, levels = None, 3, (2,)
        if seed % 2:
            plain = read_plain("torture", "file.txt", text)
            width = plain.booster.num_feature()
            found = BoostedPredictor(Layout(("table",), levels), plain.classes, plain.text, width)
        else:
            classes = random.choice((None, 2, 3))
            config = {"views": ["table"], "categorical": [2], "classes": classes, "width": 3}
            try:
                found = BoostedPredictor.from_state(State("boosted", config, texts={"model": text}))
            except BrokenText:
                return "refused"
        answer = found.predict(Features({"table": np.full((5, width), 1.0)}))
        shape = (5,) if found.classes is None else (5, found.classes)
        if answer.shape != shape or not np.isfinite(answer).all():
            return f"silent: {answer.shape} {answer.ravel()[:3]}"
        return "other"
