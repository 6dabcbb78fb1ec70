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
_ANYWHERE: Final = (0, len(localise.SHORT) - 1)


def trouble(paths: Paths, now: int) -> str | None:
    """A stretch (`localise.STRETCHES`) that all signs of trouble have in common, `CALM` if there
    are none, `UNPLACED` if they have nothing in common; None where nothing can be seen."""
    queue, loss = localise.queue(paths, now, ROLE), localise.loss(paths, now, ROLE)
    spread, reach = localise.spread(paths, now, ROLE), localise.reach(paths, now, ROLE)
    delays = [one.place for one in (queue, spread) if one is not None]
    lost = [loss.place] if loss is not None else []
    if reach is not None:
        delays.append({localise.REACHED: CALM, "server": "service"}.get(reach.place, reach.place))
    if all(place == CALM for place in (*delays, *lost)):
        # calm is said of what was looked at long enough, and holds no queue that was there first
        if queue is None or loss is None or localise.may_hide_queue(paths, ROLE):
            return None
        return CALM
    late = _in_common(delays)
    gone = _in_common(lost)
    if late is None or gone is None:
        return UNPLACED
    if all(place == CALM for place in delays):
        return localise.stretch(*gone)
    # A full queue drops as well as delays: where it stands every answer tells, and losses are few.
    # They can contradict it, but place nothing more closely.
    apart = gone[0] > late[1] or late[0] > gone[1]
    return UNPLACED if apart else localise.stretch(*late)


def _in_common(places: list[str]) -> tuple[int, int] | None:
    """The stretch that all troubled *places* share; None if they share none, or are none."""
    near, far = _ANYWHERE
    for place in places:
        if place == CALM:
            continue
        if place not in localise.STRETCHES:
            return None
        near = max(near, localise.STRETCHES[place][0])
        far = min(far, localise.STRETCHES[place][1])
    return (near, far) if near <= far else None
