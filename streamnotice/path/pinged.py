"""A router on the way that is pinged: many answers where limited-TTL probes bring few.

Pings go to the router itself. That they pass the same links as what goes through it isn't certain;
where they take much longer, they don't, and tell nothing of the way.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from streamnotice.path.tries import Try
from streamnotice.snapshot import stateful
from streamnotice.windows import recent

KEEP: Final = 120
DETOUR_NS: Final = 5_000_000
"""Pings that take longer than probes by half and by so much went another way."""


@stateful
@attrs.define
class Pinged:
    """What one router says to pings.

    Attributes:
        base_ns: the smallest round trip.
    """

    tries: deque[Try] = attrs.Factory(lambda: deque(maxlen=KEEP))
    base_ns: int | None = None

    def add(self, at_ns: int, rtt_ns: int | None, loaded: bool) -> None:
        self.tries.append(Try(at_ns, rtt_ns, loaded))
        if rtt_ns is not None:
            self.base_ns = rtt_ns if self.base_ns is None else min(self.base_ns, rtt_ns)

    def recent(self, now: int, window_ns: int) -> list[Try]:
        return recent(self.tries, now, window_ns)

    def by_the_same_way(self, probed_ns: int | None) -> bool:
        """Whether the pings take no detour, *probed_ns* being the probes' smallest round trip."""
        if self.base_ns is None or probed_ns is None:
            return False
        return self.base_ns <= max(probed_ns * 3 // 2, probed_ns + DETOUR_NS)
