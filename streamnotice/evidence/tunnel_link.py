"""Does a queue stand on the link that the tunnel's server hangs on, and stood there from the start?

What a tunnel carries passes that link twice: to the server, and from it on its way. So such a queue
makes it long both times, right before the server and right behind it. An ocean on the way to the
server is passed once, or somewhere else the second time.
"""

from __future__ import annotations

from typing import Final

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.path.localise import server_link_ns

SHORT: Final = "short"
LONG: Final = "long"
LONG_NS: Final = 50_000_000
"""There and back 5000 km of fibre, twice over."""


def read(seen: Estimates, now: int) -> Outcome | None:
    rise_ns = server_link_ns(seen.paths, now)
    if rise_ns is None:
        return None
    return Outcome(LONG if rise_ns >= LONG_NS else SHORT, (("rise_ns", rise_ns),))


RULE = Rule("tunnel_link", (SHORT, LONG), "path", read)
