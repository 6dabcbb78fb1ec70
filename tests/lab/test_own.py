"""The fourth outsider's families: plain faults where the truth says, of lines as they are made."""

from __future__ import annotations

import subprocess

import pytest

from lab import build
from lab.outsider import OUTSIDERS
from lab.outsider.draws import HIGH, LOW
from lab.outsider.own_draws import MAKES
from lab.scenarios import ALL, plan
from streamnotice.bottlenecks import LEAF_NAMES, leaf

OWN = [f"own.{family}" for family in OUTSIDERS["own."]]
SEEDS = range(1, 31)


@pytest.mark.parametrize("family", OWN)
def test_the_fault_stands_where_the_truth_says(family: str) -> None:
    for seed in SEEDS:
        made = plan(family, seed)
        assert made == plan(family, seed)
        network = made.network
        crowds = (*made.crowds, *made.crowds_before)
        assert {end for crowd in crowds for end in (crowd.source, crowd.sink)} <= set(network.nodes)
        if made.place == "none":
            assert (made.condition, made.severity, made.onset_s) == (None, "none", None)
            continue
        assert made.place in LEAF_NAMES
        assert made.condition in leaf(made.place).conditions
        assert not made.truth_among or made.place in made.truth_among
        at = {network.link(c.direction.partition(".")[0]).place for c in made.links_onset}
        wanted = "service" if made.place.startswith("service") else made.place
        assert at <= {wanted}


@pytest.mark.parametrize("family", OWN)
def test_a_line_is_of_one_make(family: str) -> None:
    for seed in SEEDS:
        line = plan(family, seed).network.link("access")
        assert any(
            make.delay_ms[0] <= line.delay_ms <= make.delay_ms[1]
            and make.jitter_ms[0] <= line.jitter_ms <= make.jitter_ms[1]
            for make in MAKES.values()
        )


@pytest.mark.parametrize("family", [one for one in OWN if ".well." in one])
def test_where_all_is_well_each_link_carries_what_is_asked_of_it(family: str) -> None:
    for seed in SEEDS:
        made = plan(family, seed)
        need = HIGH if made.rendition == "highest" else LOW
        rates = {one.name: float(one.down_bps) for one in made.network.links}
        for change in made.links_before:
            name, _, way = change.direction.partition(".")
            if way == "down" and "copper" not in family and "mobile" not in family:
                rates[name] = min(rates[name], change.values.get("rate_bps", rates[name]))
        taken = sum(c.steady_bps for c in made.crowds_before if c.sink != "world")
        assert min(rates.values()) > 1.3 * need
        shared = "access" if "family" in family else ("core", "inter")
        if taken:
            assert min(v for k, v in rates.items() if k.startswith(shared)) > taken + 2.5 * need


def test_each_place_of_the_tree_but_a_few_has_its_fault() -> None:
    places = {plan(family, 1).place for family in OWN}
    assert set(LEAF_NAMES) - places == {"player", "network.vpn", "service.source"}
    assert set(OWN) <= set(ALL)


@pytest.mark.lab
def test_datagrams_come_at_their_rate(live_lab: None) -> None:
    """Two seconds of four Mbit/s, in a namespace of their own."""
    program = build.program("crowd")
    script = (
        "ip link set lo up; "
        f"{program} sink 7000 & sink=$!; sleep 0.2; "
        f"{program} steady 127.0.0.1 7000 4000000 2; "
        "kill $sink; grep lo: /proc/net/dev"
    )
    told = subprocess.run(
        ["unshare", "-rn", "sh", "-c", script], capture_output=True, text=True, check=True
    ).stdout
    received = int(told.partition(":")[2].split()[0])
    assert received == pytest.approx(1_000_000, rel=0.08)
