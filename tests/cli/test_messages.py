"""`streamnotice messages`: lists, checks and previews texts; its exit code says how it went."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from streamnotice.cli import main
from streamnotice.evidence import RULES
from streamnotice.notices.catalog import known_ids
from streamnotice.notices.ids import place_stems
from streamnotice.notices.samples import samples
from streamnotice.notices.shipped import languages


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["messages", *words])
    return code, capsys.readouterr().out


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_list_has_every_message_with_what_may_stand_in_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out = run(capsys, "list", "--locale", "en", "--json")
    found = {line["id"]: line for line in lines(out)}
    assert code == 0
    assert found.keys() == known_ids().keys()
    assert found["network.among.sentence"]["required"] == ["places"]
    assert len(found["rule.connect.refused"]["forms"]) == 2


def test_the_list_can_be_cut_to_a_part_of_the_tree(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "list", "service.edge.slow", "--locale", "de")
    assert code == 0
    assert (
        "service.edge.slow.evidence  {against} {confidence} {evidence}! {place} {strength}" in out
    )
    assert "Der Auslieferungsserver scheint langsam" in out
    assert "service.edge.failing" not in out
    assert run(capsys, "list", "no.such")[0] == 1


def test_a_good_file_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own.toml"
    path.write_text('"impact.stalled" = "It stands."\n', encoding="utf-8")
    assert run(capsys, "check", str(path)) == (0, f"{path}: 1 text can be used, 0 can't\n")


def test_each_fault_is_a_line_that_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        '"impact.stalled" = "It stands."\n'
        '[de]\n"service.edge.slow.sentence" = "Es liegt ausschließlich an uns."\n'
        '[service.edge.failing]\ntitle = "<b>"\n'
        '[nl]\n"no.such" = "x"\n'
        '[service.dns.slow.title]\nfr = "{plaze}"\n',
        encoding="utf-8",
    )
    code, out = run(capsys, "check", str(path))
    assert code == 1
    faults = out.splitlines()
    assert faults[-1] == f"{path}: 1 text can be used, 4 can't"
    assert faults[0].startswith(
        f'{path}:3: "service.edge.slow.sentence" (de) says "ausschließlich"'
    )
    assert 'write like "scheint"' in faults[0]
    assert faults[1].startswith(f'{path}:5: "service.edge.failing.title" contains markup')
    assert faults[2].startswith(f'{path}:7: "no.such" (nl) is no message id')
    assert faults[3].startswith(f'{path}:9: "service.dns.slow.title" (fr) uses the unknown')
    code, out = run(capsys, "check", "--json", str(path))
    assert code == 1
    assert [fault["language"] for fault in lines(out)[0]["faults"]] == ["de", "", "nl", "fr"]


def test_operators_may_stand_in_a_file_only_if_the_policy_will_let_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.toml"
    path.write_text('"network.isp.core.sentence" = "{operator} seems busy."\n', encoding="utf-8")
    assert run(capsys, "check", str(path))[0] == 1
    assert run(capsys, "check", str(path), "--name-operators")[0] == 0
    code, out = run(capsys, "preview", "network.isp.core", "--messages", str(path),
                    "--name-operators", "--locale", "en")  # fmt: skip
    assert (code, "Example Net seems busy." in out) == (0, True)


@pytest.mark.parametrize(
    "words", [["check", "/no/such"], ["check"], [], ["preview", "--locale", "/"]]
)
def test_bad_use_is_exit_2_and_one_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["messages", *words])
    except SystemExit as error:
        code = int(str(error.code))
    assert code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("language", languages())
def test_the_preview_shows_every_notice(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "preview", "--locale", language, "--json")
    found = lines(out)
    assert code == 0
    shown = {line["message"] for line in found}
    assert shown >= set(place_stems())
    assert shown >= {f"notice.resolved.{end}" for end in ("recovered", "ended", "withdrawn")}
    assert all(line["text"] and line["title"] and line["locale"] == language for line in found)


def test_the_preview_is_plain_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "preview", "service.edge.slow", "--locale", "en")
    assert code == 0
    first, title, text, action = out.splitlines()
    assert (first, title) == ("service.edge.slow", "    The delivery server seems slow")
    assert text.startswith("    The video is held up. The server that delivers this video seems")
    assert action.startswith("    -> Choose a lower quality")


def test_samples_have_evidence_of_rules_that_there_are() -> None:
    known = {(rule.name, outcome) for rule in RULES for outcome in rule.outcomes}
    for sample in samples():
        assert {(item.rule, item.outcome) for item in sample.event.items} <= known


def test_each_variant_is_previewed_in_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "preview", "network.isp.access.slow", "--locale", "en")[1]
    assert "less than the 50 Mbit/s of your plan" in out
    out = run(capsys, "preview", "network.home.wifi.slow", "--locale", "en")[1]
    assert "Your Wi-Fi seems slow" in out


def test_a_samples_evidence_has_all_its_figures() -> None:
    from streamnotice.notices.catalog import Catalog

    catalog = Catalog()
    bare = {
        text
        for id_, text in ((i, catalog.template(i)) for i in known_ids())
        if id_.endswith(".bare")
    }
    for sample in samples():
        for item in catalog.show(sample.event, sample.policy, sample.context).evidence:
            assert item.text not in bare or item.measured == {}, (sample.message, item.text)


def test_the_language_is_what_the_environment_asks_for() -> None:
    command = [sys.executable, "-m", "streamnotice.cli", "messages", "list", "face.understood"]
    environ = {key: value for key, value in os.environ.items() if key[:3] != "LC_"}
    for wanted, said in (("de_AT.UTF-8", "Verstanden"), ("zh_CN", "I understand")):
        done = subprocess.run(
            command, env=environ | {"LANG": wanted, "PYTHONIOENCODING": "utf-8"},
            capture_output=True, encoding="utf-8", check=True,
        )  # fmt: skip
        assert said in done.stdout


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m streamnotice.cli messages list | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_name_of_a_file_can_not_drive_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own\x1b[31m\nfine.toml"
    path.write_text('"no.such" = "x"\n', encoding="utf-8")
    code, out = run(capsys, "check", str(path))
    assert (code, "\x1b" in out, out.count("\n")) == (1, False, 2)
