"""The link emulator, measured from outside with real sockets: does it do what it is asked?"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from lab import build, isolation

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def measured(live_lab: None) -> dict[str, Any]:
    build.program("link")
    done = subprocess.run(
        isolation.command(["inside-check"]),
        env=isolation.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


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


def test_a_chain_of_six_carries_a_hundred_megabits_with_little_lag(
    measured: dict[str, Any],
) -> None:
    six = measured["six_links"]
    assert six["tcp_bps"] > 90e6
    assert six["release_late_p99_ms"] < 2.0
