"""Recorded sessions, judged by this version: right, inner or silent, and never wrong."""

from __future__ import annotations

import pytest

from streamnotice import HostError
from streamnotice.bottlenecks import UNDETERMINED, leaves_under
from streamnotice.events import Notice, Verdict
from streamnotice.testing import RECORDED, play_recorded


@pytest.mark.parametrize("name", RECORDED)
def test_nothing_false_is_said(name: str) -> None:
    truth = RECORDED[name]
    events = list(play_recorded(name))
    assert sum(isinstance(e, Verdict) for e in events) > 60
    for notice in (e for e in events if isinstance(e, Notice)):
        covered = notice.among or leaves_under(notice.bottleneck)
        assert notice.bottleneck == UNDETERMINED or truth in covered


def test_a_fault_is_named_and_health_is_not() -> None:
    named = {
        name: {e.bottleneck for e in play_recorded(name) if isinstance(e, Notice)}
        for name in RECORDED
    }
    assert named["healthy"] == set()
    assert named["edge-overloaded"] & {"service", "service.edge"}
    assert named["home-slow"] - {UNDETERMINED}


def test_an_unknown_recording_is_a_clear_error() -> None:
    with pytest.raises(HostError, match="healthy"):
        next(play_recorded("moon"))
