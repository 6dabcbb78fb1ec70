"""What a host tells in numbers and truth values, made plain: of the right kind, or unknown.

Hosts hand over what their player gives them: NumPy scalars, fractions, text by mistake, objects
whose methods raise. What isn't understood is None, and told to the host once for each argument,
since it would be missed without a trace. Nothing is raised, nor is anything computed with a value
before it is a plain number: text times a thousand million is gigabytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice
from numbers import Complex, Real
from typing import Any, Final, TypeVar, cast

from streamnotice.policy import MS_NS, S_NS

MOST: Final = 2**53
"""Times (ns), rates and counts beyond this are a mistake of the host, not a measurement."""
LONGEST_LADDER: Final = 64
_TEXT: Final = (str, bytes, bytearray, memoryview)
_SHOWN_CHARS: Final = 40

T = TypeVar("T")


class Ear:
    """Takes the values of a session's reports, and tells once of each argument that is dropped.

    Args:
        tell: is called with one line.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told: set[str] = set()

    def take(self, name: str, value: object, plain: Callable[[Any], T | None]) -> T | None:
        """*value* made plain; None if it is none, or can't be."""
        if value is None:
            return None
        made = plain(value)
        if made is None and name not in self._told and not _no_number(value):
            self._told.add(name)
            self._tell(f"{name}={_short(value)} can't be understood and is taken as unknown")
        return made


def _no_number(value: object) -> bool:
    """Not a number, or without end: so players say that they don't know, or that it is live."""
    try:
        if isinstance(value, Complex) and not isinstance(value, Real):
            return False  # here, too, some would drop their imaginary part
        return not math.isfinite(value)  # type: ignore[arg-type]
    except Exception:  # it is none at all
        return False


def _short(value: object) -> str:
    """What was told, if that is plain and short; else how it begins, or its kind."""
    kind = type(value)
    if kind is str:
        text = repr(str(value)[:_SHOWN_CHARS])
        return text if len(str(value)) <= _SHOWN_CHARS else f"{text}..."
    if kind in (float, bool) or (kind is int and -MOST < cast(int, value) < MOST):
        return repr(value)
    return f"<{kind.__name__[:_SHOWN_CHARS]}>"


def number(value: object) -> int | float | None:
    """*value* as a plain number from 0 to below `MOST`; None for anything else.

    Whatever stands for a real number counts (`Decimal`, `Fraction`, NumPy's), truth values and
    text don't.
    """
    try:
        plain = _plain(value)
        return plain if plain is not None and 0 <= plain < MOST else None
    except Exception:  # by a method of the host's object
        return None


def _plain(value: Any) -> int | float | None:
    kind = type(value)
    if kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    if not hasattr(kind, "__float__") or _is_truth(kind) or isinstance(value, _TEXT):
        return None
    if isinstance(value, Complex) and not isinstance(value, Real):
        return None  # some drop their imaginary part with no more than a warning
    return float(value)


def _is_truth(kind: type) -> bool:
    """`bool`, or NumPy's: `bool_` it was called before its version 2."""
    return kind is bool or (kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_"))


def count(value: object) -> int | None:
    """*value* as a whole number; None if it is no number that can be."""
    return _whole(number(value), 1)


def nanoseconds(seconds: object) -> int | None:
    """*seconds* in nanoseconds; None if it is no number that can be."""
    return _whole(number(seconds), S_NS)


def media_ns(seconds: object) -> int | None:
    """Play-out time in nanoseconds, whole milliseconds: finer digits are noise on record."""
    exact = nanoseconds(seconds)
    return None if exact is None else exact // MS_NS * MS_NS


def permille(share: object) -> int | None:
    """*share* in thousandths; None if it is no number that can be."""
    return _whole(number(share), 1000)


def _whole(value: float | None, times: int) -> int | None:
    """Rounded after multiplying, or None where that leads beyond `MOST`."""
    if value is None:
        return None
    product = value * times
    return round(product) if product < MOST else None


def truth(value: object) -> bool | None:
    """*value* if it is a truth value (NumPy's, too); None for all else, numbers as well."""
    try:
        return bool(value) if _is_truth(type(value)) else None
    except Exception:  # by a method of the host's object
        return None


def rates(values: object) -> tuple[int, ...] | None:
    """The rates (bit/s) among the first `LONGEST_LADDER` of *values*, ascending; None without one.

    Any iterable will do, one without an end as well.
    """
    try:
        if values is None or isinstance(values, _TEXT):
            return None
        first = list(islice(iter(values), LONGEST_LADDER))  # type: ignore[call-overload]
    except Exception:  # it can't be walked through, or fails on the way
        return None
    return tuple(sorted({rate for value in first if (rate := count(value))})) or None


def word(value: object, known: frozenset[str]) -> str | None:
    """*value* as plain text if it is one of *known*; None for all else."""
    if not issubclass(type(value), str):  # isinstance would ask the object itself
        return None
    text = str.__str__(value)  # of an enumeration's member, say
    return text if text in known else None
