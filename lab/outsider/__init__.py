"""What real networks do and the lab's other families do not: by people who had not written
the engine, to find where it says something false.

Truths are declared by where the thing stands, whatever can be seen of it. No row of the table is
of runs of these families.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from lab.outsider import far_lines, far_ways
from lab.outsider.odd_peace import PEACE
from lab.outsider.odd_turns import TURNS
from lab.outsider.own_far import FAR
from lab.outsider.own_lines import LINES
from lab.outsider.own_well import WELL
from lab.outsider.servers import SERVERS
from lab.outsider.shapes import SHAPES
from lab.outsider.ways import WAYS

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw

OUTSIDERS: Final[dict[str, dict[str, Callable[[_Draw], Scenario]]]] = {
    "out.": {**WAYS, **SERVERS, **SHAPES},
    "far.": {**far_lines.LINES, **far_ways.WAYS},
    "odd.": {**PEACE, **TURNS},
    "own.": {**LINES, **FAR, **WELL},
}
"""What a name of theirs begins with -> an outsider's families. Each knew those of the ones before;
of the third are peace that looks bad, live streams, odd times, players of other makes. The fourth's
are plain faults of every place, made in ways of its own."""
