"""What a player says of itself that could not be foretold from what it said before.

Hosts report a few times a second, some with every frame, and while all goes its way each report
follows from the one before: the play head moves on, the buffer shrinks. Such reports are neither
recorded nor weighed. They would be a third of a record's lines and tell nothing.
"""

from __future__ import annotations

from typing import Final

import attrs

from streamnotice.observations import Observation, Playback
from streamnotice.policy import S_NS

QUIET_NS: Final = S_NS
"""No longer than that nothing is taken, if the host reports as often as before."""
NEAR_NS: Final = 60_000_000
"""Play head and buffer level so near to what was foretold are as foretold."""


class PlaybackNews:
    """Tells of what one session hands in, asked of in order, which reports of playback are news."""

    def __init__(self) -> None:
        self._taken: Playback | None = None
        self._told_ns = 0

    def is_news(self, seen: Observation) -> bool:
        """Whether *seen* tells what did not follow from what was taken last; all but reports do."""
        if not isinstance(seen, Playback):
            return True
        before_ns, self._told_ns = self._told_ns, seen.at_ns
        taken = self._taken
        if taken is None or 2 * seen.at_ns - before_ns - taken.at_ns > QUIET_NS:
            return True  # none yet, or the next report would come too late
        return not _foretold(taken, seen)

    def took(self, seen: Observation) -> None:
        """*seen* was recorded and weighed."""
        if isinstance(seen, Playback):
            self._taken = seen


def _foretold(last: Playback, seen: Playback) -> bool:
    """*seen* says what follows from *last*. Counts of frames may wait.

    From what tells no state nothing follows: stalls are inferred from each report, then.
    """
    if last.state is None:
        return False
    moved_ns = 0
    if last.state == "playing":
        speed = 1000 if last.speed_permille is None else last.speed_permille
        moved_ns = (seen.at_ns - last.at_ns) * speed // 1000
    level = None if last.buffer_ns is None else max(0, last.buffer_ns - moved_ns)
    position = None if last.position_ns is None else last.position_ns + moved_ns
    if not (_near(seen.buffer_ns, level) and _near(seen.position_ns, position)):
        return False
    counted = None not in (
        last.dropped_frames, last.decoded_frames, seen.dropped_frames, seen.decoded_frames
    )  # fmt: skip
    as_before = attrs.evolve(
        seen,
        at_ns=last.at_ns,
        buffer_ns=last.buffer_ns,
        position_ns=last.position_ns,
        dropped_frames=last.dropped_frames if counted else seen.dropped_frames,
        decoded_frames=last.decoded_frames if counted else seen.decoded_frames,
    )
    return as_before == last


def _near(told_ns: int | None, foretold_ns: int | None) -> bool:
    if told_ns is None or foretold_ns is None:
        return told_ns is foretold_ns
    return abs(told_ns - foretold_ns) <= NEAR_NS
