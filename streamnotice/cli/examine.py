"""`streamnotice examine FILE`: the cross-examination of a notice."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import attrs

from streamnotice.bottlenecks import spelt
from streamnotice.cli import FAILED, OK
from streamnotice.cli.plain import complain, harmless, say
from streamnotice.cli.replay import advice
from streamnotice.cli.signed import add_key, verifier_of
from streamnotice.dossier.examination import Examination, Examined, examine, words
from streamnotice.dossier.examination.against import Margin, Rival
from streamnotice.dossier.examination.bystanders import Beside
from streamnotice.dossier.examination.carrying import Carrying
from streamnotice.dossier.examination.leaving import LeftOut
from streamnotice.dossier.examination.reweigh import Fate
from streamnotice.dossier.examination.session import ChangedError
from streamnotice.dossier.signing import Verifier
from streamnotice.notices.figures import json_figures
from streamnotice.policy import S_NS, Settings

MOST_LISTED = 8
NAME_WIDTH = 22

Line = tuple[str, str]
"""(style for a terminal, text)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a dossier (.jsonl or .jsonl.gz)")
    parser.add_argument(
        "--notice", metavar="ID", help="which notice (n1, ...); default: the one that says most"
    )
    add_key(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="one JSON object, of all notices unless --notice is given",
    )


def run(args: argparse.Namespace) -> int:
    everything = args.json and args.notice is None
    verifier = verifier_of(args)
    try:
        found = examine(args.file, None if everything else args.notice or "", verifier)
    except ChangedError as error:
        complain("examine", error)
        return FAILED
    if args.json:
        print(json.dumps(as_json(found, verifier)))
    else:
        show(found, args.file, verifier)
    return OK if found.session.replay.outcome == "identical" else FAILED


# -- for people -------------------------------------------------------------------------------


def show(found: Examination, file: str, verifier: Verifier | None = None) -> None:
    """Print the examination: coloured on a terminal, plain elsewhere."""
    lines = list(as_lines(found, file, verifier))
    if sys.stdout.isatty():
        try:
            from rich.console import Console
            from rich.text import Text
        except ImportError:
            pass
        else:
            console = Console(highlight=False, soft_wrap=True)
            for style, text in lines:
                console.print(Text(harmless(text), style=style))
            return
    say(text for _, text in lines)


def as_lines(found: Examination, file: str, verifier: Verifier | None = None) -> Iterator[Line]:
    """The whole text, line by line.

    Args:
        verifier: the key that the record was found to be signed with.
    """
    missing = words.missing(found.session)
    if not found.notices:
        where = "in what is there of this session" if missing else "in this session"
        yield "bold", f"{file}: no notice was raised {where}; there is nothing to examine"
    for number, seen in enumerate(found.notices):
        if number:
            yield "", ""
        yield from _notice(seen, file, found.session.header.settings)
        yield from _deeds(found, seen.notice.id)
    others = [one for one in found.ids if one not in {seen.notice.id for seen in found.notices}]
    if others:
        yield "", ""
        yield "dim", f"Other notices of this session (--notice ID): {', '.join(others)}"
    replay = found.session.replay
    yield "", ""
    if missing:
        yield "yellow", missing
    if verifier is not None:
        yield "green", f"It is signed by the key {verifier.key_id}."
    if replay.outcome == "identical":
        yield (
            "green",
            (
                f"The record replays identically ({replay.observations} observations, "
                f"{replay.events} events, engine {replay.engine})."
            ),
        )
    else:
        yield "bold red", "This is not what was said then, but what this engine makes of it now."
        yield "red", advice(replay)


def _notice(seen: Examined, file: str, settings: Settings) -> Iterator[Line]:
    notice = seen.notice
    said = spelt(notice.bottleneck, notice.among, notice.condition)
    yield "bold", f"Cross-examination of notice {notice.id} in {file}"
    rows = [("said", f"{said}, at {words.clock(notice.at_ns)}")]
    if seen.carrying is not None:
        rows.append(
            (
                "how sure",
                f"{words.percent(notice.confidence_ppm)}; {words.decibans(notice.weight_mdb)} "
                f"against {notice.against}",
            )
        )
    rows.append(
        (
            "evidence",
            f"{len(seen.rules_seen)} rules, from {words.clock(seen.from_ns)} to "
            f"{words.clock(notice.at_ns)}"
            + ("" if seen.from_ns <= S_NS else "; what is older stays as it was"),
        )
    )
    for label, text in rows:
        yield "", f"  {label:<10}{text}"
    yield from _left_out("Without each rule", seen.without_rules, notice.condition)
    yield from _left_out("Without each sensor", seen.without_sensors, notice.condition)
    yield from _left_out("Without each stretch of time", seen.without_times, notice.condition)
    yield from _carrying(seen)
    yield from _against(seen)
    yield from _turns(seen)
    yield from _pairs(seen)
    yield from _ranges(seen, settings)
    yield from _beside(seen)


def _head(text: str) -> Iterator[Line]:
    yield "", ""
    yield "bold cyan", text


def _wrapped(text: str, indent: int = 2) -> Iterator[Line]:
    for line in textwrap.wrap(
        text, 96, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2)
    ):
        yield "", line


def _style(found: Fate) -> str:
    return {"stands": "green", "other": "bold red"}.get(found.word, "yellow")


def _label(one: LeftOut) -> str:
    if one.name:
        return one.name
    return f"{words.clock(one.from_ns)} to {words.clock(one.to_ns)}"


def _left_out(title: str, found: tuple[LeftOut, ...], condition: str | None) -> Iterator[Line]:
    changed, same = words.standing(found)
    yield from _head(f"{title}: stands without {len(same)} of {len(found)}")
    for one in changed:
        weight = f"{words.decibans(one.weight_mdb):>9}  " if one.weight_mdb else ""
        yield (
            _style(one.fate),
            (f"  {_label(one):<{NAME_WIDTH}}{weight}{words.fate(one.fate, condition)}"),
        )
    if same and changed:
        yield from _wrapped("stands without any one of: " + ", ".join(map(_label, same)))


def _carrying(seen: Examined) -> Iterator[Line]:
    found = seen.carrying
    if found is None:
        return
    yield from _head(f"What carries it by itself: {len(found.rules)} of {len(seen.rules_seen)}")
    yield from _wrapped(", ".join(found.rules) or "no evidence is needed: the prior alone")
    yield from _wrapped(
        "Minimal: without any one of these it doesn't stand. A smaller set of others may exist."
    )
    if found.opposing:
        end = words.fate(found.contested, seen.notice.condition)
        yield from _wrapped(
            f"Together with what speaks against it ({', '.join(found.opposing)}): {end}"
        )


def _against(seen: Examined) -> Iterator[Line]:
    yield from _head("What speaks against it, by the other places")
    strongest = words.strongest_against(seen)
    if strongest is not None:
        place, worst = strongest
        yield from _wrapped(
            f"strongest: {worst.rule} ({worst.outcome}) speaks "
            f"{words.decibans(-worst.weight_mdb)} for {place} rather than for this"
        )
    for one in seen.rivals[:MOST_LISTED]:
        item = one.strongest
        speaks = (
            f"most for it: {item.rule} ({item.outcome}), {words.decibans(-item.weight_mdb)}"
            if item is not None
            else "nothing speaks for it"
        )
        yield (
            "",
            (
                f"  {one.place:<{NAME_WIDTH}}{words.percent(one.ppm):>11}"
                f"{words.decibans(one.balance_mdb):>10} behind  {speaks}"
            ),
        )


def _turns(seen: Examined) -> Iterator[Line]:
    yield from _head("What would have overturned it")
    for sentence in words.margins(seen):
        yield from _wrapped(sentence)
    for turn in seen.turns[:MOST_LISTED]:
        yield (
            _style(turn.fate),
            (
                f"  {turn.rule:<{NAME_WIDTH}}{turn.instead}, not {turn.said}, in the last "
                f"{turn.steps} s: {words.fate(turn.fate, seen.notice.condition)}"
            ),
        )
    if not seen.turns:
        yield from _wrapped("no other answer of any one rule, within 30 s")


def _pairs(seen: Examined) -> Iterator[Line]:
    yield from _head("What the sensors could not have told apart")
    near = [pair for pair in seen.pairs if pair.most_mdb < 3_000]
    far = [pair for pair in seen.pairs if pair.most_mdb >= 3_000]
    for pair in near:
        yield (
            "yellow",
            (
                f"  {pair.one} and {pair.other}: at most {words.decibans(pair.most_mdb)}"
                + (f"; {pair.unseen[0][0]} could, and wasn't seen" if pair.unseen else "")
            ),
        )
    if not near:
        yield from _wrapped("no two places: all differ by more than 3 dB in what was seen")
    for pair in far[:3]:
        yield (
            "",
            (
                f"  nearest: {pair.one} and {pair.other}, up to {words.decibans(pair.most_mdb)} "
                f"a second; they came {words.decibans(abs(pair.seen_mdb))} apart"
            ),
        )


def _ranges(seen: Examined, settings: Settings) -> Iterator[Line]:
    condition = seen.notice.condition
    stands = sum(one.fate.word == "stands" for one in seen.priors)
    yield from _head(f"Under other priors: stands under {stands} of {len(seen.priors)}")
    for one in seen.priors:
        if one.mix != "place" or one.fate.word != "stands":
            yield _style(one.fate), f"  {words.prior(one):<44}{words.fate(one.fate, condition)}"
    if any(one.mix == "place" and one.fate.word == "stands" for one in seen.priors):
        yield from _wrapped("stands with any other single place a tenth or ten times as often")
    yield from _head("Under other bars")
    if settings.place_bars_ppm:
        yield from _wrapped(f"as it was, with bars of single places: {words.place_bars(settings)}")
    for one_bar in seen.bars:
        yield (
            _style(one_bar.fate),
            (f"  bar {words.percent(one_bar.value):<40}{words.fate(one_bar.fate, condition)}"),
        )
    for budget in seen.budgets:
        text = words.budget(budget, settings)
        yield _style(budget.fate), f"  {text:<44}{words.fate(budget.fate, condition)}"


def _beside(seen: Examined) -> Iterator[Line]:
    """Queues that harm nobody."""
    found = seen.beside
    if found is None:
        return
    stands = sum(one.fate.word == "stands" for one in found.shares)
    yield from _head(
        f"Beside a queue on the line that harms nobody: stands under {stands} of "
        f"{len(found.shares)} shares"
    )
    yield from _wrapped(
        f"that one was there was held {words.percent(found.there_ppm)} likely at the notice"
    )
    for one in found.shares:
        often = f"in {one.share_permille / 10:g} % of the cases" if one.share_permille else "never"
        if one.share_permille == found.expected_permille:
            often += " (as it was)"
        yield _style(one.fate), f"  {often:<44}{words.fate(one.fate, seen.notice.condition)}"


def _deeds(found: Examination, notice_id: str) -> Iterator[Line]:
    deeds = found.done_about(notice_id)
    if not deeds:
        return
    yield from _head("What was done about it, and what followed; none of it is weighed")
    for one in deeds:
        yield from _wrapped(f"{words.clock(one.at_ns):>6}  {words.deed(one, found.said(one))}")


# -- for programs -----------------------------------------------------------------------------


def as_json(found: Examination, verifier: Verifier | None = None) -> dict[str, Any]:
    """The result as one JSON object: times in seconds, weights in decibans, shares of 1."""
    replay = found.session.replay
    return {
        "type": "examination",
        "replay": replay.outcome,
        "engine": replay.engine,
        "recorded": {"version": replay.header.version, "engine": replay.header.engine},
        "advice": advice(replay) or None,
        "begin": replay.begin_ns / 1e9,
        "first_part": replay.header.part,
        "missing": words.missing(found.session) or None,
        "key": verifier.key_id if verifier is not None else None,
        "ids": list(found.ids),
        "notices": [
            _notice_json(seen)
            | {"acted": [one.as_json() for one in found.done_about(seen.notice.id)]}
            for seen in found.notices
        ],
    }


def _notice_json(seen: Examined) -> dict[str, Any]:
    notice = seen.notice
    return {
        "id": notice.id,
        "at": notice.at_ns / 1e9,
        "since": notice.since_ns / 1e9,
        "from": seen.from_ns / 1e9,
        "bottleneck": notice.bottleneck,
        "among": list(notice.among),
        "condition": notice.condition,
        "confidence": notice.confidence_ppm / 1e6,
        "against": notice.against,
        "weight_db": notice.weight_mdb / 1000,
        "rules_seen": list(seen.rules_seen),
        "without_rules": [
            {"rule": one.name, "weight_db": one.weight_mdb / 1000, **_fate_json(one.fate)}
            for one in seen.without_rules
        ],
        "without_sensors": [
            {"sensor": one.name, **_fate_json(one.fate)} for one in seen.without_sensors
        ],
        "without_times": [
            {"from": one.from_ns / 1e9, "to": one.to_ns / 1e9, **_fate_json(one.fate)}
            for one in seen.without_times
        ],
        "carrying": None if seen.carrying is None else _carrying_json(seen.carrying),
        "rivals": [_rival_json(one) for one in seen.rivals],
        "margin": None if seen.margin is None else _margin_json(seen.margin),
        "overturned_by": [
            {
                "rule": turn.rule,
                "said": turn.said,
                "instead": turn.instead,
                "steps": turn.steps,
                **_fate_json(turn.fate),
            }
            for turn in seen.turns
        ],
        "apart": [
            {
                "one": pair.one,
                "other": pair.other,
                "conditions": [pair.one_condition, pair.other_condition],
                "most_db": pair.most_mdb / 1000,
                "seen_db": pair.seen_mdb / 1000,
                "unseen": [{"rule": rule, "most_db": mdb / 1000} for rule, mdb in pair.unseen],
            }
            for pair in seen.pairs
        ],
        "priors": [
            {
                "mix": one.mix,
                "place": one.place or None,
                "times": one.times_permille / 1000,
                **_fate_json(one.fate),
            }
            for one in seen.priors
        ],
        "bars": [{"bar": one.value / 1e6, **_fate_json(one.fate)} for one in seen.bars],
        "false_naming_steps": [
            {"steps": one.value, **_fate_json(one.fate)} for one in seen.budgets
        ],
        "bystander": None if seen.beside is None else _bystander_json(seen.beside),
    }


def _carrying_json(found: Carrying) -> dict[str, Any]:
    return {
        "rules": list(found.rules),
        "minimal": True,
        "opposing": list(found.opposing),
        "with_opposing": _fate_json(found.contested),
    }


def _rival_json(rival: Rival) -> dict[str, Any]:
    item = rival.strongest
    strongest = None
    if item is not None:
        strongest = {
            "rule": item.rule,
            "outcome": item.outcome,
            "weight_db": -item.weight_mdb / 1000,
            "measured": json_figures(item.measured),
        }
    return {
        "bottleneck": rival.place,
        "confidence": rival.ppm / 1e6,
        "behind_db": rival.balance_mdb / 1000,
        "strongest": strongest,
    }


def _margin_json(margin: Margin) -> dict[str, Any]:
    return {
        "name": margin.key,
        "confidence": margin.confidence_ppm / 1e6,
        "bar": margin.bar_ppm / 1e6,
        "hold": margin.hold_ppm / 1e6,
        "odds_db": margin.odds_mdb / 1000,
        "gate_db": margin.gate_mdb / 1000,
    }


def _bystander_json(found: Beside) -> dict[str, Any]:
    return {
        "expected": found.expected_permille / 1000,
        "there": found.there_ppm / 1e6,
        "shares": [
            {"share": one.share_permille / 1000, **_fate_json(one.fate)} for one in found.shares
        ],
    }


def _fate_json(found: Fate) -> dict[str, Any]:
    plain = attrs.asdict(found)
    later = plain.pop("later_ns")
    return {
        "fate": plain.pop("word"),
        "bottleneck": plain["bottleneck"],
        "among": list(plain["among"]),
        "condition": plain["condition"],
        "confidence": plain["confidence_ppm"] / 1e6,
        "later_s": None if later is None else later / 1e9,
    }
