"""What the probes of all sessions in one process share: bytes, packets, manners towards routers.

Several Watchers in one process sit behind one line and ask the same routers. Each keeps to its
own policy, and all of them together to the bound of the most generous one. Any thread may call.
"""

from __future__ import annotations

import math
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Final

from streamnotice.addresses import is_ipv6
from streamnotice.policy import Policy

ROUTER_EVERY_NS: Final = 1_050_000_000
ROUTER6_EVERY_NS: Final = 1_250_000_000
"""By IPv6 routers must limit their errors (RFC 4443, 2.4 f), many for all askers together."""
_MOST_ROUTERS: Final = 512
_MINUTE_NS: Final = 60_000_000_000
_AHEAD_S: Final = 15.0
"""So far ahead what is left must last."""


class ProbeBudget:
    """Bounds what all probes of a session may send: bytes and packets, in a token bucket.

    The byte allowance grows with the larger of a floor a minute and a share of the media bytes.

    Args:
        commons: shared with the process's other sessions.
    """

    def __init__(
        self, policy: Policy, now: Callable[[], int], commons: Commons | None = None
    ) -> None:
        self.policy = policy
        self._now = now
        self._commons = commons or Commons(now)
        self._media_bytes = 0
        self._started_ns = now()
        self.spent_bytes = 0
        self._packet_tokens = float(policy.probe_packets_per_s)
        self._refilled_ns = self._started_ns

    def media(self, received_bytes: int) -> None:
        """Count media bytes: they widen the allowance."""
        self._media_bytes += received_bytes

    @property
    def media_bytes(self) -> int:
        return self._media_bytes

    def allowed_bytes(self) -> int:
        """What this session alone may have sent by now."""
        minutes = max(1.0, (self._now() - self._started_ns) / 60e9)
        floor = self.policy.probe_floor_bytes_per_min * minutes
        return int(max(floor, self.policy.probe_share * self._media_bytes))

    def left_bytes(self) -> int:
        """What may still be sent now, by this session and beside the others."""
        return min(self.allowed_bytes() - self.spent_bytes, self._commons.left_bytes(self))

    def lasting_bytes_per_s(self) -> float:
        """What may be sent a second from now on without standing still later, when it is all spent.

        No bound while half a minute's floor is left: what is asked early tells most.
        """
        floor, left = self.policy.probe_floor_bytes_per_min, self.left_bytes()
        if left * 2 >= floor:
            return math.inf
        elapsed_s = (self._now() - self._started_ns) / 1e9
        # the first minute's floor is there at once: nothing comes to it before the minute is over
        dry_s = max(0.0, 60.0 - elapsed_s)
        rate = max(floor / 60, self.policy.probe_share * self._media_bytes / max(1.0, elapsed_s))
        return (left + rate * max(0.0, _AHEAD_S - dry_s)) / max(_AHEAD_S, dry_s)

    def take(self, size_bytes: int, packets: int = 1) -> bool:
        """Ask to send; False means not now (over the budget, this session's or the common one)."""
        with self._commons.lock:
            now = self._now()
            rate = self.policy.probe_packets_per_s
            self._packet_tokens = min(
                float(rate), self._packet_tokens + (now - self._refilled_ns) / 1e9 * rate
            )
            self._refilled_ns = now
            if self._packet_tokens < packets:
                return False
            if self.spent_bytes + size_bytes > self.allowed_bytes():
                return False
            if not self._commons.take(self, size_bytes, packets):
                return False
            self._packet_tokens -= packets
            self.spent_bytes += size_bytes
            return True

    def close(self) -> None:
        """The session is over; what it sent in its last minute counts for as long again."""
        self._commons.leave(self)


class Commons:
    """The purse and the manners that sessions have in common.

    Args:
        clock_ns: monotonic; the process's sessions share one.
    """

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self.lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        """Forget all: for tests."""
        with self.lock:
            # a session that nobody closed goes when it is collected
            self._budgets: weakref.WeakSet[ProbeBudget] = weakref.WeakSet()
            # instant and bytes of sessions that are over
            self._departed: deque[tuple[int, int]] = deque(maxlen=1024)
            self._tokens: float | None = None
            self._refilled_ns = self._clock_ns()
            self._asked_ns: dict[str, int] = {}

    # -- bytes and packets --------------------------------------------------------------------

    def left_bytes(self, budget: ProbeBudget) -> int:
        """What all sessions together may still send: the largest bound, less what was sent."""
        with self.lock:
            now = self._clock_ns()
            while self._departed and now - self._departed[0][0] >= _MINUTE_NS:
                self._departed.popleft()
            here = {budget, *self._budgets}
            spent = sum(one.spent_bytes for one in here) + sum(size for _, size in self._departed)
            return max(one.allowed_bytes() for one in here) - spent

    def take(self, budget: ProbeBudget, size_bytes: int, packets: int) -> bool:
        """Let *budget*'s session send, if the common bound permits it."""
        with self.lock:
            self._budgets.add(budget)
            rate = max(one.policy.probe_packets_per_s for one in self._budgets)
            now = self._clock_ns()
            tokens = float(rate) if self._tokens is None else self._tokens
            tokens = min(float(rate), tokens + (now - self._refilled_ns) / 1e9 * rate)
            self._tokens, self._refilled_ns = tokens, now
            if tokens < packets or self.left_bytes(budget) < size_bytes:
                return False
            self._tokens -= packets
            return True

    def leave(self, budget: ProbeBudget) -> None:
        """*budget*'s session is over."""
        with self.lock:
            if budget in self._budgets:
                self._budgets.discard(budget)
                lately = min(budget.spent_bytes, budget.policy.probe_floor_bytes_per_min)
                self._departed.append((self._clock_ns(), lately))

    # -- routers ------------------------------------------------------------------------------

    def may_ask(self, router: str) -> bool:
        """No session asked *router* within the last second (by IPv6 a little longer)."""
        rest_ns = ROUTER6_EVERY_NS if is_ipv6(router) else ROUTER_EVERY_NS
        with self.lock:
            last_ns = self._asked_ns.get(router)
            return last_ns is None or self._clock_ns() - last_ns >= rest_ns

    def asked(self, router: str) -> None:
        """*router* is being asked now."""
        with self.lock:
            self._asked_ns.pop(router, None)
            self._asked_ns[router] = self._clock_ns()
            while len(self._asked_ns) > _MOST_ROUTERS:
                del self._asked_ns[next(iter(self._asked_ns))]


PROCESS: Final = Commons(time.monotonic_ns)
"""What this process's sessions share."""


def commons_of(clock_ns: Callable[[], int]) -> Commons:
    """The process's; a clock of somebody's own (a test's) has its own."""
    return PROCESS if clock_ns is time.monotonic_ns else Commons(clock_ns)
