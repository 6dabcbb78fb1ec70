"""How far what plays is from its end, where its length is told.

When all of it is at hand a level that falls is no harm, and playback that stands there is over:
whatever is fetched then is for something else, the next episode, say.
"""

from __future__ import annotations

from typing import Final

import attrs

from streamnotice.policy import S_NS
from streamnotice.snapshot import stateful

NEAR_NS: Final = S_NS // 2
"""Lengths are declared, play heads and buffers measured: so far they may be apart."""


@stateful
@attrs.define
class Ending:
    """Where the end is, as of the last report.

    Attributes:
        fetched: the buffer reaches to the end.
        over: the play head stands at it.
        grows: the length that is told is that of what has been made so far: no end.
    """

    length_ns: int | None = None
    position_ns: int | None = None
    grows: bool = False
    fetched: bool = False
    over: bool = False

    def feed(
        self,
        length_ns: int | None,
        position_ns: int | None,
        level_ns: int | None,
        *,
        live: bool | None,
        near_ns: int,
    ) -> None:
        """Take a report: length, play head, level, each of them None where it isn't told.

        Args:
            live: a live presentation's length is no end.
            near_ns: how far the play head as told may lag.
        """
        self._compare(length_ns, position_ns)
        self.length_ns, self.position_ns = length_ns, position_ns
        self.fetched = self.over = False
        if live or self.grows or not length_ns or position_ns is None:
            return
        near = NEAR_NS + near_ns
        if position_ns > length_ns + near:
            return  # of something else
        self.over = position_ns >= length_ns - near
        self.fetched = self.over or position_ns + (level_ns or 0) >= length_ns - near

    def _compare(self, length_ns: int | None, position_ns: int | None) -> None:
        """Whether the length grows, or it is that of something else."""
        if length_ns is None or self.length_ns is None:
            self.grows = False
            return
        went_back = None not in (position_ns, self.position_ns) and (
            (position_ns or 0) < (self.position_ns or 0)
        )
        if length_ns > self.length_ns + NEAR_NS:
            self.grows = not went_back
        elif length_ns < self.length_ns - NEAR_NS:
            self.grows = False
