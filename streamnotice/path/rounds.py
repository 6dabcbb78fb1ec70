"""All paths that are probed: what each hop answered of late, and its baseline.

The baseline of a hop is the running minimum of its round trips. Where along a path trouble begins
is worked out from these in `streamnotice.path.localise`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs

from streamnotice.observations import EchoPair, HopProbe, RoundTrip, Route
from streamnotice.path import middlebox
from streamnotice.path.borders import with_border
from streamnotice.path.first_hop import ROLE as FIRST_HOP
from streamnotice.path.first_hop import FirstHop
from streamnotice.path.long_packets import LongPackets
from streamnotice.path.pinged import Pinged
from streamnotice.path.tries import Try
from streamnotice.policy import S_NS
from streamnotice.snapshot import derived, stateful
from streamnotice.windows import recent

T = TypeVar("T")

KEEP: Final = 48
MOST_STORED: Final = 32
FAR_APART_NS: Final = 30 * S_NS
"""Two answers of the far end no further apart tell how the path was between them: at rest, under a
tunnel, so long may pass."""
FAR_NEAR_NS: Final = 3 * S_NS
"""With none before, one so soon after a hop's answer tells how the path was then."""
FOLLOWED_NS: Final = 30 * S_NS
"""A path under a tunnel that falls so far behind the one in it is that of a tunnel that is gone."""
LATE_NS: Final = 10_000_000
"""A router that answers so much later than the far end does so by itself."""
TUNNEL: Final = "network.vpn"
HOME: Final = "network.home."
MOVED_AFTER: Final = 3
"""So many requests for media in a row to others, and the film comes from elsewhere now."""
MOST_HOPS: Final = 64
MOST_HOSTS: Final = 8
"""So many hosts' answers to long pings are kept."""
FAR: Final = 1000
"""Hop number under which the far end's own answers (TCP handshakes) are kept."""
FAR_END: Final = "far end"
"""Beside the places: what is stored of the target itself."""


@stateful
@attrs.define
class HopSeen:
    """One hop of one path.

    Attributes:
        base_ns: the smallest round trip.
        first_ns: the first one.
        calmest_ns: the far end's smallest round trip at a time when this hop answered, too. If a
            queue stood all the while that the hop was known, its base holds it.
    """

    tries: deque[Try] = attrs.Factory(lambda: deque(maxlen=KEEP))
    base_ns: int | None = None
    first_ns: int | None = None
    answered: int = 0
    return_hops: int | None = None
    calmest_ns: int | None = None

    @property
    def late(self) -> bool:
        """At its best it answered later than the far end did: it is slow by itself.

        The way to it is a part of the way to the far end, so the rest is spent on writing answers,
        and that grows and scatters by itself.
        """
        if self.base_ns is None or self.calmest_ns is None:
            return False
        return self.base_ns > self.calmest_ns + LATE_NS

    def with_far(self, rtt_ns: int) -> None:
        """The far end's round trip was so long when this hop answered."""
        self.calmest_ns = rtt_ns if self.calmest_ns is None else min(self.calmest_ns, rtt_ns)

    def add(self, at_ns: int, rtt_ns: int | None, loaded: bool) -> None:
        self.tries.append(Try(at_ns, rtt_ns, loaded))
        if rtt_ns is not None:
            self.answered += 1
            self.base_ns = rtt_ns if self.base_ns is None else min(self.base_ns, rtt_ns)
            if self.first_ns is None:
                self.first_ns = rtt_ns

    def last_before(self, at_ns: int) -> tuple[int, int] | None:
        """Its last answer before that: instant, round trip."""
        for one in reversed(self.tries):
            if one.rtt_ns is not None and one.at_ns < at_ns:
                return one.at_ns, one.rtt_ns
        return None

    def recent(self, now: int, window_ns: int) -> list[Try]:
        return recent(self.tries, now, window_ns)


@stateful
@attrs.define
class PathSeen:
    """The path to one target: its hops, and whom its links belong to.

    Attributes:
        pings: what routers on the way say to pings.
        told: place of each link as the hops' addresses tell.
        segments: the same, the provider's border left open where the other paths don't tell it.
        by_table: who runs the networks on the way was looked up, not only guessed from ranges.
        inside_ns: of a path under a tunnel: the smallest round trip to its end through the tunnel
            in the same time.
        early: SYNs that were answered though they can't have come to the far end.
        early_ttl: the fewest links that one of them could pass.
        ended_near: a box on the way ends TCP connections in the far end's place, so that
            handshakes tell nothing of what is behind it.
    """

    role: str
    hops: dict[int, HopSeen] = attrs.Factory(dict)
    pings: dict[int, Pinged] = attrs.Factory(dict)
    labels: tuple[str | None, ...] = ()
    told: tuple[str | None, ...] = ()
    segments: tuple[str | None, ...] = ()
    complete: bool = False
    by_table: bool = False
    inside_ns: int | None = None
    early: int = 0
    early_ttl: int = FAR
    ended_near: bool = False

    def is_far(self, ttl: int) -> bool:
        """The far end of a known route answers under this number."""
        return ttl == FAR or bool(self.segments and ttl >= self.length)

    def add(self, ttl: int, at_ns: int, rtt_ns: int | None, loaded: bool) -> HopSeen:
        """Note a probe's fate, and with an answer how the whole path was at that time."""
        hop = self.hop(ttl)
        hop.add(at_ns, rtt_ns, loaded)
        if rtt_ns is not None and self.is_far(ttl):
            self._far_answered(hop, at_ns, rtt_ns)
            if ttl == FAR and self.role == "service" and self._nearer_than_hops(at_ns):
                self.ended_near = True
        return hop

    def end_near(self) -> None:
        """Handshakes are not the far end's from now on, and never were."""
        self.ended_near = True
        self.hops.pop(FAR, None)
        for hop in self.hops.values():
            hop.calmest_ns = None

    def syn(self, ttl: int, outcome: str) -> None:
        """A SYN that could pass *ttl* links only was answered as by the far end, or expired."""
        if outcome == "reached" and middlebox.can_not_reach(ttl, self.length):
            self.early += 1
            self.early_ttl = min(self.early_ttl, ttl)
        elif outcome == "ttl_exceeded" and ttl >= self.early_ttl:
            self.early, self.early_ttl = 0, FAR  # TCP goes further: ways of different length
        far, last = self.hops.get(FAR), self._last(1)
        if self.early < middlebox.FEWEST_EARLY or far is None or not last:
            return
        # one that adds no time hides nothing, but where it stands at home: there it hides the way
        if middlebox.sooner(far.base_ns, last[0].base_ns) or self._at_home(self.early_ttl):
            self.ended_near = True

    def _at_home(self, ttl: int) -> bool:
        place = self.told_segment(ttl)
        return place is not None and place.startswith(HOME)

    def _last(self, count: int, times: int = 1) -> list[HopSeen]:
        """The last hops that have answered so often, the far end's own UDP among them."""
        answering = sorted(
            ttl for ttl in self.hops if ttl != FAR and self.hops[ttl].answered >= times
        )
        return [self.hops[ttl] for ttl in reversed(answering[-count:])]

    def _nearer_than_hops(self, now: int) -> bool:
        """Handshakes come back sooner than UDP from the far end and the hop before it.

        Routers alone prove nothing, as their answers may come by a longer way. Where the far end
        answers no UDP, a SYN that can't have come so far must have been answered beside.
        """
        far, end = self.hops[FAR], self.hops.get(self.length)
        beside = self.early > 0
        if not beside and (end is None or not end.answered):
            return False
        fewest = middlebox.FEWEST_BESIDE if beside else middlebox.FEWEST
        hops = self._last(2, fewest if beside else 1)
        if len(hops) < 2:
            return False
        if not all(middlebox.sooner(far.base_ns, hop.base_ns, times=2) for hop in hops):
            return False
        rows = [hop.recent(now, middlebox.WINDOW_NS) for hop in hops]
        return middlebox.nearer(far.recent(now, middlebox.WINDOW_NS), rows, fewest)

    def _far_answered(self, hop: HopSeen, at_ns: int, rtt_ns: int) -> None:
        before, after = self._far_before(at_ns), (at_ns, rtt_ns)
        for other in self.hops.values():
            last = other.tries[-1] if other.tries else None
            # a voice is no witness to itself
            if other is not hop and last is not None and last.rtt_ns is not None:
                self._with_far(other, last.at_ns, before, after)

    def _far_before(self, at_ns: int) -> tuple[int, int] | None:
        """The far end's last answer before that: instant, round trip. Also one that was heard when
        it wasn't known yet that it is the far end's."""
        far = [hop.last_before(at_ns) for ttl, hop in self.hops.items() if self.is_far(ttl)]
        return max((row for row in far if row is not None), default=None)

    def _with_far(
        self,
        hop: HopSeen,
        answered_ns: int,
        before: tuple[int, int] | None,
        after: tuple[int, int],
    ) -> None:
        """Note how the far end was when *hop* answered: as in the worse of its own answers before
        and after, since a queue may have begun in between."""
        if before is None:
            if answered_ns + FAR_NEAR_NS >= after[0]:
                hop.with_far(after[1])
        elif before[0] <= answered_ns and before[0] + FAR_APART_NS >= after[0]:
            hop.with_far(max(before[1], after[1]))

    def route(self, seen: Route) -> None:
        for same, (old, new) in enumerate(zip(self.labels, seen.hops, strict=False)):
            if old != new and old is not None and new is not None:
                # another way: old round trips say nothing of it, from the first hop that differs
                # on. A router that is heard for the first time is no such hop.
                for known in (self.hops, self.pings):
                    for ttl in [t for t in known if t > same]:
                        del known[ttl]
                self.early, self.early_ttl = 0, FAR
                if same == 0:  # from here on, another network
                    self.ended_near = False
                break
        self.labels, self.told, self.complete = seen.hops, seen.segments, seen.complete
        self.by_table = "table" in seen.why

    def newest_ns(self) -> int:
        """When the last probe of those remembered was settled."""
        return max((hop.tries[-1].at_ns for hop in self.hops.values() if hop.tries), default=0)

    def tried(self) -> int:
        """How many probes are remembered."""
        return sum([len(hop.tries) for hop in self.hops.values()])

    @property
    def length(self) -> int:
        """Number of the hop that is the far end: one more than those known if never reached."""
        return len(self.segments) + (0 if self.complete else 1)

    def hop(self, ttl: int) -> HopSeen:
        if ttl not in self.hops:
            self.hops[ttl] = HopSeen()
        return self.hops[ttl]

    def pinged(self, ttl: int, now: int, window_ns: int) -> list[Try]:
        """What became of pings to the router of a hop, if they go by the way that is probed."""
        hop, pings = self.hops.get(ttl), self.pings.get(ttl)
        if hop is None or pings is None or not pings.by_the_same_way(hop.base_ns):
            return []
        return pings.recent(now, window_ns)

    def stored_for(self, ttl: int, stored: dict[str, int]) -> int | None:
        """What was normal for this hop in earlier sessions: known for the last hop of each place,
        and, as "far end", for the target itself."""
        if self.is_far(ttl):
            return stored.get(FAR_END)
        here, behind = self.told_segment(ttl), self.told_segment(ttl + 1)
        return stored.get(here) if here is not None and here != behind else None

    def base(self, ttl: int, stored: dict[str, int]) -> int | None:
        """Base round trip: the smallest seen, or what was normal before if that is smaller."""
        own = self.hops[ttl].base_ns
        before = self.stored_for(ttl, stored)
        if self.ended_near and self.is_far(ttl):
            before = None  # it may be of handshakes
        if own is None or before is None:
            return own
        return min(own, before)

    def told_segment(self, ttl: int) -> str | None:
        """As `segment`, by the hops' addresses alone: what is remembered of a place must not hang
        on which other paths are known."""
        return self._place(self.told, ttl)

    def segment(self, ttl: int) -> str | None:
        """Place of the link that ends at *ttl* (`FAR`: the last link), if it is known."""
        return self._place(self.segments, ttl)

    def _place(self, places: tuple[str | None, ...], ttl: int) -> str | None:
        index = (self.length if ttl == FAR else ttl) - 1
        return places[index] if 0 <= index < len(places) else None


@stateful
@attrs.define
class Paths:
    """All paths that are probed, by target label."""

    paths: dict[str, PathSeen] = attrs.Factory(dict)
    stored: dict[str, int] = attrs.Factory(dict)
    """Round trips (ns) of earlier sessions on this network, by place or "far end"."""
    first_hop: FirstHop = attrs.Factory(FirstHop)
    """What the router that packets are handed to first says when it is asked itself."""
    long: dict[str, LongPackets] = attrs.Factory(dict)
    """What long pings tell, by role and target label."""
    serving: str | None = None
    """The host that media is asked from."""
    elsewhere: int = 0
    """How many requests for media in a row went to others since."""
    _looked: dict[str, tuple[int, Any]] | None = derived()

    def once(self, what: str, now: int, look: Callable[[], T]) -> T:
        """What *look* finds: several rules ask the same at one instant, and it is worked out once.

        Args:
            what: the question's name; a look at the same paths at another *now* is another one.
        """
        if self._looked is None:
            self._looked = {}
        known = self._looked.get(what)
        if known is None or known[0] != now:
            known = self._looked[what] = now, look()
        found: T = known[1]
        return found

    def store(self, subject: str, rtt_ns: int | None) -> None:
        """What was normal before for *subject*; None takes it back."""
        self._looked = None
        if rtt_ns is None:
            self.stored.pop(subject, None)
        elif len(self.stored) < MOST_STORED:
            self.stored[subject] = rtt_ns

    def asked(self, host: str) -> None:
        """Media is asked for from *host*. Players that take turns between hosts stay with one."""
        self.elsewhere = 0 if host == self.serving else self.elsewhere + 1
        if self.serving is None or self.elsewhere >= MOVED_AFTER:
            self.serving, self.elsewhere = host, 0
            self._looked = None

    def busiest(self) -> PathSeen | None:
        """The way to the host that the film comes from; the service path that is probed most, if
        that has none of its own (several hosts at one address have one); None if none is."""
        return self.once("busiest", 0, self._busiest)  # the same at any instant

    def _busiest(self) -> PathSeen | None:
        own = None if self.serving is None else self.paths.get(self.serving)
        if own is not None and own.role == "service" and own.hops:
            return own  # what is wrong on the way to a host that was left is no evidence
        services = [path for path in self.services() if path.hops]
        return max(services, key=PathSeen.tried, default=None)

    def underlay(self) -> PathSeen | None:
        """The path under the tunnel that carries the busiest one, as far as it is still followed.

        None if there is no tunnel, or one within another: then nothing beside it is seen. A tunnel
        may be dead, so that nothing is known of what it carries.
        """
        return self.once("underlay", 0, self._underlay)  # the same at any instant

    def _underlay(self) -> PathSeen | None:
        above = self.busiest()
        if above is not None and above.segments and TUNNEL not in above.segments:
            return None
        paths = [p for p in self.paths.values() if p.role == "underlay" and p.hops]
        path = max(paths, key=PathSeen.newest_ns, default=None)
        if path is None or TUNNEL in path.segments:
            return None
        newest_ns = 0 if above is None else above.newest_ns()
        return path if path.newest_ns() + FOLLOWED_NS >= newest_ns else None

    def main(self, role: str) -> PathSeen | None:
        """The path that questions about *role* ("service" or "underlay") are put to."""
        return self.underlay() if role == "underlay" else self.busiest()

    def _path(self, target: str, role: str) -> PathSeen:
        self._looked = None  # something is about to change
        if target not in self.paths:
            if len(self.paths) >= 16:
                self.paths.pop(next(iter(self.paths)))
                self._borders()
            self.paths[target] = PathSeen(role)
        return self.paths[target]

    def forget(self, roles: tuple[str, ...]) -> None:
        """As if no path of these roles had been seen."""
        self._looked = None
        self.forget_lengths(roles)
        for target in [name for name, path in self.paths.items() if path.role in roles]:
            del self.paths[target]
        self._borders()

    def route(self, seen: Route) -> None:
        path = self._path(seen.target, seen.role)
        before = path.role, path.labels, path.told, path.complete
        path.role = seen.role
        path.route(seen)
        if before != (path.role, path.labels, path.told, path.complete):
            self._borders()

    def _borders(self) -> None:
        """Which provider's border is certain hangs on all paths."""
        for path in self.paths.values():
            path.segments = with_border(
                path.labels, path.told, self._elsewhere(path), complete=path.complete
            )

    def _elsewhere(self, path: PathSeen) -> list[tuple[str | None, ...]]:
        """Hops of the ways to other servers than *path*'s, as far as ways are long."""
        return [
            other.labels[:MOST_HOPS]
            for other in self.paths.values()
            if other is not path and (other.role != path.role or path.role == "reference")
        ]

    def probe(self, seen: HopProbe) -> None:
        if seen.role == FIRST_HOP:
            self._looked = None
            self.first_hop.probe(seen)
            if seen.outcome == "error":  # maybe another network, where long pings fare otherwise
                self.long.clear()
            return
        if seen.outcome == "error":
            return
        path = self._path(seen.target, seen.role)
        if seen.method == "echo" and seen.role == "service":
            path.pings.setdefault(seen.ttl, Pinged()).add(seen.at_ns, seen.rtt_ns, seen.loaded)
            return
        reached = seen.outcome == "reached" or (
            path.complete and path.segments and seen.ttl >= path.length
        )
        ttl = FAR if reached and seen.method != "udp" else seen.ttl
        if seen.method == "tcp" and seen.role == "service":
            if self.ended_near():
                return  # what answers stands before the far end
            path.syn(seen.ttl, seen.outcome)
        hop = path.add(ttl, seen.at_ns, seen.rtt_ns, seen.loaded)
        if seen.return_hops is not None:
            hop.return_hops = seen.return_hops
        self._look_for_box(path)
        if seen.ttl == 1 and seen.rtt_ns is not None and path.segment(1) == TUNNEL:
            under = self.underlay()
            if under is not None:
                under.inside_ns = min(seen.rtt_ns, under.inside_ns or seen.rtt_ns)

    def round_trip(self, seen: RoundTrip) -> None:
        path = self._path(seen.target, seen.role)
        if self.ended_near():
            return
        answered = seen.failure in (None, "refused") and not seen.retransmitted
        path.add(FAR, seen.at_ns, seen.rtt_ns if answered else None, seen.loaded)
        self._look_for_box(path)

    def echo_pair(self, seen: EchoPair) -> None:
        """Take note of a long ping and the short one beside it."""
        if seen.role == FIRST_HOP:  # another router, and what the one before answered is over
            self.forget_lengths((FIRST_HOP,), but=seen.target)
        name = f"{seen.role} {seen.target}"
        if name not in self.long and len(self.long) >= MOST_HOSTS:  # players move on
            del self.long[next(iter(self.long))]
        self.long.setdefault(name, LongPackets()).add(seen)

    def lengths(self, role: str) -> list[LongPackets]:
        """What long pings tell of the hosts of *role*."""
        return [host for name, host in self.long.items() if name.partition(" ")[0] == role]

    def forget_lengths(self, roles: tuple[str, ...], but: str = "") -> None:
        """As if no host of these roles had got a long ping, *but* that of this label."""
        for name in list(self.long):
            role, _, target = name.partition(" ")
            if role in roles and target != but:
                del self.long[name]

    def forget_first_hop(self) -> None:
        """As if that router had never been asked."""
        self._looked = None
        self.first_hop = FirstHop()
        self.forget_lengths((FIRST_HOP,))

    def first_router(self, path: PathSeen) -> FirstHop | None:
        """What its first router says when asked itself; None if it isn't known to answer, or if
        *path* leads over another one, or begins inside a tunnel."""
        label = path.labels[0] if path.labels else None
        leads = label in (None, self.first_hop.target) and path.segment(1) not in (None, TUNNEL)
        return self.first_hop if leads and self.first_hop.known else None

    def services(self) -> list[PathSeen]:
        return self._of_role("service")

    def _of_role(self, role: str) -> list[PathSeen]:
        def look() -> list[PathSeen]:
            return [path for path in self.paths.values() if path.role == role]

        return self.once(f"all {role}", 0, look)  # the same at any instant

    def ended_near(self) -> bool:
        """A box on the way ends our TCP connections: on one way seen, and so maybe on all."""
        return self.once("ended near", 0, self._ended_near)  # the same at any instant

    def _ended_near(self) -> bool:
        return any(path.ended_near for path in self.paths.values())

    def _look_for_box(self, path: PathSeen) -> None:
        """Once one is found on *path*, nobody's handshakes are their own any more."""
        self._looked = None
        if path.ended_near and FAR in path.hops:
            for other in self.services():
                if FAR in other.hops:
                    other.end_near()

    def references(self) -> list[PathSeen]:
        """None where it isn't they who answer handshakes."""
        if self.ended_near():
            return []
        return self._of_role("reference")
