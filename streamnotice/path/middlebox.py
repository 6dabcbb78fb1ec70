"""Does a box on the way end TCP connections in the far end's place?

Satellite modems, mobile providers and firms' proxies do (RFC 3135). Handshakes, and all that
sockets tell, are then of the way to that box alone, and would bear witness for a clean line. Two
proofs: SYNs that are answered though they can't have come to the far end, and handshakes that come
back far sooner than what UDP probes get from the last hops. Half of each is one, too.
"""

from __future__ import annotations

from typing import Final

from streamnotice.path.tries import Try, answers, quantile
from streamnotice.policy import S_NS

FEWEST_EARLY: Final = 2
WINDOW_NS: Final = 30 * S_NS
FEWEST: Final = 3
FEWEST_BESIDE: Final = 2
"""So many answers of each will do beside a SYN that was answered too near."""
CLEARLY_NS: Final = 5_000_000


def can_not_reach(ttl: int, length: int) -> bool:
    """A SYN that may pass *ttl* links doesn't come to a far end that UDP finds after *length*.

    One link less is no proof: TCP and UDP may go over ways of different length.
    """
    return ttl < length - 1


def sooner(near_ns: int | None, far_ns: int | None, times: int = 1) -> bool:
    """So many times the one is clearly less than the other."""
    return near_ns is not None and far_ns is not None and far_ns > times * near_ns + CLEARLY_NS


def nearer(syns: list[Try], rows: list[list[Try]], fewest: int = FEWEST) -> bool:
    """Handshakes take less than half of what the last hops' answers (*rows*) take.

    Only those since all those hops were heard count: a queue may have begun in between. It may be
    of our own making, too, so those under load are held against those under load.
    """
    if not rows or not all(rows):
        return False
    since_ns = max(tries[0].at_ns for tries in rows)
    later = [one for one in syns if one.at_ns >= since_ns]
    return any(
        _all_nearer(_under(load, later), [_under(load, tries) for tries in rows], fewest)
        for load in (False, True)
    )


def _under(load: bool, tries: list[Try]) -> list[int]:
    return answers([one for one in tries if one.loaded is load])


def _all_nearer(syns: list[int], rows: list[list[int]], fewest: int) -> bool:
    if min(len(rtts) for rtts in (syns, *rows)) < fewest:
        return False
    most = quantile(syns, 850)
    return all(sooner(most, min(rtts), times=2) for rtts in rows)
