"""The rows of `bench.gpu` around reweighting: R rows, M kernel means, C covariance, D domains, T transfer."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from bench import kernel_peers_gpu as peers
from bench.gpu_rows import Row, Scale, vectors

THREE = 3  # products of bfloat16 halves that a float32 product takes

if TYPE_CHECKING:
    from collections.abc import Callable


def normalize(scale: Scale) -> Row:
    """Weigh, normalise and cast ten million rows of float32."""
    from xbsql.kernels import cpu_moments, reweight

    n, d = scale.rows(10**7), 384 if scale.divisor == 1 else 64
    _, x = vectors(scale, 1, n, d, "float32")
    w = torch.rand(d, device=scale.device, dtype=torch.float64)

    def plain() -> Tensor:
        y = x * w.float()
        return torch.nn.functional.normalize(y, dim=1).to(scale.half)

    def check() -> None:
        part = x[:1000]
        wanted = cpu_moments.reweight_normalize(part.cpu(), w.cpu(), True, torch.float32)[0]
        found = reweight.reweight_normalize(part, w, True, torch.float32)[0]
        torch.testing.assert_close(found.cpu(), wanted, rtol=1e-5, atol=1e-6)

    ways: dict[str, Callable[[], Any]] = {
        "xbsql": lambda: reweight.reweight_normalize(x, w, True, scale.half)[0],
        "torch": plain,
    }
    if scale.divisor == 1:
        ways["torch.compile"] = torch.compile(plain)
    moved = x.numel() * (4 + scale.half.itemsize)
    same = _near(1e-2)
    return Row("R1", {"N": n, "d": d}, moved, 3 * x.numel(), torch.float32, ways, check, agrees=same)


def _samples(scale: Scale, n: int, m: int, d: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator(scale.device).manual_seed(1)
    x = torch.randn(n, d, generator=generator, device=scale.device)
    return x, torch.randn(m, d, generator=generator, device=scale.device) + 0.05


def _plain_mmd2(x: Tensor, y: Tensor, gamma: float) -> float:
    """Torch: distances and exponentials of 4,096 rows with all at a time; the V-statistic."""

    def mean(a: Tensor, b: Tensor) -> float:
        parts = (a[s : s + 4096] for s in range(0, len(a), 4096))
        total = sum((float((torch.cdist(part, b).square() * -gamma).exp().sum()) for part in parts), 0.0)
        return total / (len(a) * len(b))

    return mean(x, x) + mean(y, y) - 2 * mean(x, y)


def mmd(scale: Scale) -> Row:
    """Squared MMD of two samples of 100,000."""
    from xbsql.kernels import cpu_mean, kernel_mean

    n, d = scale.rows(10**5) // (1 if scale.divisor == 1 else 6), 128 if scale.divisor == 1 else 32
    x, y = _samples(scale, n, n, d)
    gamma = 1 / (2 * d)

    def check() -> None:
        host = (x[:3000].cpu(), y[:3000].cpu())
        wanted = cpu_mean.mmd2(*host, [gamma], True, None, None)
        found = kernel_mean.mmd2(x[:3000], y[:3000], [gamma], True, None, None)
        torch.testing.assert_close(torch.tensor(found), torch.tensor(wanted), rtol=1e-2, atol=1e-6)

    ways: dict[str, Callable[[], Any]] = {
        "xbsql": lambda: kernel_mean.mmd2(x, y, [gamma], True, None, None),
        "torch": lambda: _plain_mmd2(x, y, gamma),
        **peers.means(x, y, gamma),
    }
    flops = THREE * 4 * n * n * d
    sizes: dict[str, object] = {"n": n, "m": n, "d": d}
    return Row("M1", sizes, 8 * n * d, flops, torch.bfloat16, ways, check, agrees=_near(2 / n))


def _near(off: float, share: float = 2e-2) -> Callable[[Any, Any], bool]:
    """Whether a peer's numbers are ours, up to `off` and a share of them.

    A V-statistic of n rows is above the unbiased estimate by up to 2 / n.
    """

    def agrees(ours: object, theirs: object) -> bool:
        mine, other = (torch.as_tensor(each).detach().double().cpu() for each in (ours, theirs))
        return torch.allclose(mine.reshape(-1), other.reshape(-1), rtol=share, atol=off)

    return agrees


def matvec(scale: Scale) -> Row:
    """RBF kernel matrix of 100,000 rows and 1,000 centres times a vector."""
    from xbsql.kernels import cpu_mean, kernel_mean

    n, m, d = scale.rows(10**5) // (1 if scale.divisor == 1 else 6), min(1000, scale.rows(1000)), 128
    d = d if scale.divisor == 1 else 32
    x, y = _samples(scale, n, m, d)
    b, gamma = torch.rand(m, 1, dtype=torch.float64, device=scale.device), 1 / (2 * d)

    def plain() -> Tensor:
        return (torch.cdist(x, y).square() * -gamma).exp() @ b.float()

    def check() -> None:
        wanted = cpu_mean.rbf_matvec(x[:500].cpu(), y.cpu(), b.cpu(), gamma)
        found = kernel_mean.rbf_matvec(x[:500], y, b, gamma)
        torch.testing.assert_close(found.cpu(), wanted, rtol=1e-4, atol=1e-4)

    ways = {"xbsql": lambda: kernel_mean.rbf_matvec(x, y, b, gamma), "torch": plain}
    ways |= peers.products(x, y, b, gamma)
    flops = THREE * 2 * n * m * d
    sizes: dict[str, object] = {"n": n, "m": m, "d": d}
    return Row("M2", sizes, 4 * (n + m) * d, flops, torch.bfloat16, ways, check, agrees=_near(1e-3))


def covariance(scale: Scale) -> Row:
    """Weighted covariance of a million rows; half of it, with its diagonal, is the least to multiply."""
    from xbsql.kernels import cpu_moments
    from xbsql.kernels.covariance import moments

    n, d = scale.rows(10**6), 384 if scale.divisor == 1 else 40
    x, _ = _samples(scale, n, 1, d)
    w = torch.rand(n, device=scale.device, dtype=torch.float64)

    def plain() -> Tensor:
        share = (w / w.sum()).float()
        centred = x - share @ x
        return (centred * share[:, None]).T @ centred

    def check() -> None:
        wanted = cpu_moments.moments(x[:20_000].cpu(), w[:20_000].cpu())
        for mine, theirs in zip(moments(x[:20_000], w[:20_000]), wanted, strict=True):
            torch.testing.assert_close(mine.cpu(), theirs, rtol=1e-4, atol=1e-5)

    ways: dict[str, Callable[[], Any]] = {"xbsql": lambda: moments(x, w), "torch": plain}
    flops = THREE * n * d * (d + 1)

    def same(ours: tuple[Tensor, Tensor], theirs: Tensor) -> bool:
        return _near(1e-3)(ours[1], theirs)

    return Row("C1", {"N": n, "d": d}, 4 * n * d, flops, torch.bfloat16, ways, check, agrees=same)


def domains(scale: Scale) -> Row:
    """Squared MMD of every two of 16 domains of 20,000; at the least each domain meets itself once."""
    from xbsql.kernels import cpu_mean
    from xbsql.kernels.kernel_mean import between

    count, n, d = (16, 20_000, 128) if scale.divisor == 1 else (3, 64, 32)
    x = [_samples(scale, n, 1, d)[0].roll(shift, 0) + 0.05 * shift for shift in range(count)]
    gamma, pairs = 1 / (2 * d), list(combinations(range(count), 2))

    def ours(parts: list[Tensor]) -> Tensor:
        table = between(parts, [gamma], unbiased=True)
        return torch.stack([table[i, j] for i, j in pairs])

    def check() -> None:
        few = [part[:500] for part in x]
        host = [part.cpu() for part in few]
        wanted = [cpu_mean.mmd2(host[i], host[j], [gamma], True, None, None) for i, j in pairs]
        torch.testing.assert_close(ours(few), torch.tensor(wanted).double(), rtol=1e-2, atol=1e-6)

    ways: dict[str, Callable[[], Any]] = {
        "xbsql": lambda: ours(x),
        "torch": lambda: [_plain_mmd2(x[i], x[j], gamma) for i, j in pairs],
    }
    flops = THREE * (2 * len(pairs) + count) * n * n * d
    sizes: dict[str, object] = {"domains": count, "n": n, "d": d}
    return Row("D1", sizes, 4 * count * n * d, flops, torch.bfloat16, ways, check, agrees=_near(2 / n))


def transfer(key: str, scale: Scale, n: int) -> Row:
    """Float32 rows of an Arrow column to the device; the floor is the link at its pinned rate."""
    from xbsql import arrow

    n, d = scale.rows(n), 384 if scale.divisor == 1 else 40
    x, block = torch.empty(n, d), torch.randn(min(n, 1 << 20), d)
    for s in range(0, n, len(block)):
        x[s : s + len(block)] = block[: n - s]
    column = arrow.vectors(x.numpy())

    def ours() -> Tensor:
        return arrow.to_device(column, scale.device, "bench gpu")

    def check() -> None:
        found = ours()
        for s in range(0, n, 1 << 20):
            torch.testing.assert_close(found[s : s + (1 << 20)].cpu(), x[s : s + (1 << 20)], rtol=0, atol=0)

    ways: dict[str, Callable[[], Any]] = {"xbsql": ours, "torch": lambda: x.to(scale.device)}
    if scale.divisor == 1:
        pinned = x.pin_memory()
        ways["torch, pinned before"] = lambda: pinned.to(scale.device, non_blocking=True)
    return Row(key, {"N": n, "d": d}, 4 * n * d, 0, torch.float32, ways, check, "link", torch.equal)
