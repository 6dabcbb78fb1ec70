"""JSON by orjson where it is installed (extra `cli`): the same bytes, in a fraction of the time.

Only for what a table of `streamnotice.dossier.codec` types field by field: integers within 53 bits,
texts, truth values, nulls, lists of them, under ASCII names. For these orjson's sorted form is the
canonical one; a test holds it against the standard library's encoder. Whatever orjson won't take,
or gives back otherwise, is left to the standard library, which finds the words for what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

Json = dict[str, Any]

_OBSERVATION: Final = b'"type":"observation"'  # can't stand within a text: quotes are escaped there


def typed_bytes(plain: Json) -> bytes | None:
    """The canonical bytes of *plain*, whose every part a table has typed; None: not by orjson."""
    tools = _orjson()
    if tools is None:
        return None
    _, dumps, failures = tools
    try:
        return dumps(plain)
    except failures:
        return None


def observation(line: bytes) -> Json | None:
    """The object in *line* if it is an observation's line in canonical form, newline included.

    A float in it is left to the table, which takes none.
    """
    tools = _orjson() if _OBSERVATION in line else None
    if tools is None:
        return None
    loads, dumps, failures = tools
    try:
        found = loads(line)
        if type(found) is dict and found.get("type") == "observation":
            return found if dumps(found) + b"\n" == line else None
    except failures:
        return None
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
        | orjson.OPT_PASSTHROUGH_DATACLASS
        | orjson.OPT_PASSTHROUGH_DATETIME
        | orjson.OPT_PASSTHROUGH_SUBCLASS
    )

    def dumps(plain: Any) -> bytes:
        return orjson.dumps(plain, None, how)

    return orjson.loads, dumps, (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError)
