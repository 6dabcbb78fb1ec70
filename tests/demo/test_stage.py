"""The demo's stage: servers that tell the truth of themselves, faults that come and go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from streamnotice.demo import SCENARIOS, Demo
from streamnotice.demo.clip import QUALITIES, Clip
from streamnotice.demo.hogs import Hogs
from streamnotice.demo.loopback import LoopbackServer, listening_socket
from streamnotice.demo.relay import Line, Relay
from streamnotice.demo.servers import Edge, Origin
from streamnotice.errors import HostError
from streamnotice.players import hls


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def edge_of(origin: Origin, stack: list[LoopbackServer]) -> tuple[Edge, str]:
    behind = LoopbackServer(origin.app)
    await behind.__aenter__()
    edge = Edge(behind.base_url)
    front = LoopbackServer(edge.app)
    await front.__aenter__()
    stack += [front, behind]
    return edge, front.base_url


@pytest.fixture
async def chain() -> AsyncIterator[tuple[Origin, Edge, str, list[LoopbackServer]]]:
    """An origin, the edge before it, the edge's address, and both servers (edge first)."""
    servers: list[LoopbackServer] = []
    origin = Origin(Clip())
    edge, url = await edge_of(origin, servers)
    try:
        yield origin, edge, url, servers
    finally:
        for server in servers:
            await server.__aexit__()


Chain = tuple[Origin, Edge, str, list[LoopbackServer]]


async def test_the_first_is_a_miss_and_the_next_a_hit(
    chain: Chain, http: aiohttp.ClientSession
) -> None:
    origin, _, url, _ = chain
    origin.delay_s = 0.2
    async with http.get(f"{url}/low/0.m4s") as first:
        body = await first.read()
        assert first.headers["X-Cache"] == "MISS"
        assert first.headers["Cache-Status"] == "demo-edge; fwd=uri-miss; fwd-status=200; stored"
        assert "Age" not in first.headers
        # what it says of the origin is what it measured
        timing = first.headers["Server-Timing"]
        assert float(timing.partition("origin;dur=")[2]) >= 200
    async with http.get(f"{url}/low/0.m4s") as second:
        assert await second.read() == body
        assert second.headers["X-Cache"] == "HIT"
        assert second.headers["Cache-Status"].startswith("demo-edge; hit; ttl=")
        assert second.headers["Age"] == "0"
        assert "origin" not in second.headers["Server-Timing"]


async def test_many_who_miss_at_once_are_one_request_to_the_origin(
    chain: Chain, http: aiohttp.ClientSession
) -> None:
    chain[0].delay_s = 0.2

    async def ask() -> str:
        async with http.get(f"{chain[2]}/low/1.m4s") as response:
            return response.headers["X-Cache"]

    assert sorted(await asyncio.gather(*(ask() for _ in range(4)))) == ["HIT"] * 3 + ["MISS"]


async def test_errors_are_passed_on_and_not_kept(chain: Chain, http: aiohttp.ClientSession) -> None:
    _, edge, url, servers = chain
    async with http.get(f"{url}/low/9999.m4s") as response:
        assert response.status == 404
        assert response.headers["Cache-Status"] == "demo-edge; fwd=uri-miss; fwd-status=404"
    edge.failing = True
    async with http.get(f"{url}/low/0.m4s") as response:
        assert response.status == 503
        assert "X-Cache" not in response.headers  # it didn't look: neither hit nor miss
    edge.failing = False
    await servers[1].vanish()
    async with http.get(f"{url}/low/0.m4s") as response:
        assert response.status == 502
        assert "connection_refused" in response.headers["Cache-Status"]


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=99999999-", 416, slice(0, 0)),
        ("lines=1-2", 200, slice(None)),
    ],
)
async def test_ranges(
    chain: Chain, http: aiohttp.ClientSession, asked: str, status: int, part: slice
) -> None:
    found = Clip().get("/low/0.m4s")
    assert found is not None
    async with http.get(f"{chain[2]}/low/0.m4s", headers={"Range": asked}) as response:
        assert response.status == status
        assert await response.read() == found[0][part]


async def test_a_viewer_who_leaves_in_mid_answer_harms_nobody(
    chain: Chain, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    _, edge, url, _ = chain
    edge.pace_bps = 50_000
    response = await http.get(f"{url}/high/0.m4s")
    response.close()
    edge.late_s = 0.1
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(http.get(f"{url}/high/1.m4s"), 0.05)
    edge.late_s = 0.0
    await asyncio.sleep(0.4)
    async with http.get(f"{url}/master.m3u8") as response:
        assert response.status == 200
    assert "Traceback" not in caplog.text
    assert "Error handling request" not in caplog.text


async def test_a_vanished_server_refuses_and_comes_back(http: aiohttp.ClientSession) -> None:
    app = web.Application()
    app.router.add_get("/", _text)
    async with LoopbackServer(app) as server:
        await server.vanish()
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(server.base_url)
        await server.return_()
        async with http.get(server.base_url) as response:
            assert response.status == 200


async def _text(request: web.Request) -> web.Response:
    return web.Response(text="x" * 40_000)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "localhost", ""])
def test_it_listens_on_loopback_and_nowhere_else(host: str) -> None:
    with pytest.raises(HostError, match="loopback addresses only"):
        listening_socket(host)


async def test_a_full_line_is_shared_with_who_comes_later(http: aiohttp.ClientSession) -> None:
    """A download in progress must not keep the line to itself."""
    app = web.Application()
    app.router.add_get("/", _text)
    async with (
        LoopbackServer(app) as one,
        LoopbackServer(app) as other,
        Line(rate_bps=200_000) as line,
        Relay(line, one.port) as first,
        Relay(line, other.port) as second,
    ):
        began_s = time.monotonic()
        early = asyncio.create_task(_size(http, first.base_url))
        await asyncio.sleep(0.3)
        late = asyncio.create_task(_size(http, second.base_url))
        async with asyncio.timeout(10):
            async with http.get(first.base_url.replace(str(first.port), str(second.port))) as third:
                await third.content.readany()
                assert not early.done()
            assert await early == 40_000
            assert await late == 40_000
        # 80 kB and a little over one line of 200 kbit/s
        assert time.monotonic() - began_s > 80_000 * 8 / 200_000 * 0.95


async def _size(http: aiohttp.ClientSession, url: str) -> int:
    async with http.get(url) as response:
        return len(await response.read())


def test_the_clip_is_one_film_however_often_it_is_repeated() -> None:
    clip = Clip(repeats=3)
    for quality in QUALITIES:
        found = clip.get(f"/{quality.name}/index.m3u8")
        assert found is not None
        read = hls.parse(found[0].decode(), "http://demo/x/index.m3u8")
        assert isinstance(read, hls.MediaPlaylist)
        assert len(read.segments) == clip.segments == 36
        assert sum(s.duration_s for s in read.segments) == clip.duration_s
        first, again = clip.get(f"/{quality.name}/0.m4s"), clip.get(f"/{quality.name}/12.m4s")
        assert first is not None
        assert again is not None
        assert len(first[0]) == len(again[0])
        assert first[0] != again[0]  # its decode time has moved on
    for path in ("/low/36.m4s", "/low/007.m4s", "/low/-1.m4s", "/other/0.m4s", "/../etc", ""):
        assert clip.get(path) is None


@pytest.mark.parametrize("name", sorted(SCENARIOS))
async def test_each_stage_serves_and_its_fault_comes_and_goes(
    name: str, http: aiohttp.ClientSession
) -> None:
    async with Demo(name) as demo:
        for url in (demo.url, demo.reference_url):
            assert url.startswith("http://127.0.0.1:")
            async with http.get(url) as response:
                assert response.status == 200
        await demo.start_fault()
        assert demo.faulty
        await demo.end_fault()
        await demo.end_fault()
        async with http.get(demo.url) as response:
            assert response.status == 200
            assert (await response.text()).startswith("#EXTM3U")


def test_each_scenario_is_over_within_a_minute_and_leaves_time_for_a_notice() -> None:
    for scenario in SCENARIOS.values():
        assert scenario.duration_s < 60
        if scenario.fault_after_s is not None:
            assert scenario.duration_s - scenario.fault_after_s > 30


def test_hogs_are_gone_when_they_are_stopped() -> None:
    hogs = Hogs()
    hogs.start()
    processes = list(hogs._processes)
    hogs.stop()
    hogs.stop()
    assert processes
    assert all(process.returncode is not None for process in processes)


def test_an_unknown_scenario_is_said() -> None:
    with pytest.raises(HostError, match="unknown scenario 'moon'"):
        Demo("moon")
