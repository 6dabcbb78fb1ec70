"""Rows of single answers, counted beside a table that stays as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.fit.one_rule import fit_answers
from lab.fit.recordings import Run, load_runs
from streamnotice.evidence import RULES
from streamnotice.verdict.tables import Tables

VERDICT = Path("streamnotice/verdict")
TABLE = json.loads((VERDICT / "fitted.json").read_text())
NAMES = ("edge.overloaded-129001", "edge.unreachable-129001", "healthy-129001")


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return list(load_runs([Path("lab/recordings")], only=frozenset(NAMES)))


def test_only_the_rows_asked_for_are_counted(runs: list[Run]) -> None:
    bare = json.loads(json.dumps(TABLE))
    bare["rules"]["connect"]["outcomes"].pop("unanswered", None)
    part, made = fit_answers("connect", ["unanswered"], runs, bare, 1.5)
    rows = dict(part["outcomes"])
    counted = dict(zip(TABLE["states"], rows.pop("unanswered"), strict=True))
    assert rows == bare["rules"]["connect"]["outcomes"]
    assert part["temper_permille"] == TABLE["rules"]["connect"]["temper_permille"]
    assert max(counted, key=counted.__getitem__) == "service.edge:overloaded"
    assert counted["none:fine"] < 0
    known = next(rule.outcomes for rule in RULES if rule.name == "connect")
    assert list(part["outcomes"]) == [name for name in known if name in part["outcomes"]]
    assert (made["runs"], made["answers"]) == (len(NAMES), ["unanswered"])
    bare["rules"]["connect"] = part
    Tables.parse(json.dumps(bare).encode(), (VERDICT / "priors.json").read_bytes())


def test_what_no_run_answers_cannot_be_counted(runs: list[Run]) -> None:
    with pytest.raises(LabError, match="rule connect answers refused"):
        fit_answers("connect", ["unanswered", "refused"], runs, TABLE, 1.5)
