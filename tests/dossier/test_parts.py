"""A long record goes on in parts: each can be read alone, all of them are one chain."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from recorded import record, resealed

from streamnotice.dossier import record as recording
from streamnotice.dossier.parts import Memory, part_path
from streamnotice.dossier.reader import open_dossier
from streamnotice.dossier.record import Recorder
from streamnotice.dossier.replay import replay
from streamnotice.dossier.verify import verify
from streamnotice.errors import EvidenceError


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
