"""What goes over this computer's interface, and how much of it is not the video's.

The interface counts what all programs move; what the player got is taken off. That is known only
where the player's requests are seen, whole and as they come: a host that tells of some, or of each
when it is over, would have its own media pass for somebody else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from streamnotice.playback.requests import Requests
from streamnotice.policy import S_NS
from streamnotice.snapshot import stateful
from streamnotice.windows import recent

WINDOW_S = 6
MUCH_PERMILLE = 1000
"""Others move as much as the video needs."""
_DECLARED: Final = 2
"""A rendition's rate may be declared at so many times its mean."""
_REACH_S: Final = 8
"""Seconds of media that what was told before may answer for: a segment that is appended whole."""
_FEWEST_S: Final = 2
SENT_BPS = 100_000
"""Less than this fills no line's queue, ..."""
SENT_PERMILLE = 100
"""... and less than so much of what came may be acknowledgements of it (some 30 are usual)."""


@stateful
@attrs.define
class BytesSeen:
    """Bytes over an interface or the home router's line, over a window."""

    at_ns: int
    window_ns: int
    rx_bytes: int
    tx_bytes: int


@attrs.frozen
class Moved:
    """What others move, beside the video.

    Attributes:
        got_bps: what they get.
        sent_bps: what is sent, this player's acknowledgements among it.
        came_bps: all that comes to whoever sends that: these may be acknowledgements of it.
    """

    got_bps: int
    sent_bps: int
    came_bps: int

    @property
    def sends(self) -> bool:
        """More than acknowledgements, and enough to fill a line's queue."""
        return self.sent_bps > max(SENT_BPS, self.came_bps * SENT_PERMILLE // 1000)

    def permille_of(self, needed_bps: int) -> int:
        """What others get, of what the video needs."""
        return self.got_bps * 1000 // max(1, needed_bps)


@stateful
@attrs.define
class MediaTold:
    """Whether the host tells of all the media that its player gets.

    What the buffer gains, by its length and the rate of the rendition, must have come in requests.

    Attributes:
        credit_bits: what was told, doubled as rates may be declared, less what was gained; both
            lately.
        judged: enough was gained to tell.
    """

    credit_bits: int = 0
    gained_bits: int = 0
    media_bytes: int = 0
    judged: bool = False

    def look(self, gained_bits: int, media_bytes: int, needed_bps: int) -> None:
        """Take the session's totals as of now."""
        told = (media_bytes - self.media_bytes) * 8 * _DECLARED
        most = _REACH_S * needed_bps
        credit = self.credit_bits + told - (gained_bits - self.gained_bits)
        self.credit_bits = max(-most, min(most, credit))
        self.gained_bits, self.media_bytes = gained_bits, media_bytes
        self.judged = self.judged or gained_bits >= _FEWEST_S * needed_bps

    @property
    def whole(self) -> bool:
        return self.judged and self.credit_bits >= 0

    def forget(self) -> None:
        """Nothing is known of it any more."""
        self.judged, self.credit_bits = False, 0


def rate_bps(size_bytes: int, window_ns: int) -> int:
    return size_bytes * 8 * S_NS // window_ns


def on_the_wire(media_bytes: int) -> int:
    """With what headers add."""
    return media_bytes * 108 // 100


def moved_here(
    interface: Sequence[BytesSeen], requests: Requests, besides: int, now: int
) -> Moved | None:
    """What other programs on this computer move; None if the interface tells too little.

    Args:
        besides: bytes that this library fetched itself in the last `WINDOW_S` seconds.
    """
    rows = recent(interface, now, WINDOW_S * S_NS)
    length_ns = sum(row.window_ns for row in rows)
    if length_ns < WINDOW_S * S_NS // 2:
        return None
    # a second more than was counted: a burst of ours at the edge must not pass for another's
    first = (rows[0].at_ns - rows[0].window_ns) // S_NS - 1
    end = now + S_NS - 1  # the second that is not over yet counts
    ours = on_the_wire(requests.total(end, end // S_NS - first).all_bytes) + besides
    came = sum(row.rx_bytes for row in rows)
    return Moved(
        got_bps=rate_bps(max(0, came - ours), length_ns),
        sent_bps=rate_bps(sum(row.tx_bytes for row in rows), length_ns),
        came_bps=rate_bps(came, length_ns),
    )
