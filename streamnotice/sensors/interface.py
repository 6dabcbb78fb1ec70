"""The interface that carries the route to the service: its kind and what goes over it. Passive."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from streamnotice.observations import Interface
from streamnotice.sensors.routes import NET, Way, default_ways, way_to
from streamnotice.session import Session

WINDOW_S: Final = 1.0
"""Length of a window, in seconds."""
_LOOPBACK: Final = "lo"
_ASK_AGAIN_WINDOWS: Final = 5  # routes change: Wi-Fi to cable, a tunnel goes up


def read_counts(interface: str, net: Path = NET) -> tuple[int, int] | None:
    """Bytes received and sent on *interface* so far; None if it isn't there."""
    folder = net / interface / "statistics"
    try:
        return (
            int((folder / "rx_bytes").read_text("ascii")),
            int((folder / "tx_bytes").read_text("ascii")),
        )
    except (OSError, ValueError):
        return None


class InterfaceSensor:
    """Emits one `Interface` a second, once a server's address is known.

    Before, and where no name can be resolved ever, the way to the world at large tells the medium.
    """

    name = "interface"

    async def run(self, session: Session) -> None:
        """Observe until cancelled."""
        way = Way()
        before: tuple[int, int] | None = None
        began_ns, stops = session.now(), session.stops
        windows = 0
        while True:
            await asyncio.sleep(WINDOW_S)
            now_ns = session.now()
            if stops != session.stops:
                before, stops = None, session.stops
            if way.interface is None or windows % _ASK_AGAIN_WINDOWS == 0:
                found = self._find(session)
                if found != way:
                    way, before = found, None
            windows += 1
            if way.interface is None:
                self._tell_usual(session, now_ns - began_ns)
                began_ns = now_ns
                continue
            after = read_counts(way.interface)
            if before is not None and after is not None:
                session.emit(
                    Interface(
                        now_ns,
                        window_ns=now_ns - began_ns,
                        medium=way.medium,
                        # a driver that was reloaded starts from 0 again
                        rx_bytes=after[0] - before[0] if after[0] >= before[0] else None,
                        tx_bytes=after[1] - before[1] if after[1] >= before[1] else None,
                    )
                )
            before, began_ns = after, now_ns

    def _tell_usual(self, session: Session, window_ns: int) -> None:
        """What most ways begin with, if it is the same for all and the service's isn't known."""
        if session.addresses("service"):
            return
        media = {way.medium for way in default_ways()}
        if len(media) == 1 and None not in media:
            session.emit(Interface(session.now(), window_ns=window_ns, medium=media.pop()))

    def _find(self, session: Session) -> Way:
        addresses = session.addresses("service")
        if not addresses:
            return Way()
        way = way_to(addresses[-1])
        if way.interface is None:
            session.sight(self.name, False, "the interface towards the service can't be told here")
        elif way.interface == _LOOPBACK:  # what it counts is told twice, and never leaves
            session.sight(self.name, False, "the service, or a proxy to it, is on this computer")
            return Way()
        else:
            session.sight(self.name, True)
        return way
