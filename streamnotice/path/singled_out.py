"""Are TCP's packets to the service's host treated otherwise than other packets to it?

Handshakes go to the port that the film comes from, probes go to the same host by UDP. A queue or
a loss that the handshakes alone meet is one that some packets are picked out for: by a provider
that slows down a service, by one bad way of several equal ones, by a filter, or at the server's own
door. Which of these, can't be told from here; that the way is clear for probes is no proof that it
is clear for the film.
"""

from __future__ import annotations

from typing import Final

from streamnotice.path.rounds import FAR, HopSeen, Paths
from streamnotice.path.tries import answers, median_low
from streamnotice.policy import S_NS

WINDOW_NS: Final = 20 * S_NS
STANDS_NS: Final = 60 * S_NS
"""What was found goes on for so long where, for want of budget, nothing is asked any more."""
FEWEST: Final = 4
MUCH_NS: Final = 20_000_000
"""So much longer than probes handshakes must take, in the median of several, ..."""
TIMES: Final = 3
"""... and so many times as much as probes are late: a queue for all may stand higher when the
handshakes come."""
SILENT: Final = 3
"""Or so many of them got lost, and none was answered, while all probes were."""


def singled_out(paths: Paths, now: int) -> bool:
    """Handshakes with the service's host fare much worse than probes to it, of late."""
    return paths.once("singled out", now, lambda: _look(paths, now))


def _look(paths: Paths, now: int) -> bool:
    path = paths.busiest()
    if path is None or not path.complete or path.ended_near:
        return False
    hop, far = path.hops.get(path.length), path.hops.get(FAR)
    if hop is None or far is None or not hop.tries or not far.tries:
        return False
    asked_ns = min(hop.tries[-1].at_ns, far.tries[-1].at_ns)
    if now - asked_ns > STANDS_NS:
        return False
    now = min(now, asked_ns)
    probes_ns, handshakes_ns = _takes_ns(hop, now), _takes_ns(far, now)
    if probes_ns is None or hop.base_ns is None:
        return False
    if handshakes_ns is not None:
        late_ns = probes_ns - hop.base_ns
        return handshakes_ns - probes_ns >= max(MUCH_NS, TIMES * late_ns)
    tries = far.recent(now, WINDOW_NS)
    return len(tries) >= SILENT and not answers(tries) and not _lost(hop, now)


def _takes_ns(hop: HopSeen, now: int) -> int | None:
    """Median round trip of late; None of too few."""
    rtts = answers(hop.recent(now, WINDOW_NS))
    return median_low(rtts) if len(rtts) >= FEWEST else None


def _lost(hop: HopSeen, now: int) -> int:
    return sum([one.rtt_ns is None for one in hop.recent(now, WINDOW_NS)])
