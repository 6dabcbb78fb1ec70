"""The live view: fits any terminal, says what matters, leaves the terminal as it was."""

from __future__ import annotations

import asyncio
import fcntl
import io
import os
import pty
import re
import struct
import sys
import termios
from pathlib import Path

import pytest
from rich.console import Console
from running_cli import environment
from serving import Server

from streamnotice.cli.view import ViewState, draw, marks_for, page, rate, shorten
from streamnotice.events import Notice, PlaybackChanged, Verdict
from streamnotice.notices.catalog import Catalog
from streamnotice.policy import Policy

S_NS = 1_000_000_000


def troubled() -> ViewState:
    """A session in the middle of a stall, with a notice."""
    state = ViewState("watching a rather long name of a server that goes on and on.example")
    state.coverage = {"device": True, "player": True, "network.isp.access": "probes of the path"}
    state.playback(PlaybackChanged(30 * S_NS, state="playing", buffer_ns=4 * S_NS))
    state.now_s = 31.0
    state.rendition_bps, state.ladder_bps, state.arriving_bps = (
        3_000_000,
        (1_000, 3_000_000),
        61_000,
    )
    alternatives = (("service.edge", 700_000), ("none", 200_000), ("network.isp.access", 100_000))
    state.verdict = Verdict(
        31 * S_NS, bottleneck="service.edge", among=(), condition="slow", impact="stall_ahead",
        confidence_ppm=970_000, against="none", weight_mdb=20_000, alternatives=alternatives,
        stall_in_ns=(7 * S_NS, 12 * S_NS),
    )  # fmt: skip
    event = Notice(
        31 * S_NS, id="n1", state="raised", reason=None, since_ns=25 * S_NS,
        bottleneck="service.edge", among=(), condition="slow", impact="stall_ahead",
        confidence_ppm=970_000, against="none", weight_mdb=20_000, alternatives=alternatives,
    )  # fmt: skip
    state.notice = Catalog("en").show(event, Policy())
    for number in range(60):
        state.log.append(f"0:{number:02d} a line")
    return state


def drawn(state: ViewState, width: int, height: int, encoding: str = "utf-8") -> list[str]:
    console = Console(width=width, height=height, file=io.StringIO(), color_system=None)
    console.print(page(state, width, height, marks_for(encoding)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 132, 240])
@pytest.mark.parametrize("height", [24, 30, 60])
def test_it_fits_the_terminal(width: int, height: int) -> None:
    lines = drawn(troubled(), width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width


def test_at_80x24_it_says_all_that_matters() -> None:
    state = troubled()
    text = "\n".join(drawn(state, 80, 24))
    assert state.notice is not None
    for words in ("playing", "4.0 s", "stalls in 7–12 s", "needs 3.0 Mbit/s (step 2 of 2)",
                  "arriving 61 kbit/s", "service.edge, slow", "70.0 %", "raised"):  # fmt: skip
        assert words in text
    inside = " ".join(re.findall(r"│ (.*?) *│", text))
    assert state.notice.sentence in inside


def test_before_anything_is_known_it_says_so() -> None:
    text = "\n".join(drawn(ViewState("watching"), 80, 24))
    for words in ("level unknown", "rate unknown", "no decision yet", "No notice."):
        assert words in text


def test_a_terminal_without_blocks_gets_ascii() -> None:
    text = "\n".join(drawn(troubled(), 80, 24, "latin-1"))
    assert text.isascii()


def test_bars_have_the_same_length_whatever_they_show() -> None:
    state = troubled()
    bars = [
        re.sub("[^█░]", "", line) for line in drawn(state, 80, 24) if " %" in line and "█" in line
    ]
    assert len(bars) == 3
    assert len(set(map(len, bars))) == 1
    assert bars[0].count("█") > bars[1].count("█") > bars[2].count("█")


def test_the_parts_are_never_more_than_the_height() -> None:
    for height in (20, 24, 40):
        assert len(draw(troubled(), 80, height)) <= height


def test_words() -> None:
    assert [rate(900_000), rate(2_400_000), rate(25_000_000)] == [
        "900 kbit/s", "2.4 Mbit/s", "25 Mbit/s",
    ]  # fmt: skip
    assert shorten(["device", "network.home.wifi", "network.home.sharing", "service.edge"]) == [
        "device", "network.home.wifi", "sharing", "service.edge",
    ]  # fmt: skip


async def _in_a_terminal(url: str, dossier: Path, **more: str) -> tuple[int, str]:
    """Run `watch` in a real pseudo-terminal of 80x24; (exit code, what it wrote)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streamnotice.cli", "watch", url, "--player", "none",
        "--duration", "3", "--dossier", str(dossier),
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env=environment(TERM="xterm-256color", COLUMNS="", LINES="", **more),
    )  # fmt: skip
    os.close(theirs)
    written = bytearray()

    def read() -> None:
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                return
            if not piece:
                return
            written.extend(piece)

    reading = asyncio.create_task(asyncio.to_thread(read))
    code = await asyncio.wait_for(process.wait(), 60)
    await reading
    os.close(ours)
    return code, written.decode("utf-8", "replace")


COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|38;5;\d+|9[0-7])m")


@pytest.mark.parametrize("no_color", [False, True])
async def test_in_a_real_terminal(tmp_path: Path, no_color: bool) -> None:
    more = {"NO_COLOR": "1"} if no_color else {}
    async with Server() as server:
        code, text = await _in_a_terminal(server.url, tmp_path / "d.jsonl", **more)
    assert code == 0
    assert "Traceback" not in text
    entered, left = text.index("\x1b[?1049h"), text.rindex("\x1b[?1049l")
    assert entered < left
    assert text.rindex("\x1b[?25h") > text.index("\x1b[?25l")  # the cursor is back
    inside, after = text[entered:left], text[left:]
    assert "Buffer" in inside
    assert "Weighing" in inside
    assert "no stall, no notice" in after
    assert "replay" in after
    assert (COLOUR.search(text) is None) == no_color
