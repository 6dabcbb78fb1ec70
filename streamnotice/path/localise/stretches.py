"""Links of a path, and the places that they are in: from hops to the name of a stretch."""

from __future__ import annotations

from typing import Final, NamedTuple

import attrs

from streamnotice.path.first_hop import FirstHop
from streamnotice.path.roles import JOIN
from streamnotice.path.rounds import FAR, TUNNEL, Paths, PathSeen

CLEAN_PERMILLE: Final = 300
SHARED_PERMILLE: Final = 600
ORDER: Final = (
    "network.home.wifi",
    "network.isp.access",
    "network.isp.core",
    "network.interconnect",
    "service",
)
_ACCESS: Final = ORDER.index("network.isp.access")
_SERVICE: Final = ORDER.index("service")
BEHIND_TUNNEL: Final = ORDER.index("network.interconnect")
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
    places = [number for place in found for number in numbers(place)]
    if None in found:  # any place that the known links before and behind leave open
        known = [(ttl, numbers(place)) for ttl, place in enumerate(segments, 1)]
        if TUNNEL in segments[:start]:
            known.append((start, [BEHIND_TUNNEL]))  # past the home and the provider
        passed = [_least_behind(ns) for ttl, ns in known if ns and ttl <= start]
        here = known[start][1]
        low = max([0, *passed, *here[:1]])
        high = min((ns[-1] for ttl, ns in known if ns and ttl >= end), default=len(ORDER) - 1)
        places += [min(low, high), high]
    if not places:
        return "unplaced"  # by words that no sensor says
    return stretch(min(places), max(places))


def _least_behind(places: list[int]) -> int:
    """Of the links behind one: the line into the provider's network is a single link."""
    return places[0] + 1 if places == [_ACCESS] else places[0]


def numbers(segment: str | None) -> list[int]:
    """Positions in `ORDER` of the places that a link may belong to."""
    return [ORDER.index(p) for p in (segment or "").split(JOIN) if p in ORDER]


def unheard(path: PathSeen) -> tuple[str, ...]:
    """Places of `network` that the links behind the last hop that was heard may be in.

    There are none where the far end was reached, nor where nobody looked up who runs what: then
    nothing behind the line is named. What follows a tunnel is nowhere on the way to it.
    """
    if path.complete or not path.by_table:
        return ()
    heard = [numbers(place) for place in path.segments if place is not None]
    if not heard or not all(heard):
        return ()
    return ORDER[max(map(_least_behind, heard)) : _SERVICE]


def _bent(path: PathSeen, near_ttl: int, far_ttl: int) -> bool:
    """Replies from the two came back over ways whose lengths differ by more than they should."""
    near, far = path.hops.get(near_ttl), path.hops.get(far_ttl)
    if near is None or far is None or near.return_hops is None or far.return_hops is None:
        return False
    return abs((far.return_hops - near.return_hops) - (far_ttl - near_ttl)) > 1


def between(path: PathSeen, clean_ttl: int, shared_ttl: int) -> str:
    """Place of the trouble between the last hop without a share and the first with one."""
    end = min(shared_ttl, path.length)
    if clean_ttl and end < FAR and _bent(path, clean_ttl, end):
        return "unplaced"
    return _word(path, clean_ttl, end)


class Voice(NamedTuple):
    """What one router on the way says of the trouble.

    Attributes:
        ttl: its hop number.
        share: of the far end's figure, in permille.
        late: it is slow by itself (`HopSeen.late`). What is its own adds to its share: no more than
            that can be the way's, but what of it is nobody knows.
    """

    ttl: int
    share: int
    late: bool = False


def edge(path: PathSeen, voices: list[Voice]) -> str:
    """Place from the shares of the routers on the way, nearest first.

    The far end itself has the whole share, so there always is a first hop that shares.
    """
    rising: list[Voice] = []
    least = 1000
    for voice in reversed(voices):
        least = min(least, voice.share)
        rising.append(voice._replace(share=least))
    clean = max((v.ttl for v in rising if v.share < CLEAN_PERMILLE), default=0)
    shared = min(
        (v.ttl for v in rising if v.share >= _shares(path, v.ttl) and v.ttl > clean and not v.late),
        default=path.length,
    )
    place = between(path, clean, shared)
    # a host may be late by itself: that it alone is tells of no link
    return or_beyond(place) if shared == path.length else place


def or_beyond(place: str) -> str:
    """*place*, or what comes behind it up to the far end itself."""
    return stretch(STRETCHES[place][0], len(SHORT) - 1) if place in STRETCHES else place


def _shares(path: PathSeen, ttl: int) -> int:
    """The share (permille) from which on a hop has its part in the trouble.

    What a tunnel's server forwards passes the link that it hangs on twice, its own answers once.
    """
    return CLEAN_PERMILLE if path.segment(ttl) == TUNNEL else SHARED_PERMILLE


@attrs.frozen
class Way:
    """The path that questions about a role are put to.

    Attributes:
        near: hops before the far end, in order.
        far: hop numbers under which the far end's own answers stand.
        router: the first router's answers to questions put to itself, if they tell of this path.
    """

    path: PathSeen
    near: list[int]
    far: list[int]
    router: FirstHop | None


def way(paths: Paths, role: str) -> Way | None:
    """The way to the far end of *role*; None if none is probed."""
    return paths.once(f"way {role}", 0, lambda: _way(paths, role))  # the same at any instant


def _way(paths: Paths, role: str) -> Way | None:
    path = paths.main(role)
    return None if path is None else Way(path, *path_ends(path), paths.first_router(path))


def path_ends(path: PathSeen) -> tuple[list[int], list[int]]:
    """(hops before the far end, hop numbers under which the far end's own answers stand)."""
    last = path.length
    near = sorted([ttl for ttl in path.hops if ttl < last])
    far = [ttl for ttl in (last, FAR) if ttl in path.hops]
    return near, far
