"""Is playback suffering at all: the first of all questions, and the witness against "fine"."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.playback.model import DRAINS_PERMILLE
from streamnotice.policy import S_NS


def read(seen: Estimates, now: int) -> Outcome | None:
    model = seen.playback
    if not model.seen or model.state in ("paused", "ended", "seeking"):
        return None
    level = model.level_ns(now)
    figures = (("buffer_ns", level), ("drain_permille", model.drain_permille(now)))
    lasting = now - model.since_ns
    if model.state == "starting":
        asks = seen.requests.asking() if seen.requests.ever else None
        waits = lasting >= 3 * S_NS and not model.could_start(asks)
        return Outcome("slow_start", figures) if waits else None
    if model.state == "stalled":
        return Outcome("stalled", figures)
    drain = model.drain_permille(now)
    if drain is None or level is None:
        return None
    if drain >= DRAINS_PERMILLE or model.wants_data is False:
        return Outcome("calm", figures)
    return Outcome("low" if level < 6 * S_NS else "draining", figures)


RULE = Rule("harm", ("calm", "draining", "low", "stalled", "slow_start"), "playback", read)
