"""What is told of places that no gate was crossed for is nearer together than the filter has it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import as_file, files
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnotice.bottlenecks import INNER_NAMES, leaves_under
from streamnotice.decibans import from_ratio, log_sum, to_ppm
from streamnotice.dossier.reader import open_dossier
from streamnotice.engine import Engine
from streamnotice.events import Notice, Verdict
from streamnotice.observations import Observation
from streamnotice.testing import RECORDED
from streamnotice.verdict.calibration import calibrated
from streamnotice.verdict.tables import Tables, shipped

PLACES = ("none", "a", "b", "c", "d")


def masses(shares: list[int]) -> dict[str, int]:
    whole = sum(shares)
    return {place: from_ratio(share, whole) for place, share in zip(PLACES, shares, strict=True)}


@given(
    st.lists(st.integers(1, 10**6), min_size=5, max_size=5),
    st.sets(st.sampled_from(PLACES)),
    st.integers(1000, 3000),
)
def test_together_and_in_order_they_stay(
    shares: list[int], untested: set[str], temperature: int
) -> None:
    before = masses(shares)
    after = calibrated(before, untested, temperature)
    assert list(after) == list(before)
    assert {p: after[p] for p in PLACES if p not in untested} == {
        p: before[p] for p in PLACES if p not in untested
    }
    inside = [place for place in PLACES if place in untested]
    if inside:
        together = [log_sum([some[place] for place in inside]) for some in (before, after)]
        assert abs(together[0] - together[1]) <= 20
        for one in inside:
            for other in inside:
                if before[one] > before[other]:
                    assert after[one] >= after[other]


def test_odds_are_their_roots() -> None:
    before = masses([800_000, 200_000 - 3, 1, 1, 1])
    after = calibrated(before, PLACES, 2000)
    assert after["none"] - after["a"] == pytest.approx((before["none"] - before["a"]) / 2, abs=2)
    assert to_ppm(after["none"]) < 800_000


def test_at_one_nothing_changes() -> None:
    before = masses([5, 4, 3, 2, 1])
    assert calibrated(before, PLACES, 1000) == before


def _said(name: str, tables: Tables) -> Iterator[Verdict | Notice]:
    with as_file(files("streamnotice.testing") / "recordings" / f"{name}.jsonl.gz") as path:
        record = open_dossier(path)
        engine = Engine(record.header.settings, tables)
        for entry in record:
            events: list[Any] = []
            if entry.type == "tick":
                events = engine.tick(entry.at_ns)
            elif isinstance(entry.value, Observation):
                events = engine.feed(entry.value)
            yield from (event for event in events if isinstance(event, Verdict | Notice))


@pytest.mark.parametrize("name", RECORDED)
def test_what_is_named_and_when_does_not_depend_on_it(name: str) -> None:
    tables = shipped()
    assert tables.temperature_permille > 1000
    told = list(_said(name, tables))
    own = list(_said(name, attrs.evolve(tables, temperature_permille=1000)))
    softened = 0
    for one, other in zip(told, own, strict=True):
        assert (one.bottleneck, one.among, one.items) == (
            other.bottleneck,
            other.among,
            other.items,
        )
        shares, theirs = dict(one.alternatives), dict(other.alternatives)
        if one.among or one.impact is None or one.bottleneck not in (*INNER_NAMES, "undetermined"):
            assert one == other
            continue
        softened += one != other
        inside = leaves_under(one.bottleneck)
        if one.bottleneck != "undetermined":
            assert one.confidence_ppm == other.confidence_ppm
            assert {p: s for p, s in shares.items() if p not in inside}.items() <= theirs.items()
        top = max((p for p in theirs if p in inside or p == "none"), key=lambda p: theirs[p])
        assert shares[top] <= theirs[top] + 300
    assert softened or name != "edge-overloaded"
