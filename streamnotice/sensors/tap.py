"""The aiohttp tap: a `TraceConfig` that sees the host's requests and can't harm them.

Two things make it delicate. An exception that leaves a trace callback comes out of the host's
request, so every callback here is total: whatever goes wrong is reported to the session, and only
cancellation passes. And the host keeps its responses for itself: the tap holds a weak reference
to each, polls its byte count, and learns of the exact end through the stream's own `on_eof`.

aiohttp tells a tap nothing of sockets. The response has it when the headers arrive; before that,
a fresh connection is found as the one that the connector has handed out and no other request of
ours is using. Where that is not certain, nothing is claimed. Works with aiohttp 3.11 to 3.14.
"""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
from yarl import URL

from streamnotice.observations import Failure, RequestRole
from streamnotice.sensors.failures import failure_of, failure_of_errno
from streamnotice.sensors.requests import Record, RequestTracker, guess_role, is_role

_Callback = Callable[[Any, SimpleNamespace, Any], Awaitable[None]]


def failure_of_http(error: BaseException) -> Failure | None:
    """The word for what came out of an aiohttp request; None if the server answered after all."""
    if isinstance(error, aiohttp.TooManyRedirects):
        return "other"  # each hop was an answer, but what was asked for never came
    if isinstance(error, aiohttp.ClientResponseError):
        if isinstance(error.__cause__, aiohttp.http.HttpProcessingError):
            return "other"  # what came was no HTTP
        return None  # raise_for_status and the like: an answer, if not the wanted one
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "dns"
    if isinstance(error, (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch)):
        return "tls"
    if isinstance(error, aiohttp.ClientConnectorError):
        inner = error.os_error
        return failure_of(inner) if isinstance(inner, OSError) else "other"
    if isinstance(error, (aiohttp.ServerTimeoutError, TimeoutError)):
        return "timeout"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "reset"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "truncated"
    if isinstance(error, aiohttp.ClientOSError):
        return failure_of_errno(error.errno)
    if isinstance(error, aiohttp.ClientConnectionError):
        return "cancelled"  # "Connection closed": the host let go of the body
    return failure_of(error)


class _Body:
    """The body of one response, seen without keeping the response alive."""

    def __init__(self, record: Record, response: aiohttp.ClientResponse) -> None:
        self._response = weakref.ref(response)
        self._record = record
        self._total_bytes = 0

    def progress(self) -> int:
        """Bytes of the body so far as they came over the wire; says so if it was let go."""
        response = self._response()
        if response is None:
            self._record.over("cancelled")
            return self._total_bytes
        content = response.content
        # compressed bodies: count what was carried (aiohttp >= 3.13 tells), not what it became
        carried = getattr(content, "total_raw_bytes", None)
        self._total_bytes = int(carried if carried is not None else content.total_bytes)
        error = content.exception()
        if error is not None and not content.is_eof():
            failure = failure_of_http(error)
            if failure == "cancelled" and getattr(
                getattr(content, "_timer", None), "_cancelled", False
            ):
                failure = "timeout"  # the request's total timeout cut the body off
            self._record.over(failure)
        return self._total_bytes

    def eof(self) -> None:
        """The whole body has arrived: of one cut off aiohttp makes an error."""
        self._record.ended(None)


class _Tap:
    def __init__(self, tracker: RequestTracker) -> None:
        self.tracker = tracker
        # connection (aiohttp protocol) -> the record that uses it now
        self._used_by: weakref.WeakKeyDictionary[Any, weakref.ref[Record]] = (
            weakref.WeakKeyDictionary()
        )

    def config(self) -> aiohttp.TraceConfig:
        config = aiohttp.TraceConfig()
        for name in (
            "request_start", "dns_resolvehost_start", "dns_resolvehost_end",
            "connection_queued_start", "connection_queued_end",
            "connection_create_start", "connection_create_end", "connection_reuseconn",
            "request_headers_sent", "request_redirect", "request_end", "request_exception",
        ):  # fmt: skip
            getattr(config, f"on_{name}").append(self._total(name, getattr(self, f"_{name}")))
        return config

    def _total(self, name: str, callback: Callable[[Any, Any, Any], None]) -> _Callback:
        @wraps(callback)
        async def total(session: Any, context: SimpleNamespace, params: Any) -> None:
            try:
                callback(session, context, params)
            except Exception as error:
                try:
                    self.tracker.session.failed(f"tap.{name}", error)
                except Exception:  # even the report failed: the host's request goes first
                    return

        return total

    # callbacks: none of them waits for anything ----------------------------------------------

    def _request_start(self, session: Any, context: Any, params: Any) -> None:
        context.sn_record = None
        context.sn_dns_ns = context.sn_connect_ns = None
        asked = getattr(context, "trace_request_ctx", None)
        role = asked.get("role") if isinstance(asked, Mapping) else getattr(asked, "role", None)
        self._begin(
            session, context, params.url, cast("RequestRole", role) if is_role(role) else None
        )

    def _begin(self, session: Any, context: Any, url: URL, role: RequestRole | None) -> None:
        context.sn_url = url
        context.sn_record = record = self.tracker.start(str(url), role)
        if record is not None:
            if not _names_are_the_systems(session):
                record.keep_name()
            if _goes_straight(session):
                record.goes_straight()
        self._new_connection(context)

    @staticmethod
    def _new_connection(context: Any) -> None:
        context.sn_dns_from_ns = context.sn_dns_ns = None
        context.sn_create_from_ns = context.sn_connect_ns = None
        context.sn_reused = None

    def _dns_resolvehost_start(self, session: Any, context: Any, params: Any) -> None:
        context.sn_dns_from_ns = self.tracker.session.now()
        if self._is_its_server(session, context, params):
            context.sn_record.looking_up()

    def _dns_resolvehost_end(self, session: Any, context: Any, params: Any) -> None:
        if context.sn_dns_from_ns is not None:
            context.sn_dns_ns = self.tracker.session.now() - context.sn_dns_from_ns
            # that an answer was kept isn't told: aiohttp says so, too, of one that is yet to come
            if self._is_its_server(session, context, params):
                context.sn_record.looked_up(context.sn_dns_ns)

    @staticmethod
    def _is_its_server(session: Any, context: Any, params: Any) -> bool:
        """The name is that of the request's own server, not of an HTTP proxy before it, and is
        really looked up: connectors for SOCKS leave that to their proxy."""
        plain = type(session.connector) is aiohttp.TCPConnector
        return plain and context.sn_record is not None and params.host == context.sn_url.raw_host

    def _connection_queued_start(self, session: Any, context: Any, params: Any) -> None:
        """The host's own pool is full: the server isn't asked yet, and nobody waits for it."""
        record: Record | None = context.sn_record
        context.sn_record = None
        if record is not None:
            context.sn_role = record.role
            record.ended("cancelled")

    def _connection_queued_end(self, session: Any, context: Any, params: Any) -> None:
        role = getattr(context, "sn_role", None)
        if role is not None and context.sn_record is None:
            self._begin(session, context, context.sn_url, role)

    def _connection_create_start(self, session: Any, context: Any, params: Any) -> None:
        self._new_connection(context)
        context.sn_create_from_ns = self.tracker.session.now()

    def _connection_create_end(self, session: Any, context: Any, params: Any) -> None:
        if context.sn_create_from_ns is not None:
            took_ns = self.tracker.session.now() - context.sn_create_from_ns
            context.sn_connect_ns = max(0, took_ns - (context.sn_dns_ns or 0))
            context.sn_reused = False

    def _connection_reuseconn(self, session: Any, context: Any, params: Any) -> None:
        self._new_connection(context)
        context.sn_reused = True

    def _request_headers_sent(self, session: Any, context: Any, params: Any) -> None:
        record: Record | None = context.sn_record
        if record is None:
            return
        protocol = self._unclaimed(session)
        sock = None
        if protocol is not None:
            self._used_by[protocol] = weakref.ref(record)
            sock = protocol.transport.get_extra_info("socket")
        record.connected(context.sn_dns_ns, context.sn_connect_ns, context.sn_reused, sock=sock)

    def _request_redirect(self, session: Any, context: Any, params: Any) -> None:
        record: Record | None = context.sn_record
        if record is None:
            return
        headers = params.response.headers
        record.first_byte(params.response.status, headers)
        record.ended(None)
        location = headers.get("Location") or headers.get("URI")
        context.sn_record = None
        if location:
            url = context.sn_url.join(URL(location))
            role = record.role if record.role != "other" else guess_role(url.path)
            self._begin(session, context, url, role)

    def _request_end(self, session: Any, context: Any, params: Any) -> None:
        record: Record | None = context.sn_record
        if record is None:
            return
        response: aiohttp.ClientResponse = params.response
        body = _Body(record, response)
        connection = response.connection
        # a short body is over by now, and its connection given back; the protocol is still there
        protocol = connection.protocol if connection else getattr(response, "_protocol", None)
        transport = getattr(protocol, "transport", None)
        sock = transport.get_extra_info("socket") if transport is not None else None
        record.attach(sock, body.progress)
        record.first_byte(response.status, response.headers)
        response.content.on_eof(body.eof)

    def _request_exception(self, session: Any, context: Any, params: Any) -> None:
        record: Record | None = context.sn_record
        if record is None:
            return
        error = params.exception
        failure = failure_of_http(error)
        if failure is None:
            record.first_byte(error.status, error.headers)
        record.ended(failure)

    def _unclaimed(self, session: Any) -> Any:
        """The one connection that is handed out and that no request of ours is using, if certain.

        Between the connector's handing it out and this callback nothing else runs, unless another
        trace of the host waits for something: then there may be several, and none is claimed.
        """
        acquired = getattr(session.connector, "_acquired", None)
        if not isinstance(acquired, set):
            return None
        found = None
        for protocol in acquired:
            if getattr(protocol, "transport", None) is None:
                continue
            owner = self._used_by.get(protocol)
            using = owner() if owner is not None else None
            if using is not None and not using.is_ended:
                continue
            if found is not None:
                return None
            found = protocol
        return found


def _names_are_the_systems(session: Any) -> bool:
    """The host's names are resolved as aiohttp does it by itself, by the system.

    Who does it otherwise (over HTTPS, or by a proxy's doing) may not want the system asked.
    """
    resolver = getattr(session.connector, "_resolver", None)
    return resolver is None or type(resolver).__module__.split(".")[0] == "aiohttp"


def _goes_straight(session: Any) -> bool:
    """As far as the session tells, no proxy stands before its servers (one of a single request's
    own can't be seen)."""
    proxied = getattr(session, "_default_proxy", None) is not None or session.trust_env
    return type(session.connector) is aiohttp.TCPConnector and not proxied


def make_tap(tracker: RequestTracker) -> aiohttp.TraceConfig:
    """A trace configuration for `aiohttp.ClientSession(trace_configs=[...])`.

    The host's code stays as it is. What a request is for is guessed from its URL; where that
    fails, the host says so: `session.get(url, trace_request_ctx={"role": "media"})`.
    """
    return _Tap(tracker).config()
