"""When a name that was spoken may stay: what else is likely decides, not that it is over."""

from __future__ import annotations

import pytest

from streamnotice.decibans import PPM, from_ratio
from streamnotice.policy import Policy
from streamnotice.verdict.filter import Filter
from streamnotice.verdict.naming import Namer
from streamnotice.verdict.tables import shipped

TABLES = shipped()
NAMER = Namer.build(TABLES, Policy().settings())
NAME = "network.interconnect"


def belief(**ppm: int) -> Filter:
    """What is left goes to `none`."""
    shares = {place.replace("__", "."): share for place, share in ppm.items()}
    logs = [from_ratio(1, PPM * 1000)] * len(TABLES.states)
    logs[0] = from_ratio(PPM - sum(shares.values()), PPM)
    for place, share in shares.items():
        logs[NAMER.names[place][0]] = from_ratio(share, PPM)
    return Filter(logs)


@pytest.mark.parametrize(
    ("share", "rival", "stays"),
    [
        (900_000, 50_000, True),
        (800_000, 190_000, False),  # the bar of a third party is 0.99, and 0.15 less holds
        (85_000, 15_000, True),  # nothing is wrong any more, most likely, but what was is known
        (60_000, 40_000, False),
        (9_000, 3_000, True),  # over: all causes are back at what they are by themselves
        (1, 144_000, False),  # refuted, whatever else is likely
        (3_000, 9_000, False),
    ],
)
def test_another_cause_takes_a_name_back_and_nothing_else(
    share: int, rival: int, stays: bool
) -> None:
    found = belief(network__interconnect=share, network__home__wifi=rival)
    assert NAMER.holds(NAME, found) is stays
