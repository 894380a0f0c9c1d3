"""Stand-ins for what the core meets: providers, installed distributions, time."""

from tests.fakes.distributions import GOOD, Site, lines
from tests.fakes.flights import claim
from tests.fakes.interruption import Interruption
from tests.fakes.providers import BatchProvider, FakeProvider, ListingProvider, client_for
from tests.fakes.time import Time

__all__ = [
    "GOOD",
    "BatchProvider",
    "FakeProvider",
    "Interruption",
    "ListingProvider",
    "Site",
    "Time",
    "claim",
    "client_for",
    "lines",
]
