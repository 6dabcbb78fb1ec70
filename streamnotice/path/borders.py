"""Where a provider ends: its last router's address may be on its neighbour's router.

The link between two networks carries addresses of one of them, often of the provider, and then the
neighbour's border router answers from an address of the provider's (Luckie et al., *bdrmap*, IMC
2016). So the last hop with such an address may stand on either side: the link to it is the core's
or already the one between the networks, and the next link is that one or behind it. A router that
ways to other networks pass through as well is no neighbour's.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from streamnotice.path.roles import JOIN

_CORE: Final = "network.isp.core"
_BETWEEN: Final = "network.interconnect"
_BEHIND: Final = "service"


def with_border(
    labels: tuple[str | None, ...], segments: tuple[str | None, ...], elsewhere: Set[str]
) -> tuple[str | None, ...]:
    """The places of a path's links, the provider's border left open where it is not certain.

    Args:
        labels: of the hops, nearest first.
        segments: place of the link that ends at each hop, as their addresses tell.
        elsewhere: labels of the hops of ways that lead to other networks.
    """
    last = max((at for at, place in enumerate(segments) if place == _CORE), default=None)
    if last is None or len(labels) != len(segments) or labels[last] in elsewhere:
        return segments
    opened = list(segments)
    opened[last] = JOIN.join((_CORE, _BETWEEN))
    for at in range(last + 1, len(segments)):
        place = segments[at]
        if place is None or _BETWEEN not in place.split(JOIN):
            break
        if _BEHIND not in place.split(JOIN):
            opened[at] = JOIN.join((place, _BEHIND))
        if labels[at] is not None:  # whose router is known, and so whose the links behind it are
            break
    return tuple(opened)
