"""Which answer tells most: by entropies that can be worked out by hand."""

from __future__ import annotations

import pytest

from streamnotice.verdict.next_probe import (
    NOT_KNOWN_BITS,
    home_bits,
    hop_bits,
    reference_bits,
    sharing_bits,
)

WAY = (
    "network.home.wifi",
    "network.isp.access",
    "network.isp.core",
    "network.isp.core",
    "network.interconnect",
)
CORE, BETWEEN, ACCESS = "network.isp.core", "network.interconnect", "network.isp.access"


def test_the_hop_between_two_suspects_tells_all() -> None:
    bits = hop_bits(WAY, {ACCESS: 500_000, CORE: 500_000})
    assert bits == pytest.approx((0.0, 1.0, 0.311, 0.0, 0.0), abs=1e-3)


def test_which_link_of_a_place_it_is_changes_no_name() -> None:
    assert hop_bits(WAY, {CORE: 1_000_000}) == (0.0,) * 5


def test_that_nothing_is_wrong_is_not_what_is_asked() -> None:
    alone = hop_bits(WAY, {ACCESS: 500_000, CORE: 500_000})
    calm = hop_bits(WAY, {"none": 990_000, ACCESS: 5_000, CORE: 5_000})
    assert calm == pytest.approx(alone)


def test_while_nobody_is_suspected_all_answers_are_alike() -> None:
    for nobody in ({}, {"none": 1_000_000}, {"none": 999_900, CORE: 100}):
        assert hop_bits(WAY, nobody) == (NOT_KNOWN_BITS,) * 5
        assert home_bits(nobody) == reference_bits(nobody) == NOT_KNOWN_BITS


def test_the_server_shows_in_its_own_answers_alone() -> None:
    bits = hop_bits(WAY, {BETWEEN: 500_000, "service.edge": 500_000})
    assert bits == (0.0,) * 5, "nobody's answer can part these two"
    bits = hop_bits((*WAY, "service"), {BETWEEN: 500_000, "service.edge": 500_000})
    assert bits == pytest.approx((0, 0, 0, 0, 1, 0))


def test_a_blurred_link_may_be_either() -> None:
    way = (WAY[0], ACCESS, f"{CORE}|{BETWEEN}", BETWEEN, "service")
    bits = hop_bits(way, {CORE: 400_000, BETWEEN: 600_000})
    # behind the third hop it is the second suspect's by half: h(0.7) - 0.6 h(0.5)
    assert bits == pytest.approx((0, 0, 0.881 - 0.6, 0, 0), abs=1e-3)


def test_others_at_home_fill_the_line() -> None:
    """No hop parts them from the line; the home router's counters do."""
    suspects = {"network.home.sharing": 500_000, ACCESS: 500_000}
    assert hop_bits(WAY, suspects) == (0.0,) * 5
    assert sharing_bits(suspects) == pytest.approx(1.0)


def test_a_tunnel_carries_home_and_provider_unseen() -> None:
    way = ("network.vpn", None, "service")
    bits = hop_bits(way, {"network.vpn": 300_000, CORE: 200_000, BETWEEN: 500_000})
    assert bits == pytest.approx((1.0, 0.0, 0.0))


def test_what_all_ways_share_shows_at_a_reference() -> None:
    assert reference_bits({CORE: 500_000, BETWEEN: 500_000}) == pytest.approx(1.0)
    assert reference_bits({CORE: 500_000, "network.home.wifi": 500_000}) == 0.0
    assert home_bits({CORE: 500_000, "network.home.wifi": 500_000}) == pytest.approx(1.0)


def test_a_way_of_no_hops_is_none() -> None:
    assert hop_bits((), {CORE: 1_000_000}) == ()
