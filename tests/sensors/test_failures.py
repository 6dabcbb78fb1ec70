"""What HTTP libraries raise, as words."""

from __future__ import annotations

import asyncio
import concurrent.futures
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest
import requests

from streamnotice.observations import FirstByte, Observation, RequestEnded
from streamnotice.policy import Policy
from streamnotice.sensors.failures import failure_of
from streamnotice.sensors.requests import RequestTracker
from streamnotice.session import Session

HEAD = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n"


def _reset(conn: socket.socket) -> None:
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


WAYS: dict[str, Callable[[socket.socket], object]] = {
    "reset": _reset,
    "closed": lambda conn: None,
    "cut": lambda conn: conn.sendall(HEAD % (200, 1000) + b"abc"),
    "silent": lambda conn: time.sleep(1.5),
    "hangs": lambda conn: (conn.sendall(HEAD % (200, 1000) + b"abc"), time.sleep(1.5)),
    "missing": lambda conn: conn.sendall(HEAD % (404, 0)),
}
FAILURES = {
    "reset": "reset",
    "closed": "reset",
    "cut": "truncated",
    "silent": "timeout",
    "hangs": "timeout",
    "refused": "refused",
    "name": "dns",
    "tls": "tls",
    "missing": None,
}


def _url(way: str, listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    if way == "refused":
        listening.close()
    elif way == "name":
        host = "nowhere.invalid"
    scheme = "https" if way == "tls" else "http"

    def serve() -> None:
        try:
            conn, _ = listening.accept()
            with conn:
                conn.recv(4096)
                WAYS.get(way, lambda conn: conn.sendall(b"no TLS here\r\n\r\n"))(conn)
        except OSError:
            return

    if way not in ("refused", "name"):
        threading.Thread(target=serve, daemon=True).start()
    return f"{scheme}://{host}:{port}/0.ts"


def _requests(url: str) -> None:
    requests.get(url, timeout=0.4, proxies={"http": "", "https": ""}).raise_for_status()


def _httpx(url: str) -> None:
    httpx.get(url, timeout=0.4, trust_env=False).raise_for_status()


def _httpx_on_a_loop(url: str) -> None:
    async def fetch() -> None:
        async with httpx.AsyncClient(timeout=0.4, trust_env=False) as http:
            (await http.get(url)).raise_for_status()

    asyncio.run(fetch())


@pytest.mark.parametrize("fetch", [_requests, _httpx, _httpx_on_a_loop])
@pytest.mark.parametrize("way", FAILURES)
def test_what_a_librarys_own_error_comes_from(
    way: str, fetch: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*args: Any, **kinds: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    if way == "name":
        monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    seen: list[Observation] = []
    tracker = RequestTracker(Session(Policy(), seen.append))
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        url = _url(way, listening)
        with pytest.raises(Exception), tracker.request(url):  # noqa: B017
            fetch(url)
    (ended,) = (o for o in seen if isinstance(o, RequestEnded))
    assert ended.failure == FAILURES[way]
    assert [o.status for o in seen if isinstance(o, FirstByte)] == [404] * (way == "missing")


def _raised(work: Callable[[], Any]) -> BaseException:
    try:
        work()
    except BaseException as error:
        return error
    raise AssertionError


def test_libraries_are_known_by_where_their_errors_are_made() -> None:
    """As they wrap what happened, where neither is installed."""
    wrapped: type[Exception] = type("ConnectionError", (OSError,), {})
    wrapped.__module__ = "requests.exceptions"
    pool: type[Exception] = type("PoolTimeout", (Exception,), {})
    pool.__module__ = "httpx"

    def wraps(kind: type[Exception]) -> None:
        try:
            raise ConnectionRefusedError
        except OSError:
            raise kind("it failed")  # noqa: B904 -- as these libraries do

    assert failure_of(_raised(lambda: wraps(wrapped))) == "refused"
    assert failure_of(_raised(lambda: wraps(pool))) == "cancelled"
    tried = OSError("all attempts failed")
    tried.__cause__ = ExceptionGroup("", [ConnectionRefusedError()])
    assert failure_of(tried) == "refused"
    # a host's own error may come while it handles another request's
    assert failure_of(_raised(lambda: wraps(ValueError))) == "other"
    assert failure_of(wrapped("of nothing")) == "other"
    assert failure_of(pool()) == "cancelled"


def test_what_ends_the_host_is_no_servers_failure() -> None:
    for error in (SystemExit(), concurrent.futures.CancelledError(), GeneratorExit()):
        assert failure_of(error) == "cancelled"


def test_a_hosts_own_error_around_a_librarys() -> None:
    protocol: type[Exception] = type("RemoteProtocolError", (Exception,), {})
    pool: type[Exception] = type("PoolTimeout", (Exception,), {})
    protocol.__module__ = pool.__module__ = "httpx"

    def caused(error: Exception, by: BaseException) -> Exception:
        error.__cause__ = by
        return error

    gone = protocol("Server disconnected without sending a response.")
    assert failure_of(gone) == failure_of(caused(ValueError(), gone)) == "reset"
    full = caused(pool(), TimeoutError())
    assert failure_of(caused(ValueError(), full)) == "cancelled"
    assert failure_of(ValueError("Server disconnected")) == "other", "of the host's own making"


def test_an_error_that_has_no_text_ends_the_request() -> None:
    class Dumb(Exception):
        def __str__(self) -> str:
            raise AttributeError

    seen: list[Observation] = []
    tracker = RequestTracker(Session(Policy(), seen.append))
    with pytest.raises(Dumb), tracker.request("http://192.0.2.1/0.ts"):
        raise Dumb
    assert [o.failure for o in seen if isinstance(o, RequestEnded)] == ["other"]
