"""The small app of each face runs as it stands: real streams, a real browser, bus and daemon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from streamnotice.demo.clip import Clip
from tests.faces.pages import browser
from tests.faces.test_desktop import Desktop, desktop, soon

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
ENV = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")} | {
    "PYTHONPATH": str(ROOT),
    "PYTHONUNBUFFERED": "1",
    "PYTHONFAULTHANDLER": "1",
}
__all__ = ["desktop"]


@contextlib.asynccontextmanager
async def drying_up(segments: int = 1) -> AsyncIterator[str]:
    """A stream whose server answers for some segments, and then no more."""
    clip = Clip()
    asked: set[str] = set()

    async def give(request: web.Request) -> web.StreamResponse:
        body, kind = clip.get(request.path) or (b"", "")
        if request.path.endswith(".m4s"):
            asked.add(request.path)
            if len(asked) > segments:
                await asyncio.sleep(600)
        return web.Response(body=body, content_type=kind) if body else web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{path:.*}", give)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/low/index.m3u8"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def running(
    name: str, *arguments: str, **more: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / name), *arguments,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV | more,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        _, errors = await process.communicate()
        no_traceback(errors)


def no_traceback(said: bytes) -> None:
    assert b"Traceback" not in said.replace(b"KeyboardInterrupt", b""), said.decode()


async def ended(process: asyncio.subprocess.Process, within_s: float) -> int:
    """The exit code; of a process that does not end, what its threads are at."""
    output = asyncio.create_task(process.communicate())  # a full pipe must not hold it up
    done, _ = await asyncio.wait([output], timeout=within_s)
    if not done:
        process.send_signal(signal.SIGABRT)
    said = b"".join(await output)
    assert done, f"it did not end within {within_s:g} s:\n{said.decode()}"
    no_traceback(said)
    assert process.returncode is not None
    return process.returncode


async def line_with(process: asyncio.subprocess.Process, words: str) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(40):
        while True:
            line = (await process.stdout.readline()).decode()
            assert line, f"it ended without {words!r}"
            if words in line:
                return line


async def test_terminal() -> None:
    async with drying_up() as url, running("face_terminal.py", url) as process:
        await line_with(process, "raised: ")
        assert process.stdin is not None
        process.stdin.write(b"nonsense\ns\n")
        await process.stdin.drain()
        assert "(session)" in await line_with(process, "no more of")


@pytest.mark.needs("mpv")
async def test_mpv(short_stream: str, tmp_path: Path) -> None:
    home = str(tmp_path)
    async with running(
        "face_mpv.py", f"{short_stream}/low/index.m3u8", XDG_CONFIG_HOME=home
    ) as process:
        async with asyncio.timeout(60):
            _, errors = await process.communicate()
    assert process.returncode == 0, errors
    assert b"0 notices" in errors


@pytest.mark.needs("dbus-daemon", "dunst", "dunstctl", "Xvfb")
async def test_desktop(desktop: Desktop) -> None:
    bus = desktop.environment["DBUS_SESSION_BUS_ADDRESS"]
    async with (
        drying_up() as url,
        running("face_desktop.py", url, DBUS_SESSION_BUS_ADDRESS=bus) as process,
    ):
        for _ in range(4):
            with contextlib.suppress(AssertionError):
                await soon(lambda: desktop.displayed == 1)
                break
        assert desktop.displayed == 1
        await asyncio.to_thread(desktop.choose, "Lower the quality now")
        await line_with(process, "Noted: ")
    seen = desktop.history
    assert {one["appname"] for one in seen} <= {"Example player"}


async def test_json(short_stream: str) -> None:
    command = [sys.executable, "-m", "streamnotice.cli", "watch", f"{short_stream}/low/index.m3u8",
               "--player", "none", "--json", "--mutes", "off"]  # fmt: skip
    watched = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENV
    )
    out, _ = await asyncio.wait_for(watched.communicate(), 60)
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, str(EXAMPLES / "face_json.py")],
        input=out, capture_output=True, env=ENV, timeout=20,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith(b"0 stalls, 0 notices")


@pytest.mark.needs("chromium", "ffmpeg")
async def test_web(tmp_path: Path) -> None:
    """A browser's own <video> runs dry, and the overlay says so."""
    film = tmp_path / "film.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=12:d=20",
         "-c:v", "libx264", "-b:v", "600k", "-movflags", "+faststart", str(film)],
        check=True,
    )  # fmt: skip
    data = film.read_bytes()

    async def give(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "video/mp4", "Content-Length": str(len(data))}
        )
        await response.prepare(request)
        await response.write(data[: len(data) // 6])
        await asyncio.sleep(600)
        return response

    app = web.Application()
    app.router.add_get("/film.mp4", give)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/film.mp4"
    try:
        async with running("face_web.py", url) as process, browser() as chromium:
            address = (await line_with(process, "http://")).strip()
            page = await chromium.new_page(viewport={"width": 960, "height": 540})
            complaints: list[str] = []
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await page.goto(address)
            await page.wait_for_selector("stream-notice .card:not([hidden])", timeout=40_000)
            played_s = await page.evaluate("document.querySelector('video').currentTime")
            assert played_s > 1
            await page.get_by_role("button", name="I understand").click()
            await page.wait_for_selector("stream-notice .card", state="hidden")
            assert complaints == []
            process.send_signal(signal.SIGINT)
            assert await ended(process, 10) == 0
    finally:
        await runner.cleanup()
