"""How evenly bytes come can only be told where they are told as they come."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence import pace
from streamnotice.observations import FirstByte, RequestEnded, RequestStarted, Transfer

S_NS = 1_000_000_000
MS_NS = 1_000_000


def download(steps: list[tuple[int, int]]) -> Estimates:
    """One response; (ms, bytes) since the step before."""
    seen = Estimates()
    seen.requests.started(RequestStarted(0, 1, "host-a", "media"))
    seen.requests.first_byte(FirstByte(50 * MS_NS, 1, 200, 50 * MS_NS))
    at_ns, total = 50 * MS_NS, 0
    for ms, size in steps:
        at_ns, total = at_ns + ms * MS_NS, total + size
        seen.requests.transfer(Transfer(at_ns, 1, total))
    seen.requests.ended(RequestEnded(at_ns, 1, total))
    return seen


def said(seen: Estimates, now_s: int) -> str | None:
    seen.requests.account(now_s * S_NS)
    outcome = pace.RULE.ask(seen, now_s * S_NS)
    return None if outcome is None else outcome.name


def test_blocks_of_a_second_and_more_are_the_hosts_own() -> None:
    """`read(65_536)` of a server that sends an even 300 kbit/s."""
    assert said(download([(1748, 65_536)] * 7), 12) is None


def test_the_same_server_told_as_it_comes() -> None:
    assert said(download([(100, 3_750)] * 120), 12) == "steady"


def test_blocks_that_are_small_beside_the_flow_tell_well_enough() -> None:
    """`read(65_536)` of 8 Mbit/s."""
    assert said(download([(65, 65_536)] * 180), 11) == "steady"


def test_what_a_network_brings_in_bursts_is_still_that() -> None:
    bursts = [(1500 + 37 * n, 60_000 + 1448 * (n * 7 % 11)) for n in range(8)]
    assert said(download(bursts), 13) == "bursts"
