"""What stands beside a fault is odd, harmless, and none of the fault."""

from __future__ import annotations

import pytest

from lab.build import LADDER_BPS
from lab.scenarios import FAMILIES, Scenario, plan

SEEDS = range(1, 31)


def _drawn(family: str) -> list[Scenario]:
    return [plan(f"beside.{family}", seed) for seed in SEEDS]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_fault_is_the_families_own(family: str) -> None:
    plain = plan(family, 1)
    for scenario in _drawn(family):
        assert (scenario.place, scenario.condition) == (plain.place, plain.condition) or (
            family == "healthy"
        )
        assert scenario.beside


@pytest.mark.parametrize("family", FAMILIES)
def test_the_oddity_is_elsewhere_and_was_there_before(family: str) -> None:
    for scenario in _drawn(family):
        plain_links = {change.direction.partition(".")[0] for change in scenario.links_onset}
        odd_links = {change.direction.partition(".")[0] for change in scenario.links_before}
        assert not plain_links & odd_links or family == "healthy"
        for crowd in scenario.crowds_before:
            assert {crowd.source, crowd.sink} <= set(scenario.network.nodes)
            assert crowd.sink not in {fault.sink for fault in scenario.crowds}
        if scenario.beside == "a busy border":
            assert scenario.place != "network.interconnect"
            share = scenario.network.link("inter").down_bps / (scenario.crowds_before[0].flows + 1)
            assert share > 1.9 * LADDER_BPS[-1]
        if scenario.beside == "a poor Wi-Fi":
            assert scenario.place != "network.home.wifi"
            assert scenario.links_before[-1].values["loss"] <= 0.004


def test_each_oddity_is_drawn_and_says_nothing_of_the_fault() -> None:
    drawn = [scenario for family in FAMILIES for scenario in _drawn(family)]
    seen = {scenario.beside for scenario in drawn}
    assert len(seen) == 8
    for oddity in seen:
        places = {scenario.place for scenario in drawn if scenario.beside == oddity}
        assert len(places) >= 8
    assert not any(plan(family, seed).beside for family in FAMILIES for seed in SEEDS)
