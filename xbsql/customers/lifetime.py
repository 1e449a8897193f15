"""How often customers order and for how much: BG/NBD and Gamma-Gamma, with another market as the prior.

While a customer is one, orders come at random at a rate of his own; after each repeat order he leaves with a
probability of his own (Fader, Hardie and Lee 2005, "Counting Your Customers" the Easy Way: the BG/NBD model).
What an order is worth varies around a mean of his own (Fader and Hardie 2013, The Gamma-Gamma Model of
Monetary Value). Home's parameters are a normal prior on their logarithms; how much the prior weighs is what
predicts best who was left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Loss: TypeAlias = Callable[[Floats, "Histories"], Floats]

SPREADS = (0.02, 0.1, 0.3, 1.0)
"""Standard deviations of home's prior that are tried, beside the loose one without home."""
LOOSE = 3.0
"""The standard deviation of the prior that knows no home: it keeps few customers from an edge."""
FOLDS = 5
NEVER_ONE = 1e-4
"""`a` is kept this far from 1, where the expectation's formula divides by zero and its limit is finite."""


class Rates(NamedTuple):
    """BG/NBD: an order rate ~ Gamma(shape r, rate alpha in days), a probability to leave ~ Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float


class Worth(NamedTuple):
    """Gamma-Gamma: an order ~ Gamma(p, nu), nu ~ Gamma(q, v) with rate v in money; q above 1."""

    p: float
    q: float
    v: float


class Prior(NamedTuple):
    """A normal prior on the logarithms of the parameters, (p,), with one standard deviation."""

    middle: Floats
    spread: float


@dataclass(frozen=True)
class Histories:
    """What of a customer's past matters; every array is float64 of shape (n,).

    Attributes:
        repeats: orders after the first, 0 or more.
        last: days from the first order to the last, 0 where there is one.
        age: days from the first order to today, at least `last`.
        value: mean worth of an order, above 0; NaN where it is not known.
    """

    repeats: Floats
    last: Floats
    age: Floats
    value: Floats

    def __len__(self) -> int:
        return len(self.repeats)

    def order(self) -> NDArray[np.intp]:
        """Places in an order of their own, (n,): what is drawn and left out depends on no order of rows."""
        return np.lexsort((self.value, self.age, self.last, self.repeats))

    def at(self, rows: NDArray[np.intp]) -> Histories:
        """Some of the customers."""
        return Histories(self.repeats[rows], self.last[rows], self.age[rows], self.value[rows])


def fit_rates(customers: Histories, home: Rates | None = None) -> Rates:
    """The parameters of the order process of a market.

    Args:
        customers: at least one.
        home: another market's parameters; the prior where given.
    """
    days = max(float(np.median(customers.age)), 1.0)
    priors = [Prior(np.log([0.5, days, 1.0, 3.0]), LOOSE)]
    if home is not None:
        priors += [Prior(np.log(home), spread) for spread in SPREADS]
    return Rates(*np.exp(_fitted(_rate_loss, customers, priors)).tolist())


def fit_worth(customers: Histories, home: Worth | None = None, home_value: float = np.nan) -> Worth:
    """The parameters of what orders are worth; of customers whose value is known.

    Args:
        customers: at least one with a value.
        home: another market's parameters; the prior where given, at its own prices and at this market's.
        home_value: the median value there.
    """
    known = customers.at(np.flatnonzero(np.isfinite(customers.value)))
    value = float(np.median(known.value))
    priors = [Prior(np.log([2.0, 2.0, value]), LOOSE)]
    if home is not None:
        levels = (home.v, home.v * value / home_value)
        priors += [Prior(np.log([home.p, home.q - 1, v]), spread) for v in levels for spread in SPREADS]
    p, over, v = np.exp(_fitted(_worth_loss, known, priors)).tolist()
    return Worth(p, over + 1, v)


def alive(rates: Rates, customers: Histories) -> Floats:
    """The probability that each is still a customer, (n,); 1 where nobody repeated (no one has left yet)."""
    r, alpha, a, b = rates
    x, last, age = customers.repeats, customers.last, customers.age
    odds = a / np.maximum(b + x - 1, 1e-12) * ((alpha + age) / (alpha + last)) ** (r + x)
    return 1 / (1 + np.where(x > 0, odds, 0.0))


def expected_orders(rates: Rates, customers: Histories, days: float) -> Floats:
    """Orders expected of each in the next `days`, (n,); equation 10 of the paper."""
    r, alpha, a, b = rates
    a = a if abs(a - 1) > NEVER_ONE else 1 + NEVER_ONE
    x, age = customers.repeats, customers.age
    z = days / (alpha + age + days)
    shrunk = ((alpha + age) / (alpha + age + days)) ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, z)
    found: Floats = (a + b + x - 1) / (a - 1) * (1 - shrunk) * alive(rates, customers)
    most = (r + x) / (alpha + age) * days  # the rate of who never leaves
    return np.minimum(np.maximum(found, 0.0), most)


def expected_value(worth: Worth, customers: Histories) -> Floats:
    """What the next order of each is worth, (n,): his own mean drawn towards the market's."""
    p, q, v = worth
    orders = np.where(np.isfinite(customers.value), customers.repeats + 1, 0.0)
    found: Floats = p * (v + orders * np.nan_to_num(customers.value)) / (p * orders + q - 1)
    return found


def draw_spend(
    rates: Rates, worth: Worth, customers: Histories, days: float, draws: int, seed: int
) -> Floats:
    """Draws of what each spends in the next `days`, (n, draws).

    Given that he is a customer still, his rate is Gamma(r + x, alpha + age) and his probability to leave is
    Beta(a, b + x); so orders are the smaller of a Poisson and a geometric number.
    """
    random = np.random.default_rng(seed)
    x, age = customers.repeats[:, None], customers.age[:, None]
    shape = (len(customers), draws)
    rate = random.gamma(rates.r + x, 1 / (rates.alpha + age), shape)
    leaving = np.maximum(random.beta(rates.a, rates.b + x, shape), 1e-12)
    here = random.random(shape) < alive(rates, customers)[:, None]
    orders = here * np.minimum(random.poisson(rate * days), random.geometric(leaving))
    known = np.where(np.isfinite(customers.value), customers.repeats + 1, 0.0)[:, None]
    own = worth.v + known * np.nan_to_num(customers.value)[:, None]
    inverse = random.gamma(worth.p * known + worth.q, 1 / own, shape)
    return np.where(orders > 0, random.gamma(np.maximum(worth.p * orders, 1e-12)) / inverse, 0.0)


def _fitted(loss: Loss, customers: Histories, priors: list[Prior]) -> Floats:
    """The logarithms of the parameters of least loss, under the prior that predicts who was left out best.

    With fewer customers than folds the second prior is taken, home's closest one, else the only one.
    """
    if len(priors) == 1 or len(customers) < FOLDS:
        return _least(loss, customers, priors[min(1, len(priors) - 1)])
    return _least(loss, customers, min(priors, key=lambda prior: _left_out(loss, customers, prior)))


def _left_out(loss: Loss, customers: Histories, prior: Prior) -> float:
    """The loss of customers that were left out of the fit."""
    fold = np.arange(len(customers)) % FOLDS
    total = 0.0
    for out in range(FOLDS):
        found = _least(loss, customers.at(np.flatnonzero(fold != out)), prior)
        total += float(loss(found, customers.at(np.flatnonzero(fold == out))).sum())
    return total


def _least(loss: Loss, customers: Histories, prior: Prior) -> Floats:
    """Where the summed loss and the prior's are least."""

    def both(theta: Floats) -> float:
        return float(loss(theta, customers).sum() + (((theta - prior.middle) / prior.spread) ** 2).sum() / 2)

    bounds = [(m - 12, m + 12) for m in prior.middle]
    found: Floats = minimize(both, prior.middle, method="L-BFGS-B", bounds=bounds).x
    return found


def _rate_loss(theta: Floats, customers: Histories) -> Floats:
    """The negative log likelihood of each, (n,); equation 6 of the paper, summed in logarithms."""
    r, alpha, a, b = np.exp(theta)
    x, last, age = customers.repeats, customers.last, customers.age
    rate = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stays = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age)
    with np.errstate(divide="ignore"):
        left = betaln(a + 1, np.maximum(b + x - 1, 1e-12)) - betaln(a, b) - (r + x) * np.log(alpha + last)
    found: Floats = -(rate + np.where(x > 0, np.logaddexp(stays, left), stays))
    return found


def _worth_loss(theta: Floats, customers: Histories) -> Floats:
    """The negative log likelihood of each mean worth, (n,); equation 1a of the note."""
    p, q, v = np.exp(theta[0]), np.exp(theta[1]) + 1, np.exp(theta[2])
    n, mean = customers.repeats + 1, customers.value
    found: Floats = (
        gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(v)
        + (p * n - 1) * np.log(mean) + p * n * np.log(n) - (p * n + q) * np.log(v + n * mean)
    )  # fmt: skip
    return -found
