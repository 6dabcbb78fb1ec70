"""For the web face's tests: a page with the overlay, and a real headless Chromium to look at it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
from aiohttp import web

from streamnotice.events import Notice
from streamnotice.faces.web import make_app
from streamnotice.testing import RECORDED, ToldWatcher, play_recorded

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>player</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css">
<button id="before">before</button>
<div class="player"><stream-notice></stream-notice></div>
<input id="field">
<script type="module" src="/notices/notice.js"></script></html>"""
STYLE = """body { margin: 0 } button#before, #field { position: fixed; bottom: 0; right: 0 }
#field { right: 6rem }
.player { position: relative; height: 100vh;
  background: linear-gradient(160deg, #274b6d, #a8643b 60%, #e2b36a) }"""
SLOW_MS = 90_000
"""A browser on a busy machine takes its time; nothing here asserts how long."""
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "require-trusted-types-for 'script'"
)


@asynccontextmanager
async def served(watcher: ToldWatcher, **options: Any) -> AsyncIterator[str]:
    """Address of a host page that has the overlay over its player, under a strict policy."""

    async def index(_: web.Request) -> web.Response:
        return web.Response(
            text=PAGE, content_type="text/html", headers={"Content-Security-Policy": STRICT}
        )

    async def style(_: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css")

    app = web.Application()
    app.router.add_get("/", index)
    app.router.add_get("/page.css", style)
    app.add_subapp("/notices/", make_app(watcher, **options))
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def browser() -> AsyncIterator[Any]:
    """A real Chromium, headless."""
    from playwright.async_api import async_playwright

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as made:
        chromium = await made.chromium.launch(
            executable_path=shutil.which("chromium"), args=arguments, timeout=SLOW_MS
        )
        try:
            yield chromium
        finally:
            await chromium.close()


def recorded_notice(name: str = "edge-overloaded") -> Notice:
    """The notice with which the engine really named that session's place, with all its evidence."""
    found = next(
        event
        for event in play_recorded(name)
        if isinstance(event, Notice) and event.bottleneck == RECORDED[name]
    )
    return attrs.evolve(found, state="raised")


def say(watcher: ToldWatcher, event: Notice) -> None:
    """Have *event* shown as if this session's engine had said it."""
    watcher._told = event
    watcher._act([event])
