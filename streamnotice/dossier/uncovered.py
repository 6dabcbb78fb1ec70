"""What no signature covers, and whether a killed writer can have left it so.

A writer signs once a minute, behind everything that a viewer saw, and at the end of each part
(`streamnotice.dossier.record`). So what stands behind the last signature is short, and nobody saw
any of it: more than that was put there, or signatures were taken out.
"""

from __future__ import annotations

from typing import Final

import attrs

from streamnotice.dossier.codec import parse
from streamnotice.dossier.signing import SIGN_AFTER_NS
from streamnotice.dossier.walk import Line, Walk
from streamnotice.errors import EvidenceError
from streamnotice.policy import S_NS

LATE_NS: Final = 30 * S_NS
"""Sensors may be so late with what they tell."""
LONGEST_NS: Final = SIGN_AFTER_NS + LATE_NS
"""Session time behind the last signature."""

Place = tuple[str, int]
"""(file, number of the line)."""


@attrs.frozen
class Uncovered:
    """Lines that no signature stands behind.

    Attributes:
        first, last: their numbers, in the last file.
        text: in words.
        excused: a writer that was killed leaves as much.
    """

    first: int
    last: int
    text: str
    excused: bool


def uncovered(walk: Walk, end_ns: int, seen: Place | None) -> Uncovered | None:
    """What no signature covers of the record that *walk* went through.

    Args:
        end_ns: session instant of its last line.
        seen: the last line about something that a viewer saw or did.
    """
    if walk.unsigned is None:
        return None
    text, excused = "no signature stands behind these lines", False
    begun_ns = _at_ns(walk.unsigned_from)
    if walk.closed:
        pass  # the last thing that is written is a signature
    elif walk.verifier is not None and not walk.signatures:
        text += "; there is none at all, and the key says nothing of them"
    elif end_ns - begun_ns > LONGEST_NS:
        text += f", {(end_ns - begun_ns) // S_NS} s of the session; it is signed each minute"
    elif seen is not None and _stands_behind(walk, seen):
        text += f"; what a viewer saw (line {seen[1]}) is signed at once"
    else:
        excused = True
    return Uncovered(*walk.unsigned, text, excused)


def _stands_behind(walk: Walk, seen: Place) -> bool:
    """Does the line *seen* stand behind the last signature?"""
    first = walk.unsigned_from
    if first is None:
        return False
    order = walk.paths.index
    return (order(seen[0]), seen[1]) >= (order(first.path), first.number)


def _at_ns(line: Line | None) -> int:
    """A line's session instant; 0 if it tells none (whoever reads the line says what is wrong)."""
    if line is None:
        return 0
    try:
        at_ns = parse(line.raw).get("at_ns")
    except EvidenceError:
        return 0
    return at_ns if type(at_ns) is int else 0
