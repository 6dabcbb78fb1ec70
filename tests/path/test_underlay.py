"""Where trouble lies under a tunnel, and what can be named then that could not be named inside."""

from __future__ import annotations

from typing import Any

import pytest

from streamnotice.estimates import Estimates, sighted
from streamnotice.evidence import tunnel as tunnel_rule
from streamnotice.evidence.underlay import UNDERLAY
from streamnotice.observations import HopProbe, ProbeOutcome, RequestStarted, Route
from streamnotice.path import rounds, underlay
from streamnotice.path.rounds import Paths

S_NS = 1_000_000_000
MS_NS = 1_000_000
SEGMENTS = (
    "network.home.wifi", "network.isp.access", "network.isp.core", "network.interconnect", "service"
)  # fmt: skip
NOW = 30 * S_NS


def inside(seen: Paths, segments: tuple[str | None, ...] = ("network.vpn", None)) -> Paths:
    """The way to the service; by default all of it is behind the tunnel's one link."""
    hops = ("addr-in", "addr-s")
    seen.route(Route(0, "host-a", "service", hops, segments, True))
    for second in range(30):
        for ttl, outcome in ((1, "ttl_exceeded"), (2, "reached")):
            seen.probe(
                HopProbe(second * S_NS, "host-a", ttl, "udp", outcome, 30 * MS_NS, hops[ttl - 1])  # type: ignore[arg-type]
            )
    return seen


def also_beside(seen: Paths, at_ns: int, hops: tuple[str, ...]) -> None:
    """Beside the tunnel another network's server is known, whose way parts at the third hop."""
    places = (*SEGMENTS[:3], "network.interconnect")
    seen.route(Route(at_ns, "host-r", "reference", (*hops[:3], "addr-r"), places, True))


def beneath(
    seen: Paths,
    *,
    server: str = "addr-vpn",
    seconds: range = range(30),
    delayed_from: int = 9,
    lost_from: int = 9,
    complete: bool = True,
    segments: tuple[str | None, ...] = SEGMENTS,
) -> Paths:
    """Probes once a second to each hop of the way to a tunnel's server; trouble from 15 s on."""
    hops = tuple(f"{server}-{ttl}" for ttl in range(1, len(segments) + 1))
    seen.route(Route(seconds[0] * S_NS, server, "underlay", hops, segments, complete))
    also_beside(seen, seconds[0] * S_NS, hops)
    for second in seconds:
        for ttl in range(1, len(segments) + 1):
            trouble = second >= 15
            rtt: int | None = (4 * ttl + second % 3) * MS_NS
            if trouble and ttl >= delayed_from:
                rtt = (rtt or 0) + 120 * MS_NS
            # two in three get lost
            if trouble and ttl >= lost_from and (second + ttl) % 3:
                rtt = None
            outcome: ProbeOutcome = "ttl_exceeded"
            if rtt is None:
                outcome = "lost"
            elif complete and ttl == len(segments):
                outcome = "reached"
            seen.probe(
                HopProbe(
                    second * S_NS, server, ttl, "udp", outcome, rtt, hops[ttl - 1], role="underlay"
                )
            )
    return seen


def tunnel(**trouble: Any) -> Paths:
    return beneath(inside(Paths()), **trouble)


@pytest.mark.parametrize(
    ("link", "word"),
    list(enumerate(("home", "access", "core", "interconnect", "service"), 1)),
)
def test_a_queue_under_the_tunnel_is_found_on_its_link(link: int, word: str) -> None:
    assert underlay.trouble(tunnel(delayed_from=link), NOW) == word


@pytest.mark.parametrize("link", [1, 2, 3, 4, 5])
def test_loss_under_the_tunnel_lies_on_a_stretch_with_its_link(link: int) -> None:
    found = underlay.trouble(tunnel(lost_from=link), NOW)
    assert found is not None
    near, far = underlay.localise.STRETCHES[found]
    assert near <= link - 1 <= far
    assert far - near <= 1


def test_hops_that_were_calm_at_rest_are_cleared_when_a_queue_stands() -> None:
    """At rest each hop is asked every 20 s only."""
    seen = inside(Paths())
    hops = tuple(f"addr-{ttl}" for ttl in range(1, 6))
    seen.route(Route(0, "addr-vpn", "underlay", hops, SEGMENTS, True))
    also_beside(seen, 0, hops)

    def ask(at_ns: int, ttl: int, extra_ms: int) -> None:
        rtt = (4 * ttl + (extra_ms if ttl >= 3 else 0)) * MS_NS
        outcome: ProbeOutcome = "reached" if ttl == 5 else "ttl_exceeded"
        probe = HopProbe(
            at_ns, "addr-vpn", ttl, "udp", outcome, rtt, hops[ttl - 1], role="underlay"
        )
        seen.probe(probe)

    for turn in range(25):
        ask(turn * 4 * S_NS, turn % 5 + 1, 0)
    for second in range(100, 110):
        for ttl in range(1, 6):
            ask(second * S_NS + ttl, ttl, 120)
    seen.probe(HopProbe(110 * S_NS, "host-a", 2, "udp", "reached", 30 * MS_NS, "addr-s"))
    assert underlay.trouble(seen, 110 * S_NS) == "core"


def test_a_calm_way_to_the_server_is_said() -> None:
    assert underlay.trouble(tunnel(), NOW) == underlay.CALM


def test_what_was_hardly_looked_at_is_not_calm() -> None:
    few = beneath(inside(Paths()), seconds=range(27, 30))
    assert underlay.trouble(few, NOW) is None


def test_signs_that_point_to_different_places_place_nothing() -> None:
    assert underlay.trouble(tunnel(delayed_from=1, lost_from=5), NOW) == underlay.UNPLACED


def test_under_a_dead_tunnel_its_server_is_looked_at() -> None:
    """Nothing is known of what it carries: no name resolves, or nobody answers inside."""
    assert underlay.trouble(beneath(Paths(), lost_from=5), NOW) == "service"
    nobody = Paths()
    for second in range(30):
        nobody.probe(HopProbe(second * S_NS, "host-a", 1, "udp", "lost"))
    assert underlay.trouble(beneath(nobody, delayed_from=2), NOW) == "access"
    found = tunnel_rule.read(Estimates(paths=beneath(Paths())), NOW)
    assert found is not None
    assert found.name == tunnel_rule.THERE


def test_of_a_server_that_never_answered_the_last_router_alive_is_known() -> None:
    seen = Estimates(paths=beneath(Paths(), complete=False, segments=SEGMENTS[:3]))
    assert UNDERLAY.ask(seen, NOW) is None, "it may be one that answers no probes"
    seen.requests.started(RequestStarted(10 * S_NS, 1, "host-a", "playlist"))
    found = UNDERLAY.ask(seen, NOW)
    assert found is not None
    assert found.name == "core_to_service"


def test_no_tunnel_nothing_is_said() -> None:
    assert underlay.trouble(Paths(), NOW) is None
    assert underlay.trouble(inside(Paths()), NOW) is None


def test_a_tunnel_beside_the_way_to_the_service_is_none_of_ours() -> None:
    """Switched off, or it carries something else."""
    outside = inside(Paths(), ("network.home.wifi", "network.isp.access"))
    seen = beneath(outside, delayed_from=2)
    assert underlay.trouble(seen, NOW) is None
    assert "network.vpn" not in sighted(Estimates(paths=seen)).clear


def test_of_two_servers_the_one_that_is_probed_now_counts() -> None:
    seen = beneath(inside(Paths()), server="addr-old", seconds=range(12))
    beneath(seen, server="addr-new", seconds=range(12, 30), delayed_from=2)
    assert underlay.trouble(seen, NOW) == "access"


def test_a_server_that_is_not_probed_any_more_is_forgotten() -> None:
    seen = tunnel()
    for second in range(30, 70):
        seen.probe(HopProbe(second * S_NS, "host-a", 2, "udp", "reached", 30 * MS_NS, "addr-s"))
    assert underlay.trouble(seen, 70 * S_NS) is None
    assert "network.vpn" not in sighted(Estimates(paths=seen)).clear


def test_a_tunnel_in_a_tunnel_shows_nothing_of_the_line() -> None:
    seen = tunnel(segments=("network.vpn", None, "service"))
    assert underlay.trouble(seen, NOW) is None
    assert "network.vpn" not in sighted(Estimates(paths=seen)).clear


def test_the_way_under_the_tunnel_is_not_taken_for_the_way_to_the_service() -> None:
    seen = tunnel(delayed_from=2)
    assert underlay.localise.queue(seen, NOW) == underlay.localise.Located("none", 0, 30 * MS_NS)


def test_under_a_tunnel_that_is_seen_places_can_be_named() -> None:
    assert "network.vpn" not in sighted(Estimates(paths=inside(Paths()))).clear
    found = sighted(Estimates(paths=tunnel())).clear
    assert {"network.vpn", "network.home.wifi", "network.isp.access"} <= found
    # what leads from the provider's border to the server is the tunnel's
    assert "network.interconnect" not in found
    either = ("network.home.wifi", "network.isp.core|network.interconnect", "service")
    half = sighted(Estimates(paths=tunnel(segments=either)))
    assert "network.isp.core" in half.blurred
    assert "network.interconnect" not in half.blurred | half.clear
    # a server that doesn't answer: what is before it can be told, the tunnel itself can't
    found = sighted(Estimates(paths=tunnel(complete=False))).clear
    assert "network.home.wifi" in found
    assert "network.vpn" not in found


def test_a_router_that_is_heard_for_the_first_time_is_no_other_way() -> None:
    seen = beneath(Paths(), seconds=range(10))
    path = seen.paths["addr-vpn"]
    seen.probe(HopProbe(10 * S_NS, "addr-vpn", 5, "echo", "reached", 20 * MS_NS, role="underlay"))
    kept = {ttl: len(hop.tries) for ttl, hop in path.hops.items()}
    assert rounds.FAR in kept
    heard = tuple(f"addr-vpn-{ttl}" for ttl in range(1, 6))
    before = (heard[0], None, *heard[2:])
    for second, hops in ((11, before), (12, heard)):
        seen.route(Route(second * S_NS, "addr-vpn", "underlay", hops, SEGMENTS, True))
    assert {ttl: len(hop.tries) for ttl, hop in path.hops.items()} == kept
    other = (*heard[:2], "addr-new", *heard[3:])
    seen.route(Route(13 * S_NS, "addr-vpn", "underlay", other, SEGMENTS, True))
    assert set(path.hops) == {1, 2}, "from the router that differs on nothing is known"


def test_losses_place_nothing_more_closely_than_delays_do() -> None:
    wide = ("network.home.wifi", None, None, None, "service")
    delays = beneath(Paths(), delayed_from=2, segments=wide)
    both = beneath(Paths(), delayed_from=2, lost_from=5, segments=wide)
    for seen in (delays, both):
        inside(seen)
    assert underlay.trouble(both, NOW) == underlay.trouble(delays, NOW)
