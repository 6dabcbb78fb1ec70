"""The verdict over a range of priors, of bars, and of how rare a false name has to be."""

from __future__ import annotations

from typing import Final

import attrs

from streamnotice.bottlenecks import LEAF_NAMES, UNDETERMINED, leaf
from streamnotice.decibans import log_sum
from streamnotice.dossier.examination.reweigh import (
    Fate,
    Stretch,
    fork,
    weigh_again,
    weigher_for,
)
from streamnotice.policy import Settings
from streamnotice.verdict.tables import Tables

TEN_MDB: Final = 10_000
FOUR_MDB: Final = 6_021
BARS_PPM: Final = (500_000, 800_000, 900_000, 950_000, 990_000, 995_000, 999_000, 999_900)
RARER: Final = (1, 10, 100, 1000, 10_000, 100_000)
"""False names are tried at a tenth of the session's own rarity, at it, at ten times it, ..."""


@attrs.frozen
class UnderPrior:
    """The verdict under another prior.

    Attributes:
        mix: "shipped", "alike" (all states equally often at fault), "third_parties" (four times
            as often), or "place" for one place alone.
        place, times_permille: that place, and its weight times this.
    """

    mix: str
    fate: Fate
    place: str = ""
    times_permille: int = 1000


@attrs.frozen
class UnderBar:
    """The verdict if every name's bar (or budget of false names) were another.

    Attributes:
        value: bar in millionths, or mean number of seconds between two false names.
    """

    value: int
    fate: Fate


def mixes(tables: Tables) -> list[tuple[str, str, int, Tables]]:
    """(mix, place, times, tables) of all priors that are tried."""
    places = [state.place for state in tables.states]
    third = {n for n in LEAF_NAMES if leaf(n).answerable == "third_party"}
    as_shipped = [*tables.priors]
    favoured = [p + FOUR_MDB * (at in third) for p, at in zip(as_shipped, places, strict=True)]
    found = [
        ("shipped", "", 1000, tables),
        ("alike", "", 1000, _mixed(tables, [0] * len(places))),
        ("third_parties", "", 1000, _mixed(tables, favoured)),
    ]
    for name in dict.fromkeys(places[1:]):
        if name == UNDETERMINED:
            continue
        for times, shift in ((100, -TEN_MDB), (10_000, TEN_MDB)):
            # all of an inner name's: some states are in it and in none of its leaves
            those = [at == name or at.startswith(f"{name}.") for at in places]
            logs = [p + shift * one for p, one in zip(as_shipped, those, strict=True)]
            found.append(("place", name, times, _mixed(tables, logs)))
    return found


def _mixed(tables: Tables, logs: list[int]) -> Tables:
    whole = log_sum(logs[1:])
    return attrs.evolve(tables, priors=(0, *(log - whole for log in logs[1:])))


def priors(on: Stretch, settings: Settings) -> tuple[UnderPrior, ...]:
    """The verdict under each prior.

    What was remembered at the stretch's start is moved by the ratio of the priors; where the
    stretch is the whole session so far, that is exactly a start under the other prior.
    """
    tables = on.weigher.tables
    found = []
    for mix, place, times, other in mixes(tables):
        start = fork(on.before[0])
        shift = [new - old for new, old in zip(other.priors, tables.priors, strict=True)]
        start.belief = start.belief.moved(shift)
        seen = weigh_again(on, weigher=weigher_for(other, settings), start=start)
        found.append(UnderPrior(mix, seen, place, times))
    return tuple(found)


def bars(on: Stretch, settings: Settings) -> tuple[UnderBar, ...]:
    """The verdict if all names had the same bar, for a range of them."""
    return tuple(
        UnderBar(
            bar,
            _named_under(
                on,
                attrs.evolve(
                    settings,
                    bar_viewer_ppm=bar,
                    bar_service_ppm=bar,
                    bar_third_party_ppm=bar,
                    place_bars_ppm=(),
                ),
            ),
        )
        for bar in BARS_PPM
    )


def budgets(on: Stretch, settings: Settings) -> tuple[UnderBar, ...]:
    """The verdict for a range of how rare false names have to be."""
    own = settings.false_naming_steps
    return tuple(
        UnderBar(steps, _named_under(on, attrs.evolve(settings, false_naming_steps=steps)))
        for steps in (max(1, own * times // 10) for times in RARER)
    )


def _named_under(on: Stretch, settings: Settings) -> Fate:
    """The verdict where other names may be spoken: they are questioned later, too, so that all is
    weighed again."""
    start = fork(on.before[0])
    start.spoken = None
    return weigh_again(on, weigher=weigher_for(on.weigher.tables, settings), start=start)
