"""What our own sockets tell of the way: segments out of order, and the round trip of requests."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule, scale
from streamnotice.policy import MS_NS, S_NS

WINDOW_S = 8


def read_order(seen: Estimates, now: int) -> Outcome | None:
    total = seen.requests.total(now, WINDOW_S)
    if total.segments < 30:
        return None
    share = total.out_of_order * 1000 // total.segments
    name = scale(share, ((2, "none"), (15, "some"), (80, "much")), "heavy")
    return Outcome(name, (("out_of_order_permille", share),))


def read_rtt(seen: Estimates, now: int) -> Outcome | None:
    requests = seen.requests
    rtts = requests.rtts_of(now, WINDOW_S * S_NS)
    base = requests.base_rtt_ns
    if not rtts or base is None:
        return None
    rtt = sorted(rtts)[len(rtts) // 2]
    excess = rtt - base
    if excess < max(10 * MS_NS, base // 4):
        name = "flat"
    else:
        name = "raised" if excess < max(80 * MS_NS, 2 * base) else "high"
    return Outcome(name, (("rtt_ns", rtt),), (("base_rtt_ns", base),))


ORDER = Rule(
    "reordering", ("none", "some", "much", "heavy"), "requests", read_order, whole_way=True
)
RTT = Rule("socket_rtt", ("flat", "raised", "high"), "requests", read_rtt, whole_way=True)
