"""The priors that an examination tries."""

from __future__ import annotations

from streamnotice.dossier.examination.ranges import mixes
from streamnotice.verdict.tables import shipped


def test_an_inner_name_ten_times_as_often_is_all_that_lies_in_it() -> None:
    """`service` has states of its own: links of the server's network. They are not all of it."""
    tables = shipped()
    found = {(place, times): other for mix, place, times, other in mixes(tables) if mix == "place"}
    moved = [
        (new - old, state.place.partition(".")[0] == "service")
        for new, old, state in zip(
            found["service", 10_000].priors[1:], tables.priors[1:], tables.states[1:], strict=True
        )
    ]
    inside = {by for by, own in moved if own}
    outside = {by for by, own in moved if not own}
    assert len(inside) == len(outside) == 1
    assert min(inside) - max(outside) == 10_000
