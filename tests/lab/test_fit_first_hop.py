"""To the home router's own answers, what lies behind it is the same wherever it lies."""

from __future__ import annotations

import json
from collections import defaultdict

from lab.fit.counts import BEFORE_ROUTER, FIRST_HOP, MISJUDGED, heard_alike
from lab.fit.page import VERDICT
from streamnotice.bottlenecks import FINE, OTHER, State


def test_no_place_behind_the_router_is_preferred() -> None:
    table = json.loads((VERDICT / "fitted.json").read_text(encoding="utf-8"))
    for outcome, row in table["rules"][FIRST_HOP]["outcomes"].items():
        weights: dict[str, set[int]] = defaultdict(set)
        for text, weight in zip(table["states"], row, strict=True):
            state = State(*text.split(":"))
            if state not in (FINE, OTHER, MISJUDGED):
                weights[heard_alike(state)].add(weight)
        before = weights.pop(BEFORE_ROUTER)
        assert all(len(found) == 1 for found in weights.values()), (outcome, weights)
        behind = {weight for found in weights.values() for weight in found}
        if outcome == "beyond":
            assert max(before) < min(behind)
        elif outcome in ("silent", "lossy", "delayed"):
            assert max(before) > max(behind)
