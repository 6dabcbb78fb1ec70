"""Where a queue stands: by the share that each hop has of the far end's excess."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import Final

from streamnotice.path.localise.excess import over, over_base
from streamnotice.path.localise.stretches import (
    CLEAN_PERMILLE,
    NONE,
    SHARED_PERMILLE,
    Located,
    Voice,
    edge,
    way,
)
from streamnotice.path.rounds import Paths, PathSeen
from streamnotice.path.tries import scatter
from streamnotice.policy import S_NS

DELAY_WINDOW_NS: Final = 10 * S_NS
LEAST_DELAY_NS: Final = 10_000_000
PAIRING_NS: Final = 3 * S_NS
"""A far-end sample this near in time tells what the queue was when a hop was asked."""
MOVES_ALIKE: Final = 2
"""A hop that has the moving part of a queue in its base scatters by this part of it at least."""
FEWEST_TO_MOVE: Final = 4


def _excess(
    path: PathSeen, ttl: int, stored: dict[str, int], now: int, window_ns: int
) -> list[tuple[int, int]]:
    """(instant, round trip over the base) of a hop's answers in the window."""
    return over_base(path, ttl, stored, path.hops[ttl].recent(now, window_ns))


def _far_excess(
    path: PathSeen, bases: dict[int, int], now: int, base_ns: int
) -> list[tuple[int, int]]:
    """(instant, round trip over the base) of the far end's answers, to probes and handshakes alike.

    Each of the two voices has a base of its own, but one that was only heard while the other was
    far above its base has the queue in it.
    """
    rows = []
    for ttl, own in bases.items():
        hop = path.hops[ttl]
        if hop.answered < 4:
            continue
        queued = hop.calmest_ns is None or hop.calmest_ns >= base_ns + LEAST_DELAY_NS
        rows += over(base_ns if queued else own, hop.recent(now, DELAY_WINDOW_NS))
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
    asked = way(paths, role)
    if asked is None or not asked.path.segments:
        return None
    path, router = asked.path, asked.router
    stored = paths.stored if role == "service" else {}
    bases = {ttl: b for ttl in asked.far if (b := path.base(ttl, stored)) is not None}
    if not bases:
        return None
    base = min(bases.values())
    if path.inside_ns is not None:  # beside a tunnel no round trip is longer than through it
        base = min(base, path.inside_ns)
    at_far = _far_excess(path, bases, now, base)
    if len(at_far) < 2:
        return None
    values = sorted([excess for _, excess in at_far])
    total = values[len(values) // 2]
    if total < max(LEAST_DELAY_NS, base // 4):
        return Located(NONE, total, base)
    voices = [
        (
            ttl,
            path.hops[ttl].late,
            _excess(path, ttl, stored, now, DELAY_WINDOW_NS),
            _most_hidden_ns(path, ttl, stored, base),
        )
        for ttl in asked.near
    ]
    if router is not None and router.base_ns is not None:
        samples = over(router.base_ns, router.recent(now, DELAY_WINDOW_NS))
        voices.insert(0, (1, False, samples, router.base_ns))
    moved = _moved(at_far)
    shares: list[Voice] = []
    for ttl, late, samples, hidden_ns in voices:
        share = _share_of(samples, at_far)
        hidden = hidden_ns * 1000 // total
        ours = _moved(samples)
        if moved is not None and ours is not None:
            # what moves of the queue moves the hop's answers, too; what stands still may be hidden
            hidden = min(hidden, (max(0, total - moved) + MOVES_ALIKE * ours) * 1000 // total)
        if share is not None and _firm(share, hidden):
            shares.append(Voice(ttl, share, late))
    return Located(edge(path, shares), total, base)


def _moved(samples: list[tuple[int, int]]) -> int | None:
    return scatter([excess for _, excess in samples], FEWEST_TO_MOVE)


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
