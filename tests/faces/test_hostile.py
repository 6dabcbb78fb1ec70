"""Whatever a server, a network or an address calls itself stays text, in every face.

Names come from a network table (operators), from URLs, from HTTP heads and from errors; here they
try markup, terminal sequences, direction tricks, and lines and events of their own. (In a browser
and in a notification daemon: test_web_overlay.py, test_desktop.py.)
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import sys
import unicodedata
from typing import Any

import pytest
from rich.console import Console

from streamnotice import Policy, ShownNotice
from streamnotice.cli.faces import JsonFace, LineFace
from streamnotice.cli.live import LiveFace
from streamnotice.faces.desktop import content
from streamnotice.faces.web.app import plain
from streamnotice.faces.web.stream import encode
from streamnotice.players.mpv_osd import card, draw
from streamnotice.testing import ToldWatcher

HOSTILE = (
    "\x1b]0;owned\x07\x1b[31mR\x1b[0m \x9b2J\u202eevil\u2066\u200f <b>b</b> [b]x[/b] {\\b1}"
    '${path} \r\n\n{"type": "notice"}\nevent: hello\u2028\u0000\U000e0041 &amp;'
)
CALM = set(" \n")


def bad_characters(text: str) -> set[str]:
    """Controls, direction overrides, invisible tags, line separators: nothing that may come out."""
    return {
        f"U+{ord(char):04X}"
        for char in text
        if char not in CALM and unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cn")
    }


@pytest.fixture
async def notice() -> ShownNotice:
    """A notice whose operator's name is hostile, through the library's whole way to text."""
    seen: list[ShownNotice] = []
    loop = asyncio.get_running_loop()
    async with ToldWatcher(
        on_notice=seen.append,
        dispatch=loop.call_soon,
        policy=Policy(name_operators=True),
        messages={"network.isp.access.slow.sentence": "The line of {operator} seems slow."},
    ) as w:
        w.session.operators["network.isp.access"] = HOSTILE
        w.say("network.isp.access", "slow")
        await asyncio.sleep(0.01)
    assert "evil" in seen[0].text
    return seen[0]


async def test_lines(notice: ShownNotice) -> None:
    out = io.StringIO()
    LineFace("watching", quiet=False, out=out).notice(notice)
    assert bad_characters(out.getvalue()) == set()
    assert "[b]x[/b]" in " ".join(out.getvalue().split())  # text, as it was


async def test_the_live_view(notice: ShownNotice) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=40)
    face = LiveFace("watching", console=console)
    face.started("none", {})
    face.notice(notice)
    face.log(f"a log line {HOSTILE}")
    face.redraw()
    face._leave()
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    # what is left of escape sequences is the view's own: colours, cursor, other screen
    text = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", text).replace("\r", "")
    assert bad_characters(text) == set()
    assert "owned" not in text


async def test_json_lines(notice: ShownNotice) -> None:
    out = io.StringIO()
    face = JsonFace(out)
    face.notice(notice)
    lines = out.getvalue().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["type"] == "notice"
    assert bad_characters(out.getvalue()) == set()


async def test_mpv(notice: ShownNotice) -> None:
    for event in draw(card(notice)).split("\n"):
        blocks = re.findall(r"(?<!\\)\{[^}]*\}", event)
        assert "\\b1}" not in "".join(blocks[1:])
        assert bad_characters(event.replace("\u2060", "")) == set()


async def test_desktop_and_web(notice: ShownNotice) -> None:
    async with ToldWatcher() as w:
        told = content(notice, w.words("face.understood", "face.hide_session"))
        assert all(bad_characters(text) == set() for text in (told.summary, *told.body))
        line = encode("notice", plain(notice, w), "x-1").decode()
    assert bad_characters(line) == set()
    assert line.count("\n\n") == 1
    assert not re.search(r"^event: hello", line, re.MULTILINE)


def test_logs(caplog: pytest.LogCaptureFixture) -> None:
    """One record stays one line, whatever is logged."""
    from streamnotice.log import get_logger

    with caplog.at_level(logging.WARNING, "streamnotice"):
        get_logger().warning("streamnotice.test", host=HOSTILE, error=repr(ValueError(HOSTILE)))
    (record,) = caplog.records
    assert bad_characters(record.getMessage()) == set()
    assert "\n" not in record.getMessage()


HEAD = (
    b"HTTP/1.1 500 \x1b[31m\x9b\xe2\x80\xaeerror\r\nServer: \x1b]0;owned\x07\r\n"
    b"X-Cache: HIT \xe2\x80\xae\r\nServer-Timing: \x1b[2Jorigin;dur=1\r\nContent-Length: 0\r\n\r\n"
)
ROUND = (
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/%1b%5b31m\xe2\x80\xae\r\n"
    b"Content-Length: 0\r\n\r\n"
)
PLAYLIST = (
    "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\u202e\x1b[31mtitle\n"
    "http://127.0.0.1:1/\x1b[31m\u202eseg.m4s\n#EXT-X-ENDLIST\n"
).encode()
LIST = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(PLAYLIST), PLAYLIST)


@pytest.mark.parametrize("answer", [HEAD, ROUND, LIST, b"\x1b[31m\x9b nonsense \xff\r\n\r\n"])
@pytest.mark.parametrize("form", ["--json", "--quiet", None])
async def test_a_hostile_server_through_the_command(answer: bytes, form: str | None) -> None:
    """Real sockets, the real command: nothing of it reaches the terminal but text."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}/\x1b[31m\u202ex%0a%1b.m3u8?\u2066"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streamnotice.cli", "watch", url, "--player", "none",
        "--duration", "2", "--mutes", "off", *([form] if form else []),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told = await asyncio.wait_for(process.communicate(), 40)
    server.close()
    for text in told:
        assert bad_characters(text.decode()) == set(), text.decode()
        assert "owned" not in text.decode()
    assert process.returncode in (0, 2)
    if form == "--json":
        lines: list[dict[str, Any]] = [json.loads(line) for line in told[0].decode().splitlines()]
        assert lines[-1]["type"] == "summary"
