"""Places of links: from what is known of hops, never from their number."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamnotice.bottlenecks import is_leaf
from streamnotice.path.networks import Network, NetworkTable, parse_networks
from streamnotice.path.roles import Roles, assign_roles

WIFI, ACCESS, CORE = "network.home.wifi", "network.isp.access", "network.isp.core"
BETWEEN, SERVICE, VPN = "network.interconnect", "service", "network.vpn"

TABLE = NetworkTable(
    [
        ("192.168.0.0/16", Network(0)),
        ("10.77.0.0/16", Network(0)),
        ("81.1.0.0/16", Network(100)),  # the provider
        ("10.9.0.0/16", Network(100)),  # ... inside, privately numbered
        ("62.2.0.0/16", Network(200)),  # transit
        ("93.3.0.0/16", Network(300)),  # the server's network
    ]
)
HOME, P1, P2, PP = "192.168.1.1", "81.1.0.1", "81.1.0.2", "10.9.0.1"
T1, S1, S2, TARGET = "62.2.0.1", "93.3.0.1", "93.3.0.2", "93.3.9.9"


EITHER = "network.isp.core|network.interconnect"


@pytest.mark.parametrize(
    ("hops", "target", "places"),
    [
        (
            [HOME, P1, P2, T1, S1, S2, TARGET],
            TARGET,
            [WIFI, ACCESS, CORE, BETWEEN, BETWEEN, SERVICE, SERVICE],
        ),
        ([HOME, P1, S1, TARGET], TARGET, [WIFI, ACCESS, BETWEEN, SERVICE]),
        ([HOME, PP, P1, TARGET], TARGET, [WIFI, ACCESS, CORE, BETWEEN]),  # table beats ranges
        ([HOME, "10.77.0.1", P1, TARGET], TARGET, [WIFI, WIFI, ACCESS, BETWEEN]),  # double NAT
        ([P1, P2, TARGET], TARGET, [ACCESS, CORE, BETWEEN]),  # no home router
        ([HOME, P1, P2, "81.1.9.9"], "81.1.9.9", [WIFI, ACCESS, CORE, CORE]),  # cache at the ISP
        ([HOME, "192.168.1.50"], "192.168.1.50", [WIFI, WIFI]),
        ([HOME, P1, None, P2, T1, TARGET], TARGET, [WIFI, ACCESS, CORE, CORE, BETWEEN, BETWEEN]),
        ([HOME, P1, None, T1, TARGET], TARGET, [WIFI, ACCESS, EITHER, BETWEEN, BETWEEN]),
        ([HOME, None, P1, TARGET], TARGET, [WIFI, None, None, BETWEEN]),
        ([HOME, None, None, TARGET], TARGET, [WIFI, None, None, None]),
        # behind a silent hop the first known network may be the provider or already transit
        ([HOME, None, P1, P2, T1, TARGET], TARGET, [WIFI, None, None, EITHER, BETWEEN, BETWEEN]),
        ([None, P1, TARGET], TARGET, [WIFI, ACCESS, BETWEEN]),  # the gateway is known all the same
        # the server's own network is not in the table: where it begins, nobody says
        ([HOME, P1, T1, "5.5.5.5"], "5.5.5.5", [WIFI, ACCESS, BETWEEN, f"{BETWEEN}|{SERVICE}"]),
        # the table says where the home ends: a private hop after it is the provider's
        ([HOME, "10.4.5.6", P1, TARGET], TARGET, [WIFI, ACCESS, CORE, BETWEEN]),
        ([HOME, "10.4.5.6", TARGET], TARGET, [WIFI, ACCESS, EITHER]),
        (
            [HOME, None, "10.4.5.6", P1, TARGET],
            TARGET,
            [WIFI, f"{WIFI}|{ACCESS}", f"{ACCESS}|{CORE}", EITHER, BETWEEN],
        ),
        ([HOME, P1, P2], TARGET, [WIFI, ACCESS, CORE]),  # far end not reached
        ([], TARGET, []),
    ],
)
def test_with_a_table(hops: list[str | None], target: str, places: list[str | None]) -> None:
    roles = assign_roles(hops, target, HOME, None, TABLE)
    assert list(roles.segments) == places


def test_a_table_that_knows_no_home_leaves_the_gateway_open() -> None:
    """A phone's gateway can have a private address, and is the provider's."""
    table = parse_networks(["81.0.0.0/8,64500,provider", "93.0.0.0/8,64520,service"])
    roles = assign_roles(["10.9.0.1", P1, TARGET], TARGET, "10.9.0.1", None, table)
    assert roles.segments[0] == f"{WIFI}|{ACCESS}"
    assert WIFI not in roles.segments


def test_how_it_was_known() -> None:
    assert assign_roles([HOME, P1, TARGET], TARGET, HOME, None, TABLE).why == "table"
    assert assign_roles(["172.16.0.1", P1], TARGET, "172.16.0.1", None, TABLE).why == (
        "addresses+table"
    )
    assert assign_roles([HOME, P1, TARGET], TARGET, HOME).why == "addresses"


@pytest.mark.parametrize(
    ("hops", "gateway", "places"),
    [
        ([HOME, P1, P2, TARGET], HOME, [WIFI, ACCESS, None, None]),
        ([HOME, "100.64.0.1", P1, TARGET], HOME, [WIFI, ACCESS, None, None]),
        ([HOME, "10.5.0.1", P1, TARGET], HOME, [WIFI, None, None, None]),
        ([P1, P2, TARGET], P1, [ACCESS, None, None]),
        (["100.64.0.1", P1, TARGET], "100.64.0.1", [ACCESS, None, None]),
        ([None, P1, TARGET], HOME, [WIFI, ACCESS, None]),
        ([None, P1, TARGET], None, [None, None, None]),
        ([HOME, None, P1, TARGET], HOME, [WIFI, None, None, None]),
        ([HOME, TARGET], HOME, [WIFI, None]),  # the far end alone tells nothing of the way
        ([HOME, P1, TARGET], "192.168.9.9", [None, None, None]),
        (["fd00::1", "2a00::1", "2a01::9"], "fd00::1", [WIFI, ACCESS, None]),
        (["127.0.0.1"], None, [None]),
        (["nonsense", P1, TARGET], HOME, [None, None, None]),
    ],
)
def test_without_a_table(
    hops: list[str | None], gateway: str | None, places: list[str | None]
) -> None:
    assert list(assign_roles(hops, hops[-1] or TARGET, gateway).segments) == places


def test_through_a_tunnel() -> None:
    roles = assign_roles(["10.8.0.1", T1, S1, TARGET], TARGET, None, "tunnel", TABLE)
    assert roles.segments[0] == VPN
    assert ACCESS not in roles.segments
    assert CORE not in roles.segments
    assert assign_roles([None, T1], TARGET, "10.8.0.1", "tunnel").segments == (VPN, None)


# By IPv6: the home's prefix is of the provider's, the gateway known by its link-local address.
TABLE6 = NetworkTable(
    [
        ("2a00:100::/32", Network(100)),
        ("2a01:200::/32", Network(200)),
        ("2a02:300::/32", Network(300)),
        ("93.3.0.0/16", Network(300)),
    ]
)
LINK = ("2a00:100:5:1::/64",)
HOME6, INNER6, WAN6 = "2a00:100:5:1::1", "2a00:100:5:9::1", "2a00:100:f::2"
P6, PP6, T6, S6, TARGET6 = (
    "2a00:100:f::1", "2a00:100:f::9", "2a01:200::1", "2a02:300::1", "2a02:300::9",
)  # fmt: skip
BEYOND6 = f"{ACCESS}|{CORE}"
HERE6 = f"{WIFI}|{ACCESS}"


@pytest.mark.parametrize(
    ("hops", "places", "places_by_table"),
    [
        ([HOME6, P6, TARGET6], [WIFI, ACCESS, None], [WIFI, ACCESS, BETWEEN]),
        (["fd12:3::1", P6, TARGET6], [WIFI, ACCESS, None], [WIFI, ACCESS, BETWEEN]),
        ([None, P6, TARGET6], [WIFI, ACCESS, None], [WIFI, ACCESS, BETWEEN]),
        (["fe80::1", P6, TARGET6], [WIFI, ACCESS, None], [WIFI, ACCESS, BETWEEN]),
        ([HOME6, P6, PP6, T6, S6, TARGET6], [WIFI, ACCESS, None, None, None, None],
         [WIFI, ACCESS, CORE, BETWEEN, BETWEEN, SERVICE]),
        # a second router, with another part of what the home was given: or the provider's
        ([HOME6, INNER6, P6, TARGET6], [WIFI, HERE6, None, None], [WIFI, HERE6, BEYOND6, BETWEEN]),
        # the router answers from the address that it has on the provider's side
        ([WAN6, P6, TARGET6], [HERE6, None, None], [HERE6, BEYOND6, BETWEEN]),
        ([HOME6, None, P6, TARGET6], [WIFI, None, None, None], [WIFI, HERE6, BEYOND6, BETWEEN]),
        ([HOME6, "2a00:100:5:1::50"], [WIFI, WIFI], [WIFI, WIFI]),
        # unique local addresses behind the first router are anybody's
        ([HOME6, "fd77::1", P6, TARGET6], [WIFI, None, None, None],
         [WIFI, HERE6, BEYOND6, BETWEEN]),
        ([HOME6, "2002:5101:1::1", TARGET6], [WIFI, None, None], [WIFI, None, None]),
        ([HOME6], [WIFI], [WIFI]),
    ],
)  # fmt: skip
def test_by_ipv6(
    hops: list[str | None], places: list[str | None], places_by_table: list[str | None]
) -> None:
    target = hops[-1] or TARGET6
    assert list(assign_roles(hops, target, "fe80::1", None, None, LINK).segments) == places
    assert list(assign_roles(hops, target, "fe80::1", None, TABLE6, LINK).segments) == (
        places_by_table
    )


def test_by_ipv6_where_the_table_lists_the_home() -> None:
    table = parse_networks(
        ["2a00:100:5:1::/64,0", "2a00:100:5::/48,100", "2a00:100::/32,100", "2a02:300::/32,300"]
    )
    hops = [HOME6, INNER6, P6, TARGET6]
    roles = assign_roles(hops, TARGET6, "fe80::1", None, table, LINK)
    assert list(roles.segments) == [WIFI, ACCESS, CORE, BETWEEN]
    assert roles.why == "table"


def test_by_ipv6_without_a_local_network() -> None:
    """A phone, or a line that ends in this computer."""
    for table in (None, TABLE6):
        through_a_modem = assign_roles([P6, PP6, TARGET6], TARGET6, "fe80::1", "mobile", table)
        assert through_a_modem.segments[0] == ACCESS
        known = assign_roles([P6, PP6, TARGET6], TARGET6, P6, None, table)
        assert known.segments[0] == ACCESS
        # nothing says whose the gateway is
        unknown = assign_roles([P6, PP6, TARGET6], TARGET6, "fe80::1", None, table)
        assert unknown.segments[0] == HERE6
        silent = assign_roles([None, PP6, TARGET6], TARGET6, "fe80::1", None, table)
        assert silent.segments[0] == HERE6


def test_by_ipv6_through_a_translator() -> None:
    """Behind a NAT64 hops have IPv4 addresses, told within the well-known prefix."""
    far = "64:ff9b::5d03:909"  # 93.3.9.9
    hops = [HOME6, P6, "64:ff9b::5d03:1", far]
    roles = assign_roles(hops, far, "fe80::1", None, TABLE6, LINK)
    assert list(roles.segments) == [WIFI, ACCESS, BETWEEN, SERVICE]
    for inside in ("64:ff9b::a00:1", "64:ff9b::6440:1"):  # 10.0.0.1, 100.64.0.1
        roles = assign_roles([HOME6, P6, inside, far], far, "fe80::1", None, TABLE6, LINK)
        assert list(roles.segments) == [WIFI, ACCESS, EITHER, f"{BETWEEN}|{SERVICE}"]


_ADDRESSES = [HOME, "10.77.0.1", "10.200.0.1", "100.64.3.3", P1, P2, PP, T1, S1, S2, TARGET]
_hops = st.lists(st.one_of(st.none(), st.sampled_from([*_ADDRESSES, "5.5.5.5"])), max_size=9)
_quiet = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_quiet
@given(_hops, st.sampled_from([HOME, P1, None]), st.sampled_from([None, "wifi", "ethernet"]))
def test_without_a_table_nothing_beyond_the_access_link_is_named(
    hops: list[str | None], gateway: str | None, medium: str | None
) -> None:
    roles = assign_roles(hops, TARGET, gateway, medium)
    assert {part for place in roles.segments if place for part in place.split("|")} <= {
        WIFI,
        ACCESS,
    }
    assert len(roles.segments) == len(hops)


@_quiet
@given(_hops, st.sampled_from(_ADDRESSES), st.sampled_from([None, "tunnel"]))
def test_places_come_in_the_order_of_a_path(
    hops: list[str | None], target: str, medium: str | None
) -> None:
    order = {VPN: 0, WIFI: 0, ACCESS: 1, CORE: 2, BETWEEN: 3, SERVICE: 4}
    named = [p for p in assign_roles(hops, target, HOME, medium, TABLE).segments if p is not None]
    assert all(is_leaf(p) or p == SERVICE for both in named for p in both.split("|"))
    for end in (0, -1):  # nearer and farther ends of what is left open
        numbers = [order[p.split("|")[end]] for p in named]
        assert numbers == sorted(numbers)
    assert named.count(ACCESS) <= 1


@_quiet
@given(_hops, st.integers(0, 255))
def test_renaming_addresses_consistently_changes_no_role(
    hops: list[str | None], shift: int
) -> None:
    def moved(address: str | None) -> str | None:
        if address is None or not address.startswith(("81.", "62.", "93.")):
            return address
        first, second, third, last = address.split(".")
        return f"{first}.{second}.{(int(third) + shift) % 256}.{last}"

    before = assign_roles(hops, TARGET, HOME, None, TABLE)
    after = assign_roles([moved(h) for h in hops], moved(TARGET) or "", HOME, None, TABLE)
    assert before == after


def _truth(zones: list[str]) -> list[str]:
    """Places of a real path's links, straight from the words' meaning."""
    places = []
    before = "home"
    for zone in zones:
        if zone == "home":
            places.append(WIFI)
        elif zone == "provider":
            places.append(ACCESS if before == "home" else CORE)
        elif zone == "server" and before == "server":
            places.append(SERVICE)
        else:
            places.append(BETWEEN)
        before = zone
    return places


def _with_silent(path: list[tuple[str, str]], silent: set[int]) -> list[str | None]:
    """The path's addresses; hops that are *silent* have none, but the last one always answers."""
    return [None if n in silent and n < len(path) - 1 else a for n, (_, a) in enumerate(path)]


def _nothing_false(roles: Roles, path: list[tuple[str, str]]) -> None:
    for said, true in zip(roles.segments, _truth([zone for zone, _ in path]), strict=True):
        assert said is None or true in said.split("|")


@settings(_quiet, max_examples=400)
@given(
    st.integers(0, 2),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(1, 3),
    st.sets(st.integers(0, 10)),
    st.booleans(),
)
def test_on_a_real_path_silent_hops_blur_but_nothing_false_is_said(
    home: int, provider: int, between: int, server: int, silent: set[int], with_table: bool
) -> None:
    path = [
        *[("home", a) for a in (HOME, "10.77.0.1")[:home]],
        *[("provider", a) for a in (P1, PP, P2)[:provider]],
        *[("between", a) for a in (T1, "62.2.0.2", "62.2.0.3")[:between]],
        *[("server", a) for a in (S1, S2)[: server - 1]],
        ("server", TARGET),
    ]
    hops = _with_silent(path, silent)
    gateway = path[0][1]
    roles = assign_roles(hops, TARGET, gateway, None, TABLE if with_table else None)
    _nothing_false(roles, path)
    if with_table and not silent & set(range(len(path))):
        assert None not in roles.segments


@settings(_quiet, max_examples=400)
@given(
    st.integers(0, 2),
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(1, 3),
    st.sets(st.integers(0, 9)),
    st.sampled_from(["inside", "outside", "link-local", "unique local"]),
    st.booleans(),
)
def test_on_a_real_path_by_ipv6_nothing_false_is_said(
    home: int, provider: int, between: int, server: int, silent: set[int], answers: str, table: bool
) -> None:
    first = {"inside": HOME6, "outside": WAN6, "link-local": "fe80::1", "unique local": "fd12:3::1"}
    path = [
        *[("home", a) for a in (first[answers], INNER6)[:home]],
        *[("provider", a) for a in (P6, PP6, "2a00:100:f::11")[:provider]],
        *[("between", a) for a in (T6, "2a01:200::2")[:between]],
        *[("server", a) for a in (S6, "2a02:300::2")[: server - 1]],
        ("server", TARGET6),
    ]
    hops = _with_silent(path, silent)
    link = LINK if home else ()
    known = TABLE6 if table else None
    roles = assign_roles(hops, TARGET6, "fe80::1", None, known, link)
    _nothing_false(roles, path)
