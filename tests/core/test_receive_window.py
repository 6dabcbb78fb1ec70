"""Bytes that lie unread: of a player that is short they tell of this computer, else of nothing."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence import receive_window
from streamnotice.observations import FirstByte, Playback, RequestStarted, Transfer

S_NS = 1_000_000_000
MUCH = 400_000


def one_response(
    levels_s: list[float],
    unread: list[int],
    *,
    wants_data: bool | None = None,
    target_s: int | None = 20,
    state: str | None = None,
) -> Estimates:
    """A response that goes on; level and unread bytes of each second."""
    seen = Estimates()
    seen.requests.started(RequestStarted(0, 1, "host-a", "media"))
    seen.requests.first_byte(FirstByte(1, 1, 200, 1))
    for second, (level_s, left) in enumerate(zip(levels_s, unread, strict=True)):
        at_ns = second * S_NS
        seen.requests.transfer(
            Transfer(at_ns, 1, 1_000 + second, socket="sock-a", unread_bytes=left)
        )
        seen.playback.feed(
            Playback(
                at_ns,
                state=state or ("playing" if level_s else "stalled"),  # type: ignore[arg-type]
                buffer_ns=int(level_s * S_NS),
                target_ns=None if target_s is None else target_s * S_NS,
                wants_data=wants_data,
            )
        )
    seen.requests.account((len(levels_s) - 1) * S_NS + 1)
    return seen


def said(seen: Estimates) -> str | None:
    outcome = receive_window.RULE.ask(seen, seen.requests.accounted_ns)
    return None if outcome is None else outcome.name


def test_a_player_that_has_enough_reads_no_further() -> None:
    """A long response, be the level held or let down until it is read on."""
    assert said(one_response([20.0] * 12, [MUCH] * 12)) is None
    assert said(one_response([20.0 - s for s in range(12)], [MUCH] * 12)) is None
    assert said(one_response([8.0, 7.0, 6.0, 5.0] * 3, [MUCH] * 12, target_s=8)) is None
    assert said(one_response([20.0] * 12, [MUCH] * 12, wants_data=True)) is None


def test_nor_does_one_that_wants_no_more() -> None:
    assert said(one_response([2.0] * 12, [MUCH] * 12, wants_data=False)) is None


def test_one_that_is_short_leaves_them_unread_for_want_of_time() -> None:
    assert said(one_response([2.0] * 12, [MUCH] * 12)) == "full"
    assert said(one_response([0.0] * 12, [MUCH] * 12)) == "full"
    wants = one_response([9.0] * 12, [MUCH] * 12, wants_data=True, state="stalled")
    assert said(wants) == "full"


def test_what_lay_unread_before_it_was_short_does_not_count() -> None:
    """The socket was full when the fault began."""
    levels = [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0]
    assert said(one_response(levels, [MUCH] * 7)) is None
    assert said(one_response([*levels, 1.0, 0.0], [MUCH] * 9)) == "full"
    assert said(one_response([*levels, 1.0, 0.0], [MUCH] * 6 + [0] * 3)) == "open"


def test_where_none_lie_unread_it_is_not_this_computer_whatever_the_level() -> None:
    assert said(one_response([20.0] * 12, [0] * 12)) == "open"
    assert said(one_response([2.0] * 12, [0] * 12)) == "open"
