"""Was the player asking: the second split. A pause between requests is not a slow network.

Where the player tells how much it means to keep at hand, pauses with far less than that are
told apart from those of a player that has enough.
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.policy import S_NS

WINDOW_S = 6
HUNGRY_NS = 4 * S_NS
SHORT_OF_TARGET = 2
"""Below this part of its target a player that pauses is not just letting its buffer breathe."""


def read(seen: Estimates, now: int) -> Outcome | None:
    share = seen.requests.asked_permille(now, WINDOW_S)
    if share is None or now < WINDOW_S * S_NS:
        return None
    level = seen.playback.level_ns(now)
    figures = (("asking_permille", share), ("buffer_ns", level))
    if share >= 900:
        return Outcome("always", figures)
    name = _pauses(seen, level, share)
    if name is None:
        return None
    if _lacks(seen, level, name) and _tries(seen, now):
        name = "retrying"  # a player that waits before it tries again after a failure does ask
    return Outcome(name, figures)


def _pauses(seen: Estimates, level: int | None, share: int) -> str | None:
    """How a player pauses that was asking for this share (permille) of the time."""
    short = _short(seen, level)
    if share >= 300:
        return "partly_short" if short else "partly"
    if seen.playback.state == "stalled":
        return "idle_hungry"
    if _wants(seen, level, HUNGRY_NS):
        # what will be shown live can't be asked for before it has been made
        return None if seen.playback.live or seen.newest else "idle_hungry"
    return "idle_short" if short else "idle_full"


def _lacks(seen: Estimates, level: int | None, name: str) -> bool:
    """A player that pauses like this would rather have more."""
    model = seen.playback
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
