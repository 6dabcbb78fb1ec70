"""Is the trouble before the first router or behind it? Asked of that router itself.

Its answers alone say little: routers answer late and seldom for reasons of their own. What the link
to it does is shared by everything behind it, so each sign is held against the best-off far end:
only what both show is the link's, and what the far end alone shows lies behind the router.
"""

from __future__ import annotations

import attrs

from streamnotice.estimates import Estimates
from streamnotice.evidence.references import far_ends
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.evidence.socket_signs import excess_ns, read_order
from streamnotice.path import localise
from streamnotice.path.first_hop import Near
from streamnotice.policy import S_NS

SILENT = "silent"
DELAYED = "delayed"
LOSSY = "lossy"
BEYOND = "beyond"
CLEAN = "clean"
UNCLEAR = "unclear"
MUTE = 3
"""So many questions in a row without an answer are a silence."""
SURE_MDB = 10_000


@attrs.frozen
class _Far:
    """The best-off far end: its excess, and whether packets get lost on the way to all of them."""

    excess_ns: int | None
    loses: bool
    silent: bool


def _far(seen: Estimates, now: int) -> _Far:
    ends = far_ends(seen, now)
    excesses = [end.excess_ns for end in ends if end.excess_ns is not None]
    own = excess_ns(seen, now)
    if own is not None:
        excesses.append(own)
    order = read_order(seen, now)
    lost = localise.loss(seen.paths, now)
    return _Far(
        min(excesses, default=None),
        (order is not None and order.name != "none")
        or (lost is not None and lost.place != localise.NONE),
        seen.requests.nothing_arrives(now) or (bool(ends) and all(end.silent for end in ends)),
    )


def _heard_since(seen: Estimates, since_ns: int) -> bool:
    """Something came from behind the first router, though it was silent itself."""
    if any(s.number * S_NS > since_ns and s.media_bytes for s in seen.requests.seconds):
        return True
    return any(
        t.rtt_ns is not None and t.at_ns > since_ns
        for path in seen.paths.paths.values()
        for ttl, hop in path.hops.items()
        if ttl > 1
        for t in hop.tries
    )


def read(seen: Estimates, now: int) -> Outcome | None:
    near = seen.first_hop.look(now)
    if near is None:
        return None
    name = _standing(seen, near, now)
    if name is None:
        return None
    figures = [("lost_count", near.lost), ("answered_count", near.sent - near.lost)]
    if near.rtt_ns is not None:
        figures.insert(0, ("rtt_ns", near.rtt_ns))
    return Outcome(name, tuple(figures), (("base_rtt_ns", near.base_ns),))


def _standing(seen: Estimates, near: Near, now: int) -> str | None:
    if near.mute >= MUTE and near.mute_since_ns is not None:
        return None if _heard_since(seen, near.mute_since_ns) else SILENT
    far = _far(seen, now)
    queued = far.excess_ns is not None and far.excess_ns >= localise.LEAST_DELAY_NS
    if queued and near.rtt_ns is not None and far.excess_ns is not None:
        excess = near.rtt_ns - near.base_ns
        if excess * 1000 >= far.excess_ns * localise.SHARED_PERMILLE:
            # more than all have in common is the router's own slowness, as far as it goes
            return DELAYED if excess < 2 * far.excess_ns else UNCLEAR
    clean = near.loss_mdb <= -SURE_MDB
    if near.loss_mdb >= SURE_MDB:
        return LOSSY if far.loses else UNCLEAR
    if far.silent and near.mute == 0:
        return BEYOND
    # by the whole round trip: what stood there before the session would not show in an excess
    if (
        queued
        and near.high_rtt_ns is not None
        and far.excess_ns is not None
        and near.high_rtt_ns * 1000 < far.excess_ns * localise.CLEAN_PERMILLE
    ):
        return BEYOND
    if clean:
        return BEYOND if far.loses else CLEAN
    return UNCLEAR


RULE = Rule("first_hop", (SILENT, DELAYED, LOSSY, BEYOND, CLEAN, UNCLEAR), "path", read)
