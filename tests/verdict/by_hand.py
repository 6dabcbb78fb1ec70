"""Tables small enough to check by hand, and what is weighed with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from hypothesis import strategies as st

from streamnotice.decibans import to_ppm
from streamnotice.evidence.rule import Outcome
from streamnotice.policy import Policy
from streamnotice.verdict.naming import Namer
from streamnotice.verdict.tables import Tables
from streamnotice.verdict.weigher import Memory, Weigher

S_NS = 1_000_000_000
Rows = Mapping[str, Sequence[int]]
"""outcome -> mdb by state."""
Answers = dict[str, str]
"""rule -> outcome at one step."""


def part(rows: Rows, power: int = 1000, cap: int = 10_000) -> dict[str, object]:
    """What a table says of one rule."""
    return {"temper_permille": power, "cap_mdb": cap, "outcomes": rows}


def table(states: Sequence[str], rules: object, **changes: object) -> Tables:
    fitted = {
        "name": "by hand",
        "provisional": True,
        "states": states,
        "switch": {"onset_ppm": 2000, "end_ppm": 20000, "move_ppm": 500},
        "gate_temper_permille": 1000,
        "gate_inner_permille": 1000,
        "fatigue_steps": 20,
        "temperature_permille": 1000,
        "rules": rules,
        **changes,
    }
    priors = {"peace_ppm": 980_000, "weights": dict.fromkeys(states[1:], 10)}
    return Tables.parse(json.dumps(fitted).encode(), json.dumps(priors).encode())


def weigher(tables: Tables, policy: Policy | None = None) -> Weigher:
    return Weigher(tables, Namer.build(tables, (policy or Policy()).settings()))


def step(
    using: Weigher, memory: Memory, second: int, answers: Answers, *, live: bool = True
) -> None:
    outcomes = {rule: Outcome(name) for rule, name in answers.items()}
    using.step(memory, second * S_NS, outcomes, answers.get("harm") == "stalled", live=live)


def sessions(rules: Mapping[str, Rows]) -> st.SearchStrategy[list[Answers]]:
    """Any answers of *rules*, or none, at up to 60 steps."""
    optional = {rule: st.sampled_from(list(rows)) for rule, rows in rules.items()}
    return st.lists(st.fixed_dictionaries({}, optional=optional), max_size=60)


def stays_normal(using: Weigher, steps: Iterable[Answers]) -> None:
    """At every step the states' probabilities make one."""
    memory = using.fresh()
    for second, answers in enumerate(steps, 1):
        step(using, memory, second, answers)
        assert abs(sum(to_ppm(log) for log in memory.belief.logs) - 1_000_000) < 2_000
