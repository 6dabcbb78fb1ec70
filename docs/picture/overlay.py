"""Makes docs/picture/overlay.png: `python docs/picture/overlay.py` (needs Chromium).

The overlay over a stand-in for a video: a real notice of a recorded session, in English and, on a
narrow screen, in Arabic.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from streamnotice.events import Notice  # noqa: E402
from streamnotice.testing import ToldWatcher, play_recorded  # noqa: E402
from tests.faces.pages import browser, say, served  # noqa: E402

OUT = Path(__file__).with_name("overlay.png")
BOARD = """<body style="margin:0;display:flex;gap:12px;background:#fff">
<img src="data:image/png;base64,{0}"><img src="data:image/png;base64,{1}"></body>"""


# one colour instead of a picture: a small file
PLAIN = """() => {
  document.querySelectorAll('#before, #field').forEach((one) => one.remove());
  document.querySelector('.player').style.background = '#35566b';
}"""


async def shot(chromium: Any, locale: str, width: int, scheme: str, opened: bool) -> str:
    async def lower(_: object) -> None:
        """What a player would do."""

    event = [e for e in play_recorded("home-slow") if isinstance(e, Notice)][-2]
    async with (
        ToldWatcher(locale=locale, actions={"lower_quality": lower}) as watcher,
        served(watcher) as address,
    ):
        page = await chromium.new_page(
            viewport={"width": width, "height": 470}, color_scheme=scheme
        )
        await page.goto(address)
        await page.evaluate(PLAIN)
        await asyncio.sleep(0.5)
        say(watcher, event)
        await page.wait_for_selector("stream-notice .card:not([hidden])")
        if opened:
            await page.locator("stream-notice summary").click()
        await asyncio.sleep(0.5)
        return base64.b64encode(await page.screenshot()).decode()


async def main() -> None:
    async with browser() as chromium:
        parts = [
            await shot(chromium, "en", 620, "dark", False),
            await shot(chromium, "ar", 340, "light", True),
        ]
        board = await chromium.new_page(viewport={"width": 972, "height": 470})
        await board.set_content(BOARD.format(*parts))
        await board.screenshot(path=str(OUT))


if __name__ == "__main__":
    asyncio.run(main())
