"""`streamnotice ... | head`: a reader that has had enough is no failure to complain of."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from running_cli import environment


@pytest.mark.parametrize("words", [["log"], ["mute", "--list"]])
def test_a_reader_that_is_gone_is_met_with_silence(words: list[str]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)  # whatever is written meets nobody
    try:
        done = subprocess.run(
            [sys.executable, "-m", "streamnotice.cli", *words],
            stdout=theirs,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=60,
            check=False,
        )
    finally:
        os.close(theirs)
    assert done.stderr == b""
    assert done.returncode == 141
