"""Rows of the shipped table that follow from logic, where the lab's runs are few or its own."""

from __future__ import annotations

import json
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.fit.caching import SAYS, caches_by_logic
from lab.fit.counts import (
    ASKING,
    CONNECT,
    LEAP,
    NOT_WAITED_FOR,
    NOWHERE,
    OPENING,
    SPEAKS_OF_PLACES,
    TUNNEL_LINK,
    UNDERLAY,
    busy_by_logic,
    found_by,
    open_by_logic,
    waits_by_logic,
)
from lab.fit.host import host_by_logic, other_by_logic
from lab.fit.names import names_by_logic
from lab.fit.page import VERDICT
from lab.fit.table import BY_LOGIC, bring, logs_of, main
from streamnotice.estimates import ORIGIN
from streamnotice.evidence import RULES
from streamnotice.path.localise import ORDER, STRETCHES
from streamnotice.verdict.tables import shipped

TABLE = json.loads((VERDICT / "fitted.json").read_text(encoding="utf-8"))
STATES = [tuple(state.split(":")) for state in TABLE["states"]]
ROUNDING_MDB = 2


def rows(rule: str) -> dict[str, dict[tuple[str, ...], int]]:
    return {
        outcome: dict(zip(STATES, row, strict=True))
        for outcome, row in TABLE["rules"][rule]["outcomes"].items()
    }


@pytest.mark.parametrize("rule", sorted((SPEAKS_OF_PLACES | {"first_hop"}) - {LEAP}))
def test_a_rendition_too_high_shows_where_any_slow_link_does(rule: str) -> None:
    for outcome, row in rows(rule).items():
        slow = [w for (place, cause), w in row.items() if cause == "slow" and "network" in place]
        mean = 10_000 * log10(sum(10 ** (w / 10_000) for w in slow) / len(slow))
        assert row["player", "misjudged"] == pytest.approx(mean, abs=ROUNDING_MDB), outcome


def test_the_link_of_a_tunnels_server_is_no_other_places() -> None:
    for outcome, row in rows(TUNNEL_LINK).items():
        others = {weight for (place, _), weight in row.items() if place != "network.vpn"}
        assert len(others) == 1, outcome
    long = rows(TUNNEL_LINK)["long"]
    assert long["network.vpn", "crowded"] > 5_000 > max(others)


@pytest.mark.parametrize("outcome", NOWHERE)
def test_under_a_tunnel_too_an_answer_that_names_no_place_prefers_none(outcome: str) -> None:
    """Of the way to its server: what lies behind that is off it."""
    found: dict[str, set[int]] = {}
    for (place, cause), weight in rows(UNDERLAY)[outcome].items():
        if place.startswith("network.") and place != "network.interconnect":
            found.setdefault(found_by(cause), set()).add(weight)
    assert all(len(weights) == 1 for weights in found.values()), found


@pytest.mark.parametrize(
    "outcome",
    sorted(n for n, (near, far) in STRETCHES.items() if far > near and n not in NOWHERE),
)
def test_what_a_way_under_a_tunnel_leaves_open_prefers_none_of_it(outcome: str) -> None:
    """The tunnel's server stands at that way's end, where networks meet."""
    near, far = STRETCHES[outcome]
    end = ORDER.index("network.interconnect")
    at = {"network.vpn": end, "network.home.sharing": ORDER.index("network.isp.access")}
    at |= {place: ORDER.index(place) for place in ORDER if ORDER.index(place) < end}
    found: dict[str, set[int]] = {}
    for (place, cause), weight in rows(UNDERLAY)[outcome].items():
        if place in at and min(near, end) <= at[place] <= min(far, end):
            found.setdefault(found_by(cause), set()).add(weight)
    assert found
    assert all(len(weights) == 1 for weights in found.values()), found


@pytest.mark.parametrize("outcome", NOT_WAITED_FOR)
def test_nobody_waits_for_what_such_a_fault_does_not_delay(outcome: str) -> None:
    row = rows(OPENING)[outcome]
    not_theirs = {w for (place, _), w in row.items() if place in NOT_WAITED_FOR[outcome]}
    assert not_theirs == {row["none", "fine"]}
    assert max(row.values()) > 0 > row["none", "fine"]


@pytest.mark.parametrize(
    ("rule", "tie"),
    [
        (UNDERLAY, open_by_logic),
        (OPENING, waits_by_logic),
        (CONNECT, busy_by_logic),
        (ASKING, busy_by_logic),
        ("first_byte", caches_by_logic),
        ("first_byte_hit", caches_by_logic),
        ("first_byte_miss", caches_by_logic),
        ("status", caches_by_logic),
        ("host_load", host_by_logic),
        ("host_load", other_by_logic),
        ("asking", names_by_logic),
        ("waiting", names_by_logic),
    ],
)
def test_the_shipped_rows_are_what_the_fit_would_make_of_them(rule: str, tie: Any) -> None:
    known = next(one for one in RULES if one.name == rule)
    states = shipped().states
    rows_now = logs_of(TABLE)[rule]
    columns = [at for at, state in enumerate(states) if state.place != "player"]  # as slow links
    again = tie(rows_now, known, states)
    assert again[:, columns] == pytest.approx(rows_now[:, columns], abs=1e-3)
    anything = np.random.default_rng(1).normal(size=rows_now.shape)
    assert np.abs(tie(anything, known, states) - anything).max() > 1e-3


def test_what_headers_say_of_the_cache_tells_the_origin_from_all_others_and_no_more() -> None:
    says = rows("slow_answers")
    assert set(says["unsaid"].values()) == {0}
    for outcome in ("hits", "both", "misses"):
        others = {weight for (place, _), weight in says[outcome].items() if place != ORIGIN}
        behind = {weight for (place, _), weight in says[outcome].items() if place == ORIGIN}
        assert len(others) == 1, outcome
        assert all((weight > min(others)) == (outcome == "misses") for weight in behind), outcome
    once = (
        TABLE["rules"]["slow_answers"]["temper_permille"]
        / 1000
        * (says["misses"][ORIGIN, "slow"] - says["misses"]["service.edge", "slow"])
    )
    steps, half = 60, TABLE["fatigue_steps"]
    minute_mdb = once * sum(half / (half + said) for said in range(steps))
    assert 6_000 < minute_mdb < 14_000  # as one answer that most sessions don't give


def test_an_error_that_no_header_tells_of_is_either_servers() -> None:
    row = rows("status")[SAYS]
    assert row["service.edge", "failing"] == row[ORIGIN, "failing"] == max(row.values())


def test_how_busy_the_computer_is_tells_of_the_computer_alone() -> None:
    """And of a fault that no state stands for what it tells of those that one does."""
    for outcome, row in rows("host_load").items():
        elsewhere = {weight for (place, _), weight in row.items() if place != "device"}
        assert len(elsewhere) == 1, outcome


@pytest.mark.parametrize("rule", ["asking", "waiting"])
def test_how_a_player_waits_for_names_is_the_same_for_late_and_for_failing_ones(rule: str) -> None:
    for outcome, row in rows(rule).items():
        assert row["service.dns", "slow"] == row["service.dns", "failing"], outcome
    look_ups = rows("look_up")
    for outcome, kind in (("slow", "slow"), ("failing", "failing"), ("failing_alone", "failing")):
        names = {cause: look_ups[outcome]["service.dns", cause] for cause in ("slow", "failing")}
        assert max(names, key=names.__getitem__) == kind, outcome


@pytest.mark.parametrize(
    ("rule", "answers", "nameless"),
    [
        ("look_up", ("failing", "failing_alone", "failing_unasked"), ("failing",)),
        ("opening", ("name", "name_alone", "name_unasked"), ("failing", "slow")),
    ],
)
def test_names_without_anybody_to_ask_tell_a_dead_server_from_no_dead_line(
    rule: str, answers: tuple[str, str, str], nameless: tuple[str, ...]
) -> None:
    silent, alone, unasked = (rows(rule)[answer] for answer in answers)
    alike = {unasked["service.dns", cause] for cause in nameless} | {
        unasked[f"network.{place}", "unreachable"]
        for place in ("home.wifi", "vpn", "isp.access", "isp.core")
    }
    assert len(alike) == 1
    assert alike.pop() == max(unasked.values())
    # it says less of either than the answers that tell them apart
    dead_server, dead_line = ("service.dns", "failing"), ("network.isp.core", "unreachable")
    assert alone[dead_server] - alone[dead_line] > 5_000
    assert silent[dead_line] - silent[dead_server] > 5_000


def test_a_table_is_brought_in_line_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "table.json"
    file.write_text(json.dumps(TABLE))
    with pytest.raises(SystemExit):
        main(["--into", str(file)])
    assert "already" in capsys.readouterr().err
    before = json.loads(file.read_text())
    del before["provenance"]["by_logic"]
    before["rules"]["host_load"]["outcomes"]["busy"][1:3] = [-9_000, 3_000]
    file.write_text(json.dumps(before))
    assert main(["--into", str(file)]) == 0
    after = json.loads(file.read_text())
    assert after["provenance"]["by_logic"] == BY_LOGIC
    busy = dict(zip(STATES, after["rules"]["host_load"]["outcomes"]["busy"], strict=True))
    assert busy["player", "misjudged"] == busy["none", "fine"]
    # what has been tied already is left: some of it can be done but once
    before["provenance"]["by_logic"] = ["caches", "host", "other"]
    assert bring(before)["rules"]["host_load"] == before["rules"]["host_load"]
    assert bring(TABLE)["rules"].keys() == TABLE["rules"].keys()
