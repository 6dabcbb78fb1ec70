"""The report as a screen reader gets it: Chromium's accessibility tree of the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from retold import retold

from streamnotice.dossier.phrases import Phrases
from streamnotice.dossier.report import report
from tests.faces.pages import browser
from tests.faces.spoken import Node, named, tree

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(400)]


async def told(page_file: Path, locale: str) -> list[Node]:
    source = retold("home-slow", page_file.with_suffix(".jsonl.gz"), locale=locale)
    page_file.write_text(report(source).html, encoding="utf-8")
    async with browser() as chromium:
        page = await chromium.new_page()
        await page.goto(page_file.as_uri())
        return await tree(page)


@pytest.mark.parametrize("locale", ["en", "ar"])
async def test_headings_landmarks_tables_and_drawings(locale: str, tmp_path: Path) -> None:
    nodes = await told(tmp_path / "page.html", locale)
    say = Phrases(locale)
    headings = [(n.props["level"], n.name) for n in nodes if n.role == "heading"]
    assert headings[0][0] == 1
    assert [name for level, name in headings if level == 2] == [
        say(f"section.{name}")
        for name in ("short", "time", "weight", "examined", "delay.whole", "log", "record",
                     "figures.whole")
    ]  # fmt: skip
    # few enough to walk through, and each with a name of its own
    regions = named(nodes, "region")
    assert len(regions) == len(set(regions)) == 8
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert len(named(nodes, landmark)) == 1, landmark
    # each table has a name, and heads that a cell is read with
    tables = [node for node in nodes if node.role == "table"]
    assert len(tables) > 10
    assert all(node.name for node in tables)
    assert {"columnheader", "rowheader", "cell"} <= {node.role for node in nodes}
    # each drawing is one picture with its words; nothing of its inside is read
    drawings = [node for node in nodes if node.role in ("image", "img")]
    assert len(drawings) >= 4
    for one in drawings:
        assert len(one.name) + len(one.description) > 60
    assert say("chart.playback") in drawings[0].name
    spoken = f"{drawings[0].name} {drawings[0].description}"
    assert say("chart.playback.desc", length="", stalls=0, stalled="", notices=0)[-20:] in spoken
    assert not any(("image", one.name) in node.parents for one in drawings for node in nodes)
    assert "solely" not in " ".join(node.name for node in nodes).lower()
