"""The tap proxy over real sockets: transparent to the player, closed to all others."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiohttp
import attrs
import pytest
from aiohttp import web
from upstream import Upstream, upstream
from yarl import URL

from streamnotice.errors import HostError
from streamnotice.observations import LiveEdge, Observation, RequestStarted
from streamnotice.players.proxy import MAX_PLAYLIST_BYTES, TapProxy
from streamnotice.watcher import Watcher


@attrs.define
class Rig:
    up: Upstream
    watcher: Watcher
    proxy: TapProxy
    player: aiohttp.ClientSession


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with (
        upstream() as up,
        Watcher() as watcher,
        TapProxy(watcher, silence_timeout_s=0.6) as proxy,
        aiohttp.ClientSession(
            auto_decompress=False, skip_auto_headers=("Accept-Encoding",)
        ) as player,
    ):
        yield Rig(up, watcher, proxy, player)


async def lines_of(rig: Rig, url: str) -> list[str]:
    async with rig.player.get(url) as answer:
        assert answer.status == 200
        return (await answer.text()).splitlines()


def addresses(lines: list[str]) -> list[str]:
    return [line for line in lines if line and not line.startswith("#")]


async def test_a_whole_presentation_comes_through_unchanged(rig: Rig) -> None:
    local = await rig.proxy.open(rig.up.base + "/master.m3u8")
    variants = addresses(await lines_of(rig, local))
    assert len(variants) == 2
    assert rig.proxy.ladder_bps == [300_000, 820_000]
    media = await lines_of(rig, variants[0])
    assert rig.proxy.live is False
    wanted = [*addresses(media)[:3]]
    assert all(url.startswith(rig.proxy.base) for url in wanted)
    for number, url in enumerate(wanted):
        async with (
            rig.player.get(url) as got,
            rig.player.get(f"{rig.up.base}/low/{number}.m4s") as direct,
        ):
            assert url.endswith(".m4s")
            assert got.content_type == direct.content_type
            assert await got.read() == await direct.read()
    assert rig.watcher.session.budget.media_bytes > 100_000  # the tap saw it
    assert rig.proxy.seen(local) == await rig.proxy.look(local)


async def test_ranges_pass_and_partial_answers_come_back(rig: Rig) -> None:
    body = bytes(range(256)) * 40

    async def ranged(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-Range") not in (None, '"v1"'):
            return web.Response(body=body, headers={"ETag": '"v2"'})
        part = request.http_range
        if part.start is None:
            return web.Response(body=body)
        if part.start >= len(body):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
        piece = body[part]
        end = part.start + len(piece) - 1
        return web.Response(
            status=206,
            body=piece,
            headers={"Content-Range": f"bytes {part.start}-{end}/{len(body)}", "ETag": '"v1"'},
        )

    local = await rig.proxy.open(rig.up.answer("/film.mp4", ranged))
    async with rig.player.get(local, headers={"Range": "bytes=10-19"}) as answer:
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes 10-19/{len(body)}"
        assert await answer.read() == body[10:20]
    async with rig.player.get(
        local, headers={"Range": "bytes=10-19", "If-Range": '"old"'}
    ) as answer:
        assert (answer.status, await answer.read()) == (200, body)
    async with rig.player.get(local, headers={"Range": "bytes=99999-"}) as answer:
        assert answer.status == 416
    async with rig.player.get(local, headers={"Range": "bytes=0-"}) as answer:
        assert (answer.status, await answer.read()) == (206, body)


async def test_a_playlist_asked_for_by_range_is_rewritten_whole(rig: Rig) -> None:
    text = "#EXTM3U\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n"

    async def ranged(request: web.Request) -> web.StreamResponse:
        return web.Response(
            status=206,
            text=text,
            headers={"Content-Range": f"bytes 0-{len(text) - 1}/{len(text)}"},
        )

    local = await rig.proxy.open(rig.up.answer("/list", ranged))
    async with rig.player.get(local, headers={"Range": "bytes=0-"}) as answer:
        assert answer.status == 200
        assert "Content-Range" not in answer.headers
        assert addresses((await answer.text()).splitlines())[0].startswith(rig.proxy.base)


async def test_head_tells_what_the_server_tells(rig: Rig) -> None:
    local = await rig.proxy.open(rig.up.base + "/low/0.m4s")
    async with (
        rig.player.head(local) as through,
        rig.player.head(rig.up.base + "/low/0.m4s") as direct,
    ):
        assert through.status == direct.status == 200
        assert through.headers["Content-Length"] == direct.headers["Content-Length"]
    async with rig.player.head(await rig.proxy.open(rig.up.base + "/master.m3u8")) as answer:
        assert answer.status == 200
        # its length changes by rewriting, so no untrue one is told
        assert "Content-Length" not in answer.headers


@pytest.mark.parametrize("status", [204, 304, 403, 404, 429, 500, 503])
async def test_statuses_and_their_bodies_pass(rig: Rig, status: int) -> None:
    async def say(_: web.Request) -> web.Response:
        text = None if status in (204, 304) else "why not\n"
        return web.Response(status=status, text=text, headers={"Retry-After": "7"})

    local = await rig.proxy.open(rig.up.answer("/x.ts", say))
    async with rig.player.get(local) as answer:
        assert answer.status == status
        assert answer.headers["Retry-After"] == "7"
        assert await answer.text() == ("" if status in (204, 304) else "why not\n")


async def test_an_unreachable_server_is_a_plain_502(rig: Rig) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a.ts"
        local = await rig.proxy.open(url)
        async with rig.player.get(local) as answer:
            assert answer.status == 502
            assert answer.content_type == "text/plain"
            assert "could not be reached" in await answer.text()
    seen = rig.proxy.seen(local)
    assert seen is not None
    assert (seen.status, seen.kind) == (None, None)


async def test_a_silent_server_is_a_504_and_let_go(rig: Rig) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        raise AssertionError

    local = await rig.proxy.open(rig.up.answer("/a.ts", hang))
    async with rig.player.get(local) as answer:
        assert answer.status == 504
    assert await asyncio.wait_for(rig.up.let_go.get(), 5) == "/a.ts"


@pytest.mark.parametrize("begun", [False, True])
async def test_when_the_player_lets_go_the_server_is_let_go_at_once(rig: Rig, begun: bool) -> None:
    reached = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse()
        if begun:
            await out.prepare(request)
            await out.write(b"G" * 2000)
        reached.set()
        async with asyncio.timeout(30):
            await asyncio.Event().wait()
        raise AssertionError

    async with TapProxy(rig.watcher) as patient:  # no time-out of its own interferes
        local = await patient.open(rig.up.answer("/a.ts", endless))
        reader, writer = await asyncio.open_connection(
            *patient.base.removeprefix("http://").split(":")
        )
        path = local.removeprefix(patient.base)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await asyncio.wait_for(reached.wait(), 5)
        if begun:
            assert b"200 OK" in await reader.readline()
        writer.close()
        assert await asyncio.wait_for(rig.up.let_go.get(), 3) == "/a.ts"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_cut_short_is_cut_short_for_the_player_too(rig: Rig, chunked: bool) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse()
        if not chunked:
            out.content_length = 10_000
        await out.prepare(request)
        await out.write(b"G" * 6000)
        assert request.transport is not None
        request.transport.close()
        return out

    local = await rig.proxy.open(rig.up.answer("/a.ts", cut))
    got = bytearray()

    async def read() -> None:
        async with rig.player.get(local) as answer:
            assert answer.status == 200
            async for chunk in answer.content.iter_any():
                got.extend(chunk)

    with pytest.raises(aiohttp.ClientPayloadError):
        await read()
    assert bytes(got) == b"G" * 6000


async def test_a_player_that_takes_no_more_holds_the_server_up(rig: Rig) -> None:
    sent = 0
    total = 256 * 1024 * 1024

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        out = web.StreamResponse()
        out.content_length = total
        await out.prepare(request)
        piece = b"G" * 262_144
        while sent < total:
            await out.write(piece)
            sent += len(piece)
        return out

    local = await rig.proxy.open(rig.up.answer("/a.ts", flood))
    async with rig.player.get(local) as answer:
        await answer.content.readexactly(100_000)
        before = -1
        async with asyncio.timeout(20):
            while sent != before:  # until everything is full
                before = sent
                await asyncio.sleep(0.4)
    # What the kernel holds on two connections (a few MB each), and little more.
    assert sent < total // 4


async def test_nobody_else_can_use_it(rig: Rig) -> None:
    local = await rig.proxy.open(rig.up.base + "/low/0.m4s")
    _, _, _, secret, token, name = local.split("/")
    assert len(secret) >= 32
    other = f"{rig.proxy.base}/{'A' * len(secret)}/{token}/{name}"
    for url in (
        other,
        f"{rig.proxy.base}/{secret}/{'A' * len(token)}/{name}",
        f"{rig.proxy.base}/{secret}/{token}",
        f"{rig.proxy.base}/",
        f"{rig.proxy.base}/{secret}/{rig.up.base}/low/1.m4s",
    ):
        async with rig.player.get(url) as answer:
            assert answer.status == 404, url
    async with rig.player.post(local, data=b"x") as answer:
        assert answer.status == 405
    assert rig.up.asked == []
    async with rig.player.get(local) as answer:
        assert answer.status == 200


async def test_it_listens_on_loopback_alone(rig: Rig) -> None:
    await rig.proxy.open(rig.up.base)
    assert rig.proxy.base.startswith("http://127.0.0.1:")
    assert rig.proxy._runner is not None
    assert [address[0] for address in rig.proxy._runner.addresses] == ["127.0.0.1"]


@pytest.mark.parametrize(
    "url", ["", "x", "file:///etc/passwd", "ftp://a/b", "http://", "http://a:b"]
)
async def test_only_http_addresses_are_opened(rig: Rig, url: str) -> None:
    with pytest.raises(HostError):
        await rig.proxy.open(url)


async def test_after_a_redirect_addresses_are_relative_to_where_it_led(rig: Rig) -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPFound("/deep/er/list.m3u8?token=1")

    rig.up.text("/deep/er/list.m3u8", "#EXTM3U\n#EXTINF:2,\n../a.ts\n")
    rig.up.text("/deep/a.ts", "G" * 400, "video/mp2t")
    local = await rig.proxy.open(rig.up.answer("/go.m3u8", elsewhere))
    (segment,) = addresses(await lines_of(rig, local))
    async with rig.player.get(segment) as answer:
        assert await answer.read() == b"G" * 400


async def test_headers_end_where_they_belong(rig: Rig) -> None:
    async def say(_: web.Request) -> web.Response:
        return web.Response(
            body=b"G" * 400,
            headers={
                "Connection": "X-Hop",
                "X-Hop": "1",
                "X-Cache": "HIT",
                "Server-Timing": "edge;dur=1",
                "Alt-Svc": 'h3=":443"',
                "Set-Cookie": "a=b; Path=/",
            },
        )

    url = rig.up.answer("/a.ts", say)
    local = await rig.proxy.open(url)
    headers = {
        "Connection": "X-Mine, keep-alive",
        "X-Mine": "1",
        "Proxy-Authorization": "Basic x",
        "Authorization": "Bearer t",
        "Cookie": "mine=1",
        "User-Agent": "player/1",
        "Referer": rig.proxy.base + "/x",
        "X-Other": "2",
    }
    for _ in range(2):
        async with rig.player.get(local, headers=headers) as answer:
            assert answer.headers["X-Cache"] == "HIT"
            assert answer.headers["Server-Timing"] == "edge;dur=1"
            assert not {"X-Hop", "Alt-Svc", "Set-Cookie"} & set(answer.headers)
    first, second = (asked.headers for asked in rig.up.asked)
    assert first["Authorization"] == "Bearer t"
    assert first["User-Agent"] == "player/1"
    assert first["X-Other"] == "2"
    assert first["Cookie"] == "mine=1"
    assert {"mine=1", "a=b"} == set(second["Cookie"].split("; "))  # kept for the player
    assert not {"X-Mine", "Proxy-Authorization", "Referer"} & set(first)
    assert first["Host"] == rig.up.base.removeprefix("http://")


async def test_credentials_in_the_address_are_used(rig: Rig) -> None:
    rig.up.text("/p/list.m3u8", "#EXTM3U\n#EXTINF:2,\na.ts\n")
    local = await rig.proxy.open(rig.up.base.replace("://", "://me:pw@") + "/p/list.m3u8")
    await lines_of(rig, local)
    assert rig.up.asked[0].headers["Authorization"] == "Basic bWU6cHc="


async def test_signed_addresses_keep_their_encoding(rig: Rig) -> None:
    path = "/a%2Fb/list%20x.m3u8?sig=a%2Bb%2F%3d&u=%e2%82%ac~(1)"
    rig.up.text("/a/b/list x.m3u8", "#EXTM3U\n")
    local = await rig.proxy.open(rig.up.base + path)
    async with rig.player.get(local) as answer:
        await answer.read()
    assert rig.up.asked[0].path_qs == path


async def test_a_packed_playlist_is_unpacked_and_a_bomb_is_not(rig: Rig) -> None:
    bodies = {"/good": gzip.compress(b"#EXTM3U\n#EXTINF:2,\na.ts\n")}
    bodies["/bomb"] = zlib.compress(b"#EXTM3U\n" + b"#" * (MAX_PLAYLIST_BYTES + 10))
    bodies["/broken"] = b"\x1f\x8bgarbage" * 9

    async def say(request: web.Request) -> web.Response:
        coding = "deflate" if request.path == "/bomb" else "gzip"
        return web.Response(
            body=bodies[request.path],
            headers={"Content-Encoding": coding, "Content-Type": "application/x-mpegurl"},
        )

    for path, status in (("/good", 200), ("/bomb", 502), ("/broken", 502)):
        local = await rig.proxy.open(rig.up.answer(path, say))
        async with rig.player.get(local) as answer:
            assert answer.status == status
            if path == "/good":
                assert "Content-Encoding" not in answer.headers
                assert addresses((await answer.text()).splitlines())[0].startswith(rig.proxy.base)


async def test_an_endless_playlist_is_given_up(rig: Rig) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "application/x-mpegurl"})
        await out.prepare(request)
        await out.write(b"#EXTM3U\n")
        while True:
            await out.write(b"#EXTINF:2,\n" * 20_000)

    local = await rig.proxy.open(rig.up.answer("/endless.m3u8", endless))
    async with rig.player.get(local) as answer:
        assert answer.status == 502
        assert "larger than" in await answer.text()


async def test_low_latency_directives_go_on_and_other_queries_do_not(rig: Rig) -> None:
    local = await rig.proxy.open(rig.up.text("/l.m3u8", "#EXTM3U\n") + "?k=1")
    async with rig.player.get(local + "?_HLS_msn=7&_HLS_part=2&evil=1") as answer:
        assert answer.status == 200
    assert rig.up.asked[0].path_qs == "/l.m3u8?k=1&_HLS_msn=7&_HLS_part=2"


async def test_dash_works_by_relative_addresses_and_stays_in_its_folder(rig: Rig) -> None:
    mpd = '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>'
    rig.up.text("/show/1/m.mpd", mpd, "application/dash+xml")
    rig.up.text("/show/1/seg/a.m4s", "inside", "video/mp4")
    rig.up.text("/show/secret", "outside", "text/plain")
    local = await rig.proxy.open(rig.up.base + "/show/1/m.mpd")
    folder = local.rpartition("/")[0]
    async with rig.player.get(folder + "/seg/a.m4s") as answer:
        assert answer.status == 200  # not proved to be DASH yet: the manifest, whatever is asked
        assert "<MPD" in await answer.text()
    async with rig.player.get(local) as answer:
        assert await answer.text() == mpd
    async with rig.player.get(folder + "/seg/a.m4s?x=1") as answer:
        assert await answer.text() == "inside"
    assert rig.up.asked[-1].path_qs == "/show/1/seg/a.m4s?x=1"
    for tail in ("/..%2fsecret", "/%2e%2e/secret", "/seg/..%2f..%2fsecret", "/http://x/"):
        async with rig.player.get(URL(folder + tail, encoded=True)) as answer:
            assert answer.status == 404, tail


@pytest.mark.expects_failure
async def test_a_tap_that_breaks_does_not_break_the_stream(
    rig: Rig, no_swallowed_failure: list[str]
) -> None:
    broken = aiohttp.TraceConfig()

    async def burst(*_: object) -> None:
        raise RuntimeError("a tap gone wrong")

    broken.on_request_start.append(burst)
    rig.watcher._tap = broken
    async with TapProxy(rig.watcher) as proxy:
        local = await proxy.open(rig.up.base + "/low/0.m4s")
        async with rig.player.get(local) as answer:
            assert answer.status == 200
            assert len(await answer.read()) > 10_000
    assert "proxy.tap" in no_swallowed_failure[0]


async def test_logs_name_no_servers(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        for url in (f"http://localhost:{free.getsockname()[1]}/private.ts", rig.up.base + "/none"):
            async with rig.player.get(await rig.proxy.open(url)) as answer:
                await answer.read()
    logged = " ".join(record.getMessage() for record in caplog.records if record.name != "asyncio")
    assert "localhost" not in logged
    assert "private" not in logged
    assert rig.up.base.removeprefix("http://") not in logged


async def test_many_at_once(rig: Rig) -> None:
    local = await rig.proxy.open(rig.up.base + "/high/0.m4s")

    async def one() -> int:
        async with rig.player.get(local) as answer:
            return len(await answer.read())

    sizes = await asyncio.gather(*(one() for _ in range(40)))
    assert len(set(sizes)) == 1
    assert sizes[0] > 100_000


async def test_closing_cuts_what_is_under_way(rig: Rig) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse()
        await out.prepare(request)
        while True:
            await out.write(b"G" * 1000)
            await asyncio.sleep(0.02)

    local = await rig.proxy.open(rig.up.answer("/a.ts", endless))
    async with rig.player.get(local) as answer:
        await answer.content.readany()
        await asyncio.wait_for(rig.proxy.close(), 10)
        with suppress(aiohttp.ClientError):
            async with asyncio.timeout(5):
                while await answer.content.readany():
                    pass
    with pytest.raises(HostError, match="closed"):
        await rig.proxy.open(rig.up.base)


async def test_the_rate_is_measured_where_no_master_playlist_tells(rig: Rig) -> None:
    local = await rig.proxy.open(rig.up.short(segments=5))
    media = await lines_of(rig, local)
    size = 0
    for url in addresses(media)[:4]:
        async with rig.player.get(url) as answer:
            size += len(await answer.read())
    assert rig.proxy.measured_bps == round(size * 8 / 8)
    assert rig.proxy.ladder_bps == []


async def test_a_playlist_of_byte_ranges_tells_its_rate_itself(rig: Rig) -> None:
    """A player may ask for the file behind them in pieces of its own."""
    ranges = "#EXTINF:4,\n#EXT-X-BYTERANGE:{}@0\nfilm.mp4\n"
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n" + ranges.format(900_000) + ranges.format(1_100_000)
    await lines_of(rig, await rig.proxy.open(rig.up.text("/ranges.m3u8", text)))
    assert rig.proxy.measured_bps == 2_000_000


@pytest.mark.parametrize(
    ("text", "kind"),
    [("<!doctype html><p>", "other"), ("", "other"), ("{}", "other"), ("no idea", "unknown")],
)
async def test_it_says_what_an_address_gave(rig: Rig, text: str, kind: str) -> None:
    local = await rig.proxy.open(rig.up.text("/x", text, "application/octet-stream"))
    async with rig.player.get(local) as answer:
        assert await answer.text() == text
    assert (await rig.proxy.look(local)).kind == kind


async def test_a_film_without_a_telling_name_counts_as_media(rig: Rig) -> None:
    async def film(_: web.Request) -> web.Response:
        return web.Response(body=b"\0\0\0\x20ftypisom" + b"x" * 90_000)

    local = await rig.proxy.open(rig.up.answer("/watch", film) + "?v=7")
    async with rig.player.get(local) as answer:
        await answer.read()
    assert rig.watcher.session.budget.media_bytes >= 90_000


def told(rig: Rig, kind: type[Observation]) -> list[Any]:
    """What was told the session of one kind, from now on."""
    seen: list[Any] = []
    emit = rig.watcher.session.emit

    def listen(observation: Observation) -> None:
        if type(observation) is kind:
            seen.append(observation)
        emit(observation)

    rig.watcher.session.emit = listen  # type: ignore[method-assign]
    return seen


async def test_a_key_is_seen_as_something_that_may_be_waited_for(rig: Rig) -> None:
    started = told(rig, RequestStarted)
    rig.up.text("/k", "0" * 16, "application/octet-stream")
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:2", '#EXT-X-KEY:METHOD=AES-128,URI="k"']
    local = await rig.proxy.open(
        rig.up.text("/keyed.m3u8", "\n".join([*lines, "#EXTINF:2.0,", "low/0.m4s"]))
    )
    media = await lines_of(rig, local)
    key = next(line for line in media if "KEY" in line).split('"')[1]
    for url in (key, addresses(media)[0]):
        async with rig.player.get(url) as answer:
            await answer.read()
    assert [one.role for one in started] == ["playlist", "other", "media"]


def growing(rig: Rig, path: str, first: int, count: int = 3) -> None:
    """A live playlist as it is now."""
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:4", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
    for number in range(first, first + count):
        lines += ["#EXTINF:4.0,", f"{number}.ts"]
    rig.up.text(path, "\n".join([*lines, ""]))


async def test_the_newest_segment_of_a_live_playlist_is_told(rig: Rig) -> None:
    edges = told(rig, LiveEdge)
    growing(rig, "/live.m3u8", 7)
    local = await rig.proxy.open(rig.up.base + "/live.m3u8")
    await lines_of(rig, local)
    growing(rig, "/live.m3u8", 8)
    await lines_of(rig, local)
    assert [(edge.newest, edge.target_duration_ns) for edge in edges] == [
        (9, 4_000_000_000),
        (10, 4_000_000_000),
    ]
    await lines_of(rig, await rig.proxy.open(rig.up.short()))
    assert len(edges) == 2, "what was made long ago has no newest segment"


async def test_of_several_live_playlists_the_one_that_the_player_follows_is_told(rig: Rig) -> None:
    """Not of the sound, nor of those that it only looked into; their numbers need not agree."""
    edges = told(rig, LiveEdge)
    master = ["#EXTM3U", '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="sound.m3u8"']
    for rate, name in ((100_000, "low"), (900_000, "high")):
        master += [f"#EXT-X-STREAM-INF:BANDWIDTH={rate}", f"{name}.m3u8"]
    for name, first in (("sound", 500), ("low", 10), ("high", 90)):
        growing(rig, f"/{name}.m3u8", first)
    top = await lines_of(rig, await rig.proxy.open(rig.up.text("/top.m3u8", "\n".join(master))))
    sound = next(line for line in top if "AUDIO" in line).split('"')[-2]
    low, high = addresses(top)
    for url in (low, high, sound, low, sound, low, high, sound, high, sound, high):
        await lines_of(rig, url)
    assert [edge.newest for edge in edges] == [12, 12, 12, 92, 92]
