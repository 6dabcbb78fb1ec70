"""How far probes get now."""

from __future__ import annotations

from itertools import groupby, takewhile
from typing import Final

import attrs

from streamnotice.path.localise.stretches import (
    Way,
    between,
    or_beyond,
    way,
)
from streamnotice.path.rounds import Paths, PathSeen
from streamnotice.path.tries import Try
from streamnotice.policy import S_NS

REACH_WINDOW_NS: Final = 8 * S_NS
NOTHING_WINDOW_NS: Final = 10 * S_NS
REACHED: Final = "all"
CHANCE_WINDOW_NS: Final = 40 * S_NS
FEWEST_RUNS: Final = 3
OUTAGE: Final = 6
"""Losses in runs of so many are outages."""
CHANCE: Final = 20
"""One in so many is as unlikely as a silence by chance may be."""


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
    asked = way(paths, role)
    if asked is None:
        return None
    path = asked.path
    if not path.segments:
        return _nothing(paths, path, now) if role == "service" else None
    tries = [t for ttl in asked.far for t in path.hops[ttl].recent(now, REACH_WINDOW_NS)]
    tries.sort(key=lambda t: t.at_ns)
    if len(tries) < 2:
        return None
    heard = _heard(asked, now)
    if any(t.rtt_ns is not None for t in tries[-3:]):
        alive = _alive(heard, 0)
        return Reach(REACHED, sum(alive.values()) + 1, len(alive) - sum(alive.values()))
    # who answered before the silence began says nothing of where it begins
    silent = list(takewhile(lambda t: t.rtt_ns is None, reversed(tries)))
    before = [
        t
        for ttl in asked.far
        for t in path.hops[ttl].recent(now, CHANCE_WINDOW_NS)
        if t.at_ns < silent[-1].at_ns
    ]
    if _by_chance(len(silent), sorted(before, key=lambda t: t.at_ns)):
        return None
    alive = _alive(heard, silent[-1].at_ns)
    answered = sum(alive.values())
    lost = len(alive) - answered
    last_alive = max((ttl for ttl, lives in alive.items() if lives), default=0)
    end = path.length
    dead = min((ttl for ttl, lives in alive.items() if not lives and ttl > last_alive), default=end)
    if path.complete and dead == end and last_alive == end - 1:
        return Reach("server", answered, lost + 1)
    place = between(path, last_alive, dead)
    if dead == end:  # it may be gone itself, the link to it as well
        place = or_beyond(place)
    return Reach(place, answered, lost + 1)


def silent_behind(paths: Paths, now: int, role: str) -> str | None:
    """Place of the links behind the last hop that answers now, of a way whose far end never did.

    A far end may be one that answers no probes: only who knows that nothing comes from it, or
    through it, may take this for the place of an outage.
    """
    asked = way(paths, role)
    if asked is None or not asked.path.segments or asked.path.complete:
        return None
    alive = _alive(_heard(asked, now), 0)
    last = max((ttl for ttl, lives in alive.items() if lives), default=None)
    return None if last is None else between(asked.path, last, asked.path.length)


def _by_chance(silent: int, before: list[Try]) -> bool:
    """So many tries without an answer are no silence: losses as those before would make them, too.

    Losses that follow one another as often as not are a lossy link's; long runs of them are outages
    of their own, and tell nothing of how long the next one must be.
    """
    runs = [len(list(run)) for lost, run in groupby(before, lambda t: t.rtt_ns is None) if lost]
    if len(runs) < FEWEST_RUNS or sum(runs) >= OUTAGE * len(runs):
        return False
    # a loss is followed by another in all but one case of each run
    again, losses = sum(runs) - len(runs), sum(runs)
    return bool(again**silent * CHANCE > losses**silent)


def _heard(asked: Way, now: int) -> list[tuple[int, list[Try]]]:
    """What the hops before the far end were asked of late, the first router itself, too."""
    path, router = asked.path, asked.router
    heard = [
        (ttl, path.hops[ttl].recent(now, REACH_WINDOW_NS))
        for ttl in asked.near
        if path.hops[ttl].answered
    ]
    heard += [(ttl, path.pinged(ttl, now, REACH_WINDOW_NS)) for ttl in asked.near]
    if router is not None and path.length > 1:
        heard.append((1, router.recent(now, REACH_WINDOW_NS)))
    return heard


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
