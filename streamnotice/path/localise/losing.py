"""Where packets get lost: by the likelihood of each link as the culprit."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import Final

import attrs

from streamnotice.decibans import from_ratio
from streamnotice.path.localise.stretches import (
    NONE,
    Located,
    between,
    or_beyond,
    way,
)
from streamnotice.path.rounds import TUNNEL, Paths
from streamnotice.path.tries import Try, answers
from streamnotice.policy import S_NS

LOSS_WINDOW_NS: Final = 30 * S_NS
LEAST_LOSS_PERMILLE: Final = 30
CLEAN_LOSS_PERMILLE: Final = 5
RELUCTANT_MDB: Final = 10_000
"""What it costs to take a hop's losses for its own: few routers are so."""
DEAD_PERMILLE: Final = 900
"""A far end that loses so much may be gone itself, the link to it as well."""
FEWEST_LOST: Final = 1
FOUND_MDB: Final = 10_000
"""Losses so much likelier with a lossy link than without are no chance."""
CLEARLY_MDB: Final = 8_000
"""An arrangement of loss this much less likely than the best one is out of the question."""


@cache
def _log(permille: int) -> int:
    return from_ratio(permille, 1000)


@attrs.frozen
class _Losses:
    ttl: int
    lost: int
    sent: int
    halves: bool = False

    def log_of(self, permille: int) -> int:
        """Log likelihood (mdb) of these losses at a loss rate."""
        gone = _log(permille)
        kept = _log(1000 - permille)
        return self.lost * gone + (self.sent - self.lost) * kept

    @property
    def permille(self) -> int:
        return self.lost * 1000 // self.sent

    @property
    def within(self) -> int:
        """Their own rate (permille), short of none and of all."""
        return max(1, min(999, self.permille))

    def behind(self, permille: int) -> int:
        """Log likelihood (mdb) behind so much loss.

        A tunnel's server shares half of it at least: its own answers pass the link that it hangs on
        once, what it forwards twice.
        """
        whole = self.fits(permille)
        return max(whole, self.fits(permille // 2)) if self.halves else whole

    def fits(self, permille: int) -> int:
        """Log likelihood (mdb) of so much loss: a router may answer more seldom than that."""
        own = self.within
        shared = self.log_of(permille)
        if own <= permille:
            return shared
        # any share would do: the more was asked, the less likely is just this one (by its root)
        reluctant = RELUCTANT_MDB + from_ratio(self.sent, 1) // 2
        return max(shared, self.log_of(own) - reluctant)

    def __add__(self, other: _Losses) -> _Losses:
        return attrs.evolve(self, lost=self.lost + other.lost, sent=self.sent + other.sent)


def _count(tries: list[Try], ttl: int) -> _Losses:
    return _Losses(ttl, sum([t.rtt_ns is None for t in tries]), len(tries))


def loss(paths: Paths, now: int, role: str = "service") -> Located | None:
    """Where probes get lost, by the likelihoods of all places where it could begin.

    For each link as the culprit: hops before it lose as good as nothing, hops from it on lose
    what the far end loses. A hop that loses more than that may only be reluctant. All links
    that are not clearly less likely than the best are kept.
    """
    return paths.once(f"loss {role}", now, lambda: _loss(paths, now, role))


def _loss(paths: Paths, now: int, role: str) -> Located | None:
    asked = way(paths, role)
    if asked is None or not asked.path.segments:
        return None
    path, router = asked.path, asked.router
    last = path.length
    voices = [_count(path.hops[ttl].recent(now, LOSS_WINDOW_NS), last) for ttl in asked.far]
    voices = [row for row in voices if row.sent >= 5]
    if not voices:
        return None
    end = _together(voices)
    base = next((path.hops[ttl].base_ns for ttl in asked.far), None)
    found = {
        ttl: attrs.evolve(
            _count(path.hops[ttl].recent(now, LOSS_WINDOW_NS), ttl),
            halves=path.segment(ttl) == TUNNEL,
        )
        for ttl in asked.near
        if path.hops[ttl].answered
    }
    for ttl in found:
        found[ttl] += _dense(ttl, path.pinged(ttl, now, LOSS_WINDOW_NS))
    if router is not None and path.length > 1:
        of_router = _dense(1, router.recent(now, LOSS_WINDOW_NS))
        found[1] = found.get(1, _Losses(1, 0, 0)) + of_router
    rows = [row for _, row in sorted(found.items()) if row.sent >= 3]
    rows.append(end)
    scores = [_score(rows, first) for first in range(len(rows))]
    best = max(scores)
    clean = sum(row.fits(CLEAN_LOSS_PERMILLE) for row in rows)
    rate = end.permille
    if end.lost < FEWEST_LOST or rate < LEAST_LOSS_PERMILLE or best - clean < FOUND_MDB:
        return Located(NONE, rate, base)
    open_to = [i for i, score in enumerate(scores) if best - score < CLEARLY_MDB]
    last_clean = rows[open_to[0] - 1] if open_to[0] else None
    if last_clean is not None and last_clean.halves:
        return Located("unplaced", rate, base)  # losses are too few to tell once from twice
    start = last_clean.ttl if last_clean is not None else 0
    place = between(path, start, rows[open_to[-1]].ttl)
    if rate >= DEAD_PERMILLE and open_to[0] == len(rows) - 1:
        place = or_beyond(place)
    return Located(place, rate, base)


def _together(voices: list[_Losses]) -> _Losses:
    """Of the far end's two voices: both, or if they contradict each other the kinder one, since a
    server may drop probes, not handshakes."""
    both = sum(voices[1:], voices[0])
    apart = sum(row.log_of(row.within) - row.log_of(both.within) for row in voices)
    return both if apart < CLEARLY_MDB else min(voices, key=lambda row: row.permille)


def _score(rows: list[_Losses], first: int) -> int:
    """Log likelihood (mdb) of all losses if they begin on the link before row *first*.

    At the far end's rate, or at that of all that is behind the link: it has more to go by.
    """
    clean = sum(row.fits(CLEAN_LOSS_PERMILLE) for row in rows[:first])
    all_behind = sum(rows[first:-1], rows[-1])
    rates = {
        max(LEAST_LOSS_PERMILLE, min(DEAD_PERMILLE, losses.permille))
        for losses in (rows[-1], all_behind)
    }
    return clean + max(sum(row.behind(rate) for row in rows[first:]) for rate in rates)


def _dense(ttl: int, tries: list[Try]) -> _Losses:
    """A moment's loss of many is one: they come so densely that they are lost together. An outage
    counts by its seconds, as it does at the far end."""
    lost = 0
    for gone, some in groupby(tries, lambda t: t.rtt_ns is None):
        if gone:
            times = [t.at_ns for t in some]
            lost += max(1, (times[-1] - times[0]) // S_NS)
    return _Losses(ttl, lost, len(answers(tries)) + lost)
