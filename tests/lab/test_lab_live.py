"""The lab's live source: segments when they are due, late when it suffers; playlists that slide."""

from __future__ import annotations

import json
from pathlib import Path

import m3u8
import pytest

from lab.live import FIRST_SEGMENTS, WINDOW_SEGMENTS, Publisher, Schedule


def _instants(fault: dict[str, object] | None, from_s: float, until_s: float) -> list[float]:
    """When segments come out, with a fault from *from_s* on."""
    schedule = Schedule(3.0, 0.0, seed=1)
    out = []
    for tick in range(round(until_s * 10)):
        now_s = tick / 10
        if tick == round(from_s * 10):
            schedule.fault(fault, now_s)
        if schedule.out(now_s):
            schedule.published(now_s)
            out.append(now_s)
    return out


def test_a_well_source_keeps_the_beat() -> None:
    assert _instants(None, 0, 12.2) == [0, 3, 6, 9, 12]


def test_a_stopped_source_publishes_nothing() -> None:
    assert _instants({"kind": "stopped"}, 6.5, 60) == [0, 3, 6]


def test_a_slow_source_takes_longer_for_each() -> None:
    assert _instants({"kind": "slow", "factor": 0.5}, 3.5, 22) == [0, 3, 9, 15, 21]


def test_a_source_with_gaps_catches_up_between_them() -> None:
    out = _instants({"kind": "gaps", "gap_s": 12, "good_s": 6}, 1.0, 19)
    assert [at for at in out if 1 <= at < 13] == []
    assert len([at for at in out if at >= 13]) == 6  # 3, 6, 9, 12 late, then 15 and 18 in time


def test_jitter_builds_up_no_lag() -> None:
    out = _instants({"kind": "jitter", "jitter_s": 2.0}, 0, 300)
    late = [at - 3 * number for number, at in enumerate(out)]
    assert 0.5 < max(late) < 2.2
    assert len(out) >= 99


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    media = tmp_path / "media"
    for name in ("low", "high"):
        (media / name).mkdir(parents=True)
        rows = [f"#EXTINF:3.000000,\ns{i:03d}.ts" for i in range(5)]
        (media / name / "index.m3u8").write_text("#EXTM3U\n" + "\n".join(rows) + "\n")
        for i in range(5):
            (media / name / f"s{i:03d}.ts").write_text(f"{name}{i}")
    (media / "master.m3u8").write_text("#EXTM3U\n")
    prefix = ["http://a.example", "http://b.example"]
    spec = {"media": str(media), "root": str(tmp_path / "live"), "prefix": prefix}
    return Publisher(json.loads(json.dumps({**spec, "warm_from": None, "seed": 1})))


def test_the_playlist_slides_and_tells_where_the_media_start_anew(
    publisher: Publisher, tmp_path: Path
) -> None:
    for _ in range(FIRST_SEGMENTS):
        publisher.publish()
    listed = m3u8.load(str(tmp_path / "live" / "low" / "index.m3u8"))
    assert listed.media_sequence == FIRST_SEGMENTS - WINDOW_SEGMENTS
    assert len(listed.segments) == WINDOW_SEGMENTS
    assert not listed.is_endlist
    assert [s.discontinuity for s in listed.segments] == [False, False, False, False, True, False]
    assert listed.discontinuity_sequence == 1
    assert {s.uri.split("/")[2] for s in listed.segments} == {"a.example", "b.example"}
    last = tmp_path / "live" / "low" / f"s{FIRST_SEGMENTS - 1:05d}.ts"
    assert last.read_text() == f"low{(FIRST_SEGMENTS - 1) % 5}"
