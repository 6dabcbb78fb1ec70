"""The façade for hosts without asyncio: whatever its callbacks do, no call waits for ever."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streamnotice import HostError, ThreadWatcher
from streamnotice.dossier.verify import verify
from streamnotice.events import Verdict
from streamnotice.faces import Face


def kinds(path: Path) -> list[str]:
    return [json.loads(line)["type"] for line in path.read_text("utf-8").splitlines()]


def until(ready: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not ready() and time.monotonic() < end:
        time.sleep(0.02)
    assert ready()


def in_time(work: Callable[[], None], seconds: float = 15.0) -> None:
    """*work* must come to its end: in a thread, so that one that hangs doesn't hang the tests."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"
    if failed:
        raise failed[0]


def test_a_coroutine_as_callback_may_call_back(tmp_path: Path) -> None:
    """It runs on the loop that these calls wait for."""
    said: list[object] = []

    async def judge(_: Verdict) -> None:
        w.mute("service")
        w.add_action("lower_quality", print)
        w.save_dossier(tmp_path / "so-far.jsonl")
        said.append((w.unmute("service"), w.muted(), w.act("n1", "wait"), w.dismiss("n1")))
        for wait in (w.close, lambda: w.proxy("http://127.0.0.1:9/x.m3u8")):
            with pytest.raises(HostError, match="to_thread"):
                wait()
            said.append("refused")

    def session() -> None:
        with w:
            w.playback(state="playing", buffer_s=3)
            until(lambda: len(said) >= 3)

    w = ThreadWatcher(on_verdict=judge)
    in_time(session)
    assert said[:3] == [(1, (), False, False), "refused", "refused"]
    assert "header" in kinds(tmp_path / "so-far.jsonl")


def test_a_face_may_call_back() -> None:
    opened: list[int] = []

    class Muting:
        name = "muting"

        async def open(self, watcher: Any) -> None:
            opened.append(len(w.muted()))
            w.mute("device", network="any")

        async def close(self) -> None:
            opened.append(-1)

    def session() -> None:
        with w:
            until(lambda: opened)
            assert [mute.place for mute in w.muted()] == ["device"]

    face: Face = Muting()  # type: ignore[assignment]
    w = ThreadWatcher(faces=[face])
    in_time(session)
    assert opened == [0, -1]


@pytest.mark.expects_failure
def test_a_coroutine_that_holds_up_the_loop_holds_up_no_caller_for_ever(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("streamnotice.threads._PATIENCE_S", 0.3)
    monkeypatch.setattr("streamnotice.threads._CLOSE_WITHIN_S", 0.3)
    gate, held = threading.Event(), threading.Event()
    told: list[tuple[str, str]] = []
    path = tmp_path / "session.jsonl"

    async def hold_up(_: Verdict) -> None:
        held.set()
        gate.wait(30)

    def session() -> None:
        with w:
            w.playback(state="playing", buffer_s=3)
            assert held.wait(10)
            with pytest.raises(HostError, match="holds it up"):
                w.mute("service")
            began = time.monotonic()
        assert time.monotonic() - began < 5

    w = ThreadWatcher(on_verdict=hold_up, on_error=told.append, dossier=path)
    in_time(session)
    until(lambda: told)
    assert told[0][0] == "threads.close"
    gate.set()
    until(lambda: "closed" in kinds(path))  # once the loop goes on the session ends after all
    w._thread.join(10)
    assert w._loop.is_closed()


@pytest.mark.parametrize("hook", ["on_verdict", "on_playback"])
def test_a_plain_callback_may_close(hook: str, tmp_path: Path) -> None:
    """While the block is left, too: who comes second waits until the session has ended."""
    path = tmp_path / "session.jsonl"
    closed = threading.Event()

    def close(_: object) -> None:
        w.close()
        closed.set()

    def session() -> None:
        with w:
            w.playback(state="playing", buffer_s=3)
            time.sleep(1.2)
        assert kinds(path)[-2:] == ["closed", "seal"]

    w = ThreadWatcher(dossier=path, **{hook: close})
    in_time(session)
    assert closed.wait(10)


@pytest.mark.expects_failure
def test_a_coroutine_that_exits_ends_neither_loop_nor_session(tmp_path: Path) -> None:
    calls: list[int] = []

    async def leave(_: Verdict) -> None:
        calls.append(1)
        raise KeyboardInterrupt if len(calls) == 1 else SystemExit

    def session() -> None:
        with w:
            w.playback(state="playing", buffer_s=3)
            until(lambda: len(calls) >= 3)
            assert w.muted() == ()

    w = ThreadWatcher(on_verdict=leave, dossier=tmp_path / "session.jsonl")
    in_time(session)
    assert kinds(tmp_path / "session.jsonl")[-2:] == ["closed", "seal"]


def test_a_second_block_is_the_hosts_mistake() -> None:
    w = ThreadWatcher()
    with w:
        with pytest.raises(HostError, match="one session"):
            w.__enter__()
        assert w.muted() == ()
    with pytest.raises(HostError, match="one session"), w:
        pass
    w.close()
    with pytest.raises(HostError, match="not open"):
        w.mute("service")


def test_what_fails_at_the_start_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise HostError("no")

    w = ThreadWatcher()
    monkeypatch.setattr(w._watcher._delivery, "open", refuse)
    with pytest.raises(HostError, match="no"):
        w.__enter__()
    assert not w._thread.is_alive()


def test_exit_in_the_hosts_block_passes() -> None:
    with pytest.raises(SystemExit), ThreadWatcher():
        sys.exit(3)


_FORKS = """
import asyncio, os, sys, time
from streamnotice import HostError, ThreadWatcher, Watcher

def child(work):
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    work()
    sys.exit(3)  # leaves the blocks, as a host would that forks and goes its way

def use():
    w.playback(state="stalled", buffer_s=0)
    began = time.monotonic()
    try:
        w.muted()
    except HostError:
        assert time.monotonic() - began < 1

with ThreadWatcher(dossier=sys.argv[1]) as w:
    w.playback(state="playing", buffer_s=5)
    print(child(use))
    w.playback(state="playing", buffer_s=9)

async def main():
    async with Watcher(dossier=sys.argv[2]) as w:
        w.playback(state="playing", buffer_s=5)
        await asyncio.sleep(1.1)
        print(child(lambda: w.playback(state="stalled", buffer_s=0)))
        w.playback(state="playing", buffer_s=9)
        await asyncio.sleep(0.1)

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_fork_of_the_host_has_no_session_and_writes_no_record(tmp_path: Path) -> None:
    paths = [tmp_path / "threads.jsonl.gz", tmp_path / "loop.jsonl.gz"]
    command = [sys.executable, "-c", _FORKS, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["3", "3"], done.stderr
    for path in paths:
        lines = gzip.decompress(path.read_bytes()).splitlines()
        assert b"stalled" not in b"".join(lines[1:])
        assert verify(path).outcome == "verified"


_DAEMON = """
import os, sys, time
from streamnotice import ThreadWatcher

w = ThreadWatcher(dossier=sys.argv[1])
pid = os.fork()
if pid:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
with w:
    w.playback(state="playing", buffer_s=5)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_who_goes_to_the_background_before_the_block_has_a_record(tmp_path: Path) -> None:
    path = tmp_path / "daemon.jsonl.gz"
    command = [sys.executable, "-c", _DAEMON, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert verify(path).outcome == "verified"
    assert b'"playing"' in gzip.decompress(path.read_bytes())
