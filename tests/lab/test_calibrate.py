"""The temperature is found on what the engine tells, each run weighing alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.fit import calibrate
from lab.fit.calibrate import best, main
from lab.fit.page import ROOT, VERDICT
from lab.fit.recordings import load_runs
from lab.fit.score import by_word, reliability

RECORDINGS = ROOT / "lab" / "recordings"


def test_the_least_score_wins_and_runs_say_how_surely() -> None:
    sure = {t: {f"r{n}": abs(t - 1600) / 1000 for n in range(30)} for t in (1000, 1600, 2000)}
    found = best(sure)
    assert (found.best_permille, found.from_permille, found.to_permille) == (1600, 1600, 1600)
    mixed = {t: {f"r{n}": abs(t - (1000, 2000)[n % 2]) / 1000 for n in range(31)} for t in sure}
    found = best(mixed)
    assert found.best_permille == 1000  # sixteen runs to fifteen
    assert (found.from_permille, found.to_permille) == (1000, 2000)
    assert found.brier[1600] == pytest.approx(0.5065, abs=0.01)


def test_what_was_said_parts_the_steps() -> None:
    names = sorted(path.name for path in RECORDINGS.iterdir() if path.is_dir())
    runs = list(load_runs([RECORDINGS], only=frozenset(names[:6])))
    words = by_word(runs)
    whole = sum(weight for _, _, weight in words.values())
    assert whole == pytest.approx(sum(bool(reliability([run]).bins) for run in runs))
    assert set(words) <= {"none", "undetermined", "inner", "set", "leaf"}


def test_it_goes_into_a_table_with_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = sorted(path for path in RECORDINGS.iterdir() if path.is_dir())[:4]
    some = tmp_path / "some"
    some.mkdir()
    for folder in chosen:
        (some / folder.name).symlink_to(folder)
    monkeypatch.setattr(calibrate, "GRID_PERMILLE", (1000, 1600))
    table = tmp_path / "table.json"
    table.write_bytes((VERDICT / "fitted.json").read_bytes())
    assert main([str(some), "--into", str(table)]) == 0
    told = json.loads(table.read_text())
    assert told["temperature_permille"] in (1000, 1600)
    made = told["provenance"]["temperature"]
    assert (made["runs"], made["archives"]) == (4, ["some"])
    assert set(made["brier_by_temperature"]) == {"1", "1.6"}
    (tmp_path / "none").mkdir()
    with pytest.raises(SystemExit):
        main([str(tmp_path / "none")])
    assert "no run there" in capsys.readouterr().err
