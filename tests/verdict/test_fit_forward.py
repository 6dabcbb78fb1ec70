"""The fit's floating-point filter and the engine's integer one say the same of a real session."""

from __future__ import annotations

from importlib.resources import as_file, files

import attrs
import numpy as np
import pytest

from lab.fit.counts import UNDERLAY, Counts, _place, on_path, relation
from lab.fit.forward import batch, forward, scores
from lab.fit.recordings import Run, replay_run
from streamnotice.bottlenecks import NONE, State
from streamnotice.evidence import RULES
from streamnotice.testing import RECORDED
from streamnotice.verdict.tables import Tables, shipped

TO_NATS = np.log(10.0) / 10_000


def replayed(name: str) -> Run:
    whole = {
        "truth": {"place": "none", "condition": None, "among": [], "before": False,
                  "onset_s": 0, "ends_s": None},
        "scenario": {"family": name, "seed": 1},
    }  # fmt: skip
    with as_file(files("streamnotice.testing") / "recordings" / f"{name}.jsonl.gz") as path:
        return replay_run(name, whole, path, filters_own(), frozenset(), RULES)


def filters_own() -> Tables:
    """The shipped tables, but what is told is what the filter holds, and no bystander is known:
    powers are fitted without."""
    return attrs.evolve(shipped(), temperature_permille=1000, bystander=None)


@pytest.mark.parametrize("name", RECORDED)
def test_both_filters_agree_on_how_likely_peace_is(name: str) -> None:
    run, tables = replayed(name), shipped()
    zeros = [0] * len(tables.states)
    logs = {
        rule.name: np.array(
            [tables.likelihoods.get(rule.name, {}).get(o, zeros) for o in rule.outcomes]
        )
        * TO_NATS
        for rule in RULES
    }
    data = batch([run], tables.states, np.ones(1))
    prior = 10 ** (np.array([-1e6, *tables.priors[1:]]) / 10_000)
    posterior = forward(
        scores(data, Counts(tables.states, logs), dict.fromkeys(logs, 1.0), tables.fatigue_steps),
        data.suffering,
        10 ** (np.array(tables.start()) / 10_000),
        prior,
        tables.switch,
    )[0]
    worst = max(
        abs(posterior[second, 0] - dict(verdict.alternatives).get(NONE, 0) / 1e6)
        for second, verdict in run.verdicts.items()
    )
    # they differ in rounding, and in steps of a stall too short to be harm
    assert worst < 0.05


@pytest.mark.parametrize(
    ("outcome", "place", "says"),
    [
        ("access", "network.isp.access", "at"),
        ("access_or_core", "network.isp.core", "beside"),
        ("home_to_service", "network.isp.core", "around"),
        ("home", "network.interconnect", "nearer"),
        ("interconnect_or_service", "network.isp.access", "farther"),
        ("server", "service", "at"),
        ("none", "network.isp.core", "none"),
    ],
)
def test_answers_are_read_relative_to_the_fault(outcome: str, place: str, says: str) -> None:
    assert relation(outcome, place) == says


def test_under_a_tunnel_its_server_stands_at_the_end_of_the_way() -> None:
    tunnel = _place(State("network.vpn", "slow"), UNDERLAY)
    for outcome in ("interconnect", "interconnect_or_service", "service"):
        assert relation(outcome, tunnel, UNDERLAY) == "at"
    assert relation("core", tunnel, UNDERLAY) == "nearer"
    # what is behind the tunnel's server is on no way under it
    assert not on_path(State("network.interconnect", "lossy"), UNDERLAY)
    assert on_path(State("service.edge", "unreachable"))
    assert not on_path(State("service.edge", "unreachable"), UNDERLAY)
    # in the tunnel itself nothing tells where on that way
    assert not on_path(State("network.vpn", "slow"))
