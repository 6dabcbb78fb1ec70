"""Bars of single places are part of the record: who checks it later goes by them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from retold import retold

from streamnotice.cli import main
from streamnotice.dossier import schema
from streamnotice.dossier.examination import examine
from streamnotice.dossier.reader import open_dossier
from streamnotice.dossier.report import report
from streamnotice.dossier.verify import verify

STRICT = {"service.edge": 0.999_99}


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return retold("edge-overloaded", tmp_path_factory.mktemp("bars") / "strict.jsonl", bars=STRICT)


def test_a_record_with_bars_says_so_and_follows_from_them(dossier: Path) -> None:
    header = open_dossier(dossier).header
    assert header.settings.place_bars_ppm == (("service.edge", 999_990),)
    assert header.plain["policy"]["bars"] == {"service.edge": "0.99999"}
    found = verify(dossier)
    assert (found.outcome, found.findings) == ("verified", [])
    valid = Draft202012Validator(schema.shipped())
    valid.validate(json.loads(dossier.read_bytes().splitlines()[0]))


def test_a_record_without_bars_has_no_trace_of_them(tmp_path: Path) -> None:
    plain = open_dossier(retold("healthy", tmp_path / "a.jsonl")).header.plain
    assert "place_bars_ppm" not in plain["settings"]
    assert "bars" not in plain["policy"]


def test_taking_the_bars_out_of_a_record_is_found(dossier: Path, tmp_path: Path) -> None:
    lines = dossier.read_bytes().splitlines(keepends=True)
    bars = b',"place_bars_ppm":[["service.edge",999990]]'
    assert bars in lines[0]
    (tmp_path / "b.jsonl").write_bytes(b"".join([lines[0].replace(bars, b""), *lines[1:]]))
    found = verify(tmp_path / "b.jsonl")
    assert found.outcome == "failed"


def test_examination_and_report_go_by_them(
    dossier: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (seen,) = examine(dossier, "").notices
    assert seen.notice.bottleneck == "service"
    # one bar for all is one bar for all: it takes the place of the single ones, too
    usual = next(one for one in seen.bars if one.value == 950_000)
    assert usual.fate.bottleneck == "service.edge"
    assert main(["examine", str(dossier)]) == 0
    out = capsys.readouterr().out
    assert "bars of single places: service.edge 99.99 %" in out
    text = re.sub(r"<[^>]+>", "", report(dossier).html)
    assert "Bars of single placesservice.edge 99.99 %" in text
