"""A user without a home folder (a service's, say): one clear line, and playback goes on."""

from __future__ import annotations

import json
import pwd
from pathlib import Path

import pytest

from streamnotice.baselines import default_path as default_baselines
from streamnotice.cli import main
from streamnotice.dossier.kept import keep
from streamnotice.errors import HostError
from streamnotice.notices.muting import default_path as default_mutes


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME, no folder named, and the system doesn't know the user."""

    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for variable in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.mark.usefixtures("homeless")
def test_playback_goes_on_without_baselines(
    short_stream: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--player", "none", "--duration", "1.5", "--json", "--baselines", "auto"]
    assert main(["watch", f"{short_stream}/master.m3u8", *words]) == 0
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["text"] for line in lines if line["type"] == "error"] == [
        "baselines: this user has no home folder to keep baselines in; set HOME or XDG_STATE_HOME"
    ]
    assert lines[-1]["media_bytes"] > 0
    assert "Traceback" not in err


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["log"], "this user has no home folder to keep records in; set HOME or XDG_STATE_HOME"),
        (["mute"], "this user has no home folder to keep mutes in; set HOME or XDG_CONFIG_HOME"),
    ],
)
def test_what_needs_a_home_says_so(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert capsys.readouterr() == ("", f"streamnotice {words[0]}: {says}\n")


@pytest.mark.usefixtures("homeless")
def test_a_record_that_cannot_be_kept_is_one_line() -> None:
    with pytest.raises(HostError, match="no home folder to keep records in"):
        keep(lambda path: pytest.fail(f"nothing is written to {path}"))


@pytest.mark.usefixtures("homeless")
def test_a_named_folder_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_baselines() == tmp_path / "streamnotice" / "baselines.json"
    monkeypatch.setenv("XDG_CONFIG_HOME", "not/absolute")  # to be passed over, by the standard
    with pytest.raises(HostError, match="mutes"):
        default_mutes()


def test_a_folder_that_cannot_be_used_is_one_line_each(
    short_stream: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    blocked = tmp_path / "streamnotice"
    blocked.write_text("a file where a folder should be")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    words = ["--player", "none", "--duration", "1.5", "--json", "--baselines", "auto"]
    assert main(["watch", f"{short_stream}/master.m3u8", *words]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (told,) = [line["text"] for line in lines if line["type"] == "error"]
    assert told.startswith(f"baselines: can't read the baselines {blocked}/baselines.json: ")
    # what the system refuses to look at, whatever its reason
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / ("x" * 300)))
    assert main(["log"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("streamnotice log: can't read the folder ")
    assert err.count("\n") == 1
