"""Answers from the keyboard, in real pseudo-terminals; and faces asked for on the command line."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import attrs
import pytest
from running_cli import environment, run, start, watch
from serving import Server

SETTINGS = termios.ECHO | termios.ICANON


@attrs.define
class Terminal:
    """A terminal with a foreground process in it, as a shell would have started it."""

    process: subprocess.Popen[bytes]
    ours: int
    theirs: int
    text: str = ""

    def read(self) -> None:
        while True:
            try:
                piece = os.read(self.ours, 65536)
            except OSError:
                return
            if not piece:
                return
            self.text += piece.decode("utf-8", "replace")

    def waits_for(self, seen: Callable[[str], bool], within_s: float) -> None:
        end = time.monotonic() + within_s
        while not seen(self.text):
            assert time.monotonic() < end, self.text[-1500:]
            assert self.process.poll() is None, self.text[-1500:]
            time.sleep(0.05)

    def types(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    @property
    def echoes(self) -> bool:
        return termios.tcgetattr(self.theirs)[3] & SETTINGS == SETTINGS


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_(*words: str) -> Terminal:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "streamnotice.cli", *words],
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env=environment(
                TERM="xterm-256color", COLUMNS="", LINES="", XDG_CONFIG_HOME=str(tmp_path)
            ),
        )  # fmt: skip
        made = Terminal(process, ours, theirs)
        threading.Thread(target=made.read, daemon=True).start()
        opened.append(made)
        return made

    yield open_
    for one in opened:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
        os.close(one.ours)
        os.close(one.theirs)


@pytest.mark.parametrize("view", ["--headless", "live"])
def test_understood_by_a_key(terminal: Callable[..., Terminal], tmp_path: Path, view: str) -> None:
    dossier = tmp_path / "d.jsonl"
    options = [view] if view != "live" else []
    one = terminal("demo", "--scenario", "edge-slow", "--dossier", str(dossier), *options)
    one.waits_for(lambda text: "I understand" in text, 45)
    assert not one.echoes
    assert "[1] " in one.text
    one.types("\x1b[Axq91")  # an arrow and keys without a meaning do nothing
    # it may have lowered by itself since
    one.waits_for(lambda text: "is being watched" in text or "did not work" in text, 5)
    one.types("u")
    one.waits_for(lambda text: "understood" in text.replace("I understand", ""), 5)
    one.process.send_signal(signal.SIGINT)
    one.process.wait(15)
    assert one.process.returncode == 0
    assert one.echoes, "the terminal is not left as it was"
    lines = [json.loads(line) for line in dossier.read_text().splitlines()]
    found = [line for line in lines if line["type"] == "dismissed"]
    assert [line["scope"] for line in found] == ["notice"]
    (note,) = [line["note"] for line in lines if line["type"] == "acted"]
    assert note in ("host done", "host failed", "viewer done")


async def test_the_own_player_lowers_by_a_key(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    """What is asked for is lowered at once, and it is on record; nobody else is offered it."""
    dossier = tmp_path / "d.jsonl"
    options = ["--player", "none", "--rendition", "highest", "--dossier", str(dossier)]
    async with Server(rate_bps=250_000) as server:
        one = terminal("watch", server.url, *options)
        await asyncio.to_thread(one.waits_for, lambda text: "[1] Lower the quality now" in text, 45)
        one.types("1")
        await asyncio.to_thread(one.waits_for, lambda text: "is being watched" in text, 5)
        await asyncio.to_thread(one.waits_for, lambda text: "playing" in text, 30)
        one.process.send_signal(signal.SIGINT)
        await asyncio.to_thread(one.process.wait, 15)
    lines = [json.loads(line) for line in dossier.read_text().splitlines()]
    (acted,) = [line for line in lines if line["type"] == "acted"]
    assert (acted["action"], acted["note"]) == ("lower_quality", "host done")
    rates = [(x["at_ns"], x["rendition_bps"]) for x in lines if x.get("kind") == "playback"
             and x["type"] == "observation" and "rendition_bps" in x]  # fmt: skip
    assert {rate for at, rate in rates if at < acted["at_ns"]} == {1_200_000}
    assert rates[-1][1] == 400_000
    assert any(x.get("failure") == "cancelled" for x in lines if x["type"] == "observation")


async def test_where_nobody_can_answer_nothing_is_offered_to_be_done() -> None:
    async with Server(rate_bps=250_000) as server:
        ran = await watch(server.url, "--rendition", "highest", "--duration", "16")
    offered = [action for notice in ran.of("notice") for action in notice["actions"]]
    assert offered
    assert all(set(action) == {"id", "text"} for action in offered)


def test_control_z_and_back(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    """After being stopped, the terminal gives single keys again."""
    one = terminal("demo", "--headless", "--dossier", str(tmp_path / "d.jsonl"))
    one.waits_for(lambda text: "playing" in text, 20)
    assert not one.echoes
    one.process.send_signal(signal.SIGSTOP)
    before = termios.tcgetattr(one.theirs)
    before[3] |= SETTINGS  # as a shell sets it
    termios.tcsetattr(one.theirs, termios.TCSANOW, before)
    one.process.send_signal(signal.SIGCONT)
    one.waits_for(lambda _: not one.echoes, 5)
    one.process.send_signal(signal.SIGTERM)
    one.process.wait(15)
    assert one.process.returncode == 0


async def test_a_page_on_loopback_from_the_command_line() -> None:
    process = await start("demo", "--scenario", "healthy", "--json", "--face", "web",
                          "--dossier", os.devnull)  # fmt: skip
    assert process.stderr is not None
    said = ""
    while "notices are shown at" not in said:
        said = (await asyncio.wait_for(process.stderr.readline(), 20)).decode()
        assert said
    found = re.search(r"http://127\.0\.0\.1:\d+/", said)
    assert found is not None
    async with aiohttp.ClientSession() as http, http.get(found[0]) as answer:
        assert answer.status == 200
        assert "<stream-notice>" in await answer.text()
    process.send_signal(signal.SIGTERM)
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    assert json.loads(out.splitlines()[-1])["type"] == "summary"


@pytest.mark.parametrize("face", ["moon", "web:0", "web:x", "desktop:1", "web:99999"])
async def test_unknown_faces_are_refused(face: str, tmp_path: Path) -> None:
    ran = await run("demo", "--face", face, "--dossier", str(tmp_path / "d.jsonl"))
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert "face" in ran.err
