"""Faults of the way up: on the links that they are said to be on, and nothing of them downwards."""

from __future__ import annotations

import pytest

from lab.scenarios import plan
from lab.upward import UPWARD

SEEDS = range(1, 30)


@pytest.mark.parametrize("family", UPWARD)
def test_what_goes_down_has_its_way(family: str) -> None:
    place = {"wifi": "network.home.wifi", "sharing": "network.home.sharing"}.get(
        family.partition(".")[0]
    )
    for seed in SEEDS:
        scenario = plan(f"up.{family}", seed)
        assert scenario == plan(f"up.{family}", seed)
        assert scenario.condition == family.partition(".")[2]
        assert place in (None, scenario.place)
        changes = [*scenario.links_before, *scenario.links_onset]
        assert all(change.direction.endswith(".up") for change in changes)
        for change in scenario.links_onset:
            link = scenario.network.link(change.direction.removesuffix(".up"))
            assert link.place == scenario.place
        for crowd in scenario.crowds:
            assert crowd.source in ("device", "neighbour", "crowdsink")
            assert crowd.sink in scenario.network.addresses
        assert scenario.crowds or scenario.links_onset
