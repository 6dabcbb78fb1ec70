"""What else is moved in the home: as the fault on this computer, or beside one and harmless."""

from __future__ import annotations

import pytest

from lab.build import LADDER_BPS
from lab.programs import PROGRAMS
from lab.scenarios import ALL, plan

SEEDS = range(1, 30)
BUSY = sorted(family for family in ALL if family.startswith("busy."))


@pytest.mark.parametrize("family", PROGRAMS)
def test_a_program_here_is_other_traffic_at_home(family: str) -> None:
    for seed in SEEDS:
        scenario = plan(f"here.{family}", seed)
        assert scenario == plan(f"here.{family}", seed)
        assert (scenario.place, scenario.condition) == ("network.home.sharing", "crowded")
        assert scenario.truth_among == ()  # this computer's own counters tell
        (crowd,) = scenario.crowds
        assert "viewer" in (crowd.source, crowd.sink)
        assert {crowd.source, crowd.sink} <= scenario.network.addresses.keys()
        assert scenario.network.tunnel is None


@pytest.mark.parametrize("family", BUSY)
def test_what_harms_nobody_leaves_enough(family: str) -> None:
    seen = set()
    for seed in SEEDS:
        scenario = plan(family, seed)
        assert scenario.severity != "near_miss" or "healthy" in family
        (crowd,) = scenario.crowds_before
        assert {crowd.source, crowd.sink} & {"viewer", "device"}
        assert scenario.place not in ("network.home.sharing", "player.misjudged")
        seen.add(scenario.beside)
        line = scenario.network.link("access")
        if family == "busy.access.crowded":  # its neighbours alone leave too little
            assert scenario.factor is not None
            assert scenario.factor < 0.8
        else:  # an equal share of the line is more than the top rendition needs
            assert line.down_bps / (crowd.flows + 1) > 1.3 * LADDER_BPS[-1]
        if crowd.source == "viewer":
            assert crowd.mean_bytes is not None
            mean_bps = crowd.mean_bytes * 8_000 / crowd.mean_pause_ms
            assert mean_bps <= 0.4 * line.up_bps
    assert len(seen) == 4
