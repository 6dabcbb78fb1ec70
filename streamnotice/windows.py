"""The last so many nanoseconds of what was seen: the one cut that trackers and rules share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar


class _Stamped(Protocol):
    at_ns: int


T = TypeVar("T", bound=_Stamped)


def recent(rows: Sequence[T], now: int, window_ns: int) -> list[T]:
    """The rows stamped after *now* - *window_ns*, of rows in the order of their time up to *now*.

    The engine lets no stamp go back, so the search ends at the first row that is too old.
    """
    start = now - window_ns
    found = []
    for row in reversed(rows):
        if row.at_ns <= start:
            break
        found.append(row)
    found.reverse()
    return found
