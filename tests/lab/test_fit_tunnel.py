"""A tunnel is no evidence against itself: what is seen inside one speaks for no place under it."""

from __future__ import annotations

import json

import pytest

from lab.fit.counts import FOUND_BY, INSIDE_TUNNELS, NOWHERE
from lab.fit.page import VERDICT


@pytest.mark.parametrize("rule", sorted(INSIDE_TUNNELS))
def test_inside_a_tunnel_no_place_under_it_is_preferred(rule: str) -> None:
    table = json.loads((VERDICT / "fitted.json").read_text(encoding="utf-8"))
    row = dict(zip(table["states"], table["rules"][rule]["outcomes"]["vpn"], strict=True))
    for state, weight in row.items():
        place, _, condition = state.partition(":")
        if not place.startswith("network.") or place == "network.vpn":
            continue
        way = FOUND_BY.get(condition, condition)
        tunnel = {
            other.partition(":")[2]: inside
            for other, inside in row.items()
            if other.startswith("network.vpn:")
        }
        alike = [w for c, w in tunnel.items() if FOUND_BY.get(c, c) == way] or [*tunnel.values()]
        assert min(alike) <= weight <= max(alike), state


@pytest.mark.parametrize("rule", sorted(INSIDE_TUNNELS))
@pytest.mark.parametrize("outcome", NOWHERE)
def test_an_answer_that_names_no_place_prefers_none(rule: str, outcome: str) -> None:
    table = json.loads((VERDICT / "fitted.json").read_text(encoding="utf-8"))
    weights: dict[str, set[int]] = {}
    row = table["rules"][rule]["outcomes"][outcome]
    for state, weight in zip(table["states"], row, strict=True):
        place, _, condition = state.partition(":")
        if place.startswith("network."):
            weights.setdefault(FOUND_BY.get(condition, condition), set()).add(weight)
    assert all(len(found) == 1 for found in weights.values()), weights
