"""One live run: the watch command as an ordinary user behind real routers, and what it leaves."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab import build, corpus, isolation
from lab.fit.recordings import replay_run
from lab.fit.score import judge_run
from lab.run import Options
from lab.scenarios import plan
from streamnotice.evidence import RULES
from tests.lab.played import counted, lab, left_by_kill, playing

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def truth(live_lab: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("lab")
    # A fault there before Play, so that a short run shows it.
    return counted(out, "edge.slow", 19, 12)


def test_a_run_says_what_was_wrong_and_when(truth: tuple[dict[str, Any], Path]) -> None:
    found, _ = truth
    assert found["truth"]["place"] == "service.edge"
    assert found["truth"]["condition"] == "slow"
    assert found["truth"]["before"] is True
    assert found["truth"]["onset_s"] < 0
    assert found["exit"] == 0


def test_playback_really_suffers(truth: tuple[dict[str, Any], Path]) -> None:
    found, _ = truth
    started_s, stalls = found["outcome"]["started_s"], found["outcome"]["stalls"]
    assert stalls or started_s is None or started_s > 4


def test_a_run_leaves_the_output_and_a_readable_dossier(
    truth: tuple[dict[str, Any], Path],
) -> None:
    _, folder = truth
    lines = [json.loads(x) for x in (folder / "stdout.jsonl").read_text().splitlines()]
    assert lines[0]["type"] == "start"
    assert lines[-1]["type"] == "summary"
    with gzip.open(folder / "dossier.jsonl.gz", "rt") as dossier:
        assert all(isinstance(json.loads(line), dict) for line in dossier)


def test_the_home_router_translates_addresses(truth: tuple[dict[str, Any], Path]) -> None:
    found, _ = truth
    assert found["scenario"]["network"]["translates"]
    assert found["translated"] > 0


def test_the_home_routers_counters_are_read_by_upnp(
    truth: tuple[dict[str, Any], Path],
) -> None:
    _, folder = truth
    with gzip.open(folder / "dossier.jsonl.gz", "rt") as dossier:
        seen = [json.loads(line) for line in dossier]
    counts = [row for row in seen if row.get("kind") == "home-router"]
    assert counts
    assert all(row["rx_bytes"] > row["tx_bytes"] > 0 for row in counts)


def test_nothing_of_a_run_is_left_behind(truth: tuple[dict[str, Any], Path]) -> None:
    listed = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    assert not {"viewer", "edge", "origin"} & {row.split()[0] for row in listed.splitlines() if row}


def test_a_killed_run_takes_everything_with_it(live_lab: None, tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "lab", "run", "sharing.crowded", "--seed", "1",
         "--out", str(tmp_path)],
        env=isolation.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    output = tmp_path / ".sharing.crowded-1.part" / "stdout.jsonl"
    family = playing(run, output)
    assert output.stat().st_size > 0
    assert len(family) > 8
    assert not left_by_kill(run, family)


def test_a_corpus_does_not_repeat_what_is_there(
    truth: tuple[dict[str, Any], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, folder = truth
    code = corpus.carry_out(1, 1, folder.parent, Options(), first_seed=19, families=["edge.slow"])
    assert code == 0
    assert "1 there, 0 to do" in capsys.readouterr().err


def test_bad_usage_is_one_line(live_lab: None) -> None:
    done = lab("run", "nothing.wrong", "--out", "/nonexistent")
    assert done.returncode == 2
    assert "nothing.wrong" in done.stderr.splitlines()[-1]


def test_the_media_cost_what_the_ladder_says(live_lab: None) -> None:
    for (name, *_), bps in zip(build.RENDITIONS, build.LADDER_BPS, strict=True):
        size = sum(p.stat().st_size for p in (build.media() / name).glob("*.ts"))
        assert size * 8 / build.MEDIA_S == pytest.approx(bps, rel=0.08)


def test_names_a_live_source_and_a_tunnel_work_together(live_lab: None, tmp_path: Path) -> None:
    # The seed draws all three; the fault comes after the end of so short a run.
    family, seed = "vpn.slow", "26"
    scenario = plan(family, int(seed))
    assert scenario.network.tunnel
    assert scenario.service.live
    assert scenario.service.hosts > 1
    assert scenario.onset_s is not None
    assert scenario.onset_s > 5
    done = lab("run", family, "--seed", seed, "--out", str(tmp_path), "--duration", "5")
    assert done.returncode == 0, done.stderr
    with gzip.open(tmp_path / f"{family}-{seed}" / "dossier.jsonl.gz", "rt") as dossier:
        seen = [json.loads(line) for line in dossier]
    assert any(row.get("kind") == "live-edge" for row in seen)
    assert any(row.get("dns_ns") for row in seen if row.get("kind") == "request-connected")
    media = {row.get("medium") for row in seen if row.get("kind") == "interface"}
    assert media == {"tunnel"}
    roles = {row["role"]: row["segments"] for row in seen if row.get("kind") == "route"}
    assert roles["service"][0] == "network.vpn"
    assert roles["underlay"][0] != "network.vpn", "beside the tunnel"


@pytest.mark.parametrize(
    "family", ["healthy", "interconnect.unreachable", "edge.overloaded", "tunnel.access.slow"]
)
def test_a_fresh_run_is_told_truly(live_lab: None, tmp_path: Path, family: str) -> None:
    """Played now, by a real command behind real routers: nothing wrong said, in peace nothing."""
    seed = next(s for s in range(40, 90) if _there_at_once(family, s))
    truth, folder = counted(tmp_path, family, seed, 40)
    run = replay_run(
        folder.name, truth, next(folder.glob("dossier.jsonl*")), None, frozenset(), RULES
    )
    judged = judge_run(run)
    assert judged.worst not in ("wrong", "false"), (judged.name, truth["truth"])
    assert not judged.third_party
    assert bool(run.notices) == (family != "healthy")


def _there_at_once(family: str, seed: int) -> bool:
    """A severe fault before Play (or peace): a short run shows it."""
    drawn = plan(family, seed)
    stays = drawn.onset_s is None and drawn.ends_s is None and not drawn.phases_s
    return family == "healthy" or (stays and drawn.severity == "severe")
