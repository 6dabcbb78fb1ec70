"""Does this computer get to run us: waiting for a CPU, and the event loop's lag."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.windows import recent

WINDOW_NS = 4_000_000_000


def read(seen: Estimates, now: int) -> Outcome | None:
    rows = recent(seen.loads, now, WINDOW_NS)
    waits = [row.cpu_wait_permille for row in rows if row.cpu_wait_permille is not None]
    lags = [row.loop_lag_ns for row in rows if row.loop_lag_ns is not None]
    if not waits and not lags:
        return None
    wait = sum(waits) // len(waits) if waits else 0
    lag = max(lags, default=0)
    if wait >= 400 or lag >= 500_000_000:
        name = "starved"
    elif wait >= 100 or lag >= 150_000_000:
        name = "busy"
    else:
        name = "free"
    return Outcome(name, (("cpu_wait_permille", wait), ("loop_lag_ns", lag)))


RULE = Rule("host_load", ("free", "busy", "starved"), "host", read)
