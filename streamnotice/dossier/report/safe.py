"""Strings from a dossier, made fit to be shown: a dossier comes from elsewhere.

Markup is the template's affair (it escapes everything). Here it is about what escaping leaves
alone: control characters, and those that turn the direction of text, become visible.
Only what a right-to-left text needs is left: marks, and isolates that are closed again.
"""

from __future__ import annotations

import unicodedata
from typing import Final

MOST: Final = 2000
_JOINERS: Final = "\u200c\u200d"
_MARKS: Final = "\u200e\u200f\u061c"
_OPEN: Final = "\u2066\u2067\u2068"
_CLOSE: Final = "\u2069"


def visible(value: object, most: int = MOST) -> str:
    """*value* as text in which nothing is hidden: `\\x1b` becomes `[U+001B]`.

    Args:
        most: longest text, in characters; more is cut and says so.
    """
    text = str(value)
    cut = len(text) > most
    kept = text[:most]
    fine = _JOINERS + _MARKS + (_OPEN + _CLOSE if _closed(kept) else "")
    shown = "".join(char if char in fine else _shown(char) for char in kept)
    return f"{shown} […]" if cut else shown


def _closed(text: str) -> bool:
    """Every isolate in *text* is closed again, and none closed that was not open."""
    depth = 0
    for char in text:
        depth += (char in _OPEN) - (char == _CLOSE)
        if depth < 0:
            return False
    return depth == 0


def _shown(char: str) -> str:
    if char in "\n\t":
        return " "
    category = unicodedata.category(char)
    if category[0] != "C" and category not in ("Zl", "Zp"):
        return char
    return f"[U+{ord(char):04X}]"
