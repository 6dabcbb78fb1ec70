"""A clock that only moves when it is told to."""

from __future__ import annotations


class Clock:
    """Use as `Session(..., clock_ns=clock)` or wherever nanoseconds are asked for.

    >>> clock = Clock()
    >>> clock.forward(1.5)
    >>> clock()
    1500000000
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def __call__(self) -> int:
        return self._now_ns

    def forward(self, seconds: float) -> None:
        """Let *seconds* pass; a negative number is a ValueError."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._now_ns += round(seconds * 1e9)
