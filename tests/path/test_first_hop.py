"""What the home router's own answers say, and what only those of others can make them say."""

from __future__ import annotations

import pytest

from streamnotice.coverage import coverage
from streamnotice.estimates import Estimates, sighted
from streamnotice.evidence import first_hop
from streamnotice.observations import HopProbe, RoundTrip, Route, Transfer
from streamnotice.observations import RequestStarted as Started
from streamnotice.path.first_hop import FirstHop
from streamnotice.policy import Policy
from streamnotice.sensors import first_hop as sensor
from streamnotice.sensors.routes import Way
from streamnotice.verdict.tables import shipped

S_NS = 1_000_000_000
MS_NS = 1_000_000
NOW = 30 * S_NS


def ask(seen: Estimates, at_ns: int, rtt_ms: int | None, router: str = "addr-r") -> None:
    outcome = "lost" if rtt_ms is None else "reached"
    rtt_ns = None if rtt_ms is None else rtt_ms * MS_NS
    seen.paths.probe(HopProbe(at_ns, router, 1, "echo", outcome, rtt_ns, role="first-hop"))  # type: ignore[arg-type]


def answers(
    seen: Estimates, *, every: int = 2, lost: int = 0, late_ms: int = 0, silent_from: int = 99
) -> Estimates:
    """Thirty seconds of questions, *every* a second; from 15 s on, trouble."""
    for second in range(30):
        for turn in range(every):
            number = second * every + turn
            at = second * S_NS + turn * S_NS // every
            trouble = second >= 15
            gone = (lost and trouble and number % lost == 0) or second >= silent_from
            ask(seen, at, None if gone else 2 + number % 2 + (late_ms if trouble else 0))
    return seen


def far(
    seen: Estimates,
    *,
    late_ms: int = 0,
    lost: int = 0,
    gone: bool = False,
    name: str = "host-s",
) -> Estimates:
    """Handshakes with a server, once a second; from 15 s on, trouble."""
    role = "service" if name == "host-s" else "reference"
    for second in range(30):
        trouble = second >= 15
        missing = trouble and (gone or (lost and second % lost == 0))
        rtt = None if missing else (20 + (late_ms if trouble else 0)) * MS_NS
        why = "timeout" if rtt is None else None
        seen.paths.round_trip(RoundTrip(second * S_NS, name, role, rtt, why))  # type: ignore[arg-type]
    return seen


def media(seen: Estimates) -> Estimates:
    """The player's own transfer, with bytes each second."""
    seen.requests.started(Started(0, 1, "host-s", "media"))
    for second in range(30):
        seen.requests.transfer(Transfer(second * S_NS, 1, (second + 1) * 100_000))
    return seen


def stuck(seen: Estimates) -> Estimates:
    """A request that nothing comes of."""
    seen.requests.started(Started(20 * S_NS, 1, "host-s", "media"))
    return seen


def outcome(seen: Estimates) -> str | None:
    found = first_hop.read(seen, NOW)
    return None if found is None else found.name


def test_a_router_that_answered_seldom_or_long_ago_says_nothing() -> None:
    seen = Estimates()
    far(seen, late_ms=80)
    for second in range(17, 20):
        ask(seen, second * S_NS, 2)
    assert first_hop.read(seen, 21 * S_NS) is None, "three answers are no habit"
    ask(seen, 20 * S_NS, 2)
    assert first_hop.read(seen, 21 * S_NS) is not None
    assert first_hop.read(seen, 31 * S_NS) is None


def test_another_router_is_another_story() -> None:
    seen = answers(Estimates(), lost=3)
    ask(seen, NOW, 2, router="addr-other")
    assert (seen.paths.first_hop.target, seen.paths.first_hop.answered) == ("addr-other", 1)
    assert outcome(seen) is None


def test_an_error_of_our_own_stack_is_the_end_of_what_was_known() -> None:
    seen = answers(Estimates())
    seen.paths.probe(HopProbe(NOW, "addr-r", 1, "echo", "error", role="first-hop"))
    assert (outcome(seen), seen.paths.first_hop.base_ns) == (None, None)
    assert "network.home.wifi" not in sighted(seen).clear


def test_another_ones_word_is_no_answer() -> None:
    seen = answers(Estimates(), silent_from=20)
    for second in range(20, 30):
        said = HopProbe(
            second * S_NS + 1, "addr-r", 1, "echo", "refused_by_path", MS_NS, role="first-hop"
        )
        seen.paths.probe(said)
    assert outcome(stuck(seen)) == "silent"


def test_that_nothing_shows_clears_nobody() -> None:
    assert outcome(media(far(answers(Estimates())))) is None


def test_loss_is_the_links_if_all_lose() -> None:
    assert outcome(far(answers(Estimates(), lost=8), lost=4)) == "lossy"
    # a router that forgets to answer: nothing else is missing
    assert outcome(far(answers(Estimates(), lost=8))) == "unclear"
    # one server that loses is no second witness against the link while others lose nothing
    one = far(far(answers(Estimates(), lost=8), lost=4), name="host-r")
    assert outcome(far(one, name="host-q")) == "unclear"


def test_answers_that_are_missing_once_are_a_roam() -> None:
    seen = far(answers(Estimates()), lost=4)
    for turn in range(6):
        ask(seen, 29 * S_NS + turn, None)
    ask(seen, 29 * S_NS + 9, 2)
    assert outcome(seen) == "unclear"


def test_loss_that_the_router_knows_nothing_of_is_behind_it() -> None:
    assert outcome(far(answers(Estimates()), lost=4)) == "beyond"
    assert outcome(far(answers(Estimates(), every=1), lost=4)) == "unclear", "thirty are too few"


def test_delay_is_the_links_if_the_best_off_far_end_has_it() -> None:
    late = media(far(answers(Estimates(), late_ms=60), late_ms=80))
    assert outcome(late) == "delayed"
    assert outcome(far(late, late_ms=0, name="host-r")) is None, "one is spared"


def test_a_radio_that_sleeps_while_nothing_comes_is_not_accused() -> None:
    assert outcome(far(answers(Estimates(), late_ms=60), late_ms=80)) == "unclear"


def test_a_router_that_only_answers_slowly_accuses_nobody() -> None:
    assert outcome(media(far(answers(Estimates(), late_ms=200), late_ms=15))) == "unclear"


def test_a_busy_router_that_delays_some_answers_accuses_nobody() -> None:
    seen = media(far(Estimates(), late_ms=80))
    for number in range(60):
        ask(seen, number * S_NS // 2, 90 if number >= 30 and number % 5 > 1 else 2)
    assert outcome(seen) == "unclear"


def test_delay_behind_the_router_by_its_whole_round_trip() -> None:
    assert outcome(far(answers(Estimates()), late_ms=80)) == "beyond"
    # a link that was as slow before the session shows no excess, and is not cleared for that
    slow = Estimates()
    for number in range(60):
        ask(slow, number * S_NS // 2, 40)
    assert outcome(far(slow, late_ms=80)) == "unclear"


def test_silence_counts_if_nothing_comes_from_behind_either() -> None:
    assert outcome(far(answers(Estimates(), silent_from=26), gone=True)) == "silent"
    assert outcome(stuck(answers(Estimates(), silent_from=26))) == "silent"
    assert outcome(answers(Estimates(), silent_from=26)) == "unclear", "nobody else was asked"
    heard = far(answers(Estimates(), silent_from=26))
    assert outcome(heard) == "unclear", "packets pass the router, whatever it answers"
    # it still tells of probes that end at it: a limit on pings
    limited = stuck(answers(Estimates(), silent_from=26))
    limited.paths.probe(HopProbe(NOW - 1, "host-s", 1, "udp", "ttl_exceeded", 3 * MS_NS))
    assert outcome(limited) == "unclear"


def test_a_stranger_needs_a_longer_silence() -> None:
    seen = stuck(Estimates())
    ask(seen, 17 * S_NS, 2)
    for second in range(18, 25):
        ask(seen, second * S_NS, None)
    assert outcome(seen) is None, "seven are no silence yet"
    for second in range(25, 30):
        ask(seen, second * S_NS, None)
    assert outcome(seen) == "silent"
    assert outcome(far(seen)) is None, "far ends answer"


def test_a_router_that_was_never_heard() -> None:
    seen = Estimates()
    for second in range(18, 29):
        ask(seen, second * S_NS, None)
    assert outcome(stuck(seen)) is None, "not all ways have been tried"
    ask(seen, 29 * S_NS, None)
    assert outcome(seen) == "unheard"
    assert "network.home.wifi" not in sighted(seen).clear
    # what was asked in ways that it doesn't answer to is no loss
    ask(seen, 30 * S_NS, 2)
    near = seen.paths.first_hop.look(30 * S_NS)
    assert near is not None
    assert (near.sent, near.lost) == (1, 0)


def test_a_name_that_does_not_resolve_is_no_silence() -> None:
    assert outcome(stuck(far(answers(Estimates())))) is None
    by_udp = stuck(answers(Estimates()))
    hops, places = ("addr-r", "addr-s"), ("network.home.wifi", "network.isp.access")
    by_udp.paths.route(Route(0, "host-s", "service", hops, places, True))
    by_udp.paths.probe(HopProbe(27 * S_NS, "host-s", 2, "udp", "reached", 20 * MS_NS, "addr-s"))
    assert outcome(by_udp) is None, "nor where its UDP alone is heard"
    assert outcome(stuck(answers(Estimates()))) == "beyond"


def test_a_router_that_answers_while_nothing_comes_from_behind() -> None:
    assert outcome(far(answers(Estimates()), gone=True)) == "beyond"
    assert outcome(far(answers(Estimates(), late_ms=900), gone=True)) == "unclear", "not promptly"
    stale = Estimates()
    for number in range(40):  # not asked for the last five seconds
        ask(stale, number * S_NS * 25 // 40, 2)
    assert outcome(stuck(stale)) == "unclear"


def test_where_the_home_may_go_on_behind_it_nothing_behind_is_accused() -> None:
    seen = far(answers(Estimates()), gone=True)
    places = ("network.home.wifi", "network.home.wifi|network.isp.access", None)
    seen.paths.route(Route(NOW, "host-s", "service", ("a", "b", "c"), places, True))
    assert outcome(seen) == "unclear"


def test_the_link_can_be_named_without_any_path() -> None:
    assert "network.home.wifi" not in sighted(Estimates()).clear
    assert "network.home.wifi" in sighted(answers(Estimates())).clear
    tells = coverage(
        Policy(probes={"path"}), shipped(), networks=False,
        sights={"path": (False, "no"), "first-hop": (True, "")},
    )  # fmt: skip
    assert tells["network.home.wifi"] is True
    assert tells["network.isp.access"] == "no"


def test_what_is_kept_is_bounded() -> None:
    kept = FirstHop()
    for number in range(1000):
        kept.probe(HopProbe(number, "addr-r", 1, "echo", "reached", MS_NS, role="first-hop"))
    assert len(kept.tries) == 120
    assert kept.answered == 1000


@pytest.mark.parametrize(
    ("way", "found"),
    [
        (Way("wlan0", "192.168.1.1", "wifi"), "192.168.1.1"),
        (Way("eth0", "fe80::1", "ethernet", ("2001:db8:1::/64",)), "fe80::1%eth0"),
        (Way("wwan0", "100.64.0.1", "mobile"), None),  # the provider's
        (Way("eth0", "203.0.113.1", "ethernet"), None),
        (Way("eth0", None, "ethernet"), None),
        (Way(), None),
    ],
)
def test_only_a_router_known_to_be_the_homes_is_asked(
    monkeypatch: pytest.MonkeyPatch, way: Way, found: str | None
) -> None:
    monkeypatch.setattr(sensor, "way_to", lambda address: way)
    router, why_not = sensor.home_router(["198.51.100.2"], None)
    assert (router.address if router else None) == found
    assert bool(why_not) == (found is None)
