"""The examples run as they stand, against real servers. (mpv's and the proxy's: test_mpv.py.)"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
ENV = os.environ | {"PYTHONPATH": str(ROOT)}


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        env=ENV,
    )


def media_bytes(errors: str) -> int:
    """What the example says came through; it says so in its last line."""
    return int(errors.splitlines()[-1].split()[0])


def test_aiohttp(short_stream: str) -> None:
    done = run("embed_aiohttp.py", f"{short_stream}/low/index.m3u8")
    assert done.returncode == 0, done.stderr
    assert media_bytes(done.stderr) > 50_000
    assert done.stdout == ""  # a healthy stream: no notice
    assert "Traceback" not in done.stderr


def test_threads(short_stream: str) -> None:
    done = run("embed_threads.py", *(f"{short_stream}/low/{n}.m4s" for n in range(2)))
    assert done.returncode == 0, done.stderr
    assert media_bytes(done.stderr) > 50_000
    assert "Traceback" not in done.stderr


def test_buffer_only_says_undetermined_at_most() -> None:
    """A level that falls to nothing and stays there, told live."""
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "embed_buffer_only.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENV,
    )
    assert process.stdin is not None
    try:
        for level_s in _falling(from_s=1.5, hold_s=9.0):
            process.stdin.write(f"{level_s}\n")
            process.stdin.flush()
            time.sleep(0.25)
        out, errors = process.communicate("ended\n", timeout=15)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, errors
    words = out.splitlines()
    assert words[0].startswith("raised: ")
    assert words[-1].startswith("resolved: ")
    # nobody is accused on a buffer's level alone
    for place in ("Wi-Fi", "provider", "server", "line", "home"):
        assert place not in words[0]


def _falling(from_s: float, hold_s: float) -> Iterable[float]:
    level_s = from_s
    while level_s > 0:
        yield level_s
        level_s -= 0.25
    yield from [0.0] * round(hold_s / 0.25)


@pytest.mark.parametrize("name", ["embed_aiohttp.py", "embed_threads.py", "embed_mpv.py"])
def test_without_an_address_the_usage_is_shown(name: str) -> None:
    done = run(name)
    assert done.returncode == 1
    assert "Usage: " in done.stderr


def test_every_example_is_tested_somewhere() -> None:
    tests = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "tests").rglob("test_*.py")
        if path.parent.name in ("examples", "players")
    )
    missing = [p.name for p in EXAMPLES.glob("*.py") if f'"{p.name}"' not in tests]
    assert missing == []
