"""What the player waits for before it can ask, and names that fail while the network carries."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates
from streamnotice.evidence import connecting, opening
from streamnotice.observations import (
    FirstByte,
    LookUp,
    RequestConnected,
    RequestEnded,
    RequestStarted,
    RoundTrip,
)

S_NS = 1_000_000_000
MS_NS = 1_000_000


def asked(*seen: LookUp | RequestConnected, at_ns: int = S_NS, role: str = "media") -> Estimates:
    found = Estimates()
    found.requests.started(RequestStarted(at_ns, 1, "host-a", role))  # type: ignore[arg-type]
    for one in seen:
        if isinstance(one, LookUp):
            found.requests.look_up(one)
        else:
            found.requests.connected(one)
    return found


def failed(*before: RequestConnected | FirstByte, failure: str = "timeout") -> str | None:
    """What `connect` says of a request that failed after *before*."""
    found = asked(*(one for one in before if isinstance(one, RequestConnected)))
    for one in before:
        if isinstance(one, FirstByte):
            found.requests.first_byte(one)
    found.requests.ended(RequestEnded(12 * S_NS, 1, failure=failure))  # type: ignore[arg-type]
    said = connecting.CONNECT.ask(found, 13 * S_NS)
    return None if said is None else said.name


def test_a_request_that_had_a_connection_did_not_fail_to_connect() -> None:
    """A server that takes connections and answers nothing is no server that can't be reached."""
    answered = FirstByte(3 * S_NS, 1, 200, ttfb_ns=S_NS)
    assert failed() == "timeout"
    assert failed(RequestConnected(2 * S_NS, 1, connect_ns=30 * MS_NS)) == "unanswered"
    assert failed(RequestConnected(2 * S_NS, 1), failure="reset") == "reset"
    assert failed(RequestConnected(2 * S_NS, 1), answered) == "broken_off"


def test_look_ups_are_not_called_prompt_while_one_is_waited_for() -> None:
    """In rule `look_up` names that came before speak for no name that doesn't."""
    seen = Estimates()
    seen.requests.started(RequestStarted(S_NS, 1, "host-a", "media"))
    seen.requests.connected(RequestConnected(S_NS, 1, dns_ns=4 * MS_NS))
    seen.requests.started(RequestStarted(2 * S_NS, 2, "host-b", "media"))
    seen.requests.look_up(LookUp(2 * S_NS, 2))
    said = [
        None if one is None else one.name
        for one in (connecting.LOOK_UP.ask(seen, round(s * S_NS)) for s in (2.4, 2.6))
    ]
    assert said == ["prompt", None]


def test_a_slow_look_up_is_told_whatever_is_waited_for() -> None:
    seen = Estimates()
    seen.requests.started(RequestStarted(S_NS, 1, "host-a", "media"))
    seen.requests.connected(RequestConnected(4 * S_NS, 1, dns_ns=3 * S_NS))
    seen.requests.started(RequestStarted(4 * S_NS, 2, "host-b", "media"))
    seen.requests.look_up(LookUp(4 * S_NS, 2))
    found = connecting.LOOK_UP.ask(seen, 6 * S_NS)
    assert found is not None
    assert found.name == "slow"


@pytest.mark.parametrize(
    ("dns_s", "rtt_s", "name"),
    [
        (0.4, 0.03, "prompt"),
        (0.7, 0.03, None),  # of some seconds of film that is none
        (2.2, 0.03, "slow"),
        (2.2, 0.7, None),  # over a satellite, to a name server that asks another one
        (4.5, 2.0, None),  # behind a queue of seconds
        (7.0, 2.0, "slow"),
    ],
)
def test_a_look_up_is_slow_beyond_what_the_way_takes(
    dns_s: float, rtt_s: float, name: str | None
) -> None:
    seen = Estimates()
    seen.requests.started(RequestStarted(S_NS, 1, "host-a", "media"))
    made = RequestConnected(9 * S_NS, 1, dns_ns=round(dns_s * S_NS), syn_rtt_ns=round(rtt_s * S_NS))
    seen.requests.connected(made)
    said = connecting.LOOK_UP.ask(seen, 10 * S_NS)
    assert (None if said is None else said.name) == name


def test_a_name_that_is_waited_for_beside_a_connection_is_seen_too() -> None:
    seen = Estimates()
    seen.requests.started(RequestStarted(S_NS, 1, "host-a", "media"))
    seen.requests.connected(RequestConnected(S_NS, 1, dns_ns=4 * MS_NS))
    for number, host in ((2, "host-b"), (3, "host-c")):
        seen.requests.started(RequestStarted(2 * S_NS, number, host, "media"))
        seen.requests.look_up(LookUp(2 * S_NS, number))
    seen.requests.look_up(LookUp(2 * S_NS, 2, MS_NS))  # has its name, waits for its connection
    assert connecting.LOOK_UP.ask(seen, 8 * S_NS) is None


def handshakes(seen: Estimates, since_s: int, until_s: int, lost_every: int = 0) -> Estimates:
    """The service's far end and a reference's, asked every other second."""
    for second in range(since_s, until_s, 2):
        for number, (target, role) in enumerate((("host-a", "service"), ("host-r", "reference"))):
            lost = lost_every and (second + number) % lost_every == 0
            seen.paths.round_trip(
                RoundTrip(
                    second * S_NS,
                    target,
                    role,  # type: ignore[arg-type]
                    None if lost else 30 * MS_NS,
                    "timeout" if lost else None,
                )
            )
    return seen


def word(seen: Estimates, now_s: float) -> str | None:
    found = opening.RULE.ask(seen, round(now_s * S_NS))
    return None if found is None else found.name


def test_a_look_up_that_goes_on_is_told_after_a_while() -> None:
    seen = asked(LookUp(S_NS, 1))
    assert word(seen, 3.4) is None
    assert word(seen, 3.5) == "name_unasked"


def test_behind_a_long_queue_opening_takes_longer() -> None:
    seen = asked(LookUp(S_NS, 1))
    seen.requests.connected(RequestConnected(S_NS, 9, syn_rtt_ns=2 * S_NS))
    assert word(seen, 7.4) != "name_unasked"
    assert word(seen, 7.6) == "name_unasked"


def test_what_follows_a_look_up_is_the_connection() -> None:
    seen = asked(LookUp(S_NS, 1), LookUp(3 * S_NS, 1, 2 * S_NS))
    assert word(seen, 5.4) is None
    assert word(seen, 5.5) == "connection"


def test_once_it_is_connected_nothing_is_waited_for() -> None:
    seen = asked(LookUp(S_NS, 1), LookUp(S_NS, 1, 0), RequestConnected(2 * S_NS, 1))
    assert word(seen, 3) == "nothing"
    assert word(seen, 13) is None  # that was long ago


def test_who_never_tells_of_look_ups_is_not_taken_for_open() -> None:
    assert word(asked(RequestConnected(2 * S_NS, 1)), 3) is None
    assert word(asked(), 30) is None


def test_a_request_that_playback_does_not_wait_for_says_nothing() -> None:
    assert word(asked(LookUp(S_NS, 1), role="other"), 30) is None


def test_far_ends_that_answer_leave_the_name_alone() -> None:
    seen = handshakes(asked(LookUp(S_NS, 1)), 1, 8)
    assert word(seen, 8) == "name_alone"


@pytest.mark.parametrize(("lost_every", "name"), [(0, "failing_alone"), (2, "failing")])
def test_names_that_fail_are_told_from_a_network_that_does(lost_every: int, name: str) -> None:
    seen = handshakes(asked(), 1, 12, lost_every)
    seen.requests.ended(RequestEnded(10 * S_NS, 1, 0, "dns"))
    found = connecting.LOOK_UP.ask(seen, 12 * S_NS)
    assert found is not None
    assert found.name == name


def test_handshakes_before_the_look_up_began_say_nothing_of_it() -> None:
    seen = handshakes(asked(), 1, 4)
    seen.requests.ended(RequestEnded(10 * S_NS, 1, 0, "dns"))
    found = connecting.LOOK_UP.ask(seen, 12 * S_NS)
    assert found is not None
    assert found.name == "failing_unasked"


def test_a_name_that_nobody_else_was_asked_beside_is_not_the_networks() -> None:
    """Before Play no address is known: a dead name server and a dead line look alike."""
    assert word(asked(LookUp(S_NS, 1)), 8) == "name_unasked"
    assert word(handshakes(asked(LookUp(S_NS, 1)), 5, 7), 8) == "name_unasked"  # two are no word
    assert word(handshakes(asked(LookUp(S_NS, 1)), 2, 8, 1), 8) == "name"
