"""What sensors and players share in one session: clock, labels, targets, budget, the way in.

A `Session` is handed to every sensor and player. It stamps time, keeps the list of
servers that the player talks to, and takes observations; it never lets a failure of
one part reach another, nor the host.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Final

import attrs
import structlog

from streamnotice.addresses import plain
from streamnotice.commons import ProbeBudget, commons_of
from streamnotice.events import Intensity
from streamnotice.log import get_logger
from streamnotice.observations import Observation, Sight, TargetRole
from streamnotice.policy import Policy
from streamnotice.privacy import Labels

_STEP_NS: Final = 100_000
_STOPPED_NS: Final = 5_000_000_000
"""A session that is open asks for the time each second; who doesn't for so long did not run."""


@attrs.frozen
class Target:
    """A far end that may be measured: a server the player talks to, or a reference.

    Attributes:
        label: salted label used in observations.
        role: see `observations.Route`.
        host: name or literal address, as in the URL.
        port: TCP port.
        address: the address in use, once known, in its plain spelling (never recorded).
        url: for a reference, what may be downloaded in small pieces.
    """

    label: str
    role: TargetRole
    host: str
    port: int
    address: str | None = None
    url: str | None = None


class Session:
    """One playback session as sensors and players see it.

    Attributes:
        policy: what the host wants.
        labels: salted labels.
        log: structlog logger bound to the session.
        intensity: how densely the engine wants probes now.
        suspects: ppm of each place (and of `none`) by the last verdict: what probes are to tell.
        long_pings_missing: the service's host answers short pings and, of late, no long one.
        loads: number of media requests under way (so that probes can say "loaded").
        stops: how often time was left out: what was counted meanwhile is of no window.
        budget: what probes may still send.
        commons: what probes share with the process's other sessions.
        operators: names of network operators by place; for texts alone, never recorded.
    """

    def __init__(
        self,
        policy: Policy,
        sink: Callable[[Observation], None],
        *,
        on_error: Callable[[str, BaseException | str], None] | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        labels: Labels | None = None,
    ) -> None:
        self.policy = policy
        self.labels = labels or Labels()
        self.log: structlog.stdlib.BoundLogger = get_logger()
        self.intensity: Intensity = "rest"
        self.suspects: dict[str, int] = {}
        self.long_pings_missing = False
        self.loads = 0
        self.stops = 0
        self.operators: dict[str, str] = {}
        self._sink = sink
        self._on_error = on_error
        self._clock_ns = clock_ns
        self._zero_ns = clock_ns()
        self._last_ns = 0
        self._open = False
        self._leaving_out = threading.RLock()
        self._targets: dict[tuple[str, int], Target] = {}
        self._on_target: list[Callable[[Target], None]] = []
        self._sights: dict[str, tuple[bool, str]] = {}
        self.commons = commons_of(clock_ns)
        self.budget = ProbeBudget(policy, self.now, self.commons)

    def now(self) -> int:
        """Nanoseconds since the session's start, monotonic, in steps of 0.1 ms.

        A loop's stamps are no finer, and digits of noise are a quarter of a record's size. While
        the session is open, time in which this process was stopped (a virtual machine that is
        paused, a debugger) or its loop held up for seconds isn't the session's: nobody watched.
        """
        now = self._since_zero_ns()
        if self._open:
            if now - self._last_ns > _STOPPED_NS:
                now = self._leave_out()
            self._last_ns = now
        return now

    def _since_zero_ns(self) -> int:
        return (self._clock_ns() - self._zero_ns) // _STEP_NS * _STEP_NS

    def _leave_out(self) -> int:
        with self._leaving_out:  # other threads find the same gap
            now = self._since_zero_ns()
            if now - self._last_ns > _STOPPED_NS:
                self.log.info("streamnotice.stopped", for_ns=now - self._last_ns)
                self._zero_ns += now - self._last_ns
                self.stops += 1
                now = self._last_ns
            return now

    def opened(self, is_open: bool) -> None:
        """The time is asked for each second from now on, or no more."""
        self._last_ns = self._since_zero_ns()
        self._open = is_open

    def emit(self, observation: Observation) -> None:
        """Hand an observation to the engine. Never raises."""
        try:
            self._sink(observation)
        except Exception as error:
            self.failed("session.emit", error)

    def sight(self, sensor: str, sees: bool, why: str = "") -> None:
        """Say whether a sensor can see; repeated calls with the same words are dropped."""
        if self._sights.get(sensor) != (sees, why):
            self._sights[sensor] = (sees, why)
            self.emit(Sight(self.now(), sensor=sensor, sees=sees, why=why))

    @property
    def sights(self) -> dict[str, tuple[bool, str]]:
        return dict(self._sights)

    def ended(self, where: str, task: asyncio.Task[None]) -> None:
        """A task of a part is done, as its callback tells: `failed` if by an error."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failed(where, error)

    def failed(self, where: str, error: BaseException | str) -> None:
        """A part failed: logged and reported, never raised."""
        self.log.warning("streamnotice.failed", where=where, error=repr(error))
        if self._on_error is not None:
            self._on_error(where, error)

    def target(
        self,
        role: TargetRole,
        host: str,
        port: int,
        *,
        address: str | None = None,
        url: str | None = None,
    ) -> Target:
        """Register a far end (or its newly known address) and tell whoever waits for targets."""
        known = self._targets.get((host, port))
        made = Target(
            label=known.label if known else self.labels.host(f"{host}:{port}"),
            role=known.role if known else role,
            host=host,
            port=port,
            address=plain(address) if address else known.address if known else None,
            url=url or (known.url if known else None),
        )
        if made != known:
            self._targets[host, port] = made
            for tell in list(self._on_target):
                try:
                    tell(made)
                except Exception as error:
                    self.failed("session.target", error)
        return made

    def targets(self, role: TargetRole | None = None) -> list[Target]:
        # a copy: hosts' requests add to them on any thread
        return [t for t in list(self._targets.values()) if role is None or t.role == role]

    def addresses(self, role: TargetRole) -> list[str]:
        """Those in use by the targets of *role*, as far as they are known."""
        return [t.address for t in self.targets(role) if t.address]

    def on_target(self, tell: Callable[[Target], None]) -> None:
        """Be told of each target, those already known first."""
        self._on_target.append(tell)
        for target in list(self._targets.values()):
            tell(target)
