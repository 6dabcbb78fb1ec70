"""Notices in a terminal, answered there. Usage: face_terminal.py URL

Plays with the library's own headless player. Type "u" and Enter to say that you have understood,
"s" to hear no more of that place in this session.
"""

from __future__ import annotations

import asyncio
import sys
import threading

from streamnotice import ShownNotice, Watcher
from streamnotice.faces import TakenAway
from streamnotice.players.headless import HeadlessPlayer


async def show(notice: ShownNotice) -> None:
    print(f"{notice.event.state}: {notice.text}")
    for action in notice.actions:
        print(f"  -> {action.text}")


async def away(what: TakenAway) -> None:
    print(f"no more of {what.bottleneck} ({what.scope})")


def answer(watcher: Watcher, line: str) -> None:
    notice = watcher.on_screen
    if notice is not None and line in ("u", "s"):
        watcher.dismiss(notice.event.id, "notice" if line == "u" else "session", face="terminal")


async def main(url: str) -> None:
    loop = asyncio.get_running_loop()
    async with Watcher(on_notice=show, on_dismissed=away) as watcher:

        def read() -> None:
            for line in sys.stdin:
                try:
                    loop.call_soon_threadsafe(answer, watcher, line.strip())
                except RuntimeError:
                    return  # it is over

        threading.Thread(target=read, daemon=True).start()
        await HeadlessPlayer(watcher).play(url)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1]))
