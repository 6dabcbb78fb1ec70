"""What the player asked for, and what came: requests, transfer rates, waits, failures.

Time is accounted in whole session seconds (`Second`), each holding how long media was asked
for, how long it was flowing, and what arrived. Rules read windows of seconds.
"""

from __future__ import annotations

from collections import deque
from itertools import takewhile
from typing import Final, TypeVar

import attrs

from streamnotice.observations import (
    FirstByte,
    LookUp,
    RequestConnected,
    RequestEnded,
    RequestStarted,
    Transfer,
)
from streamnotice.policy import S_NS
from streamnotice.snapshot import derived, stateful
from streamnotice.windows import recent

KEEP_S: Final = 40
MOST_REQUESTS: Final = 64
"""Requests under way that are remembered; a host that never ends them loses the oldest."""
STUCK_NS: Final = 3 * S_NS
MOST_BORNE_NS: Final = 8 * S_NS
"""However long a server took before, by then a buffer of usual size is low."""
LATE_NS: Final = 3 * S_NS // 2
"""A response this long is told of before its end, by hosts that do."""
LONG_OTHER_NS: Final = 3 * S_NS // 2
"""A request that is neither for media nor for a playlist and takes so long may hold playback up: a
key, a licence, the decision which advertisement comes next."""
KEEP_STEPS: Final = 12
LEAST_IN_STEPS: Final = 6
MANY_PLAYLISTS: Final = 5
"""A session begins with one for all, and one for each kind of media."""
CRUMB: Final = 20
"""An answer so many times shorter than the largest is no segment of the same film."""
HELD_NS: Final = 10 * S_NS
"""So long a server may hold the answer to a request for a live playlist back, until there is
something new (blocking reload: RFC 8216bis, 6.2.5.2; a target duration)."""
LATELY_NS: Final = KEEP_S * S_NS
"""As long as windows of seconds reach: two segments of a server that takes its time."""


@stateful
@attrs.define
class Second:
    """Account of one session second.

    Attributes:
        asked_ns: time with at least one request under way that is waited for.
        flowing_ns: time with at least one media response past its first byte.
        media_bytes: media bytes that arrived.
        all_bytes: those, and of all other requests.
        segments, out_of_order: TCP segments in, and those out of order.
        tries, playlists: requests for media, and for playlists, that ended.
        crumbs: answers to requests for media that were said to be well, and far too short.
    """

    number: int
    asked_ns: int = 0
    flowing_ns: int = 0
    media_bytes: int = 0
    all_bytes: int = 0
    segments: int = 0
    out_of_order: int = 0
    unread_bytes: int = 0
    tries: int = 0
    playlists: int = 0
    crumbs: int = 0


@attrs.frozen
class Total:
    """Sums over a window of seconds; the figures are those of `Second`."""

    asked_ns: int
    flowing_ns: int
    media_bytes: int
    all_bytes: int
    segments: int
    out_of_order: int


@stateful
@attrs.define
class Answer:
    """A response's first byte, kept for some time.

    Attributes:
        needed: playback hangs on it: media, or a playlist.
    """

    at_ns: int
    ttfb_ns: int
    status: int
    media: bool
    needed: bool
    cache: str | None
    edge_ns: int | None
    origin_ns: int | None
    upstream_status: int | None
    rtt_ns: int | None

    @property
    def passed_on(self) -> bool:
        """An error of the server behind the edge: told of it, or as gateways do (RFC 9110)."""
        behind = self.upstream_status is not None and self.upstream_status >= 500
        return self.status in (502, 504) or (self.status >= 500 and behind)


@stateful
@attrs.define
class Connected:
    """A connection made (or a look-up), kept for some time.

    Attributes:
        needed: playback hangs on what it was made for.
    """

    at_ns: int
    dns_ns: int | None
    connect_ns: int | None
    needed: bool


@stateful
@attrs.define
class Failed:
    """A request that failed, kept for some time.

    Attributes:
        connected: it had a connection, as far as was told.
        needed: playback hangs on it: media, or a playlist.
    """

    at_ns: int
    failure: str
    had_first_byte: bool
    connected: bool
    needed: bool


N = TypeVar("N", Answer, Connected, Failed)


def needed(rows: deque[N], now: int, window_ns: int) -> list[N]:
    """Those of late that playback hangs on. A server of something else, with troubles of its own,
    may be asked meanwhile."""
    return [row for row in recent(rows, now, window_ns) if row.needed]


@stateful
@attrs.define
class UnderWay:
    """A request that has not ended.

    Attributes:
        looking_ns, looked_up_ns: when its server's name began to be looked up, and was.
        ill: it was answered with an error.
    """

    host: str
    media: bool
    playlist: bool
    started_ns: int
    first_byte_ns: int | None = None
    received_bytes: int = 0
    last_byte_ns: int | None = None
    socket: str | None = None
    looking_ns: int | None = None
    looked_up_ns: int | None = None
    connected: bool = False
    ill: bool = False

    @property
    def needed(self) -> bool:
        """Playback hangs on it."""
        return self.media or self.playlist

    @property
    def sent(self) -> bool:
        """It is on its way to the server, as far as was told."""
        return self.connected or self.first_byte_ns is not None

    @property
    def began_ns(self) -> int:
        """When its answer began, or if that isn't known it."""
        return self.started_ns if self.first_byte_ns is None else self.first_byte_ns


@stateful
@attrs.define
class SocketSeen:
    """Running counters of one connection, to take differences from."""

    segments: int = 0
    out_of_order: int = 0
    rtt_ns: int | None = None


@stateful
@attrs.define
class Requests:
    """All requests of the session, as far as the windows reach."""

    under_way: dict[int, UnderWay] = attrs.Factory(dict)
    seconds: deque[Second] = attrs.Factory(lambda: deque(maxlen=KEEP_S))
    answers: deque[Answer] = attrs.Factory(lambda: deque(maxlen=64))
    connects: deque[Connected] = attrs.Factory(lambda: deque(maxlen=32))
    failures: deque[Failed] = attrs.Factory(lambda: deque(maxlen=64))
    others: deque[tuple[int, int]] = attrs.Factory(lambda: deque(maxlen=16))
    """From, to: requests for neither media nor a playlist that took long to be answered, or ended
    without an answer after so long."""
    sockets: dict[str, SocketSeen] = attrs.Factory(dict)
    rtts: deque[tuple[int, int]] = attrs.Factory(lambda: deque(maxlen=64))
    base_rtt_ns: int | None = None
    accounted_ns: int = 0
    media_bytes: int = 0
    ever: bool = False
    tells_first_byte: bool = False
    tells_opening: bool = False
    told_late: bool = False
    """Of the last response that took its time most was told at its end."""
    borne_ns: int = 0
    """The longest that media was waited for until its answer began, while enough was at hand."""
    untold_ns: int = 0
    """The longest that media took whose host told of nothing before its end; 0 if the last one's
    told when the answer began."""
    stored_ns: int | None = None
    """When media last came out of the delivery edge's own store (a hit)."""
    passed_on_ns: int | None = None
    """When the edge last passed an error of the server behind it on."""
    refused_ns: int | None = None
    """When the edge last refused a connection."""
    fared_well_ns: int | None = None
    """When something that playback hangs on last came well, as far as was told."""
    fared_ill_ns: int | None = None
    """When something that it hangs on last failed, or was answered with an error."""
    declined_ns: int | None = None
    """When something that it hangs on was last answered with an error that is laid on who asks (a
    status of 4xx); None once something came well."""
    asked_media: bool = False
    held_ns: int = 0
    """The longest that a playlist took, once there was media, before its answer began."""
    largest_bytes: int = 0
    """Size of the largest answer to a request for media."""
    steps: deque[int] = attrs.Factory(lambda: deque(maxlen=KEEP_STEPS))
    """By how many media bytes at a time the count went on of late."""
    marks_errors: bool = False
    """Errors carry word of the cache: one without is the edge's own."""
    _going: tuple[int | None, bool] | None = derived()
    """Since when something is waited for, and media flows; until a request begins, is sent, is
    answered or ends."""
    _last_came_ns: int | None = derived()
    _totals: dict[tuple[int, int], Total] | None = derived()
    """What several rules ask for at the same instant; until that is accounted for."""

    # -- accounting ---------------------------------------------------------------------------

    def _second(self, number: int) -> Second:
        if not self.seconds or self.seconds[-1].number < number:
            self.seconds.append(Second(number))
        return self.seconds[-1]

    def account(self, now: int) -> None:
        """Charge the time since the last event to the seconds it fell into."""
        self._last_came_ns = self._totals = None
        waited_ns, flowing = self._waited_and_flowing()
        asked_ns = now if waited_ns is None else waited_ns
        start = max(self.accounted_ns, now - KEEP_S * S_NS)
        while start < now:
            number = start // S_NS
            end = min(now, (number + 1) * S_NS)
            second = self._second(number)
            second.asked_ns += max(0, end - max(start, asked_ns))
            if flowing:
                second.flowing_ns += end - start
            start = end
        self.accounted_ns = max(self.accounted_ns, now)

    def asking(self) -> bool:
        """Something is waited for: media, or a playlist that nobody holds back by design."""
        waited_ns = self._waited_and_flowing()[0]
        return waited_ns is not None and waited_ns <= self.accounted_ns

    def _waited_and_flowing(self) -> tuple[int | None, bool]:
        if self._going is None:
            requests = self.under_way.values()
            self._going = (
                min([self._waited_ns(r) for r in requests if r.needed], default=None),
                any(r.media and r.first_byte_ns is not None for r in requests),
            )
        return self._going

    def _waited_ns(self, request: UnderWay) -> int:
        """From when on *request* is one that is waited for.

        Before there was media, and before it is sent, a playlist is as soon as it is asked for.
        """
        at_once = request.media or not self.asked_media
        if at_once or (self.tells_opening and not request.sent):
            return request.started_ns
        return request.started_ns + max(HELD_NS, self.held_ns * 3 // 2)

    # -- observations -------------------------------------------------------------------------

    def started(self, seen: RequestStarted) -> None:
        self.account(seen.at_ns)
        self._going = None
        needed = seen.role in ("media", "playlist")
        self.ever |= needed
        self.asked_media |= seen.role == "media"
        if len(self.under_way) >= MOST_REQUESTS:
            self.under_way.pop(next(iter(self.under_way)))
        self.under_way[seen.request] = UnderWay(
            host=seen.host,
            media=seen.role == "media",
            playlist=seen.role == "playlist",
            started_ns=seen.at_ns,
        )

    def look_up(self, seen: LookUp) -> None:
        request = self.under_way.get(seen.request)
        if request is None:
            return
        self._going = None
        request.connected = False  # a connection that was open before may be of no use
        if seen.dns_ns is None:
            request.looking_ns, request.looked_up_ns = seen.at_ns, None
        else:
            request.looked_up_ns = seen.at_ns
            self.tells_opening = True

    def connected(self, seen: RequestConnected) -> None:
        self.account(seen.at_ns)
        request = self.under_way.get(seen.request)
        if request is not None:
            request.connected = True
        self._going = None
        needed = request is not None and request.needed
        self.connects.append(Connected(seen.at_ns, seen.dns_ns, seen.connect_ns, needed))
        if seen.syn_rtt_ns is not None:
            self._rtt(seen.at_ns, seen.syn_rtt_ns)

    def first_byte(self, seen: FirstByte) -> None:
        self.account(seen.at_ns)
        self._going = None
        self.tells_first_byte = True
        request = self.under_way.get(seen.request)
        rtt = None
        if request is not None:
            request.first_byte_ns = request.last_byte_ns = seen.at_ns
            request.ill = seen.status >= 400
            known = self.sockets.get(request.socket or "")
            rtt = known.rtt_ns if known is not None else None
        answer = Answer(
            at_ns=seen.at_ns,
            ttfb_ns=seen.ttfb_ns,
            status=seen.status,
            media=request is not None and request.media,
            needed=request is not None and request.needed,
            cache=seen.cache,
            edge_ns=seen.edge_ns,
            origin_ns=seen.origin_ns,
            upstream_status=seen.upstream_status,
            rtt_ns=rtt,
        )
        self.answers.append(answer)
        if request is not None:
            if request.needed:
                self._told(answer, seen.cache_by)
            else:
                self._other(request, seen.at_ns)

    def _told(self, answer: Answer, cache_by: str | None) -> None:
        """What an answer to a request for media or a playlist tells of who made it.

        An age alone may be that of some other cache on the way.
        """
        if not answer.media and answer.status < 400 and self.asked_media:
            self.held_ns = max(self.held_ns, answer.ttfb_ns)
        if answer.status >= 400:
            self.fared_ill_ns = answer.at_ns
            if answer.status < 500:
                self.declined_ns = answer.at_ns
        if answer.media and answer.status < 400 and answer.cache == "hit" and cache_by != "age":
            self.stored_ns = answer.at_ns
        if answer.status >= 500:
            self.marks_errors |= answer.cache is not None
            if answer.passed_on:
                self.passed_on_ns = answer.at_ns

    def transfer(self, seen: Transfer) -> None:
        self.account(seen.at_ns)
        second = self._second(seen.at_ns // S_NS)
        request = self.under_way.get(seen.request)
        if request is not None:
            self._bytes(request, seen.received_bytes, seen.at_ns, second)
            request.socket = seen.socket or request.socket
        if seen.unread_bytes is not None:
            second.unread_bytes = max(second.unread_bytes, seen.unread_bytes)
        if seen.socket is not None:
            self._socket(seen, second)

    def ended(self, seen: RequestEnded) -> None:
        self.account(seen.at_ns)
        self._going = None
        request = self.under_way.pop(seen.request, None)
        if request is None:
            return
        if request.first_byte_ns is None and not request.needed:
            self._other(request, seen.at_ns)
        before = request.received_bytes
        self._bytes(request, seen.received_bytes, seen.at_ns, self._second(seen.at_ns // S_NS))
        if request.media and request.received_bytes and seen.at_ns - request.began_ns > LATE_NS:
            self.told_late = before * 2 < request.received_bytes
        if request.media and request.received_bytes and seen.failure is None:
            took_ns = seen.at_ns - request.started_ns if request.first_byte_ns is None else 0
            self.untold_ns = max(self.untold_ns, took_ns) if took_ns else 0
        if seen.failure == "refused" and request.needed:
            self.refused_ns = seen.at_ns
        if request.needed and seen.failure != "cancelled":
            self._fared(request, seen)
        if seen.failure is not None and seen.failure != "cancelled":
            self.failures.append(
                Failed(
                    at_ns=seen.at_ns,
                    failure=seen.failure,
                    had_first_byte=request.first_byte_ns is not None,
                    connected=request.connected,
                    needed=request.needed,
                )
            )

    def _other(self, request: UnderWay, now: int) -> None:
        if now - request.started_ns >= LONG_OTHER_NS:
            self.others.append((request.started_ns, now))

    def _fared(self, request: UnderWay, seen: RequestEnded) -> None:
        second = self._second(seen.at_ns // S_NS)
        second.tries += request.media
        second.playlists += request.playlist
        if seen.failure is not None:
            self.fared_ill_ns = seen.at_ns
        elif request.media and request.received_bytes * CRUMB < self.largest_bytes:
            second.crumbs += 1
        elif not request.ill and request.received_bytes:
            self.fared_well_ns, self.declined_ns = seen.at_ns, None
        if request.media:
            self.largest_bytes = max(self.largest_bytes, request.received_bytes)

    def _bytes(self, request: UnderWay, total: int, now: int, second: Second) -> None:
        new = total - request.received_bytes
        if new <= 0:
            return
        request.received_bytes = total
        request.last_byte_ns = now
        second.all_bytes += new
        if request.media:
            self.steps.append(new)
            second.media_bytes += new
            self.media_bytes += new

    def _socket(self, seen: Transfer, second: Second) -> None:
        assert seen.socket is not None
        known = self.sockets.get(seen.socket)
        if known is None:
            if len(self.sockets) >= MOST_REQUESTS:
                self.sockets.pop(next(iter(self.sockets)))
            known = self.sockets[seen.socket] = SocketSeen()
        if seen.segments_in is not None:
            second.segments += max(0, seen.segments_in - known.segments)
            known.segments = seen.segments_in
        if seen.out_of_order is not None:
            second.out_of_order += max(0, seen.out_of_order - known.out_of_order)
            known.out_of_order = seen.out_of_order
        if seen.rtt_ns is not None and seen.rtt_ns != known.rtt_ns:
            known.rtt_ns = seen.rtt_ns
            self._rtt(seen.at_ns, seen.rtt_ns)
        if seen.min_rtt_ns is not None and seen.min_rtt_ns > 0:
            self._base(seen.min_rtt_ns)

    def _rtt(self, now: int, rtt: int) -> None:
        if rtt > 0:
            self.rtts.append((now, rtt))
            self._base(rtt)

    def _base(self, rtt: int) -> None:
        self.base_rtt_ns = rtt if self.base_rtt_ns is None else min(self.base_rtt_ns, rtt)

    # -- windows ------------------------------------------------------------------------------

    def window(self, now: int, seconds: int) -> list[Second]:
        """The last whole seconds before *now*."""
        last = now // S_NS
        found = []
        for second in reversed(self.seconds):
            if second.number < last - seconds:
                break
            if second.number < last:
                found.append(second)
        found.reverse()
        return found

    def total(self, now: int, seconds: int) -> Total:
        """Sums over that window."""
        if self._totals is None:
            self._totals = {}
        key = now // S_NS, seconds
        total = self._totals.get(key)
        if total is None:
            asked = flowing = media = whole = segments = disorder = 0
            for second in self.window(now, seconds):
                asked += second.asked_ns
                flowing += second.flowing_ns
                media += second.media_bytes
                whole += second.all_bytes
                segments += second.segments
                disorder += second.out_of_order
            total = self._totals[key] = Total(asked, flowing, media, whole, segments, disorder)
        return total

    def told_as_it_comes(self, now: int) -> bool:
        """Bytes are told while they arrive, not when a request is over."""
        return not self.told_late and not any(
            r.media and not r.received_bytes and now - r.began_ns > LATE_NS
            for r in self.under_way.values()
        )

    def told_in_lumps(self, rate_bps: int) -> bool:
        """The host counts bytes in blocks, each as long as half a second at this rate or longer:
        how evenly they came can't be told from that. What a network brings isn't always as much."""
        sizes = list(self.steps)
        usual = max(sizes, key=sizes.count, default=0)
        alike = sizes.count(usual)
        return alike >= LEAST_IN_STEPS and alike * 2 > len(sizes) and usual * 16 >= rate_bps

    def in_vain(self, now: int, seconds: int, needed_bps: int | None) -> bool:
        """Asked again and again in the window, and hardly anything came of it, or of some of it."""
        rows = self.window(now, seconds)
        tries = sum([row.tries for row in rows])
        crumbs = sum([row.crumbs for row in rows])
        if crumbs >= 2 and crumbs * 2 > tries:
            return True  # sound that comes by itself is short, but has pictures beside it
        if not self.asked_media:
            return sum([row.playlists for row in rows]) >= MANY_PLAYLISTS
        least_bits = tries * 32_768 if needed_bps is None else needed_bps * seconds // 10
        return tries >= 2 and sum([row.media_bytes for row in rows]) * 8 < least_bits

    def fared_ill(self, now: int, within_ns: int) -> bool:
        """Something that playback hangs on has failed in that time; or not long ago, and nothing
        came well since."""
        ill_ns = self.fared_ill_ns
        if ill_ns is None or now - ill_ns > LATELY_NS:
            return False
        well_ns = self.fared_well_ns
        return now - ill_ns < within_ns or well_ns is None or well_ns < ill_ns

    def asked_permille(self, now: int, seconds: int) -> int | None:
        """Share of the window in which media was asked for; None if requests can't be seen."""
        if not self.ever:
            return None
        return min(1000, self.total(now, seconds).asked_ns * 1000 // (seconds * S_NS))

    def throughput_bps(self, now: int, seconds: int) -> int | None:
        """Media bits a second of asked time (waits included); None if hardly asked."""
        total = self.total(now, seconds)
        if total.asked_ns < S_NS // 2:
            return None
        return total.media_bytes * 8 * S_NS // total.asked_ns

    def flowing_bps(self, now: int, seconds: int) -> int | None:
        """Media bits a second while a response was flowing; None if hardly any was."""
        total = self.total(now, seconds)
        if total.flowing_ns < S_NS // 4:
            return None
        return total.media_bytes * 8 * S_NS // total.flowing_ns

    def rtts_of(self, now: int, window_ns: int) -> list[int]:
        """Round trips that our own sockets saw in the last so many nanoseconds, newest first."""
        start = now - window_ns
        return [rtt for _, rtt in takewhile(lambda row: row[0] > start, reversed(self.rtts))]

    def waiting_ns(self, now: int) -> int:
        """Age of the oldest request that is waited for and still without a first byte."""
        ages = [
            now - r.started_ns
            for r in self.under_way.values()
            if r.needed and r.first_byte_ns is None and self._waited_ns(r) <= now
        ]
        return max(ages, default=0)

    def lately(self, at_ns: int | None, within_ns: int = LATELY_NS) -> bool:
        """What was last seen at *at_ns* still tells of how things are."""
        return at_ns is not None and at_ns >= self.accounted_ns - within_ns

    def opening(self, now: int) -> tuple[str, int] | None:
        """What the request waits for that has waited longest before it could be sent ("name",
        "connection", "" where that isn't told), and for how long; None if none waits."""
        age, what = max(self._unsent(now), default=(0, None))
        return None if what is None else (what, age)

    def looking_ns(self, now: int) -> int:
        """How long the oldest look-up that isn't over has been going on."""
        return max((age for age, what in self._unsent(now) if what == "name"), default=0)

    def _unsent(self, now: int) -> list[tuple[int, str]]:
        """How long each request that could not be sent yet has waited, and for what."""
        found: list[tuple[int, str]] = []
        for request in self.under_way.values():
            if request.sent or not request.needed:
                continue
            if request.looked_up_ns is not None:
                found.append((now - request.looked_up_ns, "connection"))
            elif request.looking_ns is not None:
                found.append((now - request.looking_ns, "name"))
            else:
                found.append((0, ""))
        return found

    def silent_ns(self, now: int) -> int:
        """How long nothing has come although something is asked for."""
        if not self.asking():
            return 0
        if self._last_came_ns is None:
            self._last_came_ns = max(
                [
                    max(r.last_byte_ns or 0, r.started_ns)
                    for r in self.under_way.values()
                    if r.needed and self._waited_ns(r) <= self.accounted_ns
                ],
                default=now,
            )
        return now - self._last_came_ns

    @property
    def kept_back_ns(self) -> int:
        """For so long a request may be silent by its host's doing: it tells of what is there only
        at the end, as it has before."""
        return self.untold_ns * 3 // 2

    def nothing_arrives(self, now: int) -> bool:
        """Asked, and not a byte for some seconds."""
        usual_ns = min(self.borne_ns * 5 // 4, MOST_BORNE_NS)
        return self.silent_ns(now) >= max(STUCK_NS, usual_ns) + self.kept_back_ns
