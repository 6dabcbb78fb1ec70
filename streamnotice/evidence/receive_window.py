"""Do bytes lie unread in this computer: then it is we who hold the sender up.

A player that has enough does so on purpose: it reads a long response no further. Unread bytes
speak against this computer only where the player is short, of the time since it is short.
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.hunger import below_since_ns, hungry_below_ns
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.policy import S_NS

WINDOW_S = 4
LEAST_S = 2
LEAST_SHORT_S = 3
"""Players of long responses read on only when little is left."""
MUCH_BYTES = 65_536


def read(seen: Estimates, now: int) -> Outcome | None:
    rows = seen.requests.window(now, WINDOW_S)
    flowing = [row for row in rows if row.flowing_ns]
    if len(flowing) < LEAST_S or not seen.requests.sockets:
        return None
    unread = min(row.unread_bytes for row in flowing)
    if unread < MUCH_BYTES:
        return Outcome("open", (("unread_bytes", unread),))
    since = _needs_since_ns(seen, now)
    if since is None:
        return None
    anew = [row.unread_bytes for row in flowing if row.number * S_NS >= since]
    if len(anew) < LEAST_SHORT_S:
        return None
    return Outcome("full", (("unread_bytes", min(anew)),))


def _needs_since_ns(seen: Estimates, now: int) -> int | None:
    """Since when the player has been in need of what lies unread; None if it is not."""
    model = seen.playback
    if model.wants_data is False:
        return None
    if model.wants_data and model.state == "stalled":
        return model.since_ns
    return below_since_ns(model, hungry_below_ns(model), now)


RULE = Rule("receive_window", ("open", "full"), "requests", read)
