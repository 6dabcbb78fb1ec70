"""The table of prefixes: longest match, and clear words for bad input."""

from __future__ import annotations

import functools
import ipaddress
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamnotice.errors import HostError, MissingExtraError
from streamnotice.path.mmdb import load_mmdb
from streamnotice.path.networks import Network, NetworkTable, load_networks, parse_networks
from streamnotice.path.roles import assign_roles

TABLE = """\
# who runs what
network,asn,operator
192.168.0.0/16,0,

203.0.113.0/24,64500,"Provider, Inc."
203.0.113.128/25,AS64501,Transit
2001:db8::/32,64502
"""


def test_the_longest_prefix_wins(tmp_path: Path) -> None:
    file = tmp_path / "networks.csv"
    file.write_text(TABLE, encoding="utf-8-sig")
    table = load_networks(file)
    assert len(table) == 4
    assert table.lookup("203.0.113.5") == Network(64500, "Provider, Inc.")
    assert table.lookup("203.0.113.200") == Network(64501, "Transit")
    assert table.lookup("::ffff:203.0.113.200") == Network(64501, "Transit")
    assert table.lookup("192.168.7.1") == Network(0)
    assert table.lookup("2001:db8::9") == Network(64502)
    assert table.lookup("198.51.100.1") is None
    assert table.lookup("not an address") is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("203.0.113.1/24,1,x", "line 2: not a network prefix"),
        ("203.0.113.0/33,1,x", "line 2: not a network prefix"),
        ("203.0.113.0/24,-1,x", "line 2: not an AS number"),
        ("203.0.113.0/24,4294967296,x", "line 2: not an AS number"),
        ("203.0.113.0/24", "line 2: want network,asn,operator, not 1 fields"),
        ("203.0.113.0/24,1,a,b", "line 2: want network,asn,operator, not 4 fields"),
        ('203.0.113.0/24,1,"x', "line 2: "),
        ("10.0.0.0/8,5,x", "line 2: 10.0.0.0/8 is given twice, for AS 4 and for AS 5"),
    ],
)
def test_a_bad_line_is_named(line: str, says: str) -> None:
    with pytest.raises(HostError) as caught:
        parse_networks(["10.0.0.0/8,4,home\n", line + "\n"], "nets.csv")
    assert str(caught.value).startswith(f"nets.csv, {says}")
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="No such file"):
        load_networks(tmp_path / "missing.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(HostError, match="no UTF-8 text"):
        load_networks(tmp_path / "binary.csv")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(st.text(max_size=40), st.from_regex(r"[0-9a-f.:/]{1,20},[0-9]{1,3},\w{0,3}\n?"))
    )
)
def test_any_lines_are_a_table_or_a_host_error(lines: list[str]) -> None:
    said = ""
    try:
        table = parse_networks(lines)
    except HostError as error:
        said = str(error)
        table = NetworkTable()
    assert said == "" or said.startswith("networks, line ")
    assert len(table) <= len(lines)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)), max_size=12),
    st.integers(0, 2**32 - 1),
)
def test_lookup_agrees_with_a_plain_search(prefixes: list[tuple[int, int]], value: int) -> None:
    table = NetworkTable()
    kept: dict[ipaddress.IPv4Network, int] = {}
    for number, (bits, length) in enumerate(prefixes):
        net = ipaddress.IPv4Network((bits, length), strict=False)
        if net not in kept:
            kept[net] = number
            table.add(str(net), Network(number))
    address = ipaddress.IPv4Address(value)
    covering = [net for net in kept if address in net]
    found = table.lookup(str(address))
    if covering:
        assert found == Network(kept[max(covering, key=lambda net: net.prefixlen)])
    else:
        assert found is None


def test_wrapped_ipv4_is_looked_up_as_what_it_is() -> None:
    table = NetworkTable([("203.0.113.0/24", Network(7)), ("64:ff9b::/32", Network(8))])
    for address in ("203.0.113.9", "::ffff:203.0.113.9", "64:ff9b::203.0.113.9"):
        assert table.lookup(address) == Network(7)
    # a translator with a prefix of its own can't be known
    assert table.lookup("64:ff9b:1::203.0.113.9") == Network(8)


@functools.cache
def mmdb(form: str) -> bytes:
    """The content of a small MMDB file, as the makers of such files write it."""
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    def record(asn: int, name: str) -> dict[str, Any]:
        if form == "ipinfo":
            return {"asn": f"AS{asn}", "as_name": name, "as_domain": "example"}
        if form == "city":
            return {"city": {"names": {"en": name}}}
        return {"autonomous_system_number": asn, "autonomous_system_organization": name}

    writer = MMDBWriter(6, f"Test-{form}", ipv4_compatible=True)
    writer.insert_network(IPSet(["203.0.113.0/24"]), record(64500, "Provider, Inc."))
    writer.insert_network(IPSet(["198.51.100.0/24"]), record(64501, "Server"))
    writer.insert_network(IPSet(["2001:db8::/32"]), record(64502, "Six"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.mmdb"
        writer.to_db_file(str(path))
        return path.read_bytes()


@pytest.mark.parametrize("form", ["geolite", "ipinfo"])
def test_an_mmdb_file_is_told_by_its_content(form: str, tmp_path: Path) -> None:
    file = tmp_path / "networks.csv"  # whatever it is called
    file.write_bytes(mmdb(form))
    table = load_networks(file)
    assert table.lookup("203.0.113.5") == Network(64500, "Provider, Inc.")
    assert table.lookup("::ffff:203.0.113.200") == Network(64500, "Provider, Inc.")
    assert table.lookup("2001:db8::9") == Network(64502, "Six")
    assert table.lookup("192.0.2.1") is None
    assert table.lookup("not an address") is None
    assert len(table) > 0
    roles = assign_roles(
        ["192.168.7.1", "203.0.113.1", "203.0.113.9", "198.51.100.2"],
        "198.51.100.2", "192.168.7.1", "wifi", table,
    )  # fmt: skip
    assert roles.segments == (
        "network.home.wifi", "network.isp.access", "network.isp.core", "network.interconnect"
    )  # fmt: skip


def test_an_mmdb_file_that_is_no_use_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "city.mmdb"
    file.write_bytes(mmdb("city"))
    with pytest.raises(HostError, match="tells no AS numbers: want an ASN database"):
        load_networks(file)
    file.write_bytes(mmdb("geolite")[-600:])
    with pytest.raises(HostError, match="damaged MMDB") as caught:
        load_networks(file)
    assert "\n" not in str(caught.value)


def test_an_mmdb_file_needs_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "asn.mmdb"
    file.write_bytes(mmdb("geolite"))
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    with pytest.raises(MissingExtraError, match="mmdb"):
        load_networks(file)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_damaged_mmdb_file_is_a_table_or_a_host_error(data: st.DataObject) -> None:
    content = bytearray(mmdb("geolite"))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.mmdb"
        path.write_bytes(content)
        try:
            table = load_mmdb(path)
        except HostError:
            pass
        else:
            for address in ("203.0.113.5", "198.51.100.9", "2001:db8::1", "192.0.2.1"):
                table.lookup(address)
