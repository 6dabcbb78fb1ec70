"""Round trips over their base."""

from __future__ import annotations

from streamnotice.path.rounds import PathSeen
from streamnotice.path.tries import Try


def over_base(
    path: PathSeen, ttl: int, stored: dict[str, int], tries: list[Try]
) -> list[tuple[int, int]]:
    base = path.base(ttl, stored)
    if base is None or path.hops[ttl].answered < 4:
        return []
    return over(base, tries)


def over(base_ns: int, tries: list[Try]) -> list[tuple[int, int]]:
    return [(t.at_ns, t.rtt_ns - base_ns) for t in tries if t.rtt_ns is not None]
