"""Desktop notifications, by a real session bus and a real notification daemon (dunst)."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import pytest

from streamnotice import ShownNotice
from streamnotice.faces.desktop import DesktopFace
from streamnotice.testing import ToldWatcher
from tests.faces.pages import recorded_notice, say

pytestmark = pytest.mark.needs("dbus-daemon", "dunst", "dunstctl", "Xvfb")

DUNSTRC = """[global]
markup = {markup}
# the viewer's choice in the menu of actions: the line that the test wants
dmenu = {chooser}
history_length = 50
show_age_threshold = -1
width = (360, 460)
font = Sans 11
padding = 14
horizontal_padding = 16
frame_width = 1
[urgency_normal]
timeout = 0
"""


@attrs.define
class Desktop:
    """A desktop session of its own: bus, screen, notification daemon."""

    environment: dict[str, str]
    choice: Path
    processes: list[subprocess.Popen[Any]] = attrs.Factory(list)

    def ctl(self, *words: str) -> str:
        return subprocess.run(
            ["dunstctl", *words], env=self.environment, capture_output=True, text=True, timeout=10
        ).stdout.strip()

    @property
    def displayed(self) -> int:
        return int(self.ctl("count", "displayed") or 0)

    @property
    def history(self) -> list[dict[str, Any]]:
        """What was shown and is gone, newest first."""
        rows = json.loads(self.ctl("history"))["data"][0]
        return [{name: field["data"] for name, field in row.items()} for row in rows]

    def choose(self, text: str) -> None:
        """Click on the button that says *text*."""
        self.choice.write_text(text)
        self.ctl("action", "0")


def started(command: list[str], closing: ExitStack, **options: Any) -> subprocess.Popen[Any]:
    process = subprocess.Popen(command, **options)

    def end() -> None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    closing.callback(end)
    return process


@pytest.fixture(params=["full", "no"])
def desktop(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desktop]:
    """With a daemon that reads markup in bodies, and with one that doesn't."""
    choice = tmp_path / "choice"
    chooser = tmp_path / "chooser"
    chooser.write_text(f'#!/bin/sh\ngrep -F -m1 "$(cat {choice})"\n')
    chooser.chmod(0o755)
    config = tmp_path / "dunstrc"
    config.write_text(DUNSTRC.format(markup=request.param, chooser=chooser))
    with ExitStack() as closing:
        reading, writing = os.pipe()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
            closing, pass_fds=[writing], **quiet,
        )  # fmt: skip
        os.close(writing)
        with os.fdopen(reading) as told:
            display = told.readline().strip()
        bus = started(
            ["dbus-daemon", "--session", "--nofork", "--print-address=1"],
            closing, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert bus.stdout is not None
        address = bus.stdout.readline().strip()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        monkeypatch.setenv("DISPLAY", f":{display}")
        made = Desktop(dict(os.environ), choice)
        made.processes.append(
            started(["dunst", "-conf", str(config)], closing, env=made.environment, **quiet)
        )
        for _ in range(200):
            if made.ctl("count", "displayed") == "0":
                break
        yield made


async def soon(what: Callable[[], bool]) -> None:
    for _ in range(150):
        if await asyncio.to_thread(what):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")


async def test_one_notification_from_raise_to_end(desktop: Desktop) -> None:
    async with ToldWatcher(faces=[DesktopFace()]) as w:
        say(w, recorded_notice())
        await soon(lambda: desktop.displayed == 1)
        w.say("service.origin", "slow", state="updated")
        await asyncio.sleep(0.3)
        assert desktop.displayed == 1  # replaced, not a second one
        w.say("service.origin", "slow", state="resolved", reason="withdrawn")
        await asyncio.sleep(0.3)
        assert desktop.displayed == 1
        await asyncio.to_thread(desktop.ctl, "close-all")
        await soon(lambda: bool(desktop.history))
    newest = desktop.history[0]
    assert newest["appname"] == "streamnotice"
    assert newest["summary"] == "Correction"
    assert "no longer stands" in newest["body"]
    assert newest["timeout"] == 12_000_000


async def test_closed_by_the_viewer_is_understood(desktop: Desktop) -> None:
    async with ToldWatcher(faces=[DesktopFace()]) as w:
        w.say("service.edge", "slow")
        await soon(lambda: desktop.displayed == 1)
        await asyncio.to_thread(desktop.ctl, "close")
        await soon(lambda: w._delivery._manners.on_screen is None)
        assert not w.dismiss("n1")
        w.say("service.edge", "slow", state="updated")
        await asyncio.sleep(0.3)
        assert desktop.displayed == 0


async def test_its_buttons_answer(desktop: Desktop) -> None:
    ran: list[ShownNotice] = []
    async with ToldWatcher(faces=[DesktopFace()], actions={"lower_quality": ran.append}) as w:
        w.say("service.edge", "slow")
        await soon(lambda: desktop.displayed == 1)
        await asyncio.to_thread(desktop.choose, "Lower the quality now")
        await soon(lambda: len(ran) == 1)
        w.say("network.home.wifi", "slow", state="updated")
        await soon(lambda: desktop.displayed == 1)
        await asyncio.to_thread(desktop.choose, "Not again in this session")
        await soon(lambda: [m.place for m in w.muted()] == ["network.home.wifi"])
        await soon(lambda: desktop.displayed == 0)


async def test_understood_elsewhere_goes_here_too_and_nothing_stays(desktop: Desktop) -> None:
    async with ToldWatcher(faces=[DesktopFace()]) as w:
        w.say("service.edge", "slow")
        await soon(lambda: desktop.displayed == 1)
        w.dismiss("n1")
        await soon(lambda: desktop.displayed == 0)
        w.say("network", state="raised")
        await soon(lambda: desktop.displayed == 1)
    await soon(lambda: desktop.displayed <= 1)  # at most the word that playback has ended


async def test_hostile_values_are_no_markup(desktop: Desktop) -> None:
    hostile = (
        "<b>bold</b> &amp; <a href='http://x'>x</a> <img src='file:///etc/passwd'/>\u202e\x1b[1m"
    )

    def texts(id_: str, language: str, values: Any) -> str | None:
        return hostile if id_.endswith((".sentence", ".title")) else None

    async with ToldWatcher(faces=[DesktopFace()], messages=texts) as w:
        w.say("service.edge", "slow")
        await soon(lambda: desktop.displayed == 1)
        await asyncio.to_thread(desktop.ctl, "close-all")
        await soon(lambda: bool(desktop.history))
    shown = desktop.history[0]
    # dunst's own message is Pango markup: what it shows must be the text, tags and all
    assert "&lt;b&gt;bold&lt;/b&gt;" in shown["message"]
    assert "<b>bold" not in shown["message"]
    assert "\u202e" not in shown["message"] + shown["summary"] + shown["body"]
    assert "\x1b" not in shown["message"] + shown["summary"] + shown["body"]


@pytest.mark.expects_failure
async def test_a_daemon_that_dies_costs_the_face_alone(desktop: Desktop) -> None:
    errors: list[Any] = []
    loop = asyncio.get_running_loop()
    faces = [DesktopFace()]
    async with ToldWatcher(faces=faces, on_error=errors.append, dispatch=loop.call_soon) as w:
        w.say("service.edge", "slow")
        await soon(lambda: desktop.displayed == 1)
        desktop.processes[0].terminate()
        desktop.processes[0].wait(5)
        w.say("service.edge", "overloaded", state="updated")
        await soon(lambda: bool(errors))
    assert errors[0][0] == "face.desktop"


@pytest.mark.expects_failure
async def test_without_a_bus_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nothing")
    errors: list[Any] = []
    loop = asyncio.get_running_loop()
    faces = [DesktopFace()]
    async with ToldWatcher(faces=faces, on_error=errors.append, dispatch=loop.call_soon) as w:
        await soon(lambda: bool(errors))
        w.say("service.edge", "slow")
    assert errors == [("face.desktop", errors[0][1])]
    assert "session bus" in errors[0][1]
