"""May a question that has no answer yet just not have waited long enough?

Probes are given 1.2 s and handshakes are sent again after one (RFC 6298), but modems and mobile
networks let queues grow to seconds (Gettys, Nichols, *Bufferbloat*, ACM Queue 2011): what seems
silent or lost behind such a queue is late.
"""

from __future__ import annotations

from typing import Final

from streamnotice.estimates import Estimates
from streamnotice.policy import S_NS

LONG_NS: Final = 600_000_000
"""Where round trips take half of a probe's time, others take all of it."""
WINDOW_NS: Final = 15 * S_NS


def may_be_late(seen: Estimates, now: int) -> bool:
    """Whether round trips are so long now that answers may miss their time."""
    return longest_ns(seen, now) >= LONG_NS


def longest_ns(seen: Estimates, now: int) -> int:
    """The longest round trip of late, of the service's sockets and on the way to it; 0 if none is
    known."""
    return seen.paths.once("longest round trip", now, lambda: _longest_ns(seen, now))


def _longest_ns(seen: Estimates, now: int) -> int:
    rtts = seen.requests.rtts_of(now, WINDOW_NS)
    path = seen.paths.busiest()
    if path is not None:
        rtts += [
            one.rtt_ns
            for hop in path.hops.values()
            if not hop.late  # it is slow by itself
            for one in hop.recent(now, WINDOW_NS)
            if one.rtt_ns is not None
        ]
    return max(rtts, default=0)
