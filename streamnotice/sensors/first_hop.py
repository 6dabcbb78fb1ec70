"""Questions to the home router itself: does the link to it lose or delay? Goes with "path".

Limited-TTL probes may ask a router once a second at most, which finds a loss of a few percent after
minutes. Echo requests to its own address are not rationed so; where it, or this system, has no
pings, SYNs to the ports that home routers serve take their place (a refusal is an answer). No
name and no answer of the service is needed, so it also sees when nothing else does.
"""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import attrs

from streamnotice.addresses import is_ipv6
from streamnotice.events import Intensity
from streamnotice.observations import HopProbe, ProbeMethod
from streamnotice.path.first_hop import LEAST_ANSWERS, ROLE
from streamnotice.path.networks import NetworkTable
from streamnotice.path.roles import assign_roles
from streamnotice.sensors import echo_probe, tcp_probe
from streamnotice.sensors.echo_probe import EchoFlow
from streamnotice.sensors.error_queue import family_of
from streamnotice.sensors.following import Follower
from streamnotice.sensors.long_echo import LongEcho
from streamnotice.sensors.pace import PING_EVERY_S, PING_ON_EVERY_S, Lately, pacer_of
from streamnotice.sensors.routes import Way, default_ways, local_address, way_to
from streamnotice.sensors.sharing import Circle, Seat, share
from streamnotice.sensors.udp_probe import Reply
from streamnotice.sensors.underlay import tunnel_server
from streamnotice.session import Session, Target
from streamnotice.verdict.next_probe import home_bits

LOOK_EVERY_S: Final = 3.0
Pace = dict[Intensity, float]
KNOCK_S: Final[Pace] = {"rest": 8.0, "watch": 1.0, "suspect": 1.0}
"""Period of SYNs, which weigh twice as much, and which a cautious router counts."""
PORTS: Final = (53, 80)
"""What home routers serve: names, and their own pages."""
_ROUTER_LIMIT: Final = 64
_MOST_ERRORS: Final = 3


@attrs.frozen
class Router:
    """The home router, and the address of this computer that it is asked from.

    Another of either is another network.
    """

    address: str
    source: str | None


class FirstHopSensor:
    """Asks the home router. Emits `HopProbe` with role "first-hop".

    Args:
        networks: who runs which prefix; it may know that the first router is the provider's.
    """

    name = ROLE

    def __init__(self, networks: NetworkTable | None = None) -> None:
        self._networks = networks

    async def run(self, session: Session) -> None:
        """Observe until cancelled; networks come and go."""
        if sys.platform != "linux":
            session.sight(self.name, False, "questions to the home router need Linux")
            return
        follower = Follower(session, self.name, partial(self._follow, session))
        try:
            while True:
                known = sorted(set(session.addresses("service")))
                found, why_not = await asyncio.to_thread(home_router, known, self._networks)
                before = await follower.turn_to(found)
                if before is not None:
                    _forget(session, before)
                if why_not:
                    session.sight(self.name, False, why_not)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await follower.end()

    async def _follow(self, session: Session, router: Router) -> None:
        await _ask(router, Seat(session, _target(session, router), self._networks))


def home_router(addresses: list[str], networks: NetworkTable | None) -> tuple[Router | None, str]:
    """The router that packets to *addresses* are handed to if it is the home's, or why not.

    Under a tunnel it is the one that the tunnel's own packets are handed to.
    """
    ways = [way_to(one) for one in addresses] or default_ways()
    ways = [one for one in ways if one.interface is not None]
    way = next((one for one in ways if one.gateway is not None), ways[0] if ways else Way())
    if way.medium == "tunnel":
        server, why_not = tunnel_server(addresses)
        if server is None:
            return None, why_not or "no route tells the tunnel's server"
        way = way_to(server)
    if way.interface is None or way.gateway is None:
        return None, "no router leads out of here"
    roles = assign_roles([way.gateway], "", way.gateway, way.medium, networks, way.on_link)
    if roles.segments != ("network.home.wifi",):
        return None, "the first router isn't known to be the home's"
    local = is_ipv6(way.gateway) and ipaddress.ip_address(way.gateway).is_link_local
    address = f"{way.gateway}%{way.interface}" if local else way.gateway
    return Router(address, local_address(address)), ""


def _target(session: Session, router: Router) -> Target:
    """The router as a far end of ours; not registered: no other sensor has business there."""
    bare = router.address.partition("%")[0]
    return Target(session.labels.address(bare), ROLE, bare, 0, bare)


def _forget(session: Session, router: Router) -> None:
    """What was heard of *router* is over: asked anew, it may be another one of the same address."""
    label = _target(session, router).label
    session.emit(HopProbe(session.now(), label, 1, "echo", "error", role=ROLE))


async def _ask(router: Router, seat: Seat) -> None:
    """Have *seat* told of the router's answers until cancelled, one asker a process."""

    async def work(circle: Circle) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_Asker(circle, seat, router.address).run())
            tasks.create_task(LongEcho(circle, seat.session, router.address, ROLE).run())

    await share((ROLE, router), seat, work)


@attrs.frozen
class _Voice:
    """One way to ask: what it weighs, and how often it may."""

    method: ProbeMethod
    cost_bytes: int
    pace_s: Pace
    on_s: Pace
    ask: Callable[[], Awaitable[Reply]]


class _Asker:
    """Puts questions to the router at *address*, for all in *circle*."""

    def __init__(self, circle: Circle, seat: Seat, address: str) -> None:
        self._circle = circle
        self._session = seat.session
        self._address = address
        self._pacer = pacer_of(seat.session)
        self._lately = Lately()

    async def run(self) -> None:
        """Find a voice that the router answers to, and go on with it until cancelled."""
        family = family_of(self._address)
        syn_bytes = tcp_probe.SYN_COST_BYTES[family]
        while True:
            unheard = await self._ping(echo_probe.COST_BYTES[family])
            for port in PORTS:
                knock = partial(tcp_probe.limited_syn, self._address, port, _ROUTER_LIMIT)
                unheard &= await self._go_on(_Voice("tcp", syn_bytes, KNOCK_S, KNOCK_S, knock))
            if unheard:
                why = "the home router answers neither pings nor handshakes"
                for seat in self._circle.seats:
                    seat.session.sight(ROLE, False, why)

    async def _ping(self, cost_bytes: int) -> bool:
        """As `_go_on`; where not everybody may ping, the router can't be heard by that."""
        try:
            echo = EchoFlow(self._address)
        except OSError:
            return True
        try:
            ask = partial(echo.probe, _ROUTER_LIMIT)
            return await self._go_on(_Voice("echo", cost_bytes, PING_EVERY_S, PING_ON_EVERY_S, ask))
        finally:
            echo.close()

    async def _go_on(self, voice: _Voice) -> bool:
        """Ask with *voice* for as long as it is known to be heard, or has yet to be tried.

        One that was heard stays: its silence is what is looked for. Errors of our own stack end it,
        so that a new socket finds the way that there is now; True if not they did, but silence.
        """
        heard = False
        asked = errors = 0
        while (heard or asked < LEAST_ANSWERS) and errors < _MOST_ERRORS:
            await self._pacer.afford(voice.cost_bytes, 1, lambda: self._circle.budgets)
            began_ns = self._session.now()
            self._lately.asked(began_ns)
            loaded = {seat: seat.loaded for seat in self._circle.seats}
            said = await voice.ask()
            reply = self._plain(said)
            asked += 1
            errors = errors + 1 if reply.outcome == "error" else 0
            if reply.outcome == "reached":
                heard = True
                for seat in loaded:
                    seat.session.sight(ROLE, True)
            # of a voice that was never heard only silence is told, not what our own stack says
            if heard or said.outcome == "lost":
                self._tell(voice.method, reply, loaded)
            pace_s = voice.on_s if self._lately.enough(began_ns) else voice.pace_s
            await self._pacer.due(
                began_ns,
                pace_s,
                lambda: self._circle.intensity,
                lambda: home_bits(self._circle.suspects),
            )
        return errors < _MOST_ERRORS

    def _plain(self, reply: Reply) -> Reply:
        """Only the router's own word is an answer.

        That nobody has its address any more is said by our own stack, after a while: a silence.
        """
        if reply.outcome in ("lost", "error"):
            return reply
        theirs = (reply.address or "").partition("%")[0] == self._address.partition("%")[0]
        return reply if theirs and reply.outcome == "reached" else Reply("lost")

    def _tell(self, method: ProbeMethod, reply: Reply, loaded: dict[Seat, bool]) -> None:
        reached = reply.outcome == "reached"
        self._circle.tell(
            tuple(loaded),
            lambda seat, now: HopProbe(
                now,
                target=seat.target.label,
                ttl=1,
                method=method,
                outcome=reply.outcome,
                rtt_ns=reply.rtt_ns,
                hop=seat.target.label if reached else None,
                loaded=loaded[seat],
                role=ROLE,
            ),
        )
