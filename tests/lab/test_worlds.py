"""Another world has other media, distances and lines, and the same faults."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from lab.errors import LabError
from lab.fit.recordings import load_runs
from lab.scenarios import plan
from lab.worlds import ABROAD, HOME, VARIABLE, world_of


def _show(world: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab", "show", "access.slow", "--seed", "3"],
        env={**os.environ, VARIABLE: world},
        capture_output=True,
        text=True,
        check=False,
    )


def _links(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {link["name"]: link for link in shown["network"]["links"]}


def test_a_world_changes_the_ways_and_not_the_fault() -> None:
    abroad = json.loads(_show(ABROAD.name).stdout)
    here = plan("access.slow", 3)
    for key in ("place", "condition", "severity", "factor", "rendition", "onset_s"):
        assert abroad[key] == getattr(here, key)
    for name, link in _links(abroad).items():
        low, high = ABROAD.delays_ms[name.rstrip("0123456789")]
        if name == "inter":  # to a carrier or to the server
            low = min(low, ABROAD.delays_ms["transit"][0])
        assert low <= link["delay_ms"] <= high
        assert link["queue_ms"] in ABROAD.queues_ms
    change = abroad["links_onset"] or abroad["links_before"]
    rate = here.links_onset or here.links_before
    assert change[0]["values"]["rate_bps"] > 1.5 * rate[0].values["rate_bps"]


@pytest.mark.parametrize("name", ["core.lossy-129001", "healthy.live-129001", "vpn.slow-129002"])
def test_the_first_world_is_as_it_was(name: str) -> None:
    """Plans of recorded runs are still drawn from their seeds; what came later is beside them."""
    family, _, seed = name.rpartition("-")
    recorded = json.loads((Path("lab/recordings") / name / "truth.json").read_text())
    drawn = json.loads(json.dumps(attrs.asdict(plan(family, int(seed)).network)))
    was = recorded["scenario"]["network"]
    assert {key: drawn[key] for key in was} == was
    assert drawn.keys() - was.keys() == {"translates"}


def test_no_fit_takes_runs_of_another_world(tmp_path: Path) -> None:
    name = "healthy.live-129001"
    shutil.copytree(Path("lab/recordings") / name, tmp_path / name)
    file = tmp_path / name / "truth.json"
    truth = json.loads(file.read_text())
    assert world_of(truth) == HOME.name
    assert len(list(load_runs([tmp_path], world=HOME.name))) == 1
    file.write_text(json.dumps({**truth, "world": ABROAD.name}))
    with pytest.raises(LabError, match=f"{name} is a run of the world {ABROAD.name}"):
        list(load_runs([tmp_path], world=HOME.name))


def test_what_is_no_world_is_said_so() -> None:
    done = _show("moon")
    assert done.returncode == 1
    assert done.stderr == f"{VARIABLE} must be one of {HOME.name}, {ABROAD.name}, not 'moon'\n"
