"""Whose queue is it: one that stands while we are idle, or one that only our own download builds.

Also how the session began: round trips of the first seconds, before our own bytes could
build a queue, against the smallest ever seen (TCP Congestion Signatures, IMC 2017, look at the
same difference within a flow's slow start).
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.path.rounds import FAR
from streamnotice.path.tries import median_low
from streamnotice.policy import S_NS

LEAST_NS = 10_000_000
WINDOW_NS = 30 * S_NS


def read(seen: Estimates, now: int) -> Outcome | None:
    path = seen.paths.busiest()
    if path is None:
        return None
    hop = path.hops.get(path.length) or path.hops.get(FAR)
    if hop is None or hop.base_ns is None:
        return None
    tries = [t for t in hop.recent(now, WINDOW_NS) if t.rtt_ns is not None]
    idle = [t.rtt_ns for t in tries if not t.loaded and t.rtt_ns is not None]
    loaded = [t.rtt_ns for t in tries if t.loaded and t.rtt_ns is not None]
    if len(idle) < 3 or len(loaded) < 3:
        return None
    idle_queue = median_low(idle) - hop.base_ns
    loaded_queue = median_low(loaded) - hop.base_ns
    figures = (("idle_queue_ns", idle_queue), ("loaded_queue_ns", loaded_queue))
    base = (("rtt_ns", hop.base_ns),)
    least = max(LEAST_NS, hop.base_ns // 4)
    if max(idle_queue, loaded_queue) < least:
        return Outcome("none", figures, base)
    return Outcome("standing" if idle_queue * 2 >= loaded_queue else "self_made", figures, base)


def read_start(seen: Estimates, now: int) -> Outcome | None:
    path = seen.paths.busiest()
    if path is None or now < 10 * S_NS:
        return None
    hop = path.hops.get(path.length) or path.hops.get(FAR)
    if hop is None or hop.first_ns is None or hop.base_ns is None or hop.answered < 10:
        return None
    excess = hop.first_ns - hop.base_ns
    raised = excess >= max(LEAST_NS, hop.base_ns // 4)
    return Outcome(
        "raised" if raised else "clean",
        (("first_rtt_ns", hop.first_ns),),
        (("rtt_ns", hop.base_ns),),
    )


KIND = Rule("queue_kind", ("none", "standing", "self_made"), "path", read)
START = Rule("flow_start", ("clean", "raised"), "path", read_start)
