"""A queue on the home's line that harms nobody: it may stand there whatever is wrong, or nothing.

Another device's download fills the line's queue and leaves the film enough; what holds the film up
lies elsewhere. Whoever has seen queues only as faults takes such a one for the culprit, the surer
the longer it stands: its signs are many, but they all have one cause, that there is a queue. So
each state is held twice, without a bystander and beside one, and the filter weighs which
(`streamnotice.verdict.filter`). Beside one, the signs of that queue say little for or against any
place; a queue that comes when the harm comes still accuses, since bystanders seldom come just
then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import attrs

from streamnotice.bottlenecks import State
from streamnotice.decibans import NEVER, PPM, from_ratio, log_add
from streamnotice.errors import EvidenceError

PERMILLE: Final = 1000


@attrs.frozen(eq=False)
class Bystander:
    """What a table says of it.

    Attributes:
        share_permille: how many of the cases have one.
        go_ppm: rate a step at which one goes.
        likelihoods: rule -> outcome -> log likelihood (mdb) by state index beside a bystander;
            only of the rules whose answers it changes.
    """

    share_permille: int
    go_ppm: int
    likelihoods: dict[str, dict[str, tuple[int, ...]]]

    @property
    def there(self) -> int:
        """Log probability (mdb) that one is there when a session begins."""
        return from_ratio(self.share_permille, PERMILLE)

    @property
    def absent(self) -> int:
        """And that none is."""
        return from_ratio(PERMILLE - self.share_permille, PERMILLE)

    @property
    def come_ppm(self) -> int:
        """Rate a step at which one comes: as many come as go."""
        return self.go_ppm * self.share_permille // (PERMILLE - self.share_permille)

    def in_share(self, permille: int) -> Bystander:
        """The same, if so many of the cases had one."""
        return attrs.evolve(self, share_permille=permille)


def parse(
    told: Mapping[str, Any], rules: Mapping[str, Any], states: tuple[State, ...]
) -> Bystander:
    """The bystander of a table, its rows neither capped nor tempered yet.

    Args:
        told: `share_permille` of sessions have one, and each lasts `lasts_steps` in the mean.
            `rules` has what that queue shows as in each rule that sees it: the outcomes `shows_as`
            come as often as for the state `like`, and `kept_permille` of the answers are what they
            would be without it. The states `unchanged` have no bystander, or hide it.
        rules: as in the table.

    Raises:
        EvidenceError: a share is not between 0 and 1, or a state, rule or outcome is unknown.
    """
    share = _permille(told, "share_permille")
    lasts = int(told["lasts_steps"])
    go_ppm = PPM // lasts if lasts > 0 else 0
    names = [str(state) for state in states]
    like = names.index(_known([told["like"]], names)[0])
    likelihoods = {}
    for rule, change in told["rules"].items():
        rows = rules[_known([rule], rules)[0]]["outcomes"]
        shows = _known(change["shows_as"], rows)
        unchanged = _known(change["unchanged"], names)
        changes = [name not in unchanged for name in names]
        kept = from_ratio(_permille(change, "kept_permille"), PERMILLE)
        likelihoods[rule] = {
            outcome: _beside(row, changes, kept, row[like] if outcome in shows else NEVER)
            for outcome, row in rows.items()
        }
    found = Bystander(share, go_ppm, likelihoods)
    if not 0 < found.come_ppm < PPM or go_ppm >= PPM:
        raise EvidenceError(f"a bystander can't last {lasts} steps in {share} permille of them")
    return found


def _beside(row: Sequence[int], changes: Sequence[bool], kept: int, more: int) -> tuple[int, ...]:
    """An outcome's log likelihoods beside a bystander: its own, a little less, and the queue's."""
    return tuple(
        log_add(value + kept, more) if changed else value
        for value, changed in zip(row, changes, strict=True)
    )


def _permille(told: Mapping[str, Any], name: str) -> int:
    value = told[name]
    if not isinstance(value, int) or not 0 < value < PERMILLE:
        raise EvidenceError(f"{name} of a bystander must be from 1 to 999, not {value!r}")
    return value


def _known(names: Any, among: Collection[str]) -> list[str]:
    if not isinstance(names, list) or not all(name in among for name in names):
        raise EvidenceError(f"a bystander speaks of {names!r}, which the table doesn't know")
    return names
