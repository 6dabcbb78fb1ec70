"""The headless player against real servers: what it fetches, retries, refuses and reports."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from streamnotice.errors import HostError, MediaError, NotAManifestError
from streamnotice.events import PlaybackChanged
from streamnotice.players import fetch
from streamnotice.players.headless import HeadlessPlayer
from streamnotice.watcher import Watcher

TARGET_DURATION_S = 0.4
TS_BODY = b"\x47" * 1880
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def playlist(*names: str, head: str = "", end: bool = True, sequence: int = 0) -> web.Response:
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", f"#EXT-X-MEDIA-SEQUENCE:{sequence}"]
    lines += [head] if head else []
    for name in names:
        lines += [f"#EXTINF:{TARGET_DURATION_S},", name]
    lines += ["#EXT-X-ENDLIST"] if end else []
    return web.Response(text="\n".join(lines) + "\n", content_type="application/x-mpegurl")


@asynccontextmanager
async def serving(**handlers: Handler) -> AsyncIterator[tuple[str, list[str]]]:
    """Each handler under its name; gives the base URL and the paths that were asked for."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path[1:])
        handler = handlers.get(request.path[1:].partition(".")[0].rstrip("0123456789"))
        return await handler(request) if handler else web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/", asked
    finally:
        await runner.cleanup()


async def segment(request: web.Request) -> web.Response:
    return web.Response(body=TS_BODY, content_type="video/mp2t")


async def list_of_three(request: web.Request) -> web.Response:
    return playlist("s0.ts", "s1.ts", "s2.ts")


class Seen:
    """One play of a URL, and what the watcher was told."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.errors: list[Any] = []
        self.media_bytes = 0
        self.player: HeadlessPlayer

    async def play(self, url: str, limit_s: float = 20, **options: Any) -> None:
        def changed(event: PlaybackChanged) -> None:
            self.states.append(event.state)

        loop = asyncio.get_running_loop()
        async with Watcher(
            on_playback=changed, on_error=self.errors.append, dispatch=loop.call_soon
        ) as watcher:
            levels = {"start_at_s": 0.3, "resume_at_s": 0.3} | options
            self.player = HeadlessPlayer(watcher, **levels)
            try:
                await asyncio.wait_for(self.player.play(url), limit_s)
            finally:
                self.media_bytes = watcher.summary().media_bytes


@pytest.fixture(autouse=True)
def quick_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamnotice.players.headless.FIRST_BACKOFF_S", 0.05)
    monkeypatch.setattr("streamnotice.players.headless.LONGEST_BACKOFF_S", 0.1)


async def test_a_media_playlist_is_played_to_its_end() -> None:
    seen = Seen()
    async with serving(list=list_of_three, s=segment) as (base, asked):
        await seen.play(base + "list.m3u8")
    assert asked == ["list.m3u8", "s0.ts", "s1.ts", "s2.ts"]
    assert seen.states[0] == "starting"
    assert seen.states[-1] == "ended"
    assert seen.media_bytes == 3 * len(TS_BODY)
    assert not seen.errors


@pytest.mark.parametrize(("choice", "name"), [("lowest", "low"), ("highest", "high")])
async def test_of_a_master_playlist_the_wanted_rendition_is_played(choice: str, name: str) -> None:
    async def master(request: web.Request) -> web.Response:
        return web.Response(
            text="#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2000\nhigh.m3u8\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=1000\nlow.m3u8\n"
        )

    seen = Seen()
    async with serving(
        master=master, low=list_of_three, high=list_of_three, s=segment
    ) as (base, asked):  # fmt: skip
        await seen.play(base + "master.m3u8", rendition=choice)
    assert asked[:2] == ["master.m3u8", f"{name}.m3u8"]
    assert len(asked) == 5


async def test_fragmented_mp4_by_ranges() -> None:
    """The init section comes once, before the fragments, each range as it was listed."""
    ranges: list[str | None] = []

    async def whole(request: web.Request) -> web.Response:
        ranges.append(request.headers.get("Range"))
        part = request.http_range
        return web.Response(status=206, body=bytes(1000)[part.start : part.stop])

    async def listed(request: web.Request) -> web.Response:
        return web.Response(
            text="#EXTM3U\n#EXT-X-TARGETDURATION:1\n"
            '#EXT-X-MAP:URI="all.mp4",BYTERANGE="100@0"\n'
            "#EXTINF:0.4,\n#EXT-X-BYTERANGE:300@100\nall.mp4\n"
            "#EXTINF:0.4,\n#EXT-X-BYTERANGE:300\nall.mp4\n#EXT-X-ENDLIST\n"
        )

    seen = Seen()
    async with serving(list=listed, all=whole) as (base, _):
        await seen.play(base + "list.m3u8")
    assert ranges == ["bytes=0-99", "bytes=100-399", "bytes=400-699"]
    assert seen.states[-1] == "ended"


async def test_of_a_server_that_ignores_ranges_the_right_part_is_taken() -> None:
    bodies: list[bytes] = []

    async def whole(request: web.Request) -> web.Response:
        return web.Response(body=bytes(range(250)))

    async def listed(request: web.Request) -> web.Response:
        return web.Response(
            text="#EXTM3U\n#EXT-X-TARGETDURATION:1\n"
            "#EXTINF:0.4,\n#EXT-X-BYTERANGE:10@100\nall.mp4\n#EXT-X-ENDLIST\n"
        )

    seen = Seen()
    async with serving(list=listed, all=whole) as (base, _):
        await seen.play(base + "list.m3u8", work=bodies.append)
    assert b"".join(bodies) == bytes(range(100, 110))


def failing(count: int, how: Handler) -> tuple[Handler, list[int]]:
    """A segment that fails *count* times in the way of *how*, then comes."""
    tries = [0]

    async def answer(request: web.Request) -> web.StreamResponse:
        tries[0] += 1
        return await (how(request) if tries[0] <= count else segment(request))

    return answer, tries


async def status(request: web.Request, code: int) -> web.StreamResponse:
    return web.Response(status=code, text="no")


async def cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = len(TS_BODY)
    await response.prepare(request)
    await response.write(TS_BODY[:100])
    assert request.transport is not None
    request.transport.abort()
    return response


async def silent(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = len(TS_BODY)
    await response.prepare(request)
    await response.write(TS_BODY[:100])
    await asyncio.sleep(20)
    return response


async def empty(request: web.Request) -> web.StreamResponse:
    return web.Response(body=b"")


@pytest.mark.parametrize(
    "how",
    [lambda r: status(r, 404), lambda r: status(r, 503), cut, silent, empty],
    ids=["404", "503", "cut", "hang", "empty"],
)
async def test_a_failing_segment_is_tried_again(
    how: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "SILENCE_LIMIT_S", 0.5)
    answer, tries = failing(2, how)
    seen = Seen()
    async with serving(list=list_of_three, s=answer) as (base, asked):
        await seen.play(base + "list.m3u8")
    assert tries[0] == 5
    assert asked[1:] == ["s0.ts"] * 3 + ["s1.ts", "s2.ts"]
    assert seen.states[-1] == "ended"
    assert seen.player.trouble is None


async def test_trouble_that_lasts_is_told_and_never_raised() -> None:
    async def gone(request: web.Request) -> web.StreamResponse:
        return await status(request, 404)

    seen = Seen()
    async with serving(list=list_of_three, s=gone) as (base, asked):
        with pytest.raises(TimeoutError):
            await seen.play(base + "list.m3u8", limit_s=1)
    assert len(asked) > 3
    assert seen.player.trouble == "the server answered with HTTP status 404"
    assert not seen.player.media_came
    assert not seen.errors


async def test_nobody_there_is_retried_until_somebody_is() -> None:
    async with serving(list=list_of_three, s=segment) as (base, _):
        pass  # the port is free again, and refuses
    seen = Seen()
    with pytest.raises(TimeoutError):
        await seen.play(base + "list.m3u8", limit_s=0.7)
    assert seen.player.trouble == f"no connection to the server ({os.strerror(errno.ECONNREFUSED)})"


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"", bytes(5000)])
async def test_what_is_no_manifest_is_refused_at_once(body: bytes) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(body=body)

    async with serving(page=page) as (base, asked):
        with pytest.raises(NotAManifestError):
            await Seen().play(base + "page")
    assert asked == ["page"]


async def endless(request: web.Request, start: bytes, piece: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(start)
    try:
        while True:
            await response.write(piece)
    except ConnectionResetError:
        return response


async def test_an_endless_playlist_is_cut_off() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await endless(request, b"#EXTM3U\n", b"#EXTINF:4,\na.ts\n" * 4096)

    async with serving(list=answer) as (base, _):
        with pytest.raises(MediaError, match="or has no end"):
            await Seen().play(base + "list.m3u8")


async def test_an_endless_film_is_no_manifest_after_its_first_bytes() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await endless(request, TS_BODY, TS_BODY)

    async with serving(film=answer) as (base, _):
        with pytest.raises(NotAManifestError):
            await Seen().play(base + "film.ts")


async def test_a_playlist_that_lies_is_refused() -> None:
    async def listed(request: web.Request) -> web.Response:
        return web.Response(text="#EXTM3U\n#EXTINF:-1,\na.ts\n#EXT-X-ENDLIST\n")

    async with serving(list=listed) as (base, _):
        with pytest.raises(MediaError, match="lasts"):
            await Seen().play(base + "list.m3u8")


async def test_a_rendition_that_is_a_list_of_renditions_never_ends_the_session() -> None:
    async def master(request: web.Request) -> web.Response:
        return web.Response(text="#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nmaster.m3u8\n")

    seen = Seen()
    async with serving(master=master) as (base, _):
        with pytest.raises(TimeoutError):
            await seen.play(base + "master.m3u8", limit_s=0.7)
    assert seen.player.trouble == "a rendition's playlist is itself a list of renditions"


async def test_a_live_list_is_joined_near_its_end_and_followed() -> None:
    loads = 0

    async def live(request: web.Request) -> web.Response:
        nonlocal loads
        loads += 1
        last = 20 + 2 * loads
        names = [f"s{number}.ts" for number in range(last - 19, last + 1)]
        return playlist(*names, sequence=last - 19, end=loads >= 3)

    seen = Seen()
    async with serving(list=live, s=segment) as (base, asked):
        await seen.play(base + "list.m3u8")
    numbers = [int(name[1:-3]) for name in asked if name.startswith("s")]
    # 3 target durations of 1 s before the end, in segments of 0.4 s: 8 of 1..22
    assert numbers[0] == 15
    assert numbers == list(range(15, 27))
    assert seen.states[-1] == "ended"


async def test_a_player_plays_once_and_checks_its_levels() -> None:
    seen = Seen()
    async with serving(list=list_of_three, s=segment) as (base, _):
        await seen.play(base + "list.m3u8")
        with pytest.raises(HostError, match="plays once"):
            await seen.player.play(base + "list.m3u8")
    async with Watcher() as watcher:
        with pytest.raises(HostError, match="rendition"):
            HeadlessPlayer(watcher, "best")  # type: ignore[arg-type]
        with pytest.raises(HostError, match="start_at_s"):
            HeadlessPlayer(watcher, start_at_s=40)


async def test_work_that_is_too_slow_holds_playback_with_media_in_the_buffer() -> None:
    levels: list[tuple[str, float]] = []

    class Watching(Watcher):
        def playback(self, **fields: Any) -> None:
            levels.append((fields["state"], fields["buffer_s"]))
            super().playback(**fields)

    async def list_of_six(_: web.Request) -> web.Response:
        return playlist(*(f"s{index}.ts" for index in range(6)))

    async with serving(list=list_of_six, s=segment) as (base, _), Watching() as watcher:
        # a slice of 0.2 s of media takes twice as long
        player = HeadlessPlayer(
            watcher, start_at_s=0.3, resume_at_s=0.3, work=lambda _: time.sleep(0.4)
        )
        await asyncio.wait_for(player.play(base + "list.m3u8"), 30)
    held = [level_s for state, level_s in levels if state == "stalled"]
    assert held
    assert min(held) > 0
    assert levels[-1][0] == "ended"


@pytest.mark.expects_failure
async def test_work_that_raises_is_told_and_playback_goes_on() -> None:
    def work(_: bytes) -> None:
        raise RuntimeError("no")

    seen = Seen()
    async with serving(list=list_of_three, s=segment) as (base, _):
        await seen.play(base + "list.m3u8", work=work)
    assert seen.states[-1] == "ended"
    assert any("player.work" in where for where, _ in seen.errors)


@pytest.mark.parametrize("path", ["list.m3u8", "hang.m3u8", "nothing.m3u8"])
async def test_cancelled_at_any_point_it_leaves_nothing_behind(path: str) -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        raise AssertionError("nobody waits so long")

    async with serving(list=list_of_three, s=hang, hang=hang) as (base, _), Watcher() as watcher:
        before = asyncio.all_tasks()
        playing = asyncio.create_task(HeadlessPlayer(watcher).play(base + path))
        await asyncio.sleep(0.3)
        assert not playing.done()
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(playing, 5)
        left = [repr(task.get_coro()) for task in asyncio.all_tasks() - before]
        assert not [words for words in left if "HeadlessPlayer" in words]


# -- a cap, as the viewer's wish ----------------------------------------------------------------

MASTER = """#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=400000
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=800000
mid.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1600000
high.m3u8
"""


def ladder_of_three(paced: Callable[[web.Request], Awaitable[None]]) -> dict[str, Handler]:
    """Three renditions of five segments, each as large as its rate says; *paced* may wait."""

    async def master(request: web.Request) -> web.Response:
        return web.Response(text=MASTER)

    async def listed(request: web.Request) -> web.Response:
        name = request.path[1:].partition(".")[0]
        return playlist(*(f"{name}-{number}.ts" for number in range(5)))

    async def piece(request: web.Request) -> web.StreamResponse:
        rate = {"low": 400_000, "mid": 800_000, "high": 1_600_000}
        whole = int(rate[request.path[1:].partition("-")[0]] * TARGET_DURATION_S / 8)
        response = web.StreamResponse()
        response.content_length = whole
        await response.prepare(request)
        first = int(whole * 0.1)
        await response.write(bytes(first))
        await paced(request)
        await response.write(bytes(whole - first))
        return response

    lists = dict.fromkeys(("low", "mid", "high"), listed)
    return {"master": master, **lists, "low-": piece, "mid-": piece, "high-": piece}


async def test_a_segment_above_the_cap_is_given_up_for_a_lower_one() -> None:
    player: HeadlessPlayer
    lowered: list[int] = []

    async def paced(request: web.Request) -> None:
        if request.path == "/high-1.ts":
            lowered.append(player.lower())
            await asyncio.sleep(30)

    handlers = ladder_of_three(paced)
    async with serving(**handlers) as (base, asked), Watcher() as watcher:
        player = HeadlessPlayer(watcher, "highest", start_at_s=0.3, resume_at_s=0.3)
        await asyncio.wait_for(player.play(base + "master.m3u8"), 20)
    assert lowered == [800_000]
    media = [path for path in asked if path.endswith(".ts")]
    assert media == ["high-0.ts", "high-1.ts", "mid-1.ts", "mid-2.ts", "mid-3.ts", "mid-4.ts"]


async def test_what_has_nearly_come_is_let_come() -> None:
    player: HeadlessPlayer

    async def at_once(request: web.Request) -> None:
        return None

    async def nearly(request: web.Request) -> web.StreamResponse:
        whole = int(1_600_000 * TARGET_DURATION_S / 8)
        response = web.StreamResponse()
        response.content_length = whole
        await response.prepare(request)
        await response.write(bytes(int(whole * 0.9)))
        if request.path == "/high-1.ts":
            await asyncio.sleep(0.1)
            player.cap(1.0)  # below all: the lowest is always permitted
            await asyncio.sleep(0.1)
        await response.write(bytes(whole - int(whole * 0.9)))
        return response

    handlers = ladder_of_three(at_once) | {"high-": nearly}
    async with serving(**handlers) as (base, asked), Watcher() as watcher:
        player = HeadlessPlayer(watcher, "highest", start_at_s=0.3, resume_at_s=0.3)
        await asyncio.wait_for(player.play(base + "master.m3u8"), 20)
    media = [path for path in asked if path.endswith(".ts")]
    assert media == ["high-0.ts", "high-1.ts", "low-2.ts", "low-3.ts", "low-4.ts"]


async def test_adaptation_keeps_below_the_cap_until_it_is_lifted() -> None:
    player: HeadlessPlayer
    chosen: list[str] = []
    enough = asyncio.Event()

    async def paced(request: web.Request) -> None:
        chosen.append(request.path[1:].partition("-")[0])
        if chosen[-1] == "mid":
            player.cap(None)
        if chosen[-1] == "high":
            enough.set()

    async def listed(request: web.Request) -> web.Response:
        name = request.path[1:].partition(".")[0]
        lines = [f"#EXTINF:2,\n{name}-{number}.ts\n" for number in range(9)]
        return web.Response(
            text=f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{''.join(lines)}#EXT-X-ENDLIST"
        )

    handlers = ladder_of_three(paced) | dict.fromkeys(("low", "mid", "high"), listed)
    async with serving(**handlers) as (base, _), Watcher() as watcher:
        player = HeadlessPlayer(watcher, target_s=6.0, start_at_s=0.3, resume_at_s=0.3)
        player.cap(800_000)
        playing = asyncio.create_task(player.play(base + "master.m3u8"))
        await asyncio.wait_for(enough.wait(), 20)
        playing.cancel()
        await asyncio.wait((playing,))
    assert chosen == ["low", "low", "low", "mid", "high"]


async def test_there_is_nothing_below_the_lowest() -> None:
    async def at_once(request: web.Request) -> None:
        return None

    async with serving(**ladder_of_three(at_once)) as (base, _), Watcher() as watcher:
        player = HeadlessPlayer(watcher, "lowest", start_at_s=0.3, resume_at_s=0.3)
        with pytest.raises(HostError, match="doesn't tell"):
            player.lower()  # before anything is known of the stream
        await asyncio.wait_for(player.play(base + "master.m3u8"), 20)
        with pytest.raises(HostError, match="the lowest quality plays already"):
            player.lower()
