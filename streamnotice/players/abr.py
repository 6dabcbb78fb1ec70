"""Which rendition next: the buffer-based rule BBA-0.

T.-Y. Huang, R. Johari, N. McKeown, M. Trunnell, M. Watson: "A Buffer-Based Approach to Rate
Adaptation: Evidence from a Large Video Streaming Service", SIGCOMM 2014, section 3 and
algorithm 1. The rate is a function of the buffer's level alone: the lowest rendition while
the level is in a *reservoir* at the bottom, the highest above an upper end, in between a line
from the lowest rate to the highest (the *cushion*). The rendition in use is left only when the
line crosses the next rate above or below it, so that it doesn't flap.

The paper's player holds 240 s, its reservoir is 90 s and the cushion ends at 216 s. The same
shares (3/8 and 9/10) are used here of whatever target the player has.

No throughput is estimated: the rule can't be misled by a cached segment or an idle pause.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

RESERVOIR_SHARE: Final = 90 / 240
UPPER_SHARE: Final = 216 / 240


def mapped_rate_bps(buffer_s: float, target_s: float, low_bps: int, high_bps: int) -> float:
    """The rate that the line gives for a buffer of *buffer_s* seconds (f in the paper)."""
    reservoir_s = target_s * RESERVOIR_SHARE
    upper_s = target_s * UPPER_SHARE
    if buffer_s <= reservoir_s:
        return float(low_bps)
    if buffer_s >= upper_s:
        return float(high_bps)
    share = (buffer_s - reservoir_s) / (upper_s - reservoir_s)
    return low_bps + share * (high_bps - low_bps)


def choose(ladder_bps: Sequence[int], current: int, buffer_s: float, target_s: float) -> int:
    """The index in *ladder_bps* of the rendition to ask for next.

    Args:
        ladder_bps: rates on offer, ascending, at least one, in bit/s.
        current: index of the rendition asked for last (0 before the first).
        buffer_s: media ahead of the play head, seconds.
        target_s: level at which the player stops asking, seconds.
    """
    top = len(ladder_bps) - 1
    current = min(max(current, 0), top)
    rate_bps = mapped_rate_bps(buffer_s, target_s, ladder_bps[0], ladder_bps[top])
    if rate_bps >= ladder_bps[top]:
        return top
    if rate_bps <= ladder_bps[0]:
        return 0
    if current < top and rate_bps >= ladder_bps[current + 1]:
        # up, to the highest rate below the line
        return max(i for i in range(current, top + 1) if i == current or ladder_bps[i] < rate_bps)
    if current > 0 and rate_bps <= ladder_bps[current - 1]:
        # down, to the lowest rate above the line
        return min(i for i in range(current + 1) if i == current or ladder_bps[i] > rate_bps)
    return current
