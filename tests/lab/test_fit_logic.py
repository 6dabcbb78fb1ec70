"""Rows of the shipped table that follow from logic, where the lab's runs are few or its own."""

from __future__ import annotations

import json
from math import log10

import pytest

from lab.fit.counts import LEAP, NOWHERE, SPEAKS_OF_PLACES, TUNNEL_LINK, UNDERLAY, found_by
from lab.fit.page import VERDICT

TABLE = json.loads((VERDICT / "fitted.json").read_text(encoding="utf-8"))
STATES = [tuple(state.split(":")) for state in TABLE["states"]]
ROUNDING_MDB = 2


def rows(rule: str) -> dict[str, dict[tuple[str, ...], int]]:
    return {
        outcome: dict(zip(STATES, row, strict=True))
        for outcome, row in TABLE["rules"][rule]["outcomes"].items()
    }


@pytest.mark.parametrize("rule", sorted((SPEAKS_OF_PLACES | {"first_hop"}) - {LEAP}))
def test_a_rendition_too_high_shows_where_any_slow_link_does(rule: str) -> None:
    for outcome, row in rows(rule).items():
        slow = [w for (place, cause), w in row.items() if cause == "slow" and "network" in place]
        mean = 10_000 * log10(sum(10 ** (w / 10_000) for w in slow) / len(slow))
        assert row["player", "misjudged"] == pytest.approx(mean, abs=ROUNDING_MDB), outcome


def test_the_link_of_a_tunnels_server_is_no_other_places() -> None:
    for outcome, row in rows(TUNNEL_LINK).items():
        others = {
            weight
            for (place, _), weight in row.items()
            if place not in ("network.vpn", "undetermined")
        }
        assert len(others) == 1, outcome
    long = rows(TUNNEL_LINK)["long"]
    assert long["network.vpn", "crowded"] > 5_000 > max(others)


@pytest.mark.parametrize("outcome", NOWHERE)
def test_under_a_tunnel_too_an_answer_that_names_no_place_prefers_none(outcome: str) -> None:
    """Of the way to its server: what lies behind that is off it."""
    found: dict[str, set[int]] = {}
    for (place, cause), weight in rows(UNDERLAY)[outcome].items():
        if place.startswith("network.") and place != "network.interconnect":
            found.setdefault(found_by(cause), set()).add(weight)
    assert all(len(weights) == 1 for weights in found.values()), found
