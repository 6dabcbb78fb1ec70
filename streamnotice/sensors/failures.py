"""From an exception to a word: the fixed vocabulary of `streamnotice.observations.Failure`."""

from __future__ import annotations

import asyncio
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


def failure_of_errno(number: int | None) -> Failure:
    """The word for an errno of connect, read or write."""
    return _BY_ERRNO.get(number, "other") if number is not None else "other"


def failure_of(error: BaseException) -> Failure:
    """The word for a standard library exception; "other" if none fits."""
    if isinstance(error, (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt)):
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
