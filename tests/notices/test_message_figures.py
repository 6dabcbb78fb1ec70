"""Numbers in words and in JSON."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnotice.notices.catalog import Catalog
from streamnotice.notices.figures import (
    bare_name,
    json_figures,
)

WORDS = Catalog().numbers


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("x_ns", 0, "0 ms"), ("x_ns", 999_999, "under 1 ms"), ("x_ns", 1_000_000, "1 ms"),
        ("x_ns", 180_000_000, "180 ms"), ("x_ns", 999_499_999, "999 ms"),
        ("x_ns", 999_600_000, "1.0 s"), ("x_ns", 2_400_000_000, "2.4 s"),
        ("x_ns", 9_960_000_000, "10 s"), ("x_ns", 35_000_000_000, "35 s"),
        ("x_ns", 119_600_000_000, "2 min"), ("x_ns", -2_400_000_000, "-2.4 s"),
        ("x_bps", 0, "0 bit/s"), ("x_bps", 800, "800 bit/s"), ("x_bps", 999_600, "1.0 Mbit/s"),
        ("x_bps", 64_000, "64 kbit/s"), ("x_bps", 1_200_000, "1.2 Mbit/s"),
        ("x_bps", 2_500_000_000, "2.5 Gbit/s"), ("x_bps", 5_000_000_000_000, "5000 Gbit/s"),
        ("x_bytes", 512, "512 B"), ("x_bytes", 3_100_000, "3.1 MB"), ("x_bytes", 9_960, "10 kB"),
        ("x_permille", 120, "12 %"), ("x_permille", 4, "0.4 %"), ("x_permille", 0, "0 %"),
        ("x_permille", 1000, "100 %"), ("x_ppm", 10, "under 0.1 %"), ("x_count", 1_234, "1234"),
        ("status_code", 503, "503"),
    ],
)  # fmt: skip
def test_figures_in_words(name: str, value: int, text: str) -> None:
    assert WORDS.words(name, value) == text


@given(st.sampled_from(["ns", "bps", "bytes", "permille", "ppm", "count"]), st.integers(0, 10**18))
def test_any_figure_is_short_and_never_a_thousand_of_a_smaller_unit(unit: str, value: int) -> None:
    text = WORDS.words(f"x_{unit}", value)
    assert "\n" not in text
    assert not re.fullmatch(r"1000 (ms|bit/s|kbit/s|Mbit/s|B|kB|MB)", text)


def test_certainty_is_rounded_down_and_never_complete() -> None:
    assert [WORDS.certainty(ppm) for ppm in (0, 899_999, 999_999, 1_000_000)] == [
        "0 %", "89 %", "99 %", "99 %",
    ]  # fmt: skip


def test_placeholders_are_names_without_units_and_the_baseline_has_its_own() -> None:
    assert [bare_name(name) for name in ("queue_ns", "idle_queue_ns", "ns", "_ns", "code")] == [
        "queue", "idle_queue", "ns", "_ns", "code",
    ]  # fmt: skip
    found = WORDS.figures((("rtt_ns", 30_000_000), ("loss_permille", None)),
                         (("rtt_ns", 20_000_000), ("needed_bps", 3_000_000)))  # fmt: skip
    assert found == {
        "rtt": "30 ms",
        "baseline_rtt": "20 ms",
        "needed": "3.0 Mbit/s",
        "baseline_needed": "3.0 Mbit/s",
    }


def test_json_keeps_full_precision_in_si_units_and_unknown_as_null() -> None:
    figures = (
        ("queue_ns", 1),
        ("loss_permille", 12),
        ("share_ppm", 7),
        ("x_bps", 5),
        ("y_ns", None),
    )
    assert json_figures(figures) == {
        "queue_s": 1e-9,
        "loss_share": 0.012,
        "share_share": 7e-6,
        "x_bps": 5,
        "y_s": None,
    }
