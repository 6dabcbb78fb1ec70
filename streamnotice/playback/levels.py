"""How the buffer level went: its drain, read from the tops of successive windows.

Segments arrive whole, so a healthy level is a saw-tooth, as high as a segment is long: no window
may be shorter than that. What is shown faster than it is made is fetched no faster by the best of
lines, so the level is kept as it would have gone at normal speed, too.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from streamnotice.policy import S_NS
from streamnotice.snapshot import derived, stateful

LEAST_WINDOW_NS: Final = 5 * S_NS
MOST_WINDOW_NS: Final = 12 * S_NS
QUIET_NS: Final = 3 * S_NS
"""A host that said nothing for this long: its last level is no longer the level."""
_DENSE_NS: Final = S_NS // 10
"""Nearer to one another, rows would not reach back for two windows."""
_TOOTH_NS: Final = 3 * S_NS // 10
"""A level that is higher by so much than it should be has risen."""


@stateful
@attrs.define
class Levels:
    """The levels told of late.

    Attributes:
        rows: (at, level, shown beyond normal speed until then).
        teeth: by how much the level rose each time, but no more than the time since the rise
            before: in one rise several segments may come, that were fetched in no time.
        risen_ns: when it rose last.
        beyond_ns: media shown beyond what normal speed would have, so far.
    """

    rows: deque[tuple[int, int, int]] = attrs.Factory(lambda: deque(maxlen=240))
    teeth: deque[int] = attrs.Factory(lambda: deque(maxlen=8))
    beyond_ns: int = 0
    risen_ns: int | None = None
    _drains: dict[tuple[int, bool], int | None] | None = derived()

    def shown(self, passed_ns: int, speed_permille: int) -> None:
        """It was played for so long at this speed."""
        self.beyond_ns += passed_ns * max(0, speed_permille - 1000) // 1000
        self._drains = None

    def told(self, now: int, level_ns: int, rose_ns: int | None) -> None:
        """The level is this now.

        Args:
            rose_ns: how far above what should be left of the one before; None if that isn't known.
        """
        if rose_ns is not None and rose_ns >= _TOOTH_NS:
            if self.risen_ns is not None:
                self.teeth.append(min(rose_ns, now - self.risen_ns))
            self.risen_ns = now
        rows = self.rows
        if len(rows) > 1 and rows[-1][0] - rows[-2][0] < _DENSE_NS and rows[-1][1] <= rows[-2][1]:
            rows.pop()  # no top, and hosts that tell of each frame tell it often enough
        rows.append((now, level_ns, self.beyond_ns))
        self._drains = None

    def clear(self) -> None:
        """What follows is another buffer."""
        self.rows.clear()
        self.risen_ns = None
        self._drains = None

    def drain_permille(self, now: int, speed_permille: int, *, steady: bool) -> int | None:
        """Change of the level, thousandths of a second a second: -1000 is nothing coming in.

        From the top of the last window against the top of the one before it.

        Args:
            speed_permille: play-out speed now.
            steady: as it would have gone at no more than normal speed.
        """
        if self._drains is None:
            self._drains = {}
        key = now, steady
        if key not in self._drains:
            window = self._window_ns(speed_permille)
            speed = min(1000, speed_permille) if steady else speed_permille
            late = self._top_ns(now - window, now, speed, steady=steady)
            early = self._top_ns(now - 2 * window, now - window, speed, steady=steady)
            change = None if late is None or early is None else (late - early) * 1000 // window
            if len(self._drains) >= 4:
                self._drains.clear()
            self._drains[key] = change
        return self._drains[key]

    def _window_ns(self, speed_permille: int) -> int:
        tooth = max(self.teeth, default=0) * 1000 // speed_permille
        return min(max(LEAST_WINDOW_NS, tooth), MOST_WINDOW_NS)

    def _top_ns(self, start: int, end: int, speed_permille: int, *, steady: bool) -> int | None:
        """Highest level after *start*, up to *end*; None if none was told in that time.

        One that only falls is highest at the start, and the last that was told may be older.
        """
        top: int | None = None
        for at, level, beyond in reversed(self.rows):
            if steady:
                level += beyond
            if at <= start:
                if top is not None and start - at <= QUIET_NS:
                    top = max(top, level - (start - at) * speed_permille // 1000)
                break
            if at <= end:
                top = level if top is None else max(top, level)
        return top
