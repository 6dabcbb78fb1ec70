"""A web page with a <video> and the overlay over it. Usage: face_web.py URL [PORT]

The browser fetches by itself, so its media goes through the tap proxy; the page's own small script
says how playback stands. Open the address that is printed.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web

from streamnotice import Watcher
from streamnotice.faces.web import make_app

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Player</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script>
<script type="module" src="/notices/notice.js"></script>
<div class="player">
  <video src="{source}" controls muted autoplay playsinline></video>
  <stream-notice></stream-notice>
</div>
</html>"""

STYLE = """
body { margin: 0; background: #000 }
.player { position: relative; block-size: 100vh }
video { inline-size: 100%; block-size: 100% }
"""

SCRIPT = """
const video = document.querySelector("video");

function state() {
  if (video.ended) return "ended";
  if (video.seeking) return "seeking";
  if (video.paused) return video.currentTime ? "paused" : "starting";
  if (video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) return "playing";
  return video.currentTime ? "stalled" : "starting";
}

function ahead() {
  for (let i = 0; i < video.buffered.length; i++)
    if (video.buffered.start(i) <= video.currentTime && video.currentTime <= video.buffered.end(i))
      return video.buffered.end(i) - video.currentTime;
  return 0;
}

function tell() {
  const seen = video.getVideoPlaybackQuality();
  const told = {
    state: state(), buffer_s: ahead(), position_s: video.currentTime,
    dropped_frames: seen.droppedVideoFrames, decoded_frames: seen.totalVideoFrames,
  };
  fetch("/playback", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(told),
  }).catch(() => {});
}

for (const name of ["playing", "waiting", "pause", "seeking", "seeked", "ended"])
  video.addEventListener(name, tell);
setInterval(tell, 250);
"""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; media-src http://127.0.0.1:*"
)
TOLD = ("state", "buffer_s", "position_s", "dropped_frames", "decoded_frames")


async def serve(url: str, port: int) -> None:
    async with Watcher() as watcher:
        source = await watcher.proxy(url)

        async def page(_: web.Request) -> web.Response:
            return web.Response(
                text=PAGE.format(source=source),
                content_type="text/html",
                headers={"Content-Security-Policy": POLICY},
            )

        async def style(_: web.Request) -> web.Response:
            return web.Response(text=STYLE, content_type="text/css")

        async def script(_: web.Request) -> web.Response:
            return web.Response(text=SCRIPT, content_type="text/javascript")

        async def playback(request: web.Request) -> web.Response:
            if request.content_type != "application/json":  # a form of another page's
                raise web.HTTPUnsupportedMediaType()
            told = await request.json()
            watcher.playback(**{name: told.get(name) for name in TOLD})
            return web.Response(status=204)

        app = web.Application()
        app.router.add_get("/", page)
        app.router.add_get("/page.css", style)
        app.router.add_get("/page.js", script)
        app.router.add_post("/playback", playback)
        app.add_subapp("/notices/", make_app(watcher))
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}/", flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    try:
        asyncio.run(serve(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 0))
    except KeyboardInterrupt:
        sys.exit(0)
