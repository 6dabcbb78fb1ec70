"""Which messages there are: their ids, what may stand in each, which action goes with which place.

Ids (a public contract, see docs/messages.md): `place.condition.part`, `place.part` where the
condition is not known or the place is an inner name, `place.among.part` where several places
pass together. Variants put a further word before the part where more is known. Everything here
derives from the tree in `streamnotice.bottlenecks`, so that a new place or condition has its
ids, and fails the completeness test until it has its texts.
"""

from __future__ import annotations

from typing import Final

import attrs

from streamnotice.bottlenecks import INNER_NAMES, LEAF_NAMES, LEAVES, NONE, UNDETERMINED, leaf

PARTS: Final = ("title", "sentence", "evidence", "action", "strength")
IMPACTS: Final = ("stalled", "stall_ahead", "quality")
REASONS: Final = ("recovered", "ended", "withdrawn")
FOLLOWED: Final = ("queue_gone", "recovered", "better", "same", "worse", "unknown")
"""What was seen after an action (`acted.<word>`), see `streamnotice.notices.effects`."""
FACE_WORDS: Final = (
    "region", "understood", "why", "hide_session", "hide_always", "did_it", "evidence",
    "speaks_for", "speaks_against", "not_weighed", "alternatives", "ruled_out", "limits",
)  # fmt: skip
"""Labels that a face needs around a notice (`face.<word>`)."""
LOWER: Final = "lower_quality"
WAIT: Final = "wait"
AT_LOWEST: Final = "at_lowest"
"""`action.<it>`: what is advised in place of a lower quality where there is none."""
HOST_ACTIONS: Final[dict[str, tuple[str, ...]]] = {
    LOWER: ("network", "player", "device", "service.edge", UNDETERMINED),
    "switch_cdn": ("network.isp.core", "network.interconnect", "service.edge", "service.dns"),
}
"""Actions that a host can offer beside a place's own (`action.<id>`), and where they can help."""

STRENGTHS: Final[tuple[tuple[str, int], ...]] = (
    ("none", 0),
    ("weak", 3_010),
    ("moderate", 10_000),
    ("moderately_strong", 20_000),
    ("strong", 30_000),
    ("very_strong", 40_000),
    ("extremely_strong", 60_000),
)
"""Verbal scale and where each band begins, in thousandths of a deciban.

Likelihood ratios 2, 10, 100, 1 000, 10 000 and 1 000 000: ENFSI guideline for evaluative
reporting in forensic science (2015). It qualifies the support for one explanation relative to
another, and is no probability.
"""

RADIO: Final = "radio"
"""Variant of `network.home.wifi` where the device's link was seen to be Wi-Fi."""
BELOW_PLAN: Final = "below_plan"
"""Variant of a slow access line that carried less than `Policy.subscribed_bps`."""
NAMED: Final = "named"
"""Variant of a place's words that names the network's operator."""

NAMED_PLACES: Final = tuple(one.name for one in LEAVES if one.answerable == "third_party")
PLACE_VARIANTS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "network.home.wifi": tuple(
        (condition, RADIO) for condition in leaf("network.home.wifi").conditions
    ),
    "network.isp.access": (("slow", BELOW_PLAN),),
}

LENGTHS: Final = {
    "title": 60,
    "sentence": 240,
    "evidence": 240,
    "action": 160,
    "strength": 60,
    "place": 80,
    "impact": 80,
    "list": 40,
    "face": 60,
    "unit": 40,
    "language": 40,
}
LENGTH_OTHERWISE: Final = 240

UNITS: Final = (
    "ms", "s", "min", "bps", "kbps", "mbps", "gbps", "b", "kb", "mb", "gb", "percent",
)  # fmt: skip
"""Units that numbers are shown in: one message each."""
NUMBER_SAMPLE: Final = r"(\d)(\d)(\D?)(\d)(\d)(\d)(\D)(\d)"
"""Form of `number.sample`: 12345.6 as the language writes it, e.g. `12.345,6`."""

_ACTIONS: Final = {
    "device": "close_programs",
    "player": LOWER,
    "player.idle": "reload",
    "network": "pause_others",
    "network.home": "pause_others",
    "network.home.wifi": "better_link",
    "network.home.wifi.unreachable": "check_link",
    "network.home.sharing": "pause_others",
    "network.vpn": "change_vpn",
    "network.isp": LOWER,
    "network.isp.access": LOWER,
    "network.isp.access.lossy": "restart_router",
    "network.isp.access.unreachable": "check_router",
    "network.isp.core": LOWER,
    "network.isp.core.unreachable": WAIT,
    "network.interconnect": LOWER,
    "network.interconnect.unreachable": WAIT,
    "service": WAIT,
    "service.edge.slow": LOWER,
    "undetermined": LOWER,
    "undetermined.among.interconnect_edge": WAIT,
    "undetermined.among.core_interconnect_edge": WAIT,
}


def action_id(stem: str) -> str:
    """What the action of the message *stem* (an id without its part) asks for, e.g. `reload`."""
    while stem:
        if stem in _ACTIONS:
            return _ACTIONS[stem]
        stem = stem.rpartition(".")[0]
    return _ACTIONS[UNDETERMINED]


def action_ids() -> tuple[str, ...]:
    """All actions that a notice may offer, sorted."""
    return tuple(sorted({*_ACTIONS.values(), *HOST_ACTIONS}))


def strength(weight_mdb: int) -> str:
    """The word of the verbal scale for a weight in thousandths of a deciban."""
    found = STRENGTHS[0][0]
    for word, begins_mdb in STRENGTHS:
        if weight_mdb >= begins_mdb:
            found = word
    return found


@attrs.frozen
class Slots:
    """What may stand in a message.

    Attributes:
        permitted: placeholders that the message can be given.
        required: those that it must show.
        length: longest text, in characters.
        form: a regular expression that the text must match; it is no text, but says how this
            language writes.
    """

    permitted: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    length: int = LENGTH_OTHERWISE
    form: str | None = None


def _touch(stem: str, place: str) -> bool:
    """The message *stem* is for *place*, for one of its conditions, or for what holds it."""
    return stem == place or stem.startswith(place + ".") or place.startswith(stem + ".")


def place_slots(stem: str, part: str) -> Slots:
    """What may stand in the message `stem.part`."""
    among = ".among" in stem
    permitted = {"place"}
    required: set[str] = set()
    if among:
        permitted.add("places")
        if part == "sentence" and stem.endswith(".among"):
            required.add("places")
    if part in ("evidence", "strength"):
        permitted |= {"strength", "confidence", "against"}
        if stem not in (UNDETERMINED, f"{UNDETERMINED}.among"):  # these have none
            required.add("evidence" if part == "evidence" else "strength")
    if part == "evidence":
        permitted.add("evidence")
    if part == "sentence" and any(_touch(stem, place) for place in NAMED_PLACES):
        permitted.add("operator")
    if part in ("sentence", "evidence") and stem.startswith("network.isp.access"):
        permitted |= {"subscribed", "throughput"}
    return Slots(frozenset(permitted), frozenset(required), LENGTHS[part])


def place_stems() -> tuple[str, ...]:
    """Each valid place × condition with its variants, null-condition leaf, inner name, `among`."""
    stems: list[str] = []
    for one in LEAVES:
        stems.append(one.name)
        variants = PLACE_VARIANTS.get(one.name, ())
        for condition in one.conditions:
            stem = f"{one.name}.{condition}"
            stems += [stem, *(f"{stem}.{name}" for on, name in variants if on == condition)]
    for name in (*INNER_NAMES, UNDETERMINED):
        stems += [name, f"{name}.among"]
    return tuple(stems)


def structural() -> dict[str, Slots]:
    """All ids that follow from the tree and the contracts, with what may stand in each."""
    found: dict[str, Slots] = {}
    for stem in place_stems():
        for part in PARTS:
            found[f"{stem}.{part}"] = place_slots(stem, part)
    words = Slots(length=LENGTHS["place"])
    for name in (*LEAF_NAMES, *INNER_NAMES, UNDETERMINED, NONE):
        found[f"place.{name}"] = words
        found[f"ruled_out.{name}"] = Slots(frozenset({"place", "evidence"}))
    found[f"place.network.home.wifi.{RADIO}"] = words
    operator = frozenset({"operator"})
    for name in NAMED_PLACES:
        found[f"place.{name}.{NAMED}"] = Slots(operator, operator, LENGTHS["place"])
    for word, _ in STRENGTHS:
        found[f"strength.{word}"] = Slots(length=LENGTHS["strength"])
    for impact in IMPACTS:
        found[f"impact.{impact}"] = Slots(length=LENGTHS["impact"])
    sentence = frozenset({"sentence"})
    for reason in REASONS:
        found[f"notice.resolved.{reason}"] = Slots(length=2 * LENGTHS["sentence"])
        found[f"notice.resolved.{reason}.title"] = Slots(length=LENGTHS["title"])
    found["notice.resolved.withdrawn"] = Slots(sentence, sentence, LENGTHS["sentence"])
    found["notice.no_evidence"] = Slots()
    whole = frozenset({"impact", "sentence", "evidence"})
    found["notice.text"] = Slots(whole, frozenset({"sentence"}))
    both = frozenset({"first", "last"})
    for position in ("pair", "middle", "end"):
        found[f"list.{position}"] = Slots(both, both, LENGTHS["list"])
    for word in FACE_WORDS:
        found[f"face.{word}"] = Slots(length=LENGTHS["face"])
    found["face.limits"] = Slots()
    for action in (*HOST_ACTIONS, AT_LOWEST):
        found[f"action.{action}"] = Slots(length=LENGTHS["action"])
    what = frozenset({"action"})
    for word in ("done", "failed", *FOLLOWED):
        found[f"acted.{word}"] = Slots(what, what)
    found["acted.caveat"] = Slots()
    number = frozenset({"number"})
    for unit in UNITS:
        found[f"unit.{unit}"] = Slots(number, number, LENGTHS["unit"])
    quantity = frozenset({"quantity"})
    found["number.under"] = Slots(quantity, quantity, LENGTHS["unit"])
    found["number.negative"] = Slots(number, number, LENGTHS["unit"])
    found["number.sample"] = Slots(length=8, form=NUMBER_SAMPLE)
    found["language.name"] = Slots(length=LENGTHS["language"])
    found["language.direction"] = Slots(length=LENGTHS["language"], form="ltr|rtl")
    found["rule.generic"] = Slots(frozenset({"rule", "outcome", "figures"}))
    found["rule.generic.bare"] = Slots(frozenset({"rule", "outcome"}))
    return found
