"""The sample market: a catalogue in six languages, and simulated trade whose shifts are known."""

from xbsql.sample.examples import add_examples
from xbsql.sample.pictures import SHAPES, pictures
from xbsql.sample.products import catalog, categories
from xbsql.sample.simulator import Simulation, simulate
from xbsql.sample.truth import TRUTH, MarketTruth, Shift, Truth

__all__ = [
    "SHAPES",
    "TRUTH",
    "MarketTruth",
    "Shift",
    "Simulation",
    "Truth",
    "add_examples",
    "catalog",
    "categories",
    "pictures",
    "simulate",
]
