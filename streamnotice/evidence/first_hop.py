"""Is the trouble before the first router or behind it? Asked of that router itself.

Its answers alone say little: routers answer late and seldom for reasons of their own. What the link
to it does is shared by everything behind it, so each sign is held against the far ends'
answers to questions as small and as seldom: only what both show is the link's, and what the far
ends alone show lies behind the router. That nothing shows in either clears nobody: a queue that
is fair to small flows (RFC 8290) hides itself from all of them.
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.references import far_ends, far_losses
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.path import localise
from streamnotice.path.first_hop import BEFORE_IT, Near, loss_mdb
from streamnotice.path.localise import FarEnd
from streamnotice.policy import S_NS

SILENT = "silent"
DELAYED = "delayed"
LOSSY = "lossy"
BEYOND = "beyond"
UNCLEAR = "unclear"
UNHEARD = "unheard"
MUTE = 3
"""So many questions in a row without an answer are a silence, ..."""
LONG_MUTE = 8
"""... and so many of a router that has answered only a few times, ..."""
ALL_WAYS = 12
"""... and so many, by pings and by SYNs to two ports, of one that was never heard; ..."""
PROMPT = 3
"""so many answers in a row, as late as `PROMPT_NS` at most, are none."""
PROMPT_NS = 100_000_000
SURE_MDB = 10_000
RATHER_MDB = 6_000
ANSWER_NS = 5 * S_NS
"""A far end that answered so lately can be reached, whatever else waits for (a name, a server)."""
LOST = 3
GAPS = 2
"""A scan for other networks, or a roam, loses some answers once."""
LOW_PERMILLE = 400
FLOWING_S = 5


def _heard_since(seen: Estimates, since_ns: int) -> bool:
    """Something came over the link, though the router was silent to our questions."""
    requests = seen.requests
    if any((r.last_byte_ns or 0) > since_ns for r in requests.under_way.values()):
        return True
    if any(s.number * S_NS > since_ns and s.media_bytes for s in requests.seconds):
        return True
    if any(answer.at_ns > since_ns for answer in requests.answers):
        return True
    return any(
        t.rtt_ns is not None and t.at_ns > since_ns
        for path in seen.paths.paths.values()
        for hop in path.hops.values()
        for t in hop.tries
    )


def _flows(seen: Estimates, now: int) -> bool:
    """Media comes in all the time: a radio that sleeps in between delays answers by itself."""
    seconds = [row for row in seen.requests.window(now, FLOWING_S) if row.media_bytes]
    return 2 * len(seconds) > FLOWING_S


def home_goes_on(seen: Estimates) -> bool:
    """The links behind the first router may be the home's, too."""
    path = seen.paths.underlay() or seen.paths.busiest()
    return path is not None and any(BEFORE_IT in (place or "") for place in path.segments[1:])


def read(seen: Estimates, now: int) -> Outcome | None:
    near = seen.paths.first_hop.look(now)
    if near is None:
        return None
    name = _standing(seen, near, now) if near.known else _stranger(seen, near, now)
    if name is None:
        return None
    if name == BEYOND and home_goes_on(seen):
        name = UNCLEAR
    figures = [("lost_count", near.lost), ("answered_count", near.sent - near.lost)]
    if near.rtt_ns is not None:
        figures.insert(0, ("rtt_ns", near.rtt_ns))
    base = None if near.base_ns is None else (("base_rtt_ns", near.base_ns),)
    return Outcome(name, tuple(figures), base)


def _all_silent(seen: Estimates, ends: list[FarEnd], now: int) -> bool:
    """Nothing comes from behind the router: no media, or no answer, and no far end answers."""
    if ends and all(end.silent for end in ends):
        return True
    return seen.requests.nothing_arrives(now) and not _answer_of_late(seen, now)


def _answer_of_late(seen: Estimates, now: int) -> bool:
    paths = (*seen.paths.services(), *seen.paths.references())
    return any(
        t.rtt_ns is not None
        for path in paths
        for ttl in localise.path_ends(path)[1]
        for t in path.hops[ttl].recent(now, ANSWER_NS)
    )


def _stranger(seen: Estimates, near: Near, now: int) -> str | None:
    """Of a router of which it isn't known yet how it answers only a long silence is told, where
    everything else is silent, too. One that was never heard may be one that never answers."""
    if near.mute < (LONG_MUTE if near.heard else ALL_WAYS) or near.mute_since_ns is None:
        return None
    if not _all_silent(seen, far_ends(seen, now), now) or _heard_since(seen, near.mute_since_ns):
        return None
    return SILENT if near.heard else UNHEARD


def _standing(seen: Estimates, near: Near, now: int) -> str | None:
    """None where nothing is wrong, neither here nor behind: that is the other rules' to say."""
    ends = far_ends(seen, now)
    silent = _all_silent(seen, ends, now)
    if near.mute >= MUTE and near.mute_since_ns is not None:
        alone = not silent or _heard_since(seen, near.mute_since_ns)
        return UNCLEAR if alone else SILENT
    if silent:
        late = near.high_rtt_ns is None or near.high_rtt_ns > PROMPT_NS
        return UNCLEAR if late or near.prompt < PROMPT else BEYOND
    if near.lost >= LOST and near.gaps >= GAPS and near.loss_mdb >= SURE_MDB:
        return LOSSY if _all_lose(near, far_losses(seen, now)) else UNCLEAR
    least_ns = min((e.excess_ns for e in ends if e.excess_ns is not None), default=None)
    delay = _delay(seen, near, least_ns, now)
    if delay is not None:
        return delay
    if not _some_lose(seen, now):
        return None
    return BEYOND if near.loss_mdb <= -SURE_MDB else UNCLEAR


def _all_lose(near: Near, losses: list[tuple[int, int]]) -> bool:
    """The far ends lose as the router does: one of them may do so for reasons of its own, and so
    the worst of several is left out."""
    ranked = sorted(losses, key=lambda end: end[0] * 1000 // max(1, end[1]))
    rest = ranked[:-1] if len(ranked) > 1 else ranked
    lost, sent = sum(end[0] for end in rest), sum(end[1] for end in rest)
    if loss_mdb(lost, sent - lost) <= -RATHER_MDB:
        return False
    return 4 * lost * near.sent >= near.lost * sent > 0


def _some_lose(seen: Estimates, now: int) -> bool:
    """Probes get lost on the way to the service, or handshakes with any far end."""
    found = localise.loss(seen.paths, now)
    if found is not None and found.place != localise.NONE:
        return True
    return any(
        lost >= GAPS and loss_mdb(lost, sent - lost) >= SURE_MDB
        for lost, sent in far_losses(seen, now)
    )


def _delay(seen: Estimates, near: Near, queue_ns: int | None, now: int) -> str | None:
    """Where the delay lies that even the best-off far end has; None if it has none to speak of."""
    if queue_ns is None or queue_ns < localise.LEAST_DELAY_NS:
        return None
    if near.rtt_ns is None or near.low_rtt_ns is None or near.high_rtt_ns is None:
        return UNCLEAR
    # by the whole round trip: what stood there before the session would not show in an excess
    if near.high_rtt_ns * 1000 < queue_ns * localise.CLEAN_PERMILLE:
        return BEYOND
    base_ns = near.base_ns or 0
    excess_ns = near.rtt_ns - base_ns
    shared = (
        excess_ns * 1000 >= queue_ns * localise.SHARED_PERMILLE
        and (near.low_rtt_ns - base_ns) * 1000 >= queue_ns * LOW_PERMILLE
        # more than all have in common is the router's own slowness
        and excess_ns < 2 * queue_ns
    )
    return DELAYED if shared and _flows(seen, now) else UNCLEAR


RULE = Rule("first_hop", (SILENT, DELAYED, LOSSY, BEYOND, UNCLEAR, UNHEARD), "path", read)
