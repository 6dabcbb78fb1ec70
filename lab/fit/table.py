"""A table read back as the fit has it: its states, log likelihoods, powers and caps."""

from __future__ import annotations

from typing import Any

import numpy as np

from lab.fit.counts import MDB_PER_NAT, MEASURED, Floats, caps_nats
from streamnotice.bottlenecks import State
from streamnotice.evidence import RULES


def states_of(table: dict[str, Any]) -> tuple[State, ...]:
    """What the table was fitted for, in its order."""
    return tuple(State(*text.split(":")) for text in table["states"])


def logs_of(table: dict[str, Any]) -> dict[str, Floats]:
    """rule -> array (outcomes, states) in nats; what the table doesn't know says nothing."""
    states = len(table["states"])
    return {
        rule.name: np.array(
            [table["rules"][rule.name]["outcomes"].get(o, [0] * states) for o in rule.outcomes]
        )
        / MDB_PER_NAT
        for rule in RULES
        if rule.name in table["rules"]
    }


def powers_of(table: dict[str, Any]) -> dict[str, float]:
    """rule -> its power."""
    return {rule: row["temper_permille"] / 1000 for rule, row in table["rules"].items()}


def caps_of(table: dict[str, Any]) -> dict[str, float]:
    """Caps (nats) for `Counts`; a measured rule that the table doesn't know has the others'."""
    caps = {rule: int(row["cap_mdb"]) for rule, row in table["rules"].items()}
    measured = max((caps[rule] for rule in MEASURED if rule in caps), default=None)
    if measured is not None:
        caps = {**dict.fromkeys(MEASURED, measured), **caps}
    return caps_nats(caps)
