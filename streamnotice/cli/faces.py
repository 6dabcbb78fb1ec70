"""How a session is told: JSON lines, plain lines, or the live view; one interface for all."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from streamnotice.bottlenecks import spelt
from streamnotice.cli.jsonl import JsonLines
from streamnotice.cli.wrapping import wrap
from streamnotice.dossier.record import library_version
from streamnotice.events import PlaybackChanged, Verdict
from streamnotice.notices.figures import seconds
from streamnotice.policy import S_NS

if TYPE_CHECKING:
    from streamnotice.faces import TakenAway
    from streamnotice.notices.actions import Acted
    from streamnotice.notices.shown import ShownNotice
    from streamnotice.watcher import Summary

SCHEMA: Final = 1

Coverage = Mapping[str, bool | str]


class Face(Protocol):
    """Tells of a session. Methods are called on the loop's thread, in the order of events."""

    def started(self, player: str, coverage: Coverage) -> None: ...

    def level(self, fields: Mapping[str, Any]) -> None:
        """What the player just said of itself (arguments of `Watcher.playback`)."""

    def received(self, at_s: float, media_bytes: int) -> None:
        """Media bytes so far; called a few times a second."""

    def playback(self, event: PlaybackChanged) -> None: ...

    def verdict(self, event: Verdict) -> None: ...

    def notice(self, shown: ShownNotice) -> None: ...

    def taken_away(self, what: TakenAway) -> None: ...

    def acted(self, acted: Acted) -> None: ...

    def error(self, at_s: float, text: str) -> None: ...

    def hint(self, text: str) -> None:
        """Something about this run that a person may want to know: addresses, keys."""

    def keys(self, legend: str) -> None:
        """These keys answer a notice."""

    def summary(self, at_s: float, summary: Summary) -> None:
        """The last call."""

    @property
    def broken(self) -> bool:
        """Nobody reads any more."""


class JsonFace:
    """The contract: see `docs/cli.md`."""

    def __init__(self, out: IO[str] | None = None) -> None:
        self._lines = JsonLines(out)

    def started(self, player: str, coverage: Coverage) -> None:
        self._lines.write(
            "start",
            {
                "schema": SCHEMA,
                "version": library_version(),
                "player": player,
                "coverage": dict(coverage),
            },
        )

    def level(self, fields: Mapping[str, Any]) -> None:
        return None

    def received(self, at_s: float, media_bytes: int) -> None:
        return None

    def playback(self, event: PlaybackChanged) -> None:
        buffer_s = None if event.buffer_ns is None else seconds(event.buffer_ns)
        self._lines.write(
            "playback", {"state": event.state, "buffer_s": buffer_s}, event.at_ns / S_NS
        )

    def verdict(self, event: Verdict) -> None:
        return None

    def notice(self, shown: ShownNotice) -> None:
        self._lines.write("notice", shown.as_json(), shown.event.at_ns / S_NS)

    def taken_away(self, what: TakenAway) -> None:
        self._lines.write("dismissed", what.as_json(), what.at_ns / S_NS)

    def acted(self, acted: Acted) -> None:
        self._lines.write("acted", acted.as_json(), acted.at_ns / S_NS)

    def error(self, at_s: float, text: str) -> None:
        self._lines.write("error", {"text": text}, at_s)

    def hint(self, text: str) -> None:
        print(f"streamnotice: {text}", file=sys.stderr, flush=True)

    def keys(self, legend: str) -> None:
        return None

    def summary(self, at_s: float, summary: Summary) -> None:
        verdict = None
        if summary.verdict is not None:
            verdict = {
                "bottleneck": summary.verdict.bottleneck,
                "among": list(summary.verdict.among),
                "condition": summary.verdict.condition,
                "confidence": round(summary.verdict.confidence_ppm / 1e6, 6),
            }
        self._lines.write(
            "summary",
            {
                "stalls": summary.stalls,
                "stalled_s": round(summary.stalled_s, 3),
                "notices": summary.notices,
                "probe_bytes": summary.probe_bytes,
                "media_bytes": summary.media_bytes,
                "verdict": verdict,
            },
            at_s,
        )

    @property
    def broken(self) -> bool:
        return self._lines.broken


class LineFace:
    """Plain lines for people, where there is no terminal (or `--quiet` was asked for).

    Args:
        title: what is played.
        quiet: only notices.
        after: a line to leave at the end (where the dossier is).
    """

    def __init__(
        self, title: str, *, quiet: bool, after: str = "", out: IO[str] | None = None
    ) -> None:
        self._title = title
        self._after = after
        self._quiet = quiet
        self._out = out if out is not None else sys.stdout
        self._broken = False
        self._keys = ""

    def started(self, player: str, coverage: Coverage) -> None:
        if self._quiet:
            return
        from_here = [place for place, how in coverage.items() if how is True]
        self._say(0.0, f"{self._title}, player {player}")
        self._say(0.0, f"can name: {', '.join(from_here) or 'nothing'}")

    def level(self, fields: Mapping[str, Any]) -> None:
        return None

    def received(self, at_s: float, media_bytes: int) -> None:
        return None

    def playback(self, event: PlaybackChanged) -> None:
        if not self._quiet:
            level = "" if event.buffer_ns is None else f", buffer {event.buffer_ns / S_NS:.1f} s"
            self._say(event.at_ns / S_NS, f"{event.state}{level}")

    def verdict(self, event: Verdict) -> None:
        return None

    def notice(self, shown: ShownNotice) -> None:
        event = shown.event
        self._say(
            event.at_ns / S_NS,
            f"NOTICE {event.state} ({spelt(event.bottleneck, event.among)}) {shown.text}",
        )
        if event.state != "resolved":
            for line in action_lines(shown, self._keys, "->"):
                self._say(None, line)
            if self._keys:
                self._say(None, self._keys)

    def taken_away(self, what: TakenAway) -> None:
        said = "understood" if what.by_viewer else "no longer shown"
        self._say(what.at_ns / S_NS, f"{said}: {what.bottleneck}")

    def acted(self, acted: Acted) -> None:
        self._say(acted.at_ns / S_NS, acted.text)

    def hint(self, text: str) -> None:
        if not self._quiet:
            self._say(None, text)

    def keys(self, legend: str) -> None:
        self._keys = legend

    def error(self, at_s: float, text: str) -> None:
        if not self._quiet:
            self._say(at_s, f"error: {text}")

    def summary(self, at_s: float, summary: Summary) -> None:
        if not self._quiet:
            self._say(at_s, summary_words(summary))
            if self._after:
                self._say(None, self._after)

    @property
    def broken(self) -> bool:
        return self._broken

    def _say(self, at_s: float | None, text: str) -> None:
        if self._broken:
            return
        head = " " * 8 if at_s is None else f"{at_s:7.1f} "
        lines = wrap(text, 92, head, " " * 8)
        encoding = getattr(self._out, "encoding", None) or "utf-8"
        try:
            # What this terminal can't show must not end the session.
            for line in lines:
                self._out.write(line.encode(encoding, "replace").decode(encoding) + "\n")
            self._out.flush()
        except (BrokenPipeError, ValueError):
            self._broken = True


def action_lines(shown: ShownNotice, keys: str, arrow: str) -> Iterator[str]:
    """A notice's first action and those that a key carries out, with the key where one does."""
    for number, action in enumerate(shown.actions, 1):
        if keys and action.runnable:
            yield f"[{number}] {action.label}"
        elif number == 1:
            # waiting is nothing that can be done
            yield f"{'[1]' if keys and action.id != 'wait' else arrow} {action.text}"


def summary_words(summary: Summary) -> str:
    """The summary in one line."""
    stalls = "no stall" if summary.stalls == 0 else f"{summary.stalls} stall"
    if summary.stalls > 1:
        stalls += "s"
    if summary.stalls:
        stalls += f" ({summary.stalled_s:.1f} s)"
    notices = {0: "no notice", 1: "1 notice"}.get(summary.notices, f"{summary.notices} notices")
    probes = f", {size(summary.probe_bytes)} of probes" if summary.probe_bytes else ""
    return f"{stalls}, {notices}; {size(summary.media_bytes)} of media{probes}"


def size(count_bytes: int) -> str:
    """Bytes for people."""
    if count_bytes >= 1_000_000:
        return f"{count_bytes / 1e6:.1f} MB"
    if count_bytes >= 1_000:
        return f"{count_bytes / 1e3:.0f} kB"
    return f"{count_bytes} B"
