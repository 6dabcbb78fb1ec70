"""What a session can tell apart: which names may be said, whatever is believed."""

from __future__ import annotations

from typing import Any

import pytest

from streamnotice.estimates import EDGE, ORIGIN, Estimates, sighted
from streamnotice.evidence.status import RULE as STATUS
from streamnotice.observations import (
    CacheResult,
    Failure,
    FirstByte,
    HopProbe,
    LiveEdge,
    Playback,
    RequestEnded,
    RequestRole,
    RequestStarted,
    Route,
)
from streamnotice.path.localise import unheard

S_NS = 1_000_000_000
WIFI, ACCESS, CORE, BETWEEN = (
    "network.home.wifi",
    "network.isp.access",
    "network.isp.core",
    "network.interconnect",
)


def asked(**told: Any) -> Estimates:
    """Something was asked for, and answered after a second: as `answered`."""
    seen = Estimates()
    answered(seen, 1, 2 * S_NS, **told)
    return seen


def answered(
    seen: Estimates,
    request: int,
    at_ns: int,
    status: int = 200,
    cache: CacheResult | None = None,
    upstream: int | None = None,
    role: RequestRole = "media",
    by: str | None = None,
) -> None:
    seen.requests.started(RequestStarted(at_ns - S_NS, request=request, host="host-a", role=role))
    seen.requests.first_byte(
        FirstByte(
            at_ns, request=request, ttfb_ns=S_NS, status=status, cache=cache, cache_by=by,
            upstream_status=upstream,
        )
    )  # fmt: skip


def servers(seen: Estimates) -> tuple[bool, bool]:
    found = sighted(seen)
    assert {EDGE, ORIGIN} <= found.clear | found.blurred
    return EDGE in found.clear, ORIGIN in found.clear


def test_without_a_word_of_caches_the_edge_and_the_server_behind_it_look_alike() -> None:
    assert servers(Estimates()) == (False, False)
    assert servers(asked()) == (False, False)
    assert servers(asked(status=503)) == (False, False)


def test_misses_alone_leave_both_of_them_open() -> None:
    assert servers(asked(cache="miss")) == (False, False)


def test_a_hit_tells_them_apart_for_a_while() -> None:
    seen = asked(cache="hit")
    assert servers(seen) == (True, True)
    seen.requests.account(50 * S_NS)  # what came since was not so: films begin in many caches
    assert servers(seen) == (False, False)


def test_some_other_caches_hit_tells_nothing() -> None:
    assert servers(asked(cache="hit", by="age")) == (False, False)
    assert servers(asked(cache="hit", role="other")) == (False, False)


def test_an_error_in_place_of_a_hit_tells_nothing() -> None:
    assert servers(asked(status=503, cache="hit")) == (False, False)


def test_an_error_that_the_edge_passes_on_is_the_servers_behind_it() -> None:
    for seen in (asked(status=502), asked(status=500, upstream=500)):
        assert servers(seen) == (False, True)
        seen.requests.account(50 * S_NS)
        assert servers(seen) == (False, False)
    assert servers(asked(status=502, role="other")) == (False, False)


@pytest.mark.parametrize(
    ("failure", "edge"), [("refused", True), ("timeout", False), ("reset", False)]
)
def test_who_is_refused_never_came_to_the_server_behind(failure: Failure, edge: bool) -> None:
    seen = asked()
    seen.requests.started(RequestStarted(3 * S_NS, request=2, host="host-a", role="media"))
    seen.requests.ended(RequestEnded(4 * S_NS, request=2, received_bytes=0, failure=failure))
    assert servers(seen) == (edge, False)
    seen.requests.account(50 * S_NS)
    assert servers(seen) == (False, False)  # that is long ago


def test_behind_a_box_that_ends_connections_hits_and_refusals_are_its_own() -> None:
    seen = path(WIFI, ACCESS, complete=True)
    (way,) = seen.paths.services()
    way.ended_near = True
    answered(seen, 1, 2 * S_NS, cache="hit")
    seen.requests.refused_ns = 2 * S_NS
    assert sighted(seen).boxed
    assert servers(seen) == (False, False)
    answered(seen, 2, 3 * S_NS, status=504)
    assert servers(seen) == (False, True)


def test_whose_an_error_is_that_no_header_tells_of_is_not_said() -> None:
    def says(*answers: tuple[int, CacheResult | None]) -> str | None:
        seen = Estimates()
        for number, (status, cache) in enumerate(answers, 1):
            answered(seen, number, number * S_NS, status, cache)
        answer = STATUS.ask(seen, (len(answers) + 1) * S_NS)
        return None if answer is None else answer.name

    assert says((503, None)) == "unsaid_error"
    assert says((503, "miss")) == "miss_error"
    assert says((504, None)) == "upstream_error"
    assert says((503, "hit")) == "unsaid_error"
    # that other answers are marked proves nothing: servers leave headers out of errors
    assert says((200, "hit"), (503, None)) == "unsaid_error"
    unmarked: list[tuple[int, CacheResult | None]] = [(503, None)] * 2
    assert says((500, "miss"), *unmarked) == "miss_error"
    assert says((500, "miss"), *unmarked, *unmarked) == "edge_error"


def path(*segments: str | None, complete: bool = False, why: str = "table") -> Estimates:
    seen = Estimates()
    hops = tuple(f"addr-{ttl}" for ttl, _ in enumerate(segments))
    seen.paths.route(Route(0, "host-a", "service", hops, segments, complete, why))
    seen.paths.probe(HopProbe(S_NS, "host-a", 1, "udp", "ttl_exceeded", 1_000_000, hops[0]))
    return seen


@pytest.mark.parametrize(
    ("segments", "behind"),
    [
        ((WIFI,), (WIFI, ACCESS, CORE, BETWEEN)),  # a second router of the home's
        ((WIFI, ACCESS), (CORE, BETWEEN)),
        ((WIFI, ACCESS, CORE), (CORE, BETWEEN)),
        ((WIFI, ACCESS, f"{CORE}|{BETWEEN}"), (CORE, BETWEEN)),
        ((WIFI, ACCESS, None), (CORE, BETWEEN)),
        ((WIFI, ACCESS, CORE, BETWEEN), (BETWEEN,)),
        (("network.vpn",), ()),
        ((None,), ()),
    ],
)
def test_behind_the_last_router_that_is_heard_lies_what_can_follow_it(
    segments: tuple[str | None, ...], behind: tuple[str, ...]
) -> None:
    seen = path(*segments)
    (way,) = seen.paths.services()
    assert unheard(way) == behind
    found = sighted(seen)
    assert set(behind) <= found.blurred | found.clear
    assert not (set(behind) - {s for s in segments if s}) & found.clear


def test_nothing_lies_behind_a_server_that_is_reached_or_a_network_that_nobody_looked_up() -> None:
    for seen in (path(WIFI, ACCESS, complete=True), path(WIFI, ACCESS, why="addresses")):
        (way,) = seen.paths.services()
        assert unheard(way) == ()
        assert BETWEEN not in sighted(seen).blurred


@pytest.mark.parametrize("status", [403, 404, 410, 429])
def test_an_answer_that_is_laid_on_who_asks_counts_until_something_came_well(status: int) -> None:
    seen = Estimates()

    def ask(number: int, status: int, size: int) -> bool:
        at_ns = number * S_NS
        seen.requests.started(RequestStarted(at_ns, number, "host-a", "media"))
        seen.requests.first_byte(FirstByte(at_ns, number, status, 1))
        seen.requests.ended(RequestEnded(at_ns + 1, number, size))
        return sighted(seen).declined

    assert not ask(1, 503, 0)
    assert ask(2, status, 0)
    assert ask(3, status, 500)  # with a page that says so
    assert ask(4, 200, 0)  # of an empty answer nobody is the wiser
    assert not ask(5, 200, 400_000)


def test_a_live_source_is_named_only_where_its_playlists_are_seen() -> None:
    """What they list last is what tells when it was made."""
    seen = asked()
    assert "service.source" not in sighted(seen).clear
    seen.live_edge(LiveEdge(2 * S_NS, newest=7, target_duration_ns=6 * S_NS))
    assert "service.source" in sighted(seen).clear
    seen.playback.feed(Playback(3 * S_NS, live=False))
    assert "service.source" not in sighted(seen).clear
