"""When the answers of late take a name back: which steps count, and what is chosen."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from lab.fit.__main__ import CHANGE
from lab.fit.change import (
    AGAINST_MDB,
    CHOICES,
    WINDOWS,
    Found,
    look,
    runs,
    steps,
    still_true,
)
from lab.fit.legs import ECHO_S
from streamnotice.verdict.change import Change
from streamnotice.verdict.tables import Tables, shipped

RECORDINGS = Path(__file__).parents[2] / "lab" / "recordings"
STAYS = {"place": "network.home.wifi", "among": [], "onset_s": 5.0, "ends_s": None}
MOVES = {
    **STAYS, "ends_s": 30.4,
    "then": {"place": "service.edge", "among": ["service.origin"], "onset_s": 36.0},
}  # fmt: skip


def test_the_shipped_table_has_what_a_new_fit_would_start_with() -> None:
    change = shipped().change
    assert change is not None
    assert {"window_steps": change.window_steps, "against_mdb": change.against_mdb} == CHANGE


@pytest.mark.parametrize(
    ("key", "second", "true"),
    [
        ("network.home.wifi", 4, None),
        ("network.home.wifi", 10, True),
        ("network", 10, True),
        ("service.edge", 10, None),
        ("network.home.wifi", 31, None),
        ("network.home.wifi", 37, None),
        ("network.home.wifi", 31 + ECHO_S, False),
        ("network", 31 + ECHO_S, False),
        ("service.edge+service.origin", 35, None),
        ("service.edge+service.origin", 37, True),
        ("service.dns", 31 + ECHO_S, None),
    ],
)
def test_a_name_is_true_until_its_fault_has_ended(key: str, second: int, true: bool | None) -> None:
    assert still_true(key, second, MOVES) is true


def test_a_fault_that_stays_is_true_to_the_end() -> None:
    assert still_true("network.home.wifi", 90, STAYS) is True
    assert still_true("service.edge", 90, STAYS) is None
    assert still_true("network.home.wifi", 90, {**STAYS, "ends_s": 80.0}) is None


def test_the_most_stale_steps_are_found_of_what_is_seldom_mistaken() -> None:
    """A long window is never mistaken and finds half; a short one finds all, and is mistaken."""
    slow, hasty = Change(WINDOWS[-1], AGAINST_MDB[0]), Change(WINDOWS[0], AGAINST_MDB[0])
    found = Found(
        true={"a": [frozenset()] * 90, "b": [frozenset({hasty})] * 10},
        stale={"c": [frozenset({slow, hasty})] * 5, "d": [frozenset({hasty})] * 5},
    )
    assert found.best() == slow
    assert (steps(found.true, hasty), runs(found.true, hasty)) == (0.1, 1)
    assert (steps(found.stale, slow), runs(found.stale, slow)) == (0.5, 1)


def test_where_all_are_often_mistaken_the_slowest_is_taken() -> None:
    found = Found(true={"a": [frozenset(CHOICES)] * 10})
    assert found.best() == Change(WINDOWS[-1], AGAINST_MDB[-1])


def test_steps_of_a_real_run_are_looked_at() -> None:
    source = files("streamnotice.verdict")
    tables = Tables.parse(
        (source / "fitted.json").read_bytes(), (source / "priors.json").read_bytes()
    )
    folder = next(RECORDINGS.glob("wifi.unsteady-*"))
    found = Found()
    look(found, folder.name, STAYS, next(folder.glob("dossier.jsonl*")), tables)
    assert list(found.true) == [folder.name]
    assert not found.stale
    assert not runs(found.true, found.best())
