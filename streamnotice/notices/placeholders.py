"""Templates with named placeholders, and what may be put into them.

A template is text with `{name}` in it, `{{` and `}}` for literal braces. Nothing else of
Python's format language is permitted: no attributes, indexes, conversions or format
specifications, so a template from elsewhere can only ever show the values it was given.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping
from typing import Final

from streamnotice.errors import MessageError

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*\Z")
_FORMATTER: Final = string.Formatter()
# whole terminal sequences, so that no "[31m" is left of them: CSI, OSC and other strings, two-byte
_ESCAPE_SEQUENCE: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_DIRECTION: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# needed inside words of some scripts, harmless elsewhere
_JOINERS: Final = frozenset("\u200c\u200d")
_FIXED_SPACES: Final = frozenset("\u00a0\u202f")
"""Spaces that hold a number and its unit together; some languages want the narrow one."""
_SPACES: Final = re.compile("[ \u00a0\u202f]+")
ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
_VALUE_LENGTH: Final = 120


def _parsed(template: str) -> list[tuple[str, str | None]]:
    try:
        parts = list(_FORMATTER.parse(template))
    except ValueError:
        raise MessageError(
            "has a brace without its partner; write {name} for a value, {{ and }} for braces"
        ) from None
    found: list[tuple[str, str | None]] = []
    for literal, name, spec, conversion in parts:
        if name is not None and (spec or conversion or not _NAME.match(name)):
            raise MessageError(
                f"has {{{name}}} with more than a plain name in it; only {{name}} is permitted"
            )
        found.append((literal, name))
    return found


def placeholders(template: str) -> tuple[str, ...]:
    """The names of the placeholders in *template*, each once, in order.

    Raises:
        MessageError: braces don't match, or a placeholder is more than a plain name.
    """
    return tuple(dict.fromkeys(name for _, name in _parsed(template) if name is not None))


def fill(template: str, values: Mapping[str, str]) -> str | None:
    """*template* with its placeholders replaced by *values*, cleaned; None if a value is missing.

    Values are put in once and never looked at as templates.
    """
    parts: list[str] = []
    for literal, name in _parsed(template):
        parts.append(literal)
        if name is not None:
            if name not in values:
                return None
            parts.append(values[name])
    return "".join(parts)


def clean(value: object, length: int = _VALUE_LENGTH, *, isolates: bool = False) -> str:
    """*value* as harmless text on one line, at most *length* characters.

    Terminal sequences, control and format characters (bidi overrides, invisible tags), line
    separators, private and unassigned characters are removed; runs of space become one.
    What is left may still be markup to somebody: a face escapes for its own medium.

    Args:
        isolates: keep first-strong isolates (see `isolated`) if each is closed. Closed ones
            can't change how the text around them runs.
    """
    text = _ESCAPE_SEQUENCE.sub("", str(value))
    kept: list[str] = []
    for char in text:
        category = unicodedata.category(char)
        if char.isspace() and char not in _FIXED_SPACES:
            kept.append(" ")
        elif (
            category[0] != "C" or char in _JOINERS or (isolates and char in (ISOLATE, POP_ISOLATE))
        ):
            kept.append(char)
    text = _SPACES.sub(lambda run: run[0] if len(run[0]) == 1 else " ", "".join(kept))
    text = text.strip(" \u00a0\u202f")
    if len(text) > length:
        text = text[: length - 1].rstrip() + "…"
    if isolates and not _closed(text):
        text = text.replace(ISOLATE, "").replace(POP_ISOLATE, "")
    return text


def _closed(text: str) -> bool:
    """Each isolate in *text* is closed within it, and nothing else is."""
    open_ = 0
    for char in text:
        open_ += (char == ISOLATE) - (char == POP_ISOLATE)
        if open_ < 0:
            return False
    return open_ == 0


def isolated(value: str) -> str:
    """*value* so that it keeps its own direction within right-to-left text.

    Left-to-right letters and signs would else change places with what stands beside them.
    Plain numbers, and text that begins from right to left, need nothing.
    """
    kinds = map(unicodedata.bidirectional, value)
    strong = next((kind for kind in kinds if kind in ("L", "R", "AL")), None)
    if strong == "L" or value[:1] in ("-", "+", "\u2212"):
        return f"{ISOLATE}{value}{POP_ISOLATE}"
    return value


def hidden_character(text: str) -> str | None:
    """The name of the first control or text-direction character in *text*, None without one."""
    for char in text:
        if unicodedata.category(char) in ("Cc", "Zl", "Zp") or char in _DIRECTION:
            return unicodedata.name(char, f"U+{ord(char):04X}")
    return None
