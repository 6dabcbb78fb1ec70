"""The real mpv through the real proxy: plays, stalls, breaks off, dies, leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import attrs
import pytest
from aiohttp import web
from test_mpv_osd import shown
from upstream import Handler, Upstream, upstream

from streamnotice.demo.clip import Clip
from streamnotice.errors import HostError, MediaError, NotAManifestError
from streamnotice.observations import Playback
from streamnotice.players.mpv import MpvPlayer
from streamnotice.players.mpv_ipc import MpvIpc
from streamnotice.watcher import Watcher
from tests.waiting import until

pytestmark = pytest.mark.needs("mpv")


class Told(Watcher):
    """A watcher that remembers what it was told of playback."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Playback] = []

    def _hand_in(self, observation: object) -> None:
        if isinstance(observation, Playback):
            self.told.append(observation)
        super()._hand_in(observation)  # type: ignore[arg-type]

    @property
    def states(self) -> list[str]:
        out: list[str] = []
        for one in self.told:
            if one.state is not None and (not out or out[-1] != one.state):
                out.append(one.state)
        return out


@attrs.define
class Rig:
    up: Upstream
    watcher: Told

    def player(self, *extra: str, rendition: str = "auto", program: str = "mpv") -> MpvPlayer:
        return MpvPlayer(
            self.watcher,
            rendition,  # type: ignore[arg-type]
            headless=True,
            extra_args=extra,
            program=program,
        )


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with upstream() as up, Told() as watcher:
        before = children()
        yield Rig(up, watcher)
        assert children() <= before  # no mpv is left


def children() -> set[int]:
    """Processes that this one has started and that still run."""
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return {int(pid) for pid in path.read_text().split()} if path.exists() else set()


async def test_it_plays_to_the_end_and_tells_of_it(rig: Rig) -> None:
    async with asyncio.timeout(30):
        await rig.player("--speed=6").play(rig.up.short(segments=4))
    states = rig.watcher.states
    assert states[0] == "starting"
    assert "playing" in states
    assert states[-1] == "ended"
    told = rig.watcher.told
    assert all(a.at_ns <= b.at_ns for a, b in pairwise(told))
    assert max(p.position_ns or 0 for p in told) > 6e9
    assert max(p.buffer_ns or 0 for p in told) > 2e9
    assert told[-1].rendition_bps
    assert told[-1].rendition_fixed is False
    assert told[-1].live is False
    assert max(p.decoded_frames or 0 for p in told) > 100
    assert rig.watcher.session.budget.media_bytes > 200_000
    assert {asked.path_qs for asked in rig.up.asked} >= {"/short.m3u8", "/low/0.m4s", "/low/3.m4s"}


@pytest.mark.parametrize(("rendition", "rate"), [("highest", 820_000), ("lowest", 300_000)])
async def test_a_fixed_rendition_is_kept_and_said(rig: Rig, rendition: str, rate: int) -> None:
    playing = asyncio.create_task(
        rig.player("--speed=4", rendition=rendition).play(rig.up.base + "/master.m3u8")
    )
    await until(
        lambda: (
            (told := rig.watcher.told[-1:])
            and told[0].state == "playing"
            and told[0].rendition_bps == rate
        )
    )
    last = rig.watcher.told[-1]
    assert last.ladder_bps == (300_000, 820_000)
    assert last.rendition_fixed is True
    assert last.target_ns is not None
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing


@pytest.mark.parametrize(
    ("options", "target_s"),
    [
        (("--cache-secs=4",), 4.0),
        (("--cache=no", "--demuxer-readahead-secs=3"), 3.0),
        (("--cache-secs=2", "--demuxer-readahead-secs=6"), 6.0),
    ],
)
async def test_a_cache_of_some_seconds_is_all_that_it_aims_for(
    rig: Rig, options: tuple[str, ...], target_s: float
) -> None:
    """Else one that rests with them would look like a player that asks for too little."""
    playing = asyncio.create_task(rig.player(*options).play(rig.up.base + "/master.m3u8"))
    await until(lambda: any(told.target_ns for told in rig.watcher.told))
    assert rig.watcher.told[-1].target_ns == target_s * 1e9
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)


async def test_a_server_that_dries_up_is_a_stall(rig: Rig) -> None:
    flow = asyncio.Event()

    async def dry(_: web.Request) -> web.StreamResponse:
        await flow.wait()
        raise web.HTTPFound("/low/3.m4s")

    rig.up.answer("/low/2.m4s", dry)
    playing = asyncio.create_task(rig.player("--speed=2").play(rig.up.short(segments=5)))
    await until(lambda: "stalled" in rig.watcher.states)
    last = rig.watcher.told[-1]
    assert last.buffer_ns is not None
    assert last.buffer_ns < 1e9
    assert last.wants_data is True
    flow.set()
    await until(lambda: rig.watcher.states[-1] in ("playing", "ended"))
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<!doctype html><title>not found</title>", "text/html"),
        ('{"error": "gone"}', "application/json"),
        ("", "application/vnd.apple.mpegurl"),
        ("neither fish nor fowl", "application/octet-stream"),  # mpv itself finds out
        ("<html>but a playlist, it says</html>", "application/vnd.apple.mpegurl"),
    ],
)
async def test_what_is_no_media_is_refused_at_once(rig: Rig, text: str, kind: str) -> None:
    with pytest.raises(NotAManifestError):
        async with asyncio.timeout(10):
            await rig.player().play(rig.up.text("/x", text, kind))


async def test_an_endless_page_is_refused_at_once(rig: Rig) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/html"})
        await out.prepare(request)
        while True:
            await out.write(b"<html>" + b"x" * 10_000)

    with pytest.raises(NotAManifestError):
        async with asyncio.timeout(10):
            await rig.player().play(rig.up.answer("/x", endless))


async def test_a_plain_file_plays_too(rig: Rig) -> None:
    async def film(_: web.Request) -> web.Response:
        clip = Clip(repeats=1)
        parts = [clip.get(f"/low/{name}") for name in ("init.mp4", "0.m4s")]
        return web.Response(body=b"".join(p[0] for p in parts if p), content_type="video/mp4")

    async with asyncio.timeout(20):
        await rig.player().play(rig.up.answer("/film.mp4", film))
    assert rig.watcher.states[-1] == "ended"
    assert "playing" in rig.watcher.states


async def test_an_unreachable_stream_is_tried_again_until_it_comes(rig: Rig) -> None:
    tries = 0
    good = rig.up.short(segments=1)
    answer = rig.up.handlers["/short.m3u8"]

    async def late(request: web.Request) -> web.StreamResponse:
        nonlocal tries
        tries += 1
        return web.Response(status=503) if tries < 3 else await answer(request)

    rig.up.answer("/short.m3u8", late)
    async with asyncio.timeout(30):
        await rig.player("--speed=6").play(good)
    assert tries >= 3
    assert rig.watcher.states[0] == "starting"
    assert rig.watcher.states[-1] == "ended"


def as_ts(folder: Path, up: Upstream, segments: int) -> str:
    """The clip's first segments as MPEG-TS (FFmpeg before 6 can't enter fragmented MP4 mid-way)."""
    clip = Clip(repeats=1)
    names = ["init.mp4", *(f"{number}.m4s" for number in range(segments))]
    film = folder / "film.mp4"
    film.write_bytes(b"".join(found[0] for n in names if (found := clip.get(f"/low/{n}"))))
    command = ["ffmpeg", "-v", "error", "-i", film, "-c", "copy", "-f", "hls", "-hls_time", "2"]
    subprocess.run(
        [*command, "-hls_playlist_type", "vod", folder / "ts.m3u8"], check=True, timeout=60
    )
    for path in folder.glob("ts*"):

        async def give(_: web.Request, path: Path = path) -> web.Response:
            return web.Response(body=path.read_bytes())

        up.answer(f"/{path.name}", give)
    return up.base + "/ts.m3u8"


@pytest.mark.needs("ffmpeg")
async def test_a_stream_that_breaks_off_goes_on_where_it_stopped(rig: Rig, tmp_path: Path) -> None:
    down = True
    url = as_ts(tmp_path, rig.up, 6)
    for number in (4, 5):
        give = rig.up.handlers[f"/ts{number}.ts"]

        async def gone(request: web.Request, give: Handler = give) -> web.StreamResponse:
            return web.Response(status=500) if down else await give(request)

        rig.up.answer(f"/ts{number}.ts", gone)
    playing = asyncio.create_task(rig.player("--speed=6").play(url))
    await until(lambda: "stalled" in rig.watcher.states)
    down = False
    async with asyncio.timeout(25):
        await playing
    assert rig.watcher.states[:3] == ["starting", "playing", "stalled"]
    assert rig.watcher.states[-2:] == ["playing", "ended"]
    positions = [p.position_ns for p in rig.watcher.told if p.position_ns is not None]
    assert all(b > a - 0.5e9 for a, b in pairwise(positions))  # nothing was shown twice
    assert positions[-1] > 10e9


async def test_a_stream_that_cannot_be_entered_mid_way_starts_over(rig: Rig) -> None:
    down = True

    async def gone(request: web.Request) -> web.StreamResponse:
        if down:
            return web.Response(status=500)
        del rig.up.handlers[request.path]
        return await rig.up._serve(request)

    url = rig.up.short(segments=6)
    for number in (4, 5):
        rig.up.answer(f"/low/{number}.m4s", gone)
    playing = asyncio.create_task(rig.player("--speed=6").play(url))
    await until(lambda: "stalled" in rig.watcher.states)
    down = False
    async with asyncio.timeout(30):
        await playing
    assert rig.watcher.states[-1] == "ended"
    assert max(p.position_ns or 0 for p in rig.watcher.told) > 10e9


@pytest.mark.expects_failure
async def test_an_mpv_that_dies_is_started_again(rig: Rig, no_swallowed_failure: list[str]) -> None:
    before = children()
    playing = asyncio.create_task(rig.player().play(rig.up.short(segments=5)))
    await until(lambda: "playing" in rig.watcher.states)
    (first,) = children() - before
    os.kill(first, signal.SIGKILL)
    await until(lambda: children() - before - {first})
    await until(lambda: rig.watcher.states.count("playing") >= 2)
    assert "mpv crashed" in no_swallowed_failure[0]
    assert "stalled" in rig.watcher.states
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)


async def test_when_the_viewer_quits_it_ends(rig: Rig) -> None:
    before = children()
    playing = asyncio.create_task(rig.player().play(rig.up.short(segments=5)))
    await until(lambda: "playing" in rig.watcher.states)
    (pid,) = children() - before
    os.kill(pid, signal.SIGTERM)
    async with asyncio.timeout(10):
        await playing
    assert rig.watcher.states[-1] == "ended"


async def test_a_hung_mpv_is_killed_when_cancelled(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamnotice.players.mpv_process.PATIENCE_S", 0.3)
    before = children()
    playing = asyncio.create_task(rig.player().play(rig.up.short(segments=5)))
    await until(lambda: "playing" in rig.watcher.states)
    (pid,) = children() - before
    os.kill(pid, signal.SIGSTOP)
    playing.cancel()
    async with asyncio.timeout(15):
        await asyncio.gather(playing, return_exceptions=True)
    assert playing.cancelled()
    assert pid not in children()


async def test_notices_reach_the_screen_and_leave_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, object]] = []
    command = MpvIpc.command
    start = MpvIpc.start

    async def spy(self: MpvIpc, *words: object, **named: object) -> object:
        answer = await command(self, *words, **named)  # type: ignore[arg-type]
        if named:
            sent.append(named)  # mpv said "success"
        return answer

    def spy_start(self: MpvIpc, what: object) -> object:
        if isinstance(what, dict) and what.get("format") == "none":
            sent.append(what)
        return start(self, what)  # type: ignore[arg-type]

    monkeypatch.setattr(MpvIpc, "command", spy)
    monkeypatch.setattr(MpvIpc, "start", spy_start)
    monkeypatch.setattr("streamnotice.players.mpv_osd.stays_s", lambda event: 0.2)
    player = rig.player()
    player.show(shown())  # before anything plays: shown as soon as there is a screen
    playing = asyncio.create_task(player.play(rig.up.short(segments=5)))
    await until(lambda: len(sent) == 1)
    await asyncio.to_thread(player.show, shown(state="updated"))
    await until(lambda: len(sent) == 2)
    assert shown().title in str(sent[1]["data"])
    player.show(shown(state="resolved", reason="recovered"))
    await until(lambda: len(sent) == 4)
    assert [one["format"] for one in sent] == ["ass-events"] * 3 + ["none"]
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    player.show(shown())  # mpv is gone: nothing happens


async def test_bad_use_is_said_clearly(rig: Rig) -> None:
    with pytest.raises(HostError, match="unknown rendition 'best'"):
        rig.player(rendition="best")
    with pytest.raises(MediaError, match="not installed"):
        await rig.player(program="no-such-mpv").play(rig.up.base)
    with pytest.raises(MediaError, match="did not start"):
        await rig.player("--no-such-option").play(rig.up.short())
    with pytest.raises(HostError, match="http"):
        await rig.player().play("file:///etc/passwd")


_ALONE = """
import asyncio, sys
from streamnotice.players.mpv import MpvPlayer
from streamnotice.watcher import Watcher

async def main():
    async with Watcher(on_playback=lambda event: print(event.state, flush=True)) as watcher:
        await MpvPlayer(watcher, headless=True).play(sys.argv[1])

asyncio.run(main())
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="elsewhere: looks into /proc")
async def test_a_process_that_is_killed_leaves_no_mpv_behind(rig: Rig) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _ALONE, rig.up.short(segments=8), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        while b"playing" not in await process.stdout.readline():
            assert process.returncode is None
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    (mpv,) = path.read_text().split()
    process.kill()
    await process.wait()

    def gone() -> bool:
        try:
            return Path(f"/proc/{mpv}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    await until(gone, 10)


@pytest.mark.parametrize("example", ["embed_mpv.py", "embed_proxy.py"])
async def test_the_examples_run(rig: Rig, example: str) -> None:
    root = Path(__file__).parents[2]
    more = () if example == "embed_mpv.py" else ("mpv", "--no-config", "--vo=null", "--ao=null")
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(root / "examples" / example),
        rig.up.short(segments=1),
        *more,
        env=env | {"PYTHONPATH": str(root)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    assert process.returncode == 0, errors
    assert "/low/0.m4s" in {asked.path_qs for asked in rig.up.asked}
    assert b"Traceback" not in errors
