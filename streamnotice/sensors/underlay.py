"""The path under a tunnel (VPN): to its server, by the network that carries it. Goes with "path".

Inside a tunnel no probe sees the Wi-Fi or the line: the tunnel is one link there. But VPN clients
leave a route of its own to their server, by the gateway of the real interface; probes to the
server's address therefore go beside the tunnel, and tell the line's trouble from the tunnel's.
Whoever carries the tunnel sees that address all the time anyhow; that it is probed, and more
densely in suspicion, is new to them. Where the video comes from stays inside.

Where packets are told apart by marks in place of routes (WireGuard's own tool), the server can't
be found without privileges: "couldn't see".
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from streamnotice.path.networks import NetworkTable
from streamnotice.sensors.error_queue import supported
from streamnotice.sensors.following import Follower
from streamnotice.sensors.path_flow import follow_path
from streamnotice.sensors.routes import default_ways, outer_endpoint, routing_table, way_to
from streamnotice.sensors.sharing import Seat
from streamnotice.session import Session, Target

LOOK_EVERY_S: Final = 3.0
_NO_PORT: Final = 0
_NO_TUNNEL: Final = "no tunnel carries the way to the service"


class UnderlaySensor:
    """Follows the path to the server of the tunnel that carries the way to the service.

    Emits `Route` and `HopProbe` with role "underlay". Nothing is sent but UDP and ICMP echo
    requests, to the tunnel's server alone.

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
        follower = Follower(session, self.name, partial(self._follow, session))
        try:
            while True:
                known = sorted(set(session.addresses("service")))
                found, why_not = await asyncio.to_thread(tunnel_server, known)
                await follower.turn_to(found)
                self._say_why_not(session, why_not)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await follower.end()

    async def _follow(self, session: Session, server: str) -> None:
        await follow_path(
            server, "underlay", Seat(session, _target(session, server), self._networks)
        )

    def _say_why_not(self, session: Session, why_not: str) -> None:
        """No tunnel is nothing missing, but for who saw one before."""
        if why_not and (why_not != _NO_TUNNEL or session.sights.get(self.name, (False, ""))[0]):
            session.sight(self.name, False, why_not)


def tunnel_server(addresses: list[str]) -> tuple[str | None, str]:
    """The server of the tunnel by which all *addresses* are reached, or why it can't be told.

    With no addresses, as when names don't resolve, the tunnel counts that all packets go into.
    """
    found = [way_to(address) for address in addresses] or default_ways()
    ways = {(way.interface, way.medium) for way in found}
    interface, medium = next(iter(ways), (None, None))
    if not addresses and (medium != "tunnel" or len(ways) > 1):
        return None, ""
    if medium != "tunnel" or interface is None:
        return None, _NO_TUNNEL if len(ways) == 1 else "a tunnel carries part of the service only"
    if len(ways) > 1:
        return None, "a tunnel carries part of the service only"
    entries = routing_table()
    server = outer_endpoint(entries, interface)
    if server is None:
        return None, "no route tells the tunnel's server"
    if way_to(server).medium == "tunnel":
        return None, "the tunnel lies in another one"
    return server, ""


def _target(session: Session, address: str) -> Target:
    """The server as a far end of ours; not registered: no other sensor has business there."""
    return Target(session.labels.address(address), "underlay", address, _NO_PORT, address)
