"""Message catalogs: reads gettext `.po` sources and compiles them to `.mo`.

Only what the catalogs use: comments, `msgid`, `msgstr`, quoted strings over several lines.
Context and plural entries are refused rather than silently dropped. Standard library only and
free of package imports, because the build runs it before the package can be imported.

Formats: GNU gettext manual, chapters "The Format of PO Files" and "The Format of GNU MO Files".
"""

from __future__ import annotations

import re
import struct
from typing import Final

_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\s*\Z')
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


def parse_po(text: str) -> dict[str, str]:
    """Message ids and texts of a `.po` source, the header under the empty id.

    Entries that are marked fuzzy or have no text are left out, as `msgfmt` does.

    Raises:
        PoError: the source is malformed, or uses context or plurals.
    """
    entries: dict[str, str] = {}
    msgid: list[str] | None = None
    msgstr: list[str] | None = None
    fuzzy = next_fuzzy = False

    def finish(line: int) -> None:
        nonlocal msgid, msgstr
        if msgid is None:
            return
        if msgstr is None:
            raise PoError(f"line {line}: msgid without msgstr")
        key, value = "".join(msgid), "".join(msgstr)
        if "\0" in key or "\0" in value:
            raise PoError(f"line {line}: a NUL character in {key!r}")
        if key in entries:
            raise PoError(f"line {line}: {key!r} is there twice")
        if value and not (fuzzy and key):
            entries[key] = value
        msgid = msgstr = None

    number = 0
    # not splitlines(): that would also split at characters which may stand inside a string
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip(" \t\r")
        if line.startswith("#"):
            if line.startswith("#,") and "fuzzy" in line:
                next_fuzzy = True
        elif line.startswith("msgid "):
            finish(number)
            fuzzy, next_fuzzy = next_fuzzy, False
            msgid = [_unquote(line[6:].strip(), number)]
        elif line.startswith("msgstr "):
            if msgid is None or msgstr is not None:
                raise PoError(f"line {number}: msgstr without msgid")
            msgstr = [_unquote(line[7:].strip(), number)]
        elif line.startswith('"'):
            target = msgstr if msgstr is not None else msgid
            if target is None:
                raise PoError(f"line {number}: a string that belongs to nothing")
            target.append(_unquote(line, number))
        elif line:
            keyword = line.partition(" ")[0]
            raise PoError(f"line {number}: {keyword!r} is not supported")
    finish(number)
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


def mo_ids(data: bytes) -> tuple[str, ...]:
    """The message ids in a `.mo` file, without the header.

    The standard library reads texts by id, but does not list the ids.

    Raises:
        PoError: not a `.mo` file, or cut off.
    """
    try:
        magic = data[:4]
        order = {b"\xde\x12\x04\x95": "<", b"\x95\x04\x12\xde": ">"}[magic]
        _, count, table = struct.unpack_from(f"{order}3I", data, 4)
        if count > len(data) // 8:
            raise PoError("not a whole .mo file")
        found = []
        for index in range(count):
            size, at = struct.unpack_from(f"{order}2I", data, table + 8 * index)
            if at + size > len(data):
                raise PoError("not a whole .mo file")
            found.append(data[at : at + size].decode("utf-8"))
    except (KeyError, struct.error, UnicodeDecodeError):
        raise PoError("not a whole .mo file") from None
    return tuple(key for key in found if key)
