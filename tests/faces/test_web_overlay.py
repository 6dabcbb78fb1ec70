"""The overlay in a real headless Chromium, under a strict Content-Security-Policy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from streamnotice import ShownNotice
from streamnotice.testing import ToldWatcher
from tests.faces.pages import SLOW_MS, browser, recorded_notice, say, served

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(400)]
CARD = "stream-notice .card"
HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"><b>x</b> \u202egnp.exe \x1b[31m {{x}} </section>"
    "<script>document.title='owned'</script> javascript:alert(1) ${x} &amp; \\N"
)


@asynccontextmanager
async def looked_at(
    watcher: ToldWatcher, width: int = 1280, height: int = 720, **options: Any
) -> AsyncIterator[Any]:
    """The host page in a browser; whatever it complains of fails the test."""
    complaints: list[str] = []
    async with served(watcher) as address, browser() as chromium:
        viewport = {"width": width, "height": height}
        context = await chromium.new_context(viewport=viewport, **options)
        context.set_default_timeout(SLOW_MS)
        page = await context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(address)
        # (waiting for a function would evaluate text, which the page's policy forbids)
        await page.wait_for_selector(f"{CARD}[aria-label]", state="attached")
        yield page
        assert complaints == []


async def shown(page: Any, watcher: ToldWatcher) -> None:
    say(watcher, recorded_notice())
    await page.wait_for_selector(f"{CARD}:not([hidden])")


async def gone(page: Any) -> None:
    await page.wait_for_selector(CARD, state="hidden")


async def test_shown_spoken_explained_and_understood() -> None:
    async with ToldWatcher() as w, looked_at(w) as page:
        assert await page.locator(CARD).is_hidden()
        await shown(page, w)
        title = await page.locator(f"{CARD} h2").text_content()
        assert title == "The delivery server seems overloaded"
        # spoken politely, by a region that was there before
        said = page.locator("stream-notice .announcement")
        assert title in await said.text_content()
        assert await said.get_attribute("aria-live") == "polite"
        # nobody's focus was taken
        assert await page.evaluate("document.activeElement === document.body")
        # the evidence opens
        assert await page.get_by_text("What was measured").is_hidden()
        await page.get_by_text("Why am I seeing this?").click()
        assert await page.get_by_text("What was measured").is_visible()
        assert await page.locator(f"{CARD} .evidence .item").count() > 3
        assert await page.get_by_text("can be wrong").is_visible()
        await page.get_by_role("button", name="I understand").click()
        await gone(page)
        for _ in range(100):
            if w._delivery._manners.on_screen is None:
                break
            await asyncio.sleep(0.02)
        assert w._delivery._manners.on_screen is None


async def test_by_keyboard_alone() -> None:
    async with ToldWatcher(actions={"lower_quality": print}) as w, looked_at(w) as page:
        await shown(page, w)
        await page.locator("#before").focus()
        order = []
        for _ in range(3):
            await page.keyboard.press("Tab")
            order.append(
                await page.evaluate(
                    "document.querySelector('stream-notice').shadowRoot.activeElement?.textContent"
                )
            )
        assert order == ["Lower the quality now", "I understand", "Why am I seeing this?"]
        outline = await page.evaluate(
            "getComputedStyle(document.querySelector('stream-notice').shadowRoot.activeElement)"
            ".outlineStyle"
        )
        assert outline == "solid"  # the focus can be seen
        await page.keyboard.press("Enter")
        assert await page.get_by_text("What was measured").is_visible()
        await page.keyboard.press("Escape")
        await gone(page)
        # back to where the viewer was
        assert await page.evaluate("document.activeElement.id") == "before"


async def test_escape_stays_with_a_field_of_the_page() -> None:
    async with ToldWatcher() as w, looked_at(w) as page:
        await shown(page, w)
        await page.locator("#field").focus()
        await page.keyboard.press("Escape")
        await asyncio.sleep(0.1)
        assert await page.locator(CARD).is_visible()
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("Escape")
        await gone(page)


async def test_an_update_keeps_focus_and_what_was_opened() -> None:
    async with ToldWatcher() as w, looked_at(w) as page:
        w.say("service.edge", "slow", items=recorded_notice().items)
        await page.get_by_text("Why am I seeing this?").click()
        await page.get_by_role("button", name="I understand").focus()
        w.say("service.edge", "overloaded", state="updated", items=recorded_notice().items)
        await page.get_by_role("heading", name="overloaded").wait_for()
        assert await page.get_by_text("What was measured").is_visible()
        focus = "document.querySelector('stream-notice').shadowRoot.activeElement?.textContent"
        assert await page.evaluate(focus) == "I understand"


async def test_the_end_goes_by_itself_and_a_retraction_says_so() -> None:
    async with ToldWatcher() as w, looked_at(w) as page:
        w.say("network.home.wifi", "slow")
        await page.wait_for_selector(f"{CARD}:not([hidden])")
        w.say("network.home.wifi", "slow", state="resolved", reason="withdrawn")
        await page.get_by_role("heading", name="Correction").wait_for()
        assert "no longer stands" in await page.locator(f"{CARD} .sentence").text_content()
        w.say("network.home.wifi", "slow")
        w.say("network.home.wifi", "slow", state="resolved", reason="recovered")
        await page.get_by_role("heading", name="Recovered").wait_for()
        await page.wait_for_selector(CARD, state="hidden")


async def test_actions_run_and_their_sequel_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamnotice.delivery.WATCH_NS", 300_000_000)
    ran: list[ShownNotice] = []

    async def lower(notice: ShownNotice) -> None:
        ran.append(notice)

    async with ToldWatcher(actions={"lower_quality": lower}) as w, looked_at(w) as page:
        w.say("network.home.sharing", "crowded")
        button = page.get_by_role("button", name="Lower the quality now")
        await button.click()
        await page.get_by_text("What follows is being watched").wait_for()
        assert await button.is_disabled()
        await page.get_by_text("what followed can't be told").wait_for()
        assert await button.is_enabled()
        await page.get_by_role("button", name="I did this").click()
        await page.get_by_text("Noted: “Pause").wait_for()
    assert len(ran) == 1


async def test_muted_for_good_from_the_page(tmp_path: Any) -> None:
    path = tmp_path / "mutes.json"
    async with ToldWatcher(mutes=path) as w, looked_at(w) as page:
        await shown(page, w)
        await page.get_by_text("Why am I seeing this?").click()
        await page.get_by_role("button", name="Never again on this network").click()
        await gone(page)
        for _ in range(100):
            if path.exists():
                break
            await asyncio.sleep(0.02)
        assert [m.place for m in w.muted()] == ["service.edge"]


async def test_all_pages_hear_of_an_answer() -> None:
    async with ToldWatcher() as w, served(w) as address, browser() as chromium:
        pages = [await chromium.new_page() for _ in range(2)]
        for page in pages:
            await page.goto(address)
        await asyncio.sleep(0.3)
        say(w, recorded_notice())
        for page in pages:
            await page.wait_for_selector(f"{CARD}:not([hidden])")
        await pages[0].get_by_role("button", name="I understand").click()
        for page in pages:
            await gone(page)


async def test_hostile_values_stay_text() -> None:
    """Through a host's own texts: the one way for angle brackets to come this far."""

    def texts(id_: str, language: str, values: Any) -> str | None:
        return (
            HOSTILE if id_.endswith((".sentence", ".action")) or id_.startswith("rule.") else None
        )

    async with ToldWatcher(messages=texts) as w, looked_at(w) as page:
        await shown(page, w)
        await page.get_by_text("Why am I seeing this?").click()
        assert await page.title() == "player"
        assert await page.locator(f"{CARD} :is(img, script, b)").count() == 0
        text = await page.locator(f"{CARD} .sentence").text_content()
        assert "<img src=x onerror=" in text
        assert "\u202e" not in text
        assert "\x1b" not in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_it_fits_and_can_be_read(width: int, scheme: str) -> None:
    """Nothing sticks out, and every text has the contrast that WCAG AA asks for."""
    async with (
        ToldWatcher(actions={"lower_quality": print}) as w,
        looked_at(w, width=width, height=640, color_scheme=scheme) as page,
    ):
        await shown(page, w)
        await page.get_by_text("Why am I seeing this?").click()
        found = await page.evaluate(CHECK)
        assert found["outside"] == []
        assert found["faint"] == []
        assert found["checked"] > 10
        box = await page.locator(CARD).bounding_box()
        assert box["y"] + box["height"] <= 640  # it scrolls inside, not over the edge


async def test_right_to_left() -> None:
    async with ToldWatcher(locale="ar") as w, looked_at(w, width=700) as page:
        await shown(page, w)
        style = "getComputedStyle(document.querySelector('stream-notice').shadowRoot"
        card = f"{style}.querySelector('.card'))"
        assert await page.evaluate(f"{card}.direction") == "rtl"
        assert await page.evaluate(f"{card}.backgroundPositionX") in ("right", "100%")
        title = await page.locator(f"{CARD} .title").bounding_box()
        text = await page.evaluate(
            "(() => { const range = document.createRange(); range.selectNodeContents("
            "document.querySelector('stream-notice').shadowRoot.querySelector('.title'));"
            "return range.getBoundingClientRect().right })()"
        )
        assert abs(text - (title["x"] + title["width"])) < 2  # it begins at the right


async def test_no_motion_where_none_is_wanted() -> None:
    async with ToldWatcher() as w, looked_at(w, reduced_motion="reduce") as page:
        await shown(page, w)
        motion = await page.evaluate(
            "getComputedStyle(document.querySelector('stream-notice').shadowRoot"
            ".querySelector('.card')).animationName"
        )
        assert motion == "none"


async def test_a_page_themes_it() -> None:
    async with ToldWatcher() as w, looked_at(w) as page:
        await page.evaluate(
            "document.querySelector('stream-notice').style"
            ".setProperty('--stream-notice-background', 'rgb(1, 2, 3)')"
        )
        await shown(page, w)
        colour = await page.evaluate(
            "getComputedStyle(document.querySelector('stream-notice').shadowRoot"
            ".querySelector('.card')).backgroundColor"
        )
        assert colour == "rgb(1, 2, 3)"


@pytest.mark.parametrize("system", ["light", "dark"])
async def test_a_page_settles_light_or_dark(system: str) -> None:
    """The attribute beats the system, at once; without it the system decides."""
    grounds = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 28)"}
    async with ToldWatcher() as w, looked_at(w, color_scheme=system) as page:
        await shown(page, w)
        for theme in ("light", "dark", None):
            colour = await page.evaluate(
                "(theme) => { const it = document.querySelector('stream-notice');"
                "theme ? it.setAttribute('theme', theme) : it.removeAttribute('theme');"
                "return getComputedStyle(it.shadowRoot.querySelector('.card')).backgroundColor }",
                theme,
            )
            assert colour == grounds[theme or system]


# Text that is cut off or outside the card, and text with a contrast below 4.5.
CHECK = """() => {
  const card = document.querySelector('stream-notice').shadowRoot.querySelector('.card');
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const lum = ([r, g, b]) => [r, g, b]
    .map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const over = (top, under) => {
    const a = top[3] ?? 1;
    return [0, 1, 2].map((i) => top[i] * a + under[i] * (1 - a));
  };
  const ground = (node) => {
    const own = parse(getComputedStyle(node).backgroundColor);
    return node === card ? own.slice(0, 3) : over(own, ground(node.parentElement));
  };
  const limits = card.getBoundingClientRect();
  const outside = [], faint = [];
  let checked = 0;
  for (const node of card.querySelectorAll('*')) {
    const text = [...node.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join('');
    if (!text.trim() || !node.checkVisibility()) continue;
    checked++;
    const box = node.getBoundingClientRect();
    if (box.left < limits.left || box.right > limits.right + 0.5) outside.push(text);
    const back = ground(node);
    const fore = over(parse(getComputedStyle(node).color), back);
    const [light, dark] = [lum(fore), lum(back)].sort((a, b) => b - a);
    if ((light + 0.05) / (dark + 0.05) < 4.5) faint.push(text);
  }
  return { outside, faint, checked };
}"""
