"""Plain text for people: what the commands on dossiers share."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from streamnotice.policy import S_NS

if TYPE_CHECKING:
    from streamnotice.dossier.reader import Header
    from streamnotice.dossier.verify import Finding

_MOST_FIELDS = 4
# control, format (bidi among them), surrogates, private use, unassigned; line and paragraph ends
_DRIVING = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def say(lines: Iterable[str]) -> None:
    """Print *lines*, each as one line whatever is in it.

    A dossier comes from elsewhere: nothing in it may drive the terminal, turn its direction, or
    look like a line of ours.
    """
    text = "\n".join(map(harmless, lines))
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding))


def harmless(line: str) -> str:
    """*line* without control and format characters, line ends included."""
    return "".join(char for char in line if unicodedata.category(char) not in _DRIVING)


def complain(command: str, text: object) -> None:
    """One line on standard error that says what is wrong, whatever is in it."""
    print(harmless(f"streamnotice {command}: {text}"), file=sys.stderr)


def place(one: Finding, paths: list[str]) -> str:
    """The lines of a finding; with its file, where *paths*, those of the record, don't tell."""
    where = f"line {one.first}" if one.first == one.last else f"lines {one.first} to {one.last}"
    return where if paths == [one.path] else f"{Path(one.path).name}, {where}"


def rows(pairs: list[tuple[str, str]], width: int = 11) -> list[str]:
    """Names and texts in two columns."""
    return [f"  {name:<{width}} {text}" for name, text in pairs]


def shortened(text: str, most: int = 400) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def origin(header: Header) -> tuple[str, str]:
    """(when, by what) a record was made, as it says."""
    started = header.plain.get("started_utc")
    told = isinstance(started, str) and started
    when = shortened(str(started), 40) if told else "a time that isn't told"
    version, engine = shortened(header.version, 40), shortened(header.engine, 40)
    return when, f"streamnotice {version}, engine {engine}"


def unlike(recorded: str, replayed: str) -> list[str]:
    """Two lines of a record that should be the same: the fields in which they differ."""
    if not (recorded or replayed):
        return []
    pairs = [("", recorded or "nothing", replayed or "nothing")]
    try:
        was, now = json.loads(recorded), json.loads(replayed)
        if (was["type"], was.get("kind")) == (now["type"], now.get("kind")):
            pairs = [
                (f"{name}: ", json.dumps(was.get(name)), json.dumps(now.get(name)))
                for name in sorted(was.keys() | now.keys())
                if was.get(name) != now.get(name)
            ] or pairs
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass  # no two objects of a kind: shown whole
    lines = []
    for name, old, new in pairs[:_MOST_FIELDS]:
        lines.append(f"    recorded  {name}{shortened(old, 200)}")
        lines.append(f"    replayed  {name}{shortened(new, 200)}")
    if len(pairs) > _MOST_FIELDS:
        lines.append(f"    and {len(pairs) - _MOST_FIELDS} more fields")
    return lines


def clock(ns: int) -> str:
    """Session time as minutes and seconds, with hours from the first one on."""
    whole, rest = divmod(max(0, ns), 60 * S_NS)
    if whole >= 60:
        return f"{whole // 60}:{whole % 60:02d}:{rest / S_NS:04.1f}"
    return f"{whole:2d}:{rest / S_NS:04.1f}"
