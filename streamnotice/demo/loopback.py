"""Where the demo's servers may listen: loopback, nowhere else."""

from __future__ import annotations

import ipaddress
import socket
from typing import Self

from aiohttp import web

from streamnotice.addresses import is_ipv6
from streamnotice.errors import HostError

LOOPBACK = "127.0.0.1"


def listening_socket(host: str = LOOPBACK, port: int = 0) -> socket.socket:
    """A bound TCP socket, not listening yet.

    Args:
        host: a literal loopback address. Names are refused: they can mean anything.
        port: 0 takes a free one.

    Raises:
        HostError: *host* is no loopback address, or the port is taken.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise HostError(f"the demo listens on loopback addresses only, not on {host!r}") from None
    if not address.is_loopback:
        raise HostError(f"the demo listens on loopback addresses only, not on {host}")
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise HostError(f"can't listen on {host}, port {port}: {error.strerror}") from error
    return sock


class LoopbackServer:
    """An aiohttp application on a free loopback port: `async with LoopbackServer(app) as s`."""

    def __init__(self, app: web.Application, host: str = LOOPBACK, port: int = 0) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self._sock = listening_socket(host, port)
        self._site: web.SockSite | None = None
        self.host, self.port = self._sock.getsockname()[:2]

    @property
    def base_url(self) -> str:
        """`http://host:port`, without a slash at the end."""
        host = f"[{self.host}]" if is_ipv6(self.host) else self.host
        return f"http://{host}:{self.port}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._cut()
        await self._runner.cleanup()
        self._sock.close()

    async def vanish(self) -> None:
        """Stop listening and cut every connection: new ones are refused."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
        self._cut()

    async def return_(self) -> None:
        """Listen again on the same port."""
        if self._site is None:
            self._sock = listening_socket(self.host, self.port)
            await self._listen()

    async def _listen(self) -> None:
        self._site = web.SockSite(self._runner, self._sock)
        await self._site.start()

    def _cut(self) -> None:
        server = self._runner.server
        for connection in list(server.connections) if server is not None else []:
            connection.force_close()
