"""Recursion (b): may a name be spoken now. One e-detector for each name.

    R_n <- (1 + R_n) E_n,   E_n = p(x_t | past, in n) / p(x_t | past, outside n)

(Shiryaev-Roberts form; Shin, Ramdas, Rinaldo, "E-detectors", 2022.) Both predictives are those of
the filter, restricted to the states of n and to all others. Looking every second is safe: the
mean time to a false crossing of 1/alpha is at least 1/alpha steps, averaged over the priors and as
far as the likelihoods hold and the power on the ratios is at most 1; for a name with a larger power
only the measured rate stands. `docs/how-it-weighs.md` says more.
"""

from __future__ import annotations

from functools import cache

import attrs

from streamnotice.decibans import NEVER, log_add, log_sum
from streamnotice.snapshot import stateful

CAP_MDB = 100_000
FLOOR_MDB = -300_000


@stateful
@attrs.define
class Gate:
    """log R (mdb) by name."""

    logs: dict[str, int] = attrs.Factory(dict)

    def step(
        self,
        names: dict[str, tuple[int, ...]],
        ahead: list[int],
        likelihoods: list[int],
        temper_permille: dict[str, int],
    ) -> None:
        """One step for every name.

        Args:
            names: name -> indices of its states.
            ahead: predictive log probabilities.
            likelihoods: log likelihoods of this step's outcomes.
            temper_permille: name -> power on its ratios, fitted against false crossings.
        """
        joint = [a + x for a, x in zip(ahead, likelihoods, strict=True)]
        for name, members in names.items():
            others = _others(members, len(ahead))
            ratio = (
                log_sum([joint[i] for i in members])
                - log_sum([ahead[i] for i in members])
                - log_sum([joint[i] for i in others])
                + log_sum([ahead[i] for i in others])
            )
            ratio = min(CAP_MDB, ratio * temper_permille[name] // 1000)
            before = self.logs.get(name, NEVER)
            self.logs[name] = max(FLOOR_MDB, log_add(0, before) + ratio)


@cache
def _others(members: tuple[int, ...], states: int) -> tuple[int, ...]:
    """Indices of all states that are not among *members*."""
    inside = set(members)
    return tuple(index for index in range(states) if index not in inside)
