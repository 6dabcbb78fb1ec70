"""A table read back as the fit has it: its states, log likelihoods, powers and caps.

    python -m lab.fit.table [--into streamnotice/verdict/fitted.json]

brings a table in line with what follows by logic (`lab.fit.counts.TIES`, `lab.fit.inside`),
without the runs that it was counted on: as a new fit would.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from lab.fit import inside
from lab.fit.caching import LIKE, SAYS
from lab.fit.counts import MDB_PER_NAT, MEASURED, TIES, caps_nats
from lab.fit.tying import Floats
from lab.fit.unasked import ANSWERS
from streamnotice.bottlenecks import State
from streamnotice.evidence import RULES
from streamnotice.evidence.status import RULE as STATUS

BY_LOGIC: Final = [*TIES, inside.NAME]
"""What a table says of itself that follows them all in its rows."""


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


def bring(table: dict[str, Any]) -> dict[str, Any]:
    """*table* with its rows as logic has them; what it is silent on stays so, but for what
    follows from other rows (`SAYS`, and names where nobody was asked).

    Ties that it says to follow already are left: some can be made but once.
    """
    made_already = table["provenance"].get("by_logic", ())
    ties = [tie for name, tie in TIES.items() if name not in made_already]
    states = states_of(table)
    rules = dict(table["rules"])
    for rule in RULES:
        part = rules.get(rule.name)
        if part is None:
            continue
        rows = part["outcomes"]
        whole = np.array([rows.get(o, [0] * len(states)) for o in rule.outcomes]) / MDB_PER_NAT
        made = whole
        for tie in ties:
            made = tie.make(made, rule, states)
        known = [*rows]
        if rule == STATUS and LIKE in rows:
            known.append(SAYS)
        if rule.name in ANSWERS:
            known.append(ANSWERS[rule.name]["too_few"])
        rules[rule.name] = {
            **part,
            "outcomes": {
                name: rows[name]
                if name in rows and np.array_equal(whole[at], made[at])
                else [round(float(value) * MDB_PER_NAT) for value in made[at]]
                for at, name in enumerate(rule.outcomes)
                if name in known
            },
        }
    return inside.with_inside({**table, "rules": rules})


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.fit.table", description=__doc__)
    parser.add_argument("--into", type=Path, default=Path("streamnotice/verdict/fitted.json"))
    args = parser.parse_args(argv)
    table = json.loads(args.into.read_text())
    made = table["provenance"]
    if made.get("by_logic") == BY_LOGIC:
        parser.error(f"{args.into} has been brought in line already")
    brought = bring(table)
    brought["provenance"] = {**made, "by_logic": BY_LOGIC}
    args.into.write_text(json.dumps(brought, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
