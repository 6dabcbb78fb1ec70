"""The sockets of a player in another process: what the kernel tells of them (inet_diag, Linux).

For players with an HTTP of their own and no proxy before it. Passive, and without privileges
where the player is the same user's: its sockets are known by `/proc/<pid>/fd`. A socket shows no
requests, so none are claimed: whether a silent one is idle or stalled, it doesn't tell.

Source: sock_diag(7), INET_DIAG_INFO; extra `linux` (pyroute2).
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from streamnotice.errors import MissingExtraError
from streamnotice.observations import Transfer
from streamnotice.sensors.tcp_info import TcpInfo, parse_tcp_info
from streamnotice.session import Session

LOOK_S: Final = 0.25
FIND_EVERY: Final = 4
"""Looks between two searches for new processes, sockets and ports."""
BULK_BYTES: Final = 64 * 1024
"""Where no hosts are given: a socket that has received so much carries media."""
_RESOLVE_EVERY_S: Final = 60.0
_SAY_AGAIN_NS: Final = 1_000_000_000
_MOST_SOCKETS: Final = 64
_MOST_PROCESSES: Final = 256
_ESTABLISHED: Final = 1
_NO_REQUEST: Final = 0
_INFO: Final = "INET_DIAG_INFO"
_INFO_BIT: Final = 1 << (2 - 1)


@attrs.frozen
class Seen:
    """One established connection.

    Attributes:
        inode: by which `/proc/<pid>/fd` knows it.
        local, remote: (address, port).
        unread_bytes: waiting for the process to read them.
        info: what TCP_INFO tells.
    """

    inode: int
    local: tuple[str, int]
    remote: tuple[str, int]
    unread_bytes: int
    info: TcpInfo


class SocketSensor:
    """Emits `Transfer` for the connections of a process and its children towards the service.

    Args:
        pid: the player's process.
        hosts: names, addresses or URLs of the service; none: every connection out of this
            machine that has received much.
    """

    name = "sockets"

    def __init__(self, pid: int, hosts: Iterable[str] = (), proc: Path = Path("/proc")) -> None:
        self._pid = pid
        self._proc = proc
        self._hosts = {_host(one) for one in hosts}
        self._addresses: dict[str, str] = {}  # address -> host
        self._resolved_s: float | None = None
        self._inodes: set[int] = set()
        self._ports: set[int] = set()
        self._said: dict[int, tuple[int, tuple[object, ...]]] = {}
        self._received: dict[int, int] = {}
        self._here = False

    async def run(self, session: Session) -> None:
        """Observe until cancelled, or until the process has gone."""
        if sys.platform != "linux":
            session.sight(self.name, False, "other processes' sockets need Linux")
            return
        try:
            from pyroute2 import DiagSocket
        except ImportError:
            missing = MissingExtraError("other processes' sockets", "linux")
            session.sight(self.name, False, str(missing))
            return
        diag = _Diag(DiagSocket)
        try:
            try:
                await diag.opened()
            except OSError as error:
                session.sight(self.name, False, f"the system refuses inet_diag ({error.strerror})")
                return
            await self._follow(session, diag)
        finally:
            diag.close()

    async def _follow(self, session: Session, diag: _Diag) -> None:
        turn = 0
        while True:
            await self._resolve()
            searching = turn % FIND_EVERY == 0
            if searching:
                why_not = await asyncio.to_thread(self._find)
                if why_not:
                    session.sight(self.name, False, why_not)
                    if not (self._proc / str(self._pid)).exists():
                        return
            turn += 1
            ports = [0] if searching else sorted(self._ports)
            try:
                found = await diag.look(ports)
            except Exception as error:  # pyroute2 has errors of its own, not all OSErrors
                session.sight(self.name, False, f"inet_diag fails ({type(error).__name__})")
                await asyncio.sleep(1)
                continue
            self._tell(session, [one for one in found if one.inode in self._inodes])
            await asyncio.sleep(LOOK_S)

    def _find(self) -> str:
        """Look up the process's sockets; why that can't be, or nothing."""
        try:
            self._inodes = set()
            for pid in family(self._pid, self._proc):
                self._inodes |= inodes_of(pid, self._proc)
        except PermissionError:
            return "the player's process is another user's"
        except OSError:
            return "the player's process has gone"
        return ""

    async def _resolve(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._hosts or (
            self._resolved_s is not None and loop.time() - self._resolved_s < _RESOLVE_EVERY_S
        ):
            return
        self._resolved_s = loop.time()
        for host in self._hosts:
            try:
                found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError):
                continue
            for *_, address in found[:64]:
                self._addresses[str(address[0])] = host

    def _tell(self, session: Session, found: Sequence[Seen]) -> None:
        wanted = [one for one in found if self._is_service(one)][:_MOST_SOCKETS]
        self._ports = {one.remote[1] for one in wanted}
        for gone in self._said.keys() - self._inodes:
            del self._said[gone]
            self._received.pop(gone, None)
        now = session.now()
        for one in wanted:
            session.sight(self.name, True)
            address, port = one.remote
            session.target("service", self._addresses.get(address, address), port, address=address)
            info = one.info
            news = (one.unread_bytes, info.bytes_received, info.segments_in, info.out_of_order)
            said_ns, said = self._said.get(one.inode, (-_SAY_AGAIN_NS, ()))
            if news == said and now - said_ns < _SAY_AGAIN_NS:
                continue
            self._said[one.inode] = (now, news)
            received = info.bytes_received or 0
            # what was there when we came is not this session's; what opened since is, wholly
            before = self._received.setdefault(one.inode, 0 if self._here else received)
            if received > before:
                session.budget.media(received - before)
                self._received[one.inode] = received
            session.emit(
                Transfer(
                    now,
                    request=_NO_REQUEST,
                    received_bytes=0,
                    socket=session.labels.socket(one.local, one.remote),
                    socket_bytes=info.bytes_received,
                    unread_bytes=one.unread_bytes,
                    rtt_ns=info.rtt_ns,
                    min_rtt_ns=info.min_rtt_ns,
                    rcv_rtt_ns=info.rcv_rtt_ns,
                    segments_in=info.segments_in,
                    out_of_order=info.out_of_order,
                    window_bytes=info.window_bytes,
                    idle_ns=info.idle_ns,
                )
            )
        self._here = True

    def _is_service(self, one: Seen) -> bool:
        address = one.remote[0]
        if self._hosts:
            return address in self._addresses
        inside = address.startswith("127.") or address == "::1"
        return not inside and (one.info.bytes_received or 0) >= BULK_BYTES


def family(pid: int, proc: Path = Path("/proc")) -> list[int]:
    """*pid* and its descendants (a browser's network process is one).

    Raises:
        OSError: there is no such process.
    """
    found, waiting = [pid], [pid]
    (proc / str(pid)).stat()
    while waiting and len(found) < _MOST_PROCESSES:
        one = waiting.pop()
        for text in _read_all((proc / str(one) / "task").glob("*/children")):
            children = [int(word) for word in text.split() if word.isdigit()]
            waiting += children
            found += children
    return found[:_MOST_PROCESSES]


def inodes_of(pid: int, proc: Path = Path("/proc")) -> set[int]:
    """Inodes of the sockets that *pid* has open.

    Raises:
        OSError: they can't be read, or the process has gone.
    """
    found: set[int] = set()
    for entry in os.scandir(proc / str(pid) / "fd"):
        try:
            link = os.readlink(entry.path)
        except FileNotFoundError:  # closed meanwhile
            continue
        if link.startswith("socket:[") and link[8:-1].isdigit():
            found.add(int(link[8:-1]))
    return found


def _read_all(paths: Iterable[Path]) -> Iterable[str]:
    for path in paths:
        try:
            yield path.read_text("ascii", "replace")
        except OSError:  # a thread that has ended
            continue


class _Diag:
    """inet_diag on one thread of its own.

    Our own, since pyroute2 keeps a loop and a socket for each thread that uses it, and closes
    those of the calling thread alone.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="streamnotice-sockets")
        self._socket: Any = None
        self._opening = self._thread.submit(self._open, make)

    async def opened(self) -> None:
        """Wait until it can be asked.

        Raises:
            OSError: the system refuses.
        """
        await asyncio.wrap_future(self._opening)

    async def look(self, ports: Sequence[int]) -> list[Seen]:
        """All established TCP connections to *ports* (0: any)."""
        return await asyncio.wrap_future(self._thread.submit(_look, self._socket, ports))

    def close(self) -> None:
        """Close it after the look that was begun, without waiting for that."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def _open(self, make: Callable[[], Any]) -> None:
        self._socket = _opened(make)

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()


def _opened(make: Callable[[], Any]) -> Any:
    diag = make()
    try:
        diag.bind()
    except BaseException:
        diag.close()
        raise
    return diag


def _look(diag: Any, ports: Sequence[int]) -> list[Seen]:
    found: list[Seen] = []
    for kind in (socket.AF_INET, socket.AF_INET6):
        for port in ports:
            answers = diag.get_sock_stats(
                family=kind, states=1 << _ESTABLISHED, extensions=_INFO_BIT, dport=port
            )
            found += [_seen(message) for message in answers]
    return found


def _seen(message: Any) -> Seen:
    return Seen(
        message["idiag_inode"],
        (_plain(message["idiag_src"]), message["idiag_sport"]),
        (_plain(message["idiag_dst"]), message["idiag_dport"]),
        message["idiag_rqueue"],
        _info(message),
    )


def _info(message: Any) -> TcpInfo:
    # the struct's own bytes: the library's decoding of it ends before the newer fields
    for slot in message["attrs"]:
        if slot.name == _INFO:
            value = slot[1]
            return parse_tcp_info(bytes(value.data[value.offset + 4 : value.offset + value.length]))
    return TcpInfo()


def _plain(address: str) -> str:
    return address.removeprefix("::ffff:") if "." in address else address


def _host(text: str) -> str:
    """The host of a name, an address or a URL."""
    if "://" not in text:
        return text
    return urlsplit(text).hostname or text
