"""What tests of dossiers share."""

from __future__ import annotations

import pytest
from retold import retold


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A session in which notices were shown."""
    path = retold("home-slow", tmp_path_factory.mktemp("told") / "a.jsonl")
    return path.read_bytes().splitlines(keepends=True)
