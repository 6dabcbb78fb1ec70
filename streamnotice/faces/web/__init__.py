"""A web page as a face: `make_app(watcher)` is an aiohttp application to hang into the host's own.

It serves a small ES module with its style sheet, a stream of server-sent events, and one address
for the viewer's answers. The page needs one line: `<stream-notice>` (see docs/faces.md).

Who may read and answer is the host's affair where it has users; what is guarded here is that no
other page does: answers need a token that only the stream gives out, and an origin that is ours.
"""

from __future__ import annotations

from streamnotice.faces.web.app import make_app
from streamnotice.faces.web.server import WebFace

__all__ = ["WebFace", "make_app"]
