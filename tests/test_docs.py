"""The pages are true: their examples run, their commands parse, their links lead somewhere.

Marks in the pages: a block opened with ```python run is run as it stands, in a folder of its own;
if a ```text output block follows it, that is what it prints. `https://video.example` stands for a
real server (the tests' own). Every other ```python block must at least compile.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from streamnotice import Policy, ThreadWatcher, Watcher
from streamnotice.cli import COMMANDS, main
from streamnotice.verdict.tables import shipped

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / name
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
    if (ROOT / name).exists()
] + sorted((ROOT / "docs").rglob("*.md"))
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@attrs.frozen
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    mark: str
    text: str
    output: str | None = None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks() -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found = [
            Block(page, text.count("\n", 0, m.start()) + 1, m[1], m[2].strip(), m[3])
            for m in BLOCK.finditer(text)
        ]
        for number, block in enumerate(found):
            behind = found[number + 1 : number + 2]
            said = [b.text for b in behind if (b.language, b.mark) == ("text", "output")]
            yield attrs.evolve(block, output=said[0] if said else None)


BLOCKS = list(blocks())
RUN = [b for b in BLOCKS if (b.language, b.mark) == ("python", "run")]
PYTHON = [b for b in BLOCKS if b.language == "python"]
COMMAND_LINES = [
    (b, line.strip())
    for b in BLOCKS
    if b.language == "sh"
    for line in b.text.replace("\\\n", " ").splitlines()
    if line.strip() and not line.startswith("#")
]


@pytest.mark.parametrize("block", RUN, ids=str)
def test_examples_run(block: Block, tmp_path: Path, short_stream: str) -> None:
    script = tmp_path / "example.py"
    text = block.text
    for name in ("https://video.example", "https://reference.example"):
        text = text.replace(name, short_stream)
    script.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", script.name],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    if block.output is not None:
        assert done.stdout == block.output, f"it prints:\n{done.stdout}"


def test_the_pages_have_examples_that_run() -> None:
    pages = {block.page.name for block in RUN}
    assert {"README.md", "embedding.md", "how-it-weighs.md"} <= pages


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_every_python_block_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize(("block", "line"), COMMAND_LINES, ids=lambda v: str(v)[:60])
def test_every_command_is_one_that_exists(block: Block, line: str) -> None:
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words.pop(0)
    if words[0] == "streamnotice":
        _parses(words[1:])
    elif words[0] == "make":
        targets = re.findall(
            r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
        )
        for word in words[1:]:
            assert word in targets or "=" in word, f"{block}: no such target: {word}"
    elif words[:2] == ["python", "-m"]:
        _options_exist(["-m", words[2]], words[3:], block)
    elif words[0] == "python":
        assert (ROOT / words[1]).is_file(), f"{block}: no such file: {words[1]}"
        _options_exist([words[1]], words[2:], block)
    else:
        assert words[0] in ("pip", "git", "cd", "bash"), f"{block}: unknown command {words[0]}"


def _parses(words: list[str]) -> None:
    """The command's own parser takes *words*; nothing is run."""
    from importlib import import_module

    from streamnotice.cli import Parser

    if words in (["--version"], ["--help"]):
        return
    parser = Parser(prog=words[0], allow_abbrev=False)
    import_module(COMMANDS[words[0]][0]).add_arguments(parser)
    parser.parse_args(words[1:])


def _options_exist(start: list[str], words: list[str], block: Block) -> None:
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    if not options:
        return
    subcommand = [w for w in words[:1] if not w.startswith("-") and start[-1] == "lab"]
    done = subprocess.run(
        [sys.executable, *start, *subcommand, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    known = set(re.findall(r"--[a-z-]+", done.stdout))
    assert set(options) <= known, f"{block}: unknown options"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            continue
        path = (page.parent / target.partition("#")[0]).resolve()
        assert path.exists(), f"{page.name}: nothing at {target}"


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs").rglob("*.md")):
        name = page.relative_to(ROOT / "docs").as_posix()
        assert name == "index.md" or f"({name})" in index, f"{name} is not in docs/index.md"


@pytest.mark.parametrize("cls", [Watcher, ThreadWatcher, Policy])
def test_every_public_name_of_the_api_is_explained(cls: type) -> None:
    page = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    names = [name for name in vars(cls) if not name.startswith("_") and name != "policy"]
    if cls is Watcher:
        names += [n for n in inspect.signature(cls.__init__).parameters if n != "self"]
        names += [n for n in inspect.signature(cls.playback).parameters if n != "self"]
    if cls is Policy:
        names += [field.name for field in attrs.fields(Policy)]
    missing = [name for name in names if not re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", page)]
    assert missing == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_in_the_page_of_the_command_line(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    options = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}
    assert [o for o in sorted(options) if f"`{o}" not in page] == []
    assert f"streamnotice {command}" in page


def test_the_page_of_the_table_is_up_to_date() -> None:
    pytest.importorskip("numpy")
    from lab.fit.page import PAGE, with_figures

    page = PAGE.read_text(encoding="utf-8")
    assert page == with_figures(page), "run: python -m lab.fit.page"


def test_the_table_is_called_provisional_wherever_it_must_be() -> None:
    """As long as it is; the day it isn't, the pages must change."""
    for name in ("README.md", "docs/table.md", "docs/how-it-weighs.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert ("provisional" in text) == shipped().provisional, name


def test_the_readme_has_its_picture_and_the_spot_for_figures() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("](docs/picture/") == 1
    assert text.index("<!-- figures -->") < text.index("<!-- /figures -->")
    picture = (ROOT / "docs" / "picture" / "live.svg").read_text(encoding="utf-8")
    assert "url(" not in re.sub(r"url\(#[^)]*\)", "", picture), "it must load nothing"


def test_the_json_lines_in_the_page_are_json() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = [
        json.loads(line)
        for m in BLOCK.finditer(page)
        if m[1] == "json"
        for line in m[3].splitlines()
    ]
    types = {"start", "playback", "notice", "error", "summary"}
    assert {line["type"] for line in found} >= types
