"""What a host tells in numbers and truth values, made plain: of the right kind, or unknown.

Hosts hand over what their player gives them: NumPy scalars, fractions, text by mistake, objects
whose methods raise. What isn't understood is None. Nothing is raised, nor is anything
computed with a value before it is a plain number: text times a thousand million is gigabytes.
"""

from __future__ import annotations

from itertools import islice
from numbers import Complex, Real
from typing import Any, Final

from streamnotice.policy import S_NS

MOST: Final = 2**53
"""Times (ns), rates and counts beyond this are a mistake of the host, not a measurement."""
LONGEST_LADDER: Final = 64
_MS_NS: Final = 1_000_000
_TEXT: Final = (str, bytes, bytearray, memoryview)


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
    return None if exact is None else exact // _MS_NS * _MS_NS


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
