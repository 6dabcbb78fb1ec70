"""The path to one address: find it, follow its hops, notice when it changes.

Route finding counts up the time to live with UDP. Where the far end drops UDP, SYNs with a
limited time to live to its own port tell how long the path is. Afterwards the hops that answered
are asked, those first whose answers tell most (`streamnotice.verdict.next_probe`), and every few
seconds TCP bears witness: a whole handshake, a SYN to one hop.
Of a tunnel's server no port is known: ICMP echo takes the place of TCP where it drops UDP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from operator import attrgetter
from typing import Final, cast

import attrs

from streamnotice.commons import ROUTER_EVERY_NS
from streamnotice.events import Intensity
from streamnotice.observations import HopProbe, ProbeMethod, RoundTrip, Route, TargetRole
from streamnotice.path import middlebox
from streamnotice.path.roles import assign_roles
from streamnotice.sensors import echo_probe, tcp_probe, udp_probe
from streamnotice.sensors.echo_probe import EchoFlow
from streamnotice.sensors.error_queue import family_of
from streamnotice.sensors.hop_echo import Asked, HopEcho
from streamnotice.sensors.long_echo import LongEcho
from streamnotice.sensors.pace import (
    HANDSHAKE_EVERY_S,
    LIMITED_SYN_EVERY_S,
    pacer_of,
    stretch,
)
from streamnotice.sensors.routes import local_address, way_to
from streamnotice.sensors.sharing import Circle, Seat, share
from streamnotice.sensors.udp_probe import Reply, UdpFlow
from streamnotice.verdict.next_probe import NOT_KNOWN_BITS, hop_bits

MOST_HOPS: Final = 30
_SILENT_IN_A_ROW: Final = 4
_SILENT_AGAIN_NS: Final = 15_000_000_000
_ROUTE_AGAIN_NS: Final = 8_000_000_000
_REDISCOVER_NS: Final = 300_000_000_000  # changes are noticed by following it
_INCOMPLETE_AGAIN_NS: Final = 30_000_000_000
_NOTHING_AGAIN_NS: Final = 2_000_000_000  # nobody answers: that they don't is worth knowing
_CHANGED_LOOKS: Final = 2
_SAID_EARLY: Final = 2
"""Silent hops after which a new way is told of as far as it is known; finding goes on."""
_LEAST_BITS: Final = 0.15
"""A router whose word is worth less is not pinged."""
FIRST_SOONER_S: Final = HANDSHAKE_EVERY_S["watch"] - HANDSHAKE_EVERY_S["suspect"]
"""The first handshake comes so much sooner than a period after the others begin."""
_LATE_NS: Final = 2_500_000_000
_NO_WAY_S: Final = 3.0


@attrs.define
class Hop:
    """What is known of one hop.

    Attributes:
        address: its router, None while it is silent.
        asked_ns: when it was last asked.
        other, others: another router that answers now, and how often in a row.
    """

    address: str | None = None
    asked_ns: int = -_SILENT_AGAIN_NS
    other: str | None = None
    others: int = 0


async def follow_path(address: str, role: TargetRole, seat: Seat) -> None:
    """Have *seat* told of the path to its target until cancelled, one prober a process."""

    async def work(circle: Circle) -> None:
        await PathFlow(circle, seat, address, role=role).run()

    await share(("path", address, seat.target.port, role), seat, work)


class PathFlow:
    """The path to *address*, probed by the session in *seat* for all in *circle*."""

    def __init__(
        self, circle: Circle, seat: Seat, address: str, *, role: TargetRole = "service"
    ) -> None:
        self._circle = circle
        self._session = seat.session
        self._role = role
        self._port = seat.target.port
        self._address = address
        self._family = family_of(address)
        self._pacer = pacer_of(seat.session)
        self._told: tuple[Seat, ...] = ()
        self._flow: UdpFlow | None = None
        self._echo: EchoFlow | None = None
        self._pinging = asyncio.Lock()
        self._pinged = False  # the far end has answered one: then a lost one is worth telling
        self._hops: list[Hop] = []
        self._segments: tuple[str | None, ...] = ()  # as the asking session's table has them
        self._complete = False
        self._far_udp = False  # the far end itself answers UDP
        self._lost_ns: dict[str, int] = {}  # routers whose late answers may still come
        self._reserved: str | None = None  # the router that a SYN is to ask next
        self._route_ns = 0  # when the route was last told of
        # when TCP was last asked: goes on where nobody answers and finding begins again and again
        self._syn_ns = self._session.now()
        self._handshake_ns = self._syn_ns - round(FIRST_SOONER_S * 1e9)
        self._rediscover = False
        self._following = False  # the hops are being asked in turn, the way isn't being found
        self._moved = False  # this computer has another address towards the far end
        # a reference's path is only found, its hops are not followed and so not told of
        self._tells = role != "reference"
        # what a tunnel's server speaks beside the tunnel is not known
        self._tcp = role != "underlay"

    # finding the route --------------------------------------------------------------------

    async def run(self) -> None:
        """Find and follow until cancelled. A far end without any way to it is tried again."""
        while True:
            try:
                self._flow = UdpFlow(self._address)
            except OSError as error:
                self._no_way(error)
                await asyncio.sleep(_NO_WAY_S)
                continue
            try:
                await self._run()
            finally:
                self._flow.close()
                if self._echo is not None:
                    self._echo.close()
                    self._echo = None
            # another network, or a new address in the same: what was known is not known of this
            self._hops, self._complete, self._moved = [], False, False
            self._lost_ns.clear()

    def _no_way(self, error: OSError) -> None:
        self._session.log.debug("streamnotice.path.no_way", error=repr(error))
        if self._tells:
            self._circle.tell(
                self._circle.seats,
                lambda seat, now: HopProbe(
                    now, target=seat.target.label, ttl=1, method="udp",
                    outcome="error", loaded=seat.loaded, role=self._role,
                ),
            )  # fmt: skip

    async def _run(self) -> None:
        if not self._tells:
            await self._find_and_follow()
            return
        async with asyncio.TaskGroup() as tasks:
            # beside finding the way, which takes seconds where nobody answers
            others = [tasks.create_task(self._witness())]
            if self._role == "service":
                echo = HopEcho(self._circle, self._session, self._best)
                others.append(tasks.create_task(echo.run()))
                long = LongEcho(self._circle, self._session, self._address, self._role)
                others.append(tasks.create_task(long.run()))
            try:
                await self._find_and_follow()
            finally:
                for other in others:
                    other.cancel()

    async def _find_and_follow(self) -> None:
        while not self._moved:
            began_ns = self._session.now()
            await self.discover()
            self._look_where_we_are()
            if self._complete:
                lasts_ns = _REDISCOVER_NS
            else:
                lasts_ns = _INCOMPLETE_AGAIN_NS if self._hops else _NOTHING_AGAIN_NS
            if self._tells:
                await self._follow(began_ns + lasts_ns)
                continue
            while self._session.now() - began_ns < _REDISCOVER_NS:
                await asyncio.sleep(0.5)
                self._greet()

    async def discover(self) -> bool:
        """Find the route and tell of it; whether the far end was reached."""
        found: dict[int, str] = {}
        length = None
        silent = 0
        for ttl in range(1, MOST_HOPS + 1):
            reply = await self._udp(ttl)
            if reply.address is not None and reply.outcome != "refused_by_path":
                found[ttl] = reply.address
            if reply.outcome == "reached":
                length = ttl
                break
            silent = silent + 1 if reply.outcome == "lost" else 0
            if silent == _SAID_EARLY and found and not self._hops:
                self._take(found, None)
                self._say_route()
            if silent == _SILENT_IN_A_ROW or reply.outcome in ("refused_by_path", "error"):
                break
        by_udp = length is not None
        if length is None:
            length = await self._length_by_others(max(found, default=0), found)
        if length is None and self._complete and not self._contradicts(found):
            self._rediscover = False  # the way is as it was, only nothing gets through
            return False
        self._far_udp = by_udp
        self._take(found, length)
        self._say_route()
        return length is not None

    def _contradicts(self, found: dict[int, str]) -> bool:
        """Another router answers where one was known."""
        return any(
            ttl > len(self._hops) or self._hops[ttl - 1].address not in (None, address)
            for ttl, address in found.items()
        )

    def _take(self, found: dict[int, str], length: int | None) -> None:
        last = length if length is not None else max(found, default=0)
        if length is not None:
            found[length] = self._address
        kept = {hop.address: hop for hop in self._hops if hop.address is not None}
        before = self._hops
        self._hops = []
        for ttl in range(1, last + 1):
            address = found.get(ttl)
            if address is None and ttl <= len(before) and ttl < last:
                # one unanswered question does not unlearn a router that answered before, as
                # long as the path around it is the same
                earlier = before[ttl - 1].address
                same = all(
                    found.get(near) in (None, before[near - 1].address)
                    for near in (ttl - 1, ttl + 1)
                    if 1 <= near <= len(before)
                )
                address = earlier if same and earlier != self._address else None
            self._hops.append(kept.get(address) or Hop(address) if address else Hop())
        self._complete = length is not None
        self._rediscover = False

    async def _length_by_others(self, low: int, found: dict[int, str]) -> int | None:
        """Number of hops to the far end by other means than UDP: double the step, then halve."""
        if (await self._other(64)).outcome != "reached":
            return None
        step, high = 1, None
        while high is None:
            ttl = min(low + step, MOST_HOPS + 10)
            if await self._reaches(ttl, found):
                high = ttl
            elif ttl >= MOST_HOPS + 10:
                return None
            else:
                low, step = ttl, step * 2
        while high - low > 1:
            middle = (low + high) // 2
            if await self._reaches(middle, found):
                high = middle
            else:
                low = middle
        return None if await self._ended_near(high) else high

    async def _ended_near(self, length: int) -> bool:
        """What answers behind the last router that is heard answers before it, too.

        Then it is a box that ends connections in the far end's place (`path.middlebox`), and the
        way may end at that router now. Told of, and as often as a proof takes.
        """
        if not self._tcp or not middlebox.can_not_reach(1, length):
            return False
        for _ in range(middlebox.FEWEST_EARLY):
            if (await self._syn(1)).outcome != "reached":
                return False
        return True

    async def _reaches(self, ttl: int, found: dict[int, str]) -> bool:
        for _ in range(2):  # a lost SYN must not make the path longer than it is
            reply = await self._other(ttl)
            if reply.outcome == "ttl_exceeded" and reply.address is not None:
                found.setdefault(ttl, reply.address)
            if reply.outcome != "lost":
                break
        return reply.outcome == "reached"

    def _say_route(self) -> None:
        addresses = [hop.address for hop in self._hops]
        self._told = self._circle.seats
        if not addresses:
            return
        way = way_to(self._address)
        self._route_ns = self._session.now()
        for seat in self._told:
            networks = seat.networks
            roles = assign_roles(
                addresses, self._address, way.gateway, way.medium, networks, way.on_link
            )
            if seat.session is self._session:
                self._segments = roles.segments
            if self._role == "service":
                _learn_operators(seat, addresses, roles.segments)
            label = seat.session.labels.address
            now = seat.session.now()
            route = Route(
                now,
                target=seat.target.label,
                role=self._role,
                hops=tuple(None if one is None else label(one) for one in addresses),
                segments=roles.segments,
                complete=self._complete,
                why=roles.why,
            )
            if seat.said is None or attrs.evolve(seat.said, at_ns=now) != route:
                seat.said = route
                seat.session.emit(route)
            if self._role == "underlay":
                why = "" if self._complete else "the tunnel's server doesn't answer"
                seat.session.sight("underlay", self._complete, why)
            elif any(addresses):
                seat.session.sight("path", True)

    def _greet(self) -> None:
        """Tell those of the route who came since."""
        if any(seat not in self._told for seat in self._circle.seats):
            self._say_route()

    # following it -------------------------------------------------------------------------

    async def _follow(self, until_ns: int) -> None:
        self._following = True
        try:
            while not (self._session.now() >= until_ns or self._rediscover or self._moved):
                self._greet()
                if self._next() is None:
                    await asyncio.sleep(0.05)
                    continue
                await self._turn()
                ttl = self._next()  # another flow may have asked the same router meanwhile
                if ttl is None:
                    continue
                reply = await self._udp(ttl)
                self._learn(ttl, reply)
                if reply.outcome == "error":
                    await asyncio.sleep(_NO_WAY_S / 3)
        finally:
            self._following = False

    def _next(self) -> int | None:
        """The hop that has waited longest for what it is worth, among those that may be asked."""
        now = self._session.now()
        stretched = [stretch(bits) for bits in self._bits()]
        best: tuple[float, int] | None = None
        for ttl, hop in enumerate(self._hops, 1):
            far = self._complete and ttl == len(self._hops)
            quiet = hop.address is None or (far and not self._far_udp)
            if quiet and now - hop.asked_ns < _SILENT_AGAIN_NS:
                continue
            if not self._pacer.may_ask(hop.address or f"{self._address}#{ttl}"):
                continue
            if hop.address is not None and (
                hop.address == self._reserved or hop.address in self._late()
            ):
                continue  # a late answer could be taken for that to the next question
            # the far end's answers are what all others' are compared with
            waited_ns = (now - hop.asked_ns) / (1.0 if far else stretched[ttl - 1])
            if waited_ns >= ROUTER_EVERY_NS and (best is None or waited_ns > best[0]):
                best = (waited_ns, ttl)
        return None if best is None else best[1]

    def _bits(self) -> tuple[float, ...]:
        """What each hop's next answer tells; at ease all tell the same, how it is in good times."""
        hops = len(self._hops)
        if self._circle.intensity != "suspect" or hops != len(self._segments):
            return (NOT_KNOWN_BITS,) * hops
        beyond = () if self._complete else (None,)
        return hop_bits((*self._segments, *beyond), self._circle.suspects)[:hops]

    def _best(self, deaf: frozenset[str]) -> Asked | None:
        """The router before the far end whose answers tell most; the home's is asked as it is.

        Args:
            deaf: routers that answer no pings.
        """
        routers = [
            Asked(ttl, hop.address, bits)
            for ttl, (hop, bits) in enumerate(zip(self._hops, self._bits(), strict=True), 1)
            if hop.address is not None
            and hop.address not in (self._address, *deaf)
            and self._segments[ttl - 1 : ttl] != ("network.home.wifi",)
        ]
        best = max(routers, key=attrgetter("bits"), default=None)
        return best if best is not None and best.bits >= _LEAST_BITS else None

    def _late(self) -> frozenset[str]:
        """Routers whose answers were given up so lately that they may still come."""
        now = self._session.now()
        for router, lost_ns in list(self._lost_ns.items()):
            if now - lost_ns >= _LATE_NS:
                del self._lost_ns[router]
        return frozenset(self._lost_ns)

    def _learn(self, ttl: int, reply: Reply) -> None:
        """Take note if the path is another one now; told of when it stays so."""
        hop = self._hops[ttl - 1]
        last = len(self._hops)
        if reply.address is None:
            return
        if self._complete and (reply.outcome == "reached") != (ttl == last):
            hop.others += 1  # the path has become shorter or longer
            self._rediscover = hop.others >= _CHANGED_LOOKS
            return
        if reply.outcome == "reached":
            self._far_udp = True
            return
        if reply.address == hop.address:
            hop.other, hop.others = None, 0
            return
        hop.others = hop.others + 1 if reply.address == hop.other else 1
        hop.other = reply.address
        enough = hop.address is None or hop.others >= _CHANGED_LOOKS
        if enough and self._session.now() - self._route_ns >= _ROUTE_AGAIN_NS:
            hop.address, hop.other, hop.others = reply.address, None, 0
            self._say_route()

    async def _witness(self) -> None:
        """TCP, now and then."""
        turn = 0
        while True:
            if self._due(self._handshake_ns, HANDSHAKE_EVERY_S):
                self._handshake_ns = self._session.now()
                self._look_where_we_are()
                if self._tcp:
                    await self._handshake()
                elif self._complete and self._following:  # finding the way asks by pings as well
                    await self._turn()
                    await self._ping(len(self._hops), tell=self._pinged)
            if (
                self._tcp
                and self._following  # finding the way asks the same routers
                and self._due(self._syn_ns, LIMITED_SYN_EVERY_S)
            ):
                self._syn_ns = self._session.now()
                turn = await self._one_syn(turn)
            await asyncio.sleep(0.1)

    def _look_where_we_are(self) -> None:
        """A flow whose address is no more gets no answers, and its questions may still go out."""
        source = local_address(self._address)
        self._moved = source is not None and self._flow is not None and source != self._flow.source

    async def _one_syn(self, turn: int) -> int:
        """A SYN to the next router that answers at all; the far end has its handshakes."""
        last: int = len(self._hops) - 1 if self._complete else len(self._hops)
        for ttl in (*range(turn + 1, last + 1), *range(1, min(turn, last) + 1)):
            router = self._hops[ttl - 1].address
            if router is None:
                continue
            self._reserved = router
            try:
                while not self._pacer.may_ask(router):  # noqa: ASYNC110 -- time passes by itself
                    await asyncio.sleep(0.05)
                await self._turn()
                if not self._following:  # it has been found out meanwhile
                    return turn
                self._pacer.asked(router)
            finally:
                self._reserved = None
            await self._syn(ttl)
            return int(ttl)
        return 0

    def _due(self, last_ns: int, every_s: Mapping[Intensity, float]) -> bool:
        return self._pacer.is_due(last_ns, every_s, self._circle.intensity)

    async def _turn(self) -> None:
        await self._pacer.turn(lambda: self._circle.intensity)

    async def _afford(self, size_bytes: int, packets: int = 1) -> None:
        await self._pacer.afford(size_bytes, packets, lambda: self._circle.budgets)

    async def _handshake(self) -> None:
        await self._turn()
        await self._afford(tcp_probe.COST_BYTES[self._family], 3)
        loaded = {seat: seat.loaded for seat in self._circle.seats}
        done = await tcp_probe.handshake(self._address, self._port)
        self._circle.tell(
            tuple(loaded),
            lambda seat, now: RoundTrip(
                now,
                target=seat.target.label,
                role=self._role,
                rtt_ns=done.rtt_ns,
                failure=done.failure,
                retransmitted=done.retransmitted,
                loaded=loaded[seat],
            ),
        )

    # single probes ------------------------------------------------------------------------

    async def _udp(self, ttl: int) -> Reply:
        flow = self._flow
        assert flow is not None
        hop = self._hops[ttl - 1] if ttl <= len(self._hops) else None
        if hop is not None:
            hop.asked_ns = self._session.now()
        self._pacer.asked((hop.address if hop else None) or f"{self._address}#{ttl}")
        passed_over = self._late()
        reply = await self._tell(
            ttl,
            "udp",
            udp_probe.COST_BYTES[self._family],
            lambda: flow.probe(ttl, not_from=passed_over),
            # a server that never answers this is told of by its answers to pings alone
            tell=self._tcp or self._far_udp or not self._complete or ttl < len(self._hops),
        )
        if hop is not None and hop.address is not None and reply.outcome == "lost":
            self._lost_ns[hop.address] = self._session.now()
        if reply.address is not None:
            self._pacer.asked(reply.address)
        return reply

    async def _syn(self, ttl: int, *, tell: bool = True) -> Reply:
        return await self._tell(
            ttl,
            "tcp",
            tcp_probe.SYN_COST_BYTES[self._family],
            lambda: tcp_probe.limited_syn(self._address, self._port, ttl),
            tell=tell,
        )

    async def _other(self, ttl: int) -> Reply:
        """What is tried where UDP ends, not told of."""
        return await (self._syn(ttl, tell=False) if self._tcp else self._ping(ttl, tell=False))

    async def _ping(self, ttl: int, *, tell: bool) -> Reply:
        if self._echo is None:
            try:
                self._echo = EchoFlow(self._address)
            except OSError:  # not everybody may here
                return Reply("lost")
        async with self._pinging:  # one in flight: the witness may still wait for its own
            reply = await self._tell(
                ttl, "echo", echo_probe.COST_BYTES[self._family],
                lambda: cast("EchoFlow", self._echo).probe(ttl), tell=tell,
            )  # fmt: skip
        self._pinged = self._pinged or reply.outcome == "reached"
        return reply

    async def _tell(
        self,
        ttl: int,
        method: ProbeMethod,
        cost_bytes: int,
        ask: Callable[[], Awaitable[Reply]],
        *,
        tell: bool,
    ) -> Reply:
        await self._afford(cost_bytes)
        loaded = {seat: seat.loaded for seat in self._circle.seats}
        reply = await ask()
        if tell and self._tells:
            self._circle.tell(
                tuple(loaded),
                lambda seat, now: HopProbe(
                    now,
                    target=seat.target.label,
                    ttl=ttl,
                    method=method,
                    outcome=reply.outcome,
                    rtt_ns=reply.rtt_ns,
                    hop=None
                    if reply.address is None
                    else seat.session.labels.address(reply.address),
                    return_hops=reply.return_hops,
                    loaded=loaded[seat],
                    role=self._role,
                ),
            )
        return reply


def _learn_operators(
    seat: Seat, addresses: list[str | None], segments: tuple[str | None, ...]
) -> None:
    """Who runs the viewer's provider, for hosts whose policy lets it be named."""
    if seat.networks is None:
        return
    for address, place in zip(addresses, segments, strict=True):
        if address is None or place not in ("network.isp.access", "network.isp.core"):
            continue
        network = seat.networks.lookup(address)
        if network is not None and network.operator:
            seat.session.operators[place] = network.operator
