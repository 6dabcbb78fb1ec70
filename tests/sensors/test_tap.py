# ruff: noqa: SIM117 -- server, session and request are easier to tell apart when nested
"""The tap sees real requests on real sockets, and can't harm them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import socket
import ssl
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from streamnotice import Watcher
from streamnotice.observations import (
    FirstByte,
    LookUp,
    Observation,
    RequestConnected,
    RequestEnded,
    RequestStarted,
    Transfer,
)
from streamnotice.policy import Policy
from streamnotice.sensors.requests import RequestTracker
from streamnotice.sensors.tap import make_tap
from streamnotice.sensors.tcp_info import supported
from streamnotice.session import Session

BODY = b"x" * 300_000


class Rig:
    """A session whose observations are kept, and its tap."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []
        self.errors: list[tuple[str, object]] = []
        self.session = Session(
            Policy(), self.seen.append, on_error=lambda where, e: self.errors.append((where, e))
        )
        self.tracker = RequestTracker(self.session)
        self.tap = make_tap(self.tracker)

    def of(self, kind: type[Any], request: int | None = None) -> list[Any]:
        return [
            o
            for o in self.seen
            if isinstance(o, kind) and (request is None or o.request == request)
        ]

    def one_at_a_time(self) -> aiohttp.ClientSession:
        """A host's HTTP session with a pool of one connection."""
        return aiohttp.ClientSession(
            trace_configs=[self.tap], connector=aiohttp.TCPConnector(limit_per_host=1)
        )

    async def until(self, holds: Callable[[], object], limit_s: float = 8) -> None:
        async with asyncio.timeout(limit_s):
            while not holds():  # noqa: ASYNC110 -- the library signals nothing to tests
                await asyncio.sleep(0.01)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    yield rig
    rig.tracker.close()
    assert rig.errors == []


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def serve(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def whole(request: web.Request) -> web.StreamResponse:
    return web.Response(body=BODY, headers={"X-Cache": "HIT", "Age": "7"})


async def test_a_whole_segment_is_followed_from_start_to_end(rig: Rig) -> None:
    async with serve(whole) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        async with http.get(f"{base}/a/seg1.m4s?token=secret") as response:
            assert await response.read() == BODY
    (started,) = rig.of(RequestStarted)
    (connected,) = rig.of(RequestConnected)
    (first,) = rig.of(FirstByte)
    (ended,) = rig.of(RequestEnded)
    assert started.role == "media"
    assert (connected.reused, connected.dns_ns) == (False, None)
    assert connected.connect_ns > 0
    assert (first.status, first.length_bytes, first.cache) == (200, len(BODY), "hit")
    assert (first.cache_by, first.age_s) == ("x-cache", 7)
    assert (ended.received_bytes, ended.failure) == (len(BODY), None)
    assert started.at_ns <= connected.at_ns <= first.at_ns <= ended.at_ns
    assert rig.session.loads == 0
    assert rig.session.budget.media_bytes == len(BODY)
    (target,) = rig.session.targets("service")
    assert target.address == "127.0.0.1"
    assert target.label == started.host
    assert "secret" not in repr(rig.seen)
    assert "127.0.0.1" not in repr(rig.seen)


@pytest.mark.skipif(not supported(), reason="TCP_INFO is told by Linux only")
async def test_the_handshake_round_trip_is_read_before_the_answer(rig: Rig) -> None:
    async with serve(whole) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        for _ in range(2):
            async with http.get(f"{base}/seg.ts") as response:
                await response.read()
    fresh, reused = rig.of(RequestConnected)
    assert 0 < fresh.syn_rtt_ns < 1_000_000_000
    assert (reused.reused, reused.syn_rtt_ns, reused.connect_ns) == (True, None, None)
    labels = {t.socket for t in rig.of(Transfer)}
    assert len(labels) == 1
    assert rig.of(Transfer)[-1].socket_bytes >= 2 * len(BODY)


@pytest.mark.skipif(not supported(), reason="TCP_INFO is told by Linux only")
async def test_parallel_fresh_connections_each_get_their_own_socket(rig: Rig) -> None:
    async with serve(whole) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:

        async def fetch(n: int) -> None:
            async with http.get(f"{base}/{n}.ts") as response:
                await response.read()

        await asyncio.gather(*(fetch(n) for n in range(6)))
    connected = rig.of(RequestConnected)
    assert len(connected) == 6
    assert all(c.syn_rtt_ns for c in connected)
    per_request = {t.request: t.socket for t in rig.of(Transfer)}
    assert len(set(per_request.values())) == 6


async def test_progress_is_told_while_the_body_comes(rig: Rig) -> None:
    go = asyncio.Event()

    async def halves(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "2000"})
        await response.prepare(request)
        await response.write(b"a" * 1000)
        await go.wait()
        await response.write(b"b" * 1000)
        return response

    async with serve(halves) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        async with http.get(f"{base}/seg.mp4") as response:
            await rig.until(lambda: [t for t in rig.of(Transfer) if t.received_bytes == 1000])
            assert rig.session.loads == 1
            assert rig.of(RequestEnded) == []
            go.set()
            assert len(await response.read()) == 2000
    assert rig.of(RequestEnded)[0].received_bytes == 2000


async def test_an_unanswered_request_says_nothing_but_is_under_way(rig: Rig) -> None:
    hang = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        await hang.wait()
        return web.Response()

    async with serve(silent) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        task = asyncio.create_task(http.get(f"{base}/seg.ts"))
        await rig.until(lambda: rig.of(RequestConnected))
        assert [r.number for r in rig.tracker.active] == [1]
        assert rig.of(FirstByte) == []
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert rig.of(RequestEnded)[0].failure == "cancelled"
        hang.set()


async def test_a_dropped_body_is_noticed(rig: Rig) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"z" * 1000)
            await asyncio.sleep(0.01)
        return response

    async with serve(endless) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        response = await http.get(f"{base}/seg.ts")
        await response.content.read(10)
        response.close()
        await rig.until(lambda: rig.of(RequestEnded))
    (ended,) = rig.of(RequestEnded)
    assert ended.failure == "cancelled"
    assert 0 < ended.received_bytes < 1_000_000


async def test_the_hosts_response_is_not_kept_alive(rig: Rig) -> None:
    gone = asyncio.Event()

    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100000"})
        await response.prepare(request)
        await response.write(b"z")
        await gone.wait()
        return response

    async with serve(trickle) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        response = await http.get(f"{base}/seg.ts")
        watch = weakref.ref(response)
        response.close()
        del response
        await rig.until(lambda: gc.collect() >= 0 and watch() is None)
        await rig.until(lambda: rig.of(RequestEnded))
        gone.set()
    assert rig.of(RequestEnded)[0].failure == "cancelled"


async def test_a_total_timeout_is_a_timeout_not_a_cancellation(rig: Rig) -> None:
    async def stuck(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100000"})
        await response.prepare(request)
        await response.write(b"z" * 10)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(5)
        return response

    timeout = aiohttp.ClientTimeout(total=0.3)
    async with serve(stuck) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        with pytest.raises(TimeoutError):
            async with http.get(f"{base}/seg.ts", timeout=timeout) as response:
                await response.read()
        await rig.until(lambda: rig.of(RequestEnded))
    assert rig.of(RequestEnded)[0].failure == "timeout"


async def test_a_truncated_body_is_named(rig: Rig) -> None:
    async def short(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"z" * 10)
        assert request.transport is not None
        request.transport.close()
        return response

    async with serve(short) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        with pytest.raises(aiohttp.ClientPayloadError):
            async with http.get(f"{base}/seg.ts") as response:
                await response.read()
        await rig.until(lambda: rig.of(RequestEnded))
    assert rig.of(RequestEnded)[0].failure == "truncated"


async def test_a_redirect_ends_one_request_and_starts_another(rig: Rig) -> None:
    async def redirect(request: web.Request) -> web.StreamResponse:
        if request.path == "/go":
            raise web.HTTPFound("/final.ts")
        return web.Response(body=b"media")

    async with serve(redirect) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        async with http.get(f"{base}/go", trace_request_ctx={"role": "media"}) as response:
            assert await response.read() == b"media"
    assert [s.role for s in rig.of(RequestStarted)] == ["media", "media"]
    assert [f.status for f in rig.of(FirstByte)] == [302, 200]
    assert [(e.request, e.failure) for e in rig.of(RequestEnded)] == [(1, None), (2, None)]
    assert rig.tracker.active == []


async def test_going_round_in_circles_is_a_failure(rig: Rig) -> None:
    """Each hop is an answer; what was asked for never comes."""

    async def round_and_round(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(request.rel_url)

    async with (
        serve(round_and_round) as base,
        aiohttp.ClientSession(trace_configs=[rig.tap]) as http,
    ):
        with pytest.raises(aiohttp.TooManyRedirects):
            await http.get(f"{base}/seg.ts", max_redirects=3)
    assert {f.status for f in rig.of(FirstByte)} == {302}
    *hops, last = rig.of(RequestEnded)
    assert {e.failure for e in hops} == {None}
    assert last.failure == "other"
    assert rig.of(FirstByte, last.request) == []
    assert rig.tracker.active == []


async def test_an_error_status_is_an_answer_also_when_the_host_raises_for_it(rig: Rig) -> None:
    async def missing(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503, text="busy")

    async with (
        serve(missing) as base,
        aiohttp.ClientSession(trace_configs=[rig.tap], raise_for_status=True) as http,
    ):
        with pytest.raises(aiohttp.ClientResponseError):
            await http.get(f"{base}/list.m3u8")
    assert rig.of(FirstByte)[0].status == 503
    assert rig.of(RequestEnded)[0].failure is None


async def test_a_head_request_and_an_empty_body_end_at_once(rig: Rig) -> None:
    async def empty(request: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    async with serve(empty) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        async with http.get(f"{base}/seg.ts"):
            await rig.until(lambda: rig.of(RequestEnded))
        async with http.head(f"{base}/seg.ts"):
            await rig.until(lambda: len(rig.of(RequestEnded)) == 2)
    assert [e.failure for e in rig.of(RequestEnded)] == [None, None]


async def test_a_compressed_body_is_counted_as_it_was_carried(rig: Rig) -> None:
    packed = gzip.compress(b"a" * 100_000)

    async def zipped(request: web.Request) -> web.StreamResponse:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with serve(zipped) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        async with http.get(f"{base}/list.m3u8") as response:
            assert len(await response.read()) == 100_000
            carried = hasattr(response.content, "total_raw_bytes")
    assert rig.of(RequestEnded)[0].received_bytes == (len(packed) if carried else 100_000)


async def test_refused_and_unresolved_are_told_apart(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as placeholder:  # bound, not listening: nobody else can take the port
        placeholder.bind(("127.0.0.1", 0))
        port = placeholder.getsockname()[1]
        async with aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
            with pytest.raises(aiohttp.ClientConnectorError):
                await http.get(f"http://127.0.0.1:{port}/seg.ts")

    async def nowhere(*args: Any, **kinds: Any) -> Any:
        raise OSError(None, "no such name")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nowhere)
    async with aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            await http.get("http://name.invalid/seg.ts")
    assert [e.failure for e in rig.of(RequestEnded)] == ["refused", "dns"]
    # a server that can't be reached is still where probes should look
    assert {t.host for t in rig.session.targets("service")} == {"127.0.0.1", "name.invalid"}


async def test_no_tls_where_tls_was_asked_for(rig: Rig) -> None:
    async with serve(whole) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(
                base.replace("http:", "https:") + "/seg.ts", ssl=ssl.create_default_context()
            )
    assert rig.of(RequestEnded)[0].failure == "tls"


async def test_garbage_instead_of_http(rig: Rig) -> None:
    async def garble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x00\x01 what?\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(garble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        with pytest.raises(aiohttp.ClientError):
            await http.get(f"http://127.0.0.1:{port}/seg.ts")
    assert rig.of(FirstByte) == []
    assert rig.of(RequestEnded)[0].failure == "other"


async def test_a_server_that_hangs_up_is_a_reset(rig: Rig) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await http.get(f"http://127.0.0.1:{port}/seg.ts")
    assert rig.of(RequestEnded)[-1].failure == "reset"


@pytest.mark.expects_failure
@pytest.mark.parametrize(
    "broken", ["start", "learn_address", "forget", "say_headers"], ids=lambda b: str(b)
)
async def test_whatever_breaks_inside_never_reaches_the_host(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig()

    def explode(*args: object, **kwargs: object) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(rig.tracker, broken, explode)
    async with serve(whole) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        async with http.get(f"{base}/seg.ts") as response:
            assert await response.read() == BODY
    monkeypatch.undo()
    rig.tracker.close()
    if broken != "forget":
        assert rig.errors


async def test_even_a_report_that_fails_never_reaches_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()

    def explode(*args: object, **kwargs: object) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(rig.tracker, "start", explode)
    monkeypatch.setattr(rig.session, "failed", explode)
    async with serve(whole) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        async with http.get(f"{base}/seg.ts") as response:
            assert await response.read() == BODY


async def test_after_the_end_of_the_session_the_tap_is_silent(rig: Rig) -> None:
    async with serve(whole) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        rig.tracker.close()
        before = len(rig.seen)
        async with http.get(f"{base}/seg.ts") as response:
            assert await response.read() == BODY
    assert len(rig.seen) == before
    assert rig.session.loads == 0


class Slowly(aiohttp.abc.AbstractResolver):
    """Resolves every name to this computer once it may, or fails to."""

    def __init__(self, fails: bool = False) -> None:
        self.may = asyncio.Event()
        self.fails = fails

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
        await self.may.wait()
        if self.fails:
            raise OSError(None, "no such name")
        return [
            {"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET,
             "proto": 0, "flags": socket.AI_NUMERICHOST}
        ]  # fmt: skip

    async def close(self) -> None:
        return None


@contextlib.asynccontextmanager
async def client(
    rig: Rig, resolver: aiohttp.abc.AbstractResolver
) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(resolver=resolver)
    async with aiohttp.ClientSession(trace_configs=[rig.tap], connector=connector) as http:
        yield http


async def test_look_ups_are_told_of_as_they_begin_and_end(rig: Rig) -> None:
    resolver = Slowly()
    async with serve(whole) as base, client(rig, resolver) as http:
        url = f"{base.replace('127.0.0.1', 'media.example')}/seg.ts"
        first = asyncio.create_task(http.get(url))
        await rig.until(lambda: rig.of(LookUp))
        second = asyncio.create_task(http.get(url))  # waits for the first one's look-up
        await rig.until(lambda: rig.of(RequestStarted, 2))
        await asyncio.sleep(0.05)
        assert [(e.request, e.dns_ns) for e in rig.of(LookUp)] == [(1, None)]
        resolver.may.set()
        for response in await asyncio.gather(first, second):
            response.close()
    begun, ended = rig.of(LookUp)
    assert (begun.request, ended.request) == (1, 1)
    assert ended.dns_ns == rig.of(RequestConnected, 1)[0].dns_ns
    assert ended.dns_ns == pytest.approx(ended.at_ns - begun.at_ns, abs=20_000_000)


async def test_a_retry_while_the_look_up_goes_on_is_not_told_of_as_looked_up(rig: Rig) -> None:
    resolver = Slowly()
    async with client(rig, resolver) as http:
        for _ in range(2):
            with pytest.raises(asyncio.TimeoutError):
                await http.get(
                    "http://media.example/seg.ts", timeout=aiohttp.ClientTimeout(total=0.1)
                )
    assert [(e.request, e.dns_ns) for e in rig.of(LookUp)] == [(1, None)]


async def test_a_look_up_that_fails_is_never_told_of_as_ended(rig: Rig) -> None:
    resolver = Slowly(fails=True)
    resolver.may.set()
    async with client(rig, resolver) as http:
        for _ in range(2):
            with pytest.raises(aiohttp.ClientConnectorDNSError):
                await http.get("http://media.example/seg.ts")
    assert [(e.request, e.dns_ns) for e in rig.of(LookUp)] == [(1, None), (2, None)]


async def test_a_proxys_name_is_not_the_servers(rig: Rig) -> None:
    async with serve(whole) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        proxy = base.replace("127.0.0.1", "localhost")
        await (await http.get("http://media.example/seg.ts", proxy=proxy)).read()
    assert rig.of(LookUp) == []
    assert "media.example" not in {t.host for t in rig.session.targets("service")}


async def test_who_resolves_names_in_a_way_of_its_own_has_them_kept(rig: Rig) -> None:
    """Over HTTPS, say, or at the far end of Tor: the system must not be asked for them."""
    resolver = Slowly(fails=True)
    resolver.may.set()
    async with client(rig, resolver) as http:
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            await http.get("http://media.example/seg.ts")
    assert rig.session.targets("service") == []
    async with serve(whole) as base, client(rig, Slowly()) as http:
        await (await http.get(f"{base}/seg.ts")).read()  # an address is no name
        http.connector._resolver.may.set()  # type: ignore[union-attr]
        await (await http.get(f"{base.replace('127.0.0.1', 'media.example')}/seg.ts")).read()
    # what was connected to is known all the same
    assert {t.host for t in rig.session.targets("service")} == {"127.0.0.1", "media.example"}


class Socks(aiohttp.TCPConnector):
    """Stands for connectors that leave names to their proxy."""


async def test_a_connector_that_does_not_look_names_up_tells_of_no_look_ups(rig: Rig) -> None:
    resolver = Slowly()
    resolver.may.set()
    connector = Socks(resolver=resolver)
    async with serve(whole) as base, aiohttp.ClientSession(
        trace_configs=[rig.tap], connector=connector
    ) as http:  # fmt: skip
        await (await http.get(f"{base.replace('127.0.0.1', 'media.example')}/seg.ts")).read()
    assert rig.of(LookUp) == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_server_that_can_not_be_connected_to_is_a_target_at_once(
    rig: Rig, host: str
) -> None:
    """Not only when the player's patience has ended: the path is worth following now."""
    with socket.create_server(("127.0.0.1", 0)) as never_speaks_tls:
        port = never_speaks_tls.getsockname()[1]
        async with aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
            asking = asyncio.create_task(http.get(f"https://{host}:{port}/seg.ts"))
            await rig.until(lambda: rig.session.targets("service"))
            assert rig.of(RequestEnded) == []
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
    (target,) = rig.session.targets("service")
    known = None if host == "localhost" else host
    assert (target.host, target.port, target.address) == (host, port, known)


async def test_a_server_behind_a_proxy_is_not_followed_beside_it(rig: Rig) -> None:
    """A session that may go by the environment's proxies may not connect to it at all."""
    with socket.create_server(("127.0.0.1", 0)) as never_speaks_tls:
        port = never_speaks_tls.getsockname()[1]
        async with aiohttp.ClientSession(trace_configs=[rig.tap], trust_env=True) as http:
            asking = asyncio.create_task(http.get(f"https://127.0.0.1:{port}/seg.ts"))
            await asyncio.sleep(1.5)
            assert rig.session.targets("service") == []
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)


async def test_a_server_that_thinks_is_none_before_it_answers(rig: Rig) -> None:
    """It may only send the player on to another one."""
    go_on = asyncio.Event()

    async def late(request: web.Request) -> web.StreamResponse:
        await go_on.wait()
        return await whole(request)

    async with serve(late) as base, aiohttp.ClientSession(trace_configs=[rig.tap]) as http:
        asking = asyncio.create_task(http.get(f"{base.replace('127.0.0.1', 'localhost')}/seg.ts"))
        await rig.until(lambda: rig.of(RequestConnected))
        await asyncio.sleep(1.3)
        assert rig.session.targets("service") == []
        go_on.set()
        await (await asking).read()
    assert len(rig.session.targets("service")) == 1


async def test_who_waits_for_a_place_in_the_hosts_own_pool_waits_for_no_server(rig: Rig) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.3)
        return web.Response(body=BODY)

    async with serve(slow) as base, rig.one_at_a_time() as http:

        async def fetch(name: str) -> None:
            async with http.get(f"{base}/{name}", trace_request_ctx={"role": "media"}) as answer:
                await answer.read()

        await asyncio.gather(fetch("first"), fetch("second"))
    first, _, again = rig.of(RequestStarted)
    assert again.role == "media"
    by_request = {ended.request: ended for ended in rig.of(RequestEnded)}
    assert [by_request[number].failure for number in (1, 2, 3)] == [None, "cancelled", None]
    assert by_request[2].at_ns - first.at_ns < 150_000_000
    assert again.at_ns >= by_request[1].at_ns - 50_000_000
    assert [answer.request for answer in rig.of(FirstByte)] == [1, 3]


async def test_who_gives_up_in_the_hosts_own_pool_has_asked_nobody(rig: Rig) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.5)
        return web.Response(body=BODY)

    async with serve(slow) as base, rig.one_at_a_time() as http:
        first = asyncio.create_task(http.get(f"{base}/0.ts"))
        await asyncio.sleep(0.1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await http.get(f"{base}/1.ts")
        await (await first).read()
    assert [ended.failure for ended in rig.of(RequestEnded)] == ["cancelled", None]


@pytest.mark.skipif(not supported(), reason="the system tells no TCP_INFO")
async def test_a_player_that_reads_no_further_wants_no_more() -> None:
    """One long answer, read from a lower mark of the buffer to an upper one: nothing starves."""

    async def film(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(100_000_000)})
        await response.prepare(request)
        for _ in range(1000):
            await response.write(bytes(100_000))
        return response

    async with serve(film) as base, Watcher() as w:
        told: list[bool | None] = []

        def tell(buffer_s: float, wants: bool | None = None) -> None:
            w.playback(state="playing", buffer_s=buffer_s, wants_data=wants)
            told.append(w._engine.estimates.playback.wants_data)

        async with aiohttp.ClientSession(trace_configs=[w.tap]) as http:
            async with http.get(f"{base}/film.mp4") as answer:
                await answer.content.read(50_000)
                tell(20.0)
                await asyncio.sleep(2.5)
                tell(17.5)
                tell(16.0, True)
                tell(3.5)
                for _ in range(60):
                    await answer.content.read(200_000)
                await asyncio.sleep(0.3)
                for _ in range(10):
                    await answer.content.read(200_000)
                await asyncio.sleep(0.3)
                tell(19.0)
    assert told == [None, False, True, None, None]
