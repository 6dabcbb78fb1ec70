"""A small session with a stall, recorded in step with a real engine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from streamnotice.dossier.chain import START, Chain, is_seal
from streamnotice.dossier.codec import canonical
from streamnotice.dossier.record import Recorder, make_header
from streamnotice.dossier.signing import Signer
from streamnotice.engine import ENGINE_VERSION, Engine
from streamnotice.observations import Closed, Observation, Playback, RequestStarted, Transfer
from streamnotice.policy import Policy

S_NS = 1_000_000_000


def observations() -> Iterator[Observation | int]:
    """Observations and ticks (integers): 12 good seconds, then the buffer drains."""
    yield RequestStarted(0, request=1, host="host-a")
    received = 0
    for quarter in range(160):
        at_ns = quarter * S_NS // 4
        good = quarter < 48
        received += 100_000 if good else 2_000
        level_ns = 9 * S_NS if good else max(0, 9 * S_NS - (quarter - 48) * S_NS // 4)
        state = "playing" if level_ns else "stalled"
        yield Playback(
            at_ns, state=state, buffer_ns=level_ns, rendition_bps=3_000_000, wants_data=True
        )
        yield Transfer(at_ns, request=1, received_bytes=received, socket="sock-a")
        if quarter % 4 == 0:
            yield at_ns
    yield Closed(40 * S_NS)


def record(
    bound_bytes: int = 10_000_000,
    stream: str | os.PathLike[str] | None = None,
    *,
    close: bool = True,
    engine_version: str = ENGINE_VERSION,
    most: int | None = None,
    signer: Signer | None = None,
    rotates: bool = True,
) -> Recorder:
    """Run the session (its first *most* inputs) through an engine and a recorder."""
    policy = Policy()
    settings = policy.settings()
    engine = Engine(settings)
    recorder = Recorder(
        make_header(
            settings=settings,
            engine_version=engine_version,
            tables=engine.tables.hashes(),
            provisional=engine.tables.provisional,
            policy=policy,
            locale="en",
            started_utc="2026-01-02T03:04:05+00:00",
        ),
        bound_bytes,
        stream,
        snapshot=engine.snapshot if rotates else None,
        signer=signer,
    )
    for number, fed in enumerate(observations()):
        if most is not None and number >= most:
            break
        if isinstance(fed, int):
            recorder.tick(fed)
            recorder.events(engine.tick(fed))
        else:
            recorder.observation(fed)
            recorder.events(engine.feed(fed))
    if close:
        recorder.close(40 * S_NS)
    return recorder


def at(words: bytes, lines: list[bytes]) -> int:
    """Index of the first line with *words* in it."""
    return next(n for n, line in enumerate(lines) if words in line)


def resealed(lines: list[bytes], start: bytes = START) -> list[bytes]:
    """*lines* with all seals computed anew: what a forger without a key can do."""
    chain = Chain(start)
    made = []
    for line in lines:
        if is_seal(line):
            made.append(chain.seal())
        else:
            chain.add(line)
            made.append(line)
    return made


def changed(line: bytes, **fields: object) -> bytes:
    """*line* with other values in some fields, in canonical form."""
    return canonical(json.loads(line) | fields) + b"\n"


def forged(lines: list[bytes], keep: int = 0) -> list[bytes]:
    """The first *keep* lines, and the rest as a forger without the key can have it: another text
    in what was shown, no signature, no end, one seal."""
    chain = Chain()
    made = list(lines[:keep])
    for line in made:
        if is_seal(line):
            chain.seal()
        else:
            chain.add(line)
    for line in lines[keep:]:
        kind = json.loads(line)["type"]
        if kind not in ("seal", "signature", "closed"):
            made.append(changed(line, text="forged") if kind == "shown" else line)
            chain.add(made[-1])
    return [*made, chain.seal()]
