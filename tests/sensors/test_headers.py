"""Response headers: the usual ones are understood, hostile ones never raise."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from streamnotice.sensors import headers as module
from streamnotice.sensors.headers import HeaderFacts, read_headers


@pytest.mark.parametrize(
    ("given_headers", "cache", "by"),
    [
        ({"Cache-Status": "Origin; hit, Edge; fwd=uri-miss"}, "miss", "cache-status"),
        ({"Cache-Status": "Origin; fwd=miss, Edge; hit; ttl=5"}, "hit", "cache-status"),
        ({"Cache-Status": "Edge; hit=?0; fwd=stale; fwd-status=304"}, "miss", "cache-status"),
        ({"Cache-Status": "Edge; ttl=3", "X-Cache": "MISS"}, "miss", "x-cache"),
        ({"X-Cache": "Hit from cloudfront"}, "hit", "x-cache"),
        ({"X-Cache": "Miss from cloudfront"}, "miss", "x-cache"),
        ({"X-Cache": "MISS, HIT"}, "hit", "x-cache"),
        ({"X-Cache": "HIT, MISS"}, "miss", "x-cache"),
        ({"X-Cache": "TCP_MEM_HIT from a1-2-3 (AkamaiGHost)"}, "hit", "x-cache"),
        ({"X-Cache": "TCP_REFRESH_MISS from a1"}, "miss", "x-cache"),
        ({"x-cache-status": "EXPIRED"}, "miss", "x-cache-status"),
        ({"x-cache-status": "STALE"}, "hit", "x-cache-status"),
        ({"CF-Cache-Status": "DYNAMIC"}, "miss", "cf-cache-status"),
        ({"X-Proxy-Cache": "BYPASS"}, "miss", "x-proxy-cache"),
        ({"Server-Timing": "cdn-cache; desc=HIT, edge; dur=1"}, "hit", "server-timing"),
        ({"Server-Timing": 'cdn-cache;desc="MISS"'}, "miss", "server-timing"),
        ({"Age": "12"}, "hit", "age"),
        ({"Age": "0"}, None, None),
        ({"X-Cache": "WHITEPAPER"}, None, None),
        ({}, None, None),
    ],
)
def test_who_answered(given_headers: dict[str, str], cache: str | None, by: str | None) -> None:
    facts = read_headers(given_headers)
    assert (facts.cache, facts.cache_by) == (cache, by)


def test_times_and_the_rest() -> None:
    facts = read_headers(
        {
            "Server-Timing": "edge; dur=2.5, origin; dur=340, db;dur=7",
            "CMSD-Dynamic": '"far";rd=9, "edge";rd=60;mb=5000;du',
            "Cache-Status": "edge; fwd=miss; fwd-status=503",
            "Age": "33",
            "Content-Length": "1234",
            "Via": "1.1 a, 1.1 b",
        }
    )
    assert facts == HeaderFacts(
        cache="miss",
        cache_by="cache-status",
        edge_ns=2_500_000,
        origin_ns=340_000_000,
        upstream_status=503,
        age_s=33,
        paced_bps=5_000_000,
        edge_busy=True,
        length_bytes=1234,
        via=2,
    )
    assert read_headers({"CMSD-Dynamic": '"edge";rd=60'}).edge_ns == 60_000_000
    assert read_headers({"X-Accel-Limit-Rate": "125000"}).paced_bps == 1_000_000
    assert read_headers({"X-Accel-Limit-Rate": "off"}).paced_bps is None


def test_repeated_headers_are_one_list() -> None:
    headers = CIMultiDict([("Cache-Status", "origin; fwd=miss"), ("Cache-Status", "edge; hit")])
    assert read_headers(headers).cache == "hit"


@pytest.mark.parametrize(
    "value",
    ["-1", "NaN", "inf", "1e400", "9" * 400, "", " ", "\x00", "0x10", "１２", "³"],
)
def test_nonsense_numbers_are_not_known(value: str) -> None:
    facts = read_headers(
        {
            "Age": value,
            "Content-Length": value,
            "Server-Timing": f"origin;dur={value}",
            "CMSD-Dynamic": f'"e";rd={value};mb={value}',
            "X-Accel-Limit-Rate": value,
        }
    )
    assert facts == HeaderFacts()


def test_a_hundred_kilobytes_cost_little() -> None:
    big = ", ".join(f'cache{n};hit;ttl={n};key="{"k" * 50}"' for n in range(1500))
    began = time.process_time()
    for name in ("Cache-Status", "CMSD-Dynamic", "Server-Timing", "X-Cache", "Via", "Age"):
        read_headers({name: big})
        read_headers({name: "," * 100_000})
        read_headers({name: "a" * 100_000})
        read_headers({name: "(" * 100_000})
    assert time.process_time() - began < 2
    assert read_headers({"Cache-Status": big}).cache == "hit"


def test_without_the_structured_fields_parser_the_other_headers_still_speak(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "structured_fields", lambda: None)
    facts = read_headers({"Cache-Status": "edge; hit", "X-Cache": "MISS"})
    assert (facts.cache, facts.cache_by) == ("miss", "x-cache")


_NAMES = st.sampled_from(
    ["Cache-Status", "CMSD-Dynamic", "Server-Timing", "X-Cache", "Age", "Via", "Content-Length",
     "X-Accel-Limit-Rate", "CF-Cache-Status"]
)  # fmt: skip
_VALUES = st.one_of(
    st.text(max_size=200),
    st.text(alphabet='abc;=,"?01.-:()*\\ hit', max_size=120),
    st.lists(
        st.sampled_from(
            [
                "edge",
                ";hit",
                ";fwd=miss",
                ";rd=-3",
                ";rd=9999999999",
                ";mb=0",
                ";du=?1",
                ", ",
                ";dur=1e9",
            ]
        ),
        max_size=8,
    ).map("".join),
)


# how long the drawing takes says nothing on a busy machine
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_NAMES, _VALUES, max_size=6))
def test_anything_is_read_or_left_out(headers: dict[str, str]) -> None:
    facts = read_headers(headers)
    assert facts.cache in (None, "hit", "miss")
    for value in (facts.edge_ns, facts.origin_ns, facts.age_s, facts.paced_bps, facts.length_bytes):
        assert value is None or 0 <= value < 2**63
    assert facts.upstream_status is None or 100 <= facts.upstream_status <= 599
