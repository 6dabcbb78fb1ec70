"""How evenly bytes come while they flow: a ceiling, a ragged share of a queue, or bursts."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule, scale
from streamnotice.policy import S_NS

WINDOW_S = 8


def read(seen: Estimates, now: int) -> Outcome | None:
    rows = [row for row in seen.requests.window(now, WINDOW_S) if row.flowing_ns >= S_NS * 7 // 10]
    if len(rows) < 4:
        return None
    rates = [row.media_bytes * 8 * S_NS // row.flowing_ns for row in rows]
    mean = sum(rates) // len(rates)
    if mean == 0 or seen.requests.told_in_lumps(mean):
        return None
    deviation = sum(abs(rate - mean) for rate in rates) * 1000 // (len(rates) * mean)
    name = scale(deviation, ((60, "steady"), (200, "uneven"), (500, "ragged")), "bursts")
    return Outcome(name, (("throughput_bps", mean), ("deviation_permille", deviation)))


RULE = Rule("pace", ("steady", "uneven", "ragged", "bursts"), "requests", read)
