"""What can go wrong in a run, where, how much and when: every parameter drawn from a seed.

A scenario is data: the network, the service, and a list of actions with their times. `plan` draws
one; the runner carries it out. To add a family: a function here, and a line in FAMILIES.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Literal

import attrs

from lab import beside, link_faults, programs, traces
from lab.actions import CpuStarved, Crowd, Habit, LinkChange
from lab.build import LADDER_BPS, SEGMENT_S
from lab.moving import MOVING, Later
from lab.outsider import OUTSIDERS
from lab.partly import PARTLY
from lab.services import SERVICE_ZONE, DnsFault, ServerFault, ServicePlan, SourceFault
from lab.six import by_ipv6
from lab.topology import Plan, Wishes, draw
from lab.upward import UPWARD
from lab.worlds import HERE

Severity = Literal["severe", "moderate", "near_miss", "none"]
LOW_BPS, _, HIGH_BPS = LADDER_BPS


@attrs.frozen
class Scenario:
    """One run, wholly determined.

    Attributes:
        place: where the fault is; "none" if there is none; "undetermined" if there are two, so
            that the repair of neither alone would help (`truth_among` has both).
        condition: what is wrong there; None for "none".
        variant: how it was made (free text for reports).
        severity: "near_miss" is a real disturbance that should not harm playback.
        factor: capacity left over capacity needed, as far as the fault can be put so.
        onset_s: seconds into play; None: there before Play.
        settle_s: how long the fault stands before Play, where it is there before.
        ends_s: seconds into play at which it is over; None: it stays.
        decode_passes: how much work the headless player has with its media (see lab.viewer);
            0: none, then frames are not known.
        truth_among: leaves that are equally right, where the viewer can't tell them apart.
        phases_s: for a fault that comes and goes by turns: (begins, ends) after the onset.
        then: another fault elsewhere, behind the end of this one (lab.moving).
        beside: something odd that stands beside it all along and harms nobody (lab.beside); "" is
            nothing. It is a part of the network or of the service, or there before Play
            (`links_before`, `crowds_before`); a computer is busy from then on (`device_before`).
    """

    family: str
    seed: int
    place: str
    condition: str | None
    variant: str
    severity: Severity
    factor: float | None
    onset_s: float | None
    settle_s: float
    ends_s: float | None
    rendition: str
    network: Plan
    service: ServicePlan
    links_before: tuple[LinkChange, ...] = ()
    links_onset: tuple[LinkChange, ...] = ()
    links_end: tuple[LinkChange, ...] = ()
    crowds: tuple[Crowd, ...] = ()
    edge_fault: ServerFault | None = None
    origin_fault: ServerFault | None = None
    dns_fault: DnsFault | None = None
    source_fault: SourceFault | None = None
    habit: Habit | None = None
    device: CpuStarved | None = None
    decode_passes: int = 0
    truth_among: tuple[str, ...] = ()
    phases_s: tuple[tuple[float, float], ...] = ()
    then: Later | None = None
    beside: str = ""
    crowds_before: tuple[Crowd, ...] = ()
    device_before: CpuStarved | None = None


_BY_IPV6 = "v6."
_IN_TUNNEL = "tunnel."
_BESIDE = "beside."
_UP = "up."
_HERE = "here."
_BUSY = "busy."
_MOVES = "moves."
_PARTLY = "partly."
_TRANSLATE = 0.85
"""Share of home routers that translate addresses. (Until engine 0.27.0 none of the lab's did.)"""

# Live, a player asks twice a segment: the wait before each answer would count twice. And a server
# that fails at times is asked for playlists too.
_ON_DEMAND = ("edge.overloaded", "origin.slow", "origin.failing", "edge.failing", "healthy")


# Their faults are on links that what the viewer gets would not come over.
_ONE_WAY = ("core.crowded", "core.lossy", "core.unreachable", "interconnect.crowded")


class _Draw:
    """The choices that all families share."""

    def __init__(self, family: str, seed: int) -> None:
        self.family, self.seed = family, seed
        self.kind = family
        for around in (
            _BY_IPV6, _IN_TUNNEL, _BESIDE, _UP, _HERE, _BUSY, _MOVES, _PARTLY, *OUTSIDERS,
        ):  # fmt: skip
            self.kind = self.kind.removeprefix(around)
        self.by_ipv6 = family.startswith(_BY_IPV6)
        self.in_tunnel = family.startswith(_IN_TUNNEL)
        self.rng = random.Random(f"{family}-{seed}")
        rng = self.rng
        kinds: tuple[Severity, ...] = ("severe", "moderate", "near_miss")
        self.severity: Severity = rng.choices(kinds, (0.5, 0.35, 0.15))[0]
        if family.startswith(_BUSY) and self.severity == "near_miss":
            self.severity = "moderate"  # with a program beside it, it would be two that harm
        self.rendition = rng.choices(("auto", "highest", "lowest"), (0.6, 0.25, 0.15))[0]
        self.before = rng.random() < 0.4
        self.onset_s = None if self.before else round(rng.uniform(6.0, 16.0), 1)
        needed = {"auto": LOW_BPS, "lowest": LOW_BPS, "highest": HIGH_BPS}[self.rendition]
        self.needed_bps = needed
        low, high = {
            "severe": (0.08, 0.4), "moderate": (0.4, 0.75), "near_miss": (1.7, 2.6), "none": (3, 4)
        }[self.severity]  # fmt: skip
        self.leave(rng.uniform(low, high))
        headers = rng.choice((("x-cache",), ("x-cache", "cache-status"), ("cache-status",), ()))
        self.decode_passes = rng.choice((0, 0, 40, 80))
        marks_errors = random.Random(f"{family}-{seed}-errors").random() < 0.5
        self.service = ServicePlan(
            warm=rng.random() < 0.75, headers=headers, marks_errors=marks_errors
        )
        # What came to the lab later has dice of its own: older seeds keep their networks.
        self.more = more = random.Random(f"{family}-{seed}-more")
        hosts = more.choice((1, 3, 8, 12)) if more.random() < 0.35 else 0
        self.named(hosts, live=more.random() < 0.15 and self.kind not in _ON_DEMAND)
        # UPnP's search and the router's counters are IPv4's here
        igd = more.random() < 0.5 and not self.by_ipv6
        by_address = random.Random(f"{family}-{seed}-reference").random() < 0.5
        self.service = attrs.evolve(self.service, igd=igd, reference_by_address=by_address)
        self.oddity: beside.Oddity | None = None
        if family.startswith(_BESIDE):
            self.oddity = beside.draw(self.kind, random.Random(f"{family}-{seed}-beside"))
        elif family.startswith(_BUSY):
            self.oddity = programs.draw(random.Random(f"{family}-{seed}-program"))

    def named(self, hosts: int, *, live: bool | None = None) -> None:
        """Serve segments under so many names; live or not (None: as it was)."""
        self.service = attrs.evolve(
            self.service, hosts=hosts, ttl_s=self.more.choice((5, 20, 60, 300)),
            live=self.service.live if live is None else live,
        )  # fmt: skip

    def network(self, **wishes: Any) -> Plan:
        """A network whose access line carries the top rendition, with some to spare."""
        most_bps = self.rng.choice(
            (2 * HIGH_BPS, HERE.most_access_bps)
        )  # half of them fill no buffer at once
        base: dict[str, Any] = {"access_bps": (round(1.35 * HIGH_BPS), most_bps)}
        base["dns"] = self.service.hosts > 0
        shares = {
            "border_from_provider": 0.15, "second_router": 0.12, "long_way_back": 0.15, "vpn": 0.06,
            "split": 0.06,
        }  # fmt: skip
        for kind, share in shares.items():
            base[kind] = self.more.random() < share
        if self.kind in _ONE_WAY:
            base["long_way_back"] = False
        if self.by_ipv6:
            base |= {"vpn": False, "split": False}
        if self.in_tunnel:
            base |= {"vpn": True, "split": False, "long_way_back": False}
        needs = {} if self.oddity is None else self.oddity.wishes()
        network = draw(self.rng.randrange(1 << 30), Wishes(**{**base, **wishes, **needs}))
        if self.by_ipv6:
            return by_ipv6(network)
        dice = random.Random(f"{self.family}-{self.seed}-translates")
        return attrs.evolve(
            network, translates=network.home_ip is not None and dice.random() < _TRANSLATE
        )

    def scenario(self, place: str, condition: str | None, network: Plan, **more: Any) -> Scenario:
        values: dict[str, Any] = {
            "family": self.family, "seed": self.seed, "place": place, "condition": condition,
            "variant": "", "severity": self.severity, "factor": self.factor,
            "onset_s": self.onset_s, "settle_s": 2.0, "ends_s": None,
            "rendition": self.rendition, "network": network, "service": self.service,
            "decode_passes": self.decode_passes,
        }  # fmt: skip
        made = Scenario(**{**values, **more})
        return made if self.oddity is None else self.oddity.put_beside(made)

    def same_queue(self, network: Plan) -> tuple[str, ...]:
        """Home sharing and a crowded access line, told apart only where the router's counters
        are."""
        seen = self.service.igd and not network.tunnel  # a VPN takes the search with it
        return () if seen else ("network.home.sharing", "network.isp.access")

    def same_answers(self) -> tuple[str, ...]:
        """The edge and the server behind it are told apart only where headers tell of the cache."""
        return () if self.service.headers else ("service.edge", "service.origin")

    def think_s(self) -> float:
        """Wait before each segment that leaves the wanted share of real time for it."""
        return round(min(25.0, SEGMENT_S / self.factor), 2)

    def against_crowds(self) -> str:
        """The service's congestion control; BBR takes more than its share from a CUBIC crowd."""
        return self.rng.choice(("cubic", "cubic", "reno"))

    def leave(self, factor: float) -> None:
        """Of what the film needs the fault shall leave so much."""
        self.factor = round(factor, 3)
        self.capacity_bps = round(self.factor * self.needed_bps)

    def crowd(self, source: str, sink: str, rate_bps: int) -> Crowd:
        """Flows that leave the film the wanted capacity of a link of *rate_bps*."""
        flows = max(2, min(160, round(rate_bps / self.capacity_bps) - 1))  # by equal shares
        if self.rng.random() < 0.35:  # web-like: short flows that start anew
            mean_bytes = self.rng.choice((200_000, 500_000, 1_500_000))
            return Crowd(source, sink, min(250, flows * 5 // 4), mean_bytes, 40)
        return Crowd(source, sink, flows)

    def queue_bytes(self, bps: int) -> int:
        """A queue between small and bloated, for a link that turns slow."""
        return max(6_000, round(bps * self.rng.choice((0.05, 0.1, 0.2, 0.3, 0.5)) / 8))


# -- one link


def _trace_family(
    place: str, condition: str, name: str, kinds: tuple[str, ...]
) -> Callable[[_Draw], Scenario]:
    """A link whose rate goes as one measured on a real network, scaled to the wanted capacity."""

    def make(draw_: _Draw) -> Scenario:
        rng = draw_.rng
        trace = rng.choice(traces.names(kinds))
        rows = traces.stretch(trace, rng, 150.0)
        if draw_.severity == "near_miss":
            draw_.rendition = rng.choice(("highest", "lowest"))
            draw_.needed_bps = HIGH_BPS if draw_.rendition == "highest" else LOW_BPS
            by = 1.4 * draw_.needed_bps / max(1.0, traces.lull_bps(rows))
        else:
            by = draw_.capacity_bps / max(1.0, traces.mean_bps(rows))
        home = True if name == "wifi" else rng.random() < 0.5
        network = draw_.network(home=home)
        queue = float(draw_.queue_bytes(round(traces.mean_bps(rows) * by)))
        return draw_.scenario(
            place, condition, network, variant=f"{name} as {trace}",
            links_onset=tuple(
                LinkChange(f"{name}.down", {"rate_bps": bps, "queue_bytes": queue}, at_s)
                for at_s, bps in traces.scaled(rows, by)
            ),
        )  # fmt: skip

    return make


def _link_family(
    place: str, condition: str, name: str | None, **wanted: Any
) -> Callable[[_Draw], Scenario]:
    """A fault of the link called *name* (None: one of the core's, or of the interconnect's)."""

    def make(draw_: _Draw) -> Scenario:
        rng = draw_.rng
        wishes: dict[str, Any] = dict(wanted)
        if place == "network.home.wifi":
            wishes["home"] = True
        if place == "network.isp.core":
            wishes["hops"] = rng.choice((2, 3, 3, 4))
        if place == "network.interconnect":
            # The link ends at a router: at the edge itself its faults would be the edge's as well.
            wishes["server_router"] = True
        if place == "network.vpn":
            wishes["vpn"] = True
        if condition == "lossy":
            wishes["congestion"] = rng.choice(("cubic", "cubic", "reno"))
        network = draw_.network(**wishes)
        link = name or rng.choice(network.links_at(place))
        if network.has("back") and place == "network.interconnect":
            link = "back"  # what the viewer gets comes this way alone
        elif name == "wifi" and network.has("uplink") and draw_.more.random() < 0.4:
            link = "uplink"
        ends: float | None = None
        phases: tuple[tuple[float, float], ...] = ()
        variant = link
        if condition == "slow":
            changes = link_faults.slow(draw_, link)
        elif condition == "lossy":
            variant, changes = link_faults.lossy(draw_, network, link)
            variant = f"{link} {variant}"
        elif condition == "unsteady":
            changes = link_faults.unsteady(draw_, network, link)
        elif condition == "limited":
            changes = link_faults.limited(draw_, link)
        else:
            variant, changes, length = link_faults.outage(draw_, link)
            variant = f"{link} {variant}"
            if length is not None and draw_.onset_s is not None:
                ends = round(draw_.onset_s + length, 2)
        by_turns = draw_.more.random() < 0.15 and draw_.severity != "near_miss"
        if by_turns and condition in ("slow", "lossy", "limited"):
            changes, phases = link_faults.by_turns(draw_, network.link(link), changes)
            variant += ", by turns"
        return draw_.scenario(
            place, condition, network, variant=variant, links_onset=changes, ends_s=ends,
            factor=None if condition == "unreachable" else draw_.factor, phases_s=phases,
        )  # fmt: skip

    return make


# -- crowds


def _crowded_link(place: str) -> Callable[[_Draw], Scenario]:
    def make(draw_: _Draw) -> Scenario:
        rng = draw_.rng
        rate = rng.randrange(9, 26) * 1_000_000
        queue_ms = float(rng.choice((40, 80, 150, 250, 400)))
        wishes: dict[str, Any] = {}
        if place == "network.isp.core":
            hops = rng.choice((2, 3, 4))
            link = f"core{rng.randrange(1, hops)}"
            wishes["hops"] = hops
        else:
            link = "inter"
        network = draw_.network(
            crowd_on=link, rate_of=((link, rate),), queue_of=((link, queue_ms),),
            congestion=draw_.against_crowds(), **wishes,
        )  # fmt: skip
        crowd = draw_.crowd("crowdsrc", "crowdsink", rate)
        return draw_.scenario(
            place, "crowded", network, variant=f"{link} {crowd.flows} flows", settle_s=6.0,
            crowds=(crowd,), service=attrs.evolve(draw_.service, warm=True),
        )  # fmt: skip

    return make


def _access_crowded(draw_: _Draw) -> Scenario:
    rate = draw_.rng.randrange(7, 18) * 1_000_000
    queue_ms = float(draw_.rng.choice((60, 120, 200, 300, 500)))
    network = draw_.network(
        crowd_on="access", neighbour=True, rate_of=(("access", rate),),
        queue_of=(("access", queue_ms),), access_bps=(rate, rate),
        congestion=draw_.against_crowds(),
    )  # fmt: skip
    crowd = draw_.crowd("crowdsrc", "neighbour", rate)
    among = draw_.same_queue(network) if network.home_ip else ()
    return draw_.scenario(
        "network.isp.access", "crowded", network, variant=f"{crowd.flows} flows", settle_s=6.0,
        crowds=(crowd,), truth_among=among,
    )  # fmt: skip


def _vpn_crowded(draw_: _Draw) -> Scenario:
    rate = draw_.rng.randrange(9, 26) * 1_000_000
    queue_ms = float(draw_.rng.choice((40, 80, 150, 250, 400)))
    network = draw_.network(
        vpn=True, rate_of=(("vpnl", rate),), queue_of=(("vpnl", queue_ms),),
        congestion=draw_.against_crowds(),
    )  # fmt: skip
    crowd = draw_.crowd("vpn", "world", rate)
    return draw_.scenario(
        "network.vpn", "crowded", network, variant=f"{crowd.flows} flows", settle_s=6.0,
        crowds=(crowd,),
    )  # fmt: skip


def _sharing_crowded(draw_: _Draw) -> Scenario:
    return programs.fill_down(draw_, "device", device=True)


# -- servers


def _edge_slow(draw_: _Draw) -> Scenario:
    return draw_.scenario(
        "service.edge", "slow", draw_.network(), variant="paced below the need",
        edge_fault=ServerFault(rate_bps=draw_.capacity_bps), truth_among=draw_.same_answers(),
    )  # fmt: skip


def _edge_overloaded(draw_: _Draw) -> Scenario:
    think = draw_.think_s()
    return draw_.scenario(
        "service.edge", "overloaded", draw_.network(), variant=f"first byte after {think} s",
        edge_fault=ServerFault(think_s=think), truth_among=draw_.same_answers(),
    )  # fmt: skip


def _edge_failing(draw_: _Draw) -> Scenario:
    link_faults.never_near_miss(draw_)
    # A server that fails from the start lets no session begin: it fails in mid-play.
    draw_.before, onset = False, draw_.onset_s or round(draw_.rng.uniform(5, 14), 1)
    status = draw_.rng.choice((500, 503, 503, None))
    fault = ServerFault(status=status) if status else ServerFault(stop=True)
    ends = draw_.rng.choice((None, None, round(onset + draw_.rng.uniform(30, 45), 1)))
    return draw_.scenario(
        "service.edge", "failing", draw_.network(), onset_s=onset, ends_s=ends, factor=None,
        variant=f"status {status}" if status else "connections refused", edge_fault=fault,
        truth_among=draw_.same_answers() if status else (),
    )  # fmt: skip


def _edge_unreachable(draw_: _Draw) -> Scenario:
    network = draw_.network(server_router=True)
    variant, changes, length = link_faults.outage(draw_, "srv")
    ends = None if length is None or draw_.onset_s is None else round(draw_.onset_s + length, 2)
    return draw_.scenario(
        "service.edge", "unreachable", network, variant=variant, links_onset=changes, ends_s=ends,
        factor=None,
    )  # fmt: skip


def _origin_slow(draw_: _Draw) -> Scenario:
    service = attrs.evolve(draw_.service, warm=False)
    kind = draw_.rng.choice(("rate", "think", "link"))
    network = draw_.network()
    if kind == "link":
        return draw_.scenario(
            "service.origin", "slow", network, variant="link behind the edge",
            links_onset=link_faults.slow(draw_, "orig"), service=service,
            truth_among=draw_.same_answers(),
        )  # fmt: skip
    fault = (
        ServerFault(rate_bps=draw_.capacity_bps)
        if kind == "rate"
        else ServerFault(think_s=draw_.think_s())
    )
    return draw_.scenario(
        "service.origin", "slow", network, variant=kind, service=service, origin_fault=fault,
        truth_among=draw_.same_answers(),
    )  # fmt: skip


def _origin_failing(draw_: _Draw) -> Scenario:
    link_faults.never_near_miss(draw_)
    onset = draw_.onset_s or round(draw_.rng.uniform(5, 14), 1)
    status = draw_.rng.choice((500, 503, None))
    fault = ServerFault(status=status) if status else ServerFault(stop=True)
    return draw_.scenario(
        "service.origin", "failing", draw_.network(), onset_s=onset, factor=None,
        variant=f"status {status}" if status else "connections refused", origin_fault=fault,
        service=attrs.evolve(draw_.service, warm=False),
        truth_among=draw_.same_answers() if status else (),
    )  # fmt: skip


# -- names


def _dns(condition: str) -> Callable[[_Draw], Scenario]:
    def make(draw_: _Draw) -> Scenario:
        rng = draw_.rng
        # Nearly every segment needs a look-up: connections and answers don't live that long.
        draw_.named(rng.choice((8, 12, 60)), live=False)
        zone = rng.choice((SERVICE_ZONE, SERVICE_ZONE, ""))
        if condition == "slow":
            # Stub resolvers give up after 10 s (two tries of 5): then it would be failing.
            delay_s = round(min(8.5, SEGMENT_S / draw_.factor), 2)
            factor: float | None = round(SEGMENT_S / delay_s, 3)
            variant, fault = f"answers after {delay_s} s", DnsFault(zone, delay_s)
        else:
            factor = None
            fails: Literal["servfail", "silent"] = rng.choice(("servfail", "servfail", "silent"))
            share = 1.0 if draw_.severity == "severe" else 0.8
            if draw_.severity == "near_miss":
                share = 0.12
            elif draw_.before:
                share = 0.75  # a session that resolves nothing at all ends by its own rules
            variant, fault = f"{fails}, {share} of names", DnsFault(zone, 0.0, fails, share)
        ends = None
        if draw_.onset_s is not None and rng.random() < 0.25:
            ends = round(draw_.onset_s + rng.uniform(30, 45), 1)
        return draw_.scenario(
            "service.dns", condition, draw_.network(), ends_s=ends, dns_fault=fault, factor=factor,
            variant=variant + (", service's names" if zone else ", all names"),
        )  # fmt: skip

    return make


# -- live


def _source_late(draw_: _Draw) -> Scenario:
    rng = draw_.rng
    draw_.named(draw_.service.hosts, live=True)
    kind = rng.choice(("stopped", "slow", "slow", "gaps"))
    if draw_.severity == "near_miss":
        fault = SourceFault("jitter", jitter_s=round(rng.uniform(1.0, 2.5), 2))
    elif kind == "slow":
        fault = SourceFault("slow", factor=draw_.factor)
    elif kind == "gaps":
        gap_s = rng.uniform(18, 30) if draw_.severity == "severe" else rng.uniform(13, 18)
        fault = SourceFault("gaps", gap_s=round(gap_s, 1), good_s=round(rng.uniform(5, 15), 1))
    else:
        fault = SourceFault("stopped")
    ends = None
    if draw_.onset_s is not None and rng.random() < 0.3:
        ends = round(draw_.onset_s + rng.uniform(25, 40), 1)
    return draw_.scenario(
        "service.source", "late", draw_.network(), source_fault=fault, variant=fault.kind,
        factor=draw_.factor if fault.kind == "slow" else None, ends_s=ends, settle_s=4.0,
    )  # fmt: skip


# -- the player itself


def _misjudged(draw_: _Draw) -> Scenario:
    """A steady line that carries a lower rendition, and a player that insists on the highest."""
    rng = draw_.rng
    draw_.rendition = "auto"  # all are permitted
    low, high = {"severe": (0.2, 0.55), "moderate": (0.55, 0.85)}.get(draw_.severity, (1.25, 1.6))
    factor = round(rng.uniform(low, high), 3)
    rate = round(factor * HIGH_BPS)
    name = rng.choice(("access", "access", "wifi"))
    network = draw_.network(
        rate_of=((name, rate),), queue_of=((name, float(rng.choice((50, 100, 200, 300)))),),
        home=True if name == "wifi" else None,
        **({"access_bps": (rate, rate)} if name == "access" else {}),
    )  # fmt: skip
    return draw_.scenario(
        "player", "misjudged", network, habit=Habit(holds=True), factor=factor, rendition="auto",
        variant=f"{name} carries {rate} bit/s", service=attrs.evolve(draw_.service, live=False),
    )  # fmt: skip


def _idle(draw_: _Draw) -> Scenario:
    rng = draw_.rng
    service = attrs.evolve(draw_.service, live=False)
    factor: float | None = None
    if rng.random() < 0.6 or draw_.severity == "near_miss":
        factor = draw_.factor
        habit = Habit(pause_s=round(min(25.0, SEGMENT_S / factor), 2))
        variant = f"pauses {habit.pause_s} s"
    else:
        sleep_s = rng.uniform(35, 60) if draw_.severity == "severe" else rng.uniform(30, 40)
        habit = Habit(sleep_s=round(sleep_s, 1), awake_s=round(rng.uniform(1, 4), 1))
        variant = f"sleeps {habit.sleep_s} s"
    return draw_.scenario(
        "player", "idle", draw_.network(), habit=habit, factor=factor, variant=variant,
        service=service,
    )  # fmt: skip


# -- the viewer's own computer


def _device_overloaded(draw_: _Draw) -> Scenario:
    rng = draw_.rng
    draw_.rendition = rng.choice(("highest", "highest", "auto"))
    # The player needs 30 permille of a CPU and as much as its work; the hogs take equal parts.
    draw_.decode_passes = rng.choice((80, 160))
    own = {"severe": (15, 40), "moderate": (40, 60), "near_miss": (250, 330)}[draw_.severity]
    hogs = rng.choice((1, 2, 3))
    device = CpuStarved(rng.randrange(*own) * (hogs + 1), hogs)
    variant = f"{device.quota_permille} permille of a CPU beside {device.hogs} hogs"
    onset = draw_.onset_s or round(rng.uniform(5, 14), 1)
    return draw_.scenario(
        "device", "overloaded", draw_.network(), device=device, variant=variant, factor=None,
        onset_s=onset, rendition=draw_.rendition,
    )  # fmt: skip


# -- nothing wrong


def _healthy(draw_: _Draw) -> Scenario:
    rng = draw_.rng
    kind = rng.choice(
        ("plain", "busy", "paced", "slow router", "reference down", "far away", "cold cache",
         "upload at home", "busy computer")
    )  # fmt: skip
    more: dict[str, Any] = {
        "severity": "none", "factor": None, "variant": kind,
        "rendition": rng.choice(("auto", "auto", "highest", "lowest")),
    }  # fmt: skip
    if kind == "busy":
        link = rng.choice(("core1", "inter"))
        rate = rng.randrange(25, 40) * 1_000_000
        flows = max(1, int(rate / (HIGH_BPS * rng.uniform(2.0, 3.0))) - 1)
        network = draw_.network(
            hops=3, crowd_on=link, rate_of=((link, rate),), queue_of=((link, 40.0),),
            congestion="cubic",
        )  # fmt: skip
        more["crowds"] = (Crowd("crowdsrc", "crowdsink", flows),)
    elif kind == "paced":
        network = draw_.network()
        top = {"auto": HIGH_BPS, "highest": HIGH_BPS, "lowest": LOW_BPS}[more["rendition"]]
        paced = round(top * rng.uniform(1.35, 2.2))
        more["service"] = attrs.evolve(draw_.service, paced_bps=paced)
    elif kind == "slow router":
        network = draw_.network(slow_icmp=True)
    elif kind == "reference down":
        network = draw_.network()
        down = rng.choice(("refa", "refb"))
        more["links_onset"] = (LinkChange(f"{down}.both", {"outage": 1}),)
    elif kind == "far away":
        network = draw_.network()
        far = {"delay_ms": round(rng.uniform(30, 75), 1)}
        more["links_before"] = (LinkChange("inter.both", far),)
    elif kind == "upload at home":
        network = draw_.network(home=True, device=True)
        more["crowds"] = (Crowd("device", "world", 1, 300_000, 1500),)
    elif kind == "busy computer":
        network = draw_.network()
        more["device"] = CpuStarved(rng.randrange(600, 900), rng.choice((1, 2)))
    else:
        network = draw_.network()
        more["service"] = attrs.evolve(draw_.service, warm=kind != "cold cache")
    if kind in ("plain", "paced", "slow router", "far away", "cold cache"):
        more["onset_s"] = None  # nothing ever begins
    return draw_.scenario("none", None, network, **more)


def _healthy_live(draw_: _Draw) -> Scenario:
    """Live and well: the playlist moves, if not to the beat."""
    rng = draw_.rng
    draw_.named(draw_.service.hosts, live=True)
    fault = None
    if rng.random() < 0.5:
        fault = SourceFault("jitter", jitter_s=round(rng.uniform(0.3, 2.0), 2))
    return draw_.scenario(
        "none", None, draw_.network(), severity="none", factor=None, onset_s=None,
        rendition=rng.choice(("auto", "auto", "highest", "lowest")), source_fault=fault,
        variant="live, uneven" if fault else "live",
    )  # fmt: skip


def _two_at_once(draw_: _Draw) -> Scenario:
    """Two places, each too small for the stream: the repair of either alone would not do."""
    rng = draw_.rng
    link_faults.never_near_miss(draw_)
    draw_.named(draw_.service.hosts, live=False)
    kind = rng.choice(("access+edge", "wifi+access", "access+origin", "wifi+edge"))
    first, second = kind.split("+")
    low, high = (0.15, 0.45) if draw_.severity == "severe" else (0.45, 0.75)
    capacities = [round(rng.uniform(low, high) * draw_.needed_bps) for _ in range(2)]
    places = {
        "wifi": "network.home.wifi", "access": "network.isp.access", "edge": "service.edge",
        "origin": "service.origin",
    }  # fmt: skip
    service = attrs.evolve(draw_.service, warm=second != "origin")
    network = draw_.network(home=True)
    changes: list[LinkChange] = []
    more: dict[str, Any] = {}
    for name, bps in zip((first, second), capacities, strict=True):
        if name in ("edge", "origin"):
            more[f"{name}_fault"] = ServerFault(rate_bps=bps)
        else:
            values = {"rate_bps": bps, "queue_bytes": float(draw_.queue_bytes(bps))}
            changes.append(LinkChange(f"{name}.down", values))
    return draw_.scenario(
        "undetermined", None, network, variant=kind, links_onset=tuple(changes), service=service,
        factor=round(max(capacities) / draw_.needed_bps, 3),
        truth_among=(places[first], places[second]), **more,
    )  # fmt: skip


def _healthy_viewer(draw_: _Draw) -> Scenario:
    """Nothing wrong, but it isn't plain playing: what viewers do, and lines that just suffice."""
    rng = draw_.rng
    draw_.named(draw_.service.hosts, live=False)
    kind = rng.choice(("pause", "seek", "end", "quality", "thin line", "trace"))
    more: dict[str, Any] = {
        "severity": "none", "factor": None, "variant": kind, "decode_passes": 0,
        "rendition": rng.choice(("auto", "highest", "lowest")), "onset_s": None,
    }  # fmt: skip
    network = draw_.network()
    later_s = round(rng.uniform(8, 30), 1)
    if kind == "pause":
        more |= {"habit": Habit(paused_s=round(rng.uniform(4, 25), 1)), "onset_s": later_s}
    elif kind == "seek":
        more |= {"habit": Habit(seek_s=round(rng.uniform(35, 70), 1)), "onset_s": later_s}
    elif kind == "end":
        more["service"] = attrs.evolve(draw_.service, segments=rng.randrange(6, 14))
    elif kind == "quality":
        choices = tuple(rng.sample(range(3), 3))
        habit = Habit(choices=choices, every_s=round(rng.uniform(8, 20), 1))
        more |= {"habit": habit, "onset_s": later_s, "rendition": "auto"}
    else:
        more["rendition"] = rng.choice(("highest", "lowest"))
        need = HIGH_BPS if more["rendition"] == "highest" else LOW_BPS
        if kind == "thin line":
            rate = round(need * rng.uniform(1.25, 1.5))
            network = draw_.network(rate_of=(("access", rate),), access_bps=(rate, rate))
        else:
            name = rng.choice(traces.names(("3G", "4G", "hd_fs", "sd_fs")))
            rows = traces.stretch(name, rng, 150.0)
            by = 1.4 * need / max(1.0, traces.lull_bps(rows))
            more["variant"] = f"access as {name}"
            more["links_onset"] = tuple(
                LinkChange("access.down", {"rate_bps": bps, "queue_ms": 100.0}, at_s)
                for at_s, bps in traces.scaled(rows, by)
            )
    return draw_.scenario("none", None, network, **more)


FAMILIES: dict[str, Callable[[_Draw], Scenario]] = {
    "healthy": _healthy,
    "wifi.slow": _link_family("network.home.wifi", "slow", "wifi"),
    "wifi.lossy": _link_family("network.home.wifi", "lossy", "wifi"),
    "wifi.unsteady": _link_family("network.home.wifi", "unsteady", "wifi"),
    "wifi.unreachable": _link_family("network.home.wifi", "unreachable", "wifi"),
    "sharing.crowded": _sharing_crowded,
    "access.slow": _link_family("network.isp.access", "slow", "access"),
    "access.crowded": _access_crowded,
    "access.lossy": _link_family("network.isp.access", "lossy", "access"),
    "access.limited": _link_family("network.isp.access", "limited", "access"),
    "access.unreachable": _link_family("network.isp.access", "unreachable", "access"),
    "core.crowded": _crowded_link("network.isp.core"),
    "core.lossy": _link_family("network.isp.core", "lossy", None),
    "core.unreachable": _link_family("network.isp.core", "unreachable", None),
    "interconnect.crowded": _crowded_link("network.interconnect"),
    "interconnect.lossy": _link_family("network.interconnect", "lossy", None),
    "interconnect.unreachable": _link_family("network.interconnect", "unreachable", None),
    "edge.slow": _edge_slow,
    "edge.overloaded": _edge_overloaded,
    "edge.failing": _edge_failing,
    "edge.unreachable": _edge_unreachable,
    "origin.slow": _origin_slow,
    "origin.failing": _origin_failing,
    "device.overloaded": _device_overloaded,
    "healthy.live": _healthy_live,
    "dns.slow": _dns("slow"),
    "dns.failing": _dns("failing"),
    "source.late": _source_late,
    "player.misjudged": _misjudged,
    "player.idle": _idle,
    "access.trace": _trace_family(
        "network.isp.access", "slow", "access", ("3G", "4G", "hd_fs", "sd_fs")
    ),
    "wifi.trace": _trace_family("network.home.wifi", "unsteady", "wifi", ("3G", "4G")),
    "split.slow": _link_family("network.isp.access", "slow", "access", home=True, split=True),
    "split.lossy": _link_family("network.isp.access", "lossy", "access", home=True, split=True),
    "vpn.slow": _link_family("network.vpn", "slow", "vpnl"),
    "vpn.lossy": _link_family("network.vpn", "lossy", "vpnl"),
    "vpn.unreachable": _link_family("network.vpn", "unreachable", "vpnl"),
    "vpn.crowded": _vpn_crowded,
    "two.at-once": _two_at_once,
    "healthy.viewer": _healthy_viewer,
}


ALL: dict[str, Callable[[_Draw], Scenario]] = FAMILIES | {
    f"{_BY_IPV6}{family}": make
    for family, make in FAMILIES.items()
    if not family.startswith(("vpn.", "split."))
} | {
    f"{_IN_TUNNEL}{family}": make
    for family, make in FAMILIES.items()
    if not family.startswith(("vpn.", "split."))
} | {
    f"{_BESIDE}{family}": make for family, make in FAMILIES.items()
} | {
    f"{_UP}{family}": make for family, make in UPWARD.items()
} | {
    f"{_HERE}{family}": make for family, make in programs.PROGRAMS.items()
} | {
    f"{_MOVES}{family}": make for family, make in MOVING.items()
} | {
    f"{_PARTLY}{family}": make for family, make in PARTLY.items()
} | {
    f"{outsider}{family}": make
    for outsider, families in OUTSIDERS.items()
    for family, make in families.items()
} | {
    f"{_BUSY}{family}": make
    for family, make in FAMILIES.items()
    if programs.may_stand_beside(family)
}  # fmt: skip
"""With all of them by IPv6 that aren't of IPv4's alone, with a VPN around all that is played, and
with something harmless beside it; faults of the way up; what else is moved in the home, with harm
and without; faults that move; and faults that only a part of what passes meets. These have dice of
their own."""


def plan(family: str, seed: int) -> Scenario:
    """The scenario of *family* and *seed*: the same arguments always give the same one."""
    return ALL[family](_Draw(family, seed))
