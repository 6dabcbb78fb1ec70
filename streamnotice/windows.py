"""The last so many nanoseconds of what was seen: the one cut that trackers and rules share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class _Stamped(Protocol):
    at_ns: int


T = TypeVar("T", bound=_Stamped)


def recent(rows: Iterable[T], now: int, window_ns: int) -> list[T]:
    """The rows stamped after *now* - *window_ns*, up to and including *now*."""
    return [row for row in rows if now - window_ns < row.at_ns <= now]
