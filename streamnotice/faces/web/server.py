"""A page of its own on loopback: `streamnotice watch --face web`, or for hosts without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from streamnotice.errors import HostError
from streamnotice.faces import TakenAway
from streamnotice.faces.web.app import make_app

if TYPE_CHECKING:
    from streamnotice.notices.actions import Acted
    from streamnotice.notices.shown import ShownNotice
    from streamnotice.watcher import Watcher


class WebFace:
    """Serves the overlay's own page on 127.0.0.1, for as long as the session lasts.

    Args:
        port: 0 takes a free one.

    Attributes:
        address: where to look, once it is open.
    """

    name = "web"

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._runner: web.AppRunner | None = None
        self.address: str | None = None

    async def open(self, watcher: Watcher) -> None:
        """Raises HostError if the port is taken."""
        runner = web.AppRunner(
            make_app(watcher), access_log=None, handle_signals=False, shutdown_timeout=1.0
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise HostError(
                f"the web face can't listen on port {self._port}: {error.strerror}"
            ) from None
        self._runner = runner
        port = runner.addresses[0][1]
        self.address = f"http://127.0.0.1:{port}/"

    # the application is a face itself and is told by the watcher

    def notice(self, shown: ShownNotice) -> None:
        return None

    def taken_away(self, what: TakenAway) -> None:
        return None

    def acted(self, acted: Acted) -> None:
        return None

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
