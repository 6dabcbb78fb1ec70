"""The lab by IPv6: the same plans with other addresses, and nothing changed for those by IPv4."""

from __future__ import annotations

import gzip
import hashlib
import ipaddress
import json
import struct
from pathlib import Path

import attrs
import pytest

from lab.names import answer
from lab.scenarios import ALL, FAMILIES, plan
from lab.six import by_ipv6, icmp_limits_ms, is_ipv6, literal
from lab.topology import Wishes, draw, networks_csv
from streamnotice.path.networks import parse_networks
from streamnotice.path.roles import assign_roles
from tests.lab.played import counted

SEEDS = range(1, 31)
OUTSIDERS = {"joined": 1, "closes": False, "keeps_s": 1, "second_after": None, "second_bps": None}
"""What only an outsider's families have a service do, and what it does in all others."""
SIX = sorted(family for family in ALL if family.startswith("v6."))


def test_plans_by_ipv4_are_what_they_were() -> None:
    """Published runs can be drawn again, but for what came later and has dice of its own: address
    translation, second faults, a reference without a name, and servers that fail for some requests
    alone. Who changes the lab on purpose puts the new sum here."""
    drawn, translate, homes, nameless = hashlib.sha256(), 0, 0, 0
    for family in FAMILIES:
        for seed in range(1, 41):
            made = attrs.asdict(plan(family, seed))
            assert made.pop("then") is None
            translate += made["network"].pop("translates")
            homes += made["network"]["home_ip"] is not None
            nameless += made["service"].pop("reference_by_address")
            for fault in filter(None, (made["edge_fault"], made["origin_fault"])):
                assert (fault.pop("hits"), fault.pop("free_bytes")) == ("all", 0)
                assert fault.pop("retry_s") is None
            for crowd in made["crowds"]:
                assert (crowd.pop("steady_bps"), crowd.pop("after_s")) == (0, 0.0)
            for name, usual in OUTSIDERS.items():
                assert made["service"].pop(name) == usual
            for name in ("again_s", "target_s", "at_once", "retry_s"):
                assert made["habit"] is None or made["habit"].pop(name) in (0.0, 1)
            drawn.update(json.dumps(made).encode())
    assert drawn.hexdigest() == "96e008e7fe53ad93a461d9b6cecd86f83c1f65a3fe3e0b78e0176e98520de680"
    assert 0.8 < translate / homes < 0.9
    assert 0.4 < nameless / (40 * len(FAMILIES)) < 0.6


@pytest.mark.parametrize("family", SIX)
def test_all_of_a_plan_is_ipv6(family: str) -> None:
    for seed in SEEDS:
        scenario = plan(family, seed)
        network = scenario.network
        assert scenario == plan(family, seed)
        assert is_ipv6(network)
        assert (network.tunnel, network.split_at, scenario.service.igd) == (None, None, False)
        hosts = [*network.addresses.values(), *(a for k in network.adjacencies for a in _ends(k))]
        assert all(ipaddress.ip_address(one).version == 6 for one in hosts)
        assert scenario.place == "none" or family.startswith("v6.")


def _ends(one: object) -> tuple[str, str]:
    return one.near_ip, one.far_ip  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", SEEDS)
def test_addresses_are_exchanged_one_for_one(seed: int) -> None:
    want = Wishes(
        device=True, dns=True, crowd_on="access", neighbour=True, second_router=seed % 2 == 0
    )
    old = draw(seed, want)
    new = by_ipv6(old)
    assert by_ipv6(old) == new
    there: dict[str, str] = {}
    for before, after in zip(old.adjacencies, new.adjacencies, strict=True):
        for mine, six in zip(_ends(before), _ends(after), strict=True):
            assert there.setdefault(mine, six) == six
    assert len(set(there.values())) == len(there)
    for name in ("seed", "hops", "silent", "slow_icmp", "congestion"):
        assert getattr(old, name) == getattr(new, name)
    assert old.base_rtt_ms() == new.base_rtt_ms()
    assert set(icmp_limits_ms(new)) == set(new.nodes)


@pytest.mark.parametrize("seed", SEEDS)
def test_places_are_told_by_what_a_viewer_sees_of_such_a_network(seed: int) -> None:
    network = by_ipv6(draw(seed, Wishes(second_router=seed % 3 == 0)))
    at = {one.far: one.far_ip for one in network.links}
    way = [one for one in network.links if one.name not in ("orig", "refa", "refb")]
    hops = [at[one.far] for one in way]
    gateway = "fe80::1" if network.home_ip else hops[0]
    link = [network.home_prefix] if network.home_prefix else []
    table = parse_networks(networks_csv(network).splitlines())
    roles = assign_roles(hops, network.addresses["edge"], gateway, None, table, link)
    for said, one in zip(roles.segments, way, strict=True):
        assert said is not None
        # a server's router that an exchange has numbered: by that, it is still on the way there
        numbered = one.name == "srv" and said == "network.interconnect"
        assert numbered or one.place in said.split("|")
    if network.home_ip:
        assert roles.segments[0] == "network.home.wifi"


def test_the_table_lists_the_home_in_half_of_the_plans() -> None:
    rows = [networks_csv(by_ipv6(draw(seed, Wishes(home=True)))) for seed in range(200)]
    assert 70 < sum(",0,home" in row for row in rows) < 130


def test_names_have_records_of_their_addresses_family() -> None:
    query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + b"\x04play\0"
    records = {"play": "2001:db8::5"}
    found = answer(query + struct.pack("!HH", 28, 1), records, 20)
    assert found.endswith(ipaddress.ip_address("2001:db8::5").packed)
    none = answer(query + struct.pack("!HH", 1, 1), records, 20)
    assert struct.unpack_from("!6H", none)[3] == 0
    assert literal("2001:db8::5") == "[2001:db8::5]"
    assert literal("192.0.2.5") == "192.0.2.5"


@pytest.mark.lab
@pytest.mark.timeout(180)
def test_a_run_by_ipv6_sees_the_path(live_lab: None, tmp_path: Path) -> None:
    seed = next(
        s
        for s in range(1, 99)
        if (one := plan("v6.healthy", s)).network.home_ip
        and not one.network.silent
        and not one.network.has("uplink")
        and one.variant == "plain"
    )
    truth, folder = counted(tmp_path, "v6.healthy", seed, 12)
    assert truth["outcome"]["notices"] == []
    with gzip.open(folder / "dossier.jsonl.gz", "rt") as file:
        text = file.read()
    seen = [json.loads(line) for line in text.splitlines()]
    routes = [row for row in seen if row.get("kind") == "route" and row["role"] == "service"]
    assert routes[-1]["complete"]
    assert routes[-1]["segments"][:2] == ["network.home.wifi", "network.isp.access"]
    probes = [row for row in seen if row.get("kind") == "hop-probe"]
    assert sum(row["outcome"] == "ttl_exceeded" for row in probes) > 5
    assert all(
        address not in text for address in truth["scenario"]["network"]["addresses"].values()
    )
