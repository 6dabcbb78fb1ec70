"""What a record's header says of itself, as far as that can be told from the rest of it."""

from __future__ import annotations

from typing import Any, Final

import attrs

from streamnotice.decibans import PPM
from streamnotice.dossier.codec import Json
from streamnotice.dossier.instants import instant
from streamnotice.dossier.reader import Header
from streamnotice.engine import ENGINE_VERSION
from streamnotice.errors import HostError
from streamnotice.policy import S_NS, Policy, Settings
from streamnotice.verdict.tables import shipped

_FRACTIONS: Final = frozenset(
    field.name for field in attrs.fields(Policy) if isinstance(field.default, float)
)


def odd_claims(header: Header) -> list[str]:
    """What can't be so, each with the name of its field."""
    plain, tables = header.plain, shipped()
    found = []
    if header.tables == tables.hashes() and header.provisional is not tables.provisional:
        found.append(f"provisional: the tables that it names say {str(tables.provisional).lower()}")
    started = plain.get("started_utc")
    if not isinstance(started, str) or (started and instant(started) is None):
        found.append("started_utc: wants an instant (ISO 8601), or nothing")
    sights = plain.get("sights")
    pairs = sights.values() if isinstance(sights, dict) else [None]
    if not all(isinstance(one, list) and [type(part) for part in one] == [bool, str]
               for one in pairs):  # fmt: skip
        found.append("sights: wants a truth value and a text for each sensor")
    policy = plain.get("policy")
    if not isinstance(policy, dict):
        found.append("policy: wants an object")
    elif header.engine == ENGINE_VERSION and (why := _unlike(header.settings, policy)):
        found.append(why)
    return found


def _unlike(settings: Settings, policy: Json) -> str:
    """Why no host can have had the engine run on *settings*, wanting *policy*; "" if one can."""
    try:
        _policy_of(settings)
    except HostError as error:
        return f"settings: no policy makes them: {error}"
    if not policy:
        return ""  # it isn't told
    try:
        same = _policy_from(policy).settings() == settings
    except (HostError, TypeError, ValueError, AttributeError, OverflowError):
        return "policy: none that there can be"
    return "" if same else "settings: not those of the policy"


def _policy_of(settings: Settings) -> Policy:
    """A policy that makes *settings*; HostError if there is none."""
    return Policy(
        stalled_after_s=_seconds(settings.stalled_after_ns),
        startup_after_s=_seconds(settings.startup_after_ns),
        stall_ahead_s=_seconds(settings.stall_ahead_ns),
        quality_after_s=_seconds(settings.quality_after_ns),
        resolved_after_s=_seconds(settings.resolved_after_ns),
        cooldown_s=_seconds(settings.cooldown_ns),
        bar_viewer=_share(settings.bar_viewer_ppm),
        bar_service=_share(settings.bar_service_ppm),
        bar_third_party=_share(settings.bar_third_party_ppm),
        bars={place: _share(ppm) for place, ppm in settings.place_bars_ppm},
        false_naming_steps=settings.false_naming_steps,
        subscribed_bps=settings.subscribed_bps,
    )


# what a host wrote was rounded: 0.9999999 came to a whole, a time of less than 1 ns to none
def _seconds(ns: int) -> float:
    return ns / S_NS if ns else 1 / S_NS


def _share(ppm: int) -> float:
    return ppm / PPM if ppm != PPM else 1 - 1 / (2 * PPM)


def _policy_from(plain: Json) -> Policy:
    """The policy as a header has it; names that this version doesn't know are passed over."""
    known = {field.name for field in attrs.fields(Policy)}
    told: dict[str, Any] = {name: value for name, value in plain.items() if name in known}
    for name in _FRACTIONS & told.keys():
        told[name] = float(told[name])
    if "bars" in told:
        told["bars"] = {place: float(bar) for place, bar in told["bars"].items()}
    return Policy(**told)
