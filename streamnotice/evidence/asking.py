"""Was the player asking: the second split. A pause between requests is not a slow network."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.policy import S_NS

WINDOW_S = 6


def read(seen: Estimates, now: int) -> Outcome | None:
    share = seen.requests.asked_permille(now, WINDOW_S)
    if share is None or now < WINDOW_S * S_NS:
        return None
    level = seen.playback.level_ns(now)
    figures = (("asking_permille", share), ("buffer_ns", level))
    if share >= 900:
        return Outcome("always", figures)
    if share >= 300:
        return Outcome("partly", figures)
    hungry = seen.playback.state == "stalled" or (
        seen.playback.wants_data is not False and level is not None and level < 4 * S_NS
    )
    if not hungry:
        return Outcome("idle_full", figures)
    # a player that waits before it tries again after a failure does ask
    since = now - WINDOW_S * S_NS
    failed = any(f.at_ns > since for f in seen.requests.failures) or any(
        a.at_ns > since and a.status >= 400 for a in seen.requests.answers
    )
    return Outcome("retrying" if failed else "idle_hungry", figures)


RULE = Rule(
    "asking", ("always", "partly", "idle_hungry", "retrying", "idle_full"), "requests", read
)
