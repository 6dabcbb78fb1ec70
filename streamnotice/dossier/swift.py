"""JSON by orjson where it is installed (extra `cli`): the same bytes, in a fraction of the time.

Integers are held to 53 bits. Whatever orjson won't take, or gives back otherwise, is left to the
standard library, which finds the words for what is wrong; a test holds the bytes against its
encoder's. Floats are the caller's to keep out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final

Json = dict[str, Any]

OBSERVATION: Final = b'"type":"observation"'  # can't stand within a text: quotes are escaped there


def here() -> bool:
    """Is orjson installed?"""
    return _orjson() is not None


def canonical_bytes(plain: Any) -> bytes | None:
    """The canonical bytes of *plain*, which holds no floats; None: not by orjson."""
    tools = _orjson()
    if tools is None:
        return None
    _, dumps, failures = tools
    try:
        return dumps(plain)
    except failures:
        return None


def canonical_object(line: bytes) -> Json | None:
    """The object whose canonical form *line* is, newline included; None: not by orjson.

    There may be floats in it.
    """
    tools = _orjson()
    if tools is None:
        return None
    loads, dumps, failures = tools
    try:
        found = loads(line)
        return found if type(found) is dict and dumps(found) + b"\n" == line else None
    except failures:
        return None


@cache
def _orjson() -> (
    tuple[Callable[[bytes], Any], Callable[[Any], bytes], tuple[type[Exception], ...]] | None
):
    """(loads, dumps, what they raise); None where it isn't installed."""
    try:
        import orjson
    except ImportError:
        return None
    how = (
        orjson.OPT_SORT_KEYS
        | orjson.OPT_STRICT_INTEGER
        | orjson.OPT_PASSTHROUGH_DATACLASS
        | orjson.OPT_PASSTHROUGH_DATETIME
        | orjson.OPT_PASSTHROUGH_SUBCLASS
    )
    dumps = partial(orjson.dumps, option=how)
    return orjson.loads, dumps, (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError)
