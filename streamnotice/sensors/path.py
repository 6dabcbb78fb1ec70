"""Path probes towards the servers that the player talks to: opt-in, without privileges."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import Final

from streamnotice.addresses import plain
from streamnotice.path.networks import NetworkTable
from streamnotice.sensors.error_queue import prepare, supported
from streamnotice.sensors.path_flow import follow_path
from streamnotice.sensors.routes import local_address
from streamnotice.sensors.sharing import Seat
from streamnotice.session import Session, Target

MOST_TARGETS: Final = 3
_RESOLVE_AFTER_S: Final = 1.0
_RESOLVE_AGAIN_S: Final = (5.0, 60.0)
"""Names that fail are asked for again, each time after twice as long, up to the second figure."""


class PathSensor:
    """Follows the paths to the session's service targets.

    Emits `Route`, `HopProbe` and `RoundTrip`. Asks DNS only for a server whose address the
    player's own requests have not shown. The family is that of the player's own connection.

    Args:
        networks: who runs which prefix; without it nothing beyond the access link gets a place.
    """

    name = "path"

    def __init__(self, networks: NetworkTable | None = None) -> None:
        self._networks = networks
        self._flows: dict[str, asyncio.Task[None]] = {}  # by address
        self._guessed: dict[tuple[str, int], str] = {}  # addresses that we looked up ourselves

    async def run(self, session: Session) -> None:
        """Observe until cancelled."""
        if not supported():
            session.sight(self.name, False, "limited-TTL probes need Linux")
            return
        if not any(error_queues_work(family) for family in (socket.AF_INET, socket.AF_INET6)):
            session.sight(self.name, False, "the system refuses error queues (IP_RECVERR)")
            return
        news: asyncio.Queue[Target] = asyncio.Queue(maxsize=64)

        loop = asyncio.get_running_loop()

        def put(target: Target) -> None:
            if not news.full():
                news.put_nowait(target)

        def tell(target: Target) -> None:
            if target.role == "service":  # on whatever thread the host asked for it
                loop.call_soon_threadsafe(put, target)

        session.on_target(tell)
        resolving: dict[tuple[str, int], asyncio.Task[None]] = {}
        try:
            while True:
                target = await news.get()
                if target.address is not None:
                    self._drop_guess(target, target.address)
                    self._probe(session, target, target.address)
                elif (target.host, target.port) not in resolving and len(resolving) < 16:
                    resolving[target.host, target.port] = asyncio.create_task(
                        self._resolve(session, target)
                    )
        finally:
            tasks = [*self._flows.values(), *resolving.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _probe(self, session: Session, target: Target, address: str) -> None:
        if address in self._flows and not self._flows[address].done():
            return
        while len(self._flows) >= MOST_TARGETS:  # the oldest goes: players move on
            self._flows.pop(next(iter(self._flows))).cancel()
        seat = Seat(session, target, self._networks)
        task = asyncio.create_task(
            follow_path(address, "service", seat), name="streamnotice-path-flow"
        )
        task.add_done_callback(partial(session.ended, "sensor.path"))
        self._flows[address] = task

    def _drop_guess(self, target: Target, address: str) -> None:
        """The player talks to another of the server's addresses than the one taken for it."""
        guess = self._guessed.pop(_key(target), address)
        if guess != address and guess in self._flows:
            self._flows.pop(guess).cancel()

    async def _resolve(self, session: Session, target: Target) -> None:
        """A server that the player could not reach, or not yet: look its address up ourselves."""
        await asyncio.sleep(_RESOLVE_AFTER_S)
        again_s, seldom_s = _RESOLVE_AGAIN_S
        while True:
            known = [t for t in session.targets("service") if _key(t) == _key(target)]
            if known and known[0].address is not None:
                return
            # in the order in which a player would try them; one that no route leads to is no use
            found = await resolve(target.host)
            there = [address for address in found if local_address(address) is not None]
            if found:
                self._guessed[_key(target)] = address = (there or found)[0]
                self._probe(session, target, address)
                return
            await asyncio.sleep(again_s)
            again_s = min(2 * again_s, seldom_s)


def _key(target: Target) -> tuple[str, int]:
    return target.host, target.port


async def resolve(host: str) -> list[str]:
    """Addresses of *host*, the system's favourite first (RFC 6724); none if that fails now."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(plain(str(address[0])) for *_, address in found))


def error_queues_work(family: socket.AddressFamily) -> bool:
    """A socket of ours may ask for its ICMP errors."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            prepare(sock)
    except OSError:
        return False
    return True
