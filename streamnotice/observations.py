"""What was measured: the only input of the engine.

Every class here is frozen and flat: each field is an int, a str, a bool, None or
a tuple of those, so that a record of them can be written, read back and fed to
the engine again with the same result. Units are in the names: `_ns` nanoseconds
(instants count from the session's start), `_bps` bits per second, `_bytes` bytes,
`_permille` thousandths. None always means "not known", never zero.

Observations are private by construction: hosts and hops appear as session-salted
labels, never as names or addresses (see `streamnotice.privacy`).
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import attrs

PlaybackState = Literal["starting", "playing", "stalled", "seeking", "paused", "ended"]
RequestRole = Literal["media", "playlist", "other"]
CacheResult = Literal["hit", "miss"]
Failure = Literal[
    "dns", "refused", "unreachable", "timeout", "reset", "truncated", "tls", "cancelled", "other"
]
ProbeMethod = Literal["udp", "tcp", "echo"]
TargetRole = Literal["service", "reference", "underlay", "first-hop"]
ProbeOutcome = Literal["ttl_exceeded", "reached", "refused_by_path", "lost", "error"]


@attrs.frozen
class Observation:
    """Base: something seen at an instant.

    Attributes:
        at_ns: when it was seen, in nanoseconds since the session's start.
    """

    kind: ClassVar[str] = "observation"
    at_ns: int


@attrs.frozen
class Playback(Observation):
    """What the player says of itself. Any subset may be known; what is None keeps its last value's
    meaning only for `rendition_bps`, `ladder_bps` and `rendition_fixed`, all else is unknown.

    Attributes:
        state: as the host sees it; None lets the engine infer stalls from the position.
        buffer_ns: media ahead of the play head, as play-out time.
        position_ns: play head, media time.
        rendition_bps: rate of the rendition now requested (peak or average as declared).
        ladder_bps: all renditions on offer that the viewer permits, ascending.
        rendition_fixed: True if no other rendition is permitted.
        dropped_frames: frames dropped so far by decoder or display (running count).
        decoded_frames: frames decoded or shown so far (running count).
        wants_data: the player would take more media now (buffer below its target).
        target_ns: buffer level at which the player stops asking.
        live: the presentation is live.
        speed_permille: play-out speed, 1000 = normal.
        duration_ns: length of what plays; None if unknown or live.
    """

    kind: ClassVar[str] = "playback"
    state: PlaybackState | None = None
    buffer_ns: int | None = None
    position_ns: int | None = None
    rendition_bps: int | None = None
    ladder_bps: tuple[int, ...] | None = None
    rendition_fixed: bool | None = None
    dropped_frames: int | None = None
    decoded_frames: int | None = None
    wants_data: bool | None = None
    target_ns: int | None = None
    live: bool | None = None
    speed_permille: int | None = None
    duration_ns: int | None = None


@attrs.frozen
class RequestStarted(Observation):
    """The player asked for something. `request` numbers are unique in a session."""

    kind: ClassVar[str] = "request-started"
    request: int
    host: str
    role: RequestRole = "media"


@attrs.frozen
class LookUp(Observation):
    """The request's server is being looked up by its name, or has been: a connection comes next.

    Attributes:
        dns_ns: how long it took (0 if the answer was kept from before); None while it goes on.
    """

    kind: ClassVar[str] = "look-up"
    request: int
    dns_ns: int | None = None


@attrs.frozen
class RequestConnected(Observation):
    """The request has a connection.

    Attributes:
        dns_ns: time of the look-up; None if cached, literal or not seen.
        connect_ns: time to the connection being open (TCP and TLS); None if reused or not seen.
        syn_rtt_ns: round trip of the TCP handshake alone, where the kernel tells it.
        reused: an open connection was used again.
    """

    kind: ClassVar[str] = "request-connected"
    request: int
    dns_ns: int | None = None
    connect_ns: int | None = None
    syn_rtt_ns: int | None = None
    reused: bool | None = None


@attrs.frozen
class FirstByte(Observation):
    """The response's headers have arrived.

    Attributes:
        status: HTTP status code.
        ttfb_ns: from the request being sent (connection ready) to its first byte.
        length_bytes: declared body length.
        cache: whether the delivery edge answered from its cache, by the most telling header
            seen (Cache-Status, X-Cache, Age); None if none spoke.
        cache_by: the header that said so.
        edge_ns: the edge's own time for this answer, if it says (Server-Timing, CMSD rd).
        origin_ns: the time that the edge waited for the server behind it, if it says.
        upstream_status: status that the server behind the edge gave, if the edge says.
        age_s: Age header.
        paced_bps: the pace that the server says it keeps to (CMSD mb, X-Accel-Limit-Rate).
        edge_busy: the server itself says that it is under duress (CMSD du).
    """

    kind: ClassVar[str] = "first-byte"
    request: int
    status: int
    ttfb_ns: int
    length_bytes: int | None = None
    cache: CacheResult | None = None
    cache_by: str | None = None
    edge_ns: int | None = None
    origin_ns: int | None = None
    upstream_status: int | None = None
    age_s: int | None = None
    paced_bps: int | None = None
    edge_busy: bool | None = None


@attrs.frozen
class Transfer(Observation):
    """A look at a request under way: bytes so far and what the kernel knows of its socket.

    Attributes:
        received_bytes: body bytes handed to the application so far.
        socket: a label for the connection; counters below run per connection.
        socket_bytes: bytes that the kernel has received on it (TCP_INFO bytes_received).
        unread_bytes: bytes waiting in the kernel for the application to read them.
        rtt_ns: smoothed round trip as the kernel has it (from what we send: requests).
        min_rtt_ns: the smallest round trip the kernel saw on this connection.
        rcv_rtt_ns: the receiver-side estimate of the round trip under load.
        segments_in: TCP segments with data received (data_segs_in).
        out_of_order: segments that arrived out of order (rcv_ooopack): loss or reordering upstream.
        window_bytes: receive window that we offer.
        idle_ns: time since data last arrived on the connection.
    """

    kind: ClassVar[str] = "transfer"
    request: int
    received_bytes: int
    socket: str | None = None
    socket_bytes: int | None = None
    unread_bytes: int | None = None
    rtt_ns: int | None = None
    min_rtt_ns: int | None = None
    rcv_rtt_ns: int | None = None
    segments_in: int | None = None
    out_of_order: int | None = None
    window_bytes: int | None = None
    idle_ns: int | None = None


@attrs.frozen
class RequestEnded(Observation):
    """A request is over: whole, or with a failure (cancelled by the player counts as one)."""

    kind: ClassVar[str] = "request-ended"
    request: int
    received_bytes: int = 0
    failure: Failure | None = None


@attrs.frozen
class Route(Observation):
    """The path to a target as the probes now see it, one entry a hop, nearest first.

    Attributes:
        target: label of the far end.
        role: "service", "reference", "underlay": the server of a tunnel (VPN) that carries the
            way to the service, by the network under the tunnel; or "first-hop": the home router.
        hops: label of each hop's router, None if it stays silent; the last is the target itself.
        segments: for each hop, the place that the link *ending* at it belongs to (a leaf name,
            `service` for links inside the far end's own network); two joined by "|" where it may be
            either; None if nothing known says.
        complete: the target itself was reached.
        why: how the segments were known ("table", "addresses", "addresses+table").
    """

    kind: ClassVar[str] = "route"
    target: str
    role: TargetRole
    hops: tuple[str | None, ...]
    segments: tuple[str | None, ...]
    complete: bool
    why: str = "addresses"


@attrs.frozen
class HopProbe(Observation):
    """One limited-TTL probe, or one question to the home router itself, answered or given up.

    Attributes:
        target: label of the far end it was sent towards.
        ttl: hop number it was meant for.
        method: "udp", "tcp" (a SYN to the service's own port: the second witness; to a router,
            a handshake), or "echo" (a ping: to the far end of an underlay that answers no UDP, to
            the home router, and, with role "service", to the router of hop *ttl* itself).
        outcome: what came back; "lost" is a time-out, and is an outcome like any other.
        rtt_ns: round trip; None if nothing came back.
        hop: label of the router that answered.
        return_hops: routers on the way back, from the reply's TTL; None if not told.
        loaded: our own media transfer was under way when it was sent.
        role: of the far end, as in `Route`.
    """

    kind: ClassVar[str] = "hop-probe"
    target: str
    ttl: int
    method: ProbeMethod
    outcome: ProbeOutcome
    rtt_ns: int | None = None
    hop: str | None = None
    return_hops: int | None = None
    loaded: bool = False
    role: TargetRole = "service"


@attrs.frozen
class EchoPair(Observation):
    """A long ping and a short one, sent at once to the same host.

    What a path does to long packets alone shows in the two together: a loss that cares for no
    length takes the short one as often.

    Attributes:
        target: label of the host.
        role: "service", or "first-hop" for the home router.
        long_bytes: size of the long one, IP header included: as long as the way here permits.
        long_rtt_ns: its round trip; None if nothing came back.
        short_rtt_ns: the short one's.
    """

    kind: ClassVar[str] = "echo-pair"
    target: str
    role: TargetRole
    long_bytes: int
    long_rtt_ns: int | None = None
    short_rtt_ns: int | None = None


@attrs.frozen
class RoundTrip(Observation):
    """One TCP handshake to the service or a reference, or its failure.

    Attributes:
        rtt_ns: the handshake's round trip; with `failure` set, how long was waited.
        retransmitted: the kernel had to send the SYN again (a loss).
    """

    kind: ClassVar[str] = "round-trip"
    target: str
    role: TargetRole
    rtt_ns: int | None = None
    failure: Failure | None = None
    retransmitted: bool | None = None
    loaded: bool = False


@attrs.frozen
class Download(Observation):
    """A small, bounded download from a reference: what the shared part of the path carries now."""

    kind: ClassVar[str] = "download"
    target: str
    received_bytes: int
    ttfb_ns: int | None = None
    duration_ns: int | None = None
    failure: Failure | None = None
    loaded: bool = False


@attrs.frozen
class HostLoad(Observation):
    """How this computer copes, over the window that ends at `at_ns`.

    Attributes:
        window_ns: length of the window.
        loop_lag_ns: worst delay of the event loop in it.
        cpu_wait_permille: share of the window in which our threads were runnable and had no CPU.
        cpu_busy_permille: share of all CPUs in use.
        cpu_pressure_permille: share of time in which some task waited for a CPU (PSI).
    """

    kind: ClassVar[str] = "host-load"
    window_ns: int
    loop_lag_ns: int | None = None
    cpu_wait_permille: int | None = None
    cpu_busy_permille: int | None = None
    cpu_pressure_permille: int | None = None


@attrs.frozen
class Interface(Observation):
    """The interface that carries the route to the service, over a window.

    Attributes:
        medium: "wifi", "ethernet", "mobile", "tunnel" or None if it can't be told; while the
            service's address is not known, that of the way to the world at large.
        rx_bytes, tx_bytes: all that went over it in the window (ours and others').
    """

    kind: ClassVar[str] = "interface"
    window_ns: int
    medium: Literal["wifi", "ethernet", "tunnel", "mobile"] | None = None
    rx_bytes: int | None = None
    tx_bytes: int | None = None


@attrs.frozen
class Radio(Observation):
    """The Wi-Fi link that carries the route to the service, over a window.

    Attributes:
        signal_dbm: strength of what is received.
        tx_bps, rx_bps: rate of the last frames sent and received.
        sent, retried, failed: frames sent in the window, sent again, and given up.
        lost_beacons: times in the window that the access point seemed to have gone.
    """

    kind: ClassVar[str] = "radio"
    window_ns: int
    signal_dbm: int | None = None
    tx_bps: int | None = None
    rx_bps: int | None = None
    sent: int | None = None
    retried: int | None = None
    failed: int | None = None
    lost_beacons: int | None = None


@attrs.frozen
class HomeRouter(Observation):
    """The home router's counters of its line, over a window (UPnP)."""

    kind: ClassVar[str] = "home-router"
    window_ns: int
    rx_bytes: int
    tx_bytes: int


@attrs.frozen
class LiveEdge(Observation):
    """A live playlist was loaded: how far the newest segment is behind its due time.

    Attributes:
        newest: media sequence number of the last segment that it lists.
        target_duration_ns: EXT-X-TARGETDURATION: how often a new one is due at the latest.
    """

    kind: ClassVar[str] = "live-edge"
    newest: int
    target_duration_ns: int


@attrs.frozen
class StoredBaseline(Observation):
    """What was normal on this network in earlier sessions, handed in by the host.

    Attributes:
        feature: "rtt_ns", the base round trip.
        subject: the place whose last hop it belongs to, or "far end" for the server.
        value: the figure, in the feature's unit; 0 takes it back.
        samples: how many sessions it rests on.
    """

    kind: ClassVar[str] = "stored-baseline"
    feature: str
    subject: str
    value: int
    samples: int


@attrs.frozen
class Sight(Observation):
    """A sensor began, or ceased, to see; `why` says what stands in its way."""

    kind: ClassVar[str] = "sight"
    sensor: str
    sees: bool
    why: str = ""


@attrs.frozen
class ViewerAct(Observation):
    """The viewer or the host did something about a notice: dismissed it, muted a place, ..."""

    kind: ClassVar[str] = "viewer-act"
    act: str
    notice: str | None = None
    place: str | None = None


@attrs.frozen
class Closed(Observation):
    """The session is over; nothing follows."""

    kind: ClassVar[str] = "closed"


AnyObservation: TypeAlias = (
    Playback | RequestStarted | LookUp | RequestConnected | FirstByte | Transfer | RequestEnded
    | Route | HopProbe | EchoPair | RoundTrip | Download | HostLoad | Interface | Radio | HomeRouter
    | LiveEdge | StoredBaseline | Sight | ViewerAct | Closed
)  # fmt: skip

KINDS: dict[str, type[Observation]] = {
    cls.kind: cls
    for cls in (
        Playback, RequestStarted, LookUp, RequestConnected, FirstByte, Transfer, RequestEnded,
        Route, HopProbe, EchoPair, RoundTrip, Download, HostLoad, Interface, Radio, HomeRouter,
        LiveEdge, StoredBaseline, Sight, ViewerAct, Closed,
    )
}  # fmt: skip
