"""How long the server thinks before its first byte, beyond the round trip; by cache hit and miss.

The kernel's round trip is taken from the acknowledgement of our request, the first byte from the
server's answer: what lies between them is the server's, or that of the server behind it.
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Needs, Outcome, Rule, scale
from streamnotice.path.tries import median_low
from streamnotice.policy import MS_NS, S_NS
from streamnotice.windows import recent

WINDOW_S = 8
NAMES = ("prompt", "late", "very_late")


def _read(seen: Estimates, now: int, cache: str | None) -> Outcome | None:
    requests = seen.requests
    answers = [
        answer
        for answer in recent(requests.answers, now, WINDOW_S * S_NS)
        if answer.media and answer.cache == cache and answer.status < 400
    ]
    if not answers:
        return None
    rtts = requests.rtts_of(now, 10 * WINDOW_S * S_NS)
    rtt = max([a.rtt_ns for a in answers if a.rtt_ns is not None] + rtts[:2], default=0)
    ttfb = median_low([answer.ttfb_ns for answer in answers])
    excess = max(0, ttfb - 2 * rtt)
    name = scale(excess, ((200 * MS_NS, "prompt"), (1000 * MS_NS, "late")), "very_late")
    return Outcome(name, (("ttfb_ns", ttfb),), (("rtt_ns", rtt),) if rtt else None)


def _rule(name: str, needs: Needs, cache: str | None) -> Rule:
    # behind a box that ends connections the way is late as a server is
    return Rule(name, NAMES, needs, lambda seen, now: _read(seen, now, cache), whole_way=True)


UNSAID = _rule("first_byte", "requests", None)
HIT = _rule("first_byte_hit", "headers", "hit")
MISS = _rule("first_byte_miss", "headers", "miss")
