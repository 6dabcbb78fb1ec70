"""The link emulator, measured from outside with real sockets: does it do what it is asked?"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab import build, run
from lab.emulator import Emulator
from lab.errors import LabError
from tests.lab.played import lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def measured(live_lab: None) -> dict[str, Any]:
    done = lab("check")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def emulator(live_lab: None) -> Iterator[subprocess.Popen[str]]:
    command = [str(build.program("link"))]
    process = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
    yield process
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(5) == 0


_words = st.sampled_from(
    ("set", "at", "link", "share", "report", "reset", "seed", "l1.up", "l1.lane_up", "rate_bps=1",
     "loss=nan", "take_host=4294967296",
     "=", "delay_ms=1e999", "12345678901234567890123", "10.0.0.0/33", "a" * 600)
)  # fmt: skip
_lines = st.one_of(
    st.lists(_words, max_size=80).map(" ".join),
    st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=300),
)


@settings(deadline=None, max_examples=150)
@given(line=_lines)
def test_any_line_gets_one_answer(emulator: subprocess.Popen[str], line: str) -> None:
    assert emulator.stdin is not None
    assert emulator.stdout is not None
    emulator.stdin.write(line + "\n")
    emulator.stdin.flush()
    assert emulator.stdout.readline().partition(" ")[0].strip() in ("ok", "err")


def test_a_wrong_setting_is_an_error_that_says_what(live_lab: None) -> None:
    with Emulator() as made, pytest.raises(LabError, match="no such link"):
        made.set("l1.down", rate_bps=1e6)


@pytest.mark.parametrize(
    ("what", "low", "high"),
    [
        ("delay_ms", 19.9, 24),  # asked: 20
        ("jitter_spread_ms", 6, 30),  # asked: up to 15 of jitter
        ("flood_bps", 7.84e6, 8.16e6),  # asked: 8 Mbit/s, offered: 16
        ("full_queue_ms", 98, 118),  # asked: 100 kB, 100 ms at this rate, and 5 ms of delay
        ("tcp_bps", 7.0e6, 8.0e6),  # 8 Mbit/s less headers
        ("tcp_slowed_bps", 1.7e6, 2.0e6),  # the rate changed while running
        ("loss", 0.08, 0.12),  # asked: 0.1 of 4 000
        ("burst_loss", 0.06, 0.13),  # asked: 0.02 / (0.02 + 0.2)
        ("burst_length", 3.5, 7.0),  # asked: 1 / 0.2
        ("policed_bps", 3.9e6, 4.1e6),  # asked: 4 Mbit/s, offered: 8
        ("counted_queue_ms", 48, 58),  # asked: 50 packets of 1 ms each
        ("policed_queue_ms", 0, 4),  # a policer has no queue
        ("codel_ms", 10, 45),  # 10 of delay; drop-tail would stand at 400
        ("outage_from_s", 0.47, 0.56),  # a change asked for half a second ahead
    ],
)
def test_a_link_does_what_it_is_asked(
    measured: dict[str, Any], what: str, low: float, high: float
) -> None:
    assert low <= measured["one_link"][what] <= high


def test_jitter_never_reorders(measured: dict[str, Any]) -> None:
    assert measured["one_link"]["reordered"] is False


def test_nothing_passes_an_outage(measured: dict[str, Any]) -> None:
    assert measured["one_link"]["outage_received"] == 0


def test_a_lane_takes_what_fits_its_description_and_nothing_else(measured: dict[str, Any]) -> None:
    one = measured["one_link"]
    assert one["lane_without_description"] == 50
    assert one["lane_long"] == [50, 0]
    assert one["lane_host"] == 0
    assert one["lane_other_host"] == 50
    assert one["lane_tcp"] == 50  # they were datagrams
    assert 1.7e6 <= one["lane_tcp_bps"] <= 2.0e6


def test_a_lane_takes_a_share_of_the_flows_each_of_them_whole(measured: dict[str, Any]) -> None:
    flows = measured["one_link"]["lane_flows"]
    assert set(flows) == {0, 3}
    assert 12 <= flows.count(0) <= 36  # asked: half of 48


def test_a_chain_of_six_carries_a_hundred_megabits(measured: dict[str, Any]) -> None:
    assert measured["six_links"]["tcp_bps"] > 90e6


def test_a_chain_of_six_is_not_late_by_itself(measured: dict[str, Any]) -> None:
    six = measured["six_links"]
    assert six["tcp_third_bps"] > 36e6, "it had something to carry"
    assert six["release_late_p99_ms"] < run.LATE_P99_MS, "or no run in it would count"
