"""A host that knows its buffer and nothing else. Usage: embed_buffer_only.py < LEVELS

Each line on standard input is the buffer's level in seconds at that moment, or `paused` or `ended`.
Without sight of requests nothing is blamed: at most the notice says that where the trouble lies
can't be told, and what was seen.
"""

from __future__ import annotations

import sys

from streamnotice import ShownNotice, ThreadWatcher


def show(notice: ShownNotice) -> None:
    print(f"{notice.event.state}: {notice.text}", flush=True)


def main() -> None:
    with ThreadWatcher(on_notice=show) as watcher:
        for line in sys.stdin:
            word = line.strip()
            if word in ("paused", "ended"):
                watcher.playback(state=word)
            elif word:
                watcher.playback(buffer_s=float(word))  # the state follows from the level


if __name__ == "__main__":
    main()
