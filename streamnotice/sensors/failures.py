"""From an exception to a word: the fixed vocabulary of `streamnotice.observations.Failure`."""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import socket
import ssl
from http.client import IncompleteRead
from typing import Final
from urllib.error import URLError

from streamnotice.observations import Failure

_BY_ERRNO: Final[dict[int, Failure]] = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.EADDRNOTAVAIL: "unreachable",
    errno.ETIMEDOUT: "timeout",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
}


_GIVEN_UP: Final = (
    asyncio.CancelledError,
    concurrent.futures.CancelledError,
    GeneratorExit,
    KeyboardInterrupt,
    SystemExit,
)
"""By the host, whatever became of the request."""


def failure_of_errno(number: int | None) -> Failure:
    """The word for an errno of connect, read or write."""
    return _BY_ERRNO.get(number, "other") if number is not None else "other"


_LIBRARIES: Final = frozenset({"requests", "urllib3", "httpx", "httpcore", "h11", "anyio"})
"""HTTP libraries that raise errors of their own from those that say what happened."""
_DEEPEST: Final = 8
_NOT_SENT: Final = frozenset({"PoolTimeout", "EmptyPoolError"})
"""The host's own pool had no place: nobody was asked."""
_SAID: Final[tuple[tuple[str, Failure], ...]] = (
    ("without sending complete message body", "truncated"),
    ("Server disconnected", "reset"),
)


def failure_of(error: BaseException) -> Failure:
    """The word for an exception of the standard library, or of an HTTP library that wraps it;
    "other" if none fits."""
    said: Failure = "other"
    inner: BaseException | None = error
    for _ in range(_DEEPEST):
        if inner is None:
            break
        if _library(inner) and type(inner).__name__ in _NOT_SENT:
            return "cancelled"
        word = _word(inner)
        if word != "other":
            return word
        if said == "other" and _library(inner):  # no host's own text is asked for: it may raise
            text = str(inner)
            said = next((failure for part, failure in _SAID if part in text), "other")
        # of others' errors what was handled meanwhile may be another request's
        inner = inner.__cause__ or (inner.__context__ if _library(inner) else None)
        if isinstance(inner, BaseExceptionGroup):  # one for each address that was tried
            inner = inner.exceptions[0]
    return said


def answer_of(error: BaseException) -> tuple[object, object] | None:
    """Status and headers of an answer that an HTTP library made an error of (`raise_for_status`);
    None if it is none of these."""
    if type(error).__name__ not in ("HTTPError", "HTTPStatusError") or not _library(error):
        return None
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    return None if status is None else (status, getattr(response, "headers", None))


def _library(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in _LIBRARIES


def _word(error: BaseException) -> Failure:
    if isinstance(error, _GIVEN_UP):
        return "cancelled"
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        error = error.reason  # what urllib wraps
    if isinstance(error, socket.gaierror):
        return "dns"
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)):
        return "reset"
    if isinstance(error, (EOFError, IncompleteRead)):  # asyncio.IncompleteReadError is the former
        return "truncated"
    if isinstance(error, OSError) and error.errno is not None:
        return failure_of_errno(error.errno)
    if isinstance(error, TimeoutError):
        return "timeout"
    return "other"
