"""The network's label: the same for the same network, and nothing can be read out of it."""

from __future__ import annotations

from pathlib import Path

from streamnotice.network import network_label

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0
"""
ARP = """IP address       HW type     Flags       HW address            Mask     Device
192.168.1.1      0x1         0x2         {mac}     *        wlan0
"""
ROUTE6 = (
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
    "fe8000000000000002005efffe005301 00000400 00000001 00000000 00450003 wlan0\n"
)


def label(
    tmp_path: Path,
    salt: bytes = b"s" * 16,
    routes: str = ROUTES,
    arp: str = ARP.format(mac="00:00:5e:00:53:01"),
    route6: str = "",
) -> str:
    files = {"route": routes, "arp": arp, "route6": route6}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return network_label(
        salt, route=tmp_path / "route", arp=tmp_path / "arp", route6=tmp_path / "route6"
    )


def test_the_same_network_has_the_same_label(tmp_path: Path) -> None:
    first = label(tmp_path)
    assert first == label(tmp_path)
    assert first.startswith("net-")
    assert first != label(tmp_path, arp=ARP.format(mac="00:00:5e:00:53:02"))
    assert first != label(tmp_path, salt=b"t" * 16)
    assert "5e" not in first or "00:53" not in first


def test_an_address_alone_is_no_fingerprint(tmp_path: Path) -> None:
    """192.168.1.1 is the gateway of half of all homes."""
    assert label(tmp_path, arp="IP address\n") == ""
    assert label(tmp_path, arp=ARP.format(mac="00:00:00:00:00:00")) == ""


def test_links_without_addresses_by_their_name(tmp_path: Path) -> None:
    routes = ROUTES.splitlines()[0] + "\nppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0"
    assert label(tmp_path, routes=routes, arp="") != ""


def test_ipv6_alone(tmp_path: Path) -> None:
    assert label(tmp_path, routes="Iface\n", route6=ROUTE6) != ""
    assert label(tmp_path, routes="Iface\n", route6="garbage\n\x00") == ""


def test_where_nothing_can_be_read_it_is_not_known(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert network_label(b"s" * 16, route=nowhere, arp=nowhere, route6=nowhere) == ""
