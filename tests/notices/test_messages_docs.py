"""The pages about messages are true: examples run, the list of messages is up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streamnotice.notices.catalog import Catalog
from streamnotice.notices.listing import listing
from streamnotice.notices.shipped import languages

DOCS = Path(__file__).parents[2] / "docs"


def blocks(kind: str) -> list[str]:
    text = (DOCS / "messages.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_there_are_examples_of_both_kinds() -> None:
    assert len(blocks("toml")) >= 2
    assert len(blocks("python")) >= 3


@pytest.mark.parametrize("number", range(len(blocks("toml"))))
def test_toml_examples_load(number: int, tmp_path: Path) -> None:
    path = tmp_path / "messages.toml"
    path.write_text(blocks("toml")[number], encoding="utf-8")
    assert any(Catalog(one, path).hash != Catalog(one).hash for one in languages())


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_python_examples_run(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "messages.toml").write_text(blocks("toml")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks("python")[number], f"messages.md, example {number}", "exec"), {})


@pytest.mark.parametrize("language", languages())
def test_the_page_of_all_messages_is_up_to_date(language: str) -> None:
    page = (DOCS / f"messages-{language}.md").read_text(encoding="utf-8")
    assert page == listing(Catalog(language)), (
        f"run: python -m streamnotice.notices.listing {language} > docs/messages-{language}.md"
    )
