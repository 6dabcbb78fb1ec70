"""A player's sockets seen from outside: a real process, real connections, the kernel's words."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from streamnotice import Policy, Watcher
from streamnotice.engine import Engine
from streamnotice.observations import Transfer
from streamnotice.sensors.sockets import SocketSensor, family, inodes_of
from streamnotice.session import Session
from tests import waiting

until = partial(waiting.until, limit_s=20)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere: inet_diag is Linux's")
pytest.importorskip("pyroute2")

# a player with an HTTP of its own: it loads, and reads no further once told to; and an idle friend
PLAYER = """\
import socket, sys, time
media = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
other = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
media.sendall(b"GET")
got = 0
while got < 300_000:
    got += len(media.recv(65536))
print("full", flush=True)
time.sleep(60)
"""


class Served:
    """A server that sends without end, and one that never speaks."""

    def __init__(self) -> None:
        self.media = self.quiet = 0

    async def send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(3)
            while True:
                writer.write(bytes(16_384))
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[int, int]]:
    served = Served()
    one = await asyncio.start_server(served.send, "127.0.0.1", 0)
    two = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    async with one, two:
        try:
            yield one.sockets[0].getsockname()[1], two.sockets[0].getsockname()[1]
        finally:
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                if "Served.send" in repr(task):
                    task.cancel()


def player(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PLAYER, *map(str, arguments)], stdout=subprocess.PIPE, **options
    )


async def test_the_sockets_of_another_process_are_seen() -> None:
    seen: list[Any] = []
    async with serving() as (media, quiet):
        process = player(media, quiet)
        session = Session(Policy(), seen.append)
        # its shell would be the parent of a real player: children count
        task = asyncio.create_task(
            SocketSensor(process.pid, [f"http://127.0.0.1:{media}/x"]).run(session)
        )
        try:
            await until(
                lambda: any((o.unread_bytes or 0) > 65_536 for o in seen if o.kind == "transfer")
            )
        finally:
            task.cancel()
            process.kill()
            process.wait()
            await asyncio.gather(task, return_exceptions=True)
    told = [o for o in seen if isinstance(o, Transfer)]
    assert len({o.socket for o in told}) == 2  # by the host's address: both of its ports
    busy = max(told, key=lambda o: o.socket_bytes or 0)
    assert (busy.socket_bytes or 0) > 300_000
    assert (busy.segments_in or 0) > 0
    assert busy.min_rtt_ns is not None
    assert busy.window_bytes is not None
    assert {o.request for o in told} == {0}  # no request is claimed
    assert session.sights["sockets"] == (True, "")
    assert {t.address for t in session.targets("service")} == {"127.0.0.1"}
    assert "127.0.0.1" not in repr(told)
    # the engine takes them: bytes that lie unread are ours, requests are nobody's
    engine = Engine(Policy().settings())
    for observation in seen:
        engine.feed(observation)
    assert engine.estimates.requests.sockets
    assert not engine.estimates.requests.ever


async def test_without_hosts_only_what_leaves_the_machine_and_carries_much() -> None:
    seen: list[Any] = []
    async with serving() as (media, quiet):
        process = player(media, quiet)
        session = Session(Policy(), seen.append)
        task = asyncio.create_task(SocketSensor(process.pid).run(session))
        await asyncio.sleep(1.5)
        assert [o for o in seen if isinstance(o, Transfer)] == []  # loopback is no service
        process.kill()
        process.wait()
        await until(task.done)
        assert session.sights["sockets"] == (False, "the player's process has gone")


async def test_a_session_that_ends_leaves_no_socket_open() -> None:
    async def watched() -> int:
        session = Session(Policy(), lambda _: None)
        task = asyncio.create_task(SocketSensor(os.getpid(), ["127.0.0.1"]).run(session))
        await asyncio.sleep(0.6)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await until(
            lambda: not any("streamnotice-sockets" in t.name for t in threading.enumerate())
        )
        return len(os.listdir("/proc/self/fd"))

    gc.disable()  # what is left to it stays open for long
    try:
        assert {await watched() for _ in range(3)} == {await watched()}
    finally:
        gc.enable()


async def test_children_count() -> None:
    async with serving() as (media, quiet):
        inner = (
            "import subprocess, sys\n"
            f"subprocess.run([sys.executable, '-c', {PLAYER!r}, *sys.argv[1:]])"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", inner, str(media), str(quiet)], start_new_session=True
        )
        try:
            await until(lambda: len(family(parent.pid)) > 1)
            child = family(parent.pid)[1]
            await until(lambda: len(inodes_of(child)) >= 2)
        finally:
            os.killpg(parent.pid, 9)
            parent.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="elsewhere: only root can be two users")
@pytest.mark.needs("setpriv")
async def test_an_ordinary_user_sees_its_own_players_and_is_told_of_others(tmp_path: Path) -> None:
    """The look itself, in a process of nobody's."""
    code = (
        "import os, subprocess, sys, time\n"
        "from pathlib import Path\n"
        "from streamnotice.sensors.sockets import SocketSensor, _look, _opened, inodes_of\n"
        "from pyroute2 import DiagSocket\n"
        "diag = _opened(DiagSocket)\n"  # all is imported before
        "_look(diag, [0])\n"
        "import ctypes, encodings.ascii, encodings.idna\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)\n"  # as a process that was never root's
        "diag.close(); diag = _opened(DiagSocket)\n"
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "one = socket.create_connection(server.getsockname())\n"
        "pid = os.fork()\n"
        "if pid == 0: time.sleep(20); os._exit(0)\n"
        "found = [s for s in _look(diag, [server.getsockname()[1]]) if s.inode in inodes_of(pid)]\n"
        "print(len(found), found[0].info.rtt_ns is not None, SocketSensor(1)._find())\n"
        "os.kill(pid, 9)\n"
    )
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, timeout=30
    )
    assert done.stdout == "1 True the player's process is another user's\n", done.stderr


async def test_a_watcher_follows_a_player() -> None:
    async with serving() as (media, quiet), Watcher() as w:
        process = player(media, quiet)
        try:
            w.sockets_of(process.pid, ["127.0.0.1"])
            await until(lambda: w.summary().media_bytes > 0 or "sockets" in w.session.sights)
            await until(lambda: w.session.sights.get("sockets") == (True, ""))
        finally:
            process.kill()
            process.wait()


async def test_what_a_player_receives_counts_as_media() -> None:
    session = Session(Policy(), lambda _: None)
    async with serving() as (media, quiet):
        wait = f"import sys, time; sys.stdin.read(1)\n{PLAYER}"
        process = subprocess.Popen(
            [sys.executable, "-c", wait, str(media), str(quiet)], stdin=subprocess.PIPE
        )
        task = asyncio.create_task(SocketSensor(process.pid, ["127.0.0.1"]).run(session))
        try:
            await asyncio.sleep(1)  # it looks before the player connects
            assert process.stdin is not None
            process.stdin.close()
            await until(lambda: session.budget.media_bytes > 300_000)
        finally:
            task.cancel()
            process.kill()
            process.wait()
            await asyncio.gather(task, return_exceptions=True)


async def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyroute2", None)
    session = Session(Policy(), lambda _: None)
    await SocketSensor(os.getpid()).run(session)
    sees, why = session.sights["sockets"]
    assert not sees
    assert "streamnotice[linux]" in why
