"""Connections that open slowly or not, and names that resolve slowly or not."""

from __future__ import annotations

from typing import Final

from streamnotice.estimates import Estimates
from streamnotice.evidence.patience import longest_ns
from streamnotice.evidence.references import handshakes
from streamnotice.evidence.rule import Outcome, Rule, scale
from streamnotice.playback.requests import needed
from streamnotice.policy import MS_NS, S_NS

PROMPT_NS = 500 * MS_NS
SLOW_NS = 2 * S_NS
"""So long a look-up may take; and from so much on, beyond the way's own round trips there and to
the next name server, it holds a film up that has segments of some seconds."""
ROUND_TRIPS = 2
WINDOW_NS = 10 * S_NS
BEFORE_NS = 5 * S_NS
"""How long before it failed a look-up may have gone unanswered: resolvers wait so long."""
AFTER_NS = S_NS
FAILING: Final = {"missing": "failing", "answered": "failing_alone", "too_few": "failing_unasked"}


def read_connect(seen: Estimates, now: int) -> Outcome | None:
    requests = seen.requests
    failed = needed(requests.failures, now, WINDOW_NS)
    kinds = [
        # asked over a connection: that way was open once, if not for this request
        "unanswered" if f.failure == "timeout" and f.connected else f.failure
        for f in failed
        if not f.had_first_byte
    ]
    for kind in ("refused", "unreachable", "timeout", "reset", "unanswered"):
        if kind in kinds:
            return Outcome(kind, (("failures_count", kinds.count(kind)),))
    broken = [f.at_ns for f in failed if f.had_first_byte]
    if broken:
        # a server that stops in the middle breaks off as well: then others answer meanwhile
        if handshakes(seen, broken[-1] - BEFORE_NS, broken[-1] + AFTER_NS) == "answered":
            return None
        return Outcome("broken_off", (("failures_count", len(broken)),))
    connects = needed(requests.connects, now, WINDOW_NS)
    made = [c.connect_ns for c in connects if c.connect_ns is not None]
    if not made:
        return None
    base = requests.base_rtt_ns
    excess = max(made) - 4 * (base or 0)
    name = scale(excess, ((300 * MS_NS, "prompt"),), "slow")
    return Outcome(name, (("connect_ns", max(made)),), (("rtt_ns", base),) if base else None)


def read_look_up(seen: Estimates, now: int) -> Outcome | None:
    requests = seen.requests
    failed = needed(requests.failures, now, WINDOW_NS)
    at = [f.at_ns for f in failed if f.failure == "dns"]
    if at:
        name = FAILING[handshakes(seen, at[-1] - BEFORE_NS, at[-1] + AFTER_NS)]
        return Outcome(name, (("failures_count", len(at)),))
    connects = needed(requests.connects, now, WINDOW_NS)
    made = [c.dns_ns for c in connects if c.dns_ns is not None]
    if not made:
        return None
    longest = max(made)
    if longest > SLOW_NS + ROUND_TRIPS * longest_ns(seen, now):
        return Outcome("slow", (("dns_ns", longest),))
    # that others came promptly says nothing of the one that is waited for
    if longest > PROMPT_NS or requests.looking_ns(now) > PROMPT_NS:
        return None
    return Outcome("prompt", (("dns_ns", longest),))


CONNECT = Rule(
    "connect",
    ("prompt", "slow", "refused", "unreachable", "timeout", "reset", "unanswered", "broken_off"),
    "requests",
    read_connect,
    whole_way=True,
)
LOOK_UP = Rule("look_up", ("prompt", "slow", *FAILING.values()), "requests", read_look_up)
