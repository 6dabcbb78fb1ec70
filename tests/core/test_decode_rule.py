"""A picture that stands over a full buffer is this device's only where the device says so."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence import decode
from streamnotice.observations import HostLoad, Playback, RequestStarted

S_NS = 1_000_000_000
STALLED_S = 10


def standing(
    seconds: int,
    *,
    level_s: float = 18.0,
    dropped: int | None = None,
    cpu_wait_permille: int | None = 20,
    target_s: int | None = 20,
) -> Estimates:
    """Ten seconds of playing at 25 frames a second, so many of them dropped each second of the last
    five; then it stands."""
    seen = Estimates()
    for second in range(STALLED_S + seconds + 1):
        shown, bad = min(second, STALLED_S), max(0, min(second, STALLED_S) - 5)
        seen.playback.feed(
            Playback(
                second * S_NS,
                state="playing" if second < STALLED_S else "stalled",
                buffer_ns=int(level_s * S_NS),
                target_ns=None if target_s is None else target_s * S_NS,
                decoded_frames=None if dropped is None else shown * 25 - bad * dropped,
                dropped_frames=None if dropped is None else bad * dropped,
            )
        )
        if cpu_wait_permille is not None:
            seen.load(HostLoad(second * S_NS, S_NS, 1_000_000, cpu_wait_permille))
    return seen


def said(seen: Estimates, seconds: int) -> str | None:
    outcome = decode.RULE.ask(seen, (STALLED_S + seconds) * S_NS)
    return None if outcome is None else outcome.name


def test_a_hole_in_the_media_or_a_missing_licence_is_not_the_devices() -> None:
    """A computer that is idle and dropped nothing."""
    assert said(standing(5, dropped=0), 5) is None
    assert said(standing(5), 5) is None
    assert said(standing(5, cpu_wait_permille=None), 5) is None


def test_a_computer_without_time_and_frames_dropped_are_witnesses() -> None:
    assert said(standing(5, cpu_wait_permille=800), 5) == "frozen"
    assert said(standing(2, dropped=8), 2) == "frozen"
    assert said(standing(12, dropped=8), 12) == "frozen", "however long it stands"
    assert said(standing(5, dropped=1), 5) is None


def test_not_while_something_else_is_waited_for() -> None:
    """A licence."""
    seen = standing(5, cpu_wait_permille=800)
    seen.requests.started(RequestStarted(STALLED_S * S_NS, 1, "host-a", "other"))
    assert said(seen, 1) == "frozen"
    assert said(seen, 5) is None


def test_a_full_buffer_is_not_empty_in_its_first_second() -> None:
    assert said(standing(0, cpu_wait_permille=800), 0) is None


def test_three_seconds_are_much_for_a_player_that_keeps_four() -> None:
    assert said(standing(5, level_s=3.0, target_s=4, dropped=8), 5) == "frozen"
    assert said(standing(5, level_s=3.0, target_s=20, dropped=8), 5) == "empty"
    assert said(standing(5, level_s=3.0, target_s=None, dropped=8), 5) == "empty"
    assert said(standing(5, level_s=0.0, target_s=4), 5) == "empty"
