"""A notice as it is shown: the engine's event with its texts in one language.

The event carries ids and numbers; here they become the words that a face shows and the
`notice` line of the JSON output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from streamnotice.bottlenecks import (
    INNER_NAMES,
    LEAF_NAMES,
    UNDETERMINED,
    common_name,
    is_leaf,
    parent,
)
from streamnotice.events import Item, Notice
from streamnotice.notices import ids
from streamnotice.notices.figures import counts_in, json_figures, seconds
from streamnotice.notices.placeholders import clean

if TYPE_CHECKING:
    from streamnotice.notices.catalog import Catalog
    from streamnotice.policy import Policy

_LISTED_PLACES: Final = 4
"""More places than this are not listed in a sentence; the inner name covers them."""
_BELOW_PLAN: Final = 0.9
"""A line counts as below its plan under this share: headers and measurement take some."""


@attrs.frozen
class ShownAction:
    """Something that the viewer can do.

    Attributes:
        id: what it is, for hosts that can do it themselves: `lower_quality`, `pause_others`, ...
        text: the same for people.
        runnable: the host can do it for the viewer (`Watcher.act`).
        label: what its button says; empty if it isn't runnable.
    """

    id: str
    text: str
    runnable: bool = False
    label: str = ""

    @property
    def advice(self) -> str:
        """What is to be read beside the button; empty where the button says it all."""
        return "" if self.text == self.label else self.text


@attrs.frozen
class ShownEvidence:
    """One line of the waterfall in words.

    Attributes:
        kind: the rule's name.
        text: its outcome in a sentence.
        weight_db: what it weighs for the named place against the runner-up, in decibans.
        measured: its figures, SI units.
        baseline: what they are compared with, None if with nothing.
    """

    kind: str
    text: str
    weight_db: float
    measured: Mapping[str, int | float | None]
    baseline: Mapping[str, int | float | None] | None = None


@attrs.frozen
class ShownRuledOut:
    """A place that the evidence speaks clearly against."""

    bottleneck: str
    text: str


@attrs.frozen(kw_only=True)
class Context:
    """What the shell knows beside the event; everything is optional.

    Attributes:
        medium: kind of the device's own link, as seen ("wifi", "ethernet", ...): only where it
            is "wifi" do the texts speak of Wi-Fi.
        operators: names of network operators by place, from the host's network table; used
            only if `Policy.name_operators`.
        said: the sentence that was last shown for the same notice, which a withdrawal quotes.
    """

    medium: str | None = None
    operators: Mapping[str, str] = attrs.field(factory=dict)
    said: str | None = None


@attrs.frozen
class ShownNotice:
    """A notice in words.

    Attributes:
        event: the engine's event that it says in words.
        locale: language of the texts.
        direction: how that language is written, "ltr" or "rtl".
        title: a few words.
        sentence: where the evidence points; at the end of a notice, what became of it.
        evidence_line: the strongest measurement in its favour; empty at the end of a notice.
        actions: what the viewer can do; none at the end of a notice.
        strength: verbal strength of the support against the runner-up.
        text: the one thing to show where there is room for one.
        evidence: the waterfall.
        ruled_out: places that the evidence speaks clearly against.
    """

    event: Notice
    locale: str
    title: str
    sentence: str
    evidence_line: str
    actions: tuple[ShownAction, ...]
    strength: str
    text: str
    evidence: tuple[ShownEvidence, ...] = ()
    ruled_out: tuple[ShownRuledOut, ...] = ()
    direction: str = "ltr"

    def as_json(self) -> dict[str, Any]:
        """The `notice` line of the JSON output (schema 1).

        Probabilities are rounded down to four decimals, so that rounding never makes them add up
        to more than 1. Weights have three decimals, which is all that they have: the evidence's
        add up to `weight_db` as printed.
        """
        event = self.event
        line: dict[str, Any] = {
            "type": "notice",
            "id": event.id,
            "at": seconds(event.at_ns),
            "since": seconds(event.since_ns),
            "state": event.state,
            "reason": event.reason,
            "bottleneck": event.bottleneck,
            "among": list(event.among),
            "condition": event.condition,
            "impact": event.impact,
            "confidence": _probability(event.confidence_ppm),
            "against": event.against,
            "weight_db": _decibans(event.weight_mdb),
            "strength": self.strength,
            "text": self.text,
            "locale": self.locale,
            "actions": [
                {"id": action.id, "text": action.text}
                | ({"runnable": True, "label": action.label} if action.runnable else {})
                for action in self.actions
            ],
            "evidence": [
                {
                    "kind": item.kind,
                    "text": item.text,
                    "weight_db": item.weight_db,
                    "measured": dict(item.measured),
                    "baseline": None if item.baseline is None else dict(item.baseline),
                }
                for item in self.evidence
            ],
            "alternatives": [
                {"bottleneck": name, "confidence": _probability(ppm)}
                for name, ppm in event.alternatives
            ],
            "ruled_out": [
                {"bottleneck": one.bottleneck, "text": one.text} for one in self.ruled_out
            ],
        }
        if self.direction != "ltr":
            line["dir"] = self.direction
        return line


def _probability(ppm: int) -> float:
    return ppm // 100 / 10_000


def _decibans(mdb: int) -> float:
    return mdb / 1000


def build(catalog: Catalog, event: Notice, policy: Policy | None, context: Context) -> ShownNotice:
    """*event* in the words of *catalog*. Never raises for what an event holds."""
    maker = _Maker(catalog, event, policy, context)
    return maker.resolved() if event.state == "resolved" else maker.standing()


class _Maker:
    """The words for one event."""

    def __init__(
        self, catalog: Catalog, event: Notice, policy: Policy | None, context: Context
    ) -> None:
        self.catalog = catalog
        self.event = event
        named = policy is not None and policy.name_operators
        self.operators = dict(context.operators) if named else {}
        self.subscribed_bps = policy.subscribed_bps if policy is not None else None
        self.context = context
        self.strength_word = catalog.text(f"strength.{ids.strength(event.weight_mdb)}")
        self.stems = self._stems()
        self.values = self._values()

    # which message

    def _stems(self) -> tuple[tuple[str, ...], ...]:
        """Groups of ids without their part, best first; a group's members are variants."""
        event = self.event
        name = event.bottleneck
        covered = [leaf for leaf in LEAF_NAMES if leaf in (*event.among, name)]
        groups: list[tuple[str, ...]] = []
        if 1 < len(covered) <= _LISTED_PLACES:
            # a leaf that does not stand alone is not spoken of as if it did
            if is_leaf(name):
                name = common_name(covered)
            short = "_".join(leaf.rpartition(".")[2] for leaf in covered)
            groups.append((f"{name}.among.{short}", f"{name}.among"))
        elif event.condition is not None:
            stem = f"{name}.{event.condition}"
            variants = [f"{stem}.{ids.RADIO}"] if self._radio(name) else []
            if stem == "network.isp.access.slow" and self._below_plan():
                variants.append(f"{stem}.{ids.BELOW_PLAN}")
            groups.append((*variants, stem))
        groups.append((name,))
        while name not in (*INNER_NAMES, UNDETERMINED) and not is_leaf(name):
            name = parent(name)  # a place that this catalog's version does not know
            groups.append((name,))
        return tuple(groups)

    def _radio(self, name: str) -> bool:
        return name == "network.home.wifi" and self.context.medium == "wifi"

    def _figure(self, name: str) -> int | None:
        for item in sorted(self.event.items, key=lambda one: -one.weight_mdb):
            for figure, value in item.measured:
                if figure == name and value is not None:
                    return value
        return None

    def _below_plan(self) -> bool:
        carried_bps = self._figure("throughput_bps")
        if carried_bps is None or self.subscribed_bps is None:
            return False
        return carried_bps < _BELOW_PLAN * self.subscribed_bps

    # what stands in it

    def _values(self) -> dict[str, str]:
        event = self.event
        values = {
            "place": self.place(event.bottleneck),
            "strength": self.strength_word,
            "confidence": self.catalog.numbers.certainty(event.confidence_ppm),
            "against": self.place(event.against),
        }
        if event.among:
            values["places"] = self.listed([self.place(name) for name in event.among])
        operator = self.operators.get(event.bottleneck)
        if operator is not None and clean(operator):
            values["operator"] = clean(operator, 40)
        for placeholder, figure, value in (
            ("subscribed", "subscribed_bps", self.subscribed_bps),
            ("throughput", "throughput_bps", self._figure("throughput_bps")),
        ):
            if value is not None:
                values[placeholder] = self.catalog.numbers.words(figure, value)
        strongest = max(
            (item for item in event.items if item.weight_mdb > 0 and not item.shadow),
            key=lambda item: item.weight_mdb,
            default=None,
        )
        if strongest is not None:
            values["evidence"] = self.item(strongest)
        return values

    def place(self, name: str) -> str:
        """A place in words, by its operator's name too where that is permitted and known."""
        groups = []
        values: dict[str, str] = {}
        variants = [f"place.{name}.{ids.RADIO}"] if self._radio(name) else []
        operator = self.operators.get(name)
        if operator is not None and clean(operator):
            variants.append(f"place.{name}.{ids.NAMED}")
            values["operator"] = clean(operator, 40)
        groups.append((*variants, f"place.{name}"))
        if name != "none":
            groups += [(f"place.{parent(name)}",), (f"place.{UNDETERMINED}",)]
        return self.catalog.first(groups, values) or clean(name)

    def listed(self, names: Sequence[str]) -> str:
        """Several places as the language joins alternatives: "a, b or c"."""
        text = names[0]
        for index, name in enumerate(names[1:], start=1):
            last = index == len(names) - 1
            position = "pair" if len(names) == 2 else "end" if last else "middle"
            text = self.catalog.text(f"list.{position}", {"first": text, "last": name})
        return text

    def item(self, item: Item) -> str:
        """A rule's outcome in words; without its figures, or in general, if need be."""
        stem = f"rule.{item.rule}.{item.outcome}"
        values = self.catalog.numbers.figures(item.measured, item.baseline)
        figures = ", ".join(f"{_spaced(name)} {text}" for name, text in values.items())
        values |= {"rule": _spaced(item.rule).capitalize(), "outcome": _spaced(item.outcome)}
        if figures:
            values["figures"] = figures
        groups = [(stem,), (f"{stem}.bare",), ("rule.generic",), ("rule.generic.bare",)]
        counts = counts_in(item.baseline, item.measured)
        found = self.catalog.first(groups, values, counts)
        return found or clean(f"{item.rule}: {item.outcome}")

    # the whole

    def part(self, part: str) -> str | None:
        groups = [tuple(f"{stem}.{part}" for stem in group) for group in self.stems]
        return self.catalog.first(groups, self.values)

    def standing(self) -> ShownNotice:
        sentence = self.part("sentence") or ""
        evidence_line = self.part("evidence") or self.catalog.text("notice.no_evidence")
        impact = self.catalog.text(f"impact.{self.event.impact}")
        action = self.part("action")
        actions = (ShownAction(ids.action_id(self.stems[0][-1]), action),) if action else ()
        text = self.catalog.text(
            "notice.text", {"impact": impact, "sentence": sentence, "evidence": evidence_line}
        )
        return self._made(self.part("title") or "", sentence, evidence_line, actions, text)

    def resolved(self) -> ShownNotice:
        reason = self.event.reason or "ended"
        said = self.context.said or self.part("sentence") or ""
        text = self.catalog.text(f"notice.resolved.{reason}", {"sentence": said})
        title = self.catalog.text(f"notice.resolved.{reason}.title")
        return self._made(title, text, "", (), text)

    def _made(
        self,
        title: str,
        sentence: str,
        evidence_line: str,
        actions: tuple[ShownAction, ...],
        text: str,
    ) -> ShownNotice:
        return ShownNotice(
            event=self.event,
            locale=self.catalog.locale,
            direction=self.catalog.direction,
            title=title,
            sentence=sentence,
            evidence_line=evidence_line,
            actions=actions,
            strength=self.part("strength") or self.strength_word,
            text=text,
            evidence=tuple(
                ShownEvidence(
                    kind=item.rule,
                    text=self.item(item),
                    weight_db=_decibans(item.weight_mdb),
                    measured=json_figures(item.measured),
                    baseline=None if item.baseline is None else json_figures(item.baseline),
                )
                for item in self.event.items
            ),
            ruled_out=tuple(self._ruled_out(*pair) for pair in self.event.ruled_out),
        )

    def _ruled_out(self, place: str, outcome_id: str) -> ShownRuledOut:
        rule, _, outcome = outcome_id.removeprefix("rule.").rpartition(".")
        item = next(
            (one for one in self.event.items if (one.rule, one.outcome) == (rule, outcome)),
            Item(rule, outcome, 0),
        )
        values = {"place": self.place(place), "evidence": self.item(item)}
        groups = [(f"ruled_out.{place}",), (f"ruled_out.{parent(place)}",)]
        return ShownRuledOut(place, self.catalog.first(groups, values) or values["evidence"])


def _spaced(name: str) -> str:
    return clean(name).replace("_", " ")
