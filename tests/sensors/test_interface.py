"""What goes over the interface towards the service."""

from __future__ import annotations

import asyncio

import pytest

from streamnotice.observations import Interface, Observation
from streamnotice.policy import Policy
from streamnotice.sensors import interface
from streamnotice.sensors.interface import InterfaceSensor, read_counts
from streamnotice.sensors.routes import Way
from streamnotice.session import Session


async def test_what_stays_on_this_computer_is_not_counted() -> None:
    """A proxy here: the loopback counts all twice, and what else goes over it never leaves."""
    assert read_counts("lo") is not None
    seen: list[Observation] = []
    session = Session(Policy(), seen.append)
    session.target("service", "127.0.0.1", 8080, address="127.0.0.1")
    task = asyncio.create_task(InterfaceSensor().run(session))
    async with asyncio.timeout(10):
        while "interface" not in session.sights:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await asyncio.sleep(1.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not [one for one in seen if isinstance(one, Interface)]
    assert session.sights["interface"] == (
        False, "the service, or a proxy to it, is on this computer"
    )  # fmt: skip


async def test_before_an_address_is_known_the_usual_way_tells_the_medium(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Names may fail for good: that there is no tunnel is known even so."""
    ways = [Way("eth0", "192.0.2.1", "ethernet")]
    monkeypatch.setattr(interface, "default_ways", lambda: ways)
    seen: list[Observation] = []
    session = Session(Policy(), seen.append)
    task = asyncio.create_task(InterfaceSensor().run(session))
    async with asyncio.timeout(10):
        while not [one for one in seen if isinstance(one, Interface)]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    (told,) = [one for one in seen if isinstance(one, Interface)]
    assert (told.medium, told.rx_bytes) == ("ethernet", None)
    assert 900_000_000 < told.window_ns < 3_000_000_000
    ways.append(Way("wlan0", "2001:db8::1", "wifi"))
    await asyncio.sleep(1.3)
    assert len([one for one in seen if isinstance(one, Interface)]) == 1, "two ways, two media"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
