"""What learners read off the same answers is measured by the same yardstick as the engine."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lab.fit.page import ROOT
from lab.truth import ceiling
from lab.truth.ceiling import Seen, main, named_right, reweighed

RECORDINGS = ROOT / "lab" / "recordings"


def _run(place: str, *others: str) -> Seen:
    return Seen("some-1", place, frozenset({place, *others}), np.zeros(3), {})


def test_a_name_is_one_place_or_two_and_wrong_ones_are_few() -> None:
    runs = [_run("a"), _run("b"), _run("c", "d")]
    sure = [{"a": 0.9, "b": 0.1}, {"a": 0.5, "b": 0.45}, {"d": 0.99}]
    assert named_right(sure, runs) == (pytest.approx(2 / 3), 1.0)  # the second as "a or b"
    wrong = [*sure[:2], {"a": 0.93, "b": 0.06, "c": 0.01}]
    # the bar has to be above 0.99 for the third to be no name; nothing else passes it, too
    assert named_right(wrong, runs) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert named_right([{}, {}, {}], runs) == (0.0, 0.0)


def test_places_are_as_frequent_as_among_the_runs_shown() -> None:
    frequent = Counter({"network.isp.core": 29, "network.home.wifi": 9})
    told = reweighed({"network.home.wifi": 0.6, "network.isp.core": 0.4}, frequent)
    assert sum(told.values()) == pytest.approx(1)
    # the world's shares of the two are 25.8 and 3 in a hundred
    odds = (0.4 / 0.6) * (30 / 10) * (25.8 / 3.0)
    assert told["network.isp.core"] / told["network.home.wifi"] == pytest.approx(odds, rel=0.01)


def test_runs_are_shown_and_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fast = {name: one for name, one in ceiling.learners().items() if "trees" in name}
    monkeypatch.setattr(ceiling, "learners", lambda: fast)
    chosen = sorted(path for path in RECORDINGS.iterdir() if path.is_dir())
    for name, some in (("shown", chosen[::2]), ("asked", chosen[1::2])):
        (tmp_path / name).mkdir()
        for folder in some[:6]:
            (tmp_path / name / folder.name).symlink_to(folder)
    page = tmp_path / "page.md"
    page.write_text(f"before\n{ceiling.BEGIN}old\n{ceiling.END}after\n")
    arguments = [str(tmp_path / "shown"), "--on", str(tmp_path / "asked"), "--into", str(page)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert page.read_text() == f"before\n{ceiling.BEGIN}{printed}{ceiling.END}after\n"
    head, _, *rows = printed.splitlines()
    assert "`asked`:" in head
    assert [row.split("|")[1].strip() for row in rows] == [
        "the engine",
        "the engine, with the shares of the runs shown",
        "random trees",
    ]
    with pytest.raises(SystemExit):
        main([str(tmp_path / "shown"), "--on", str(tmp_path / "shown")])
    assert "not shown" in capsys.readouterr().err
