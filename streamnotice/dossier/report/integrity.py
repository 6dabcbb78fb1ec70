"""Does the record hold: what the report says of it, and whether it may be examined."""

from __future__ import annotations

import os

import attrs

from streamnotice.dossier.examination.session import Session, load
from streamnotice.errors import EvidenceError


@attrs.frozen(eq=False)
class Integrity:
    """What was found.

    Attributes:
        state: "holds"; "other_engine" (recorded by another engine or with other tables: this one
            can't vouch for the verdicts); "broken" (it was changed).
        text: the same in a sentence.
        session: the replayed session, where it holds.
    """

    state: str
    text: str
    session: Session | None = None


def check(path: str | os.PathLike[str]) -> Integrity:
    """Replay the dossier at *path* and say whether it holds."""
    try:
        session = load(path)
    except EvidenceError as error:
        why = str(error).removeprefix(f"{os.fspath(path)}: ")
        return Integrity("broken", f"This record does not hold: {why}.")
    replay = session.replay
    if replay.outcome == "identical":
        return Integrity(
            "holds",
            f"Run again through the same engine, the {replay.observations} recorded measurements "
            f"give the same {replay.events} recorded verdicts and notices, byte for byte.",
            session,
        )
    return Integrity(
        "other_engine",
        f"Recorded by engine {replay.header.engine} of streamnotice {replay.header.version}; this "
        f"is engine {replay.engine}. What was said then is shown as recorded; to check that it "
        "follows from the measurements, and to examine it, use the version that recorded it.",
    )
