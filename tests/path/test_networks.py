"""The table of prefixes: longest match, and clear words for bad input."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamnotice.errors import HostError
from streamnotice.path.networks import Network, NetworkTable, load_networks, parse_networks

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
