"""The lab's live source: an encoder and packager that publishes real segments when they are due.

Runs as a program: `live.py SPEC`, SPEC as JSON: `media` (the encoded presentation), `root` (where
a server finds what is published), `prefix` for segment addresses by number (a list, cycled; [""]
for relative ones), `warm_from` (the edge's address, if other viewers have just asked it for each
segment; else null), `seed`. It prints "publishing", then reads one fault a line from standard
input, as `SourceFault` in JSON; `null` ends the fault.

A segment is a symbolic link into the encoded media, named by its media sequence number; the
presentation starts anew when it is through (with a discontinuity, RFC 8216, 4.3.2.3).
"""

from __future__ import annotations

import http.client
import json
import random
import select
import sys
import threading
import time
from pathlib import Path
from typing import Any

WINDOW_SEGMENTS = 6
FIRST_SEGMENTS = 12  # published before anybody looks
_CATCH_UP_S = 0.3
_TICK_S = 0.02
_EDGE_TRIES = 8


class Schedule:
    """When the next segment is out. Pure: time comes in, in seconds."""

    def __init__(self, segment_s: float, start_s: float, seed: int) -> None:
        self._segment_s = segment_s
        self._due_s = start_s
        self._last_s = start_s - segment_s
        self._rng = random.Random(seed)
        self._extra_s = 0.0
        self._fault: dict[str, Any] | None = None
        self._since_s = 0.0

    def fault(self, fault: dict[str, Any] | None, now_s: float) -> None:
        """From now on the encoder suffers from this; None: it is well again."""
        self._fault, self._since_s, self._extra_s = fault, now_s, 0.0

    def out(self, now_s: float) -> bool:
        """Whether the next segment is out; call `published` then."""
        return now_s >= self._out_at_s(now_s)

    def _out_at_s(self, now_s: float) -> float:
        soonest = max(self._due_s, self._last_s + _CATCH_UP_S)
        fault = self._fault
        if fault is None:
            return soonest
        if fault["kind"] == "stopped":
            return float("inf")
        if fault["kind"] == "slow":
            return max(soonest, self._last_s + self._segment_s / float(fault["factor"]))
        if fault["kind"] == "gaps":
            good_s, gap_s = fault["good_s"], fault["gap_s"]
            return soonest if (now_s - self._since_s) % (good_s + gap_s) >= gap_s else float("inf")
        return soonest + self._extra_s  # "jitter"

    def published(self, now_s: float) -> None:
        self._last_s = now_s
        self._due_s += self._segment_s
        if self._fault is not None and self._fault["kind"] == "jitter":
            self._extra_s = self._rng.uniform(0, self._fault["jitter_s"])


class Publisher:
    """Writes segments and sliding playlists below `root`."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._media, self._root = Path(spec["media"]), Path(spec["root"])
        self._prefix: list[str] = spec["prefix"]
        self._warm_from: str | None = spec["warm_from"]
        self._durations_s: dict[str, list[float]] = {}
        self._next = 0
        for index in sorted(self._media.glob("*/index.m3u8")):
            rows = index.read_text().splitlines()
            name = index.parent.name
            self._durations_s[name] = [
                float(row[8:].split(",")[0]) for row in rows if row.startswith("#EXTINF:")
            ]
            (self._root / name).mkdir(parents=True)
        self._count = min(len(found) for found in self._durations_s.values())
        (self._root / "master.m3u8").write_text((self._media / "master.m3u8").read_text())

    @property
    def segment_s(self) -> float:
        return max(self._durations_s[min(self._durations_s)])

    def publish(self) -> None:
        """One more segment in each rendition, then the playlists that announce it."""
        number = self._next
        self._next += 1
        for name in self._durations_s:
            source = self._media / name / f"s{number % self._count:03d}.ts"
            (self._root / name / f"s{number:05d}.ts").symlink_to(source)
        if self._warm_from is not None and number >= FIRST_SEGMENTS - WINDOW_SEGMENTS:
            ask = [f"/{self._root.name}/{name}/s{number:05d}.ts" for name in self._durations_s]
            threading.Thread(target=_ask_edge, args=(self._warm_from, ask), daemon=True).start()
        for name, durations_s in self._durations_s.items():
            self._write(name, durations_s)

    def _write(self, name: str, durations_s: list[float]) -> None:
        first = max(0, self._next - WINDOW_SEGMENTS)
        rows = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{round(self.segment_s)}"]
        rows += [f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        rows += [f"#EXT-X-DISCONTINUITY-SEQUENCE:{(max(1, first) - 1) // self._count}"]
        for number in range(first, self._next):
            if number and number % self._count == 0:
                rows.append("#EXT-X-DISCONTINUITY")
            rows.append(f"#EXTINF:{durations_s[number % self._count]:.6f},")
            prefix = self._prefix[number % len(self._prefix)]
            where = f"{prefix}/{self._root.name}/{name}/" if prefix else ""
            rows.append(f"{where}s{number:05d}.ts")
        part = self._root / name / ".index.part"
        part.write_text("\n".join(rows) + "\n")
        part.rename(self._root / name / "index.m3u8")


def _ask_edge(address: str, paths: list[str]) -> None:
    """What other viewers do: have the edge fetch a new segment before ours asks."""
    for _ in range(_EDGE_TRIES):
        try:
            edge = http.client.HTTPConnection(address, timeout=20)
            for path in paths:
                edge.request("GET", path)
                edge.getresponse().read()
            edge.close()
        except (OSError, http.client.HTTPException):
            time.sleep(0.5)  # not there yet, or in trouble: then nobody warms its cache
        else:
            return


def main(spec: dict[str, Any]) -> None:
    publisher = Publisher(spec)
    for _ in range(FIRST_SEGMENTS):
        publisher.publish()
    schedule = Schedule(publisher.segment_s, time.monotonic() + publisher.segment_s, spec["seed"])
    print("publishing", flush=True)
    while True:
        ready, _, _ = select.select([sys.stdin], [], [], _TICK_S)
        if ready:
            line = sys.stdin.readline()
            if not line:
                return
            schedule.fault(json.loads(line), time.monotonic())
        if schedule.out(time.monotonic()):
            publisher.publish()
            schedule.published(time.monotonic())


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
