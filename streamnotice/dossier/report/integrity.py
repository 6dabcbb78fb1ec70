"""Does the record hold: what the report says of it, and whether it may be examined."""

from __future__ import annotations

import os
from typing import Literal

import attrs

from streamnotice.dossier.examination.session import Session, load
from streamnotice.dossier.phrases import Phrases, english
from streamnotice.dossier.report.safe import visible
from streamnotice.dossier.signing import Verifier
from streamnotice.dossier.verify import Finding, Verified, verify

MOST_FINDINGS = 4
NAME = "streamnotice"

State = Literal["holds", "partial", "other_engine", "broken"]


@attrs.frozen(eq=False)
class Integrity:
    """What was found.

    Attributes:
        state: "holds"; "partial" (what is there holds, but start or end of the session are not);
            "other_engine" (recorded by another engine or with other tables: this one can't vouch
            for the verdicts); "broken" (it is not as it was written, or not what its
            observations say).
        text: the same in an English sentence.
        findings: what does not hold, and where, in English.
        verified: the whole of it.
        session: the replayed session, where it holds.
    """

    state: State
    text: str
    findings: tuple[str, ...]
    verified: Verified
    session: Session | None = None


def check(path: str | os.PathLike[str], verifier: Verifier | None = None) -> Integrity:
    """Verify the dossier at *path*, and replay it if it holds.

    Raises:
        EvidenceError: it can't be read, or is no dossier.
    """
    found = verify(path, verifier, jobs=os.cpu_count() or 1)
    states: dict[str, State] = {"verified": "holds", "failed": "broken"}
    state: State = states.get(found.outcome) or (
        "partial" if found.outcome == "partial" else "other_engine"
    )
    told = [_finding(one) for one in found.findings[:MOST_FINDINGS]]
    more = len(found.findings) - len(told)
    if more > 0:
        told.append(f"and {more} more")
    return Integrity(
        state=state,
        text=text(state, found, english()),
        findings=() if state == "other_engine" else tuple(told),
        verified=found,
        session=load(path) if state in ("holds", "partial") else None,
    )


def text(state: State, found: Verified, say: Phrases) -> str:
    """What was found, in the words of *say*."""
    if state == "broken":
        return say("integrity.broken")
    if state == "other_engine" and found.engine == found.header.engine:
        return say(
            "integrity.other_tables",
            version=visible(found.header.version, 40),
            tables=visible(", ".join(found.tables_differ), 80),
            streamnotice=NAME,
        )
    if state == "other_engine":
        return say(
            "integrity.other_engine",
            recorded=visible(found.header.engine, 40),
            version=visible(found.header.version, 40),
            engine=found.engine,
            streamnotice=NAME,
        )
    lines = [say("integrity.chain")] if found.seals else []
    if found.key_id and found.signatures:
        lines.append(say("integrity.signed"))
    lines.append(say("integrity.replay", observations=found.observations, events=found.events))
    if state == "partial":
        lines.append(say("integrity.but"))
    return say.sentences(lines)


def _finding(one: Finding) -> str:
    where = f"line {one.first}" if one.first == one.last else f"lines {one.first} to {one.last}"
    return f"{where}: {one.text}"
