"""What was done about notices, and what was seen after it: the `acted` lines of a record, read.

The note in such a line is "<by> done", "<by> failed", or "<by> <what followed> <figures>". Another
writer's note stays a note.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, cast

import attrs

from streamnotice.dossier.codec import Json
from streamnotice.events import Notice
from streamnotice.notices.effects import By, Followed
from streamnotice.notices.ids import FOLLOWED

_NOTE: Final = re.compile(r"(host|viewer) ([a-z_]+)(?: (\{.*\}))?")
FIGURES: Final = ("buffer_s", "throughput_bps", "queue_s")
"""The figures that are put into words; all of them are in the record."""


@attrs.frozen
class Deed:
    """One `acted` line.

    Attributes:
        at_ns: session instant.
        notice_id: the notice that stood when it was done; empty if none did.
        action: its id.
        by: the host's callback, or the viewer who says so; None in another writer's note.
        state: "done" or "failed" at once; "observed" when what followed was looked at.
        followed: what was seen after it; only with "observed".
        before, after: the figures that this is read from (SI units), state and harm among them.
        note: another writer's, as it stands.
    """

    at_ns: int
    notice_id: str
    action: str
    by: By | None = None
    state: Literal["done", "failed", "observed", "noted"] = "noted"
    followed: Followed | None = None
    before: Mapping[str, Any] = attrs.field(factory=dict)
    after: Mapping[str, Any] = attrs.field(factory=dict)
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "at": self.at_ns / 1e9,
            "action": self.action,
            "by": self.by,
            "state": self.state,
            "followed": self.followed,
            "before": dict(self.before) or None,
            "after": dict(self.after) or None,
            "note": self.note,
        }


def deeds(acted: Iterable[Json], notices: Sequence[Notice]) -> list[Deed]:
    """The deeds of a session.

    Args:
        acted: its `acted` lines, in order.
        notices: the engine's notices, in order.
    """
    found: list[Deed] = []
    about: dict[str, str] = {}
    for row in acted:
        at_ns, action = row["at_ns"], row["action"]
        deed = _read(at_ns, action, row["note"])
        if deed.state != "observed" or action not in about:
            # what followed is looked at later, when that notice may be over
            about[action] = _standing(at_ns, notices)
        found.append(attrs.evolve(deed, notice_id=about[action]))
    return found


def as_read(deed: Deed, shown: Iterable[Json]) -> str:
    """The words of the action when it was done, from the `shown` lines; empty if they have none."""
    text = ""
    for row in shown:
        if row["at_ns"] > deed.at_ns:
            break
        text = next((words for id_, words in row["actions"] if id_ == deed.action), text)
    return text


def _standing(at_ns: int, notices: Sequence[Notice]) -> str:
    """Id of the notice that stands at an instant; empty if none does."""
    stands = ""
    for notice in notices:
        if notice.at_ns > at_ns:
            break
        stands = "" if notice.state == "resolved" else notice.id
    return stands


def _read(at_ns: int, action: str, note: str) -> Deed:
    other = Deed(at_ns, "", action, note=note)
    match = _NOTE.fullmatch(note)
    if match is None:
        return other
    by, word, figures = cast(By, match[1]), match[2], match[3]
    if word in ("done", "failed") and not figures:
        return Deed(at_ns, "", action, by, "done" if word == "done" else "failed")
    if word not in FOLLOWED:
        return other
    try:
        both = json.loads(figures or "{}")
    except (ValueError, RecursionError):
        return other
    before, after = _figures(both.get("before")), _figures(both.get("after"))
    return Deed(at_ns, "", action, by, "observed", cast(Followed, word), before, after)


def _figures(plain: Any) -> dict[str, Any]:
    """The figures that are what they should be; a record comes from elsewhere."""
    if not isinstance(plain, dict):
        return {}
    found: dict[str, Any] = {}
    for name, value in plain.items():
        number = isinstance(value, int | float) and math.isfinite(value) and abs(value) < 2**53
        if value is None or number or (name == "state" and isinstance(value, str)):
            found[name[:40]] = value
    return found
