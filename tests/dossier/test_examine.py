"""The cross-examination, on real sessions: what it says can be checked by weighing again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from retold import retold

from lab.archive import opened, recorded
from streamnotice.bottlenecks import State
from streamnotice.cli import main
from streamnotice.decibans import log_sum, to_ppm
from streamnotice.dossier.examination import Examined, examine, last_words
from streamnotice.dossier.examination.leaving import only, without
from streamnotice.dossier.examination.reweigh import (
    Stretch,
    stretch,
    weigh_again,
    weigher_for,
)
from streamnotice.dossier.examination.session import Session, load
from streamnotice.engine import Engine
from streamnotice.errors import EvidenceError, HostError
from streamnotice.events import Verdict
from streamnotice.observations import HopProbe, Observation, Route
from streamnotice.verdict.naming import Namer
from streamnotice.verdict.tables import shipped

NAMES = ("home-slow", "edge-overloaded")


@pytest.fixture(scope="module", params=NAMES)
def dossier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examined")
    return retold(request.param, folder / f"{request.param}.jsonl.gz")


@pytest.fixture(scope="module")
def session(dossier: Path) -> Session:
    return load(dossier)


@pytest.fixture(scope="module")
def examined(dossier: Path) -> Examined:
    (found,) = examine(dossier, "").notices
    return found


@pytest.fixture(scope="module")
def on(session: Session, examined: Examined) -> Stretch:
    weigher = weigher_for(session.tables, session.header.settings)
    notice = examined.notice
    return stretch(weigher, session, examined.from_ns, notice.at_ns)


def test_weighing_again_is_what_the_engine_said(session: Session) -> None:
    """The examination's own weighing, unchanged, gives the engine's verdicts at every step."""
    assert len(session.steps) == len(session.verdicts) > 60
    weigher = weigher_for(session.tables, session.header.settings)
    memory = weigher.fresh()
    checked = 0
    for asked, verdict in zip(session.steps, session.verdicts, strict=True):
        assert asked.at_ns == verdict.at_ns
        weigher.step(
            memory,
            asked.at_ns,
            asked.outcomes,
            asked.suffering,
            asked.sighted.boxed,
            asked.sighted.live,
        )
        named = weigher.name(memory, asked.sighted, asked.says)
        speaks = named if asked.says else None
        told = weigher.alternatives(memory, speaks, asked.suffers)
        assert told[0] == verdict.alternatives[0]
        if asked.impact is None:
            continue
        checked += 1
        if named is None:
            assert verdict.bottleneck == "undetermined"
        else:
            assert (named.bottleneck, named.among, named.condition, named.confidence_ppm) == (
                verdict.bottleneck,
                verdict.among,
                verdict.condition,
                verdict.confidence_ppm,
            )
    assert checked > 20


def test_every_notice_can_be_examined(session: Session) -> None:
    for notice in last_words(session.notices).values():
        weigher = weigher_for(session.tables, session.header.settings)
        found = stretch(weigher, session, 0, notice.at_ns).claim
        assert (found.bottleneck if found else "undetermined") == notice.bottleneck


def test_the_minimal_set_carries_the_verdict_and_no_member_can_go(
    on: Stretch, examined: Examined
) -> None:
    assert examined.carrying is not None
    rules = frozenset(examined.carrying.rules)
    assert weigh_again(on, only(rules)).word == "stands"
    for rule in rules:
        assert weigh_again(on, only(rules - {rule})).word != "stands", rule


def test_without_all_that_speaks_for_it_the_verdict_falls(on: Stretch, examined: Examined) -> None:
    for_it = frozenset(item.rule for item in examined.notice.items if item.weight_mdb > 0)
    assert weigh_again(on, without(for_it)).word != "stands"
    # ... and with no evidence at all nothing can be named
    assert weigh_again(on, lambda asked: {}).word == "nothing"


def test_a_rule_left_out_is_as_if_the_engine_had_not_had_it(
    session: Session, examined: Examined
) -> None:
    """The re-weighing of the heaviest rule's absence is what the whole engine says without it."""
    from streamnotice.evidence import RULES

    heaviest = max(examined.without_rules, key=lambda one: abs(one.weight_mdb))
    kept = tuple(rule for rule in RULES if rule.name != heaviest.name)
    engine = Engine(session.header.settings, rules=kept)
    verdict = _verdict_at(engine, session, examined.notice.at_ns)
    said = verdict.bottleneck, verdict.among, verdict.condition
    fate = heaviest.fate
    assert said == (fate.bottleneck, fate.among, fate.condition)
    if fate.word != "nothing":
        assert verdict.confidence_ppm == fate.confidence_ppm


def _verdict_at(engine: Engine, session: Session, at_ns: int) -> Verdict:
    for fed in session.inputs:
        for event in engine.tick(fed) if isinstance(fed, int) else engine.feed(fed):
            if isinstance(event, Verdict) and event.at_ns == at_ns:
                return event
    raise AssertionError("no verdict at that instant")


def test_without_probes_of_the_path_no_part_of_the_network_is_named(examined: Examined) -> None:
    (path,) = (one for one in examined.without_sensors if one.name == "path")
    assert path.fate.bottleneck in ("network", "undetermined") or not (
        path.fate.bottleneck.startswith("network")
    )


def test_a_sensor_left_out_is_a_session_without_it(session: Session, examined: Examined) -> None:
    def seen() -> Iterator[Observation | int]:
        for fed in session.inputs:
            service = getattr(fed, "role", "") == "service"
            if not (isinstance(fed, HopProbe | Route) or service):
                yield fed

    engine = Engine(session.header.settings)
    last = None
    for fed in seen():
        for event in engine.tick(fed) if isinstance(fed, int) else engine.feed(fed):  # type: ignore[arg-type]
            if isinstance(event, Verdict) and event.at_ns == examined.notice.at_ns:
                last = event
    assert last is not None
    (path,) = (one for one in examined.without_sensors if one.name == "path")
    assert (path.fate.bottleneck, path.fate.among) == (last.bottleneck, last.among)


def test_what_would_have_overturned_it_does_so_and_not_a_step_earlier(
    on: Stretch, examined: Examined
) -> None:
    from streamnotice.evidence import Outcome

    assert examined.turns
    for turn in examined.turns:

        def change(asked, turn=turn):  # type: ignore[no-untyped-def]
            return asked.outcomes | {turn.rule: Outcome(turn.instead)}

        first = len(on.steps) - turn.steps
        assert weigh_again(on, change, first=first) == turn.fate
        assert turn.fate.word != "stands"
        if turn.steps > 1:
            assert weigh_again(on, change, first=first + 1).word == "stands"


def test_priors_and_bars(session: Session, examined: Examined) -> None:
    mixes = {one.mix: one for one in examined.priors}
    assert mixes["shipped"].fate.word == "stands"
    assert mixes["shipped"].fate.confidence_ppm == examined.notice.confidence_ppm
    assert {"alike", "third_parties", "place"} <= mixes.keys()
    own = Namer.build(session.tables, session.header.settings)
    key = "+".join(examined.notice.among) or examined.notice.bottleneck
    if not examined.notice.among:
        for one in examined.bars:
            if one.value <= own.bars_ppm[key]:
                assert one.fate.word in ("stands", "finer")
    words = [one.fate.word for one in sorted(examined.bars, key=lambda one: one.value)]
    stands = [word == "stands" for word in words]
    assert len(stands) > 3
    # what a bar stops, no higher one lets pass
    finer = words.count("finer")
    assert stands[finer:] == sorted(stands[finer:], reverse=True)
    # nor is there a name that the rarest of false names would permit, however sure
    assert examined.budgets[-1].fate.word != "stands" or not all(stands)


def test_bystanders(on: Stretch, examined: Examined) -> None:
    """As shipped it stands; the probability of one is what the filter held."""
    found = examined.beside
    assert found is not None
    shares = {one.share_permille: one.fate for one in found.shares}
    assert {0, found.expected_permille} < shares.keys()
    shipped_share = shares[found.expected_permille]
    assert shipped_share.word == "stands"
    assert shipped_share.confidence_ppm == examined.notice.confidence_ppm
    belief = on.at_notice.belief
    both = [to_ppm(log_sum(layer)) for layer in (belief.alone, belief.beside)]
    assert sum(both) == pytest.approx(1_000_000, abs=2_000)
    assert found.there_ppm == both[1]


def test_places_that_share_their_rows_are_said_not_to_be_told_apart(examined: Examined) -> None:
    """Other traffic at home and on the line fill the same queue: only the router's counters, which
    these sessions don't have, tell them apart, and a little other programs of this computer's own,
    which were quiet."""
    (pair,) = (
        pair
        for pair in examined.pairs
        if {pair.one, pair.other} == {"network.home.sharing", "network.isp.access"}
    )
    assert pair.seen_mdb == 0
    tables = shipped()
    one, other = (
        tables.states.index(State(place, "crowded"))
        for place in ("network.home.sharing", "network.isp.access")
    )
    here = max(abs(row[one] - row[other]) for row in tables.likelihoods["others_here"].values())
    assert pair.most_mdb in (0, here)
    assert here < dict(pair.unseen)["others_at_home"]


def test_what_speaks_against_it_adds_up(examined: Examined) -> None:
    notice = examined.notice
    (runner_up,) = (one for one in examined.rivals if one.place == notice.against)
    assert runner_up.balance_mdb == notice.weight_mdb
    for one in examined.rivals:
        assert one.strongest is None or one.strongest.weight_mdb < 0
    made = "service.source"  # of a film on demand it is only told if the weighing itself met it
    assert made not in [one.place for one in examined.rivals if one.place != notice.against]


# -- the command ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return retold("edge-overloaded", tmp_path_factory.mktemp("commands") / "d.jsonl.gz")


def test_the_command(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["examine", str(quick)]) == 0
    out = capsys.readouterr().out
    for words in ("Cross-examination of notice n1", "Without each rule", "Without each sensor",
                  "What carries it by itself", "What speaks against it", "overturned",
                  "told apart", "other priors", "other bars", "replays identically"):  # fmt: skip
        assert words in out
    assert "solely" not in out.lower()
    assert "\x1b" not in out


def test_the_json_form(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["examine", str(quick), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["type"] == "examination"
    assert found["replay"] == "identical"
    assert [one["id"] for one in found["notices"]] == found["ids"]
    one = found["notices"][0]
    assert {row["fate"] for row in one["without_rules"]} <= {
        "stands", "wider", "finer", "other", "nothing"
    }  # fmt: skip


def test_a_session_without_a_notice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = retold("healthy", tmp_path / "healthy.jsonl")
    assert main(["examine", str(path)]) == 0
    assert "no notice was raised" in capsys.readouterr().out


def test_an_unknown_notice_is_exit_2_with_those_that_there_are(
    quick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["examine", str(quick), "--notice", "n99"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "n1" in err
    with pytest.raises(HostError):
        examine(quick, "n99")


def test_a_record_of_another_engine_is_told_again_and_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = retold("healthy", tmp_path / "old.jsonl.gz", other_engine=True)
    assert load(source).replay.outcome == "other_engine"
    assert main(["examine", str(source)]) == 1
    assert "what this engine makes of it now" in capsys.readouterr().out


def test_what_is_no_dossier_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"no dossier\n")
    assert main(["examine", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(EvidenceError):
        load(path)


def test_what_a_box_said_before_it_was_found_is_not_examined(tmp_path: Path) -> None:
    recording = Path("lab/recordings/split.slow-129001/dossier.jsonl.gz")
    path = retold(recording, tmp_path / "d.jsonl.gz")
    found = next(asked for asked in load(path).steps if asked.sighted.boxed)
    (one,) = examine(path).notices
    assert one.from_ns == found.at_ns > 5_000_000_000
    assert {left.from_ns for left in one.without_times} >= {found.at_ns}


def test_a_verdict_that_rests_on_a_harmless_queue_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another device's download fills the line all along, and a late server holds the film up."""
    with opened(Path("lab/archive/traffic-25.tar.xz")) as folder:
        recording = next(x for name, _, x in recorded(folder) if name == "busy.origin.slow-185001")
        assert recording is not None
        path = retold(recording, tmp_path / "d.jsonl.gz")
    (one,) = examine(path, "").notices
    assert one.notice.among == ("service.edge", "service.origin")
    assert one.beside is not None
    assert one.beside.there_ppm > 500_000
    fates = {share.share_permille: share.fate.word for share in one.beside.shares}
    assert fates[0] == "nothing"
    assert fates[one.beside.expected_permille] == "stands"
    assert main(["examine", str(path), "--notice", one.notice.id]) == 0
    said = capsys.readouterr().out
    rows = [tuple(re.split(r"  +", line.strip())) for line in said.splitlines()]
    assert ("never", "falls: nothing can be named") in rows
    assert ("in 10 % of the cases (as it was)", "stands") in rows
    assert main(["examine", str(path), "--notice", one.notice.id, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["notices"]
    assert told["bystander"]["expected"] == 0.1
    assert [row["share"] for row in told["bystander"]["shares"]] == [0.0, 0.01, 0.1, 0.5]


def test_a_notice_of_a_second_fault_rests_on_what_was_said_since(tmp_path: Path) -> None:
    """A late server was named, and was well again; behind it the Wi-Fi turned slow."""
    with opened(Path("lab/archive/moving-before.tar.xz")) as folder:
        name = "moves.origin.slow-190001"
        recording = next(x for one, _, x in recorded(folder) if one == name)
        assert recording is not None
        path = retold(recording, tmp_path / "d.jsonl.gz")
    (one,) = examine(path, "").notices
    notice = one.notice
    assert notice.bottleneck == "network.home.wifi"
    session = load(path)
    weigher = weigher_for(session.tables, session.header.settings)
    on = stretch(weigher, session, one.from_ns, notice.at_ns)
    assert on.at_notice.begun_ns == notice.since_ns > 30_000_000_000
    assert weigh_again(on).word == "stands"
    assert notice.weight_mdb == sum(item.weight_mdb for item in notice.items)
    (runner_up,) = (rival for rival in one.rivals if rival.place == notice.against)
    assert runner_up.balance_mdb == notice.weight_mdb


def test_a_closed_record_without_its_last_seal_is_not_examined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """verify calls it changed: nothing says any more what stood at the end."""
    path = retold("healthy", tmp_path / "a.jsonl")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert main(["examine", str(path)]) == 1
    _, err = capsys.readouterr()
    assert "no seal stands behind these lines" in err
    assert err.count("\n") == 1
