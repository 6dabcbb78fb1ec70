"""The published figures: the page says what the data say, and the data say what was judged."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import attrs
import pytest

from lab.fit.recordings import Run
from lab.fit.score import judge, judge_run, reliability
from lab.truth import glance, page
from lab.truth.__main__ import main
from lab.truth.measure import Measured, families, share
from lab.truth.paired import paired
from lab.truth.remembered import remembered
from streamnotice.bottlenecks import FINE, OTHER, State
from streamnotice.dossier.reader import open_dossier
from streamnotice.engine import Engine
from streamnotice.events import Notice
from streamnotice.observations import Observation

RECORDINGS = Path(__file__).parents[2] / "lab" / "recordings"

RUN = Run(
    name="made", family="made", seed=1, truth=OTHER, planned=OTHER,
    among=("network.home.wifi", "service.edge"), onset_s=0, end_s=10**6, before=True, steps={},
    impacts={5: "stalled"}, verdicts={}, notices=(), peaks={},
)  # fmt: skip


def test_the_page_is_the_data() -> None:
    data = json.loads(page.DATA.read_text(encoding="utf-8"))
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.with_figures(text, data), "run: python -m lab.truth page"
    readme = glance.README.read_text(encoding="utf-8")
    assert readme == glance.into_readme(readme, data), "run: python -m lab.truth page"


def test_a_page_about_other_runs_keeps_what_the_last_one_said() -> None:
    data = json.loads(page.DATA.read_text(encoding="utf-8"))
    assert glance.carried(data, data) == data["history"]
    later = {**data, "made": {**data["made"], "seeds": "1 to 2"}}
    newest, *rest = glance.carried(later, data)
    assert rest == data["history"]
    assert newest["engine"] == data["made"]["engine"]
    assert newest["right"] <= newest["harmed"] == data["modes"]["everything"]["harmed"]


def test_the_errors_listed_are_as_many_as_are_counted() -> None:
    data = json.loads(page.DATA.read_text(encoding="utf-8"))
    whole = data["modes"]["everything"]
    wrong = whole["wrong_at_any_time"]["count"] + whole["calm_runs_with_name"]
    assert len(data["errors"]) == wrong
    third = sum(error["third_party"] for error in data["errors"])
    assert third == whole["third_party_blamed_wrongly"]["count"]
    assert sum(row["wrong"] for row in data["families"]) == whole["wrong_at_any_time"]["count"]


def test_runs_can_be_counted_under_something_else_than_their_family() -> None:
    measured = Measured([RUN], [judge_run(RUN)], {}, reliability([]))
    assert [row["family"] for row in families(measured)] == ["made"]
    (row,) = families(measured, {"made": "a busy computer"})
    assert (row["family"], row["harmed"]) == ("a busy computer", 1)


def test_only_runs_with_something_beside_their_fault_are_measured_as_such(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["measure", "--beside", str(RECORDINGS)])
    assert "beside their fault" in capsys.readouterr().err


def test_the_interval_holds_the_share_and_narrows() -> None:
    few, many = share(1, 10), share(100, 1000)
    assert few["low"] < 0.1 < few["high"]
    assert few["low"] < many["low"] < 0.1 < many["high"] < few["high"]
    assert share(0, 100)["high"] == pytest.approx(0.037, abs=0.001)


def test_of_two_faults_none_is_right_alone() -> None:
    assert judge(RUN, "undetermined", ()) == "exact"
    assert judge(RUN, "network.home.wifi", ()) == "wrong"
    assert judge(RUN, "network", ()) == "wrong"
    assert judge(RUN, "undetermined", ("network.home.wifi", "service.edge")) != "wrong"
    assert judge_run(RUN).said == "nothing"


@pytest.mark.parametrize(
    ("bottleneck", "third", "innocent"),
    [
        ("network.home.wifi", False, False),
        ("network.isp.access", True, True),
        ("service.edge", False, False),
    ],
)
def test_who_is_blamed_for_a_part_of_it_had_a_part_in_it(
    bottleneck: str, third: bool, innocent: bool
) -> None:
    said = Notice(
        at_ns=6 * 10**9, id="n1", state="raised", reason=None, since_ns=0, bottleneck=bottleneck,
        among=(), condition=None, impact="stalled", confidence_ppm=990_000,
        against="none", weight_mdb=0, items=(), alternatives=(),
    )  # fmt: skip
    found = judge_run(attrs.evolve(RUN, notices=(said,)))
    assert (found.worst, found.third_party, found.innocent) == ("wrong", third, innocent)
    line = attrs.evolve(RUN, notices=(said,), among=("network.isp.access", "service.edge"))
    assert not judge_run(line).innocent
    shared = State("network.home.sharing", "crowded")  # looks alike, and is not the line's doing
    alike = attrs.evolve(line, planned=shared, truth=shared)
    assert judge_run(alike).innocent == innocent


def test_of_one_fault_its_leaf_is_right() -> None:
    one = attrs.evolve(RUN, planned=State("service.edge", "slow"), among=())
    assert judge(one, "service.edge", ()) == "exact"
    assert judge(one, "service", ("service.edge", "service.origin")) == "among"
    assert judge(one, "network.isp.access", ()) == "wrong"
    assert judge(attrs.evolve(RUN, planned=FINE, among=()), "service.edge", ()) == "false"


def _truth(folder: Path) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return truth


def test_what_is_remembered_of_a_network_is_what_a_calm_run_on_it_shows() -> None:
    calm = [f for f in sorted(RECORDINGS.glob("healthy*")) if remembered(_truth(f))]
    assert calm
    for folder in calm:
        known = {seen.subject: seen.value for seen in remembered(_truth(folder))}
        record = open_dossier(folder / "dossier.jsonl.gz")
        engine = Engine(record.header.settings)
        for entry in record:
            if isinstance(entry.value, Observation):
                engine.feed(entry.value)
        learnt = engine.estimates.learnt()
        both = known.keys() & learnt.keys()
        assert both
        for place in both:
            assert known[place] == pytest.approx(learnt[place], abs=3_000_000), place


def test_pairs_are_scenarios_that_both_have() -> None:
    """Of the same runs twice, both ways say the same; what one alone has doesn't count."""
    names = sorted(one.name for one in RECORDINGS.iterdir() if (one / "truth.json").is_file())[:3]
    with tempfile.TemporaryDirectory() as some, tempfile.TemporaryDirectory() as fewer:
        for folder, kept in ((some, names), (fewer, names[1:])):
            for name in kept:
                shutil.copytree(RECORDINGS / name, Path(folder) / name)
        found = paired([Path(some)], [Path(fewer)])
    assert found["runs"] == 2
    assert found["modes"]["by worth"] == found["modes"]["in turn"]
    assert found["bytes"]["by worth"] == found["bytes"]["in turn"]
