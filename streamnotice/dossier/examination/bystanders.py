"""Might it be a queue on the home's line that harms nobody? How likely the weighing held one to be
there, and what becomes of the verdict if there were none, or more of them
(`streamnotice.verdict.bystander`)."""

from __future__ import annotations

from typing import Final

import attrs

from streamnotice.decibans import to_ppm
from streamnotice.dossier.examination.reweigh import Fate, Stretch, fork, weigh_again, weigher_for
from streamnotice.policy import Settings

SHARES_PERMILLE: Final = (0, 10, 100, 500)
"""How many of the cases have one: none, one in a hundred, in ten, in two."""


@attrs.frozen
class UnderShare:
    """The verdict if so many of the cases had a bystander."""

    share_permille: int
    fate: Fate


@attrs.frozen
class Beside:
    """What the weighing made of bystanders.

    Attributes:
        expected_permille: how many of the cases have one, by the table.
        there_ppm: probability that one was there at the notice, whatever is wrong.
        shares: the verdict under other shares.
    """

    expected_permille: int
    there_ppm: int
    shares: tuple[UnderShare, ...]


def beside(on: Stretch, settings: Settings) -> Beside | None:
    """Of the notice's stretch; None if the table knows of no bystanders.

    What was remembered at its start is moved by the ratio of the shares, as for other priors.
    """
    tables = on.weigher.tables
    shipped = tables.bystander
    if shipped is None:
        return None
    shares = []
    for share in SHARES_PERMILLE:
        other = shipped.in_share(share) if share else None
        start = fork(on.before[0])
        start.belief = start.belief.reshared(shipped, other)
        using = weigher_for(attrs.evolve(tables, bystander=other), settings)
        shares.append(UnderShare(share, weigh_again(on, weigher=using, start=start)))
    there = to_ppm(on.at_notice.belief.beside_mass())
    return Beside(shipped.share_permille, there, tuple(shares))
