"""Errors that servers answer with: the edge's own, those it passes on, and what isn't there."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.playback.requests import Answer
from streamnotice.policy import S_NS
from streamnotice.windows import recent

WINDOW_S = 8


def _kind(answer: Answer) -> str:
    if answer.status < 400:
        return "ok"
    if answer.status < 500:
        return "not_found"
    upstream = answer.upstream_status is not None and answer.upstream_status >= 500
    if answer.status in (502, 504) or upstream:
        return "upstream_error"
    return "miss_error" if answer.cache == "miss" else "edge_error"


def read(seen: Estimates, now: int) -> Outcome | None:
    answers = recent(seen.requests.answers, now, WINDOW_S * S_NS)
    if not answers:
        return None
    kinds = [_kind(answer) for answer in answers]
    for kind in ("upstream_error", "miss_error", "edge_error", "not_found"):
        count = kinds.count(kind)
        if count * 3 >= len(kinds):
            last = [a.status for a, k in zip(answers, kinds, strict=True) if k == kind][-1]
            return Outcome(kind, (("status_count", count), ("status_code", last)))
    return Outcome("ok", (("status_count", len(kinds)),))


RULE = Rule(
    "status", ("ok", "edge_error", "miss_error", "upstream_error", "not_found"), "requests", read
)
