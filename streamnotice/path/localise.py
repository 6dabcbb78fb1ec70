"""Where along the path trouble begins: queue, spread, loss, reach, each by the same reasoning.

For each hop a figure is taken over the last seconds. What counts at hop k is the smallest
figure over all hops from k on, since trouble on a link is shared by everything behind it.
The link on which that smallest figure rises is where the trouble is. Between two hops that
answer lie one or more links; if they belong to different places, or if replies came back over
ways of different length, the place can't be told (`unplaced`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from streamnotice.path.rounds import FAR, HopSeen, PathSeen, Paths, middle, quantile

S_NS: Final = 1_000_000_000
DELAY_WINDOW_NS: Final = 8 * S_NS
SPREAD_WINDOW_NS: Final = 15 * S_NS
LOSS_WINDOW_NS: Final = 20 * S_NS
REACH_WINDOW_NS: Final = 5 * S_NS
LEAST_DELAY_NS: Final = 10_000_000

WORDS: Final = {
    "network.home.wifi": "home",
    "network.isp.access": "access",
    "network.isp.core": "core",
    "network.interconnect": "interconnect",
    "network.vpn": "vpn",
    "service": "service",
}
PLACES: Final = (*WORDS.values(), "unplaced")


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


@attrs.frozen
class _Hop:
    ttl: int
    seen: HopSeen
    figure: int


def busiest(paths: Paths) -> PathSeen | None:
    """The service path that is probed most."""
    services = [p for p in paths.services() if p.hops]
    return max(services, key=lambda p: sum(len(h.tries) for h in p.hops.values()), default=None)


def _ladder(
    path: PathSeen, figure: Callable[[HopSeen], int | None]
) -> tuple[list[_Hop], list[int]]:
    """Hops that have the figure, nearest first, and at each the smallest from there on."""
    hops = []
    for ttl in sorted(path.hops):
        value = figure(path.hops[ttl])
        if value is not None:
            hops.append(_Hop(ttl, path.hops[ttl], value))
    least: list[int] = []
    for hop in reversed(hops):
        least.append(min(hop.figure, least[-1]) if least else hop.figure)
    return hops, least[::-1]


def _place(path: PathSeen, hops: list[_Hop], first: int) -> str:
    """Place of the links between the hop before *first* and it."""
    last_ttl = len(path.segments)
    end = min(hops[first].ttl, last_ttl) if last_ttl else hops[first].ttl
    start = min(hops[first - 1].ttl, end - 1) if first else 0
    if first and hops[first - 1].ttl >= end:  # two figures for the same far end
        return _word(path.segment(end))
    places = {path.segment(ttl) for ttl in range(start + 1, end + 1)}
    if len(places) != 1:
        return "unplaced"
    if first and _bent(hops[first - 1], hops[first]):
        return "unplaced"
    return _word(places.pop())


def _bent(near: _Hop, far: _Hop) -> bool:
    """Replies from the two came back over ways whose lengths differ by more than they should."""
    if near.seen.return_hops is None or far.seen.return_hops is None:
        return False
    if near.ttl == FAR or far.ttl == FAR:
        return False
    return abs((far.seen.return_hops - near.seen.return_hops) - (far.ttl - near.ttl)) > 1


def _word(segment: str | None) -> str:
    return WORDS.get(segment or "", "unplaced")


def _rising(
    path: PathSeen | None,
    figure: Callable[[HopSeen], int | None],
    significant: Callable[[int, int], bool],
) -> Located | None:
    if path is None:
        return None
    hops, least = _ladder(path, figure)
    if not hops or hops[-1].ttl < min(len(path.segments), FAR):
        return None  # the far end has no figure: nothing can be said of the whole path
    base = hops[-1].seen.base_ns
    total = least[-1]
    if not significant(total, base or 0):
        return Located("none", total, base)
    first = next(i for i, value in enumerate(least) if value * 2 >= total)
    return Located(_place(path, hops, first), total, base)


def _delay_counts(total: int, base: int) -> bool:
    return total >= max(LEAST_DELAY_NS, base // 4)


def queue(paths: Paths, now: int) -> Located | None:
    """Where round trips rise over their baselines."""

    def excess(hop: HopSeen) -> int | None:
        rtts = [t.rtt_ns for t in hop.recent(now, DELAY_WINDOW_NS) if t.rtt_ns is not None]
        if len(rtts) < 2 or hop.base_ns is None or hop.answered < 4:
            return None
        return middle(rtts) - hop.base_ns

    return _rising(busiest(paths), excess, _delay_counts)


def spread(paths: Paths, now: int) -> Located | None:
    """Where round trips scatter: needs no baseline, so it sees a queue that was there first."""

    def scatter(hop: HopSeen) -> int | None:
        rtts = [t.rtt_ns for t in hop.recent(now, SPREAD_WINDOW_NS) if t.rtt_ns is not None]
        if len(rtts) < 5:
            return None
        return quantile(rtts, 850) - quantile(rtts, 150)

    return _rising(busiest(paths), scatter, _delay_counts)


def loss(paths: Paths, now: int) -> Located | None:
    """Where probes get lost, in thousandths; a router's own reluctance is not loss."""

    def lost(hop: HopSeen) -> int | None:
        tries = hop.recent(now, LOSS_WINDOW_NS)
        if len(tries) < 5 or hop.answered == 0:
            return None
        gone = sum(1 for t in tries if t.rtt_ns is None)
        return gone * 1000 // len(tries)

    return _rising(busiest(paths), lost, lambda total, _: total >= 60)


@attrs.frozen
class Reach:
    """How far probes get.

    Attributes:
        place: "all" (the far end answers), "server" (only the far end is silent), or the place
            of the link behind the last hop that answers.
        answered, lost: hops in the window that did and did not answer.
    """

    place: str
    answered: int
    lost: int


def reach(paths: Paths, now: int) -> Reach | None:
    """How far probes get now, among hops that answered before."""
    path = busiest(paths)
    if path is None:
        return None
    rows: list[tuple[int, bool]] = []
    for ttl in sorted(path.hops):
        hop = path.hops[ttl]
        tries = hop.recent(now, REACH_WINDOW_NS)
        if hop.answered and len(tries) >= 2:
            rows.append((ttl, any(t.rtt_ns is not None for t in tries[-3:])))
    end = min(len(path.segments), FAR)
    far = [alive for ttl, alive in rows if ttl >= end]
    if not rows or not far:
        return None
    answered = sum(1 for _, alive in rows if alive)
    lost = len(rows) - answered
    if any(far):
        return Reach("all", answered, lost)
    alive_ttls = [ttl for ttl, alive in rows if alive]
    last = max(alive_ttls, default=0)
    dead = min(ttl for ttl, alive in rows if not alive and ttl > last)
    if dead >= end and last >= end - 1 and last:
        return Reach("server", answered, lost)
    places = {path.segment(ttl) for ttl in range(last + 1, min(dead, end) + 1)}
    return Reach(_word(places.pop()) if len(places) == 1 else "unplaced", answered, lost)


@attrs.frozen
class FarEnd:
    """How one far end does: excess of its round trip, and loss, over the last seconds."""

    excess_ns: int | None
    base_ns: int | None
    lost_permille: int

    @property
    def suffers(self) -> bool:
        """Delay or loss that matters."""
        delayed = self.excess_ns is not None and _delay_counts(self.excess_ns, self.base_ns or 0)
        return delayed or self.lost_permille >= 200

    @property
    def silent(self) -> bool:
        return self.lost_permille == 1000


def far_end(path: PathSeen, now: int, window_ns: int = DELAY_WINDOW_NS) -> FarEnd | None:
    """The far end of one path, by TCP handshakes where there are any, else by probes."""
    hop = path.hops.get(FAR) or path.hops.get(len(path.segments))
    if hop is None:
        return None
    tries = hop.recent(now, window_ns)
    if len(tries) < 2:
        return None
    rtts = [t.rtt_ns for t in tries if t.rtt_ns is not None]
    excess = middle(rtts) - hop.base_ns if rtts and hop.base_ns is not None else None
    return FarEnd(excess, hop.base_ns, (len(tries) - len(rtts)) * 1000 // len(tries))
