"""The library's logger: structlog over a stdlib logger that stays silent until the host listens.

structlog without configuration prints to standard output, and configuring it is the
host's right alone. So the processors are given here, per logger, and what they make goes to
`logging.getLogger("streamnotice")`, which has a NullHandler.
"""

from __future__ import annotations

import logging
from typing import Any, cast

import structlog

_PROCESSORS: list[Any] = [
    structlog.stdlib.filter_by_level,
    structlog.stdlib.add_log_level,
    structlog.processors.format_exc_info,
    structlog.processors.KeyValueRenderer(key_order=["event"]),
]

logging.getLogger("streamnotice").addHandler(logging.NullHandler())


def get_logger(**bound: Any) -> structlog.stdlib.BoundLogger:
    """A logger bound to *bound*; silent unless the host gives the stdlib logger a handler."""
    return cast(
        structlog.stdlib.BoundLogger,
        structlog.wrap_logger(
            logging.getLogger("streamnotice"),
            processors=_PROCESSORS,
            wrapper_class=structlog.stdlib.BoundLogger,
            **bound,
        ),
    )
