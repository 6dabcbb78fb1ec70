"""Another world has other media, distances and lines, and the same faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from lab.scenarios import plan
from lab.worlds import ABROAD, HOME, VARIABLE


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
        low, high = ABROAD.delays_ms[{"inter2": "inter"}.get(name, name.rstrip("0123456789"))]
        assert low <= link["delay_ms"] <= high or name == "inter"  # to a carrier or to the server
        assert link["queue_ms"] in ABROAD.queues_ms
    change = abroad["links_onset"] or abroad["links_before"]
    rate = here.links_onset or here.links_before
    assert change[0]["values"]["rate_bps"] > 1.5 * rate[0].values["rate_bps"]


def test_what_is_no_world_is_said_so() -> None:
    done = _show("moon")
    assert done.returncode == 1
    assert done.stderr == f"{VARIABLE} must be one of {HOME.name}, {ABROAD.name}, not 'moon'\n"
