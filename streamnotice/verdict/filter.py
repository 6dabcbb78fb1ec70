"""Recursion (a): how likely is each place. A forward filter with sticky Markov switches.

    a_t(z) is proportional to [ sum over z' of A(z', z) a_{t-1}(z') ] x product of likelihoods

See `docs/how-it-weighs.md`. Peace turns into a fault at the rate of the table's switch; a fault
ends, or becomes another one, at theirs. While playback suffers, no fault relaxes into peace: a
starving player is not getting better for want of news.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import attrs

from streamnotice.decibans import NEVER, from_ratio, log_add, log_add_each, log_sum, to_ppm
from streamnotice.snapshot import derived, stateful

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


@stateful
@attrs.define
class Filter:
    """Log posteriors (mdb) over the table's states; index 0 is `fine`."""

    logs: list[int]
    _masses: dict[tuple[int, ...], int] | None = derived()

    def predict(self, priors: tuple[int, ...], switch: Switch, suffering: bool) -> list[int]:
        """One step ahead, before the next outcomes: the switch alone."""
        end_ppm = 0 if suffering else switch.end_ppm
        fine = self.logs[0]
        faults = log_sum(self.logs[1:])
        arriving = log_add(fine + _log(switch.onset_ppm), faults + _log(switch.move_ppm))
        stay = _log(PPM - end_ppm - switch.move_ppm)
        relaxed = log_add(
            fine + _log(PPM - switch.onset_ppm),
            faults + _log(end_ppm) if end_ppm else NEVER,
        )
        ahead = log_add_each(
            _at_least_never([log + stay for log in self.logs]),
            [arriving + prior for prior in priors],
        )
        ahead[0] = relaxed
        return ahead

    def update(self, joint: list[int]) -> None:
        """Take what lies ahead with the outcomes weighed in, and normalise it."""
        total = log_sum(joint)
        self.logs = _at_least_never([log - total for log in joint])
        self._masses = None

    @property
    def wrong_ppm(self) -> int:
        """Probability that something is wrong."""
        return PPM - to_ppm(self.logs[0])

    def likeliest(self, members: Iterable[int]) -> int:
        """The likeliest of some states; of equals the first."""
        return max(members, key=self.logs.__getitem__)

    def mass(self, members: tuple[int, ...]) -> int:
        """Log probability of a set of states."""
        if self._masses is None:
            self._masses = {}
        mass = self._masses.get(members)
        if mass is None:
            mass = min(0, log_sum(map(self.logs.__getitem__, members)))
            self._masses[members] = mass
        return mass


def _at_least_never(logs: list[int]) -> list[int]:
    return logs if min(logs) >= NEVER else [max(NEVER, log) for log in logs]
