"""The one place that knows which requests are under way, whoever makes them.

The aiohttp tap, the tap proxy and hosts with an HTTP library of their own all report here. A
`Record` is one request; one shared task looks at all of them (socket and bytes so far) and tells
the engine of it. Everything is bounded: a host that forgets to end its requests costs a log line.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self, cast, get_args
from urllib.error import HTTPError
from urllib.parse import urlsplit

import attrs

from streamnotice.addresses import is_literal
from streamnotice.errors import HostError
from streamnotice.observations import (
    Failure,
    FirstByte,
    LookUp,
    RequestConnected,
    RequestEnded,
    RequestRole,
    RequestStarted,
    Transfer,
)
from streamnotice.playback.told import count, nanoseconds, truth, word
from streamnotice.sensors.failures import answer_of, failure_of
from streamnotice.sensors.headers import (
    Fields,
    HeaderFacts,
    as_mapping,
    needs_structured_fields,
    read_headers,
    structured_fields,
)
from streamnotice.sensors.tcp_info import TcpInfo, read_tcp_info, supported, unread_bytes
from streamnotice.session import Session
from streamnotice.tasks import let_go

POLL_NS: Final = 200_000_000
"""How often the shared task looks, at the odd tenths of each second of the session: the engine
accounts by whole seconds, and a look that comes a little late must not fall into the next."""
_SAY_AGAIN_NS: Final = 1_000_000_000 - POLL_NS // 2
"""Without news told once a second: with the fifth look, though it come a little early."""
_LONG_WAIT_NS: Final = 1_000_000_000
_LONG_THOUGHT_NS: Final = 3_000_000_000
"""Who took a request may only send the player on to another server; but not after so long."""
_FORGOTTEN_NS: Final = 600_000_000_000
_MOST_RECORDS: Final = 256
_MOST_BYTES: Final = 2**62
_AT_ONCE_NS: Final = 25_000_000
"""Headers and body told so soon after one another came together, or were kept from us till then:
threads wait for one another between two calls, too."""
_PIECE_BYTES: Final = 65_536
"""Who has read more of a body of unknown length at the first turn has read all of it, or goes on
soon."""
_FIRST_FLIGHT_BYTES: Final = 16_384
"""So much comes together with the headers (RFC 6928)."""
_HELD_NS: Final = 100_000_000
"""Headers told so long before the body were told when they came."""

_PLAYLISTS: Final = (".m3u8", ".m3u", ".mpd")
_MEDIA: Final = (
    ".ts", ".m4s", ".mp4", ".m4v", ".m4a", ".aac", ".webm", ".m2ts", ".mp3", ".mkv", ".ogg",
    ".cmfv", ".cmfa", ".cmft", ".cmfm",
)  # fmt: skip
_ROLES: Final = frozenset({"media", "playlist", "other"})
_CODINGS: Final = frozenset({"content-encoding", "transfer-encoding"})
"""Where one of these is set, bytes counted and bytes declared may not be the same bytes."""
_FAILURES: Final[frozenset[str]] = frozenset(get_args(Failure))
_UNREAD_BYTES: Final = 65_536
_HELD_BACK_NS: Final = 1_000_000_000
"""Who leaves so much unread for so long reads no further on purpose, or has no time to."""
_AT_HAND: Final = ("data:", "blob:", "file:")
_PORTS: Final = {"http": 80, "https": 443}


def guess_role(path: str) -> RequestRole:
    """What a request is for, from the suffix of its URL's path."""
    name = path.rpartition("/")[2].lower()
    if name.endswith(_PLAYLISTS):
        return "playlist"
    return "media" if name.endswith(_MEDIA) else "other"


def is_role(value: object) -> bool:
    """*value* is the name of a request role."""
    return isinstance(value, str) and value in _ROLES


def _split(url_or_host: str) -> tuple[str, int, str]:
    """Host, port and path of a URL or a bare `host[:port]`; HostError if there is no host."""
    text = url_or_host if "://" in url_or_host else f"https://{url_or_host}"
    try:
        parts = urlsplit(text)
        host, port, path = parts.hostname, parts.port, parts.path
    except ValueError as error:
        raise HostError(f"not a URL or host name: {url_or_host[:80]!r}: {error}") from None
    if not host:
        raise HostError(f"not a URL or host name: {url_or_host[:80]!r}")
    return host, port or _PORTS.get(parts.scheme, 443), path


@attrs.frozen
class _Headers:
    """A response's headers as a host told of them, not told on yet."""

    at_ns: int
    status: int
    facts: HeaderFacts


class Record:
    """One request, from its start to its end. Calls after the end do nothing.

    Attributes:
        number: its number in the session.
        role: what it is for; fixed when it starts.
        is_ended: it is over.
        changed_ns: when something last changed.
    """

    __slots__ = (
        "__weakref__", "_connected", "_counted", "_declared_bytes", "_ending", "_first", "_held",
        "_held_back_ns", "_host", "_last", "_looked_up_ns", "_name_is_kept", "_over", "_path_port",
        "_progress", "_received", "_refused", "_said_ns", "_sent_ns", "_sock", "_sock_label",
        "_started_ns", "_together", "_tracker", "changed_ns", "is_ended", "number", "role",
    )  # fmt: skip

    def __init__(
        self, tracker: RequestTracker, number: int, host: str, port: int, role: RequestRole
    ) -> None:
        now = tracker.session.now()
        self._tracker = tracker
        self._host = host
        self._path_port = port
        self._started_ns = self._sent_ns = self._said_ns = self.changed_ns = now
        self._sock: Any = None
        self._sock_label: str | None = None
        self._progress: Callable[[], int] | None = None
        self._received = 0
        self._counted = 0
        self._looked_up_ns: int | None = None
        self._name_is_kept = False
        self._connected = False
        self._first = False
        self._held: _Headers | None = None
        self._together = False
        self._refused = False
        self._declared_bytes: int | None = None
        self._last: tuple[object, ...] | None = None
        self._ending = False
        self._over: tuple[Failure | None] | None = None
        self._held_back_ns: int | None = None
        self.number = number
        self.role = role
        self.is_ended = False

    # what the reporter says ---------------------------------------------------------------

    def looking_up(self) -> None:
        """The server's name is being looked up."""
        self._look_up(None)

    def keep_name(self) -> None:
        """The server's name is not to be asked of the system: where it is shows only when it is
        connected to."""
        self._name_is_kept = not is_literal(self._host)

    def goes_straight(self) -> None:
        """No proxy is asked: a server that the URL has by its address is connected to at once."""
        if is_literal(self._host):
            self._looked_up_ns = self._started_ns

    def looked_up(self, dns_ns: int) -> None:
        """The server's addresses are known, after *dns_ns*; a connection to one is made next."""
        self._looked_up_ns = self._tracker.session.now()
        self._look_up(dns_ns)

    def _look_up(self, dns_ns: int | None) -> None:
        if not self.is_ended:
            session = self._tracker.session
            session.emit(LookUp(session.now(), request=self.number, dns_ns=dns_ns))

    def connected(
        self,
        dns_ns: int | None = None,
        connect_ns: int | None = None,
        reused: bool | None = None,
        *,
        sock: Any = None,
    ) -> None:
        """A connection is ready and the request goes out now.

        With *sock* (a fresh connection's socket) the handshake's own round trip is read from
        the kernel, before anything of ours could have changed it.
        """
        if self.is_ended:
            return
        self._sent_ns = self._tracker.session.now()
        self._connected = True
        info = read_tcp_info(sock) if sock is not None else None
        self._tracker.session.emit(
            RequestConnected(
                self._sent_ns,
                request=self.number,
                dns_ns=dns_ns,
                connect_ns=None if reused else connect_ns,
                syn_rtt_ns=info.handshake_ns if info is not None and reused is False else None,
                reused=reused,
            )
        )
        if sock is not None:
            self.attach(sock)

    def attach(self, sock: Any, progress: Callable[[], int] | None = None) -> None:
        """Let the shared task read *sock* (TCP_INFO) and *progress* (body bytes so far)."""
        if self.is_ended:
            return
        if progress is not None:
            self._progress = progress
        if sock is None:
            return
        try:
            local, peer = sock.getsockname(), sock.getpeername()
        except (OSError, AttributeError, ValueError):
            return
        self._sock = sock
        self._sock_label = self._tracker.session.labels.socket(local, peer)
        if isinstance(peer, tuple) and len(peer) >= 2:
            self._served_by(str(peer[0]), int(peer[1]))

    def first_byte(self, status: int, headers: object = None) -> None:
        """The response's headers have arrived."""
        if self._take_headers(status, headers):
            self._tell_headers()

    def first_byte_said(self, status: int, headers: object = None) -> None:
        """The same, by a host that may say so only when the body is there as well.

        What follows shows which it is; until then nothing is told of a time to the first byte.
        """
        if self._take_headers(status, headers):
            least = max(_FIRST_FLIGHT_BYTES + 1, self._declared_bytes or 0)
            self._together = self._received >= least

    def _take_headers(self, status: int, headers: object) -> bool:
        if self.is_ended or self._first:
            return False
        self._first = True
        self.changed_ns = self._tracker.session.now()
        facts, coded = HeaderFacts(), False
        try:  # whatever they are: that they came counts
            given = as_mapping(headers)
            self._tracker.say_headers(given)
            facts = read_headers(given)
            coded = bool(_CODINGS.intersection(str(name).lower() for name in given))
        except Exception as error:
            self._tracker.session.failed("requests.headers", error)
        if not coded:
            self._declared_bytes = facts.length_bytes
        self._refused = status >= 400
        self._held = _Headers(self.changed_ns, status, facts)
        return True

    def _tell_headers(self) -> None:
        held, self._held = self._held, None
        if held is None or self.is_ended:
            return
        status, facts = held.status, held.facts
        self._tracker.session.emit(
            FirstByte(
                held.at_ns,
                request=self.number,
                status=status,
                ttfb_ns=max(0, held.at_ns - self._sent_ns),
                length_bytes=facts.length_bytes,
                cache=facts.cache,
                cache_by=facts.cache_by,
                edge_ns=facts.edge_ns,
                origin_ns=facts.origin_ns,
                upstream_status=facts.upstream_status,
                age_s=facts.age_s,
                paced_bps=facts.paced_bps,
                edge_busy=facts.edge_busy,
            )
        )
        if not 300 <= status < 400:  # a redirector is not who serves the media
            self._register(None)

    def body_said(self, total_bytes: int) -> None:
        """The host says that so much of the body is there: with the headers, or after them?"""
        self.received(total_bytes)
        held = self._held
        if held is None:
            return
        usual_ns = _HELD_NS if self._tracker.tells_at_end else _AT_ONCE_NS
        together = self._tracker.session.now() - held.at_ns < usual_ns
        declared = self._declared_bytes
        more = declared is not None and total_bytes < declared
        if not together or (more and total_bytes <= _PIECE_BYTES):
            self._came_as_it_came()
        elif total_bytes > (_PIECE_BYTES if declared is None else _FIRST_FLIGHT_BYTES):
            self._together = not more  # until more follows: pieces may be large, and lines fast

    def _came_as_it_came(self) -> None:
        self._tracker.tells_at_end = False
        self._tell_headers()

    def _settle(self) -> None:
        """At the end: tell of the headers unless they may have come long before they were told of.

        Headers and all of a longer body were told at once: when they came isn't known.
        """
        held = self._held
        if held is None:
            return
        if self._together:
            self._tracker.told_at_end(self._received, held.at_ns - self._sent_ns)
        if self._refused or self._tracker.tells_at_end is False:
            self._tell_headers()
            return
        self._held = None
        if not 300 <= held.status < 400:
            self._register(None)

    def received(self, total_bytes: int) -> None:
        """*total_bytes* of the body have arrived so far (a running total)."""
        if not self.is_ended and self._received < total_bytes <= _MOST_BYTES:
            self._received = total_bytes

    @property
    def received_bytes(self) -> int:
        """Body bytes so far."""
        if self._progress is not None:
            self.received(self._progress())
        return self._received

    def body_ended(self) -> None:
        """The body has come to its end: the request is over, whole unless it was cut off.

        It was if some of it was counted, but less than the headers had declared. Nothing at all
        is no sign: answers to HEAD, and those of status 204 or 304, have no body.
        """
        self.ended("truncated" if 0 < self.received_bytes < (self._declared_bytes or 0) else None)

    def over(self, failure: Failure | None) -> None:
        """For `progress` callbacks: what they read has ended; the look under way ends it."""
        self._over = (failure,)

    def ended(self, failure: Failure | None = None) -> None:
        """The request is over, whole or with *failure*."""
        if self.is_ended or self._ending:
            return
        self._ending = True  # the shared task may be on another thread: it keeps off from here on
        session = self._tracker.session
        self._settle()
        try:
            self._tell(final=True)
        except Exception as error:
            session.failed("requests.look", error)
        self.is_ended = True
        if failure not in (None, "cancelled"):
            self._register(None)
        self._tracker.forget(self)
        session.emit(
            RequestEnded(
                session.now(),
                request=self.number,
                received_bytes=self._received,
                failure=failure,
            )
        )
        self._sock = self._progress = None

    # what the shared task does ------------------------------------------------------------

    def look(self) -> None:
        """Read socket and progress, tell the engine if there is news or a second has passed."""
        if self._ending:
            return
        held = self._held
        held_ns = 0 if held is None else self._tracker.session.now() - held.at_ns
        if held_ns >= _HELD_NS and not self._together:
            self._came_as_it_came()
        if self._waits_for_its_server():
            self._register(None)
        self._tell()
        if self._over is not None:
            self.ended(self._over[0])

    def _tell(self, *, final: bool = False) -> None:
        session = self._tracker.session
        now = session.now()
        received = self.received_bytes
        if received > self._counted:
            if self.role == "media" and not self._refused:  # an error page is no media
                session.budget.media(received - self._counted)
            self._counted = received
        if self._sock is None and self._progress is None and received == 0:
            return  # nothing is known but its age, which the engine knows itself
        info = read_tcp_info(self._sock) if self._sock is not None else None
        waiting = unread_bytes(self._sock) if info is not None else None
        news = (
            received,
            waiting,
            *((info.bytes_received, info.segments_in, info.out_of_order) if info else ()),
        )
        changed = news != self._last
        if changed:
            self.changed_ns = now
        if (waiting or 0) < _UNREAD_BYTES or self._last is None or received != self._last[0]:
            self._held_back_ns = None
        elif self._held_back_ns is None:
            self._held_back_ns = now
        if not changed and (final or now - self._said_ns < _SAY_AGAIN_NS):
            return
        self._last, self._said_ns = news, now
        told = info or TcpInfo()
        session.emit(
            Transfer(
                now,
                request=self.number,
                received_bytes=received,
                socket=self._sock_label,
                socket_bytes=told.bytes_received,
                unread_bytes=waiting,
                rtt_ns=told.rtt_ns,
                min_rtt_ns=told.min_rtt_ns,
                rcv_rtt_ns=told.rcv_rtt_ns,
                segments_in=told.segments_in,
                out_of_order=told.out_of_order,
                window_bytes=told.window_bytes,
                idle_ns=told.idle_ns,
            )
        )

    def look_if_due(self) -> None:
        """Look now if no one has for a while: without an event loop there is no shared task."""
        if self.is_ended or self._tracker.polls:
            return
        if self._tracker.session.now() - self._said_ns >= POLL_NS:
            self.look()

    @property
    def is_held_back(self) -> bool:
        """The player leaves unread what has arrived."""
        since_ns = self._held_back_ns
        return since_ns is not None and self._tracker.session.now() - since_ns >= _HELD_BACK_NS

    def age_ns(self) -> int:
        """Time since the start."""
        return self._tracker.session.now() - self._started_ns

    def _waits_for_its_server(self) -> bool:
        """The player knows an address and can't connect to it, or is not answered: its path is
        worth following now."""
        since_ns = self._sent_ns if self._connected else self._looked_up_ns
        if self._first or since_ns is None:
            return False
        patience_ns = _LONG_THOUGHT_NS if self._connected else _LONG_WAIT_NS
        return self._tracker.session.now() - since_ns >= patience_ns

    def _served_by(self, address: str, port: int) -> None:
        if self.role == "other":
            return
        if port != self._path_port:  # an HTTP proxy: the path that matters leads to it
            self._host, self._path_port = address, port
        if self._first:
            self._register(address)
        else:
            self._tracker.addresses.pop((self._host, self._path_port), None)
            self._tracker.learn_address(self._host, self._path_port, address)

    def _register(self, address: str | None) -> None:
        if self.role == "other":
            return
        key = (self._host, self._path_port)
        address = address or self._tracker.addresses.get(key)
        if address is not None or not self._name_is_kept:
            self._tracker.session.target("service", *key, address=address)


def _status(value: object) -> int:
    """An HTTP status of whatever kind; what is none is an answer without a complaint."""
    if isinstance(value, str) and value.isdecimal() and len(value) == 3:
        return int(value)
    return count(value) or 200


class RequestScope:
    """What `Watcher.request` gives: one request of a host with its own HTTP library.

    To be used from one thread, any; each request may have another one.

    with watcher.request(url) as r:
        r.first_byte(status=200, headers=response.headers)
        for chunk in response:
            r.received(len(chunk))
        r.ended()

    Leaving the block ends the request; an exception on the way out is its failure, and goes on.
    No method raises because of what it is given: times and truth values that can't be are unknown.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._total_bytes = 0

    def connected(
        self,
        *,
        dns_s: float | None = None,
        connect_s: float | None = None,
        reused: bool | None = None,
        sock: Any = None,
    ) -> None:
        """A connection is ready (times in seconds); *sock* lets the kernel's counters be read."""
        self._total(
            lambda: self._record.connected(
                nanoseconds(dns_s), nanoseconds(connect_s), truth(reused), sock=sock
            )
        )

    def first_byte(
        self, status: int = 200, headers: Fields | Iterable[tuple[Any, Any]] | None = None
    ) -> None:
        """The response's headers have arrived.

        Args:
            headers: as the HTTP library has them, or pairs of names and values. A `dict` made of
                them may keep one of several lines of a name.
        """
        self._total(lambda: self._record.first_byte_said(_status(status), headers))

    def received(self, count_bytes: int) -> None:
        """*count_bytes* more of the body have arrived."""

        def add() -> None:
            self._total_bytes += count(count_bytes) or 0
            self._record.body_said(self._total_bytes)
            self._record.look_if_due()

        self._total(add)

    def failed(self, failure: Failure) -> None:
        """End the request with a failure, for hosts whose errors are not exceptions.

        "cancelled": the host wants no more of it. What is none of the words counts as "other".
        """
        said = cast("Failure", word(failure, _FAILURES) or "other")
        self._total(lambda: self._record.ended(said))

    def ended(self) -> None:
        """The body was read to its end, and ends the request.

        Many HTTP libraries give a body that was cut off as if it were whole. Once this is said, one
        that is shorter than its Content-Length counts as a failure ("truncated"); without it a
        host may have stopped reading because it wanted no more.
        """
        self._total(self._record.body_ended)

    def __del__(self) -> None:
        # Nobody can end it any more. At the collector's hour nothing else may be done: the next
        # look ends it.
        if not self._record.is_ended:
            self._record.over("cancelled")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, HTTPError):  # urllib's way to give an answer, if not the wanted one
            answer = error
            self._total(lambda: self._record.first_byte(answer.code, answer.headers))
            error = None
        elif error is not None and (told := answer_of(error)) is not None:
            self.first_byte(*told)  # type: ignore[arg-type]
            error = None
        self._total(lambda: self._record.ended(None if error is None else failure_of(error)))

    def _total(self, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception as error:
            self._record._tracker.session.failed("requests.request", error)


class RequestTracker:
    """All requests of one session. Taps use it on the session's loop; `request` on any thread.

    Attributes:
        session: where observations go.
        addresses: last address seen for a server, before it may count as one.
        tells_at_end: a host with an HTTP library of its own tells of headers only when the body
            is there; None until a body has shown.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.addresses: dict[tuple[str, int], str] = {}
        self._records: dict[int, Record] = {}
        self._next = 0
        self.tells_at_end: bool | None = None
        self._said_at_end = False
        self._lock = threading.RLock()  # hosts start requests on any thread, and in signal handlers
        self._loop: asyncio.AbstractEventLoop | None = None
        self._poller: asyncio.Task[None] | None = None
        self._closed = False
        self._loads: set[int] = set()
        if not supported():
            session.sight("tcp_info", False, "the system tells no TCP_INFO")
        else:
            session.sight("tcp_info", True)

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """The session's loop: there requests of other threads are looked at, too."""
        self._loop = loop
        if self._records:
            self._wake()

    @property
    def polls(self) -> bool:
        """A shared task looks at the requests."""
        return self._poller is not None and not self._poller.done()

    def held_back(self) -> bool:
        """All media asked for is there, as far as the player has cared to read it."""
        media = [record for record in self.active if record.role == "media"]
        return bool(media) and all(record.is_held_back for record in media)

    def told_at_end(self, body_bytes: int, after_ns: int) -> None:
        """A body was told of at once with its headers: this host's times tell of no first byte."""
        self.tells_at_end = True
        if self._said_at_end or after_ns < _LONG_WAIT_NS:
            return
        self._said_at_end = True
        self.session.failed(
            "requests.first_byte",
            f"headers and {body_bytes} bytes of body were told at once, {after_ns / 1e9:.1f} s "
            "after the request began: whether the server was late or the way slow can't be told "
            "so. Tell first_byte once the headers are there, and received as the body comes",
        )

    @property
    def active(self) -> list[Record]:
        """Requests under way, oldest first."""
        return list(self._records.values())

    def start(self, url_or_host: str, role: RequestRole | None = None) -> Record:
        """A request begins. The role is guessed from the URL's path if not given.

        Raises:
            HostError: there is no host in *url_or_host*.
        """
        host, port, path = _split(str(url_or_host))
        if role is None or not is_role(role):
            role = guess_role(path)
        with self._lock:
            self._next += 1
            number = self._next
        record = Record(self, number, host, port, role)
        if self._closed:  # the host's HTTP session outlives ours
            record.is_ended = True
            return record
        with self._lock:
            excess = len(self._records) + 1 - _MOST_RECORDS
            crowded_out = list(self._records.values())[: max(0, excess)]
            for one in crowded_out:
                del self._records[one.number]
            self._records[record.number] = record
            if role == "media":
                self._loads.add(record.number)
            self.session.loads = len(self._loads)
        for one in crowded_out:
            self._drop(one, "too many requests under way")
        if is_literal(host):
            self.learn_address(host, port, host)
        self.session.emit(
            RequestStarted(
                record._started_ns,
                request=record.number,
                host=self.session.labels.host(f"{host}:{port}"),
                role=role,
            )
        )
        self._wake()
        return record

    def request(self, url: str, role: str | None = None) -> RequestScope:
        """A request as a context manager, for hosts whose HTTP is not aiohttp.

        Of what no server is asked for (`data:`, `blob:`, `file:`) nothing is told.

        Raises:
            HostError: *url* has no host, or *role* is not "media", "playlist" or "other".
        """
        if role is not None and not is_role(role):
            raise HostError(f"request role must be media, playlist or other, not {role!r}")
        if str(url)[:8].lower().startswith(_AT_HAND):
            nobody = Record(self, 0, "", 0, "other")
            nobody.is_ended = True
            return RequestScope(nobody)
        return RequestScope(self.start(url, cast("RequestRole | None", role)))

    def look(self) -> None:
        """Look once at every request under way. Never raises."""
        for record in self.active:
            try:
                record.look()
                if self.session.now() - record.changed_ns > _FORGOTTEN_NS:
                    self._drop(record, "nothing new for ten minutes")
            except Exception as error:
                self.session.failed("requests.look", error)

    def close(self) -> None:
        """Look for the last time, and stop: requests still under way are no longer followed."""
        if self._closed:
            return
        self._closed = True
        self.look()
        for record in self.active:
            record.is_ended = True
            self.forget(record)
        if self._poller is not None:
            let_go(self._poller)
            self._poller = None

    def forget(self, record: Record) -> None:
        """Called by a record that is over."""
        with self._lock:
            self._records.pop(record.number, None)
            self._loads.discard(record.number)
            self.session.loads = len(self._loads)

    def learn_address(self, host: str, port: int, address: str) -> None:
        """*host* was seen at *address*; a bounded table, the oldest goes first."""
        with self._lock:
            while len(self.addresses) >= _MOST_RECORDS:
                del self.addresses[next(iter(self.addresses))]
            self.addresses.setdefault((host, port), address)

    def say_headers(self, headers: Mapping[str, str]) -> None:
        """Say so if there is something in the headers that can't be read here."""
        if needs_structured_fields(headers) and structured_fields() is None:
            self.session.sight(
                "headers", False, "Cache-Status and CMSD need pip install 'streamnotice[headers]'"
            )

    def _drop(self, record: Record, why: str) -> None:
        self.session.log.warning(
            "streamnotice.request.dropped", request=record.number, why=why, age_ns=record.age_ns()
        )
        # for the engine this is no fault of anybody's: a request that nobody waits for any more
        record.ended("cancelled")

    def _wake(self) -> None:
        if self._closed or self.polls:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        if loop is None or self._loop not in (None, loop):  # a host's may stand still at any time
            self._wake_at_home()
            return
        # The task must not keep a tracker alive that everybody else has let go of.
        self._poller = loop.create_task(_poll(weakref.ref(self)), name="streamnotice-requests")

    def _wake_at_home(self) -> None:
        if self._loop is None:
            return  # no loop: the host's own calls are all there is
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            return  # it has ended


async def _poll(ref: weakref.ref[RequestTracker]) -> None:
    """Look at the active requests until there are none."""
    while True:
        tracker = ref()
        if tracker is None or not tracker._records:
            return
        tracker.look()
        wait_ns = _until_next_look(tracker.session.now())
        del tracker
        await asyncio.sleep(wait_ns / 1e9)


def _until_next_look(now: int) -> int:
    """Time to the next odd tenth of a second; a timer that went off early doesn't count as one."""
    wait_ns = POLL_NS - (now + POLL_NS // 2) % POLL_NS
    return wait_ns if wait_ns > POLL_NS // 4 else wait_ns + POLL_NS
