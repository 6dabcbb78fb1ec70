"""`streamnotice mute`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamnotice.cli import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def test_muted_listed_and_shown_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mute"]) == 0
    assert capsys.readouterr().out == "nothing is muted\n"
    assert not (home / "streamnotice").exists()
    assert main(["mute", "service", "--network", "any"]) == 0
    assert capsys.readouterr().out == "service: muted on any network\n"
    assert (home / "streamnotice" / "mutes.json").is_file()
    assert main(["mute", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(m["place"], m["network"]) for m in listed["mutes"]] == [("service", "any")]
    assert main(["mute", "service", "--off"]) == 0
    assert main(["mute", "service", "--off"]) == 0
    assert capsys.readouterr().out == "service: shown again\nservice: it was not muted\n"


def test_bad_use_is_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mute", "moon"]) == 2
    assert main(["mute", "--off"]) == 2
    (home / "streamnotice").mkdir()
    (home / "streamnotice" / "mutes.json").write_text("{]")
    assert main(["mute"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert "damaged" in said[2]
