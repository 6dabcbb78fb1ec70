"""Breaks text into lines for a terminal, by the cells that characters take there.

Most letters take one cell, those of Chinese, Japanese and Korean two, marks and format characters
none. Scripts that write without spaces may be broken between any two of their characters, but
for punctuation that must not begin or end a line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_NOT_FIRST: Final = frozenset(
    "、。，．・：；！？）」』】〉》〕｝”’ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ%％"
)
_NOT_LAST: Final = frozenset("（「『【〈《〔｛“‘")


def cells(text: str) -> int:
    """How many cells of a terminal *text* takes."""
    return sum(map(_cells_of, text))


def _cells_of(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _breakable(before: str, after: str) -> bool:
    """A line may end between these two characters though there is no space."""
    if after in _NOT_FIRST or before in _NOT_LAST:
        return False
    return _cells_of(before) == 2 or _cells_of(after) == 2


def _pieces(text: str) -> Iterator[str]:
    """What must stay together, each with the space behind it."""
    for word in re.findall(r"[^ ]+ *", text):
        piece = ""
        for char in word:
            if piece and char != " " and _breakable(piece[-1], char):
                yield piece
                piece = ""
            piece += char
        yield piece


def wrap(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """*text* as lines of at most *width* cells; only what can't be broken is longer.

    Args:
        first, rest: what the first line and the others begin with; counted in the width.
    """
    lines: list[str] = []
    line, used, empty = first, cells(first), True
    for piece in _pieces(text.strip(" ")):
        needs = cells(piece.rstrip(" "))
        if not empty and used + needs > width:
            lines.append(line.rstrip(" "))
            line, used, empty = rest, cells(rest), True
        line += piece
        used += cells(piece)
        empty = False
    lines.append(line.rstrip(" "))
    return lines
