"""Where trouble begins along a path: by example, with the traps that real routers set."""

from __future__ import annotations

import pytest

from streamnotice.observations import HopProbe, RoundTrip, Route
from streamnotice.path import localise
from streamnotice.path.rounds import Paths

S_NS = 1_000_000_000
MS_NS = 1_000_000
SEGMENTS = (
    "network.home.wifi",
    "network.isp.access",
    "network.isp.core",
    "network.interconnect",
    "service",
)
WORDS = ("home", "access", "core", "interconnect", "service")


def paths(
    segments: tuple[str | None, ...] = SEGMENTS,
    trouble_at: int | None = None,
    extra_ms: int = 120,
    slow_router: int | None = None,
    lost_from: int | None = None,
    bent_from: int | None = None,
    silent: int | None = None,
    late: frozenset[int] = frozenset(),
    alone: bool = False,
    slow_by_itself: int | None = None,
) -> Paths:
    """Probes once a second to each hop for 30 s; trouble on the link to `trouble_at` from 20 s.

    Hops in *late* are known from 21 s on, one that is *slow_by_itself* answers 100 to 370 ms later
    than it might all the time. Unless *alone*, the way to a server of another network
    is known, which leaves this one behind the third hop.
    """
    seen = Paths()
    hops = tuple(f"addr-{ttl}" for ttl in range(1, len(segments) + 1))
    seen.route(Route(0, "host-a", "service", hops, segments, True))
    if not alone:
        beside = (*segments[:3], "network.interconnect")
        seen.route(Route(0, "host-r", "reference", (*hops[:3], "addr-r"), beside, True))
    for second in range(30):
        trouble = second >= 20
        for ttl in range(1, len(segments) + 1):
            rtt: int | None = (4 * ttl + second % 3) * MS_NS
            if trouble and trouble_at is not None and ttl >= trouble_at:
                rtt = (rtt or 0) + extra_ms * MS_NS
            if trouble and ttl == slow_router:
                rtt = (rtt or 0) + 300 * MS_NS
            if ttl == slow_by_itself:
                rtt = (rtt or 0) + (100 + 90 * (second % 4)) * MS_NS
            if trouble and lost_from is not None and ttl >= lost_from:
                rtt = None
            if ttl == silent or (ttl in late and second <= 20):
                continue
            back = ttl - 1 + (3 if bent_from is not None and ttl >= bent_from else 0)
            outcome = "lost" if rtt is None else "reached" if ttl == 5 else "ttl_exceeded"
            seen.probe(
                HopProbe(second * S_NS, "host-a", ttl, "udp", outcome, rtt, hops[ttl - 1], back)  # type: ignore[arg-type]
            )
    return seen


NOW = 30 * S_NS


@pytest.mark.parametrize(
    ("link", "place"),
    [(2, "access"), (3, "core_or_interconnect"), (4, "interconnect_or_service"), (5, "service")],
)
def test_a_provider_that_no_other_way_leaves_may_end_one_router_earlier(
    link: int, place: str
) -> None:
    found = localise.queue(paths(trouble_at=link, alone=True), NOW)
    assert found is not None
    assert found.place == place


@pytest.mark.parametrize(("link", "word"), list(enumerate(WORDS, 1)))
def test_queue_is_found_on_its_link(link: int, word: str) -> None:
    found = localise.queue(paths(trouble_at=link), NOW)
    assert found is not None
    assert found.place == word
    assert 100 * MS_NS < found.value < 140 * MS_NS


@pytest.mark.parametrize("router", [1, 2, 3, 4])
def test_a_router_that_only_answers_slowly_is_not_a_queue(router: int) -> None:
    found = localise.queue(paths(slow_router=router), NOW)
    assert found is not None
    assert found.place == "none"


@pytest.mark.parametrize("router", [1, 2, 3])
def test_a_router_that_is_slower_than_the_far_end_is_no_witness(router: int) -> None:
    """What it shows above its best is its own, as far as anybody knows: as if it were silent."""
    found = localise.queue(paths(trouble_at=router + 1, slow_by_itself=router), NOW)
    assert found is not None
    assert found.place == f"{WORDS[router - 1]}_or_{WORDS[router]}"


@pytest.mark.parametrize("router", [1, 2, 3])
def test_a_scatter_of_such_a_router_is_its_own_as_well(router: int) -> None:
    seen = paths(slow_by_itself=router)
    for second in range(20, 30):
        for ttl in range(router + 1, 6):
            rtt = (4 * ttl + 60 * (second % 3)) * MS_NS
            outcome = "reached" if ttl == 5 else "ttl_exceeded"
            seen.probe(
                HopProbe(second * S_NS, "host-a", ttl, "udp", outcome, rtt, f"addr-{ttl}", ttl - 1)  # type: ignore[arg-type]
            )
    found = localise.spread(seen, NOW)
    assert found is not None
    assert found.place == f"{WORDS[router - 1]}_or_{WORDS[router]}"


def test_a_slow_router_still_bounds_what_may_stand_before_it() -> None:
    """All of its rise is no more than a part of the far end's: the rest is behind it."""
    seen = paths(trouble_at=3)
    path = seen.paths["host-a"]
    for ttl, low_ms, rise_ms in ((1, 4, (100, 140)), (2, 48, (40, 60))):
        path.hops.pop(ttl)
        for second in range(30):
            rtt = low_ms + (rise_ms[second % 2] if second >= 20 else second % 2)
            seen.probe(
                HopProbe(
                    second * S_NS,
                    "host-a",
                    ttl,
                    "udp",
                    "ttl_exceeded",
                    rtt * MS_NS,
                    f"addr-{ttl}",
                    ttl - 1,
                )
            )
            seen.probe(
                HopProbe(
                    second * S_NS,
                    "host-a",
                    5,
                    "udp",
                    "reached",
                    (20 + 120 * (second >= 20)) * MS_NS,
                    "addr-5",
                    4,
                )
            )
    found = localise.queue(seen, NOW)
    assert found is not None
    assert found.place == "home_to_core"


@pytest.mark.parametrize("link", [2, 3])
def test_a_router_first_heard_in_a_queue_is_not_slow_by_itself(link: int) -> None:
    """Its best holds the queue, and so did the far end's answers at the time."""
    seen = paths(trouble_at=link, late=frozenset({1, 2, 3, 4}))
    assert not any(hop.late for hop in seen.paths["host-a"].hops.values())


def test_a_slow_router_still_clears_what_is_before_it() -> None:
    """Late as it answers: what delays the far end much more is not on the way to it."""
    seen = paths(trouble_at=4, slow_by_itself=3, extra_ms=900)
    assert localise.queue(seen, NOW).place == "interconnect"  # type: ignore[union-attr]


@pytest.mark.parametrize("silent", [1, 2, 3, 4])
def test_behind_a_silent_hop_both_places_are_kept(silent: int) -> None:
    found = localise.queue(paths(trouble_at=silent + 1, silent=silent), NOW)
    assert found is not None
    assert found.place == f"{WORDS[silent - 1]}_or_{WORDS[silent]}"


def test_two_silent_hops_leave_too_much_open() -> None:
    seen = paths(trouble_at=4, silent=3)
    del seen.paths["host-a"].hops[2]
    assert localise.queue(seen, NOW).place == "access_to_interconnect"  # type: ignore[union-attr]


def test_silent_hop_within_one_place_does_no_harm() -> None:
    segments = ("network.home.wifi", *("network.isp.core",) * 3, "service")
    found = localise.queue(paths(segments, trouble_at=3, silent=2), NOW)
    assert found is not None
    assert found.place == "core"


def test_unknown_links_can_be_anywhere_further_on() -> None:
    segments = ("network.home.wifi", "network.isp.access", None, None, None)
    found = localise.queue(paths(segments, trouble_at=4), NOW)
    assert found is not None
    assert found.place == "core_to_service"  # the line into the provider is a single link


def test_a_path_never_reached_ends_beyond_its_last_hop() -> None:
    seen = paths(SEGMENTS[:2])
    seen.paths["host-a"].complete = False
    assert localise.queue(seen, NOW) is None
    for second in range(20, 30):
        seen.round_trip(RoundTrip(second * S_NS, "host-a", "service", None, "timeout"))
    found = localise.reach(seen, NOW)
    assert found is not None
    assert found.place == "core_to_service"


def test_returns_over_another_way_leave_the_place_open() -> None:
    found = localise.queue(paths(trouble_at=4, bent_from=4), NOW)
    assert found is not None
    assert found.place == "unplaced"


@pytest.mark.parametrize(("link", "word"), list(enumerate(WORDS[:4], 1)))
def test_reach_ends_before_the_dead_link(link: int, word: str) -> None:
    found = localise.reach(paths(lost_from=link), NOW)
    assert found is not None
    assert found.place == word


def far_end_hears(pattern: str) -> Paths:
    """All hops answer; of the far end's tries, one a second up to `NOW`, those with a 1 do."""
    seen = paths(silent=5)
    for number, answers in enumerate(pattern):
        at_ns = NOW - (len(pattern) - number) * S_NS
        rtt = 20 * MS_NS if answers == "1" else None
        seen.probe(
            HopProbe(
                at_ns, "host-a", 5, "udp", "lost" if rtt is None else "reached", rtt, "addr-5", 4
            )
        )
    return seen


@pytest.mark.parametrize(
    ("pattern", "place"),
    [
        ("111111111111111000", "server"),  # nothing got lost before
        ("0010011000100101000", None),  # as more than half of all did
        ("001001100010010100000", "server"),  # not so many in a row
        ("100000000010000000001000", "server"),  # it comes and goes
    ],
)
def test_a_silence_is_one_only_if_losses_don_t_make_it(pattern: str, place: str | None) -> None:
    found = localise.reach(far_end_hears(pattern), NOW)
    assert (None if found is None else found.place) == place


def test_only_the_far_end_silent_is_the_servers() -> None:
    assert localise.reach(paths(lost_from=5), NOW).place == "server"  # type: ignore[union-attr]


def test_far_end_that_drops_probes_but_shakes_hands_is_reached() -> None:
    seen = paths(lost_from=5)
    for second in range(24, 30):
        seen.round_trip(RoundTrip(second * S_NS, "host-a", "service", 20 * MS_NS))
    assert localise.reach(seen, NOW).place == "all"  # type: ignore[union-attr]


def test_loss_is_found_on_its_link() -> None:
    found = localise.loss(paths(lost_from=3), NOW)
    assert found is not None
    assert found.place == "core"


def _lossy(pinged: dict[int, int], hop_ms: int = 4, ping_ms: int = 4) -> Paths:
    """A fifth of what reaches the far end gets lost; of the hops little is known, and of hop
    *pinged* -> every so many pings (0: none)."""
    seen = Paths()
    hops = tuple(f"addr-{ttl}" for ttl in range(1, 6))
    seen.route(Route(0, "host-a", "service", hops, SEGMENTS, True))
    beside = (*SEGMENTS[:3], "network.interconnect")
    seen.route(Route(0, "host-r", "reference", (*hops[:3], "addr-r"), beside, True))
    for second in range(30):
        for ttl in (1, 2, 3, 4, 5) if second % 10 == 0 else (5,):
            lost = ttl == 5 and second % 5 == 1
            outcome = "lost" if lost else "reached" if ttl == 5 else "ttl_exceeded"
            rtt = None if lost else hop_ms * ttl * MS_NS
            seen.probe(HopProbe(second * S_NS, "host-a", ttl, "udp", outcome, rtt))  # type: ignore[arg-type]
        for ttl, every in pinged.items():
            for part in range(3):
                lost = every > 0 and (second * 3 + part) % every == 1
                at_ns = second * S_NS + part * S_NS // 3
                rtt = None if lost else ping_ms * ttl * MS_NS
                seen.probe(
                    HopProbe(at_ns, "host-a", ttl, "echo", "lost" if lost else "reached", rtt)
                )  # type: ignore[arg-type]
    return seen


@pytest.mark.parametrize(
    ("pinged", "place"),
    [
        ({}, "home_to_service"),
        ({3: 0}, "interconnect_or_service"),
        ({3: 5, 2: 0}, "core"),
        ({1: 0, 2: 5}, "access"),
    ],
)
def test_pings_to_routers_on_the_way_tell_where_losses_begin(
    pinged: dict[int, int], place: str
) -> None:
    found = localise.loss(_lossy(pinged), NOW)
    assert found is not None
    assert found.place == place


def test_pings_that_take_a_detour_tell_nothing() -> None:
    straight, round_about = _lossy({3: 0}, ping_ms=5), _lossy({3: 0}, ping_ms=12)
    assert localise.loss(straight, NOW).place == "interconnect_or_service"  # type: ignore[union-attr]
    assert localise.loss(round_about, NOW).place == "home_to_service"  # type: ignore[union-attr]


def test_a_router_that_is_pinged_is_alive() -> None:
    """It answers pings while its word on limited-TTL probes is long ago."""
    seen = paths(SEGMENTS)
    for second in range(24, 40):
        seen.probe(HopProbe(second * S_NS, "host-a", 5, "udp", "lost"))
        seen.probe(HopProbe(second * S_NS, "host-a", 3, "echo", "reached", 12 * MS_NS))
        seen.probe(HopProbe(second * S_NS, "host-a", 4, "udp", "lost"))
    found = localise.reach(seen, 40 * S_NS)
    assert found is not None
    assert found.place == "interconnect"


def test_a_far_end_that_is_gone_behind_a_silent_router_may_be_gone_itself() -> None:
    seen = paths(lost_from=5)
    del seen.paths["host-a"].hops[4]
    assert localise.reach(seen, NOW).place == "interconnect_or_service"  # type: ignore[union-attr]


def test_both_voices_of_a_far_end_tell_of_loss_together() -> None:
    """Each alone has lost too little."""
    seen = Paths()
    seen.route(Route(0, "host-a", "service", ("a", "b"), SEGMENTS[:2], True))
    for second in range(30):
        lost = second % 10 == 9
        rtt = None if lost else 8 * MS_NS
        seen.probe(HopProbe(second * S_NS, "host-a", 1, "udp", "ttl_exceeded", 4 * MS_NS))
        seen.probe(HopProbe(second * S_NS, "host-a", 2, "udp", "lost" if lost else "reached", rtt))
        if second % 3 == 0:
            gone = second == 15
            seen.round_trip(
                RoundTrip(
                    second * S_NS, "host-a", "service", None if gone else 8 * MS_NS,
                    "timeout" if gone else None,
                )
            )  # fmt: skip
    assert localise.loss(seen, NOW).value == 4 * 1000 // 38  # type: ignore[union-attr]


def test_one_lost_probe_is_no_loss() -> None:
    seen = paths()
    seen.probe(HopProbe(NOW, "host-a", 5, "udp", "lost"))
    assert localise.loss(seen, NOW).place == localise.NONE  # type: ignore[union-attr]


def test_nothing_is_said_of_a_path_whose_end_is_unseen() -> None:
    assert localise.queue(Paths(), NOW) is None
    assert localise.queue(paths(silent=5), NOW) is None


def standing(link: int, stored: dict[str, int] | None = None) -> Paths:
    """A queue on *link* that stood before the first probe, and never empties."""
    seen = Paths()
    seen.stored = stored or {}
    hops = tuple(f"addr-{ttl}" for ttl in range(1, 6))
    seen.route(Route(0, "host-a", "service", hops, SEGMENTS, True))
    for second in range(30):
        for ttl in range(1, 6):
            rtt = (4 * ttl + (120 if ttl >= link else 0)) * MS_NS
            outcome = "reached" if ttl == 5 else "ttl_exceeded"
            seen.probe(HopProbe(second * S_NS, "host-a", ttl, "udp", outcome, rtt))  # type: ignore[arg-type]
    return seen


def test_a_queue_that_was_there_first_needs_a_stored_baseline() -> None:
    assert localise.queue(standing(2), NOW).place == "none"  # type: ignore[union-attr]
    stored = {
        "network.home.wifi": 4 * MS_NS,
        "network.isp.access": 8 * MS_NS,
        "network.isp.core": 12 * MS_NS,
        "network.interconnect": 16 * MS_NS,
        "far end": 20 * MS_NS,
    }
    found = localise.queue(standing(2, stored), NOW)
    assert found is not None
    assert found.place == "access"
    assert found.value == 120 * MS_NS


def test_a_queue_that_a_hops_own_baseline_holds_is_not_laid_behind_it() -> None:
    """Only the home and the far end are known from earlier: the hops between have the queue in
    their smallest round trips, and that they rise no further clears none of them."""
    stored = {"network.home.wifi": 4 * MS_NS, "far end": 20 * MS_NS}
    for link in (2, 3, 4, 5):
        found = localise.queue(standing(link, stored), NOW)
        assert found is not None
        near, far = localise.STRETCHES[found.place]
        assert near <= link - 1 <= far, (link, found.place)
        assert found.value == 120 * MS_NS


@pytest.mark.parametrize("link", [1, 2, 3, 4])
def test_a_hop_known_only_since_the_queue_stood_is_not_cleared(link: int) -> None:
    found = localise.queue(paths(trouble_at=link, late=frozenset({link, 4})), NOW)
    assert found is not None
    near, far = localise.STRETCHES[found.place]
    assert near <= link - 1 <= far, found.place


@pytest.mark.parametrize("link", [1, 2, 3, 4])
def test_while_no_route_is_known_no_router_stands_for_the_far_end(link: int) -> None:
    """Handshakes knew the server before the queue; the hops are found in it, asked twice over."""
    seen = Paths()

    def probe(at_ns: int, ttl: int) -> None:
        rtt_ns = (4 * ttl + (120 if ttl >= link else 0)) * MS_NS
        outcome = "reached" if ttl == 5 else "ttl_exceeded"
        seen.probe(HopProbe(at_ns, "host-a", ttl, "udp", outcome, rtt_ns, f"addr-{ttl}", ttl - 1))  # type: ignore[arg-type]

    for second in range(20):
        seen.round_trip(RoundTrip(second * S_NS, "host-a", "service", rtt_ns=20 * MS_NS))
    for turn in range(10):
        probe(20 * S_NS + turn * 100 * MS_NS, turn % 5 + 1)
    hops = tuple(f"addr-{ttl}" for ttl in range(1, 6))
    seen.route(Route(21 * S_NS, "host-a", "service", hops, SEGMENTS, True))
    for second in range(21, 30):
        for half in (0, S_NS // 2):
            at_ns = second * S_NS + half
            seen.round_trip(RoundTrip(at_ns, "host-a", "service", rtt_ns=140 * MS_NS))
        for ttl in range(1, 6):
            probe(second * S_NS + ttl * 100 * MS_NS, ttl)
    found = localise.queue(seen, NOW)
    assert found is not None
    near, far = localise.STRETCHES[found.place]
    assert near <= link - 1 <= far, found.place


def unanswered(reference_rtt_ns: int | None) -> Paths:
    """Nobody along the way to the service ever answers; a reference is asked as well."""
    seen = Paths()
    for second in range(20, 30):
        at_ns = second * S_NS
        seen.probe(HopProbe(at_ns, "host-a", second % 4 + 1, "udp", "lost"))
        seen.round_trip(RoundTrip(at_ns, "host-a", "service", failure="timeout"))
        failure = "timeout" if reference_rtt_ns is None else None
        seen.round_trip(
            RoundTrip(at_ns, "host-b", "reference", rtt_ns=reference_rtt_ns, failure=failure)  # type: ignore[arg-type]
        )
    return seen


def test_nothing_answers_at_all() -> None:
    found = localise.reach(unanswered(None), NOW)
    assert found is not None
    assert (found.place, found.answered) == ("nothing", 0)
    assert found.lost >= 4


def test_probes_that_no_firewall_lets_through_are_not_a_dead_line() -> None:
    assert localise.reach(unanswered(20 * MS_NS), NOW) is None


def idle(
    rtts_ms: tuple[int, ...], segments: tuple[str | None, ...] = SEGMENTS, seconds: int = 10
) -> Paths:
    """Answers of the hops of a path, none of which ever varies."""
    seen = Paths()
    hops = tuple(f"addr-{ttl}" for ttl in range(1, len(rtts_ms) + 1))
    seen.route(Route(0, "host-a", "service", hops, segments, True))
    beside = (*segments[:3], "network.interconnect")
    seen.route(Route(0, "host-r", "reference", (*hops[:3], "addr-r"), beside, True))
    for second in range(seconds):
        for ttl, rtt_ms in enumerate(rtts_ms, 1):
            outcome = "reached" if ttl == len(rtts_ms) else "ttl_exceeded"
            at_ns = second * S_NS + ttl * MS_NS
            seen.probe(
                HopProbe(at_ns, "host-a", ttl, "udp", outcome, rtt_ms * MS_NS, f"addr-{ttl}")  # type: ignore[arg-type]
            )
    return seen


def leap(seen: Paths) -> str | None:
    found = localise.leap(seen, 10 * S_NS)
    return None if found is None else found.place


@pytest.mark.parametrize(("link", "word"), list(enumerate(WORDS, 1)))
def test_a_queue_that_was_there_first_is_a_leap_of_the_smallest_delays(
    link: int, word: str
) -> None:
    rtts = tuple(4 * ttl + (150 if ttl >= link else 0) for ttl in range(1, 6))
    assert leap(idle(rtts)) == word


def test_what_is_no_leap() -> None:
    assert leap(idle((4, 8, 12, 16, 20))) == "none"
    assert leap(idle((4, 30, 60, 110, 180))) == "none", "a long way, link by link"
    assert leap(idle((4, 200, 12, 16, 20))) == "none", "a router that answers slowly"
    assert leap(idle((4, 560, 565, 570, 575))) is None, "a satellite"
    assert leap(idle((4, 124, 128, 252, 256))) == "access_to_interconnect", "a queue and an ocean"
    assert leap(idle((4, 154, 158, 162, 166), seconds=1)) is None, "answers once each"
    known = idle((4, 154, 158, 162, 166))
    known.store("far end", 20 * MS_NS)
    assert leap(known) is None, "what is usual here is known"


def test_a_way_that_is_found_anew_in_a_queue_of_our_own_leaps_nowhere() -> None:
    seen = idle((4, 8, 12, 16, 20), seconds=20)
    other = ("addr-1", "addr-2", "addr-3", "addr-x", "addr-5")
    seen.route(Route(20 * S_NS, "host-a", "service", other, SEGMENTS, True))
    for second in range(20, 36):
        for ttl in range(1, 6):
            rtt_ns = (4 * ttl + (150 if ttl >= 2 else 0)) * MS_NS
            outcome = "reached" if ttl == 5 else "ttl_exceeded"
            at_ns = second * S_NS + ttl * MS_NS
            seen.probe(
                HopProbe(at_ns, "host-a", ttl, "udp", outcome, rtt_ns, f"addr-{ttl}", loaded=True)  # type: ignore[arg-type]
            )
    assert localise.leap(seen, 36 * S_NS) is None


def test_a_tunnels_server_shares_half_of_its_own_links_loss() -> None:
    """No place behind it is accused of what its own link loses twice."""
    inside = ("network.vpn", "network.interconnect", "service")
    seen = Paths()
    seen.route(Route(0, "host-a", "service", ("a", "b", "c"), inside, True))
    for number in range(60):
        for ttl in (1, 2, 3):
            gone = number % 20 == 5 if ttl == 1 else number % 10 == ttl
            rtt = None if gone else (10 + ttl) * MS_NS
            outcome = "lost" if gone else "reached" if ttl == 3 else "ttl_exceeded"
            seen.probe(HopProbe(number * S_NS // 2, "host-a", ttl, "udp", outcome, rtt))  # type: ignore[arg-type]
    found = localise.loss(seen, NOW)
    assert found is not None
    assert found.place == "vpn"
