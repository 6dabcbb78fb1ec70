"""The path under a tunnel (VPN): to its server, by the network that carries it. Goes with "path".

Inside a tunnel no probe sees the Wi-Fi or the line: the tunnel is one link there. But VPN clients
leave a route of its own to their server, by the gateway of the real interface; probes to the
server's address therefore go beside the tunnel, and tell the line's trouble from the tunnel's.
Nobody learns anything by them: whoever carries the tunnel sees that address all the time, and
where the video comes from stays inside.

Where packets are told apart by marks in place of routes (WireGuard's own tool), the server can't
be found without privileges: "couldn't see".
"""

from __future__ import annotations

import asyncio
from typing import Final

from streamnotice.path.networks import NetworkTable
from streamnotice.sensors.error_queue import supported
from streamnotice.sensors.path_flow import follow_path
from streamnotice.sensors.routes import outer_endpoint, routing_table, way_to
from streamnotice.sensors.sharing import Seat
from streamnotice.session import Session, Target

LOOK_EVERY_S: Final = 3.0
_NO_PORT: Final = 0


class UnderlaySensor:
    """Follows the path to the server of the tunnel that carries the way to the service.

    Emits `Route` and `HopProbe` with role "underlay". Nothing is sent but limited-TTL UDP.

    Args:
        networks: who runs which prefix; without it nothing beyond the access link gets a place.
    """

    name = "underlay"

    def __init__(self, networks: NetworkTable | None = None) -> None:
        self._networks = networks

    async def run(self, session: Session) -> None:
        """Observe until cancelled; tunnels come and go."""
        if not supported():
            session.sight(self.name, False, "limited-TTL probes need Linux")
            return
        server: str | None = None
        flow: asyncio.Task[None] | None = None
        said = ""
        try:
            while True:
                found, why_not = _server(session)
                if flow is not None and (found != server or flow.done()):
                    flow.cancel()
                    await asyncio.gather(flow, return_exceptions=True)
                    flow = None
                if found is not None and flow is None:
                    seat = Seat(session, _target(session, found), self._networks)
                    flow = asyncio.create_task(
                        follow_path(found, "underlay", seat), name="streamnotice-underlay-flow"
                    )
                if why_not != said and why_not:
                    session.sight(self.name, False, why_not)
                server, said = found, why_not
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            if flow is not None:
                flow.cancel()
                await asyncio.gather(flow, return_exceptions=True)


def _server(session: Session) -> tuple[str | None, str]:
    """Address of the tunnel's server, or why it can't be probed ("": no tunnel carries the way)."""
    known = [t.address for t in session.targets("service") if t.address is not None]
    if not known:
        return None, ""
    way = way_to(known[-1])
    if way.medium != "tunnel" or way.interface is None:
        return None, ""  # nothing is missing
    server = outer_endpoint(routing_table(), way.interface)
    if server is None:
        return None, "no route tells the tunnel's server"
    return server, ""


def _target(session: Session, address: str) -> Target:
    """The server as a far end of ours; not registered: no other sensor has business there."""
    return Target(session.labels.address(address), "underlay", address, _NO_PORT, address)
