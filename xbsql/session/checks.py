"""Whether this installation works: each check runs the real thing and says what it found."""

from __future__ import annotations

import platform
import secrets
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbsql.session.session import Session

PACKAGES = ("xbsql", "duckdb", "pyarrow", "torch", "lightgbm", "numpy")


def selfcheck(session: Session) -> list[dict[str, Any]]:
    """One row a check: name, ok, detail. A check that fails says why and stops none of the others."""
    checks: dict[str, Callable[[Session], str]] = {
        "versions": _versions,
        "store": _store,
        "encoder": _encoder,
        "pictures": _pictures,
        "kernels": _kernels,
        "device": _device,
    }
    return [_outcome(name, check, session) for name, check in checks.items()]


def _outcome(name: str, check: Callable[[Session], str], session: Session) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "detail": check(session)}
    except Exception as error:
        return {"name": name, "ok": False, "detail": " ".join(f"{type(error).__name__}: {error}".split())}


def _versions(_: Session) -> str:
    found = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return f"python {platform.python_version()}, {found}"


def _store(session: Session) -> str:
    folder = session.store.path
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".probe-{secrets.token_hex(4)}"
    probe.write_text("xbsql")
    probe.unlink()
    return f"{folder} is writable and holds {len(session.store.names())} models"


def _encoder(session: Session) -> str:
    encoder = session.encoder("text")
    vectors = encoder.encode(["red shoes", "rote Schuhe", "frozen pizza"])
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    if not near > far:
        message = f"'red shoes' is closer to 'frozen pizza' ({far:.2f}) than to 'rote Schuhe' ({near:.2f})"
        raise RuntimeError(message)
    return f"'text', {encoder.dim} numbers, weights checked, version {encoder.version}"


def _pictures(_: Session) -> str:
    from xbsql.features.image.encoder import picture_encoder
    from xbsql.sample import pictures

    encoder = picture_encoder()
    icons = pictures("US", 2).slice(0, 4)
    vectors = encoder.embed(icons["photo"].to_pylist()).vectors
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    if not near > far:
        message = f"a bag looks more like a bottle ({far:.2f}) than like a bag ({near:.2f})"
        raise RuntimeError(message)
    return f"'{encoder.name}', {encoder.dim} numbers, weights checked, version {encoder.version}"


def _kernels(_: Session) -> str:
    from xbsql import kernels
    from xbsql.kernels import reference

    generator = np.random.default_rng(0)
    queries, corpus = (generator.normal(size=(n, 48)).astype(np.float32) for n in (7, 5_000))
    scores, rows = kernels.topk(queries, corpus, 10)
    expected, _ranks = reference.topk(queries.astype(np.float64), corpus.astype(np.float64), 10, "dot")
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)
    return f"topk agrees with its float64 reference on {len(rows)} queries of {len(corpus)} rows"


def _device(session: Session) -> str:
    import torch

    found = torch.cuda.get_device_name() if torch.cuda.is_available() else "no CUDA device"
    return f"asked for {session.device}; {found}; {torch.get_num_threads()} CPU threads"
