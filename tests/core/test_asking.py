"""Was the player asking: pauses of a player that has enough, and of one that has not."""

from __future__ import annotations

from typing import Any

import pytest

from streamnotice.estimates import Estimates
from streamnotice.evidence import asking
from streamnotice.observations import Failure, FirstByte, Playback, RequestEnded, RequestStarted

S_NS = 1_000_000_000
MS_NS = 1_000_000


def pausing(
    *,
    buffer_s: int,
    target_s: int | None,
    live: bool | None = False,
    asks_s: int = 1,
    wants_data: bool | None = None,
    failure: Failure | None = None,
) -> Estimates:
    """Ten seconds of a player that asks for some seconds in each six."""
    seen = Estimates()
    for second in range(10):
        at_ns = second * S_NS
        if second % 6 == 0:
            seen.requests.started(RequestStarted(at_ns, second, "host-a", "media"))
            seen.requests.ended(RequestEnded(at_ns + asks_s * S_NS, second, 1_000, failure))
        seen.playback.feed(
            Playback(
                at_ns,
                state="playing",
                buffer_ns=buffer_s * S_NS,
                position_ns=at_ns,
                target_ns=None if target_s is None else target_s * S_NS,
                live=live,
                wants_data=wants_data,
            )
        )
    seen.requests.account(10 * S_NS)
    return seen


@pytest.mark.parametrize(
    ("seen", "name"),
    [
        (pausing(buffer_s=28, target_s=30), "idle_full"),
        (pausing(buffer_s=16, target_s=30), "idle_full"),  # a buffer may breathe
        (pausing(buffer_s=10, target_s=30), "idle_short"),
        (pausing(buffer_s=10, target_s=30, asks_s=3), "partly_short"),
        (pausing(buffer_s=28, target_s=30, asks_s=3), "partly"),
        (pausing(buffer_s=2, target_s=30), "idle_hungry"),
        (pausing(buffer_s=10, target_s=None), "idle_full"),  # it doesn't tell what it wants
        (pausing(buffer_s=10, target_s=30, live=True), "idle_full"),  # no more has been made
        (pausing(buffer_s=10, target_s=30, live=None), "idle_full"),
        (pausing(buffer_s=10, target_s=30, wants_data=False), "idle_full"),
    ],
)
def test_pauses(seen: Estimates, name: str) -> None:
    answer = asking.read(seen, 10 * S_NS)
    assert answer is not None
    assert answer.name == name


@pytest.mark.parametrize(
    ("asks_s", "buffer_s", "name"),
    [
        (1, 2, "retrying"), (1, 10, "retrying"), (3, 10, "retrying"), (3, 20, "retrying"),
        (1, 28, "idle_full"), (3, 28, "partly"),
    ],
)  # fmt: skip
def test_a_pause_after_a_failure_is_no_idleness(asks_s: int, buffer_s: int, name: str) -> None:
    """However long the failed request took: a player that is short of media tries again."""
    seen = pausing(buffer_s=buffer_s, target_s=30, asks_s=asks_s, failure="dns")
    answer = asking.read(seen, 10 * S_NS)
    assert answer is not None
    assert answer.name == name


def test_what_playback_does_not_hang_on_may_fail() -> None:
    """A beacon, or a preview."""
    seen = pausing(buffer_s=10, target_s=30, asks_s=3)
    seen.requests.started(RequestStarted(8 * S_NS, 99, "host-b", "other"))
    seen.requests.ended(RequestEnded(9 * S_NS, 99, 0, "timeout"))
    assert asking.read(seen, 10 * S_NS).name == "partly_short"  # type: ignore[union-attr]


def test_a_live_player_that_waits_for_what_is_not_made_yet_says_nothing() -> None:
    assert asking.read(pausing(buffer_s=2, target_s=9, live=True), 10 * S_NS) is None


def trying(
    *,
    every_s: int = 1,
    bytes_each: int = 2_000,
    role: str = "media",
    status: int = 200,
    failure: Failure | None = None,
    state: str = "stalled",
    seconds: int = 20,
    ill_until_s: int = 99,
) -> Estimates:
    """A player without anything at hand asks every so often, and is answered within 2 ms."""
    seen = Estimates()
    for second in range(seconds):
        at_ns = second * S_NS
        if second % every_s == 0:
            well = second >= ill_until_s
            seen.requests.started(RequestStarted(at_ns, second, "host-a", role))  # type: ignore[arg-type]
            code = 200 if well else status
            seen.requests.first_byte(FirstByte(at_ns + MS_NS, second, code, MS_NS))
            size, why = (400_000, None) if well else (bytes_each, failure)
            seen.requests.ended(RequestEnded(at_ns + 2 * MS_NS, second, size, why))
        seen.playback.feed(
            Playback(at_ns, state=state, buffer_ns=0, position_ns=0, rendition_bps=1_000_000)  # type: ignore[arg-type]
        )
    seen.requests.account(seconds * S_NS)
    return seen


@pytest.mark.parametrize("state", ["stalled", "starting"])
@pytest.mark.parametrize(
    "answers",
    [
        {"bytes_each": 2_000},  # the page of a captive portal
        {"bytes_each": 0},  # nothing, and all is said to be well
        {"bytes_each": 700, "failure": "other"},  # an address that leads round in a circle
        {"bytes_each": 30_000, "failure": "truncated", "every_s": 2},
        {"bytes_each": 2_000, "role": "playlist"},  # a portal's page in the playlist's place
        {"status": 429, "bytes_each": 0, "every_s": 10},  # it was told to wait so long
    ],
)
def test_a_player_that_asks_in_vain_is_not_idle(answers: dict[str, Any], state: str) -> None:
    seen = trying(state=state, **answers)
    assert asking.read(seen, 20 * S_NS).name == "retrying"  # type: ignore[union-attr]


def test_one_that_gets_what_it_asks_for_and_asks_too_seldom_is() -> None:
    seen = trying(every_s=9, bytes_each=400_000)
    assert asking.read(seen, 20 * S_NS).name == "idle_hungry"  # type: ignore[union-attr]
    seen = trying(every_s=9, status=503, bytes_each=0, ill_until_s=9)
    assert asking.read(seen, 20 * S_NS).name == "idle_hungry", "it came well since"  # type: ignore[union-attr]


@pytest.mark.parametrize("state", ["stalled", "starting", "playing"])
def test_a_pause_of_one_second_after_ones_own_timeout(state: str) -> None:
    """Of a player that tells nothing of its target."""
    seen = Estimates()
    for number in range(3):
        begins_ns = number * 11 * S_NS
        seen.requests.started(RequestStarted(begins_ns, number, "host-a", "media"))
        seen.requests.ended(RequestEnded(begins_ns + 10 * S_NS, number, 60_000, "timeout"))
    seen.playback.feed(Playback(32 * S_NS, state=state, buffer_ns=0, position_ns=0))  # type: ignore[arg-type]
    seen.requests.account(33 * S_NS)
    assert asking.read(seen, 33 * S_NS).name == "retrying"  # type: ignore[union-attr]


def test_a_session_that_begins_with_a_late_server_asks_for_nothing_in_vain() -> None:
    """Playlists come at once; the first segment is waited for."""
    seen = Estimates()
    for number in range(4):
        at_ns = 2 * S_NS + number * 50 * MS_NS
        seen.requests.started(RequestStarted(at_ns, number, "host-a", "playlist"))
        seen.requests.first_byte(FirstByte(at_ns + MS_NS, number, 200, MS_NS))
        seen.requests.ended(RequestEnded(at_ns + 2 * MS_NS, number, 900))
    seen.requests.started(RequestStarted(3 * S_NS, 9, "host-a", "media"))
    seen.playback.feed(Playback(3 * S_NS, state="starting", buffer_ns=0, rendition_bps=1_000_000))
    seen.requests.account(6 * S_NS)
    assert asking.read(seen, 6 * S_NS).name == "partly"  # type: ignore[union-attr]


def test_three_in_four_answers_are_of_no_use() -> None:
    """A captive portal that lets some requests through, or a cache that has stored its page."""
    seen = Estimates()
    for second in range(20):
        size = 400_000 if second % 4 == 0 else 2_000
        seen.requests.started(RequestStarted(second * S_NS, second, "host-a", "media"))
        seen.requests.first_byte(FirstByte(second * S_NS + MS_NS, second, 200, MS_NS))
        seen.requests.ended(RequestEnded(second * S_NS + 2 * MS_NS, second, size))
        seen.playback.feed(
            Playback(second * S_NS, state="playing", buffer_ns=3 * S_NS, position_ns=second * S_NS,
                     rendition_bps=1_000_000, wants_data=True, target_ns=20 * S_NS)
        )  # fmt: skip
    seen.requests.account(20 * S_NS)
    assert asking.read(seen, 20 * S_NS).name == "retrying"  # type: ignore[union-attr]


def test_of_requests_whose_role_nobody_knows_nothing_is_said() -> None:
    assert asking.read(trying(role="other"), 20 * S_NS) is None
