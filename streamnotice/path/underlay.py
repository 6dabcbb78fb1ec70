"""Where trouble lies under a tunnel, on the way to its server: one answer of all four questions.

Queue, spread, loss and silence are located as on the way to the service (`path.localise`); here
only the place matters. "service" stands for the far end's own network: the VPN's.
"""

from __future__ import annotations

from typing import Final

from streamnotice.path import localise
from streamnotice.path.rounds import Paths

ROLE: Final = "underlay"
CALM: Final = "none"
UNPLACED: Final = "unplaced"


def trouble(paths: Paths, now: int) -> str | None:
    """A stretch (`localise.STRETCHES`) that all signs of trouble have in common, `CALM` if there
    are none, `UNPLACED` if they have nothing in common; None where nothing can be seen."""
    queue, loss = localise.queue(paths, now, ROLE), localise.loss(paths, now, ROLE)
    spread, reach = localise.spread(paths, now, ROLE), localise.reach(paths, now, ROLE)
    places = [one.place for one in (queue, loss, spread) if one is not None]
    if reach is not None:
        places.append({"all": CALM, "server": "service"}.get(reach.place, reach.place))
    troubled = [place for place in places if place != CALM]
    if not troubled:  # calm is said of what was looked at long enough
        return CALM if queue is not None and loss is not None else None
    if any(place not in localise.STRETCHES for place in troubled):
        return UNPLACED
    near = max(localise.STRETCHES[place][0] for place in troubled)
    far = min(localise.STRETCHES[place][1] for place in troubled)
    return localise.stretch(near, far) if near <= far else UNPLACED
