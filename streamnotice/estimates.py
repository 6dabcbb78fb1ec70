"""All that is estimated from the observations so far: what the evidence rules read."""

from __future__ import annotations

from collections import deque
from functools import lru_cache

import attrs

from streamnotice.observations import (
    Download,
    FirstByte,
    HomeRouter,
    HostLoad,
    Interface,
    LiveEdge,
    Radio,
    RequestStarted,
    StoredBaseline,
)
from streamnotice.path.first_hop import BEFORE_IT
from streamnotice.path.localise import unheard
from streamnotice.path.roles import JOIN
from streamnotice.path.rounds import FAR_END, TUNNEL, Paths
from streamnotice.path.singled_out import singled_out
from streamnotice.playback.model import PlaybackModel
from streamnotice.playback.requests import Requests
from streamnotice.policy import S_NS
from streamnotice.snapshot import stateful
from streamnotice.traffic import (
    MUCH_PERMILLE,
    WINDOW_S,
    BytesSeen,
    MediaTold,
    Moved,
    moved_here,
)
from streamnotice.windows import recent

MUCH_HERE_NS = 10 * S_NS


@stateful
@attrs.define
class LoadSeen:
    """One look at the host's load."""

    at_ns: int
    loop_lag_ns: int | None
    cpu_wait_permille: int | None


@stateful
@attrs.define
class DownloadSeen:
    """One small download from a reference."""

    at_ns: int
    received_bytes: int
    ttfb_ns: int | None
    duration_ns: int | None
    failed: bool


@stateful
@attrs.define
class RadioSeen:
    """One look at the Wi-Fi link."""

    at_ns: int
    signal_dbm: int | None
    sent: int
    retried: int
    failed: int


@stateful
@attrs.define
class NewestSeen:
    """A live playlist's newest segment when it was loaded."""

    at_ns: int
    newest: int
    target_duration_ns: int


HARMLESS_NS = S_NS
"""With so much left a wait has done no harm."""


@stateful
@attrs.define
class Estimates:
    """The engine's picture of the session."""

    playback: PlaybackModel = attrs.Factory(PlaybackModel)
    requests: Requests = attrs.Factory(Requests)
    paths: Paths = attrs.Factory(Paths)
    loads: deque[LoadSeen] = attrs.Factory(lambda: deque(maxlen=40))
    downloads: deque[DownloadSeen] = attrs.Factory(lambda: deque(maxlen=16))
    interface: deque[BytesSeen] = attrs.Factory(lambda: deque(maxlen=40))
    medium: str | None = None
    home_router: deque[BytesSeen] = attrs.Factory(lambda: deque(maxlen=40))
    newest: deque[NewestSeen] = attrs.Factory(lambda: deque(maxlen=40))
    radio: deque[RadioSeen] = attrs.Factory(lambda: deque(maxlen=16))
    much_here_ns: int | None = None
    """When other programs on this computer were last seen to get much."""
    told: MediaTold = attrs.Factory(MediaTold)

    def started(self, seen: RequestStarted) -> None:
        self.requests.started(seen)
        if seen.role == "media":
            self.paths.asked(seen.host)

    def first_byte(self, seen: FirstByte) -> None:
        request = self.requests.under_way.get(seen.request)
        level = self.playback.level_ns(seen.at_ns)
        well = level is not None and level >= HARMLESS_NS and self.playback.state == "playing"
        if request is not None and request.media and seen.status < 400 and well:
            self.requests.borne_ns = max(self.requests.borne_ns, seen.ttfb_ns)
        self.requests.first_byte(seen)

    def load(self, seen: HostLoad) -> None:
        self.loads.append(LoadSeen(seen.at_ns, seen.loop_lag_ns, seen.cpu_wait_permille))

    def download(self, seen: Download) -> None:
        self.downloads.append(
            DownloadSeen(
                seen.at_ns,
                seen.received_bytes,
                seen.ttfb_ns,
                seen.duration_ns,
                seen.failure is not None,
            )
        )

    def interface_bytes(self, seen: Interface) -> None:
        self.medium = seen.medium
        if seen.rx_bytes is not None and seen.tx_bytes is not None:
            self.interface.append(
                BytesSeen(seen.at_ns, seen.window_ns, seen.rx_bytes, seen.tx_bytes)
            )
        needed = self.needed_bps()
        if not needed:
            return
        self.told.look(self.playback.gained_bits, self.requests.media_bytes, needed)
        moved = self.moved_here(seen.at_ns)
        if moved is not None and moved.permille_of(needed) >= MUCH_PERMILLE:
            self.much_here_ns = seen.at_ns

    def moved_here(self, now: int) -> Moved | None:
        """What other programs on this computer move.

        None where that can't be told from the video's own.
        """
        if not self.told.whole or not self.requests.told_as_it_comes(now):
            return None
        fetched = recent(self.downloads, now, WINDOW_S * S_NS)
        return moved_here(
            self.interface, self.requests, sum([row.received_bytes for row in fetched]), now
        )

    def much_here(self) -> bool:
        """Other programs on this computer got much in the last seconds."""
        return self.requests.lately(self.much_here_ns, MUCH_HERE_NS)

    def forget_here(self) -> None:
        """Nothing is known of this computer's other programs any more."""
        self.much_here_ns = None
        self.told.forget()

    def radio_link(self, seen: Radio) -> None:
        # frames count together or not at all: a share of unknown parts is none
        known = None not in (seen.sent, seen.retried, seen.failed)
        self.radio.append(
            RadioSeen(
                seen.at_ns,
                seen.signal_dbm,
                (seen.sent or 0) if known else 0,
                (seen.retried or 0) if known else 0,
                (seen.failed or 0) if known else 0,
            )
        )

    def router_bytes(self, seen: HomeRouter) -> None:
        self.home_router.append(BytesSeen(seen.at_ns, seen.window_ns, seen.rx_bytes, seen.tx_bytes))

    def live_edge(self, seen: LiveEdge) -> None:
        self.newest.append(NewestSeen(seen.at_ns, seen.newest, seen.target_duration_ns))

    def store(self, seen: StoredBaseline) -> None:
        if seen.feature != "rtt_ns":
            return
        self.paths.store(seen.subject, seen.value if seen.value > 0 else None)  # 0 takes it back

    def learnt(self) -> dict[str, int]:
        """Base round trips (ns) of this session's service path, by place and "far end".

        For the host's store. A running minimum can't be learnt from a bad hour alone, but a whole
        session in a standing queue is one: the host keeps the smallest of several sessions.
        """
        path = max(
            self.paths.services(), key=lambda p: sum(h.answered for h in p.hops.values()),
            default=None,
        )  # fmt: skip
        if path is None:
            return {}
        found: dict[str, int] = {}
        for ttl in sorted(path.hops):
            hop = path.hops[ttl]
            if hop.base_ns is None or hop.answered < 8:
                continue
            if ttl >= path.length:
                found[FAR_END] = min(hop.base_ns, found.get(FAR_END, hop.base_ns))
            elif (place := path.told_segment(ttl)) is not None and JOIN not in place:
                found[place] = hop.base_ns
        return found

    def needed_bps(self) -> int | None:
        """What playback needs to go on: the rate of the rendition now asked for."""
        rate = self.playback.rendition_bps
        return None if rate is None else rate * self.playback.speed_permille // 1000

    def need_against(self, came_bps: int) -> int | None:
        """What playback needs, to hold *came_bps* against it; None where that would tell nothing.

        Nothing is needed any more once the end is at hand. And what is made while it is shown comes
        no faster than that, over the best of lines: shown faster, it comes too slowly. Where it
        isn't told whether it is live, it counts if it is enough for either, or for neither.
        """
        model = self.playback
        rate, needed = model.rendition_bps, self.needed_bps()
        if not rate or not needed or model.ending.fetched:
            return None
        if model.speed_permille <= 1000 or model.live is False:
            return needed
        if model.live or self.newest:
            return None
        if came_bps * 10 >= needed * 11:
            return needed
        return rate if came_bps * 2 < rate else None


@attrs.frozen
class Sighted:
    """What this session can tell apart.

    Attributes:
        clear: leaves that can be told from their neighbours.
        blurred: leaves that can only be told together with a neighbour.
        boxed: a box on the way ends TCP connections, so handshakes and sockets told of it alone.
        declined: what the player asks for is answered with errors that are laid on who asks: its
            own mistake, or the viewer's right, as much as the servers'.
        singled_out: handshakes with the service's host fare worse than probes to it: that the way
            is clear for these is no proof that it is for the film.
    """

    clear: frozenset[str]
    blurred: frozenset[str]
    boxed: bool = False
    declined: bool = False
    singled_out: bool = False

    @property
    def live(self) -> bool:
        """A live stream was seen, so who makes one can be named."""
        return MADE_LIVE in self.clear


EDGE = "service.edge"
ORIGIN = "service.origin"
_ALWAYS = frozenset({"device", "player", "service.dns", "service.source"})
MADE_LIVE = "service.source"
"""The encoder or packager of a live stream; what was made long ago can't be late."""
_BEHIND = "network.interconnect"
_UNSEEN_ALONE = frozenset({"service", TUNNEL})
"""Inside a tunnel, trouble of the line under it looks like the tunnel's own: `network` then, where
the way to the tunnel's server is not seen."""


def sighted(seen: Estimates) -> Sighted:
    """Leaves that this session can tell from their neighbours.

    Parts of `network` need a probed path whose links are known; home sharing needs counts of
    other traffic: the home router's, or this computer's own where its other programs get much.
    The delivery edge and the server behind it are late, slow and failing alike: they are told
    apart where an answer came out of the edge's own store not long ago, where the edge passed an
    error on, or refused a connection. A live stream's source needs its playlists: what they list
    last is what tells when it was made. What is not sighted may still be part of an inner name or a
    pair.
    """
    paths = seen.paths
    under = paths.underlay()
    boxed = paths.ended_near()
    ways = [path for path in paths.services() if path.hops]
    return _sighted(
        tuple([path.segments for path in ways]),
        tuple([place for path in ways for place in unheard(path)]),
        None if under is None else under.segments,
        tunnel=under is not None and under.complete,
        first_hop=bool(paths.first_hop.answered),
        sharing=bool(seen.home_router) or seen.much_here(),
        live=seen.playback.live is not False and bool(seen.newest),
        servers=_servers(seen.requests, boxed=boxed),
        boxed=boxed,
        declined=seen.requests.lately(seen.requests.declined_ns),
        singled=singled_out(paths, seen.requests.accounted_ns),
    )


def _servers(requests: Requests, *, boxed: bool) -> frozenset[str]:
    """Which of the delivery edge and the server behind it can be told from the other.

    Behind a box that ends connections a hit is as late as the way to it, and the box it is that
    refuses.
    """
    stored = not boxed and requests.lately(requests.stored_ns)
    edge = stored or (not boxed and requests.lately(requests.refused_ns))
    origin = stored or requests.lately(requests.passed_on_ns)
    return frozenset(name for name, told in ((EDGE, edge), (ORIGIN, origin)) if told)


@lru_cache(maxsize=64)  # asked once a step, and seldom anything new
def _sighted(
    ways: tuple[tuple[str | None, ...], ...],
    behind: tuple[str, ...],
    under: tuple[str | None, ...] | None,
    *,
    tunnel: bool,
    first_hop: bool,
    sharing: bool,
    live: bool,
    servers: frozenset[str],
    boxed: bool,
    declined: bool,
    singled: bool,
) -> Sighted:
    segments = [s for way in ways for s in way if s]
    beneath = [s.split(JOIN) for s in under or () if s]
    # the way from the provider's border to the tunnel's server is the tunnel's
    segments += [JOIN.join(parts) for parts in beneath if _BEHIND not in parts]
    clear = {place for place in segments if JOIN not in place and place not in _UNSEEN_ALONE}
    if tunnel:
        clear.add(TUNNEL)
    blurred = {part for place in segments for part in place.split(JOIN)} | set(behind)
    blurred |= {part for parts in beneath for part in parts if part != _BEHIND}
    blurred -= clear | {"service"}
    if first_hop:
        clear.add(BEFORE_IT)
        blurred -= {BEFORE_IT}
    if sharing:
        clear.add("network.home.sharing")
    always = _ALWAYS if live else _ALWAYS - {MADE_LIVE}
    blurred |= {EDGE, ORIGIN} - servers
    return Sighted(always | clear | servers, frozenset(blurred), boxed, declined, singled)
