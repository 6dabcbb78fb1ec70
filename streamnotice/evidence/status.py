"""Errors that servers answer with: the edge's own, those it passes on, and what isn't there.

An error without a word of the cache is the edge's own only where others of its errors carry one:
by default servers leave such headers out of errors. Else nobody says whose it is, nor of an error
that lay in the cache itself.
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.playback.requests import Answer, needed
from streamnotice.policy import S_NS

WINDOW_S = 8


def _kind(answer: Answer, marked: bool) -> str:
    if answer.status < 400:
        return "ok"
    if answer.status < 500:
        return "not_found"
    if answer.passed_on:
        return "upstream_error"
    if answer.cache == "miss":
        return "miss_error"
    return "edge_error" if marked and answer.cache is None else "unsaid_error"


def read(seen: Estimates, now: int) -> Outcome | None:
    answers = needed(seen.requests.answers, now, WINDOW_S * S_NS)
    if not answers:
        return None
    kinds = [_kind(answer, seen.requests.marks_errors) for answer in answers]
    for kind in ("upstream_error", "miss_error", "edge_error", "unsaid_error", "not_found"):
        count = kinds.count(kind)
        if count * 3 >= len(kinds):
            last = [a.status for a, k in zip(answers, kinds, strict=True) if k == kind][-1]
            return Outcome(kind, (("status_count", count), ("status_code", last)))
    return Outcome("ok", (("status_count", len(kinds)),))


NAMES = ("ok", "edge_error", "miss_error", "upstream_error", "unsaid_error", "not_found")
RULE = Rule("status", NAMES, "requests", read)
