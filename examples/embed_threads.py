"""A host without asyncio, with an HTTP library of its own. Usage: embed_threads.py URL...

Fetches the addresses one after another with urllib, and says what comes by `request`.
"""

from __future__ import annotations

import sys
import urllib.request

from streamnotice import ShownNotice, ThreadWatcher


def show(notice: ShownNotice) -> None:
    """Called on a thread of the library; `dispatch=` would bring it to the host's own."""
    print(notice.text)


def main(urls: list[str]) -> None:
    with ThreadWatcher(on_notice=show) as watcher:
        watcher.playback(state="starting", buffer_s=0.0)
        for url in urls:
            with watcher.request(url, role="media") as told, urllib.request.urlopen(url) as answer:
                told.first_byte(status=answer.status, headers=answer.headers)
                while chunk := answer.read1(65_536):  # `read` would wait until the block is full
                    told.received(len(chunk))
                told.ended()
            watcher.playback(state="playing", wants_data=True)
        watcher.playback(state="ended")
    # After the session's end its record and its sums are still there.
    print(f"{watcher.summary().media_bytes} bytes of media came through", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
