"""The overlay as a screen reader gets it: Chromium's accessibility tree of the page."""

from __future__ import annotations

import attrs
import pytest

from streamnotice.testing import ToldWatcher
from tests.faces.pages import recorded_notice, say
from tests.faces.spoken import named, tree
from tests.faces.test_web_overlay import CARD, gone, looked_at, shown

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(400)]


async def test_a_notice_is_spoken_named_and_explained() -> None:
    async with ToldWatcher() as w, looked_at(w) as page:
        # nothing is there to stumble over, an empty status line least of all
        before = await tree(page)
        assert not {"status", "region", "heading"} & {node.role for node in before}
        await shown(page, w)
        said = page.locator("stream-notice .announcement")
        assert "seems overloaded" in await said.text_content()
        nodes = await tree(page)
        assert named(nodes, "region") == ["About your playback"]
        assert "The delivery server seems overloaded" in named(nodes, "heading")
        assert "I understand" in named(nodes, "button")
        (why,) = (node for node in nodes if node.name == "Why am I seeing this?" and
                  "expanded" in node.props)  # fmt: skip
        assert why.props["expanded"] is False
        assert "What was measured" not in named(nodes, "heading")

        # by keyboard alone: to the question, and open
        for _ in range(8):
            await page.keyboard.press("Tab")
            focused = "document.querySelector('stream-notice').shadowRoot.activeElement?.className"
            if await page.evaluate(focused) == "question":
                break
        await page.keyboard.press("Enter")
        await page.wait_for_selector(f"{CARD} .reasons")
        nodes = await tree(page)
        (why,) = (node for node in nodes if node.name == "Why am I seeing this?" and
                  "expanded" in node.props)  # fmt: skip
        assert why.props["expanded"] is True
        headings = [(n.props["level"], n.name) for n in nodes if n.role == "heading"]
        assert [level for level, _ in headings][:3] == [2, 3, 4]
        assert (3, "What was measured") in headings
        assert len([node for node in nodes if node.role == "listitem"]) > 3

        # what follows is put into the same live region
        say(w, attrs.evolve(recorded_notice(), state="resolved", reason="recovered"))
        # (waiting for a function would evaluate text, which the page's policy forbids)
        await page.locator("stream-notice .announcement", has_text="recovered").wait_for(
            state="attached"
        )
        # the question is gone with the notice's end; the focus is not
        assert await page.evaluate(focused) == "understood"
        await page.keyboard.press("Escape")
        await gone(page)
