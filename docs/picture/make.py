"""Makes the README's picture: the demo's live view at the notice, from a real run.

    python docs/picture/make.py [--scenario NAME]

Plays the scenario for real (loopback only, under a minute) and keeps the view as it is three
seconds after the first notice that names a place, or at the end, as `docs/picture/live.svg`.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import re
from pathlib import Path

from rich.console import Console

from streamnotice import Policy, ShownNotice, Watcher
from streamnotice.cli.live import LiveFace
from streamnotice.cli.view import marks_for, page
from streamnotice.demo.stage import Demo

OUT = Path(__file__).with_name("live.svg")
WIDTH, HEIGHT = 100, 30
AFTER_S = 3.0


class SeenWatcher(Watcher):
    """Hands the player's words to the face as well, as the command does."""

    face: LiveFace

    def playback(self, **fields: object) -> None:  # type: ignore[override]
        super().playback(**fields)  # type: ignore[arg-type]
        self.face.level(fields)


async def play(scenario: str) -> LiveFace:
    """Run *scenario*; the face as it stood when the notice had been there for a while."""
    loop = asyncio.get_running_loop()
    named = asyncio.Event()

    def notice(shown: ShownNotice) -> None:
        face.notice(shown)
        if shown.event.bottleneck != "undetermined":
            named.set()

    async with Demo(scenario) as demo:
        title = f"{demo.scenario.name}: {demo.scenario.summary}"
        face = LiveFace(title, console=Console(file=io.StringIO(), width=WIDTH, height=HEIGHT))
        async with SeenWatcher(
            on_notice=notice,
            on_playback=face.playback,
            on_verdict=face.verdict,
            dispatch=loop.call_soon_threadsafe,
            policy=Policy(probes={"path", "reference"}),
            references=[demo.reference_url],
        ) as watcher:
            watcher.face = face
            face.state.coverage = watcher.coverage()
            tasks = [
                loop.create_task(demo.player(watcher).play(demo.url)),
                loop.create_task(demo.run_fault()),
                loop.create_task(_follow(watcher, face)),
            ]
            try:
                async with asyncio.timeout(demo.scenario.duration_s):
                    await named.wait()
                await asyncio.sleep(AFTER_S)
            except TimeoutError:
                print("no place was named; keeping the view as it is")
            view = page(face.state, WIDTH, HEIGHT, marks_for("utf-8"))
            draw(view, title)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return face


async def _follow(watcher: Watcher, face: LiveFace) -> None:
    while True:
        face.received(watcher.session.now() / 1e9, watcher.session.budget.media_bytes)
        await asyncio.sleep(0.125)


def draw(view: object, title: str) -> None:
    """Write *view* as SVG that loads nothing from elsewhere."""
    console = Console(
        record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor",
        width=WIDTH, height=HEIGHT,
    )  # fmt: skip
    console.print(view)
    svg = console.export_svg(title="streamnotice demo", unique_id="streamnotice")
    # rich points at fonts on the net; the picture must not
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="live view, {title}" ', 1)
    OUT.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="make the README's picture")
    parser.add_argument("--scenario", default="edge-slow")
    asyncio.run(play(parser.parse_args().scenario))
