"""Scenarios are data drawn from a seed: the same each time, and true to their family."""

from __future__ import annotations

import ipaddress

import pytest

from lab import traces
from lab.build import LADDER_BPS
from lab.scenarios import ALL, FAMILIES, Scenario, plan
from lab.topology import Wishes, draw, networks_csv
from streamnotice.bottlenecks import LEAF_NAMES, leaf

SEEDS = range(1, 41)


def _changes(scenario: Scenario) -> list[str]:
    both = (*scenario.links_before, *scenario.links_onset, *scenario.links_end)
    return [change.direction.partition(".")[0] for change in both]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_scenario(family: str) -> None:
    assert plan(family, 7) == plan(family, 7)
    assert plan(family, 7) != plan(family, 8)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fault_is_where_the_truth_says(family: str) -> None:
    for seed in SEEDS:
        scenario = plan(family, seed)
        for name in _changes(scenario):
            place = scenario.network.link(name).place
            if scenario.place.startswith("service"):
                assert place == "service"
            elif scenario.place == "undetermined":
                assert place in scenario.truth_among
            elif scenario.place != "none":
                assert place == scenario.place
        for crowd in scenario.crowds:
            assert crowd.source in scenario.network.nodes
            assert crowd.sink in scenario.network.nodes


@pytest.mark.parametrize("family", FAMILIES)
def test_place_and_condition_are_in_the_tree(family: str) -> None:
    for seed in SEEDS:
        scenario = plan(family, seed)
        if scenario.place == "none":
            assert scenario.condition is None
            assert scenario.severity == "none"
        elif scenario.place == "undetermined":
            assert scenario.condition is None
            assert len(set(scenario.truth_among) & set(LEAF_NAMES)) == 2
        else:
            assert scenario.place in LEAF_NAMES
            assert scenario.condition in leaf(scenario.place).conditions


def test_about_a_third_of_the_faults_are_there_before_play() -> None:
    drawn = [plan(f, s) for f in FAMILIES if not f.startswith("healthy") for s in SEEDS]
    share = sum(s.onset_s is None for s in drawn) / len(drawn)
    assert 0.25 < share < 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_an_address_belongs_to_one_host_and_the_table_knows_the_service(seed: int) -> None:
    network = draw(seed)
    owners: dict[str, str] = {}
    for one in network.adjacencies:
        for address, node in ((one.near_ip, one.near), (one.far_ip, one.far)):
            assert owners.setdefault(address, node) == node
    rows = networks_csv(network).splitlines()
    assert rows[0] == "network,asn,operator"
    table = {ipaddress.ip_network(row.split(",")[0]): int(row.split(",")[1]) for row in rows[1:]}
    edge = ipaddress.ip_address(network.addresses["edge"])
    assert [asn for net, asn in table.items() if edge in net] == [64520]
    own = [net for net, asn in table.items() if asn == 0]
    if network.home_ip:
        assert ipaddress.ip_address(network.viewer_ip) in own[0]
    else:
        assert own == []


def test_the_way_back_differs_only_where_the_fault_is_still_on_the_viewers_packets_way() -> None:
    for family in FAMILIES:
        for seed in SEEDS:
            scenario = plan(family, seed)
            if scenario.network.has("back") and scenario.severity != "none":
                assert not {"core1", "core2", "core3", "inter"} & set(_changes(scenario))


def test_the_kinds_of_networks_all_come_up() -> None:
    plans = [plan(family, seed).network for family in FAMILIES for seed in range(1, 9)]
    assert any(p.has("back") for p in plans)
    assert any(p.has("uplink") for p in plans)
    assert any(p.tunnel for p in plans)


def test_a_border_link_may_be_numbered_by_the_provider() -> None:
    for seed in SEEDS:
        network = draw(seed, Wishes(server_router=True, border_from_provider=True))
        provider = next(n.prefix for n in network.networks if n.operator == "provider")
        inter = network.link("inter")
        assert inter.place == "network.interconnect"
        assert ipaddress.ip_address(inter.far_ip) in ipaddress.ip_network(provider)


def test_two_faults_leave_too_little_each() -> None:
    for seed in SEEDS:
        scenario = plan("two.at-once", seed)
        assert scenario.factor is not None
        assert scenario.factor < 0.8


def test_a_fault_by_turns_says_when_it_is_there() -> None:
    found = [s for s in (plan("access.slow", seed) for seed in range(1, 80)) if s.phases_s]
    assert found
    for scenario in found:
        times = [at for phase in scenario.phases_s for at in phase]
        assert times == sorted(times)
        assert {c.after_s for c in scenario.links_onset} == set(times)


def test_a_trace_near_miss_never_starves_a_fixed_rendition() -> None:
    for seed in range(1, 60):
        scenario = plan("access.trace", seed)
        if scenario.severity != "near_miss":
            continue
        need = LADDER_BPS[-1] if scenario.rendition == "highest" else LADDER_BPS[0]
        begins = [(c.after_s, c.values["rate_bps"]) for c in scenario.links_onset]
        ends = [at for at, _ in begins[1:]] + [150.0]
        rows = [(end - at, bps) for (at, bps), end in zip(begins, ends, strict=True)]
        assert traces.lull_bps(rows) > 1.2 * need


def test_a_healthy_line_carries_the_top_rendition_with_some_to_spare() -> None:
    for seed in SEEDS:
        network = plan("healthy", seed).network
        assert min(link.down_bps for link in network.links) > 1.3 * LADDER_BPS[-1]


@pytest.mark.parametrize("family", [name for name in ALL if name.startswith("tunnel.")])
def test_a_family_in_a_tunnel_has_the_fault_that_it_is_named_after(family: str) -> None:
    for seed in range(3):
        inside, outside = plan(family, seed), plan(family.removeprefix("tunnel."), seed)
        assert inside.network.tunnel is not None
        assert (inside.place, inside.condition) == (outside.place, outside.condition)


@pytest.mark.parametrize(
    "family", ["edge.slow", "edge.overloaded", "edge.failing", "origin.slow", "origin.failing"]
)
def test_what_headers_say_has_nothing_to_do_with_which_server_is_at_fault(family: str) -> None:
    drawn = [plan(family, seed) for seed in range(1, 61)]
    silent = [one for one in drawn if not one.service.headers]
    assert 8 <= len(silent) <= 24
    alike = [one for one in silent if one.variant != "connections refused"]
    assert {one.truth_among for one in alike} == {("service.edge", "service.origin")}
    assert not any(one.truth_among for one in drawn if one.service.headers)
    cold = sum(not one.service.warm for one in drawn)
    assert cold == 60 if family.startswith("origin") else 8 <= cold <= 24
