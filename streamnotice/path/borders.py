"""Where a provider ends: its last router's address may be on its neighbour's router.

The link between two networks carries addresses of one of them, often of the provider, and then the
neighbour's border router answers from an address of the provider's (Luckie et al., *bdrmap*, IMC
2016). So the last hop with such an address may stand on either side: the link to it is the core's
or already the one between the networks, and the next link is that one or behind it. A router
behind which ways to several networks part is taken for the provider's.
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
) -> tuple[str | None, ...]:
    """The places of a path's links, the provider's border left open where it is not certain.

    Args:
        labels: of the hops, nearest first.
        segments: place of the link that ends at each hop, as their addresses tell.
        elsewhere: labels of the hops of ways that lead to other networks.
    """
    # the first link that may be past the provider: behind a silent router none is certainly
    past = (at for at, place in enumerate(segments) if place and _BETWEEN in place.split(JOIN))
    border = next(past, 0)
    if len(labels) != len(segments) or not border or segments[border - 1] not in (_CORE, None):
        return segments  # the line's end is the provider's in any case
    if labels[border - 1] is not None and _parts(labels[border - 1], labels[border], elsewhere):
        return segments
    opened = list(segments)
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
    return tuple(opened)


def _parts(
    label: str | None, behind: str | None, elsewhere: Sequence[tuple[str | None, ...]]
) -> bool:
    """Another way parts from this one right behind that router: both next ones are known."""
    return behind is not None and any(
        here == label and other not in (None, behind)
        for way in elsewhere
        for here, other in pairwise(way)
    )
