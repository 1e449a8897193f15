"""What the store knows of a model, as rows."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.engine.verdict import Verdict
    from xbsql.store.model import Model
    from xbsql.store.store import Artifact


def verdict_card(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON values, its outcome under the name 'verdict'."""
    card = asdict(verdict)
    return {"verdict": card.pop("outcome"), **card}


def arm_rows(verdict: Mapping[str, Any], weights: Mapping[str, float]) -> list[dict[str, Any]]:
    """One row an arm, each with the verdict and the weights of the candidates beside it."""
    shared = {name: value for name, value in verdict.items() if name not in ("arms", "notes")}
    shared["weights"] = ", ".join(f"{name} {weight:.2f}" for name, weight in weights.items()) or None
    shared["note"] = "; ".join(verdict["notes"]) or None
    return [
        {**shared, "arm": arm["name"], **{k: arm[k] for k in ("value", "lo", "hi")}}
        for arm in verdict["arms"]
    ]


def shown_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """The weights of the candidates that have one, the heaviest first."""
    found = sorted(weights, key=lambda name: (-weights[name], name))
    return {name: round(float(weights[name]), 3) for name in found if weights[name] > 0}


def model_row(found: Artifact) -> dict[str, Any]:
    """A version as a row of `xb.models()`."""
    card = found.card
    return {
        "model": found.name,
        "version": found.version,
        "promoted": found.promoted,
        "task": card.get("task"),
        "label": card.get("label"),
        "market": card.get("market"),
        "base": card.get("base"),
        "verdict": card.get("verdict", {}).get("verdict"),
        "rows": card.get("rows"),
        "bytes": found.size,
        "created": found.created,
    }


def card_rows(found: Artifact, model: Model) -> list[dict[str, str]]:
    """A version as rows (section, key, value) of `xb.model_card()`."""
    rows = [
        ("model", "name", found.name),
        ("model", "version", str(found.version)),
        ("model", "promoted", str(found.promoted).lower()),
        ("model", "created", found.created),
        ("model", "bytes", str(found.size)),
        ("model", "path", str(found.path)),
    ]
    rows += [("input", field.name, str(field.type)) for field in model.signature.inputs]
    output = model.signature.output
    listed = output.item_type if pa.types.is_map(output) else output
    rows += [("output", field.name, str(field.type)) for field in listed]
    rows += flat("card", found.card)
    return [{"section": section, "key": key, "value": value} for section, key, value in rows]


def flat(section: str, values: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Nested values as rows; a list of records becomes one section a record."""
    rows: list[tuple[str, str, str]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            rows += flat(key, value)
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for item in value:
                rows += flat(f"{key} {item.get('name') or item.get('metric') or ''}".strip(), item)
        elif value is not None:
            rows.append((section, key, value if isinstance(value, str) else json.dumps(value)))
    return rows
