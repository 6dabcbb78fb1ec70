"""Where along the path trouble begins: queue, spread, loss, reach, each by the same reasoning.

Trouble on a link is shared by everything behind it. So each hop's figure is held against the
far end's, and what counts at hop k is the smallest share over all hops from k on: a router
that only answers slowly, or seldom, tells of itself. Hops that clearly have no share lie
before the trouble, the first that clearly has its share lies behind it; the links between
the two are where it can be: one place (`access`), two (`access_or_core`), or a longer stretch
(`access_to_interconnect`). Nothing is said (`unplaced`) where replies came back over ways of
different length.

The links behind the last hop of a path whose far end was never reached are unknown: they can be
in any place from there on.

The first router is heard in two ways: as a hop, and by its answers to questions put to itself
(`first_hop`), which are many more.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import groupby, takewhile
from operator import itemgetter
from typing import Final

import attrs

from streamnotice.decibans import from_ratio
from streamnotice.path.first_hop import FirstHop
from streamnotice.path.roles import JOIN
from streamnotice.path.rounds import FAR, TUNNEL, Paths, PathSeen
from streamnotice.path.tries import Try, answers, quantile
from streamnotice.policy import S_NS

DELAY_WINDOW_NS: Final = 10 * S_NS
SPREAD_WINDOW_NS: Final = 15 * S_NS
LOSS_WINDOW_NS: Final = 30 * S_NS
REACH_WINDOW_NS: Final = 8 * S_NS
NOTHING_WINDOW_NS: Final = 10 * S_NS
LEAST_DELAY_NS: Final = 10_000_000
PAIRING_NS: Final = 3 * S_NS
"""A far-end sample this near in time tells what the queue was when a hop was asked."""
CLEAN_PERMILLE: Final = 300
SHARED_PERMILLE: Final = 600
LEAST_LOSS_PERMILLE: Final = 30
CLEAN_LOSS_PERMILLE: Final = 5
MOVES_ALIKE: Final = 2
"""A hop that has the moving part of a queue in its base scatters by this part of it at least."""
FEWEST_TO_MOVE: Final = 4
FEWEST_TO_SPREAD: Final = 6
RELUCTANT_MDB: Final = 10_000
"""What it costs to take a hop's losses for its own: few routers are so."""
DEAD_PERMILLE: Final = 900
"""A far end that loses so much may be gone itself, the link to it as well."""
CLEARLY_MDB: Final = 8_000
"""An arrangement of loss this much less likely than the best one is out of the question."""

ORDER: Final = (
    "network.home.wifi",
    "network.isp.access",
    "network.isp.core",
    "network.interconnect",
    "service",
)
_BEHIND_TUNNEL: Final = ORDER.index("network.interconnect")
SHORT: Final = ("home", "access", "core", "interconnect", "service")


def stretch(near: int, far: int) -> str:
    """Name of the stretch from one place of `SHORT` to another."""
    if near == far:
        return SHORT[near]
    return f"{SHORT[near]}_{'or' if far == near + 1 else 'to'}_{SHORT[far]}"


STRETCHES: Final = {
    stretch(near, far): (near, far) for near in range(len(SHORT)) for far in range(near, len(SHORT))
}
PLACES: Final = (*STRETCHES, "vpn", "unplaced")
NONE: Final = "none"


@attrs.frozen
class Located:
    """Where it begins.

    Attributes:
        place: one of `PLACES`, or "none".
        value: the figure at the far end (ns or permille).
        base_ns: base round trip of the far end.
    """

    place: str
    value: int
    base_ns: int | None


# -- links to places --------------------------------------------------------------------------


def _word(path: PathSeen, start_ttl: int, end_ttl: int) -> str:
    """Place of the links after hop *start_ttl* up to hop *end_ttl*."""
    segments = path.segments if path.complete else (*path.segments, None)
    end = min(end_ttl, len(segments))
    start = min(start_ttl, end - 1)
    found = segments[start:end]
    if found and all(place == TUNNEL for place in found):
        return "vpn"
    if not found or TUNNEL in found:
        return "unplaced"
    numbers = [number for place in found for number in _numbers(place)]
    if None in found:  # any place that the known links before and behind leave open
        known = [(ttl, _numbers(place)) for ttl, place in enumerate(segments, 1)]
        if TUNNEL in segments[:start]:
            known.append((start, [_BEHIND_TUNNEL]))  # past the home and the provider
        low = max((ns[0] for ttl, ns in known if ns and ttl <= start + 1), default=0)
        high = min((ns[-1] for ttl, ns in known if ns and ttl >= end), default=len(ORDER) - 1)
        numbers += [min(low, high), high]
    if not numbers:
        return "unplaced"  # by words that no sensor says
    return stretch(min(numbers), max(numbers))


def _numbers(segment: str | None) -> list[int]:
    """Positions in `ORDER` of the places that a link may belong to."""
    return [ORDER.index(p) for p in (segment or "").split(JOIN) if p in ORDER]


def _bent(path: PathSeen, near_ttl: int, far_ttl: int) -> bool:
    """Replies from the two came back over ways whose lengths differ by more than they should."""
    near, far = path.hops.get(near_ttl), path.hops.get(far_ttl)
    if near is None or far is None or near.return_hops is None or far.return_hops is None:
        return False
    return abs((far.return_hops - near.return_hops) - (far_ttl - near_ttl)) > 1


def _between(path: PathSeen, clean_ttl: int, shared_ttl: int) -> str:
    """Place of the trouble between the last hop without a share and the first with one."""
    end = min(shared_ttl, path.length)
    if clean_ttl and end < FAR and _bent(path, clean_ttl, end):
        return "unplaced"
    return _word(path, clean_ttl, end)


def _edge(path: PathSeen, shares: list[tuple[int, int]]) -> str:
    """Place from (hop, share of the far end's figure in permille), nearest first.

    The far end itself has the whole share, so there always is a first hop that shares.
    """
    rising: list[tuple[int, int]] = []
    least = 1000
    for ttl, share in reversed(shares):
        least = min(least, share)
        rising.append((ttl, least))
    rising.reverse()
    clean = max((ttl for ttl, share in rising if share < CLEAN_PERMILLE), default=0)
    shared = min(
        (ttl for ttl, share in rising if share >= _shares(path, ttl) and ttl > clean),
        default=path.length,
    )
    return _between(path, clean, shared)


def _shares(path: PathSeen, ttl: int) -> int:
    """The share (permille) from which on a hop has its part in the trouble.

    What a tunnel's server forwards passes the link that it hangs on twice, its own answers once.
    """
    return CLEAN_PERMILLE if path.segment(ttl) == TUNNEL else SHARED_PERMILLE


def _ends(path: PathSeen) -> tuple[list[int], list[int]]:
    """(hops before the far end, hop numbers under which the far end's own answers stand)."""
    last = path.length
    near = sorted(ttl for ttl in path.hops if ttl < last)
    far = [ttl for ttl in (last, FAR) if ttl in path.hops]
    return near, far


# -- queue ------------------------------------------------------------------------------------


def _excess(
    path: PathSeen, ttl: int, stored: dict[str, int], now: int, window_ns: int
) -> list[tuple[int, int]]:
    """(instant, round trip over the base) of a hop's answers in the window."""
    return _over_base(path, ttl, stored, path.hops[ttl].recent(now, window_ns))


def _over_base(
    path: PathSeen, ttl: int, stored: dict[str, int], tries: list[Try]
) -> list[tuple[int, int]]:
    base = path.base(ttl, stored)
    if base is None or path.hops[ttl].answered < 4:
        return []
    return _over(base, tries)


def _over(base_ns: int, tries: list[Try]) -> list[tuple[int, int]]:
    return [(t.at_ns, t.rtt_ns - base_ns) for t in tries if t.rtt_ns is not None]


def _far_excess(
    path: PathSeen, far: list[int], stored: dict[str, int], now: int, base_ns: int
) -> list[tuple[int, int]]:
    """(instant, round trip over the base) of the far end's answers, to probes and handshakes alike.

    Each of the two voices has a base of its own, but one that was only heard while the other was
    far above its base has the queue in it.
    """
    rows = []
    for ttl in far:
        hop, own = path.hops[ttl], path.base(ttl, stored)
        if own is None or hop.answered < 4:
            continue
        queued = hop.calmest_ns is None or hop.calmest_ns >= base_ns + LEAST_DELAY_NS
        rows += _over(base_ns if queued else own, hop.recent(now, DELAY_WINDOW_NS))
    return sorted(rows)


_instant: Final = itemgetter(0)


def _at(samples: list[tuple[int, int]], at_ns: int) -> int | None:
    """Linear interpolation between the samples around *at_ns*; None if none is near enough."""
    split = bisect_right(samples, at_ns, key=_instant)
    near = [s for s in samples[max(0, split - 1) : split + 1] if abs(s[0] - at_ns) <= PAIRING_NS]
    if not near:
        return None
    if len(near) == 1:
        return near[0][1]
    (t0, e0), (t1, e1) = near
    return e0 + (e1 - e0) * (at_ns - t0) // max(1, t1 - t0)


def queue(paths: Paths, now: int, role: str = "service") -> Located | None:
    """Where round trips rise over their baselines, in step with the far end.

    Args:
        role: of the far ends, as in `observations.Route`.
    """
    return paths.once(f"queue {role}", now, lambda: _queue(paths, now, role))


def _most_hidden_ns(path: PathSeen, ttl: int, stored: dict[str, int], base_ns: int) -> int:
    """How much of the far end's excess may stand in a hop's own base, unseen.

    A hop that is known only since the queue stood has it in its smallest round trip: that it
    shows no excess then doesn't clear it. But no queue is longer than the whole round trip.
    """
    hop = path.hops[ttl]
    if path.stored_for(ttl, stored) is not None or hop.base_ns is None:
        return 0
    if hop.calmest_ns is None:
        return hop.base_ns
    return min(hop.base_ns, max(0, hop.calmest_ns - base_ns))


def _firm(share: int, hidden: int) -> bool:
    """Whether a hop is clean or shares, doesn't hang on what may be hidden."""
    return not any(share < b <= share + hidden for b in (CLEAN_PERMILLE, SHARED_PERMILLE))


def _queue(paths: Paths, now: int, role: str) -> Located | None:
    path = paths.main(role)
    if path is None or not path.segments:
        return None
    near, far = _ends(path)
    stored = paths.stored if role == "service" else {}
    bases = [b for ttl in far if (b := path.base(ttl, stored)) is not None]
    if not bases:
        return None
    base = min(bases)
    if path.inside_ns is not None:  # beside a tunnel no round trip is longer than through it
        base = min(base, path.inside_ns)
    at_far = _far_excess(path, far, stored, now, base)
    if len(at_far) < 2:
        return None
    values = sorted(excess for _, excess in at_far)
    total = values[len(values) // 2]
    if total < max(LEAST_DELAY_NS, base // 4):
        return Located(NONE, total, base)
    voices = [
        (
            ttl,
            _excess(path, ttl, stored, now, DELAY_WINDOW_NS),
            _most_hidden_ns(path, ttl, stored, base),
        )
        for ttl in near
    ]
    router = paths.first_router(path)
    if router is not None and router.base_ns is not None:
        samples = _over(router.base_ns, router.recent(now, DELAY_WINDOW_NS))
        voices.insert(0, (1, samples, router.base_ns))
    moved = _moved(at_far)
    shares: list[tuple[int, int]] = []
    for ttl, samples, hidden_ns in voices:
        share = _share_of(samples, at_far)
        hidden = hidden_ns * 1000 // total
        ours = _moved(samples)
        if moved is not None and ours is not None:
            # what moves of the queue moves the hop's answers, too; what stands still may be hidden
            hidden = min(hidden, (max(0, total - moved) + MOVES_ALIKE * ours) * 1000 // total)
        if share is not None and _firm(share, hidden):
            shares.append((ttl, share))
    return Located(_edge(path, shares), total, base)


def _moved(samples: list[tuple[int, int]]) -> int | None:
    return _scatter([excess for _, excess in samples], FEWEST_TO_MOVE)


def _scatter(values: list[int], fewest: int) -> int | None:
    """How far round trips lie apart; None of too few."""
    return None if len(values) < fewest else quantile(values, 850) - quantile(values, 150)


def _share_of(samples: list[tuple[int, int]], at_far: list[tuple[int, int]]) -> int | None:
    """A hop's share (permille) of the far end's excess at the same times."""
    ours = theirs = 0
    count = 0
    for at, excess in samples:
        queue_then = _at(at_far, at)
        if queue_then is not None and queue_then > 0:
            ours, theirs, count = ours + excess, theirs + queue_then, count + 1
    if count < 2 or theirs < count * LEAST_DELAY_NS // 2:
        return None
    return ours * 1000 // theirs


def spread(paths: Paths, now: int, role: str = "service") -> Located | None:
    """Where round trips scatter: needs no baseline, so it sees a queue that was there first."""
    path = paths.main(role)
    if path is None or not path.segments:
        return None

    near, far = _ends(path)
    totals = [
        (value, path.hops[ttl].base_ns or 0)
        for ttl in far
        if (value := _spread_of(path.hops[ttl].recent(now, SPREAD_WINDOW_NS))) is not None
    ]
    if not totals:
        return None
    total, base = min(totals)
    if total < max(LEAST_DELAY_NS, base // 4):
        return Located(NONE, total, base)
    voices = [(ttl, path.hops[ttl].recent(now, SPREAD_WINDOW_NS)) for ttl in near]
    router = paths.first_router(path)
    if router is not None:
        voices.insert(0, (1, router.recent(now, SPREAD_WINDOW_NS)))
    shares = [
        (ttl, value * 1000 // total)
        for ttl, tries in voices
        if (value := _spread_of(tries)) is not None
    ]
    return Located(_edge(path, shares), total, base)


def _spread_of(tries: list[Try]) -> int | None:
    return _scatter(answers(tries), FEWEST_TO_SPREAD)


# -- loss -------------------------------------------------------------------------------------


@attrs.frozen
class _Losses:
    ttl: int
    lost: int
    sent: int

    def log_of(self, permille: int) -> int:
        """Log likelihood (mdb) of these losses at a loss rate."""
        gone = from_ratio(permille, 1000)
        kept = from_ratio(1000 - permille, 1000)
        return self.lost * gone + (self.sent - self.lost) * kept

    @property
    def permille(self) -> int:
        return self.lost * 1000 // self.sent

    def fits(self, permille: int) -> int:
        """Log likelihood (mdb) behind so much loss: a router may answer more seldom than that."""
        own = max(1, min(999, self.permille))
        shared = self.log_of(permille)
        if own <= permille:
            return shared
        # any share would do: the more was asked, the less likely is just this one (by its root)
        reluctant = RELUCTANT_MDB + from_ratio(self.sent, 1) // 2
        return max(shared, self.log_of(own) - reluctant)

    def __add__(self, other: _Losses) -> _Losses:
        return _Losses(self.ttl, self.lost + other.lost, self.sent + other.sent)


def _count(tries: list[Try], ttl: int) -> _Losses:
    return _Losses(ttl, sum(1 for t in tries if t.rtt_ns is None), len(tries))


def loss(paths: Paths, now: int, role: str = "service") -> Located | None:
    """Where probes get lost, by the likelihoods of all places where it could begin.

    For each link as the culprit: hops before it lose as good as nothing, hops from it on lose
    what the far end loses. A hop that loses more than that may only be reluctant. All links
    that are not clearly less likely than the best are kept.
    """
    return paths.once(f"loss {role}", now, lambda: _loss(paths, now, role))


def _loss(paths: Paths, now: int, role: str) -> Located | None:
    path = paths.main(role)
    if path is None or not path.segments:
        return None
    near, far = _ends(path)
    last = path.length
    ends = [_count(path.hops[ttl].recent(now, LOSS_WINDOW_NS), last) for ttl in far]
    ends = [row for row in ends if row.sent >= 5]
    if not ends:
        return None
    # the kinder of the far end's two voices: a server may drop probes, not handshakes
    end = min(ends, key=lambda row: row.permille)
    rate = end.permille
    base = next((path.hops[ttl].base_ns for ttl in far), None)
    if rate < LEAST_LOSS_PERMILLE or end.lost < 2:
        return Located(NONE, rate, base)
    found = {
        ttl: _count(path.hops[ttl].recent(now, LOSS_WINDOW_NS), ttl)
        for ttl in near
        if path.hops[ttl].answered
    }
    router = paths.first_router(path)
    if router is not None and path.length > 1:
        found[1] = found.get(1, _Losses(1, 0, 0)) + _asked(router, now)
    rows = [row for _, row in sorted(found.items()) if row.sent >= 3]
    rows.append(end)
    scores = []
    for first in range(len(rows)):
        score = sum(row.fits(CLEAN_LOSS_PERMILLE) for row in rows[:first])
        all_behind = sum(rows[first:-1], end)
        score += max(
            sum(row.fits(max(LEAST_LOSS_PERMILLE, min(900, faulty))) for row in rows[first:])
            for faulty in (rate, all_behind.permille)
        )
        scores.append(score)
    best = max(scores)
    open_to = [i for i, score in enumerate(scores) if best - score < CLEARLY_MDB]
    start = rows[open_to[0] - 1].ttl if open_to[0] else 0
    place = _between(path, start, rows[open_to[-1]].ttl)
    if rate >= DEAD_PERMILLE and open_to[0] == len(rows) - 1 and place in STRETCHES:
        place = stretch(STRETCHES[place][0], len(SHORT) - 1)
    return Located(place, rate, base)


def _asked(router: FirstHop, now: int) -> _Losses:
    """A moment's loss of many is one: they come so densely that they are lost together. An outage
    counts by its seconds, as it does at the far end."""
    tries = router.recent(now, LOSS_WINDOW_NS)
    lost = 0
    for gone, some in groupby(tries, lambda t: t.rtt_ns is None):
        if gone:
            times = [t.at_ns for t in some]
            lost += max(1, (times[-1] - times[0]) // S_NS)
    return _Losses(1, lost, len(answers(tries)) + lost)


# -- reach ------------------------------------------------------------------------------------


@attrs.frozen
class Reach:
    """How far probes get.

    Attributes:
        place: "all" (the far end answers), "server" (only the far end is silent), "nothing" (no
            hop ever answered, and no other server does either), or the place of the links
            behind the last hop that answers.
        answered, lost: hops in the window that did and did not answer.
    """

    place: str
    answered: int
    lost: int


def reach(paths: Paths, now: int, role: str = "service") -> Reach | None:
    """How far probes get now, among hops that answered before."""
    path = paths.main(role)
    if path is None:
        return None
    if not path.segments:
        return _nothing(paths, path, now) if role == "service" else None
    near, far = _ends(path)
    tries = sorted(
        (t for ttl in far for t in path.hops[ttl].recent(now, REACH_WINDOW_NS)),
        key=lambda t: t.at_ns,
    )
    if len(tries) < 2:
        return None
    heard = [
        (ttl, path.hops[ttl].recent(now, REACH_WINDOW_NS))
        for ttl in near
        if path.hops[ttl].answered
    ]
    router = paths.first_router(path)
    if router is not None and path.length > 1:
        heard.append((1, router.recent(now, REACH_WINDOW_NS)))
    if any(t.rtt_ns is not None for t in tries[-3:]):
        alive = _alive(heard, 0)
        return Reach("all", sum(alive.values()) + 1, len(alive) - sum(alive.values()))
    # who answered before the silence began says nothing of where it begins
    silent = list(takewhile(lambda t: t.rtt_ns is None, reversed(tries)))
    alive = _alive(heard, silent[-1].at_ns)
    answered = sum(alive.values())
    lost = len(alive) - answered
    last_alive = max((ttl for ttl, lives in alive.items() if lives), default=0)
    end = path.length
    dead = min((ttl for ttl, lives in alive.items() if not lives and ttl > last_alive), default=end)
    if path.complete and dead == end and last_alive == end - 1:
        return Reach("server", answered, lost + 1)
    return Reach(_between(path, last_alive, dead), answered, lost + 1)


def _alive(heard: list[tuple[int, list[Try]]], since_ns: int) -> dict[int, bool]:
    """Hops that were asked since then -> whether one of their last two answers came."""
    alive: dict[int, bool] = {}
    for ttl, tries in heard:
        asked = [t for t in tries if t.at_ns >= since_ns][-2:]
        if asked:
            lives = any(t.rtt_ns is not None for t in asked)
            alive[ttl] = alive.get(ttl, False) or lives
    return alive


def _nothing(paths: Paths, path: PathSeen, now: int) -> Reach | None:
    """No way is known since nobody answers; other servers must be silent, too: many networks let
    no probes through, but handshakes."""
    others = [
        t
        for other in paths.references()
        for hop in other.hops.values()
        for t in hop.recent(now, NOTHING_WINDOW_NS)
    ]
    tries = [t for hop in path.hops.values() for t in hop.recent(now, NOTHING_WINDOW_NS)]
    if len(others) < 2 or len(tries) < 4 or any(t.rtt_ns is not None for t in (*tries, *others)):
        return None
    return Reach("nothing", 0, len(tries))


# -- far ends ---------------------------------------------------------------------------------


@attrs.frozen
class FarEnd:
    """How one far end does: excess of its round trip, and loss, over the last seconds."""

    excess_ns: int | None
    base_ns: int | None
    lost_permille: int

    @property
    def suffers(self) -> bool:
        """Delay or loss that matters."""
        delayed = self.excess_ns is not None and self.excess_ns >= max(
            LEAST_DELAY_NS, (self.base_ns or 0) // 4
        )
        return delayed or self.lost_permille >= 200

    @property
    def silent(self) -> bool:
        return self.lost_permille == 1000


def far_end(
    path: PathSeen, stored: dict[str, int], now: int, window_ns: int = DELAY_WINDOW_NS
) -> FarEnd | None:
    """The far end of one path, by TCP handshakes where there are any, else by probes."""
    ttl = FAR if FAR in path.hops else path.length
    hop = path.hops.get(ttl)
    if hop is None:
        return None
    tries = hop.recent(now, window_ns)
    if len(tries) < 2:
        return None
    excess = sorted([row[1] for row in _over_base(path, ttl, stored, tries)])
    gone = sum(1 for t in tries if t.rtt_ns is None)
    return FarEnd(
        excess[len(excess) // 2] if excess else None, hop.base_ns, gone * 1000 // len(tries)
    )
