"""The benchmark of `verify` runs, on a session that is one, and verifies it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from streamnotice.dossier.verify import verify

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "verify.py"


def test_a_made_session_verifies_and_is_timed_beside_the_peer(tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl.gz"
    done = subprocess.run(
        [
            sys.executable,
            str(SCRIPT),
            "--hours",
            "0.03",
            "--rounds",
            "1",
            "--keep",
            str(kept),
            "--json",
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["verify_cpu_s"] > found["json_cpu_s"] > 0
    made = verify(kept)
    assert made.outcome == "verified"
    assert made.duration_ns == 108 * 10**9
    assert made.observations > 1000, "more than one recording, one behind the other"
