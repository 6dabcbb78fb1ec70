"""The running record: bounded, streamed, saved whole or not at all, readable after a kill."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from recorded import record

from streamnotice.dossier.reader import open_dossier
from streamnotice.dossier.record import Recorder, make_header
from streamnotice.dossier.replay import replay
from streamnotice.errors import EvidenceError, HostError
from streamnotice.observations import Sight
from streamnotice.policy import Policy

TESTS = Path(__file__).parent


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_saved_and_streamed_records_are_the_same(tmp_path: Path, name: str) -> None:
    recorder = record(stream=tmp_path / name)
    recorder.save(tmp_path / f"saved-{name}")
    streamed, saved = (tmp_path / name).read_bytes(), (tmp_path / f"saved-{name}").read_bytes()
    assert streamed == saved
    whole = gzip.decompress(saved) if name.endswith(".gz") else saved
    assert whole.splitlines(keepends=True) == recorder.lines()
    assert len(list(open_dossier(tmp_path / name))) > 300


def test_two_recordings_have_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        record().save(tmp_path / name)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_without_an_engine_to_ask_recording_stops_at_its_bound(tmp_path: Path) -> None:
    """What was recorded until then can still be replayed."""
    recorder = record(bound_bytes=20_000, rotates=False, close=False)
    assert recorder.truncated
    recorder.dismissed(40 * 10**9, "n1", "network", "notice")
    recorder.close(40 * 10**9)
    recorder.save(tmp_path / "short.jsonl")
    types = [json.loads(line)["type"] for line in recorder.lines()]
    assert types[-6:] == ["truncated", "seal", "dismissed", "seal", "closed", "seal"]
    assert sum(map(len, recorder.lines())) < 100_000
    found = replay(tmp_path / "short.jsonl")
    assert found.outcome == "identical"
    assert found.truncated
    assert found.events > 0


def test_what_the_viewer_and_the_host_did_is_on_record(tmp_path: Path) -> None:
    recorder = record(close=False)
    recorder.dismissed(41 * 10**9, "n1", "service.edge", "session", "net-1")
    recorder.acted(42 * 10**9, "lower_quality", "buffer_ns 0 -> 4000000000")
    recorder.save(tmp_path / "a.jsonl")
    entries = list(open_dossier(tmp_path / "a.jsonl"))
    assert [entry.type for entry in entries[-2:]] == ["dismissed", "acted"]
    assert entries[-2].plain["scope"] == "session"
    assert replay(tmp_path / "a.jsonl").outcome == "identical"


def test_a_killed_writer_leaves_a_record(tmp_path: Path) -> None:
    """kill -9 in the middle: at most the last five seconds are lost, the rest replays."""
    for name in ("plain.jsonl", "packed.jsonl.gz"):
        path = tmp_path / name
        code = (
            f"import os, time; from recorded import record; r = record(stream={str(path)!r},"
            " close=False); r.tick(46 * 10**9); r.tick(47 * 10**9);"
            " print('there', flush=True); time.sleep(60)"
        )
        writer = subprocess.Popen(
            [sys.executable, "-c", code], cwd=TESTS, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parents[1]), str(TESTS)])},
        )  # fmt: skip
        assert writer.stdout is not None
        with writer:
            assert writer.stdout.readline() == "there\n"
            writer.send_signal(signal.SIGKILL)
        assert writer.returncode == -signal.SIGKILL
        found = replay(path)
        assert found.outcome == "identical"
        assert not found.closed
        assert found.events > 40


@pytest.mark.parametrize("packed", [False, True])
def test_a_cut_file_is_read_up_to_the_cut(tmp_path: Path, packed: bool) -> None:
    whole = b"".join(record().lines())
    data = gzip.compress(whole) if packed else whole
    path = tmp_path / "cut"
    for size in (len(data) // 2, len(data) - 5):
        path.write_bytes(data[:size])
        found = replay(path)
        assert found.outcome == "identical"
        assert found.cut is not None
        assert found.observations > 50


def test_an_unwritable_place_is_one_clear_error(tmp_path: Path) -> None:
    there_is_none = tmp_path / "none" / "a.jsonl"
    with pytest.raises(HostError, match=r"can't write the dossier .*none"):
        record(stream=there_is_none)
    with pytest.raises(HostError, match=r"can't write the dossier .*none"):
        record().save(there_is_none)
    (tmp_path / "folder").mkdir()
    with pytest.raises(HostError, match="can't write the dossier"):
        record().save(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="elsewhere: no /dev/full")
def test_a_full_disk_stops_the_file_and_nothing_else() -> None:
    told: list[tuple[str, object]] = []
    header = make_header(
        settings=Policy().settings(), engine_version="1", tables={}, provisional=True
    )
    with pytest.raises(HostError, match="can't write the dossier"):
        Recorder(header, 10_000, "/dev/full")  # the header is flushed at once
    recorder = Recorder(
        header, 10_000_000, os.devnull, lambda where, why: told.append((where, why))
    )
    assert recorder._files is not None
    recorder._files._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - it fills up now
    for second in range(12):
        recorder.tick(second * 10**9)
    recorder.close(12 * 10**9)
    assert [where for where, _ in told] == ["dossier"]
    assert sum(b"tick" in line for line in recorder.lines()) == 12


def test_what_cannot_be_recorded_is_refused_before_it_is_fed() -> None:
    recorder = record(close=False)
    before = recorder.lines()
    with pytest.raises(EvidenceError):
        recorder.observation(Sight(1, sensor="s", sees=True, why="\ud800"))
    assert recorder.lines() == before
