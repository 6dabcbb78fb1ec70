"""Recursion (b): may a name be spoken now. One e-detector for each name.

    R_n <- (1 + R_n) E_n,   E_n = p(x_t | past, in n) / p(x_t | past, outside n)

(Shiryaev-Roberts form; Shin, Ramdas, Rinaldo, "E-detectors", 2022.) Both predictives are those of
the filter, restricted to the states of n and to all others. Looking every second is safe: the
mean time to a false crossing of 1/alpha is at least 1/alpha steps, averaged over the priors and as
far as the likelihoods hold and the power on the ratios is at most 1; for a name with a larger power
only the measured rate stands. `docs/how-it-weighs.md` says more.
"""

from __future__ import annotations

from itertools import repeat

import attrs

from streamnotice.decibans import NEVER, from_ratio, log_add_each, quantities
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
        joint: list[int],
        temper_permille: dict[str, int],
    ) -> None:
        """One step for every name.

        Args:
            names: name -> indices of its states.
            ahead: predictive log probabilities.
            joint: the same with the log likelihoods of this step's outcomes.
            temper_permille: name -> power on its ratios, fitted against false crossings.
        """
        before = quantities(ahead)
        after = quantities(joint)
        all_before, all_after = sum(before), sum(after)
        logs = self.logs
        one_more = log_add_each(repeat(0, len(names)), [logs.get(name, NEVER) for name in names])
        for (name, members), log_before in zip(names.items(), one_more, strict=True):
            was = sum(map(before.__getitem__, members))
            now = sum(map(after.__getitem__, members))
            outside = was * (all_after - now)
            log = from_ratio(now * (all_before - was), outside) if outside else CAP_MDB
            log = min(CAP_MDB, log * temper_permille[name] // 1000)
            logs[name] = max(FLOOR_MDB, log_before + log)
