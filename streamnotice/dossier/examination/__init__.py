"""The cross-examination of a notice: how much of its evidence can go before the verdict goes?

    examination = examine("session.jsonl.gz")
    for notice in examination.notices:
        for one in notice.without_rules: ...

All of it is computed from the dossier alone, by the engine that replays it. One module asks one
question: `leaving` (each rule, sensor and stretch of time left out), `carrying` (a minimal set of
rules that carries the verdict), `against` (what speaks against it, and what would have overturned
it), `apart` (what the sensors could not have told apart), `ranges` (other priors and bars),
`bystanders` (might it be a queue that harms nobody?).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import attrs

from streamnotice.bottlenecks import UNDETERMINED, is_named
from streamnotice.dossier.deeds import Deed, as_read, deeds
from streamnotice.dossier.examination import against, apart, leaving, ranges
from streamnotice.dossier.examination.against import Margin, Rival, Turn
from streamnotice.dossier.examination.apart import Pair
from streamnotice.dossier.examination.bystanders import Beside, beside
from streamnotice.dossier.examination.carrying import Carrying, carrying
from streamnotice.dossier.examination.leaving import LeftOut
from streamnotice.dossier.examination.ranges import UnderBar, UnderPrior
from streamnotice.dossier.examination.reweigh import stretch, weigher_for
from streamnotice.dossier.examination.session import Session, load
from streamnotice.dossier.signing import Verifier
from streamnotice.errors import EvidenceError, HostError, StreamnoticeError
from streamnotice.events import Notice
from streamnotice.policy import S_NS

LOOK_BACK_NS: Final = 120 * S_NS
"""How far before a notice's window the examination reaches; older evidence stays as it was."""


@attrs.frozen
class Examined:
    """One notice, examined as it last stood.

    Attributes:
        notice: what was said: the notice's last event but its end.
        from_ns: start of the examined stretch; evidence from before it is left as it was.
        rules_seen: rules that answered in the stretch.
        without_rules, without_sensors, without_times: what became of the verdict without each.
        carrying: a minimal set of rules that carries it; None for `undetermined`.
        rivals: every other place, the likeliest first.
        margin: how near the verdict was to not being said.
        turns: what would have overturned it, the soonest first.
        pairs: places by how far apart the sensors could have told them, the nearest first.
        priors, bars, budgets: the verdict over ranges of them.
        beside: what was made of queues on the home's line that harm nobody; None if the table
            knows of none.
    """

    notice: Notice
    from_ns: int
    rules_seen: tuple[str, ...]
    without_rules: tuple[LeftOut, ...]
    without_sensors: tuple[LeftOut, ...]
    without_times: tuple[LeftOut, ...]
    carrying: Carrying | None
    rivals: tuple[Rival, ...]
    margin: Margin | None
    turns: tuple[Turn, ...]
    pairs: tuple[Pair, ...]
    priors: tuple[UnderPrior, ...]
    bars: tuple[UnderBar, ...]
    budgets: tuple[UnderBar, ...]
    beside: Beside | None


@attrs.frozen(eq=False)
class Examination:
    """What an examination found.

    Attributes:
        session: the replayed dossier.
        ids: all notices of the session, in order.
        notices: those examined.
        deeds: what was done about notices, and what followed it, as recorded.
    """

    session: Session
    ids: tuple[str, ...]
    notices: tuple[Examined, ...]
    deeds: tuple[Deed, ...] = ()

    def done_about(self, notice_id: str) -> list[Deed]:
        """The deeds that were about one notice."""
        return [one for one in self.deeds if one.notice_id == notice_id]

    def said(self, deed: Deed) -> str:
        """The action as the viewer read it; empty if that is not on record."""
        return as_read(deed, self.session.replay.shown)


def last_words(notices: Iterable[Notice]) -> dict[str, Notice]:
    """Notice id -> its last event that is not its end, in order."""
    return {n.id: n for n in notices if n.state != "resolved"}


def main_notice(notices: Sequence[Notice]) -> Notice | None:
    """The notice that says most: the last one with a name that was not withdrawn, else the last
    with a name, else the last one; None without any."""
    words = [*last_words(notices).values()]
    withdrawn = {n.id for n in notices if n.reason == "withdrawn"}
    named = [notice for notice in words if is_named(notice.bottleneck, notice.among)]
    stood = [notice for notice in named if notice.id not in withdrawn]
    best = stood or named or words
    return best[-1] if best else None


def examine(
    path: str | os.PathLike[str], notice: str | None = None, verifier: Verifier | None = None
) -> Examination:
    """Examine the dossier at *path*, from the first part that is there.

    Args:
        notice: id of the notice; "" is the main one alone, None is all.
        verifier: the key that it must be signed with.

    Raises:
        EvidenceError: the file is no dossier, is damaged, was changed, or is not signed by the
            key.
        HostError: there is no such notice.
    """
    session = load(path, verifier)
    words = last_words(session.notices)
    if notice is None:
        wanted = list(words.values())
    elif notice:
        if notice not in words:
            known = ", ".join(words) or "none"
            begin_ns = session.replay.begin_ns
            where = f" from second {begin_ns // S_NS} on" if begin_ns else ""
            raise HostError(
                f"{session.path}: there is no notice {notice!r}{where}; there are: {known}"
            )
        wanted = [words[notice]]
    else:
        main = main_notice(session.notices)
        wanted = [main] if main is not None else []
    return Examination(
        session,
        tuple(words),
        tuple(examined(session, one) for one in wanted),
        tuple(deeds(session.replay.acted, session.replay.notices)),
    )


def _anew_ns(session: Session, until_ns: int) -> int:
    """When the weighing last began anew, as a box that ends connections was found; 0 if never."""
    found = (
        asked.at_ns
        for before, asked in pairwise(session.steps)
        if asked.sighted.boxed and not before.sighted.boxed and asked.at_ns <= until_ns
    )
    return max(found, default=0)


def examined(session: Session, notice: Notice) -> Examined:
    """Examine one notice of a session, as *notice* says it.

    Raises:
        EvidenceError: it can't be weighed again.
    """
    try:
        return _examined(session, notice)
    except StreamnoticeError:
        raise
    except Exception as error:
        if session.state is None:
            raise
        # the record's own memory replays; asked other questions, what was made up may not bear it
        raise EvidenceError(
            f"{session.path}: notice {notice.id} can't be examined: the engine can't go on from "
            f"the state on record ({type(error).__name__})"
        ) from error


def _examined(session: Session, notice: Notice) -> Examined:
    settings, tables = session.header.settings, session.tables
    weigher = weigher_for(tables, settings)
    start_ns = max(0, notice.since_ns - LOOK_BACK_NS, _anew_ns(session, notice.at_ns))
    on = stretch(weigher, session, start_ns, notice.at_ns)
    name = on.claim.bottleneck if on.claim is not None else UNDETERMINED
    if (name, on.claim.among if on.claim else ()) != (notice.bottleneck, notice.among):
        raise EvidenceError(
            f"{session.path}: notice {notice.id} can't be weighed again: "
            f"{notice.bottleneck} was said, {name} comes out"
        )
    weights = {item.rule: item.weight_mdb for item in notice.items}
    said = against.rows(on, notice.since_ns)
    return Examined(
        notice=notice,
        from_ns=on.steps[0].at_ns,
        rules_seen=leaving.answered(on),
        without_rules=leaving.rules(on, weights),
        without_sensors=leaving.sensors(session, on.steps[0].at_ns, notice.at_ns, on.claim),
        without_times=leaving.windows(on),
        carrying=carrying(on, weights),
        rivals=against.rivals(on, said),
        margin=against.margin(on),
        turns=against.turns(on),
        pairs=apart.pairs(on, said),
        priors=ranges.priors(on, settings),
        bars=ranges.bars(on, settings),
        budgets=ranges.budgets(on, settings),
        beside=beside(on, settings),
    )
