"""The shipped JSON Schema is that of the classes, and real records are of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from recorded import record
from retold import retold

from streamnotice.dossier import record as recording
from streamnotice.dossier import schema
from streamnotice.dossier.signing import load_signer, make_key

VALID = Draft202012Validator(schema.shipped())


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_the_shipped_schema_is_that_of_the_classes() -> None:
    """Make it anew: python -m streamnotice.dossier.schema > (the shipped file)."""
    Draft202012Validator.check_schema(schema.shipped())
    assert schema.shipped() == json.loads(json.dumps(schema.schema()))


@pytest.mark.parametrize("name", ["healthy", "edge-overloaded", "home-slow"])
def test_real_sessions_are_of_it(tmp_path: Path, name: str) -> None:
    seen = set()
    for plain in _lines(retold(name, tmp_path / "a.jsonl")):
        VALID.validate(plain)
        seen.add(plain["type"])
    assert seen >= {"header", "observation", "tick", "event", "seal", "closed"}


def test_parts_signatures_and_asides_are_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "PART_BYTES", 15_000)
    monkeypatch.setattr(recording, "LEAST_PART_BYTES", 10_000)
    private, _, _ = make_key(tmp_path / "k")
    recorder = record(signer=load_signer(private), close=False)
    recorder.dismissed(40 * 10**9, "n1", "service.edge", "always", "net-1")
    recorder.acted(40 * 10**9, "lower_quality", "done")
    recorder.close(40 * 10**9)
    seen = set()
    for line in recorder.lines():
        VALID.validate(json.loads(line))
        seen.add(json.loads(line)["type"])
    assert seen >= {"state", "signature", "continued", "dismissed", "acted"}


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"type": "guess"},
        {"type": "tick", "at_ns": 1.5},
        {"type": "tick", "at_ns": 2**53},
        {"type": "tick", "at_ns": 1, "more": 1},
        {"type": "observation", "kind": "guess", "at_ns": 1},
        {"type": "observation", "kind": "playback", "at_ns": 1, "state": "asleep"},
        {"type": "observation", "kind": "transfer", "at_ns": 1, "request": 1},
        {"type": "seal", "head": "0", "tags": ""},
        {"type": "shown", "at_ns": 1},
    ],
)
def test_what_a_reader_refuses_is_not_of_it(plain: dict[str, Any]) -> None:
    assert not VALID.is_valid(plain)
