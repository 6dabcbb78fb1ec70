"""Long pings beside short ones: what they say of the way, and what they leave open."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates
from streamnotice.evidence import long_packets
from streamnotice.observations import EchoPair, HopProbe, Route
from streamnotice.path.long_packets import WINDOW_NS

S_NS = 1_000_000_000
MS_NS = 1_000_000
NOW = 60 * S_NS


def pairs(
    seen: Estimates, answers: str, *, role: str = "service", host: str = "host-s", every_s: int = 3
) -> Estimates:
    """One pair for each letter, the last one now: **b**oth, **s**hort, **l**ong, **n**one."""
    for number, letter in enumerate(answers):
        at_ns = NOW - (len(answers) - 1 - number) * every_s * S_NS
        long_ns = 40 * MS_NS if letter in "bl" else None
        short_ns = 38 * MS_NS if letter in "bs" else None
        seen.paths.echo_pair(EchoPair(at_ns, host, role, 1500, long_ns, short_ns))  # type: ignore[arg-type]
    return seen


def said(seen: Estimates, now: int = NOW) -> str | None:
    outcome = long_packets.RULE.ask(seen, now)
    return None if outcome is None else outcome.name


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ("bbb", "whole"),
        ("bbss", "some"),
        ("bbsss", "lost"),
        ("bbsssb", "some"),
        ("bbsssnn", "lost"),  # what nothing answers is no matter of length
        ("bbnnnnn", "whole"),
        ("bsss", "lost"),
        ("sss", None),
        ("nnn", None),
        ("lll", "whole"),
        ("bbsns", "some"),
    ],
)
def test_the_servers_answers(answers: str, says: str | None) -> None:
    assert said(pairs(Estimates(), answers)) == says


@pytest.mark.parametrize(
    ("near", "says"),
    [
        ("bbsss", "lost_near"),
        ("bbb", "lost_beyond"),
        ("bbss", "lost"),  # not sure
        ("sssss", "lost"),  # a router that never answers long ones
    ],
)
def test_where_they_get_lost(near: str, says: str) -> None:
    seen = pairs(Estimates(), "bbssss")
    pairs(seen, near, role="first-hop", host="addr-r")
    assert said(seen) == says


def test_the_home_router_alone_accuses_nobody() -> None:
    seen = pairs(Estimates(), "bbb")
    pairs(seen, "bbsss", role="first-hop", host="addr-r")
    assert said(seen) == "whole"


def test_behind_a_second_router_of_the_home_it_may_still_be_the_homes() -> None:
    seen = pairs(pairs(Estimates(), "bbsss"), "bbb", role="first-hop", host="addr-r")
    home = "network.home.wifi"
    seen.paths.route(
        Route(0, "host-s", "service", ("addr-r", "addr-o", "addr-p", None),
              (home, home, "network.isp.access", "service"), True, "table")
    )  # fmt: skip
    for ttl in (1, 2, 3):
        seen.paths.probe(HopProbe(NOW, "host-s", ttl, "udp", "ttl_exceeded", 5 * MS_NS))
    assert said(seen) == "lost"


def test_what_is_old_says_nothing() -> None:
    assert said(pairs(Estimates(), "bbsss"), NOW + WINDOW_NS) is None


def test_another_network_begins_anew() -> None:
    seen = pairs(pairs(Estimates(), "bb"), "bb", role="first-hop", host="addr-r")
    seen.paths.probe(HopProbe(NOW, "addr-r", 1, "echo", "error", role="first-hop"))
    assert said(pairs(seen, "sss")) is None


def test_another_router_is_not_the_one_before() -> None:
    seen = pairs(pairs(Estimates(), "bbsss"), "bbsss", role="first-hop", host="addr-r")
    assert said(seen) == "lost_near"
    pairs(seen, "s", role="first-hop", host="addr-q")
    assert said(seen) == "lost"


def test_of_several_servers_the_worst_counts_and_only_so_many_are_kept() -> None:
    seen = pairs(pairs(Estimates(), "bbb"), "bbsss", host="host-t")
    assert said(seen) == "lost"
    for number in range(20):
        pairs(seen, "bb", host=f"host-{number}")
    assert said(seen) == "whole"
    assert len(seen.paths.long) == 8
