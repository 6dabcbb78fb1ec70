"""The fixed part of the corpus: one recording of each family, judged with the shipped table.

They are the first run of each family in an earlier published set, and of four families under a VPN,
chosen before anybody looked at what was said in them. What is wrong in them must be what the page
owns up to, and so it is with a sample of the runs that the page is about.
"""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from lab.archive import opened, recorded
from lab.fit.legs import legs
from lab.fit.recordings import load_runs
from lab.fit.score import Judged, judge_run
from lab.scenarios import ALL, FAMILIES
from streamnotice.bottlenecks import FINE
from streamnotice.verdict.tables import shipped

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT / "lab" / "recordings"
ARCHIVE = ROOT / "lab" / "archive"
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
    owned = {row["run"]: row["third_party"] for row in page["kept"]["errors"]}
    wrong = {j.run.name: j.third_party for j in judged if j.worst in ("wrong", "false")}
    assert wrong == owned
    assert page["kept"]["runs"] == len(judged)


@pytest.mark.parametrize("name", ["judged", "tunnels", "moving", "long", "abroad"])
def test_a_sample_of_the_archive_says_what_the_page_says(name: str) -> None:
    """One run in twelve, and all in which the page owns up to something wrong."""
    page = json.loads(PUBLISHED.read_text())
    part = page if name == "judged" else page[name]
    owned = {row["run"]: row["third_party"] for row in part["errors"]}
    with opened(ARCHIVE / f"{name}.tar.xz") as folder:
        truths = {run: truth for run, truth, _ in recorded(folder)}
        counted = sorted(run for run, truth in truths.items() if not truth["void"])
        sample = frozenset(counted[::12]) | {name.partition(" (")[0] for name in owned}
        runs = list(load_runs([folder], only=sample))
        found = [judge_run(part) for run in runs for part in legs(run)]
    assert len(counted) == part["made"]["runs"]
    assert len(truths) - len(counted) == part["made"]["void"]
    assert {run.name for run in runs} == sample
    wrong = {j.run.name: j.third_party for j in found if j.worst in ("wrong", "false")}
    assert wrong == owned


def test_most_faults_are_named_and_peace_is_quiet(judged: list[Judged]) -> None:
    harmed = [j for j in judged if j.run.truth != FINE]
    true = [j for j in harmed if j.said in ("exact", "among", "inner")]
    assert len(harmed) > 25
    assert len(true) >= len(harmed) * 6 // 10
    assert not [j.run.name for j in judged if j.run.truth == FINE and j.run.notices]


BESIDE_A_DOWNLOAD = (
    "busy.edge.slow-185001",
    "busy.interconnect.crowded-185001",
    "busy.interconnect.crowded-185018",
)
"""A fault behind the line, and another device's download that fills the line's queue and leaves
enough: engine 0.25.0 took the line, or what fills it, for the fault in all of them."""


def test_a_queue_that_harms_nobody_is_not_blamed() -> None:
    tables = shipped()
    with opened(ARCHIVE / "traffic-25.tar.xz") as folder:
        only = frozenset(BESIDE_A_DOWNLOAD)
        found = [judge_run(run) for run in load_runs([folder], tables, only=only)]
        ignorant = attrs.evolve(tables, bystander=None)
        before = [judge_run(run) for run in load_runs([folder], ignorant, only=only)]
    assert {j.run.name for j in found} == set(BESIDE_A_DOWNLOAD)
    assert not [j.run.name for j in found if j.worst in ("wrong", "false") or j.third_party]
    assert {j.worst for j in before} == {"wrong"}
