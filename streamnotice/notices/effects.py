"""What was seen before an action and after it, and how the two compare. Pure.

"After the upload was paused, the queue vanished" is worth telling and worth recording. It is an
observation of two things in a row, no proof; the texts say so.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import attrs

from streamnotice.estimates import Estimates
from streamnotice.notices.figures import json_figures
from streamnotice.path import localise
from streamnotice.policy import S_NS

Followed = Literal["queue_gone", "recovered", "better", "same", "worse", "unknown"]
By = Literal["host", "viewer"]

WATCH_NS: Final = 15 * S_NS
"""What follows is looked at after this time: longer than a window of the estimates."""
_WINDOW_NS: Final = 8 * S_NS
_WINDOW_S: Final = 8
_LEAST_QUEUE_NS: Final = 10_000_000
_CHANGE_PERMILLE: Final = 300


@attrs.frozen
class Figures:
    """How playback and path stood at one moment; None is not known.

    Attributes:
        state: of playback.
        harmed: playback suffered, by the policy's measures.
        buffer_ns, drain_permille: level, and its change a second (thousandths of a second).
        throughput_bps: media rate while asked for.
        queue_ns, base_rtt_ns: round trip over its baseline, and the baseline.
    """

    state: str
    harmed: bool
    buffer_ns: int | None = None
    drain_permille: int | None = None
    throughput_bps: int | None = None
    queue_ns: int | None = None
    base_rtt_ns: int | None = None

    def as_json(self) -> dict[str, Any]:
        """State and harm, and the figures in SI units."""
        plain = attrs.asdict(self)
        numbers = [(name, plain.pop(name)) for name in list(plain) if name not in _WORDS]
        return plain | dict(json_figures(tuple(numbers)))


_WORDS: Final = ("state", "harmed")


def figures(seen: Estimates, now: int, harmed: bool) -> Figures:
    """The present picture in a few figures."""
    model = seen.playback
    queue_ns, base_ns = _queue(seen, now)
    return Figures(
        state=model.state,
        harmed=harmed or model.state == "stalled",
        buffer_ns=model.level_ns(now),
        drain_permille=model.drain_permille(now),
        throughput_bps=seen.requests.throughput_bps(now, _WINDOW_S),
        queue_ns=queue_ns,
        base_rtt_ns=base_ns,
    )


def followed(before: Figures, after: Figures) -> Followed:
    """What the figures say happened in between, the most telling word first."""
    if before.state in _AWAY or after.state in _AWAY:
        return "unknown"
    if _stands(before) and _gone(before.queue_ns, after.queue_ns):
        return "queue_gone"
    if before.harmed and not after.harmed:
        return "recovered"
    if not before.harmed and after.harmed:
        return "worse"
    changes = [
        change
        for change in (
            _ratio(before.throughput_bps, after.throughput_bps),
            _difference(before.drain_permille, after.drain_permille),
        )
        if change is not None
    ]
    if not changes:
        return "unknown"
    if all(change > -_CHANGE_PERMILLE for change in changes):
        return "better" if any(change >= _CHANGE_PERMILLE for change in changes) else "same"
    if all(change < _CHANGE_PERMILLE for change in changes):
        return "worse"
    return "unknown"  # one better, the other worse


_AWAY: Final = ("paused", "ended", "seeking")
"""Where playback stands by the viewer's own wish, figures of it say nothing."""


def _stands(one: Figures) -> bool:
    """There is a queue worth the name."""
    if one.queue_ns is None:
        return False
    return one.queue_ns >= max(_LEAST_QUEUE_NS, (one.base_rtt_ns or 0) // 4)


def _gone(before_ns: int | None, after_ns: int | None) -> bool:
    return before_ns is not None and after_ns is not None and after_ns * 4 <= before_ns


def _ratio(before: int | None, after: int | None) -> int | None:
    if before is None or after is None:
        return None
    if before == 0:
        return None if after == 0 else 1000
    return (after - before) * 1000 // before


def _difference(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def _queue(seen: Estimates, now: int) -> tuple[int | None, int | None]:
    """Queueing delay and base round trip: of the probed path, else of the media's own sockets."""
    located = localise.queue(seen.paths, now)
    if located is not None:
        return max(0, located.value), located.base_ns
    base = seen.requests.base_rtt_ns
    near = sorted(rtt for at, rtt in seen.requests.rtts if now - _WINDOW_NS < at <= now)
    if base is None or len(near) < 2:
        return None, base
    return max(0, near[len(near) // 2] - base), base
