"""The report on the narrowest screen that is asked of a page (320 px, WCAG 1.4.10)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from recorded import changed
from retold import retold

from streamnotice.dossier.report import report
from tests.faces.pages import browser

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(200)]

_BEYOND = """() => [...document.querySelectorAll('body *')]
    .filter(one => !one.closest('.scroll, svg, .skip'))
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => one.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("locale", ["de", "en"])
async def test_nothing_stands_beyond_the_edge_of_a_narrow_screen(
    locale: str, tmp_path: Path
) -> None:
    """Of a record that does not hold: the German sentence for that is the longest."""
    source = retold("edge-overloaded", tmp_path / "a.jsonl", locale=locale)
    lines = source.read_bytes().splitlines(keepends=True)
    made = [
        changed(line, id="n" * 60) if json.loads(line)["type"] == "shown" else line
        for line in lines
    ]
    source.write_bytes(b"".join(made))
    page_file = tmp_path / "page.html"
    page_file.write_text(report(source).html, encoding="utf-8")
    async with browser() as chromium:
        page = await chromium.new_page(viewport={"width": 320, "height": 700})
        await page.goto(page_file.as_uri())
        assert await page.evaluate(_BEYOND) == []
