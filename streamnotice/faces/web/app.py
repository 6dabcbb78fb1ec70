"""The addresses of the web face: module, style, stream, answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from streamnotice.errors import HostError
from streamnotice.faces import TakenAway
from streamnotice.faces.web.guard import TOKEN_HEADER, Guard
from streamnotice.faces.web.stream import Stream, encode
from streamnotice.notices.ids import FACE_WORDS
from streamnotice.notices.manners import severity, stays_s

if TYPE_CHECKING:
    from streamnotice.notices.actions import Acted
    from streamnotice.notices.shown import ShownNotice
    from streamnotice.watcher import Watcher

_STATIC: Final = {
    "notice.js": "text/javascript",
    "notice.css": "text/css",
    "page.html": "text/html",
    "page.css": "text/css",
}
_MOST_ANSWER_BYTES: Final = 2048
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)


class Pages:
    """The face behind the addresses: what pages are told, and what they answer."""

    name = "web"

    def __init__(self, watcher: Watcher, origins: Iterable[str] = ()) -> None:
        self._watcher = watcher
        self.guard = Guard(origins)
        self.stream = Stream()
        self._present: dict[str, Any] | None = None

    # -- a face -------------------------------------------------------------------------------

    async def open(self, watcher: Watcher) -> None:
        return None

    def notice(self, shown: ShownNotice) -> None:
        self._present = plain(shown, self._watcher)
        self.stream.send("notice", self._present)
        if shown.event.state == "resolved":
            self._present = None

    def taken_away(self, what: TakenAway) -> None:
        self._present = None
        self.stream.send("dismissed", what.as_json())

    def acted(self, acted: Acted) -> None:
        self.stream.send("acted", acted.as_json())

    async def close(self) -> None:
        self.stream.send("end", {})
        await asyncio.sleep(0)
        self.stream.close()

    # -- addresses ----------------------------------------------------------------------------

    def hello(self) -> dict[str, Any]:
        """What a page needs before anything else."""
        watcher = self._watcher
        words = watcher.words(*(f"face.{word}" for word in FACE_WORDS))
        return {
            "token": self.guard.token,
            "locale": watcher.locale,
            "dir": watcher.direction,
            "words": {id_.removeprefix("face."): text for id_, text in words.items()},
            "standing": self._present is not None,
        }

    async def events(self, request: web.Request) -> web.StreamResponse:
        if self.stream.full:
            raise web.HTTPServiceUnavailable(text="too many pages listen", headers=_NO_STORE)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no", **_NO_STORE}
        )
        _cross_origin(self.guard, request, response)
        await response.prepare(request)
        present = None
        if self._present is not None:
            present = encode("notice", self._present, self.stream.now_id)
        reading = self.stream.read(
            encode("hello", self.hello()), present, request.headers.get("Last-Event-ID")
        )
        try:
            async for line in reading:
                await response.write(line)
        except ConnectionError:
            return response  # the page went away
        finally:
            await reading.aclose()  # type: ignore[attr-defined]
        return response

    async def answer(self, request: web.Request) -> web.Response:
        if not self.guard.answers(request.headers):
            raise web.HTTPForbidden(text="not from this page")
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="JSON is wanted")
        body = await request.content.read(_MOST_ANSWER_BYTES + 1)
        if len(body) > _MOST_ANSWER_BYTES:
            raise web.HTTPRequestEntityTooLarge(_MOST_ANSWER_BYTES, len(body))
        try:
            told = json.loads(body)
            done = self._do(told)
        except (ValueError, RecursionError, KeyError, TypeError, HostError):
            raise web.HTTPBadRequest(text="no answer that is known") from None
        # 409: the notice has changed meanwhile; the page will hear of it by the stream
        return web.Response(status=204 if done else 409)

    def _do(self, told: Any) -> bool:
        what, notice_id = told["do"], str(told["id"])
        if what == "dismiss":
            return self._watcher.dismiss(notice_id, told.get("scope", "notice"), face=self.name)
        if what == "act":
            return self._watcher.act(notice_id, str(told["action"]))
        raise ValueError(what)


def plain(shown: ShownNotice, watcher: Watcher) -> dict[str, Any]:
    """A notice as the module draws it: texts alone, all of them to be shown as text."""
    told = shown.as_json()
    places = [f"place.{one['bottleneck']}" for one in told["alternatives"]]
    words = watcher.words(*places)
    return told | {
        "title": shown.title,
        "sentence": shown.sentence,
        "evidence_line": shown.evidence_line,
        "severity": severity(shown.event),
        "stays_s": stays_s(shown.event),
        "alternatives": [
            one | {"text": words[place]}
            for one, place in zip(told["alternatives"], places, strict=True)
        ],
    }


def make_app(watcher: Watcher, *, origins: Iterable[str] = ()) -> web.Application:
    """An application with the overlay's module, its style, its stream and its answers.

    `app.add_subapp("/notices/", make_app(watcher))`; then, in the page,
    `<script type="module" src="/notices/notice.js">` and a `<stream-notice>`.

    Args:
        watcher: the running watcher; the app is one of its faces from now on.
        origins: where the page comes from, if that is not localhost or a literal address.

    Raises:
        HostError: an origin that is none.
    """
    pages = Pages(watcher, origins)
    watcher.add_face(pages)

    @web.middleware
    async def guarded(
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if not pages.guard.serves(request.headers):
            raise web.HTTPForbidden(text="this host is not known: list it in make_app(origins=)")
        response = await handler(request)
        if not response.prepared:
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Referrer-Policy"] = "no-referrer"
            _cross_origin(pages.guard, request, response)
        return response

    app = web.Application(middlewares=[guarded], client_max_size=_MOST_ANSWER_BYTES)
    app.router.add_get("/events", pages.events)
    app.router.add_post("/answer", pages.answer)
    app.router.add_options("/answer", _preflight)
    for name, kind in _STATIC.items():
        address = "/" if name == "page.html" else f"/{name}"
        app.router.add_get(address, _static(name, kind))

    async def end(_: web.Application) -> None:
        watcher.remove_face(pages)
        pages.stream.close()

    app.on_shutdown.append(end)
    return app


_NO_STORE: Final = {"Cache-Control": "no-store"}


def _static(name: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    body = (files("streamnotice.faces.web") / "static" / name).read_bytes()
    headers = {"Cache-Control": "no-cache"}
    if kind == "text/html":
        headers["Content-Security-Policy"] = _PAGE_POLICY

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)

    return serve


async def _preflight(_: web.Request) -> web.Response:
    return web.Response(status=204)


def _cross_origin(guard: Guard, request: web.Request, response: web.StreamResponse) -> None:
    """Let a listed page of another origin read this."""
    response.headers["Vary"] = "Origin"
    origin = guard.cross_origin(request.headers)
    if origin is None:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "POST"
        response.headers["Access-Control-Allow-Headers"] = f"Content-Type, {TOKEN_HEADER}"
