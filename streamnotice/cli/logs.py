"""Logs of the command line: on standard error, or in the live view. Configured only here."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

import structlog

_PLAIN = logging.Formatter("streamnotice: %(message)s")


class LineHandler(logging.Handler):
    """Hands each log line to a function (the live view's)."""

    def __init__(self, take: Callable[[str], None]) -> None:
        super().__init__()
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._take(record.getMessage())
        except Exception:
            self.handleError(record)


def configure(*, quiet: bool, take: Callable[[str], None] | None = None) -> logging.Handler:
    """Send the library's warnings to standard error, or to *take*.

    Args:
        quiet: only errors.
        take: gets each line instead of standard error.

    Returns:
        The handler; take it off again with `remove`.
    """
    handler: logging.Handler
    if take is None:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_PLAIN)
    else:
        handler = LineHandler(take)
    handler.setLevel(logging.ERROR if quiet else logging.WARNING)
    logger = logging.getLogger("streamnotice")
    logger.addHandler(handler)
    logger.propagate = False
    # Other users of structlog in this process (plug-ins) must not print to standard output.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    return handler


def remove(handler: logging.Handler) -> None:
    """Undo `configure`."""
    logger = logging.getLogger("streamnotice")
    logger.removeHandler(handler)
    logger.propagate = True
    structlog.reset_defaults()
