"""How numbers become words, and how they look in JSON.

Figures arrive as integers with the unit in the name: `_ns`, `_bps`, `_bytes`, `_permille`,
`_ppm`, `_count`. In words they are rounded to what a viewer can use; in JSON they keep their
full precision in SI units. Rounding never crosses into the next unit ("1.0 s", not "1000 ms").
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from streamnotice.events import Number

_UNITS: Final = ("ns", "bps", "bytes", "permille", "ppm", "count")
BASELINE: Final = "baseline_"


def bare_name(name: str) -> str:
    """A figure's name without its unit: `queue_ns` -> `queue`. This is its placeholder."""
    head, _, unit = name.rpartition("_")
    return head if head and unit in _UNITS else name


def _scaled(value: int, steps: tuple[str, ...]) -> str:
    """*value* with a decimal prefix: three digits or two significant ones, whichever is more."""
    size = 0
    number = float(abs(value))
    while size < len(steps) - 1 and round(number) >= 1000:
        number /= 1000
        size += 1
    sign = "-" if value < 0 else ""
    if size == 0 or round(number, 1) >= 10:
        return f"{sign}{number:.0f} {steps[size]}"
    return f"{sign}{number:.1f} {steps[size]}"


def duration(value_ns: int) -> str:
    """A time in words: "under 1 ms", "180 ms", "2.4 s", "35 s", "3 min"."""
    sign, size_ns = ("-", -value_ns) if value_ns < 0 else ("", value_ns)
    if size_ns == 0:
        return "0 ms"
    if size_ns < 1_000_000:
        return "under 1 ms"
    if round(size_ns / 1e6) < 1000:
        return f"{sign}{size_ns / 1e6:.0f} ms"
    seconds = size_ns / 1e9
    if round(seconds, 1) < 10:
        return f"{sign}{seconds:.1f} s"
    if round(seconds) < 120:
        return f"{sign}{seconds:.0f} s"
    return f"{sign}{seconds / 60:.0f} min"


def share(value_ppm: int) -> str:
    """A share in words: "12 %", "0.4 %"."""
    percent = value_ppm / 10_000
    if value_ppm and abs(round(percent, 1)) < 1:
        return f"{percent:.1f} %" if abs(percent) >= 0.05 else "under 0.1 %"
    return f"{percent:.0f} %"


def certainty(value_ppm: int) -> str:
    """A probability in words, rounded down and never "100 %": nothing measured is certain."""
    return f"{min(99, max(0, value_ppm // 10_000))} %"


def words(name: str, value: int) -> str:
    """A figure in words, by the unit in its name."""
    unit = name.rpartition("_")[2]
    if unit == "ns":
        return duration(value)
    if unit == "bps":
        return _scaled(value, ("bit/s", "kbit/s", "Mbit/s", "Gbit/s"))
    if unit == "bytes":
        return _scaled(value, ("B", "kB", "MB", "GB"))
    if unit == "permille":
        return share(value * 1000)
    if unit == "ppm":
        return share(value)
    return str(value)


def figure_words(
    measured: Iterable[Number], baseline: Iterable[Number] | None = None
) -> dict[str, str]:
    """Placeholder values for a rule's text: `{queue}` measured, `{baseline_queue}` the baseline.

    A figure that only the baseline has is also there under its plain name. Unknown values
    (None) are left out, so that a text which needs them is not used.
    """
    plain: dict[str, str] = {}
    compared: dict[str, str] = {}
    for name, value in baseline or ():
        if value is not None:
            plain[bare_name(name)] = compared[BASELINE + bare_name(name)] = words(name, value)
    for name, value in measured:
        if value is not None:
            plain[bare_name(name)] = words(name, value)
    return plain | compared


def json_figures(numbers: Iterable[Number]) -> dict[str, int | float | None]:
    """Figures for JSON: `_ns` as `_s`, `_permille` and `_ppm` as `_share` (0 to 1)."""
    found: dict[str, int | float | None] = {}
    for name, value in numbers:
        head, _, unit = name.rpartition("_")
        if unit == "ns":
            found[f"{head}_s"] = None if value is None else seconds(value, 9)
        elif unit == "permille":
            found[f"{head}_share"] = None if value is None else round(value / 1000, 3)
        elif unit == "ppm":
            found[f"{head}_share"] = None if value is None else round(value / 1_000_000, 6)
        else:
            found[name] = value
    return found


def seconds(value_ns: int, digits: int = 3) -> float:
    """Nanoseconds as seconds, to *digits* decimals."""
    return round(value_ns / 1e9, digits)
