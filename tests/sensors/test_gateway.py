"""The home router's counters: read from a real server by the real library, and no further."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from lab import igd
from streamnotice.observations import HomeRouter, Observation, Sight
from streamnotice.policy import Policy
from streamnotice.sensors import gateway
from streamnotice.sensors.gateway import GatewaySensor, counted
from streamnotice.session import Session

pytest.importorskip("async_upnp_client", reason="elsewhere: the extra 'gateway' is not installed")


@given(before=st.integers(0, 2**40), after=st.integers(0, 2**40))
def test_a_difference_is_never_negative(before: int, after: int) -> None:
    found = counted(before, after)
    assert found is None or 0 <= found <= 2**40


def test_a_counter_may_wrap_or_start_anew() -> None:
    assert counted(100, 350) == 250
    assert counted(2**32 - 100, 50) == 150
    assert counted(1_000_000, 50) is None


@pytest.fixture
def counters(tmp_path: Path) -> Path:
    (tmp_path / "rx_bytes").write_text("5000\n")
    (tmp_path / "tx_bytes").write_text(f"{2**32 + 7}\n")
    return tmp_path


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


async def _ask(http: aiohttp.ClientSession, app: web.Application, path: str) -> Any:
    async with TestServer(app) as server:
        ask = await gateway._described(http, "127.0.0.1", str(server.make_url(path)))
        return None if ask is None else await ask()


async def test_a_routers_counters_are_read(http: aiohttp.ClientSession, counters: Path) -> None:
    assert await _ask(http, igd.make_app(counters), "/root.xml") == (5000, 7)


@pytest.mark.parametrize(
    "body",
    [
        "", "not xml", "<root/>", "<!DOCTYPE x [<!ENTITY a 'b'>]><root>&a;</root>",
        "x" * (gateway.MOST_BYTES + 1),
        igd._DEVICE.replace("<SCPDURL>", "<SCPDURL>http://203.0.113.1"),
        igd._DEVICE.replace(igd._SERVICE, "urn:other"),
    ],
    ids=["empty", "text", "bare", "entity", "long", "another machine", "no counters"],
)  # fmt: skip
async def test_what_is_no_router_gives_none(http: aiohttp.ClientSession, body: str) -> None:
    async def describe(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="text/xml")

    app = web.Application()
    app.add_routes([web.get("/root.xml", describe)])
    assert await _ask(http, app, "/root.xml") is None


def _told(media_bytes: int, before: tuple[int, int], after: tuple[int, int]) -> list[Observation]:
    seen: list[Observation] = []
    session = Session(Policy(), seen.append)
    GatewaySensor()._tell(session, before, after, 0, 5_000_000_000, media_bytes)
    return seen


def test_counts_become_an_observation() -> None:
    sight, told = _told(400_000, (0, 0), (900_000, 20_000))
    assert isinstance(sight, Sight)
    assert sight.sees
    assert isinstance(told, HomeRouter)
    assert (told.rx_bytes, told.tx_bytes, told.window_ns) == (900_000, 20_000, 5_000_000_000)


def test_counters_that_miss_our_own_media_are_not_believed() -> None:
    (sight,) = _told(400_000, (7, 7), (7, 7))
    assert isinstance(sight, Sight)
    assert not sight.sees


def test_a_router_that_started_anew_says_nothing_this_once() -> None:
    assert _told(400_000, (5_000_000, 9), (10, 10)) == []


SEARCH = """
import asyncio, gc, os
import aiohttp
from streamnotice.policy import Policy
from streamnotice.sensors import gateway
from streamnotice.session import Session

async def search():
    async with aiohttp.ClientSession() as http:
        task = asyncio.create_task(gateway._find(Session(Policy(), print), http))
        await asyncio.sleep(0.3)
        during = len(os.listdir("/proc/self/fd"))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)
        return during - len(os.listdir("/proc/self/fd"))

gc.disable()
print(asyncio.run(search()))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="elsewhere: only root makes a network of its own")
async def test_a_session_that_ends_while_it_searches_leaves_no_socket_open() -> None:
    inner = (
        f"ip link set lo up; ip route add 239.0.0.0/8 dev lo; exec {sys.executable} -c '{SEARCH}'"
    )
    done = await asyncio.to_thread(
        subprocess.run, ["unshare", "--net", "sh", "-c", inner],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.stdout == "1\n", done.stderr
