"""Lines that the engine has no part in: can they have been written where they stand?

What a viewer saw, waved away or did, and how a part begins and ends, follows from no observation:
replay says nothing of it. But a text is written right behind the answer that it is of, an answer
to a notice behind that notice, and the time of each such line is that of the ticks around it. A
forger who computes all seals anew has to keep to that, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from streamnotice.dossier.codec import Json
from streamnotice.dossier.reader import Entry
from streamnotice.dossier.uncovered import LATE_NS, Place
from streamnotice.events import Notice

UNSAID: Final = "a text that no notice stands behind"
ELSEWHERE: Final = "a text that does not stand behind its notice"
OTHER: Final = "a text that does not say what its notice does"
TIME: Final = "a time that does not fit the lines around it"
ANSWER: Final = "an answer to a notice that was not there"

Key = tuple[str, str, int]
"""Id, state and instant (ns): one step of one notice."""


def key_of(line: Json) -> Key:
    """The step of a notice that a `shown` line is of."""
    return line["id"], line["state"], line["at_ns"]


def by_key(notices: Iterable[Notice]) -> dict[Key, Notice]:
    """Notices by their steps; of several of one step the first."""
    found: dict[Key, Notice] = {}
    for notice in notices:
        found.setdefault((notice.id, notice.state, notice.at_ns), notice)
    return found


@attrs.define
class Beside:
    """Take the entries of a part in their order.

    Attributes:
        odd: places of what can't stand where it does, and why.
    """

    odd: list[tuple[Place, str]] = attrs.field(factory=list)
    _ticked_ns: int = 0
    _fed_ns: int = 0
    _waiting: list[tuple[Place, int]] = attrs.field(factory=list)
    _answers: set[Key] = attrs.field(factory=set)

    def take(self, entry: Entry, *, full: bool) -> None:
        """Look at one entry.

        Args:
            full: the bound was reached before it: what it belongs to is not on record.
        """
        place, at_ns = (entry.path, entry.line), entry.at_ns
        match entry.type:
            case "observation":
                self._fed_ns = max(self._fed_ns, at_ns)
            case "tick":
                self._tick(place, at_ns)
            case "event":
                if isinstance(entry.value, Notice):
                    said = entry.value
                    self._answers.add((said.id, said.state, said.at_ns))
            case "shown":
                if not full:
                    self._shown(place, key_of(entry.plain))
            case "state":
                self._timed(place, at_ns)
                self._fed_ns = at_ns
            case "closed" if not full and at_ns > self._fed_ns + LATE_NS:
                self.odd.append((place, TIME))
            case _:
                self._timed(place, at_ns)
                if entry.type == "closed":
                    self._before(at_ns)

    def _tick(self, place: Place, at_ns: int) -> None:
        self._before(at_ns)
        if at_ns < self._ticked_ns:
            self.odd.append((place, TIME))
        self._ticked_ns = at_ns  # one that is odd is told once
        self._fed_ns = max(self._fed_ns, at_ns)
        # a text is written at once; a face may only have fed something on the way
        self._answers.clear()

    def _timed(self, place: Place, at_ns: int) -> None:
        """The instant of a line of ours lies between the ticks around it."""
        if at_ns < max(0, self._ticked_ns - LATE_NS):
            self.odd.append((place, TIME))
        else:
            self._waiting.append((place, at_ns))

    def _shown(self, place: Place, key: Key) -> None:
        if key in self._answers:
            self._answers.discard(key)  # it is shown once
        else:
            self.odd.append((place, ELSEWHERE))

    def _before(self, now_ns: int) -> None:
        """What stands before an instant that was told is of no later one."""
        self.odd += [(place, TIME) for place, at_ns in self._waiting if at_ns > now_ns + LATE_NS]
        self._waiting.clear()


def unanswered(
    dismissed: Iterable[Json],
    waved: Iterable[Place | None],
    notices: Iterable[Notice],
    *,
    from_start: bool,
) -> list[Place]:
    """Where a viewer is said to have answered a notice that was not there to be answered.

    Args:
        dismissed, waved: the lines and their places; None where what they are of is not on record.
        notices: what the engine said.
        from_start: the session's start is there, and with it all that was said.
    """
    first: dict[str, Notice] = {}
    named: dict[str, set[str]] = {}
    for notice in notices:
        first.setdefault(notice.id, notice)
        named.setdefault(notice.id, set()).add(notice.bottleneck)
    found = []
    for line, place in zip(dismissed, waved, strict=True):
        began = first.get(line["id"])
        if place is None or not line["id"]:
            continue  # of a place, not of a notice
        if not from_start and (began is None or began.state != "raised"):
            continue  # what it is of was said before
        if (
            began is None
            or line["at_ns"] < began.at_ns
            or line["bottleneck"] not in named[line["id"]]
        ):
            found.append(place)
    return found
