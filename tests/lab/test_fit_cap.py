"""The cap of measured places: what it does to the scores, and that the least loss chooses it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from lab.fit.cap import held_out, main
from lab.fit.counts import LEAP, MEASURED, caps_nats
from lab.fit.recordings import Run, load_runs
from lab.fit.table import powers_of
from lab.fit.temper import CAPS_DB

FITTED = Path("streamnotice/verdict/fitted.json")
TABLE = json.loads(FITTED.read_text())
NAMES = ("core.lossy-129001", "healthy-129001", "wifi.lossy-129001")


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return list(load_runs([Path("lab/recordings")], only=frozenset(NAMES)))


def test_a_cap_bounds_what_one_answer_weighs(runs: list[Run]) -> None:
    folds = held_out(runs, TABLE)
    for cap_db in (5, 20):
        capped = folds.with_caps(caps_nats({"loss_place": cap_db * 1000}))
        (scores,) = capped.rule_scores("loss_place", TABLE["fatigue_steps"])
        most_db = np.abs(scores).max() * 10 / np.log(10)
        assert most_db == pytest.approx(cap_db)  # rows say more, uncapped
    assert LEAP not in MEASURED  # its power follows from logic


def test_the_least_loss_chooses_it(runs: list[Run], tmp_path: Path) -> None:
    folder, table = tmp_path / "runs", tmp_path / "fitted.json"
    for name in NAMES:
        shutil.copytree(Path("lab/recordings") / name, folder / name)
    shutil.copy(FITTED, table)
    assert main([str(folder), "--into", str(table)]) == 0
    made = json.loads(table.read_text())
    chosen = made["provenance"]["cap"]
    losses = {int(cap): loss for cap, loss in chosen["held_out_loss_nats_by_cap_db"].items()}
    assert tuple(losses) == CAPS_DB
    best = min(losses, key=losses.__getitem__)
    caps = {rule: row["cap_mdb"] for rule, row in made["rules"].items()}
    assert {caps[rule] for rule in MEASURED} == {best * 1000}
    assert {caps[rule] for rule in caps if rule not in MEASURED} == {10_000}
    assert chosen["runs"] == len(NAMES)
    again = held_out(runs, made).loss(powers_of(made), made["fatigue_steps"])
    assert again == pytest.approx(losses[best], abs=1e-4)
