"""Message catalogs: reads gettext `.po` sources and compiles them to `.mo`.

Only what the catalogs use: comments, `msgid`, `msgid_plural`, `msgstr`, `msgstr[0]` and so on,
quoted strings over several lines. Context is refused rather than silently dropped. Standard
library only and free of package imports, because the build runs it before the package can be
imported.

An entry with plural forms is kept as the `.mo` form keeps it: both ids joined by a NUL, and the
forms joined by NULs.

Formats: GNU gettext manual, chapters "The Format of PO Files" and "The Format of GNU MO Files".
"""

from __future__ import annotations

import re
import struct
from typing import Final

_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\s*\Z')
_KEYWORD: Final = re.compile(r"(?:msgid(?:_plural)?|msgstr(?:\[\d\])?)\Z")
_MO_MAGIC: Final = 0x950412DE


class PoError(ValueError):
    """A catalog source that can't be used; the text says the line and what is wrong."""


def _unquote(text: str, line: int) -> str:
    match = _QUOTED.match(text)
    if match is None:
        raise PoError(f"line {line}: expected a string in double quotes")

    def unescape(found: re.Match[str]) -> str:
        try:
            return _ESCAPES[found[1]]
        except KeyError:
            raise PoError(f"line {line}: unknown escape \\{found[1]}") from None

    return re.sub(r"\\(.)", unescape, match[1])


class _Entry:
    """One entry as far as it is read: parts of its strings, by keyword."""

    def __init__(self, line: int, fuzzy: bool) -> None:
        self.line = line
        self.fuzzy = fuzzy
        self.parts: dict[str, list[str]] = {}

    def text(self, keyword: str) -> str:
        if keyword not in self.parts:
            raise PoError(f"line {self.line}: an entry without {keyword}")
        text = "".join(self.parts[keyword])
        if "\0" in text:
            raise PoError(f"line {self.line}: a NUL character in {text!r}")
        return text

    def whole(self) -> tuple[str, str]:
        """Key and value as in a `.mo` file; the value is empty where a text is missing."""
        key = self.text("msgid")
        if "msgid_plural" not in self.parts:
            return key, self.text("msgstr")
        forms = [self.text(f"msgstr[{number}]") for number in range(max(1, len(self.parts) - 2))]
        key += "\0" + self.text("msgid_plural")
        return key, "\0".join(forms) if all(forms) else ""


def parse_po(text: str) -> dict[str, str]:
    """Message ids and texts of a `.po` source, the header under the empty id.

    Entries that are marked fuzzy or lack a text are left out, as `msgfmt` does.

    Raises:
        PoError: the source is malformed, or uses context.
    """
    entries: dict[str, str] = {}
    seen: set[str] = set()
    entry: _Entry | None = None
    keyword = ""
    fuzzy = False

    def finish() -> None:
        if entry is None:
            return
        key, value = entry.whole()
        id_ = key.partition("\0")[0]
        if id_ in seen:
            raise PoError(f"line {entry.line}: {id_!r} is there twice")
        seen.add(id_)
        if value and not (entry.fuzzy and key):
            entries[key] = value

    # not splitlines(): that would also split at characters which may stand inside a string
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip(" \t\r")
        if line.startswith("#"):
            fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
            continue
        if not line:
            continue
        if not line.startswith('"'):
            keyword, _, rest = line.partition(" ")
            line = rest.strip()
            if not _KEYWORD.match(keyword):
                raise PoError(f"line {number}: {keyword!r} is not supported")
            if keyword == "msgid":
                finish()
                entry, fuzzy = _Entry(number, fuzzy), False
            if entry is None:
                raise PoError(f"line {number}: {keyword} without msgid")
            if keyword in entry.parts:
                raise PoError(f"line {number}: a second {keyword}")
            entry.parts[keyword] = []
        if entry is None:
            raise PoError(f"line {number}: a string that belongs to nothing")
        entry.parts[keyword].append(_unquote(line, number))
    finish()
    return entries


def compile_mo(entries: dict[str, str]) -> bytes:
    """The `.mo` form of *entries* (ids sorted, little-endian): always the same bytes.

    The header entry is added or kept, and always says UTF-8, which the texts are encoded in.
    """
    header = entries.get("", "")
    if "content-type:" not in header.lower():
        header += "Content-Type: text/plain; charset=UTF-8\n"
    pairs = sorted(
        (key.encode("utf-8"), value.encode("utf-8"))
        for key, value in {**entries, "": header}.items()
    )
    ids = b"".join(key + b"\0" for key, _ in pairs)
    texts = b"".join(value + b"\0" for _, value in pairs)
    start_ids = 7 * 4 + 16 * len(pairs)
    tables: list[int] = []
    for column, at in ((0, start_ids), (1, start_ids + len(ids))):
        for pair in pairs:
            tables += (len(pair[column]), at)
            at += len(pair[column]) + 1
    head = (_MO_MAGIC, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, start_ids)
    return struct.pack(f"<{len(head) + len(tables)}I", *head, *tables) + ids + texts


def mo_entries(data: bytes) -> dict[str, str]:
    """What a `.mo` file holds, as `parse_po` returns it: the inverse of `compile_mo`.

    The standard library finds texts by id, but does not list the ids.

    Raises:
        PoError: not a `.mo` file, or cut off.
    """
    try:
        order = {b"\xde\x12\x04\x95": "<", b"\x95\x04\x12\xde": ">"}[data[:4]]
        _, count, ids, texts = struct.unpack_from(f"{order}4I", data, 4)
        if count > len(data) // 8:
            raise PoError("not a whole .mo file")

        def string(table: int, index: int) -> str:
            size, at = struct.unpack_from(f"{order}2I", data, table + 8 * index)
            if at + size > len(data):
                raise PoError("not a whole .mo file")
            return data[at : at + size].decode("utf-8")

        return {string(ids, index): string(texts, index) for index in range(count)}
    except (KeyError, struct.error, UnicodeDecodeError):
        raise PoError("not a whole .mo file") from None
