"""Where a network ends: its last router's address may be on its neighbour's router.

The link between two networks carries addresses of one of them, often of the provider, and then the
neighbour's border router answers from an address of the provider's (Luckie et al., *bdrmap*, IMC
2016). So the last hop with such an address may stand on either side: the link to it is the core's
or already the one between the networks, and the next link is that one or behind it. The same holds
where the server's network begins: its own border router may answer from an address of the transit
network's or of the exchange's where they meet. A router behind which ways to several networks part
is taken for the network's whose address it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from streamnotice.path.roles import JOIN

_CORE: Final = "network.isp.core"
_BETWEEN: Final = "network.interconnect"
_BEHIND: Final = "service"


def with_border(
    labels: tuple[str | None, ...],
    segments: tuple[str | None, ...],
    elsewhere: Sequence[tuple[str | None, ...]],
    *,
    complete: bool,
) -> tuple[str | None, ...]:
    """The places of a path's links, the borders left open where they are not certain.

    Args:
        labels: of the hops, nearest first.
        segments: place of the link that ends at each hop, as their addresses tell.
        elsewhere: labels of the hops of ways that lead to other networks.
        complete: the last hop is the far end itself.
    """
    if len(labels) != len(segments):
        return segments
    opened = _provider_left_open(labels, segments, elsewhere)
    at = _into_service(segments, complete=complete)
    if at is not None and not _parts(labels[at - 1], labels[at], elsewhere):
        opened[at] = JOIN.join((_BETWEEN, _BEHIND))
    return tuple(opened)


def _into_service(segments: tuple[str | None, ...], *, complete: bool) -> int | None:
    """The link from a router with an address of a network between to the first of the service's."""
    last = len(segments) - 1
    for at in range(1, len(segments)):
        ends = complete if at == last else segments[at + 1] == _BEHIND
        before = (segments[at - 1] or "").split(JOIN)
        if ends and segments[at] == _BETWEEN and _BETWEEN in before:
            return at
    return None


def _provider_left_open(
    labels: tuple[str | None, ...],
    segments: tuple[str | None, ...],
    elsewhere: Sequence[tuple[str | None, ...]],
) -> list[str | None]:
    # the first link that may be past the provider: behind a silent router none is certainly
    past = (at for at, place in enumerate(segments) if place and _BETWEEN in place.split(JOIN))
    border = next(past, 0)
    opened = list(segments)
    if not border or segments[border - 1] not in (_CORE, None):
        return opened  # the line's end is the provider's in any case
    if _parts(labels[border - 1], labels[border], elsewhere):
        return opened
    if segments[border - 1] == _CORE:
        opened[border - 1] = JOIN.join((_CORE, _BETWEEN))
    for at in range(border, len(segments)):
        place = segments[at]
        if place is None or _BETWEEN not in place.split(JOIN):
            break
        if _BEHIND not in place.split(JOIN):
            opened[at] = JOIN.join((place, _BEHIND))
        if labels[at] is not None:  # whose router is known, and so whose the links behind it are
            break
    return opened


def _parts(
    label: str | None, behind: str | None, elsewhere: Sequence[tuple[str | None, ...]]
) -> bool:
    """Another way parts from this one right behind that router: both next ones are known."""
    return None not in (label, behind) and any(
        here == label and other not in (None, behind)
        for way in elsewhere
        for here, other in pairwise(way)
    )
