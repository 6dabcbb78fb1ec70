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
            assert not scenario.network.has("back")
        if scenario.beside == "a poor Wi-Fi":
            assert scenario.place != "network.home.wifi"
            loss = scenario.links_before[-1].values["loss"]
            rtt_s = scenario.network.base_rtt_ms() / 1e3
            far = [c for c in scenario.links_before if "delay_ms" in c.values]
            assert not far
            assert not scenario.crowds
            # what TCP makes of it (Mathis et al., CCR 1997) leaves enough for any rendition
            assert 1.2 * 1448 * 8 / (rtt_s * loss**0.5) > 2.9 * LADDER_BPS[-1]
        if scenario.beside == "a router that answers late":
            ((late, ms),) = scenario.network.slow_icmp
            assert ms > 20
            assert late not in scenario.network.silent
            beside = {k.place for k in scenario.network.links if late in (k.near, k.far)}
            assert not beside & {scenario.place, *scenario.truth_among}
        if scenario.beside == "a small upload at home":
            up_bps = scenario.network.link("access").up_bps
            assert scenario.crowds_before[0].mean_bytes * 8 / 2 <= up_bps / 5


def test_each_oddity_is_drawn_and_says_nothing_of_the_fault() -> None:
    drawn = [scenario for family in FAMILIES for scenario in _drawn(family)]
    seen = {scenario.beside for scenario in drawn}
    assert len(seen) == 8
    for oddity in seen:
        places = {scenario.place for scenario in drawn if scenario.beside == oddity}
        assert len(places) >= 8
    assert not any(plan(family, seed).beside for family in FAMILIES for seed in SEEDS)
