"""Requests that playback doesn't hang on, or that a server holds back by design, accuse nobody."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates
from streamnotice.evidence import asking, connecting, server_says, status
from streamnotice.observations import (
    FirstByte,
    LookUp,
    Playback,
    RequestConnected,
    RequestEnded,
    RequestStarted,
)
from streamnotice.playback.requests import Requests

S_NS = 1_000_000_000
MS_NS = 1_000_000


def answered(requests: Requests, number: int, at_s: float, role: str, code: int = 200) -> None:
    at_ns = round(at_s * S_NS)
    requests.started(RequestStarted(at_ns, number, f"host-{role}", role))  # type: ignore[arg-type]
    requests.connected(RequestConnected(at_ns, number, dns_ns=9 * MS_NS, connect_ns=9 * MS_NS))
    requests.first_byte(
        FirstByte(at_ns + 50 * MS_NS, number, code, 50 * MS_NS, origin_ns=20 * MS_NS)
    )
    requests.ended(RequestEnded(at_ns + 60 * MS_NS, number, 200_000))


@pytest.mark.parametrize(("film", "beside", "name"), [(200, 503, "ok"), (503, 200, "unsaid_error")])
def test_answers_beside_the_film_say_nothing_of_its_servers(
    film: int, beside: int, name: str
) -> None:
    """A counter of visits that is down, and thumbnails that still come."""
    seen = Estimates()
    for number in range(6):
        answered(seen.requests, 2 * number, number, "media", film)
        answered(seen.requests, 2 * number + 1, number + 0.3, "other", beside)
    found = status.RULE.ask(seen, 6 * S_NS)
    assert found is not None
    assert found.name == name
    assert ("status_count", 5) in found.measured or ("status_count", 6) in found.measured


def test_another_servers_failures_and_ways_say_nothing_either() -> None:
    seen = Estimates()
    answered(seen.requests, 1, 1, "media")
    slow = RequestConnected(9 * S_NS, 2, dns_ns=6 * S_NS, connect_ns=2 * S_NS)
    seen.requests.started(RequestStarted(S_NS, 2, "host-b", "other"))
    seen.requests.connected(slow)
    seen.requests.first_byte(FirstByte(9 * S_NS, 2, 200, S_NS, origin_ns=900 * MS_NS))
    for number, failure in ((3, "refused"), (4, "dns"), (5, "timeout")):
        seen.requests.started(RequestStarted(5 * S_NS, number, "host-b", "other"))
        seen.requests.ended(RequestEnded(9 * S_NS, number, 0, failure))  # type: ignore[arg-type]
    for rule, name in (
        (connecting.CONNECT, "prompt"),
        (connecting.LOOK_UP, "prompt"),
        (server_says.ORIGIN, "small"),
    ):
        found = rule.ask(seen, 10 * S_NS)
        assert found is not None
        assert found.name == name, rule.name


def held_back(until_s: float, sent: bool = True) -> Requests:
    """A live player that has its segment, and asks for the playlist with the next one."""
    requests = Requests()
    answered(requests, 1, 1, "media")
    requests.started(RequestStarted(2 * S_NS, 2, "host-media", "playlist"))
    if sent:
        requests.connected(RequestConnected(2 * S_NS, 2))
    requests.account(round(until_s * S_NS))
    return requests


def test_a_playlist_that_is_held_back_is_not_waited_for() -> None:
    """Blocking reload: the answer comes when there is something new."""
    requests = held_back(10)
    assert not requests.asking()
    assert requests.waiting_ns(10 * S_NS) == requests.silent_ns(10 * S_NS) == 0
    assert requests.asked_permille(10 * S_NS, 6) == 0
    assert not requests.nothing_arrives(10 * S_NS)


def test_one_that_is_held_back_too_long_is() -> None:
    requests = held_back(16)
    assert requests.asking()
    assert requests.waiting_ns(16 * S_NS) == 14 * S_NS
    assert requests.asked_permille(16 * S_NS, 4) == 1000
    assert requests.asked_permille(16 * S_NS, 8) == 500  # since ten seconds are over


def test_a_server_that_holds_back_longer_is_known_from_before() -> None:
    requests = Requests()
    answered(requests, 1, 1, "media")
    requests.started(RequestStarted(2 * S_NS, 2, "host-media", "playlist"))
    requests.first_byte(FirstByte(11 * S_NS, 2, 200, 9 * S_NS))
    requests.ended(RequestEnded(11 * S_NS, 2, 900))
    requests.started(RequestStarted(11 * S_NS, 3, "host-media", "playlist"))
    requests.account(23 * S_NS)
    assert not requests.asking()
    requests.account(26 * S_NS)
    assert requests.asking()


def test_one_that_could_not_even_be_sent_is_waited_for_at_once() -> None:
    requests = Requests()
    answered(requests, 1, 1, "media")
    requests.started(RequestStarted(2 * S_NS, 2, "host-media", "playlist"))
    requests.look_up(LookUp(2 * S_NS, 2))
    requests.look_up(LookUp(3 * S_NS, 2, S_NS))  # it has the address, and no connection
    requests.account(5 * S_NS)
    assert requests.asking()
    assert requests.waiting_ns(5 * S_NS) == 3 * S_NS


def test_sound_that_comes_by_itself_is_no_useless_answer() -> None:
    seen = Estimates()
    for second in range(0, 20, 2):
        answered(seen.requests, second, second, "media")
        seen.requests.started(RequestStarted(second * S_NS, 100 + second, "host-media", "media"))
        seen.requests.ended(RequestEnded((second + 1) * S_NS, 100 + second, 6_000))
    seen.playback.feed(
        Playback(19 * S_NS, state="playing", buffer_ns=3 * S_NS, position_ns=0, wants_data=True)
    )
    seen.requests.account(20 * S_NS)
    found = asking.read(seen, 20 * S_NS)
    assert found is None or found.name != "retrying"
