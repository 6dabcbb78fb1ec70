"""How far things are has nothing to do with what is wrong: the shipped rows of `leap_place`."""

from __future__ import annotations

import json

import pytest

from lab.fit.counts import LEAP, NOWHERE, PATH_PLACES, POWER_BY_LOGIC
from lab.fit.page import VERDICT
from streamnotice.path.localise import STRETCHES

TABLE = json.loads((VERDICT / "fitted.json").read_text(encoding="utf-8"))
ROWS = TABLE["rules"][LEAP]["outcomes"]
LITTLE_MDB = 200


def _at(state: str) -> int | None:
    """Position on the way of a fault that may hold a queue that was there first."""
    place, _, condition = state.partition(":")
    place = {"network.home.sharing": "network.isp.access"}.get(place, place)
    queues = condition in ("crowded", "slow", "unsteady")
    return PATH_PLACES.index(place) if queues and place in PATH_PLACES else None


@pytest.mark.parametrize("outcome", [name for name in STRETCHES if name in ROWS])
def test_a_leap_speaks_for_a_queue_in_it_and_for_nothing_else(outcome: str) -> None:
    near, far = STRETCHES[outcome]
    weights = dict(zip(TABLE["states"], ROWS[outcome], strict=True))
    calm = weights["none:fine"]
    for state, weight in weights.items():
        if outcome in NOWHERE and state.startswith("network."):
            continue  # it leaves open all of the way, a tunnel's, too: one weight for all
        at = _at(state)
        if at is None or not near <= at <= far:
            assert weight <= calm + LITTLE_MDB, state


def test_it_speaks_loudest_for_a_crowd() -> None:
    weights = dict(zip(TABLE["states"], ROWS["access"], strict=True))
    assert max(weights, key=weights.__getitem__) in (
        "network.isp.access:crowded", "network.home.sharing:crowded",
    )  # fmt: skip


def test_what_is_no_news_weighs_about_once() -> None:
    power = TABLE["rules"][LEAP]["temper_permille"] / 1000
    assert power == POWER_BY_LOGIC[LEAP]
    tired = TABLE["fatigue_steps"]
    assert 0.8 < power * sum(tired / (tired + n) for n in range(15)) < 1.2
