"""Real sessions (recorded in the lab) as dossiers of the engine as it is now."""

from __future__ import annotations

from contextlib import nullcontext
from importlib.resources import as_file, files
from pathlib import Path

import attrs

from streamnotice.dossier.reader import open_dossier
from streamnotice.dossier.record import Recorder, make_header
from streamnotice.dossier.signing import Signer
from streamnotice.engine import ENGINE_VERSION, Engine
from streamnotice.events import AnyEvent, Notice, Verdict
from streamnotice.notices.catalog import Catalog
from streamnotice.notices.shown import Context
from streamnotice.observations import Observation
from streamnotice.policy import Policy


def retold(
    name: str | Path,
    target: Path,
    *,
    texts: dict[str, str] | None = None,
    locale: str = "en",
    other_engine: bool = False,
    signer: Signer | None = None,
    bars: dict[str, float] | None = None,
) -> Path:
    """A session, told again and recorded at *target*.

    Args:
        name: one of `streamnotice.testing`, or another dossier's path.
        texts: parts of the texts shown (`sentence`, ...) to put in place of the real ones.
        locale: language of the texts shown.
        other_engine: as if another engine had recorded it, which said other things.
        signer: signs it.
        bars: of single places.
    """
    policy = Policy(probes=frozenset({"path", "reference"}), bars=bars or {})
    catalog = Catalog(locale)
    shipped = files("streamnotice.testing") / "recordings" / f"{name}.jsonl.gz"
    with nullcontext(name) if isinstance(name, Path) else as_file(shipped) as path:
        dossier = open_dossier(path)
        entries = list(dossier)
    engine = Engine(policy.settings())
    recorder = Recorder(
        make_header(
            settings=policy.settings(),
            engine_version="0.0.1" if other_engine else ENGINE_VERSION,
            tables=engine.tables.hashes(),
            provisional=engine.tables.provisional,
            policy=policy,
            catalog_hash=catalog.hash,
            locale=catalog.locale,
            started_utc="2026-01-02T03:04:05+00:00",
        ),
        50_000_000,
        target,
        snapshot=lambda: engine.snapshot() | ({"engine": "0.0.1"} if other_engine else {}),
        signer=signer,
    )
    last_ns, said = 0, None
    for entry in entries:
        events: list[AnyEvent]
        if entry.type == "tick":
            recorder.tick(entry.at_ns)
            events = engine.tick(entry.at_ns)
        elif isinstance(entry.value, Observation):
            recorder.observation(entry.value)
            events = engine.feed(entry.value)  # type: ignore[arg-type]
        else:
            continue
        last_ns = max(last_ns, entry.at_ns)
        if other_engine:
            events = [
                attrs.evolve(e, wants="rest") if isinstance(e, Verdict) else e for e in events
            ]
        recorder.events(events)
        for event in events:
            if isinstance(event, Notice):
                quoted = said if event.reason == "withdrawn" else None
                context = Context(medium=engine.estimates.medium, said=quoted)
                shown = catalog.show(event, policy, context)
                said = shown.sentence
                recorder.shown(attrs.evolve(shown, **(texts or {})))
    recorder.close(last_ns)
    return target
