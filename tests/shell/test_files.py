"""Files of our own take no pipe's and no device's place."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from streamnotice.errors import EvidenceError, HostError
from streamnotice.files import replacing
from streamnotice.testing import ToldWatcher


def test_what_is_written_into_a_pipe_goes_through_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with replacing(pipe) as out:
            out.write(b"all of it")
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        assert os.read(reading, 100) == b"all of it"
    finally:
        os.close(reading)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_standard_output_is_written_through(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from streamnotice.files import replacing\n"
        "print('before', flush=True)\n"
        "with replacing(Path('/dev/stdout')) as out: out.write(b'page\\n')\n"
        "print('behind')"
    )
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True, timeout=60)
    assert (tmp_path / "out").read_bytes() == b"before\npage\nbehind\n"


def test_a_file_is_replaced_wholly_or_stays(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail() -> None:
        with replacing(path) as out:
            out.write(b"half")
            raise EvidenceError("in the midst of it")

    with pytest.raises(EvidenceError):
        fail()
    assert path.read_bytes() == b"old"
    with replacing(path) as out:
        out.write(b"new")
    assert path.read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


async def test_a_record_can_not_take_a_folders_place(tmp_path: Path) -> None:
    async with ToldWatcher() as watcher:
        watcher.say("network.home.wifi", "slow")
    (tmp_path / "d").mkdir()
    with pytest.raises(HostError, match="can't write the dossier"):
        watcher.save_dossier(tmp_path / "d")
    assert list((tmp_path / "d").iterdir()) == []
