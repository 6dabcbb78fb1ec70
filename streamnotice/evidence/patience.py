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
    return seen.paths.once("long round trips", now, lambda: _long(seen, now))


def _long(seen: Estimates, now: int) -> bool:
    if any(rtt >= LONG_NS for rtt in seen.requests.rtts_of(now, WINDOW_NS)):
        return True
    path = seen.paths.busiest()
    return path is not None and any(
        one.rtt_ns is not None and one.rtt_ns >= LONG_NS
        for hop in path.hops.values()
        if not hop.late  # it is slow by itself
        for one in hop.recent(now, WINDOW_NS)
    )
