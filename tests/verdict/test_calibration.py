"""What is told of places that no gate was crossed for is nearer together than the filter has it."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.fit.page import VERDICT
from streamnotice.bottlenecks import is_leaf, leaves_under
from streamnotice.decibans import from_ratio, log_sum, to_ppm
from streamnotice.errors import EvidenceError
from streamnotice.events import Notice, Verdict
from streamnotice.evidence.rule import Outcome
from streamnotice.policy import Policy
from streamnotice.testing import RECORDED, play_recorded
from streamnotice.verdict.calibration import calibrated
from streamnotice.verdict.filter import Filter
from streamnotice.verdict.naming import Namer
from streamnotice.verdict.tables import Tables, shipped
from streamnotice.verdict.weigher import Weigher

ROUNDING_PPM = 300

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


def _said(name: str) -> list[Verdict | Notice]:
    return [event for event in play_recorded(name) if isinstance(event, Verdict | Notice)]


@pytest.mark.parametrize("name", RECORDED)
def test_what_is_named_and_when_does_not_depend_on_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = shipped()
    assert tables.temperature_permille > 1000
    told = _said(name)
    plain = attrs.evolve(tables, temperature_permille=1000, unprobed_temperature_permille=1000)
    monkeypatch.setattr("streamnotice.engine.shipped", lambda: plain)
    own = _said(name)
    assert list(map(_but_shares, told)) == list(map(_but_shares, own))
    softened = 0
    for one, other in zip(told, own, strict=True):
        shares, theirs = dict(one.alternatives), dict(other.alternatives)
        if one.bottleneck == "none" or (is_leaf(one.bottleneck) and not one.among):
            continue
        inside = one.among or leaves_under(one.bottleneck)
        if one.bottleneck != "undetermined" or one.among:
            assert one.confidence_ppm == other.confidence_ppm
            outside = {place: share for place, share in shares.items() if place not in inside}
            assert outside.items() <= theirs.items()
        top = max((p for p in theirs if p in inside or p == "none"), key=theirs.__getitem__)
        assert shares[top] <= theirs[top] + ROUNDING_PPM
        softened += shares != theirs
    assert softened or name != "home-slow"


def _but_shares(event: Verdict | Notice) -> Verdict | Notice:
    return attrs.evolve(event, alternatives=(), confidence_ppm=0)


def test_in_a_stall_it_is_told_alike_all_along() -> None:
    """Also while a stall isn't harm for a moment: it stands still, and a notice may stand."""
    namer, belief = _believing({"service.edge": 0.7, "network.isp.access": 0.2})
    calm = dict(namer.alternatives(belief, None, suffers=False))
    stalled = dict(namer.alternatives(belief, None, suffers=True))
    assert calm["service.edge"] > stalled["service.edge"] > stalled["network.isp.access"]
    edge = namer.named("service.edge", belief)
    assert dict(namer.alternatives(belief, edge, suffers=True)) == calm


@given(st.lists(st.integers(1, 10**6), min_size=33, max_size=33), st.booleans())
def test_alternatives_are_in_order_and_at_most_certain(weights: list[int], suffers: bool) -> None:
    tables = shipped()
    shares = [*weights, *[1] * (len(tables.states) - len(weights))]
    belief = Filter([from_ratio(share, sum(shares)) for share in shares])
    rows = Namer.build(tables, Policy().settings()).alternatives(belief, None, suffers)
    assert rows == sorted(rows, key=lambda row: (-row[1], row[0]))
    assert sum(share for _, share in rows) <= 1_000_000
    assert all(share >= 0 for _, share in rows)


def _believing(shares: dict[str, float]) -> tuple[Namer, Filter]:
    tables = shipped()
    namer = Namer.build(tables, Policy().settings())
    logs = [-60_000] * len(tables.states)
    logs[0] = from_ratio(1, 10)
    for place, share in shares.items():
        logs[namer.names[place][0]] = from_ratio(round(share * 1000), 1000)
    return namer, Filter(logs)


def test_where_the_way_was_never_asked_less_is_sure() -> None:
    tables = shipped()
    assert tables.unprobed_temperature_permille > tables.temperature_permille
    weigher = Weigher(tables, Namer.build(tables, Policy().settings()))
    memory = weigher.fresh()
    told = []
    for rule, outcome in (("pace", "steady"), ("queue_place", "none")):
        weigher.step(memory, len(told), {rule: Outcome(outcome)}, suffering=True)
        _, belief = _believing({"service.edge": 0.7, "network.isp.access": 0.2})
        memory.belief = Filter.start(belief.alone, tables.bystander)
        told.append(dict(weigher.alternatives(memory, None, suffers=True)))
    unasked, asked = (one["service.edge"] for one in told)
    assert unasked < asked < 700_000


@pytest.mark.parametrize("temperature", [0, 999, 10_001])
@pytest.mark.parametrize("name", ["temperature_permille", "unprobed_temperature_permille"])
def test_a_temperature_that_is_none_is_refused(name: str, temperature: int) -> None:
    plain = json.loads((VERDICT / "fitted.json").read_text()) | {name: temperature}
    with pytest.raises(EvidenceError, match=f"^{name} must .* not {temperature}"):
        Tables.parse(json.dumps(plain).encode(), (VERDICT / "priors.json").read_bytes())
