"""What a host may ask of the engine: bars for single places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from streamnotice.bottlenecks import LEAF_NAMES, LOOK_ALIKES
from streamnotice.dossier.codec import canonical, settings_from, settings_to_plain
from streamnotice.dossier.reader import open_dossier
from streamnotice.engine import Engine
from streamnotice.errors import EvidenceError, HostError
from streamnotice.events import Notice
from streamnotice.observations import Observation
from streamnotice.policy import Policy
from streamnotice.verdict.naming import Namer
from streamnotice.verdict.tables import shipped

RECORDINGS = Path(__file__).parents[2] / "lab" / "recordings"


def bars(**policy: Any) -> dict[str, int]:
    return Namer.build(shipped(), Policy(**policy).settings()).bars_ppm


def said(recording: str, policy: Policy) -> list[Notice]:
    """The notices of a session from the lab, as they are under *policy*."""
    engine = Engine(policy.settings())
    found: list[Notice] = []
    for entry in open_dossier(RECORDINGS / recording / "dossier.jsonl.gz"):
        events: list[Any] = []
        if entry.type == "tick":
            events = engine.tick(entry.at_ns)
        elif isinstance(entry.value, Observation):
            events = engine.feed(entry.value)  # type: ignore[arg-type]
        found += [event for event in events if isinstance(event, Notice)]
    return found


def test_without_bars_of_its_own_every_name_has_that_of_its_class() -> None:
    usual = bars()
    assert usual["device"] == usual["network.home"] == 900_000
    assert usual["service.edge"] == usual["network"] == 950_000
    assert usual["network.isp.access"] == usual["network.isp"] == 990_000
    assert bars(bars={}) == usual


def test_a_leafs_bar_is_for_it_and_for_what_it_is_said_together_with() -> None:
    usual, other = bars(), bars(bars={"network.isp.access": 0.995})
    changed = {name for name, bar in other.items() if bar != usual[name]}
    together = {"+".join(alike) for alike in LOOK_ALIKES if "network.isp.access" in alike}
    assert changed == ({"network.isp.access"} | together) & set(usual)
    assert {other[name] for name in changed} == {995_000}
    # a leaf that may be said more easily takes nothing from the others' care
    lower = bars(bars={"network.isp.access": 0.95})
    assert lower["network.isp.access"] == 950_000
    assert lower["network.home.wifi+network.isp.access"] == 950_000
    assert lower.get("network.isp.access+network.isp.core", 990_000) == 990_000


def test_an_inner_names_bar_reaches_what_lies_in_it_where_it_is_higher() -> None:
    found = bars(bars={"network": 0.97, "network.home.wifi": 0.92, "service": 0.6})
    assert found["network"] == found["network.home"] == found["network.home.sharing"] == 970_000
    assert found["network.home.wifi"] == 920_000  # the nearer one counts
    assert found["network.isp.access"] == 990_000  # never lowered by what lies around it
    assert (found["service"], found["service.edge"]) == (600_000, 950_000)
    assert found["device"] == 900_000


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"network.isp.acess": 0.9}, "'network.isp.acess' is no place that can be named; those"),
        ({"undetermined": 0.9}, "'undetermined' is no place"),
        ({"network.isp": 1}, r"network.isp must be in \[0.5, 1\), not 1"),
        ({"device": 0.49}, r"device must be in \[0.5, 1\), not 0.49"),
        ({"device": float("nan")}, "not nan"),
        ({"device": "0.9"}, "not '0.9'"),
        ({"network.isp": 0.8}, r"accuses a third party; it must not need less than bar_viewer"),
        ({3: 0.9, "device": 0.9}, "wants a confidence for each place"),
        (["device"], "wants a confidence for each place"),
        (0.9, "wants a confidence for each place"),
    ],
)
def test_bars_that_cannot_be_used_are_one_clear_line(given: Any, words: str) -> None:
    with pytest.raises(HostError, match=words) as error:
        Policy(bars=given)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("Policy.bars")


def test_a_policy_can_be_changed_compared_and_hashed() -> None:
    policy = Policy(bars={"service": 0.97, "device": 0.8})
    assert attrs.evolve(policy, bar_viewer=0.95).bars == (("device", 0.8), ("service", 0.97))
    assert hash(policy) == hash(Policy(bars={"device": 0.8, "service": 0.97}))


def test_settings_without_bars_have_the_bytes_that_they_always_had() -> None:
    plain = settings_to_plain(Policy().settings())
    assert "place_bars_ppm" not in plain
    assert settings_from(json.loads(canonical(plain))) == Policy().settings()
    settings = Policy(bars={"network.isp": 0.995}).settings()
    plain = json.loads(canonical(settings_to_plain(settings)))
    assert plain["place_bars_ppm"] == [["network.isp", 995_000]]
    assert settings_from(plain) == settings
    with pytest.raises(EvidenceError, match="place_bars_ppm: wants an integer"):
        settings_from(plain | {"place_bars_ppm": [["network.isp", 0.995]]})


@pytest.mark.parametrize(
    ("recording", "place", "instead"),
    [
        ("vpn.lossy-129001", "network.vpn", {"network"}),
        ("origin.failing-129001", "service.origin", {"service"}),
    ],
)
def test_a_stricter_bar_makes_it_an_inner_name_or_less(
    recording: str, place: str, instead: set[str]
) -> None:
    usual, strict = said(recording, Policy()), said(recording, Policy(bars={place: 0.999_999}))
    assert usual[-1].bottleneck == place
    assert place not in {notice.bottleneck for notice in strict}
    assert {notice.bottleneck for notice in strict} - {"undetermined"} <= instead
    other = next(name for name in LEAF_NAMES if not name.startswith(place.split(".")[0]))
    assert said(recording, Policy(bars={other: 0.999_999})) == usual


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("probe_share", float("nan")),
        ("probe_share", -1),
        ("probe_floor_bytes_per_min", "64k"),
        ("probe_packets_per_s", -3),
        ("record_bytes", "1M"),
        ("record_bytes", -1),
        ("false_naming_steps", 2.5),
        ("false_naming_steps", float("inf")),
        ("subscribed_bps", "50M"),
        ("subscribed_bps", -5),
        ("subscribed_bps", float("nan")),
        ("stalled_after_s", float("inf")),
        ("stalled_after_s", 1e300),
        ("stalled_after_s", "1"),
        ("probes", "path"),
        ("name_operators", "no"),
        ("probes", 5),
        ("probes", [1]),
    ],
)
def test_what_can_not_be_used_is_refused_at_once_by_its_name(field: str, given: object) -> None:
    with pytest.raises(HostError, match=rf"^Policy\.{field} .*not [^\n]+$"):
        Policy(**{field: given})  # type: ignore[arg-type]


def test_a_whole_number_may_be_written_with_an_exponent() -> None:
    told = Policy(subscribed_bps=50e6, record_bytes=4e6)  # type: ignore[arg-type]
    assert (told.subscribed_bps, told.record_bytes) == (50_000_000, 4_000_000)
    assert isinstance(told.subscribed_bps, int)
