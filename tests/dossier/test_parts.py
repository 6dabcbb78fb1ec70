"""A long record goes on in parts: each can be read alone, all of them are one chain."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from recorded import record, resealed
from retold import retold

from streamnotice import snapshot
from streamnotice.cli import main
from streamnotice.dossier import examination
from streamnotice.dossier import record as recording
from streamnotice.dossier.parts import Memory, part_path
from streamnotice.dossier.reader import open_dossier
from streamnotice.dossier.record import Recorder
from streamnotice.dossier.replay import replay
from streamnotice.dossier.report import report
from streamnotice.dossier.verify import verify
from streamnotice.dossier.walk import open_walk
from streamnotice.engine import Engine
from streamnotice.errors import EvidenceError
from streamnotice.observations import Observation
from streamnotice.policy import Policy


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PART_BYTES", 15_000)
    monkeypatch.setattr(recording, "LEAST_PART_BYTES", 10_000)


def _headers(lines: list[bytes]) -> list[dict[str, object]]:
    return [plain for line in lines if (plain := json.loads(line))["type"] == "header"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_parts_stand_beside_the_last_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    recorder = record(stream=path)
    files = sorted(entry.name for entry in tmp_path.iterdir())
    ends = name.removeprefix("a")
    count = len(files)
    assert count >= 3
    assert files == sorted([f"a.part-{n:04d}{ends}" for n in range(1, count)] + [name])
    assert replay(path).parts == count
    found = verify(path)
    assert (found.outcome, found.parts) == ("verified", count)
    assert (found.observations, found.ticks) == (322, 40)
    assert found.paths == [str(tmp_path / f) for f in _in_order(path, count)]
    headers = _headers(recorder.lines())
    assert [header["part"] for header in headers] == list(range(1, count + 1))
    assert headers[0]["previous"] == ""


def _in_order(path: Path, count: int) -> list[str]:
    return [part_path(path, number).name for number in range(1, count)] + [path.name]


def test_all_parts_in_one_file_are_a_record(tmp_path: Path) -> None:
    recorder = record(stream=tmp_path / "a.jsonl.gz")
    recorder.save(tmp_path / "saved.jsonl.gz")
    joined = b"".join(
        (tmp_path / name).read_bytes()
        for name in _in_order(tmp_path / "a.jsonl.gz", len(list(tmp_path.glob("a.*"))))
    )
    assert (tmp_path / "saved.jsonl.gz").read_bytes() == joined
    saved, beside = verify(tmp_path / "saved.jsonl.gz"), verify(tmp_path / "a.jsonl.gz")
    assert saved.outcome == beside.outcome == "verified"
    assert (saved.head, saved.parts) == (beside.head, beside.parts)


def test_parts_are_replayed_beside_one_another_with_the_same_result(tmp_path: Path) -> None:
    record(stream=tmp_path / "a.jsonl")
    alone, together = verify(tmp_path / "a.jsonl"), verify(tmp_path / "a.jsonl", jobs=2)
    assert alone == together
    path = part_path(tmp_path / "a.jsonl", 2)
    lines = path.read_bytes().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if b'"transfer"' in line)
    del lines[at]
    path.write_bytes(b"".join(lines))
    alone, together = verify(tmp_path / "a.jsonl"), verify(tmp_path / "a.jsonl", jobs=2)
    assert alone.findings == together.findings != []
    assert alone.findings[0].path == str(path)
    assert alone.findings[0].first == at + 1


def test_each_part_verifies_alone(tmp_path: Path) -> None:
    record(stream=tmp_path / "a.jsonl")
    for number in (1, 2):
        path = part_path(tmp_path / "a.jsonl", number)
        found = verify(path)
        assert found.outcome == "partial"
        assert {one.check for one in found.findings} <= {"start", "end"}
        assert found.events > 5
        assert replay(path).outcome == "identical"


def test_a_missing_part_is_said(tmp_path: Path) -> None:
    record(stream=tmp_path / "a.jsonl")
    part_path(tmp_path / "a.jsonl", 1).unlink()
    found = verify(tmp_path / "a.jsonl")
    assert found.outcome == "partial"
    assert [one.text for one in found.findings] == [
        "it opens with part 2; what came before is not there"
    ]


def test_a_part_of_another_session_is_refused(tmp_path: Path) -> None:
    record(stream=tmp_path / "a.jsonl")
    path = part_path(tmp_path / "a.jsonl", 2)
    second = path.read_bytes().splitlines(keepends=True)
    other = json.loads(second[0]) | {"started_utc": "2020-01-01T00:00:00+00:00"}
    path.write_bytes(b"".join([_line(other), *second[1:]]))
    found = verify(tmp_path / "a.jsonl")
    assert found.outcome == "failed"
    assert found.findings[0].text == "started_utc: not as in the header of the part before"


def _line(plain: dict[str, object]) -> bytes:
    from streamnotice.dossier.codec import canonical

    return canonical(plain) + b"\n"


def test_a_forged_state_is_found_by_the_part_before(tmp_path: Path) -> None:
    """The state that opens a part is what the engine remembers at the end of the one before."""
    record(stream=tmp_path / "a.jsonl")
    path = part_path(tmp_path / "a.jsonl", 2)
    lines = path.read_bytes().splitlines(keepends=True)
    state = json.loads(lines[1])
    state["mind"]["f"]["late"] += 1
    forged = resealed_part([lines[0], _line(state), *lines[2:]])
    path.write_bytes(b"".join(forged))
    found = verify(tmp_path / "a.jsonl")
    assert found.outcome == "failed"
    replayed, *_ = [one for one in found.findings if one.check == "replay"]
    assert (replayed.path, replayed.first) == (str(path), 2)
    assert verify(path).outcome == "partial"  # alone it can't be told


def resealed_part(lines: list[bytes]) -> list[bytes]:
    return resealed(lines, start=bytes.fromhex(json.loads(lines[0])["previous"]))


def test_a_record_in_the_middle_of_a_part_may_end_in_a_cut(tmp_path: Path) -> None:
    record(stream=tmp_path / "a.jsonl")
    path = part_path(tmp_path / "a.jsonl", 1)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(EvidenceError, match="the end of the part is missing"):
        replay(tmp_path / "a.jsonl")
    assert verify(tmp_path / "a.jsonl").outcome == "failed"


def test_no_more_files_are_kept_than_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "KEEP_PARTS", 2)
    record(stream=tmp_path / "a.jsonl")
    assert len(list(tmp_path.iterdir())) == 2
    found = verify(tmp_path / "a.jsonl")
    assert found.outcome == "partial"
    assert found.parts == 2


def test_a_part_that_begins_while_it_is_read_is_no_forgery(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    record(stream=path)
    walk = open_walk(path)
    assert len(walk.paths) > 2
    path, other = Path(walk.paths[0]), Path(walk.paths[1])
    path.write_bytes(other.read_bytes())
    with pytest.raises(EvidenceError, match="line 1: the file was changed while it was read"):
        list(walk)


def test_memory_drops_its_oldest_part(tmp_path: Path) -> None:
    recorder = record(bound_bytes=8_000)
    assert recorder.dropped_parts > 0
    recorder.save(tmp_path / "a.jsonl.gz")
    assert (tmp_path / "a.jsonl.gz").stat().st_size < 16_000
    found = replay(tmp_path / "a.jsonl.gz")
    assert found.outcome == "identical"
    assert found.header.part == recorder.dropped_parts + 1
    assert found.closed


def test_memory_keeps_the_part_being_written() -> None:
    memory = Memory(10)
    memory.add(b"x" * 5000)
    memory.next_part()
    memory.add(b"y" * 5000)
    assert memory.raw() == b"y" * 5000
    assert gzip.decompress(memory.packed()) == memory.raw()
    assert memory.dropped == 1


def test_what_the_engine_can_not_tell_ends_the_parts_not_the_record(tmp_path: Path) -> None:
    told: list[object] = []

    def snapshot() -> dict[str, object]:
        raise TypeError("deque can't be part of a snapshot")

    header = record(close=False).header
    recorder = Recorder(
        header, 60_000, on_error=lambda where, why: told.append(why), snapshot=snapshot
    )
    for second in range(4_000):
        recorder.tick(second * 10**9)
    recorder.close(4_000 * 10**9)
    assert len(told) == 1
    assert recorder.truncated
    recorder.save(tmp_path / "a.jsonl")
    assert list(open_dossier(tmp_path / "a.jsonl"))[-1].type == "closed"


# -- part files that are others -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "what", "words"),
    [
        (2, 1, "the file where part 2 belongs is another one: it is part 1"),
        (1, 2, "the file where part 1 belongs is another one: it is part 2"),
        (1, None, "the file where part 1 belongs is another one: not a JSON object"),
    ],
)
def test_a_part_in_anothers_place_is_named(
    tmp_path: Path, where: int, what: int | None, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.jsonl"
    record(stream=path)
    other = b"root:x:0:0\n" if what is None else part_path(path, what).read_bytes()
    part_path(path, where).write_bytes(other)
    found = verify(path)
    assert found.outcome == "failed"
    (finding,) = [one for one in found.findings if one.check == "chain"]
    assert finding.path == str(part_path(path, where))
    assert finding.text.startswith(words)
    for command in (["verify", "--partial"], ["replay"], ["examine"]):
        assert main([*command, str(path)]) == 1, command
        assert part_path(path, where).name in "".join(capsys.readouterr())


# -- memories that are made up --------------------------------------------------------------------


@pytest.fixture
def second(tmp_path: Path) -> tuple[Path, list[bytes]]:
    """Where the second part of a record stands, and its lines."""
    (tmp_path / "whole").mkdir()
    record(stream=tmp_path / "whole" / "a.jsonl")
    path = part_path(tmp_path / "whole" / "a.jsonl", 2)
    return tmp_path / "a.jsonl", path.read_bytes().splitlines(keepends=True)


def _remembering(lines: list[bytes], *place: str | int, value: object) -> bytes:
    """The part with another value at one place of the engine's memory."""
    state = json.loads(lines[1])
    inner = state["mind"]
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    return b"".join(resealed_part([lines[0], _line(state), *lines[2:]]))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("f", "memory", "f", "belief"), 0),
        (("f", "memory", "f", "belief", "f", "alone"), {"t": [1]}),
        (("f", "memory", "f", "belief", "f", "alone", 0), "x"),
        (("f", "late"), True),
        (("f", "late"), 2**53),
        (("f", "late"), 10**4000),
        (("f", "closed"), None),
        (("f", "life", "f", "impact"), "bored"),
        (("f", "life", "c"), "Paths"),
        (("f", "life", "c"), ["Life"]),
        (("f", "life"), {"c": "Life"}),
        (("f", "estimates", "f", "playback", "f", "levels"), {"q": [], "n": None}),
        (("f", "estimates", "f", "playback", "f", "levels"), {"q": [], "n": -1}),
        (("f", "estimates", "f", "playback", "f", "levels"), {"q": [{"t": [1]}], "n": 240}),
        (("f", "estimates", "f", "playback", "f", "levels"), {"q": [], "n": 10**30}),
        (("f", "estimates", "f", "paths", "f", "paths"), {"d": [[[1], 2]]}),
        (("f", "estimates", "f", "paths", "f", "paths"), {"d": [1]}),
        (("f",), "x" * 100_000),
        (("c",), "Life"),
    ],
)
def test_a_memory_of_wrong_types_is_a_finding(
    tmp_path: Path, second: tuple[Path, list[bytes]], place: tuple[str | int, ...], value: object,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path, lines = second
    path.write_bytes(_remembering(lines, *place, value=value))
    found = verify(path)
    assert found.outcome == "failed"
    assert any((one.check, one.first) == ("replay", 2) for one in found.findings)
    for command in ("verify", "replay", "examine", "log"):
        code = main([command, str(tmp_path) if command == "log" else str(path)])
        out = "".join(capsys.readouterr())
        assert code == 1, command
        assert command == "replay" or "line 2" in out, out
        assert max(map(len, out.splitlines())) < 500


def test_a_deep_memory_is_a_finding(second: tuple[Path, list[bytes]]) -> None:
    path, lines = second
    value: object = 1
    for _ in range(450):
        value = {"t": [value]}
    path.write_bytes(_remembering(lines, "f", "late", value=value))
    assert verify(path).outcome == "failed"


def test_an_engine_that_a_memory_breaks_is_a_finding(
    tmp_path: Path, second: tuple[Path, list[bytes]], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Types are not all that a memory can get wrong."""
    path, lines = second
    path.write_bytes(b"".join(lines))
    assert verify(path).outcome == "partial"

    def broken(self: Engine, now_ns: int) -> list[object]:
        raise IndexError("\x1b[31m" * 10_000)

    monkeypatch.setattr(Engine, "tick", broken)
    found = verify(path)
    assert found.outcome == "failed"
    (finding,) = [one for one in found.findings if one.check == "replay"]
    assert finding.text == "the engine can't go on from the state on record"
    assert finding.got == "the engine can't go on from the state on record (IndexError)"
    assert finding.first > 2
    assert main(["replay", str(path)]) == 1
    assert main(["examine", str(path)]) == 1
    assert "can't go on from the state on record" in capsys.readouterr().err


def test_a_memory_that_replays_may_still_not_bear_other_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recording, "PART_BYTES", 150_000)
    monkeypatch.setattr(recording, "LEAST_PART_BYTES", 100_000)
    path = retold("home-slow", tmp_path / "d.jsonl")
    part_path(path, 1).unlink()
    monkeypatch.setattr(examination.leaving, "rules", lambda on, weights: {}["gone"])
    assert main(["examine", str(path)]) == 2
    err = capsys.readouterr().err
    assert "can't go on from the state on record (KeyError)" in err
    assert err.count("\n") == 1
    made = report(path)
    assert made.integrity.state == "partial"
    assert "no cross-examination" in made.html.lower()


def test_every_memory_has_checks_and_passes_them(tmp_path: Path) -> None:
    """All classes of the memory, whatever a session makes of them."""
    for cls in snapshot._CLASSES.values():
        assert len(snapshot._checks(cls)) == len(snapshot._FIELDS[cls][0])
    engine = Engine(Policy().settings())
    for number, entry in enumerate(open_dossier(retold("home-slow", tmp_path / "a.jsonl"))):
        if entry.type == "tick":
            engine.tick(entry.at_ns)
        elif isinstance(entry.value, Observation):
            engine.feed(entry.value)
        if number % 150 == 0:
            kept = json.loads(json.dumps(engine.snapshot()))
            assert Engine.restore(kept, Policy().settings()).snapshot() == kept
