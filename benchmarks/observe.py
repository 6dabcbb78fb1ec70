"""What one observation costs the host: `Engine.feed` beside one OpenTelemetry histogram record.

    python benchmarks/observe.py [--rounds N] [--seconds S] [--json]

Three loads: `mix` is what a session with all probes feeds, `playback` a player's words alone,
five a second (both with the decision step that each second brings), and `between` a player's
words between two decision steps. In every round engine and histogram take turns on the same
number of calls, so that a machine that slows down slows both; what is reported is the median
over rounds of the paired ratio, with the quartiles. Times are of this process's CPU. The
histogram is the SDK's default one with one attribute, as players' metrics have them.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

if __name__ == "__main__":  # run as a script, from any folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from streamnotice.engine import ENGINE_VERSION, Engine
from streamnotice.observations import (
    FirstByte,
    HopProbe,
    HostLoad,
    Observation,
    Playback,
    RequestConnected,
    RequestEnded,
    RequestStarted,
    RoundTrip,
    Route,
    Transfer,
)
from streamnotice.policy import S_NS, Policy

MS_NS: Final = 1_000_000
HOPS: Final = 6
SEGMENT_S: Final = 4
LADDER_BPS: Final = (430_000, 1_200_000, 3_000_000)
SEGMENT_BYTES: Final = LADDER_BPS[-1] * SEGMENT_S // 8


def playback_alone(seconds: int) -> list[Observation]:
    """A player's words, five a second."""
    return [_playback(tick * S_NS // 5) for tick in range(seconds * 5)]


def playback_between(calls: int) -> list[Observation]:
    """A player's words within one second: no decision step among them."""
    return [_playback(number * (S_NS - 1) // calls) for number in range(calls)]


def typical_mix(seconds: int) -> list[Observation]:
    """A session with path probes and a reference: about thirty observations a second."""
    places = ("network.home.wifi", "network.isp.access", "network.isp.core",
              "network.interconnect", "service", "service")  # fmt: skip
    hops = tuple(f"addr-{number}" for number in range(HOPS))
    made: list[Observation] = [Route(0, "host-a", "service", hops, places, True)]
    for second in range(seconds):
        start = second * S_NS
        made += (_playback(start + tick * S_NS // 5) for tick in range(5))
        made += _segment(second, start)
        for number in range(16):
            ttl = 1 + (second * 16 + number) % HOPS
            made.append(
                HopProbe(
                    start + number * 60 * MS_NS,
                    "host-a",
                    ttl,
                    "udp",
                    "reached" if ttl == HOPS else "ttl_exceeded",
                    rtt_ns=ttl * 3 * MS_NS + (second * 7 + number * 13) % 11 * 100_000,
                    hop=hops[ttl - 1],
                    return_hops=ttl,
                    loaded=True,
                )
            )
        for role, host in (("service", "host-a"), ("reference", "host-r")):
            made.append(RoundTrip(start + 400 * MS_NS, host, role, 18 * MS_NS))  # type: ignore[arg-type]
        made.append(HostLoad(start + 500 * MS_NS, S_NS, MS_NS, 3, 120, 5))
    return sorted(made, key=lambda seen: seen.at_ns)


def _playback(at_ns: int) -> Playback:
    return Playback(
        at_ns,
        state="playing",
        buffer_ns=20 * S_NS + at_ns % (SEGMENT_S * S_NS),
        position_ns=at_ns,
        rendition_bps=LADDER_BPS[-1],
        ladder_bps=LADDER_BPS,
        wants_data=True,
        target_ns=30 * S_NS,
    )


def _segment(second: int, start: int) -> list[Observation]:
    """The part of a segment's request that falls into one second; each lasts three of four."""
    request, part = divmod(second, SEGMENT_S)
    made: list[Observation] = []
    if part == 0:
        made += [
            RequestStarted(start, request, "host-a"),
            RequestConnected(start + MS_NS, request, reused=True),
            FirstByte(
                start + 40 * MS_NS, request, 200, 39 * MS_NS, SEGMENT_BYTES, "hit", "X-Cache"
            ),
        ]
    if part < 3:
        for look in range(5):
            share = (part * 5 + look + 1) / 15
            made.append(
                Transfer(
                    start + (50 + look * 180) * MS_NS,
                    request,
                    int(SEGMENT_BYTES * share),
                    socket="sock-a",
                    socket_bytes=request * SEGMENT_BYTES + int(SEGMENT_BYTES * share),
                    rtt_ns=18 * MS_NS,
                    min_rtt_ns=17 * MS_NS,
                    segments_in=request * 1000 + int(1000 * share),
                    out_of_order=request,
                    window_bytes=1 << 20,
                )
            )
    if part == 2:
        made.append(RequestEnded(start + 900 * MS_NS, request, SEGMENT_BYTES))
    return made


def _histogram() -> Callable[[float], None]:
    """One record into a histogram of OpenTelemetry's SDK, with one attribute."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    meter = MeterProvider(metric_readers=[InMemoryMetricReader()]).get_meter("bench")
    record = meter.create_histogram("player.buffer", "s").record
    attributes = {"player": "none"}
    return lambda value: record(value, attributes)


@attrs.frozen
class Spread:
    """Median and quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        if len(values) < 2:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


@attrs.frozen
class Result:
    """One load's cost.

    Attributes:
        cpu_share: of one CPU, while a session lasts; None for a load that is no session.
        engine_us, histogram_us: microseconds a call.
        ratio: engine over histogram, paired.
    """

    load: str
    observations: int
    cpu_share: float | None
    engine_us: Spread
    histogram_us: Spread
    ratio: Spread


def _timed_ns(work: Callable[[], None]) -> int:
    gc.collect()
    start = time.process_time_ns()
    work()
    return time.process_time_ns() - start


def measure(load: str, made: list[Observation], rounds: int) -> Result:
    """Pair engine and histogram *rounds* times on as many calls as there are observations."""
    record = _histogram()
    values = [float(index % 30) for index in range(len(made))]

    def engine_session() -> None:
        feed = Engine(Policy().settings()).feed
        for seen in made:
            feed(seen)

    def histogram_session() -> None:
        for value in values:
            record(value)

    engine_session()  # tables and code are warm before the first pair
    histogram_session()
    engine_us, histogram_us, ratios = [], [], []
    for number in range(rounds):
        pair = [("engine", engine_session), ("histogram", histogram_session)]
        if number % 2:
            pair.reverse()
        took = {name: _timed_ns(work) / len(made) / 1000 for name, work in pair}
        engine_us.append(took["engine"])
        histogram_us.append(took["histogram"])
        ratios.append(took["engine"] / max(took["histogram"], 1e-6))
    seconds = (made[-1].at_ns - made[0].at_ns) / S_NS
    session_s = Spread.of(engine_us).median * len(made) / 1e6
    return Result(
        load,
        len(made),
        session_s / seconds if seconds > 1 else None,
        Spread.of(engine_us),
        Spread.of(histogram_us),
        Spread.of(ratios),
    )


def run(rounds: int, seconds: int) -> list[Result]:
    return [
        measure("mix", typical_mix(seconds), rounds),
        measure("playback", playback_alone(seconds), rounds),
        measure("between", playback_between(seconds * 30), rounds),
    ]


def as_text(results: list[Result]) -> str:
    """A table for people."""
    rows = [
        f"engine {ENGINE_VERSION}, Python {platform.python_version()}, {platform.machine()}",
        "medians (quartiles); CPU time of this process",
        "",
        f"{'load':10}{'calls':>7}{'feed, µs':>24}{'histogram, µs':>22}"
        f"{'ratio':>22}{'of a CPU':>11}",
    ]
    rows += (
        f"{r.load:10}{r.observations:>7}{_cell(r.engine_us):>24}{_cell(r.histogram_us):>22}"
        f"{_cell(r.ratio):>22}" + ("" if r.cpu_share is None else f"{r.cpu_share:>11.3%}")
        for r in results
    )
    return "\n".join(rows)


def _cell(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.low:.2f}-{spread.high:.2f})"


def main(argv: Sequence[str] | None = None) -> int:
    """Run and print; 0."""
    parser = argparse.ArgumentParser(description="the cost of one observation")
    parser.add_argument("--rounds", type=int, default=15, help="pairs a load (default: 15)")
    parser.add_argument("--seconds", type=int, default=60, help="session length (default: 60)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    args = parser.parse_args(argv)
    if args.rounds < 1 or args.seconds < 2:
        parser.error("--rounds must be at least 1, --seconds at least 2")
    results = run(args.rounds, args.seconds)
    if args.json:
        plain: dict[str, Any] = {"engine": ENGINE_VERSION, "rounds": args.rounds}
        print(json.dumps({**plain, "loads": [attrs.asdict(r) for r in results]}))
    else:
        print(as_text(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
