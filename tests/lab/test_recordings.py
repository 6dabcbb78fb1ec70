"""The fixed part of the corpus: one recording of each family, judged with the shipped table.

They are the first run of each family in the published set, and of four families under a VPN, chosen
before anybody looked at what was said in them. What is wrong in them must be what the page owns up
to.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.fit.recordings import load_runs
from lab.fit.score import Judged, judge_run
from lab.scenarios import ALL, FAMILIES
from streamnotice.bottlenecks import FINE

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT / "lab" / "recordings"
PUBLISHED = ROOT / "docs" / "truth.json"


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    return [judge_run(run) for run in load_runs([RECORDINGS])]


def test_every_family_is_there(judged: list[Judged]) -> None:
    there = {j.run.family for j in judged}
    assert there >= set(FAMILIES)
    assert there <= set(ALL)


def test_what_is_wrong_is_what_the_page_says(judged: list[Judged]) -> None:
    page = json.loads(PUBLISHED.read_text())
    errors = [*page["errors"], *page["tunnels"]["errors"]]
    owned = {row["run"]: row["third_party"] for row in errors}
    wrong = {j.run.name: j.third_party for j in judged if j.worst in ("wrong", "false")}
    names = {j.run.name for j in judged}
    assert wrong == {run: third for run, third in owned.items() if run in names}


def test_most_faults_are_named_and_peace_is_quiet(judged: list[Judged]) -> None:
    harmed = [j for j in judged if j.run.truth != FINE]
    true = [j for j in harmed if j.said in ("exact", "among", "inner")]
    assert len(harmed) > 25
    assert len(true) >= len(harmed) * 6 // 10
    assert not [j.run.name for j in judged if j.run.truth == FINE and j.run.notices]
