"""Do bytes lie unread in this computer: then it is we who hold the sender up."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule

WINDOW_S = 4
MUCH_BYTES = 65_536


def read(seen: Estimates, now: int) -> Outcome | None:
    rows = seen.requests.window(now, WINDOW_S)
    flowing = [row for row in rows if row.flowing_ns]
    if len(flowing) < 2 or not seen.requests.sockets:
        return None
    unread = min(row.unread_bytes for row in flowing)
    name = "full" if unread >= MUCH_BYTES else "open"
    return Outcome(name, (("unread_bytes", unread),))


RULE = Rule("receive_window", ("open", "full"), "requests", read)
