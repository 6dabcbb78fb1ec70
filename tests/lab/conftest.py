"""What the lab's live tests need: root or user namespaces, /dev/net/tun, a few programs; else a
plain reason."""

from __future__ import annotations

import sys

import pytest

from lab import build, isolation


@pytest.fixture(scope="session")
def live_lab() -> None:
    """Skips where the lab can't run: with "elsewhere" if no package could mend that."""
    missing = build.programs_needed() if sys.platform == "linux" else []
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    reason = isolation.why_not()
    if reason:
        pytest.skip(f"elsewhere: {reason}")
