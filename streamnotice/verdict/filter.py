"""Recursion (a): how likely is each place. A forward filter with sticky Markov switches.

    a_t(z) is proportional to [ sum over z' of A(z', z) a_{t-1}(z') ] x product of likelihoods

See `docs/how-it-weighs.md`. Peace turns into a fault at the rate of the table's switch; a fault
ends, or becomes another one, at theirs. While playback suffers, no fault relaxes into peace: a
starving player is not getting better for want of news. Each state is held with and without a
bystander, a queue that harms nobody (`streamnotice.verdict.bystander`), which comes and goes at
rates of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import attrs

from streamnotice.decibans import NEVER, from_ratio, log_add, log_add_each, log_sum, to_ppm
from streamnotice.snapshot import derived, stateful
from streamnotice.verdict.bystander import Bystander

PPM = 1_000_000


@attrs.frozen
class Switch:
    """Rates a decision step, in millionths.

    Attributes:
        onset_ppm: peace turns into some fault.
        end_ppm: a fault ends, while playback is well.
        move_ppm: a fault turns into another one.
    """

    onset_ppm: int
    end_ppm: int
    move_ppm: int


@cache
def _log(ppm: int) -> int:
    """mdb of a rate: a table has a handful of them, and needs them each step."""
    return from_ratio(ppm, PPM)


@attrs.frozen
class Layers:
    """Logs (mdb) of all states in two cases, not added up to 1.

    Attributes:
        alone: without a bystander.
        beside: beside one; empty if the table knows of none.
        both: of each state, with and without one.
    """

    alone: list[int]
    beside: list[int]
    both: list[int] = attrs.field(init=False)

    @both.default
    def _together(self) -> list[int]:
        return _both(self.alone, self.beside)


@stateful
@attrs.define
class Filter:
    """Log posteriors (mdb) over the table's states; index 0 is `fine`.

    Attributes:
        alone: of each state without a bystander.
        beside: and beside one; empty if the table knows of none.
    """

    alone: list[int]
    beside: list[int] = attrs.Factory(list)
    _logs: list[int] | None = derived()
    _masses: dict[tuple[int, ...], int] | None = derived()

    @classmethod
    def start(cls, logs: list[int], bystander: Bystander | None) -> Filter:
        """Before the first step, from what is expected of the states."""
        if bystander is None:
            return cls(logs)
        return cls(
            _at_least_never([log + bystander.absent for log in logs]),
            _at_least_never([log + bystander.there for log in logs]),
        )

    @classmethod
    def of(cls, joint: Layers) -> Filter:
        """What lay ahead with the outcomes weighed in, normalised."""
        total = log_sum(joint.both)
        alone = [log - total for log in joint.alone]
        beside = [log - total for log in joint.beside]
        found = cls(_at_least_never(alone), _at_least_never(beside))
        if found.alone is alone and found.beside is beside:
            # a sum by table goes by the difference of two alone: it would come to the same
            found._logs = [log - total for log in joint.both]
        return found

    def copy(self) -> Filter:
        """The same, to go on by itself."""
        return Filter(list(self.alone), list(self.beside))

    def moved(self, by: list[int]) -> Filter:
        """As if the states had been likelier by so many mdb before."""
        return Filter.of(Layers(_shifted(self.alone, by), _shifted(self.beside, by)))

    def reshared(self, was: Bystander, now: Bystander | None) -> Filter:
        """As if bystanders had been more or fewer before; None: as if there were none."""
        if now is None:
            return Filter.of(Layers(list(self.alone), []))
        return Filter.of(
            Layers(
                [log + now.absent - was.absent for log in self.alone],
                [log + now.there - was.there for log in self.beside],
            )
        )

    def beside_mass(self) -> int:
        """Log probability that a bystander is there, whatever is wrong."""
        return min(0, log_sum(self.beside))

    @property
    def logs(self) -> list[int]:
        """Of each state, with and without a bystander."""
        if self._logs is None:
            self._logs = _both(self.alone, self.beside)
        return self._logs

    def predict(
        self,
        priors: tuple[int, ...],
        switch: Switch,
        suffering: bool,
        bystander: Bystander | None,
    ) -> Layers:
        """One step ahead, before the next outcomes: the switch alone."""
        alone = _switched(self.alone, priors, switch, suffering)
        if bystander is None:
            return Layers(alone, [])
        beside = _switched(self.beside, priors, switch, suffering)
        come, go = _log(bystander.come_ppm), _log(bystander.go_ppm)
        absent, stays = _log(PPM - bystander.come_ppm), _log(PPM - bystander.go_ppm)
        return Layers(
            log_add_each([log + absent for log in alone], [log + go for log in beside]),
            log_add_each([log + stays for log in beside], [log + come for log in alone]),
        )

    @property
    def wrong_ppm(self) -> int:
        """Probability that something is wrong."""
        return PPM - to_ppm(self.logs[0])

    def likeliest(self, members: Iterable[int]) -> int:
        """The likeliest of some states; of equals the first."""
        return max(members, key=self.logs.__getitem__)

    def likelier_beside(self, state: int) -> bool:
        """*state* is likelier beside a bystander than without one."""
        return bool(self.beside) and self.beside[state] > self.alone[state]

    def mass(self, members: tuple[int, ...]) -> int:
        """Log probability of a set of states."""
        if self._masses is None:
            self._masses = {}
        mass = self._masses.get(members)
        if mass is None:
            mass = min(0, log_sum(map(self.logs.__getitem__, members)))
            self._masses[members] = mass
        return mass


def _switched(
    logs: list[int], priors: tuple[int, ...], switch: Switch, suffering: bool
) -> list[int]:
    """Peace turns into faults, faults into one another and, unless playback suffers, into peace."""
    end_ppm = 0 if suffering else switch.end_ppm
    fine = logs[0]
    faults = log_sum(logs[1:])
    arriving = log_add(fine + _log(switch.onset_ppm), faults + _log(switch.move_ppm))
    stay = _log(PPM - end_ppm - switch.move_ppm)
    relaxed = log_add(
        fine + _log(PPM - switch.onset_ppm),
        faults + _log(end_ppm) if end_ppm else NEVER,
    )
    ahead = log_add_each(
        _at_least_never([log + stay for log in logs]),
        [arriving + prior for prior in priors],
    )
    ahead[0] = relaxed
    return ahead


def _both(alone: list[int], beside: list[int]) -> list[int]:
    return log_add_each(alone, beside) if beside else alone


def _shifted(logs: list[int], by: list[int]) -> list[int]:
    return [log + more for log, more in zip(logs, by, strict=True)] if logs else []


def _at_least_never(logs: list[int]) -> list[int]:
    return logs if min(logs, default=0) >= NEVER else [max(NEVER, log) for log in logs]
