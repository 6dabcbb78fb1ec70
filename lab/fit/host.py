"""What the computer's load tells of faults elsewhere, by logic: nothing.

How often the lab's computer is busy, and that its harmless load is played in runs without a fault,
is the lab's choice; a viewer's computer is as busy with a fault of the line as without one.
"""

from __future__ import annotations

from lab.fit.tying import Floats, tied
from streamnotice.bottlenecks import FINE, OTHER, State
from streamnotice.evidence import Rule
from streamnotice.evidence.host_load import RULE as HOST_LOAD


def host_by_logic(logs: Floats, rule: Rule, states: tuple[State, ...]) -> Floats:
    """*logs* (outcomes, states) of the rule of the load: the same for all that isn't the device."""
    if rule != HOST_LOAD:
        return logs
    own = ("device", OTHER.place)
    columns = [at for at, state in enumerate(states) if state.place not in own]
    return tied(logs, range(len(logs)), columns)


def other_by_logic(logs: Floats, rule: Rule, states: tuple[State, ...]) -> Floats:
    """And the same for a fault that no state stands for, where it is tied already: else a busy
    computer would, second by second, take every name away."""
    if rule != HOST_LOAD or OTHER not in states:
        return logs
    found = logs.copy()
    found[:, states.index(OTHER)] = logs[:, states.index(FINE)]
    return found
