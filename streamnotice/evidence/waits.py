"""Waits for a first byte: their share of the time asked, the oldest; and silence in mid-flow."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule, scale
from streamnotice.policy import S_NS

WINDOW_S = 8
_ROUND_TRIPS = 3


def read_share(seen: Estimates, now: int) -> Outcome | None:
    total = seen.requests.total(now, WINDOW_S)
    asked = total.asked_ns
    if asked < S_NS or not seen.requests.tells_first_byte or seen.requests.untold_ns:
        return None
    share = (asked - min(asked, total.flowing_ns)) * 1000 // asked
    name = scale(share, ((150, "little"), (400, "some"), (750, "much")), "most")
    return Outcome(name, (("waiting_permille", share),))


def _beyond(seen: Estimates, age_ns: int) -> int:
    """What was waited beyond the way's own time: a name, a connection and an answer each take an
    idle round trip (over a satellite that is two seconds); and beyond what the host keeps back."""
    requests = seen.requests
    own_ns = _ROUND_TRIPS * (requests.base_rtt_ns or 0)
    return max(0, age_ns - own_ns - requests.kept_back_ns)


def read_waiting(seen: Estimates, now: int) -> Outcome | None:
    if not seen.requests.ever:
        return None
    age = seen.requests.waiting_ns(now)
    name = scale(_beyond(seen, age), ((S_NS, "short"), (3 * S_NS, "long")), "very_long")
    return Outcome(name, (("age_ns", age),))


def read_silence(seen: Estimates, now: int) -> Outcome | None:
    if not seen.requests.ever or not seen.requests.asking():
        return None
    quiet = seen.requests.silent_ns(now)
    name = scale(_beyond(seen, quiet), ((S_NS, "short"), (3 * S_NS, "long")), "very_long")
    return Outcome(name, (("silent_ns", quiet),))


SHARE = Rule("wait_share", ("little", "some", "much", "most"), "requests", read_share)
WAITING = Rule("waiting", ("short", "long", "very_long"), "requests", read_waiting)
SILENCE = Rule("silence", ("short", "long", "very_long"), "requests", read_silence)
