"""Addresses in one spelling, and labels that tell nothing of them."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamnotice.addresses import plain
from streamnotice.dossier.codec import to_plain
from streamnotice.observations import HopProbe, Route
from streamnotice.privacy import Labels


@pytest.mark.parametrize(
    ("told", "shortest"),
    [
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%wlan0", "fe80::1%wlan0"),
        ("192.0.2.7", "192.0.2.7"),
        ("media.example", "media.example"),
        ("", ""),
    ],
)
def test_one_spelling(told: str, shortest: str) -> None:
    assert plain(told) == shortest


# addresses as hosts make them of their hardware's (RFC 4291), with and without a zone
_eui64 = st.tuples(
    st.sampled_from([0xFE80 << 112, 0x20010DB8_00010002 << 64, 0xFD12_34567890_0001 << 64]),
    st.integers(0, 2**48 - 1),
).map(
    lambda one: ipaddress.IPv6Address(
        one[0] | (one[1] >> 24 ^ 0x020000) << 40 | 0xFFFE << 24 | one[1] & 0xFFFFFF
    )
)
_any_ipv6 = st.integers(2**80, 2**128 - 1).map(ipaddress.IPv6Address)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(_eui64, _any_ipv6),
    st.sampled_from(["", "%wlan0", "%3"]),
    st.binary(min_size=16, max_size=16),
)
def test_a_record_holds_nothing_of_an_ipv6_address(
    address: ipaddress.IPv6Address, zone: str, salt: bytes
) -> None:
    labels, others = Labels(salt), Labels(bytes(byte ^ 1 for byte in salt))
    label = labels.address(f"{address}{zone}")
    # however it is spelt, and by whatever interface
    assert labels.address(address.exploded.upper()) == label
    assert others.address(str(address)) != label
    far, named = labels.host(f"[{address}]:443"), labels.host(str(address))
    told: list[Any] = [
        Route(
            0, target=far, role="service", hops=(label, None), segments=(None, None), complete=False
        ),
        HopProbe(0, target=named, ttl=1, method="udp", outcome="ttl_exceeded", hop=label),
    ]
    text = "".join(str(to_plain(one)) for one in told).lower()
    assert ":" not in label
    assert zone.strip("%") in ("", "3") or zone.strip("%") not in text
    host_part = f"{int(address) & 2**64 - 1:016x}"
    for secret in (str(address), address.exploded, host_part, host_part[:6] + host_part[10:]):
        assert secret not in text
    groups = address.exploded.split(":")
    assert ":".join(groups[:4]) not in text
    assert ":".join(groups[4:]) not in text
