"""Strings from a dossier, made fit to be shown: a dossier comes from elsewhere.

Markup is the template's affair (it escapes everything). Here it is about what escaping leaves
alone: control characters, and those that turn the direction of text, become visible.
"""

from __future__ import annotations

import unicodedata
from typing import Final

MOST: Final = 2000
_JOINERS: Final = "\u200c\u200d"


def visible(value: object, most: int = MOST) -> str:
    """*value* as text in which nothing is hidden: `\\x1b` becomes `[U+001B]`.

    Args:
        most: longest text, in characters; more is cut and says so.
    """
    text = str(value)
    cut = len(text) > most
    shown = "".join(_shown(char) for char in text[:most])
    return f"{shown} […]" if cut else shown


def _shown(char: str) -> str:
    if char in "\n\t":
        return " "
    category = unicodedata.category(char)
    if char in _JOINERS or (category[0] != "C" and category not in ("Zl", "Zp")):
        return char
    return f"[U+{ord(char):04X}]"
