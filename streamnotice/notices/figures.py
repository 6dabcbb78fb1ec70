"""How numbers become words, and how they look in JSON.

Figures arrive as integers with the unit in the name: `_ns`, `_bps`, `_bytes`, `_permille`,
`_ppm`, `_count`. In words they are rounded to what a viewer can use; in JSON they keep their
full precision in SI units. Rounding never crosses into the next unit ("1.0 s", not "1000 ms").
How a language writes numbers and units is said by its catalog (`number.*`, `unit.*`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

import attrs

from streamnotice.events import Number
from streamnotice.notices.ids import NUMBER_SAMPLE

_UNITS: Final = ("ns", "bps", "bytes", "permille", "ppm", "count")
BASELINE: Final = "baseline_"
_RATES: Final = ("bps", "kbps", "mbps", "gbps")
_SIZES: Final = ("b", "kb", "mb", "gb")
_GROUPED_FROM: Final = 5
"""Digits from which on a number is written in groups: four are easily read."""

MessageText: TypeAlias = Callable[[str, Mapping[str, str]], str]
"""A message's text by id and values, as `Catalog.text` gives it."""


def bare_name(name: str) -> str:
    """A figure's name without its unit: `queue_ns` -> `queue`. This is its placeholder."""
    head, _, unit = name.rpartition("_")
    return head if head and unit in _UNITS else name


@attrs.frozen
class NumberStyle:
    """How a language writes plain numbers.

    Attributes:
        point: stands before the decimals.
        group: stands between groups of three digits; may be empty.
        zero: the digit 0; the others follow it in Unicode.
    """

    point: str = "."
    group: str = ","
    zero: str = "0"

    @classmethod
    def like(cls, sample: str) -> NumberStyle:
        """The style in which *sample* is the number 12345.6; the usual one if it is none."""
        match = re.fullmatch(NUMBER_SAMPLE, sample)
        if match is None:
            return cls()
        return cls(point=match[7], group=match[3], zero=chr(ord(match[1]) - 1))

    def digits(self, value: float, decimals: int = 0) -> str:
        """*value*, 0 or more, rounded to *decimals* places."""
        whole, _, rest = f"{value:.{decimals}f}".partition(".")
        if len(whole) >= _GROUPED_FROM:
            whole = f"{int(whole):,}".replace(",", self.group)
        text = f"{whole}{self.point}{rest}" if rest else whole
        if self.zero == "0":
            return text
        return "".join(
            chr(ord(self.zero) + int(char)) if char.isascii() and char.isdigit() else char
            for char in text
        )


class NumberWords:
    """Numbers in the words of one language.

    Args:
        text: the language's messages.
        sample: the number 12345.6 as the language writes it.
    """

    def __init__(self, text: MessageText, sample: str) -> None:
        self._text = text
        self._style = NumberStyle.like(sample)

    def number(self, value: float, decimals: int = 0) -> str:
        """A plain number, rounded to *decimals* places."""
        digits = self._style.digits(abs(value), decimals)
        return self._text("number.negative", {"number": digits}) if value < 0 else digits

    def in_unit(self, value: float, unit: str, decimals: int = 0) -> str:
        """A number with one of `ids.UNITS`."""
        return self._text(f"unit.{unit}", {"number": self.number(value, decimals)})

    def under(self, quantity: str) -> str:
        """Less than *quantity*."""
        return self._text("number.under", {"quantity": quantity})

    def _scaled(self, value: int, units: tuple[str, ...]) -> str:
        """*value* with a decimal prefix: three digits or two significant ones."""
        size = 0
        number = float(value)
        while size < len(units) - 1 and round(abs(number)) >= 1000:
            number /= 1000
            size += 1
        whole = size == 0 or round(abs(number), 1) >= 10
        return self.in_unit(number, units[size], 0 if whole else 1)

    def duration(self, value_ns: int) -> str:
        """A time in words: "under 1 ms", "180 ms", "2.4 s", "35 s", "3 min"."""
        size_ns = abs(value_ns)
        if size_ns and size_ns < 1_000_000:
            return self.under(self.in_unit(1, "ms"))
        if round(size_ns / 1e6) < 1000:
            return self.in_unit(value_ns / 1e6, "ms")
        seconds = value_ns / 1e9
        if round(abs(seconds), 1) < 10:
            return self.in_unit(seconds, "s", 1)
        if round(abs(seconds)) < 120:
            return self.in_unit(seconds, "s")
        return self.in_unit(seconds / 60, "min")

    def share(self, value_ppm: int) -> str:
        """A share in words: "12 %", "0.4 %"."""
        percent = value_ppm / 10_000
        if value_ppm and abs(round(percent, 1)) < 1:
            if abs(percent) < 0.05:
                return self.under(self.in_unit(0.1, "percent", 1))
            return self.in_unit(percent, "percent", 1)
        return self.in_unit(percent, "percent")

    def certainty(self, value_ppm: int) -> str:
        """A probability in words, rounded down and never "100 %": nothing measured is certain."""
        return self.in_unit(min(99, max(0, value_ppm // 10_000)), "percent")

    def words(self, name: str, value: int) -> str:
        """A figure in words, by the unit in its name."""
        unit = name.rpartition("_")[2]
        if unit == "ns":
            return self.duration(value)
        if unit == "bps":
            return self._scaled(value, _RATES)
        if unit == "bytes":
            return self._scaled(value, _SIZES)
        if unit == "permille":
            return self.share(value * 1000)
        if unit == "ppm":
            return self.share(value)
        if unit == "code":
            return str(value)  # a name made of digits
        return self.number(value)

    def figures(
        self, measured: Iterable[Number], baseline: Iterable[Number] | None = None
    ) -> dict[str, str]:
        """Placeholder values for a rule's text: `{queue}`, and `{baseline_queue}` to compare with.

        A figure that only the baseline has is also there under its plain name. Unknown values
        (None) are left out, so that a text which needs them is not used.
        """
        plain: dict[str, str] = {}
        compared: dict[str, str] = {}
        for name, value in baseline or ():
            if value is not None:
                said = self.words(name, value)
                plain[bare_name(name)] = compared[BASELINE + bare_name(name)] = said
        for name, value in measured:
            if value is not None:
                plain[bare_name(name)] = self.words(name, value)
        return plain | compared


def counts_in(*numbers: Iterable[Number] | None) -> dict[str, int]:
    """The counts among a rule's figures, by placeholder: they pick plural forms."""
    return {
        bare_name(name): value
        for group in numbers
        for name, value in group or ()
        if value is not None and name.endswith("_count")
    }


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
