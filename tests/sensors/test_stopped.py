"""Counters that go on while the process is stopped: that time is left out of the session's."""

from __future__ import annotations

import asyncio
import time
from typing import TypeVar

import pytest

from streamnotice.observations import HomeRouter, HostLoad, Interface, Observation
from streamnotice.policy import Policy
from streamnotice.sensors import gateway, host, interface
from streamnotice.sensors.gateway import GatewaySensor
from streamnotice.sensors.host import Counters, HostSensor
from streamnotice.sensors.interface import InterfaceSensor
from streamnotice.sensors.routes import Way
from streamnotice.session import Session

T = TypeVar("T")


class Stopping:
    """An open session whose process is stopped for a minute, while counters go on."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []
        self.stopped_s = 0
        self.session = Session(Policy(), self.seen.append, clock_ns=self.clock_ns)
        self.session.opened(True)

    def clock_ns(self) -> int:
        return time.monotonic_ns() + self.stopped_s * 1_000_000_000

    def count(self) -> int:
        """A thousand a second."""
        return round((time.monotonic() + self.stopped_s) * 1000)

    async def told(self, kind: type[T]) -> list[T]:
        """What was told until two windows after the stop."""
        for number in (1, 3):
            async with asyncio.timeout(10):
                while len(self._of(kind)) < number:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            self.stopped_s = 60
        return self._of(kind)

    def _of(self, kind: type[T]) -> list[T]:
        return [one for one in self.seen if isinstance(one, kind)]


async def test_what_went_by_while_the_process_was_stopped_is_of_no_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A minute of others' traffic, told as of one second, would fill any line."""
    rig = Stopping()
    rig.session.target("service", "192.0.2.9", 80, address="192.0.2.9")
    monkeypatch.setattr(interface, "WINDOW_S", 0.1)
    monkeypatch.setattr(interface, "way_to", lambda _: Way("eth0", "192.0.2.1", "ethernet"))
    monkeypatch.setattr(interface, "read_counts", lambda _: (rig.count(), rig.count()))
    task = asyncio.create_task(InterfaceSensor().run(rig.session))
    told = await rig.told(Interface)
    task.cancel()
    assert all((one.rx_bytes or 0) < 10_000 for one in told)


async def test_nor_what_the_router_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Stopping()
    monkeypatch.setattr(gateway, "EVERY_S", dict.fromkeys(gateway.EVERY_S, 0.1))

    async def ask() -> tuple[int, int]:
        return rig.count(), rig.count()

    task = asyncio.create_task(GatewaySensor()._follow(rig.session, ask))
    told = await rig.told(HomeRouter)
    task.cancel()
    assert all(one.rx_bytes < 10_000 for one in told)


async def test_nor_how_long_others_had_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Stopping()
    sensor = HostSensor()
    monkeypatch.setattr(host, "WINDOW_NS", 100_000_000)
    monkeypatch.setattr(host, "monotonic_ns", rig.clock_ns)
    monkeypatch.setattr(sensor, "read", lambda: Counters({}, None, None, {"machine": rig.count()}))
    task = asyncio.create_task(sensor.run(rig.session))
    told = await rig.told(HostLoad)
    task.cancel()
    assert all((one.cpu_pressure_permille or 0) < 100 for one in told)


async def test_a_machine_that_was_paused_is_not_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Stopping()
    loop = asyncio.get_running_loop()
    real_s = loop.time
    monkeypatch.setattr(loop, "time", lambda: real_s() + rig.stopped_s)
    task = asyncio.create_task(HostSensor().run(rig.session))
    told = await rig.told(HostLoad)
    task.cancel()
    assert all((one.loop_lag_ns or 0) < 5_000_000_000 for one in told)
