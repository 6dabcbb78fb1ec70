"""The benchmark runs, compares what it says it compares, and its load is a real session's."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from streamnotice.engine import Engine
from streamnotice.events import Verdict
from streamnotice.policy import Policy

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "observe.py"


@pytest.fixture(scope="module")
def observe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_observe", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=60
    )


def test_each_load_has_paired_ratios_with_their_spread() -> None:
    done = run("--rounds", "3", "--seconds", "4", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [load["load"] for load in found["loads"]] == ["mix", "playback", "between"]
    for load in found["loads"]:
        for name in ("engine_us", "histogram_us", "ratio"):
            assert 0 < load[name]["low"] <= load[name]["median"] <= load[name]["high"]
    assert [load["cpu_share"] is None for load in found["loads"]] == [False, False, True]


def test_the_table_for_people_has_a_row_a_load() -> None:
    done = run("--rounds", "1", "--seconds", "2")
    assert done.returncode == 0, done.stderr
    starts = [line.split(" ")[0] for line in done.stdout.splitlines()[-3:]]
    assert starts == ["mix", "playback", "between"]


def test_bad_numbers_are_refused_in_one_line() -> None:
    done = run("--rounds", "0")
    assert done.returncode == 2
    assert "--rounds must be at least 1" in done.stderr.splitlines()[-1]


def test_the_mix_gives_most_rules_something_to_weigh(observe: ModuleType) -> None:
    """A benchmark whose rules find nothing to read would flatter."""
    engine = Engine(Policy().settings())
    steps = 0
    for seen in observe.typical_mix(30):
        steps += sum(isinstance(event, Verdict) for event in engine.feed(seen))
    assert steps == 29
    assert engine.late == 0
    said = {answer.rule for _, row in engine._mind.memory.steps.rows for answer in row}
    assert len(said) >= 20, sorted(said)


def test_between_has_no_decision_step(observe: ModuleType) -> None:
    engine = Engine(Policy().settings())
    events = [event for seen in observe.playback_between(100) for event in engine.feed(seen)]
    assert not any(isinstance(event, Verdict) for event in events)
    assert engine.estimates.playback.buffer_ns == observe.playback_between(100)[-1].buffer_ns
