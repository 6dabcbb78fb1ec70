"""How the far end of a path does, as a whole."""

from __future__ import annotations

import attrs

from streamnotice.path.localise.excess import over_base
from streamnotice.path.localise.queueing import DELAY_WINDOW_NS, LEAST_DELAY_NS
from streamnotice.path.rounds import FAR, PathSeen


@attrs.frozen
class FarEnd:
    """How one far end does: excess of its round trip, and loss, over the last seconds."""

    excess_ns: int | None
    base_ns: int | None
    lost_permille: int

    @property
    def suffers(self) -> bool:
        """Delay or loss that matters."""
        delayed = self.excess_ns is not None and self.excess_ns >= max(
            LEAST_DELAY_NS, (self.base_ns or 0) // 4
        )
        return delayed or self.lost_permille >= 200

    @property
    def silent(self) -> bool:
        return self.lost_permille == 1000


def far_end(
    path: PathSeen, stored: dict[str, int], now: int, window_ns: int = DELAY_WINDOW_NS
) -> FarEnd | None:
    """The far end of one path, by TCP handshakes where there are any, else by probes."""
    ttl = FAR if FAR in path.hops else path.length
    hop = path.hops.get(ttl)
    if hop is None:
        return None
    tries = hop.recent(now, window_ns)
    if len(tries) < 2:
        return None
    excess = sorted([excess_ns for _, excess_ns in over_base(path, ttl, stored, tries)])
    gone = sum([t.rtt_ns is None for t in tries])
    return FarEnd(
        excess[len(excess) // 2] if excess else None, hop.base_ns, gone * 1000 // len(tries)
    )
