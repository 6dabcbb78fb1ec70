"""The cross-examination of what is left of a record, and of one that must be signed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from recorded import record
from retold import retold

from streamnotice.cli import main
from streamnotice.dossier import record as recording
from streamnotice.dossier.examination import examine, examined, last_words
from streamnotice.dossier.examination.session import load
from streamnotice.dossier.parts import part_path
from streamnotice.dossier.signing import Signer, load_signer, make_key


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PART_BYTES", 150_000)
    monkeypatch.setattr(recording, "LEAST_PART_BYTES", 100_000)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Signer, str]:
    private, public, _ = make_key(tmp_path_factory.mktemp("keys") / "k")
    return load_signer(private), str(public)


@pytest.mark.usefixtures("small_parts")
def test_it_begins_with_the_first_part_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is said of a notice is what the whole record says of it, as far back as it goes."""
    path = retold("home-slow", tmp_path / "d.jsonl.gz")
    whole = load(path)
    said = last_words(whole.notices)["n1"]
    part_path(path, 1).unlink()
    rest = load(path)
    assert 0 < rest.replay.begin_ns < said.at_ns
    assert rest.notices == tuple(n for n in whole.notices if n.at_ns > rest.replay.begin_ns)
    one, other = examined(whole, said), examined(rest, said)
    assert other.from_ns > rest.replay.begin_ns > one.from_ns
    assert other.margin == one.margin
    assert {r.place: r.ppm for r in other.rivals} == {r.place: r.ppm for r in one.rivals}

    assert main(["examine", str(path)]) == 0
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if "Part 1 is not there" in line]
    assert len(lines) == 1
    assert "it begins at 0:" in lines[0]
    assert main(["examine", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["first_part"], found["begin"] > 1) == (2, True)
    assert found["missing"] == lines[0]


@pytest.mark.usefixtures("small_parts")
def test_a_notice_of_a_part_that_is_gone_is_said_to_be_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = retold("home-slow", tmp_path / "d.jsonl.gz")
    for number in (1, 2, 3):
        part_path(path, number).unlink()
    assert main(["examine", str(path)]) == 0
    out = capsys.readouterr().out
    assert "no notice was raised in what is there of this session" in out
    assert "Parts 1 to 3 are not there" in out
    assert main(["examine", str(path), "--notice", "n1"]) == 2
    assert "from second" in capsys.readouterr().err


@pytest.mark.usefixtures("small_parts")
def test_the_memory_of_another_engine_is_not_taken_for_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told again by this engine, from nothing, and says so."""
    path = retold("home-slow", tmp_path / "old.jsonl.gz", other_engine=True)
    part_path(path, 1).unlink()
    assert load(path).forgotten
    assert main(["examine", str(path)]) == 1
    out = capsys.readouterr().out
    assert "what this engine makes of it now" in out
    assert "it begins there knowing nothing" in out


def test_a_whole_record_lacks_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = retold("healthy", tmp_path / "d.jsonl.gz")
    assert main(["examine", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["missing"], found["begin"], found["key"]) == (None, 0, None)


def test_a_signature_is_demanded(
    tmp_path: Path, keys: tuple[Signer, str], capsys: pytest.CaptureFixture[str]
) -> None:
    signer, public = keys
    path = retold("healthy", tmp_path / "signed.jsonl.gz", signer=signer)
    assert main(["examine", str(path), "--key", public]) == 0
    assert f"It is signed by the key {signer.key_id}." in capsys.readouterr().out
    assert main(["examine", str(path), "--key", public, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["key"] == signer.key_id
    _, another, _ = make_key(tmp_path / "another")
    unsigned = retold("healthy", tmp_path / "plain.jsonl.gz")
    for source, key, why in ((path, str(another), "key"), (unsigned, public, "not signed")):
        assert main(["examine", str(source), "--key", key]) == 1
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert why in err


def test_lines_that_no_signature_covers_are_refused_or_told(
    tmp_path: Path, keys: tuple[Signer, str], capsys: pytest.CaptureFixture[str]
) -> None:
    signer, public = keys
    lines = record(signer=signer).lines()
    signed = [n for n, line in enumerate(lines) if line.endswith(b'"type":"signature"}\n')]
    assert signed
    path = tmp_path / "cut.jsonl"
    path.write_bytes(b"".join(lines[: signed[0]]))  # nothing is signed
    assert main(["examine", str(path), "--key", public]) == 1
    assert "no signature stands behind" in capsys.readouterr().err


def test_the_cut_end_of_a_signed_record_is_told(
    tmp_path: Path, keys: tuple[Signer, str], capsys: pytest.CaptureFixture[str]
) -> None:
    signer, public = keys
    lines = retold("home-slow", tmp_path / "d.jsonl", signer=signer).read_bytes().splitlines(True)
    signed = [n for n, line in enumerate(lines) if line.endswith(b'"type":"signature"}\n')]
    path = tmp_path / "cut.jsonl"
    path.write_bytes(b"".join(lines[: signed[0] + 5]))
    found = examine(path, "").session
    assert found.unsigned is None  # no key was asked for
    assert main(["examine", str(path), "--key", public]) == 0
    out = capsys.readouterr().out
    assert "The end is missing" in out
    assert f"no signature stands behind lines {signed[0] + 2} to {signed[0] + 5}" in out
