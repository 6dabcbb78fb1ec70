"""How well this device hears its access point, and how often it must repeat itself.

In shadow: the lab has no radio. The signal has no baseline of its own, so it is held against what
designers of such networks go by (-67 dBm for video; below -75 the rate falls quickly).
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.windows import recent

WINDOW_NS = 5_000_000_000
FAIR_DBM = -67
WEAK_DBM = -75
LEAST_FRAMES = 20
OFTEN_PERMILLE = 500
FAILED_PERMILLE = 20


def read(seen: Estimates, now: int) -> Outcome | None:
    rows = recent(seen.radio, now, WINDOW_NS)
    signals = sorted(row.signal_dbm for row in rows if row.signal_dbm is not None)
    if len(signals) < 2:
        return None
    signal = signals[len(signals) // 2]
    frames = sum(row.sent for row in rows)
    retried = failed = None
    if frames >= LEAST_FRAMES:
        retried = sum(row.retried for row in rows) * 1000 // frames
        failed = sum(row.failed for row in rows) * 1000 // frames
    often = (retried or 0) >= OFTEN_PERMILLE
    giving_up = (failed or 0) >= FAILED_PERMILLE
    if signal < WEAK_DBM or giving_up:
        name = "weak"
    elif signal < FAIR_DBM or often:
        name = "fair"
    else:
        name = "strong"
    figures = (("signal_dbm", signal), ("retried_permille", retried), ("failed_permille", failed))
    return Outcome(name, figures)


RULE = Rule("radio", ("weak", "fair", "strong"), "host", read)
