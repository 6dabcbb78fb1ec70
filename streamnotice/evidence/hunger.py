"""Is the player short of media, and since when; and may it be waiting for something else first?

What a player that has enough does, or did before it ran short, tells nothing of one that is
short. What "short" is depends on how much it means to keep: players of short clips never hold
four seconds.
"""

from __future__ import annotations

from typing import Final

from streamnotice.estimates import Estimates
from streamnotice.playback.model import PlaybackModel
from streamnotice.playback.requests import LONG_OTHER_NS
from streamnotice.policy import S_NS

HUNGRY_NS: Final = 4 * S_NS
LEAST_HUNGRY_NS: Final = S_NS
SHORT_OF_TARGET: Final = 2
"""Below this part of its target a player that pauses is not just letting its buffer breathe."""


def hungry_below_ns(model: PlaybackModel) -> int:
    """A level below this is low: by the player's target, or by the most that it had of late."""
    most = model.target_ns
    if most is None:
        most = max(
            (level for _, level, _ in model.levels.rows), default=HUNGRY_NS * SHORT_OF_TARGET
        )
    return max(LEAST_HUNGRY_NS, min(HUNGRY_NS, most // SHORT_OF_TARGET))


def short_below_ns(model: PlaybackModel) -> int:
    """A level below this is far from what the player means to keep; a live player can't have more
    than has been made."""
    hungry = hungry_below_ns(model)
    if model.target_ns is None or model.live is not False:
        return hungry
    return max(hungry, model.target_ns // SHORT_OF_TARGET)


def below_since_ns(model: PlaybackModel, bound_ns: int, now: int) -> int | None:
    """Since when the level has been below *bound_ns* without a break; None if it isn't. 0 if it
    was never known to be above: then there is nothing before to be left out."""
    level = model.level_ns(now)
    if level is None or level >= bound_ns:
        return None
    since = now
    for at, told, _ in reversed(model.levels.rows):
        if told >= bound_ns:
            # between two reports it falls as it is played
            return min(since, at + (told - bound_ns) * 1000 // model.speed_permille)
        since = at
    return 0


def short_since_ns(seen: Estimates, now: int) -> int | None:
    """Since when the player has been short of media; None if it has enough, or wants no more, or
    nothing is known of it."""
    model = seen.playback
    if model.wants_data is False:
        return None
    if model.level_ns(now) is None:
        return model.since_ns if model.state == "stalled" and model.wants_data else None
    return below_since_ns(model, short_below_ns(model), now)


def other_waits(seen: Estimates, now: int, within_ns: int) -> list[tuple[int, int]]:
    """When requests for neither media nor a playlist were waited for that took long: from, to.

    Those under way that have no answer yet, and those that were answered, or ended without an
    answer, in the time *within_ns*.
    """
    requests = seen.requests
    found = [
        (request.started_ns, now)
        for request in requests.under_way.values()
        if not request.needed
        and request.first_byte_ns is None
        and now - request.started_ns >= LONG_OTHER_NS
    ]
    return found + [(start, end) for start, end in requests.others if end > now - within_ns]


def waits_for_other(seen: Estimates, now: int) -> bool:
    """The player may be waiting for something that is neither media nor a playlist."""
    return bool(other_waits(seen, now, S_NS))
