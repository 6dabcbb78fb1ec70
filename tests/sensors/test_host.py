"""The host's own state: parsers by example, the sensor on this machine."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from streamnotice.observations import HostLoad, Observation
from streamnotice.policy import Policy
from streamnotice.sensors.host import (
    Counters,
    HostSensor,
    load_between,
    parse_pressure,
    parse_run_delay,
    parse_stat,
)
from streamnotice.session import Session


def test_parsers() -> None:
    assert parse_stat("cpu  10 1 5 80 4 0 0 0 0 0\ncpu0 ...") == (16, 100)
    text = "some avg10=0.87 avg60=0.70 avg300=0.53 total=7182356\nfull avg10=0.00 total=1\n"
    assert parse_pressure(text) == 7182356
    assert parse_run_delay("123 47160 1\n") == 47160
    for junk in ("", "cpu x", "some", "some total=-1", "full total=3", "a b c"):
        assert parse_stat(junk) is None
        assert parse_pressure(junk) is None
        assert parse_run_delay(junk) is None


def test_shares_of_a_window() -> None:
    before = Counters({"1": 0, "2": 100}, 100, 1000, {"machine": 0, "group": 50})
    after = Counters({"1": 400_000_000, "3": 9}, 250, 1300, {"machine": 100_000, "group": 250_050})
    assert load_between(before, after, 10**9) == (400, 500, 250)
    assert load_between(Counters(), Counters(), 10**9) == (None, None, None)


def test_elsewhere_only_the_loop_is_seen(tmp_path: Path) -> None:
    assert HostSensor(tmp_path, tmp_path).read() == Counters()


async def test_a_blocked_loop_is_seen() -> None:
    seen: list[Observation] = []
    session = Session(Policy(), seen.append)
    task = asyncio.create_task(HostSensor().run(session))
    await asyncio.sleep(0.3)
    time.sleep(0.4)  # noqa: ASYNC251 -- the very thing that is to be noticed
    async with asyncio.timeout(10):
        while not any(isinstance(o, HostLoad) for o in seen):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    load = next(o for o in seen if isinstance(o, HostLoad))
    assert load.loop_lag_ns is not None
    assert load.loop_lag_ns >= 200_000_000
    assert load.window_ns >= 10**9
