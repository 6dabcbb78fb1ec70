"""A minimal set of rules that carry the verdict by themselves.

The heaviest rules are put together one by one until the verdict stands; then one after another is
dropped again, the lightest first, until none can be. What is left is *minimal*: without any one
of its members the verdict does not stand. It need not be the smallest there is: another road may
lead to a smaller one.
"""

from __future__ import annotations

import attrs

from streamnotice.dossier.examination.leaving import answered, only
from streamnotice.dossier.examination.reweigh import Fate, Stretch, weigh_again


@attrs.frozen
class Carrying:
    """A minimal set.

    Attributes:
        rules: its members, the heaviest first; empty if no evidence is needed.
        contested: what becomes of the verdict if the set is weighed together with every rule
            that speaks against it, and nothing else.
        opposing: those rules.
    """

    rules: tuple[str, ...]
    contested: Fate
    opposing: tuple[str, ...]


def carrying(on: Stretch, weights_mdb: dict[str, int]) -> Carrying | None:
    """A minimal set for the verdict; None if nothing was named.

    Args:
        weights_mdb: rule -> its weight for the name in the notice.
    """
    if on.claim is None:
        return None
    heaviest = sorted(answered(on), key=lambda rule: (-weights_mdb.get(rule, 0), rule))
    kept: list[str] = []
    for rule in heaviest:
        if _stands(on, kept):
            break
        kept.append(rule)
    dropped = True
    while dropped:  # a rule that was needed may no longer be when others are gone
        dropped = False
        for rule in reversed(kept):
            less = [other for other in kept if other != rule]
            if _stands(on, less):
                kept, dropped = less, True
    opposing = tuple(
        sorted(rule for rule, weight in weights_mdb.items() if weight < 0 and rule not in kept)
    )
    return Carrying(
        rules=tuple(kept),
        contested=weigh_again(on, only(frozenset((*kept, *opposing)))),
        opposing=opposing,
    )


def _stands(on: Stretch, kept: list[str]) -> bool:
    return weigh_again(on, only(frozenset(kept))).word == "stands"
