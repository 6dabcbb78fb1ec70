"""The demo's stage: all servers up, a scenario's fault to be put in and taken out."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, Self

from streamnotice.demo.clip import QUALITIES, Clip
from streamnotice.demo.hogs import HashWork, Hogs
from streamnotice.demo.loopback import LoopbackServer
from streamnotice.demo.relay import Line, Relay
from streamnotice.demo.scenarios import SCENARIOS, Scenario
from streamnotice.demo.servers import Edge, Origin, Reference
from streamnotice.errors import HostError

if TYPE_CHECKING:
    from streamnotice.players.headless import HeadlessPlayer, RenditionChoice
    from streamnotice.watcher import Watcher

TARGET_S: Final = 10.0
"""The demo's player keeps a short buffer, so that it all fits under a minute."""
SLOW_EDGE_BPS: Final = 100_000
SLOW_EDGE_LATE_S: Final = 1.2
SLOW_ORIGIN_S: Final = 7.0
NARROW_LINE_BPS: Final = 120_000
CACHED_OF: Final = 3
"""With a slow origin, one segment in so many is in the cache (earlier viewers saw it)."""


class Demo:
    """Everything that a scenario needs, on loopback: `async with Demo("edge-slow") as demo`.

    The fault begins when `start_fault` is called; `run_fault` waits for its time first. With
    *fault_after_s* 0 it is there before anything is played.

    Args:
        scenario: a name out of `SCENARIOS`.
        fault_after_s: another time for the fault than the scenario's.

    Attributes:
        scenario: what is played.
        url: the master playlist.
        reference_url: what may be downloaded from the reference.

    Raises:
        HostError: there is no such scenario.
    """

    def __init__(self, scenario: str = "healthy", *, fault_after_s: float | None = None) -> None:
        if scenario not in SCENARIOS:
            known = ", ".join(SCENARIOS)
            raise HostError(f"unknown scenario {scenario!r}; known are {known}")
        self.scenario: Scenario = SCENARIOS[scenario]
        self.fault_after_s = self.scenario.fault_after_s if fault_after_s is None else fault_after_s
        self.url = ""
        self.reference_url = ""
        self.faulty = False
        self._clip = Clip()
        self._hogs = Hogs()
        self._stack = AsyncExitStack()
        self._origin: Origin
        self._edge: Edge
        self._edge_server: LoopbackServer
        self._line: Line | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._origin = Origin(self._clip)
            origin = await stack.enter_async_context(LoopbackServer(self._origin.app))
            self._edge = Edge(origin.base_url)
            self._edge_server = await stack.enter_async_context(LoopbackServer(self._edge.app))
            reference = await stack.enter_async_context(LoopbackServer(Reference().app))
            edge_url, reference_url = self._edge_server.base_url, reference.base_url
            if self.scenario.shaped:
                self._line = await stack.enter_async_context(Line())
                relays = [Relay(self._line, s.port) for s in (self._edge_server, reference)]
                for relay in relays:
                    await stack.enter_async_context(relay)
                edge_url, reference_url = (relay.base_url for relay in relays)
            self.url = f"{edge_url}/master.m3u8"
            self.reference_url = f"{reference_url}/probe.bin"
            await self._edge.warm(self._cached_paths())
            if self.fault_after_s == 0:
                await self.start_fault()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hogs.stop()
        await self._stack.aclose()

    def _cached_paths(self) -> list[str]:
        """What earlier viewers left in the edge's cache."""
        every = CACHED_OF if self.scenario.name == "origin-slow" else 1
        return [
            f"/{quality.name}/{index}.m4s"
            for quality in QUALITIES
            for index in range(0, self._clip.segments, every)
        ]

    def player_options(self) -> dict[str, Any]:
        """Keyword arguments for `HeadlessPlayer` that the scenario needs."""
        options: dict[str, Any] = {"target_s": TARGET_S}
        if self.scenario.hashes:
            options["work"] = HashWork()
        return options

    def player(self, watcher: Watcher, rendition: RenditionChoice = "auto") -> HeadlessPlayer:
        """The library's own player, set up for the scenario."""
        from streamnotice.players.headless import HeadlessPlayer

        return HeadlessPlayer(watcher, rendition, **self.player_options())

    async def run_fault(self) -> None:
        """Wait for the fault's time and put it in; returns at once if there is none."""
        if self.fault_after_s is not None and not self.faulty:
            await asyncio.sleep(self.fault_after_s)
            await self.start_fault()

    async def start_fault(self) -> None:
        """Put the scenario's fault in. Idempotent."""
        self.faulty = True
        match self.scenario.name:
            case "edge-slow":
                self._edge.pace_bps, self._edge.late_s = SLOW_EDGE_BPS, SLOW_EDGE_LATE_S
            case "edge-failing":
                self._edge.failing = True
            case "edge-unreachable":
                await self._edge_server.vanish()
            case "origin-slow":
                self._origin.delay_s = SLOW_ORIGIN_S
            case "link-slow" if self._line is not None:
                self._line.rate_bps = NARROW_LINE_BPS
            case "device-busy":
                self._hogs.start()

    async def end_fault(self) -> None:
        """Take it out again. Idempotent."""
        self.faulty = False
        self._edge.pace_bps, self._edge.late_s, self._edge.failing = None, 0.0, False
        self._origin.delay_s = 0.0
        if self._line is not None:
            self._line.rate_bps = None
        self._hogs.stop()
        await self._edge_server.return_()
