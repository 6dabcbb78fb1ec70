"""The fitted numbers: likelihoods, tempering, switch, gate; and the priors, in a file of their own.

Nothing in the inference is a constant in code: what was fitted stands in `fitted.json` with its
provenance, what was taken from literature in `priors.json` with its sources. Both are hashed
into every dossier.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pkgutil import get_data
from typing import Any, Final

import attrs

from streamnotice.bottlenecks import FINE, OTHER, STATES, State
from streamnotice.decibans import from_ratio
from streamnotice.errors import EvidenceError
from streamnotice.verdict import bystander as bystanders
from streamnotice.verdict import change as changes
from streamnotice.verdict.bystander import Bystander
from streamnotice.verdict.change import Change
from streamnotice.verdict.filter import Switch

PPM: Final = 1_000_000
_DAMAGED: Final = (
    AttributeError, KeyError, IndexError, OverflowError, RecursionError, TypeError, ValueError
)  # fmt: skip


@attrs.frozen(eq=False)
class Tables:
    """What the inference runs on.

    Attributes:
        states: hypotheses, `fine` first; only those that the table was fitted for.
        likelihoods: rule -> outcome -> log likelihood (mdb) by state index, capped and tempered
            already.
        priors: log prior of each fault, given that there is one (index 0 unused).
        peace_ppm: prior probability that nothing is wrong when a session begins.
        switch: rates of change a step.
        gate_temper_permille, gate_inner_permille: powers on the gate's ratios, for leaves and
            sets of them, and for inner names: those are hardly ever falsely crossed.
        fatigue_steps: after so many repetitions an answer carries half its weight.
        temperature_permille: of what is told of untested places
            (`streamnotice.verdict.calibration`), where the way was asked.
        unprobed_temperature_permille: and where it never was.
        bystander: what the same answers weigh beside a queue that harms nobody; None if the
            table knows of none.
        change: when the answers of late stand against what was named; None: they are not asked.
        provisional: the table says so of itself.
    """

    name: str
    provisional: bool
    states: tuple[State, ...]
    likelihoods: dict[str, dict[str, tuple[int, ...]]]
    priors: tuple[int, ...]
    peace_ppm: int
    switch: Switch
    gate_temper_permille: int
    gate_inner_permille: int
    fatigue_steps: int
    temperature_permille: int
    unprobed_temperature_permille: int
    fitted_hash: str
    priors_hash: str
    bystander: Bystander | None = None
    change: Change | None = None

    def hashes(self) -> dict[str, str]:
        """Digests of the files behind the table."""
        return {"fitted": self.fitted_hash, "priors": self.priors_hash}

    def rows(self, rule: str, outcome: str) -> tuple[tuple[int, ...], ...]:
        """What an answer weighs for each state: without a bystander and, if it differs, beside one.

        Empty for what the table doesn't know.
        """
        row = self.likelihoods.get(rule, {}).get(outcome)
        if row is None:
            return ()
        if self.bystander is None or rule not in self.bystander.likelihoods:
            return (row,)
        return row, self.bystander.likelihoods[rule][outcome]

    def weight(self, rule: str, outcome: str, state: int, beside: bool) -> int:
        """What one answer weighs for a state, with or without a bystander; 0 if it isn't known."""
        rows = self.rows(rule, outcome)
        return rows[-1 if beside else 0][state] if rows else 0

    def start(self) -> list[int]:
        """Log probabilities before the first step, with and without a bystander together."""
        some = from_ratio(PPM - self.peace_ppm, PPM)
        return [from_ratio(self.peace_ppm, PPM), *(some + prior for prior in self.priors[1:])]

    @classmethod
    def parse(cls, fitted: bytes, priors: bytes) -> Tables:
        """Tables from the two files' bytes; EvidenceError if they don't hold together."""
        try:
            return _parse(json.loads(fitted), json.loads(priors), fitted, priors)
        except _DAMAGED as error:
            raise EvidenceError(f"not a table of likelihoods: {error!r}") from error


def _parse(fit: Any, mix: Any, fitted: bytes, priors: bytes) -> Tables:
    known = {str(state): state for state in (*STATES, OTHER)}
    states = tuple(known[name] for name in fit["states"])
    if states[0] != FINE or len(set(states)) != len(states):
        raise EvidenceError("a table's states must begin with none:fine and be distinct")
    rules = fit["rules"]
    likelihoods = {
        rule: _weights(rule, part, part["outcomes"], len(states)) for rule, part in rules.items()
    }
    bystander = None
    if "bystander" in fit:
        bystander = bystanders.parse(fit["bystander"], rules, states)
        beside = {
            rule: _weights(rule, rules[rule], rows, len(states))
            for rule, rows in bystander.likelihoods.items()
        }
        bystander = attrs.evolve(bystander, likelihoods=beside)
    temperature = _temperature("temperature_permille", fit["temperature_permille"])
    unprobed = fit.get("unprobed_temperature_permille", temperature)
    weights = [int(mix["weights"].get(str(state), 0)) for state in states[1:]]
    if any(weight <= 0 for weight in weights):
        raise EvidenceError("every state of the table needs a prior weight above 0")
    whole = sum(weights)
    return Tables(
        name=str(fit["name"]),
        provisional=bool(fit["provisional"]),
        states=states,
        likelihoods=likelihoods,
        priors=(0, *(from_ratio(weight, whole) for weight in weights)),
        peace_ppm=int(mix["peace_ppm"]),
        switch=Switch(**{key: int(value) for key, value in fit["switch"].items()}),
        gate_temper_permille=int(fit["gate_temper_permille"]),
        gate_inner_permille=int(fit["gate_inner_permille"]),
        fatigue_steps=max(1, int(fit["fatigue_steps"])),
        temperature_permille=temperature,
        unprobed_temperature_permille=_temperature("unprobed_temperature_permille", unprobed),
        fitted_hash=hashlib.sha256(fitted).hexdigest(),
        priors_hash=hashlib.sha256(priors).hexdigest(),
        bystander=bystander,
        change=changes.parse(fit["change"]) if "change" in fit else None,
    )


def _temperature(name: str, told: Any) -> int:
    permille = int(told)
    if not 1000 <= permille <= 10_000:
        raise EvidenceError(f"{name} must be from 1000 to 10000, not {permille}")
    return permille


def _weights(rule: str, part: Any, rows: Any, states: int) -> dict[str, tuple[int, ...]]:
    """outcome -> log likelihoods as they weigh: capped, and with the rule's power."""
    temper, cap = int(part["temper_permille"]), int(part["cap_mdb"])
    if cap <= 0:
        raise EvidenceError(f"the cap of rule {rule} must be above 0, not {cap}")
    if any(len(row) != states for row in rows.values()):
        raise EvidenceError(f"table row of rule {rule} has not one number for each state")
    return {
        outcome: tuple(max(-cap, min(cap, int(value))) * temper // 1000 for value in row)
        for outcome, row in rows.items()
    }


@cache
def shipped() -> Tables:
    """The tables that come with this version."""
    # pkgutil, not importlib.resources: that one brings in tempfile and random with it
    return Tables.parse(_data("fitted.json"), _data("priors.json"))


def _data(name: str) -> bytes:
    found = get_data("streamnotice.verdict", name)
    if found is None:
        raise EvidenceError(f"the shipped table {name} can't be read")
    return found
