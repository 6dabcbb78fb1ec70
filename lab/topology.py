"""The plan of a network, drawn from a seed: who is joined to whom, addresses, delays, rates.

    device -+
    viewer -+- home - [outer] - p1 .. pn (border) - [transit] - [server router] - edge - origin
                                  |      |
                             reference b  reference a, world, name server, [VPN server]

Where packets for the viewer come back over another way, they leave the far end of the link
"inter" for the router "rt" and enter the provider at one of its routers (links "backx", "back").

Addresses follow what is found outside: private in the home, public or carrier-grade on the
access line, a block for each network, links between networks numbered by the far one or by an
exchange. They only look public: no namespace has a way out.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterable, Iterator

import attrs

from lab.worlds import HERE

SERVICE = "service"  # place of links inside the server's network


@attrs.frozen
class Link:
    """An emulated link. "down" is from `far` (server side) to `near` (viewer side).

    Attributes:
        place: the leaf that trouble here belongs to.
        delay_ms: one way.
        queue_ms: drop-tail queue, as time at the link's own rate.
    """

    name: str
    near: str
    far: str
    place: str
    near_ip: str
    far_ip: str
    down_bps: int
    up_bps: int
    delay_ms: float
    queue_ms: float
    jitter_ms: float = 0.0
    codel: bool = False


@attrs.frozen
class Cable:
    """A plain veth pair for what is not under test: crowd hosts, the other device at home."""

    name: str
    near: str
    far: str
    near_ip: str
    far_ip: str


@attrs.frozen
class Network:
    """A row of the prefix table."""

    prefix: str
    asn: int
    operator: str


@attrs.frozen
class Plan:
    """All of a run's network.

    Attributes:
        hops: provider's routers, nearest first.
        silent: routers that never answer with ICMP.
        slow_icmp: routers whose own answers (not what they forward) come late, by so many ms.
        shared_access: the access medium has a neighbour on it (host "neighbour").
        congestion: TCP congestion control of the service's hosts.
        split_at: router that ends the viewer's TCP connections and opens its own.
        tunnel: (viewer's, server's) address inside a VPN that carries all of the viewer's traffic.
        translates: home routers put their own address in the place of those behind them.
    """

    seed: int
    links: tuple[Link, ...]
    cables: tuple[Cable, ...]
    networks: tuple[Network, ...]
    hops: tuple[str, ...]
    silent: tuple[str, ...]
    slow_icmp: tuple[tuple[str, float], ...]
    congestion: str
    neighbour_ip: str | None
    home_prefix: str | None
    home_ip: str | None
    viewer_ip: str
    addresses: dict[str, str]
    tunnel: tuple[str, str] | None = None
    split_at: str | None = None
    translates: bool = False

    def link(self, name: str) -> Link:
        """The link called *name*; KeyError if this plan has none."""
        for one in self.links:
            if one.name == name:
                return one
        raise KeyError(name)

    def links_at(self, place: str) -> list[str]:
        """Names of the links that are of *place*, nearest first."""
        return [one.name for one in self.links if one.place == place]

    def has(self, name: str) -> bool:
        return any(one.name == name for one in self.links)

    @property
    def adjacencies(self) -> tuple[Link | Cable, ...]:
        """Links and cables alike."""
        return (*self.links, *self.cables)

    @property
    def nodes(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for one in self.adjacencies:
            found[one.near] = found[one.far] = None
        if self.neighbour_ip:
            found["neighbour"] = None
        return tuple(found)

    @property
    def translators(self) -> tuple[str, ...]:
        """Names of the links on whose near end addresses are translated."""
        ways_out = [name for name in ("uplink", "access") if self.has(name)]
        return tuple(ways_out) if self.translates else ()

    @property
    def seen_as(self) -> str:
        """Whose address servers know the viewer by."""
        return self.link("access").near if self.translates else "viewer"

    @property
    def routers(self) -> tuple[str, ...]:
        """Those of the provider and beyond, nearest first."""
        return routers(self.hops, self.links)

    def loss_for(self, bps: float) -> float:
        """Loss at which one TCP flow to the edge gets about *bps* (Mathis et al., CCR 1997)."""
        rtt_s = max(0.008, self.base_rtt_ms() / 1e3)
        return (1.2 * 1448 * 8 / (rtt_s * bps)) ** 2

    def base_rtt_ms(self) -> float:
        """Round trip from viewer to edge over empty queues, without jitter."""
        core = [f"core{i}" for i in range(1, 9)]
        names = ["wifi", "uplink", "access", *core, "inter", "inter2", "srv"]
        there = back = [n for n in names if self.has(n)]
        if self.has("back"):
            entry = self.hops.index(self.link("back").near)
            unused = (*(f"core{i}" for i in range(entry + 1, 9)), "inter")
            back = [*(n for n in there if n not in unused), "back", "backx"]
        detour_ms = 4 * self.link("vpnl").delay_ms if self.has("vpnl") else 0.0
        return detour_ms + sum(self.link(n).delay_ms for n in (*there, *back))


def routers(hops: tuple[str, ...], links: Iterable[Link]) -> tuple[str, ...]:
    """The provider's and those beyond that *links* lead to."""
    ends = {link.far for link in links}
    return (*hops, *(name for name in ("transit", "srouter") if name in ends))


def late_answers(rng: random.Random, able: list[str]) -> tuple[str, float]:
    """One of those routers, and by how many ms its own answers come late."""
    return rng.choice(able), round(rng.uniform(25, 180), 1)


@attrs.frozen
class Wishes:
    """What a scenario needs of the network beyond chance; None leaves it to the seed."""

    home: bool | None = None
    device: bool = False
    hops: int | None = None
    server_router: bool | None = None
    crowd_on: str | None = None
    neighbour: bool = False
    congestion: str | None = None
    slow_icmp: bool = False
    silent: bool | None = None
    access_bps: tuple[int, int] = (6_000_000, 25_000_000)
    rate_of: tuple[tuple[str, int], ...] = ()
    queue_of: tuple[tuple[str, float], ...] = ()
    dns: bool = False
    border_from_provider: bool = False
    second_router: bool = False
    long_way_back: bool = False
    vpn: bool = False
    split: bool = False


_PUBLIC_FIRST = (62, 77, 81, 84, 88, 91, 93, 109, 145, 151, 176, 178, 185, 194, 212, 217)


class _Block:
    """Hands out pairs of addresses from one network's space."""

    def __init__(self, rng: random.Random, prefix: str) -> None:
        self.net = ipaddress.IPv4Network(prefix)
        self._next = rng.randrange(16, 4096) & ~3
        self._step = rng.choice((4, 8, 16))

    def pair(self) -> tuple[str, str]:
        self._next += self._step
        base = self.net.network_address + self._next
        return str(base + 1), str(base + 2)


def _public(rng: random.Random, taken: set[int]) -> str:
    while True:
        first, second = rng.choice(_PUBLIC_FIRST), rng.randrange(8, 248)
        if (key := first * 256 + second) not in taken:
            taken.add(key)
            return f"{first}.{second}.0.0/16"


def draw(seed: int, wishes: Wishes | None = None) -> Plan:
    """The network of *seed*, as far as *wishes* leave it open. Same arguments, same plan."""
    want = wishes or Wishes()
    rng = random.Random(f"topology-{seed}")
    later = random.Random(f"topology-later-{seed}")  # so that older plans stay as they were
    taken: set[int] = set()
    provider, transit, server, far, cloud, exchange = (
        _Block(rng, _public(rng, taken)) for _ in range(6)
    )
    phone = rng.random() < 0.2
    home = (not phone) if want.home is None else want.home
    count = rng.choice(HERE.hops)
    hops = tuple(f"p{i}" for i in range(1, (want.hops or count) + 1))
    has_transit = rng.random() < 0.4
    server_router = rng.random() < 0.6
    if want.server_router is not None:
        server_router = want.server_router
    elif want.crowd_on == "inter" and not has_transit:
        server_router = True
    access_kind = rng.choice(("public", "cgn", "cgn", "private"))
    core_private = rng.random() < 0.25
    rates, queues = dict(want.rate_of), dict(want.queue_of)
    links: list[Link] = []
    cables: list[Cable] = []
    ms = HERE.delays_ms

    def add(
        name: str, near: str, far_node: str, place: str, pair: tuple[str, str],
        bps: int, delay_ms: tuple[float, float], up_share: float = 1.0, jitter_ms: float = 0.0,
        dice: random.Random = rng,
    ) -> None:  # fmt: skip
        down = rates.get(name, bps)
        queue_ms = queues.get(name, dice.choice(HERE.queues_ms))
        links.append(
            Link(
                name=name, near=near, far=far_node, place=place,
                near_ip=pair[0], far_ip=pair[1], down_bps=down,
                up_bps=max(512_000, round(down * up_share)),
                delay_ms=round(dice.uniform(*delay_ms), 3), queue_ms=queue_ms,
                jitter_ms=round(jitter_ms, 3), codel=dice.random() < 0.2,
            )
        )  # fmt: skip

    # Home and access
    house = rng.choice(
        (f"192.168.{rng.randrange(256)}", f"10.{rng.randrange(256)}.{rng.randrange(256)}",
         f"172.{rng.randrange(16, 32)}.{rng.randrange(256)}")
    )  # fmt: skip
    home_prefix = f"{house}.0/24" if home else None
    home_ip = f"{house}.1" if home else None
    cgn = _Block(rng, f"100.{rng.randrange(64, 128)}.0.0/16")
    second = rng.choice([n for n in range(256) if not house.startswith(f"10.{n}.")])
    private = _Block(rng, f"10.{second}.0.0/16")
    line = {"public": provider, "cgn": cgn, "private": private}[access_kind].pair()
    access_bps = rng.randint(*want.access_bps)
    if home:
        assert home_ip is not None
        viewer_ip = f"{house}.{rng.randrange(20, 200)}"
        add(
            "wifi",
            "viewer",
            "home",
            "network.home.wifi",
            (viewer_ip, home_ip),
            rng.randrange(*HERE.wifi_bps) * 1_000_000,
            ms["wifi"],
            1.0,
            rng.choice(HERE.wifi_jitters_ms),
        )
    else:
        viewer_ip = line[0]
    gate = "home" if home else "viewer"
    outer_prefix = None
    if home and want.second_router:
        third = later.choice([n for n in range(256) if house != f"192.168.{n}"])
        outer_prefix = f"192.168.{third}.0/24"
        pair = (f"192.168.{third}.{later.randrange(2, 250)}", f"192.168.{third}.1")
        rate = later.choice((100, 1000)) * 1_000_000
        add("uplink", "home", "outer", "network.home.wifi", pair, rate, (0.1, 0.8), dice=later)
        gate = "outer"
    add(
        "access",
        gate,
        "p1",
        "network.isp.access",
        line,
        access_bps,
        ms["access"],
        rng.uniform(0.15, 0.5),
        0.0 if home else rng.choice((1.0, 4.0)),
    )
    if home and want.device:
        device_ip = f"{house}.{rng.randrange(201, 250)}"
        cables.append(Cable("lan", "device", "home", device_ip, home_ip or ""))

    # Provider
    for i in range(1, len(hops)):
        pair = (private if core_private and i < len(hops) - 1 else provider).pair()
        add(f"core{i}", hops[i - 1], hops[i], "network.isp.core", pair, 400_000_000, ms["core"])

    # To the service
    def numbered(block: _Block) -> _Block:
        """Whose address space the border link is numbered from: place goes by where it is."""
        return provider if want.border_from_provider else block

    border, at = hops[-1], hops[-1]
    name = "inter"
    if has_transit:
        pair = numbered(rng.choice((transit, exchange))).pair()
        add(name, at, "transit", "network.interconnect", pair, 300_000_000, ms["transit"])
        at, name = "transit", "inter2"
    if server_router:
        block = rng.choice((server, exchange))
        pair = (numbered(block) if name == "inter" else block).pair()
        add(name, at, "srouter", "network.interconnect", pair, 300_000_000, ms["inter"])
        add("srv", "srouter", "edge", SERVICE, server.pair(), 400_000_000, ms["srv"])
    else:
        add(name, at, "edge", "network.interconnect", server.pair(), 300_000_000, ms["inter"])
    add("orig", "edge", "origin", SERVICE, cloud.pair(), 200_000_000, ms["orig"])

    # References: behind the same core; in another network beyond another border link
    add("refa", border, "refa", "reference", provider.pair(), 200_000_000, ms["refa"])
    other = rng.choice(hops)
    add("refb", other, "refb", "reference", far.pair(), 200_000_000, ms["refb"])

    # The long way back, and the way through a VPN
    tunnel = None
    other_net = _Block(later, _public(later, taken))
    if want.vpn:
        rate = 100_000_000
        pair = other_net.pair()
        add("vpnl", border, "vpn", "network.vpn", pair, rate, (1.0, 15.0), dice=later)
        inside = f"10.8.{later.choice([n for n in range(256) if house != f'10.8.{n}'])}"
        tunnel = (f"{inside}.2", f"{inside}.1")
    elif want.long_way_back:
        place, entry = "network.interconnect", later.choice(hops)
        far_end = next(one.far for one in links if one.name == "inter")
        pair = other_net.pair()
        add("back", entry, "rt", place, pair, 300_000_000, (8.0, 35.0), dice=later)
        pair = other_net.pair()
        add("backx", "rt", far_end, place, pair, 300_000_000, (0.3, 5.0), dice=later)

    # Crowds
    cables.append(Cable("world", border, "world", *far.pair()))
    if want.crowd_on:
        loaded = next(one for one in links if one.name == want.crowd_on)
        source = server if loaded.place == SERVICE else transit
        cables.append(Cable("crowdfar", loaded.far, "crowdsrc", *source.pair()))
        if not want.neighbour:
            cables.append(Cable("crowdnear", loaded.near, "crowdsink", *provider.pair()))
    if want.dns:
        cables.append(Cable("dns", border, "dns", *provider.pair()))
    neighbour_ip = None
    if want.neighbour:
        line_block = {"public": provider, "cgn": cgn, "private": private}[access_kind]
        neighbour_ip = line_block.pair()[0]

    # Routers' manners
    able = routers(hops, links)
    chance = HERE.silent if want.silent is None else (0.5 if want.silent else 0.0)
    silent = tuple(r for r in able if rng.random() < chance)
    slow: list[tuple[str, float]] = []
    talkative = [r for r in able if r not in silent]
    if talkative and (want.slow_icmp or rng.random() < HERE.slow_icmp):
        slow.append(late_answers(rng, talkative))

    table = [
        Network(str(provider.net), 64500, "provider"),
        Network(str(transit.net), 64510, "transit"),
        Network(str(server.net), 64520, "service"),
        Network(str(cloud.net), 64530, "cloud"),
        Network(str(far.net), 64540, "elsewhere"),
        Network(str(exchange.net), 64550, "exchange"),
    ]
    if want.vpn or want.long_way_back:
        table.append(Network(str(other_net.net), 64560, "vpn" if want.vpn else "way back"))
    if home_prefix:
        table.insert(0, Network(home_prefix, 0, "home"))
    if outer_prefix:
        table.insert(1, Network(outer_prefix, 0, "home"))
    if rng.random() < 0.5:
        table.append(Network("100.64.0.0/10", 64500, "provider"))
    addresses = {"viewer": viewer_ip}
    joined: tuple[Link | Cable, ...] = (*links, *cables)
    for one in joined:
        addresses.setdefault(one.far, one.far_ip)
        addresses.setdefault(one.near, one.near_ip)
    if neighbour_ip:
        addresses["neighbour"] = neighbour_ip
    # A host's own address is the one on its link towards the viewer.
    for host in ("edge", "origin", "refa", "refb"):
        addresses[host] = next(one.far_ip for one in links if one.far == host)
    return Plan(
        seed=seed,
        links=tuple(links),
        cables=tuple(cables),
        networks=tuple(table),
        hops=hops,
        silent=silent,
        slow_icmp=tuple(slow),
        congestion=want.congestion or rng.choice(HERE.congestion),
        neighbour_ip=neighbour_ip,
        home_prefix=home_prefix,
        home_ip=home_ip,
        viewer_ip=viewer_ip,
        addresses=addresses,
        tunnel=tunnel,
        split_at="home" if want.split and home and not want.vpn else None,
    )


def networks_csv(plan: Plan) -> str:
    """The prefix table in the form that `streamnotice watch --networks` reads."""
    rows = (f"{n.prefix},{n.asn},{n.operator}\n" for n in plan.networks)
    return "network,asn,operator\n" + "".join(rows)


def neighbours(plan: Plan) -> Iterator[tuple[str, str, str, str, str]]:
    """Every adjacency as (node, its device, the peer, the peer's address, own address)."""
    for one in plan.adjacencies:
        yield one.near, f"{one.name}0", one.far, one.far_ip, one.near_ip
        yield one.far, f"{one.name}1", one.near, one.near_ip, one.far_ip
