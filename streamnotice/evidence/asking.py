"""Was the player asking: the second split. A pause between requests is not a slow network.

Where the player tells how much it means to keep at hand, pauses with far less than that are
told apart from those of a player that has enough. A player that is short is judged by what it has
done since it is short, and while nothing else was waited for: a key, a licence.
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.hunger import (
    HUNGRY_NS,
    SHORT_OF_TARGET,
    hungry_below_ns,
    other_waits,
    short_since_ns,
)
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.policy import S_NS

WINDOW_S = 6
LEAST_S = 2
"""Fewer whole seconds show nothing of how a player asks."""


def read(seen: Estimates, now: int) -> Outcome | None:
    share = seen.requests.asked_permille(now, WINDOW_S)
    if share is None or now < WINDOW_S * S_NS:
        return None
    level = seen.playback.level_ns(now)
    enough = True
    since = short_since_ns(seen, now)
    if share < 900 and since is not None:
        short_of = _asked_permille_since(seen, now, since)
        enough = short_of is not None
        share = share if short_of is None else short_of
    figures = (("asking_permille", share), ("buffer_ns", level))
    if share >= 900:
        return Outcome("always", figures)
    name = _pauses(seen, level, share, short=since is not None)
    if name is None:
        return None
    if _lacks(seen, level, name, short=since is not None) and _tries(seen, now):
        name = "retrying"  # a player that waits before it tries again after a failure does ask
    elif not enough:
        return None
    return Outcome(name, figures)


def _asked_permille_since(seen: Estimates, now: int, since: int) -> int | None:
    """Share of the time in which media was asked for since the player was short of it, in whole
    seconds of the window in which nothing else was waited for; None if these are too few."""
    waits = other_waits(seen, now, WINDOW_S * S_NS)
    asked = [
        row.asked_ns
        for row in seen.requests.window(now, WINDOW_S)
        if row.number * S_NS >= since
        and not any(
            start < (row.number + 1) * S_NS and end > row.number * S_NS for start, end in waits
        )
    ]
    if len(asked) < LEAST_S:
        return None
    return min(1000, sum(asked) * 1000 // (len(asked) * S_NS))


def _pauses(seen: Estimates, level: int | None, share: int, *, short: bool) -> str | None:
    """How a player pauses that was asking for this share (permille) of the time."""
    model = seen.playback
    below_target = _short(seen, level)
    if share >= 300:
        return "partly_short" if below_target else "partly"
    if model.state == "stalled":
        # one that stands over a full buffer has no need to ask
        return "idle_hungry" if short else None
    if _wants(seen, level, hungry_below_ns(model)):
        # what will be shown live can't be asked for before it has been made
        return None if model.live or seen.newest else "idle_hungry"
    return "idle_short" if below_target else "idle_full"


def _lacks(seen: Estimates, level: int | None, name: str, *, short: bool) -> bool:
    """A player that pauses like this would rather have more."""
    model = seen.playback
    if model.state == "stalled" and level is not None and not short:
        return False
    if model.state in ("stalled", "starting"):
        return model.wants_data is not False
    if name != "partly":
        return name != "idle_full"
    if model.wants_data is False:
        return False
    if level is None:
        return model.wants_data is True
    if model.target_ns is None:
        return model.wants_data is True or level < HUNGRY_NS
    return level * 4 < model.target_ns * 3


def _tries(seen: Estimates, now: int) -> bool:
    """It does what it can: what it asked for failed, or is of no use to it (the page of a captive
    portal, an address that leads round in a circle, an empty answer)."""
    requests = seen.requests
    if requests.fared_ill(now, WINDOW_S * S_NS):
        return True
    return requests.in_vain(now, WINDOW_S, seen.needed_bps())


def _wants(seen: Estimates, level: int | None, below_ns: int) -> bool:
    return seen.playback.wants_data is not False and level is not None and level < below_ns


def _short(seen: Estimates, level: int | None) -> bool:
    """Far below the player's own target; a live player can't have more than has been made."""
    target = seen.playback.target_ns
    if target is None or seen.playback.live is not False:
        return False
    return _wants(seen, level, target // SHORT_OF_TARGET)


RULE = Rule(
    "asking",
    (
        "always",
        "partly",
        "partly_short",
        "idle_hungry",
        "idle_short",
        "retrying",
        "idle_full",
    ),
    "requests",
    read,
)
