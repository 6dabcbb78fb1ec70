"""A box on the way that ends TCP connections: how it is found, and what isn't asked there."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence import RULES
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.observations import HopProbe, RoundTrip, Route
from streamnotice.path import localise
from streamnotice.path.rounds import FAR, Paths
from tests.core.test_localise import MS_NS, S_NS, SEGMENTS, idle


def boxed(
    *, syn_ms: int = 5, ttl: int | None = 2, rtts_ms: tuple[int, ...] = (4, 24, 28, 32, 36)
) -> Paths:
    """The same with handshakes, and SYNs that are answered at *ttl*."""
    seen = idle(rtts_ms)
    for second in range(10):
        at_ns = second * S_NS + 500 * MS_NS
        if ttl is not None and second in (3, 6):
            syn = HopProbe(at_ns, "host-a", ttl, "tcp", "reached", syn_ms * MS_NS, "addr-a")
            seen.probe(syn)
        else:
            seen.round_trip(RoundTrip(at_ns, "host-a", "service", rtt_ns=syn_ms * MS_NS))
    return seen


def test_a_box_that_answers_syns_in_the_servers_place() -> None:
    assert boxed().ended_near()
    assert boxed(ttl=3, syn_ms=25).ended_near(), "by the links passed"
    assert not boxed(ttl=3, syn_ms=36).ended_near(), "a box that adds no time hides nothing"
    assert not boxed(ttl=4, syn_ms=25).ended_near(), "TCP's way may be shorter by one"
    assert not boxed(ttl=None, syn_ms=36).ended_near()
    assert not boxed(ttl=None, syn_ms=17).ended_near(), "hosts and routers may be slow to answer"


def test_handshakes_that_come_back_sooner_than_from_the_last_hops() -> None:
    seen = idle((4, 24, 28, 32, 36))
    for second in range(4):
        seen.round_trip(RoundTrip(second * S_NS + 500 * MS_NS, "host-a", "service", 5 * MS_NS))
    assert seen.ended_near(), "by time alone"
    box = seen.busiest()
    assert box is not None
    assert FAR not in box.hops, "what it answered is forgotten"
    seen.round_trip(RoundTrip(11 * S_NS, "host-a", "service", 5 * MS_NS))
    assert FAR not in box.hops
    other = ("addr-1", "addr-2", "addr-3", "addr-x", "addr-5")
    seen.route(Route(12 * S_NS, "host-a", "service", other, SEGMENTS, True))
    assert seen.ended_near(), "what changed lies behind"
    other = ("addr-y", "addr-2", "addr-3", "addr-x", "addr-5")
    seen.route(Route(13 * S_NS, "host-a", "service", other, SEGMENTS, True))
    assert not seen.ended_near(), "in another network there may be no such box"


def test_syns_that_go_further_acquit() -> None:
    """TCP and UDP over ways of different length, by turns."""
    seen = idle((4, 24, 28, 32, 36))
    for second in range(10):
        seen.round_trip(RoundTrip(second * S_NS, "host-a", "service", 25 * MS_NS))
        early = second % 3 == 0
        outcome, hop = ("reached", "addr-a") if early else ("ttl_exceeded", "addr-3")
        at_ns = second * S_NS + 500 * MS_NS
        seen.probe(HopProbe(at_ns, "host-a", 3, "tcp", outcome, 25 * MS_NS, hop))  # type: ignore[arg-type]
    assert not seen.ended_near()


def test_answers_of_routers_alone_are_no_proof() -> None:
    """Where the far end drops UDP, the last hops' answers may come back by a longer way."""
    seen = idle((4, 24, 28, 32, 36))
    path = seen.busiest()
    assert path is not None
    del path.hops[5]
    for second in range(10):
        seen.round_trip(RoundTrip(second * S_NS + 500 * MS_NS, "host-a", "service", 9 * MS_NS))
    assert not seen.ended_near()


def test_a_syn_that_was_answered_too_near_makes_them_one() -> None:
    """So the box is found where an outage behind it leaves the far end silent."""

    def found(early_ttl: int, syn_ms: int) -> bool:
        seen = idle((4, 24, 28, 32, 36))
        path = seen.busiest()
        assert path is not None
        del path.hops[5]
        syn = HopProbe(S_NS, "host-a", early_ttl, "tcp", "reached", syn_ms * MS_NS, "addr-a")
        seen.probe(syn)
        assert not seen.ended_near(), "once is not enough"
        for second in range(2, 10):
            seen.round_trip(RoundTrip(second * S_NS, "host-a", "service", syn_ms * MS_NS))
        return seen.ended_near()

    assert found(1, 5)
    assert not found(4, 5), "it may have come so far"
    assert not found(1, 15), "not sooner than by half"


def test_one_at_home_hides_the_way_whatever_time_it_adds() -> None:
    """And is found on a way whose far end was never heard."""

    def found(early_ttl: int, hops: int) -> bool:
        seen = Paths()
        labels = tuple(f"addr-{ttl}" for ttl in range(1, hops + 1))
        seen.route(Route(0, "host-a", "service", labels, SEGMENTS[:hops], False))
        for ttl in range(1, hops + 1):
            seen.probe(HopProbe(ttl, "host-a", ttl, "udp", "ttl_exceeded", 2 * MS_NS))
        for at_ns in (S_NS, 2 * S_NS):
            seen.round_trip(RoundTrip(at_ns, "host-a", "service", rtt_ns=2 * MS_NS))
            seen.probe(HopProbe(at_ns, "host-a", early_ttl, "tcp", "reached", 2 * MS_NS, "addr-a"))
        return seen.ended_near()

    assert SEGMENTS[:2] == ("network.home.wifi", "network.isp.access")
    assert found(1, 2)
    assert not found(1, 1), "the far end may be the next hop"
    assert not found(2, 3), "one of the provider's that adds no time hides nothing"


def test_pings_beside_a_tunnel_are_no_handshakes() -> None:
    seen = Paths()
    hops = ("addr-1", "addr-2", "addr-3")
    seen.route(Route(0, "host-v", "underlay", hops, SEGMENTS[:3], True))
    for second in range(10):
        for ttl in (1, 2, 3):
            outcome = "reached" if ttl == 3 else "ttl_exceeded"
            at_ns = second * S_NS + ttl * MS_NS
            seen.probe(
                HopProbe(at_ns, "host-v", ttl, "udp", outcome, 30 * MS_NS, role="underlay")  # type: ignore[arg-type]
            )
        ping = HopProbe(second * S_NS, "host-v", 3, "echo", "reached", 9 * MS_NS, role="underlay")
        seen.probe(ping)
    assert not seen.ended_near()
    assert FAR in seen.paths["host-v"].hops


def test_once_found_no_servers_handshakes_count() -> None:
    seen = boxed()
    for second in range(10, 40):
        seen.round_trip(RoundTrip(second * S_NS, "host-b", "service", 5 * MS_NS))
    assert seen.ended_near()
    assert FAR not in seen.paths["host-b"].hops


def test_what_was_usual_before_may_have_been_the_boxs() -> None:
    seen = boxed()
    seen.store("far end", 5 * MS_NS)
    found = localise.queue(seen, 10 * S_NS)
    assert found is not None
    assert found.place == "none"


def test_behind_such_a_box_references_are_no_control() -> None:
    seen = boxed()
    seen.round_trip(RoundTrip(10 * S_NS, "host-r", "reference", 5 * MS_NS))
    assert seen.references() == []


def test_idle_handshakes_are_not_held_against_hops_under_load() -> None:
    """Of a queue that our own media makes the ones may always meet nothing, the others all."""
    seen = Paths()
    hops = tuple(f"addr-{ttl}" for ttl in range(1, 6))
    seen.route(Route(0, "host-a", "service", hops, SEGMENTS, True))
    for second in range(20):
        for ttl in range(1, 6):
            outcome = "reached" if ttl == 5 else "ttl_exceeded"
            at_ns = second * S_NS + ttl * MS_NS
            rtt_ns = (150 + 4 * ttl) * MS_NS
            seen.probe(HopProbe(at_ns, "host-a", ttl, "udp", outcome, rtt_ns, loaded=True))  # type: ignore[arg-type]
        syn_ns = second * S_NS + 500 * MS_NS
        seen.round_trip(RoundTrip(syn_ns, "host-a", "service", 20 * MS_NS, loaded=False))
    assert not seen.ended_near()


def test_what_takes_tcp_for_the_whole_way_is_not_asked_there() -> None:
    said = Outcome("so")
    rule = Rule("a", ("so",), "requests", lambda seen, now: said, whole_way=True)
    assert rule.ask(Estimates(paths=boxed()), S_NS) is None
    assert rule.ask(Estimates(paths=boxed(ttl=None, syn_ms=36)), S_NS) == said
    assert {rule.name for rule in RULES if rule.whole_way} == {
        "connect", "opening", "first_byte", "first_byte_hit", "first_byte_miss", "reordering",
        "slow_answers", "socket_rtt",
    }  # fmt: skip
