"""Mutes: what they cover, and the file that keeps them."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnotice.bottlenecks import LEAF_NAMES, NAMEABLE, leaves_under
from streamnotice.errors import EvidenceError, HostError, StreamnoticeError
from streamnotice.notices.muting import EVERYTHING, Mute, MuteFile, check_place, covers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "mutes.json"


@given(st.sampled_from(NAMEABLE), st.sampled_from(NAMEABLE))
def test_a_mute_covers_what_lies_under_it_and_nothing_else(place: str, named: str) -> None:
    if "undetermined" in (place, named):
        assert covers(place, named) == (place == named)
    else:
        assert covers(place, named) == (set(leaves_under(named)) <= set(leaves_under(place)))
    assert covers(EVERYTHING, named)


@given(st.sampled_from(NAMEABLE), st.lists(st.sampled_from(LEAF_NAMES), min_size=1, max_size=4))
def test_several_leaves_are_covered_only_if_each_is(place: str, among: list[str]) -> None:
    if place in ("undetermined", "network"):
        return
    expected = all(leaf in leaves_under(place) for leaf in among)
    assert covers(place, "network", among) == expected


def test_only_places_can_be_muted() -> None:
    assert check_place("network.home") == "network.home"
    for bad in ("moon", "none", "", "network.home.wifi.slow"):
        with pytest.raises(HostError, match="can't be muted"):
            check_place(bad)


def test_kept_and_forgotten(path: Path) -> None:
    file = MuteFile(path)
    assert file.mutes() == ()
    assert not path.exists()  # nothing is written before there is something to keep
    file.add(Mute("service", "net-1", since="2026-01-02"))
    file.add(Mute("service", "net-1"))  # twice is once
    file.add(Mute("service"))
    again = MuteFile(path)
    assert again.salt == file.salt
    assert [(one.place, one.network, one.scope) for one in again.mutes()] == [
        ("service", "net-1", "always"),
        ("service", "", "always"),
    ]
    assert again.remove("service", "net-1") == 1
    assert MuteFile(path).remove("service") == 1
    assert MuteFile(path).mutes() == ()
    assert MuteFile(path).salt == file.salt


@pytest.mark.skipif(os.name != "posix", reason="elsewhere: file modes are Unix's")
def test_for_its_owner_alone(path: Path) -> None:
    MuteFile(path).add(Mute("device"))
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert [p.name for p in path.parent.iterdir() if p.name.startswith(".")] == []


def test_two_writers_lose_nothing(path: Path) -> None:
    places = [name for name in NAMEABLE if name != "undetermined"]

    def write(mine: list[str]) -> None:
        for place in mine:
            MuteFile(path).add(Mute(place))

    MuteFile(path).add(Mute("undetermined"))
    threads = [threading.Thread(target=write, args=(places[n::3],)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.place for one in MuteFile(path).mutes()} == set(NAMEABLE)


def test_it_stays_small(path: Path) -> None:
    file = MuteFile(path)
    for number in range(300):
        file.add(Mute("device", f"net-{number}"))
    kept = MuteFile(path).mutes()
    assert len(kept) == 256
    assert kept[-1].network == "net-299"


GOOD = {"streamnotice": "mutes", "format": 1, "salt": "00" * 16, "mutes": []}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[]",
        "[" * 100_000,
        json.dumps(GOOD | {"format": 2}),
        json.dumps(GOOD | {"salt": "xy"}),
        json.dumps(GOOD | {"salt": "00"}),
        json.dumps(GOOD | {"mutes": {}}),
        json.dumps(GOOD | {"mutes": ["service"]}),
        json.dumps(GOOD | {"mutes": [{"place": "x\u202e", "network": "", "since": ""}]}),
        json.dumps(GOOD | {"mutes": [{"place": "x\x1b[2J", "network": "", "since": ""}]}),
        json.dumps(GOOD | {"mutes": [{"place": "service", "network": "", "since": ""}] * 300}),
        " " * 70_000,
    ],
)
def test_a_damaged_file_is_refused_and_left_as_it_is(path: Path, body: str) -> None:
    path.parent.mkdir()
    path.write_text(body)
    with pytest.raises(EvidenceError, match="damaged") as refused:
        MuteFile(path)
    assert "\n" not in str(refused.value)
    assert path.read_text() == body


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode()))
def test_any_bytes_are_mutes_or_one_error(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutes.json"
        path.write_bytes(data)
        said = ""
        try:
            MuteFile(path)
        except StreamnoticeError as error:
            said = str(error)
        assert not said or said.isprintable()


def test_a_file_that_broke_later_is_not_overwritten(path: Path) -> None:
    file = MuteFile(path)
    file.add(Mute("device"))
    path.write_text("broken")
    with pytest.raises(EvidenceError):
        file.add(Mute("service"))
    assert path.read_text() == "broken"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="mutes"):
        MuteFile(tmp_path / "file" / "mutes.json").add(Mute("device"))
