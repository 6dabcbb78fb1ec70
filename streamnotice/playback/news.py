"""What a player says of itself that could not be foretold from what it said before.

Hosts report a few times a second, some with every frame, and while all goes its way each report
follows from the one before: the play head moves on, the buffer shrinks. Such reports are neither
recorded nor weighed. They would be a third of a record's lines and tell nothing.
"""

from __future__ import annotations

from typing import Final

import attrs

from streamnotice.observations import Playback
from streamnotice.playback.model import EMPTY_NS
from streamnotice.policy import S_NS

QUIET_NS: Final = S_NS * 9 // 10
"""After so long a report is taken in any case: once a second, hosts' clocks being what they are."""
NEAR_NS: Final = 60_000_000
"""Play head and buffer level so near to what was foretold are as foretold."""


class PlaybackNews:
    """Of one session's reports those that are news, in order."""

    def __init__(self) -> None:
        self._last: Playback | None = None

    def is_news(self, seen: Playback) -> bool:
        """Whether to take *seen*; what comes next is held against it if so."""
        if self._last is not None and _foretold(self._last, seen):
            return False
        self._last = seen
        return True


def _foretold(last: Playback, seen: Playback) -> bool:
    """*seen* says what follows from *last*. Counts of frames may wait for the next report."""
    passed_ns = seen.at_ns - last.at_ns
    if passed_ns >= QUIET_NS or _empty(last) != _empty(seen):
        return False
    moved_ns = 0
    if last.state in (None, "playing"):
        speed = 1000 if last.speed_permille is None else last.speed_permille
        moved_ns = passed_ns * speed // 1000
    level = None if last.buffer_ns is None else max(0, last.buffer_ns - moved_ns)
    position = None if last.position_ns is None else last.position_ns + moved_ns
    if not (_near(seen.buffer_ns, level) and _near(seen.position_ns, position)):
        return False
    as_before = attrs.evolve(
        seen,
        at_ns=last.at_ns,
        buffer_ns=last.buffer_ns,
        position_ns=last.position_ns,
        dropped_frames=last.dropped_frames,
        decoded_frames=last.decoded_frames,
    )
    return as_before == last


def _empty(seen: Playback) -> bool:
    """Where a host tells no states, this is how a stall begins."""
    return seen.buffer_ns is not None and seen.buffer_ns < EMPTY_NS


def _near(told_ns: int | None, foretold_ns: int | None) -> bool:
    if told_ns is None or foretold_ns is None:
        return told_ns is foretold_ns
    return abs(told_ns - foretold_ns) <= NEAR_NS
