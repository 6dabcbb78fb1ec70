"""What the commands on dossiers print with `--json`: one object, each key documented."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamnotice.cli import main

sys.path.insert(0, str(Path(__file__).parents[1] / "dossier"))
from recorded import changed
from retold import retold

DOCS = Path(__file__).parents[2] / "docs"
_FREE = {"tables", "measured", "before", "after"}
"""Objects whose keys are names of the record's own."""


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record with a notice; beside it the same with one verdict changed."""
    path = retold("home-slow", tmp_path_factory.mktemp("records") / "a.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if b'"kind":"verdict"' in line)
    lines[number] = changed(lines[number], against="device")
    (path.parent / "changed.jsonl").write_bytes(b"".join(lines))
    return path


def keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield name
            if name not in _FREE:
                yield from keys(part)
    elif isinstance(value, list):
        for part in value:
            yield from keys(part)


def documented(page: str, heading: str) -> set[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return {word for words in re.findall(r"`([^`]+)`", section) for word in words.split()}


@pytest.mark.parametrize("command", ["verify", "replay", "log", "examine"])
def test_every_key_is_documented(
    dossier: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = {"type"} | documented("cli.md", "One JSON object")
    if command == "examine":
        known |= documented("examine.md", "As JSON")
    if command == "log":
        known |= documented("cli.md", "JSON lines")
    seen: set[str] = set()
    targets = [dossier.parent] if command == "log" else [dossier, dossier.with_stem("changed")]
    for target in targets:
        code = main([command, str(target), "--json"])
        out, _ = capsys.readouterr()
        assert out.count("\n") == (command != "examine" or code == 0)
        seen |= set(keys(json.loads(out))) if out else set()
    assert len(seen) > 10
    assert seen <= known, seen - known
