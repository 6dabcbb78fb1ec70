"""What is slow, hits or misses: the split between the delivery edge and the server behind it.

Only answers while less comes in than is needed. A hit comes from the edge's own store: if hits
are slow, the server behind it is not the cause.
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.path.tries import median_low
from streamnotice.policy import S_NS
from streamnotice.windows import recent

WINDOW_S = 12
RATE_WINDOW_S = 6
LATE_NS = 300_000_000


def read(seen: Estimates, now: int) -> Outcome | None:
    requests = seen.requests
    came, needed = requests.throughput_bps(now, RATE_WINDOW_S), seen.needed_bps()
    if came is None or not needed or came * 10 >= needed * 9:
        return None
    answers = [a for a in recent(requests.answers, now, WINDOW_S * S_NS) if a.media]
    if not answers:
        return None
    said = {answer.cache for answer in answers if answer.status < 400}
    if not said:
        return None
    figures = (("throughput_bps", came), ("answers_count", len(answers)))
    base = (("needed_bps", needed),)
    if said == {None}:
        return Outcome("unsaid", figures, base)
    if "hit" not in said:
        return Outcome("misses", figures, base)
    if "miss" not in said:
        return Outcome("hits", figures, base)
    hits, misses = (
        median_low([a.ttfb_ns for a in answers if a.cache == c]) for c in ("hit", "miss")
    )
    late = misses >= LATE_NS and misses >= 4 * hits
    return Outcome("misses_only" if late else "both", figures, base)


NAMES = ("hits", "misses", "misses_only", "both", "unsaid")
RULE = Rule("slow_answers", NAMES, "headers", read, whole_way=True)
