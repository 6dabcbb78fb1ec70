"""No name is raised against its own evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.archive import opened
from lab.fit.recordings import load_runs
from streamnotice.bottlenecks import UNDETERMINED, is_named
from streamnotice.engine import LEAST_SUPPORT_MDB
from streamnotice.events import Notice

ARCHIVE = Path(__file__).parents[2] / "lab" / "archive" / "judged-27.tar.xz"


@pytest.fixture(scope="module")
def notices() -> list[Notice]:
    """Of a live source that is late, where `service` passed for what was seen long before."""
    with opened(ARCHIVE) as folder:
        (run,) = load_runs([folder], only=frozenset({"source.late-191001"}))
    return list(run.notices)


def test_what_is_newly_named_is_spoken_for(notices: list[Notice]) -> None:
    before, raised = UNDETERMINED, []
    for notice in notices:
        named = is_named(notice.bottleneck, notice.among) and notice.state != "resolved"
        if named and before == UNDETERMINED:
            raised.append(notice)
        before = notice.bottleneck if named else UNDETERMINED
    assert [notice.bottleneck for notice in raised] == ["service.source", "service"]
    assert all(notice.weight_mdb >= LEAST_SUPPORT_MDB for notice in raised)
