"""What the host wants: bars, impact thresholds, blame, budgets. Defaults suit a careful lawyer.

`Policy` is what a host writes, in seconds and fractions. `Policy.settings()` gives the
integers that the engine runs on and that the dossier records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeGuard

import attrs

from streamnotice.bottlenecks import INNER_NAMES, LEAF_NAMES, answerable_for, leaves_under
from streamnotice.errors import HostError

S_NS = 1_000_000_000
MS_NS = 1_000_000

KNOWN_PROBES = ("path", "reference", "gateway")
MOST_S = 1_000_000_000.0
"""Thirty years: more can't be meant, and nanoseconds still fit into 64 bits."""


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _positive(instance: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    if not (_is_number(value) and value > 0):
        raise HostError(f"Policy.{attribute.name} must be above 0, not {value!r:.60}")


def _duration(instance: Any, attribute: attrs.Attribute[Any], value: float) -> None:
    _positive(instance, attribute, value)
    if value > MOST_S:
        raise HostError(
            f"Policy.{attribute.name} must be at most {MOST_S:.0f} s, not {value!r:.60}"
        )


def _whole(instance: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    if not (_is_number(value) and isinstance(value, int) and value > 0):
        raise HostError(
            f"Policy.{attribute.name} must be a whole number above 0, not {value!r:.60}"
        )


def _as_whole(value: Any) -> Any:
    """50e6 is a whole number, too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _yes_or_no(instance: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, bool):
        raise HostError(f"Policy.{attribute.name} must be True or False, not {value!r:.60}")


def _not_negative(instance: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    if not (_is_number(value) and 0 <= value < float("inf")):
        raise HostError(f"Policy.{attribute.name} must be a number, 0 or above, not {value!r:.60}")


def _is_share(value: object) -> bool:
    return _is_number(value) and 0.5 <= value < 1


def _share(instance: Any, attribute: attrs.Attribute[Any], value: float) -> None:
    if not _is_share(value):
        raise HostError(f"Policy.{attribute.name} must be in [0.5, 1), not {value!r}")


def _to_ns(seconds: float) -> int:
    return round(seconds * S_NS)


def _to_ppm(share: float) -> int:
    return round(share * 1_000_000)


def _names(given: Iterable[str]) -> frozenset[str]:
    try:
        names = None if isinstance(given, str | bytes) else frozenset(given)
    except TypeError:
        names = None
    if names is None or not all(isinstance(name, str) for name in names):
        raise HostError(f"Policy.probes wants a set of names ({{'path'}}), not {given!r:.60}")
    return names


Bar = tuple[str, float]
"""A place and the confidence that it needs."""


def _pairs(given: Mapping[str, float] | Iterable[tuple[str, float]]) -> tuple[Bar, ...]:
    try:
        return tuple(sorted(dict(given).items()))
    except (TypeError, ValueError):
        raise HostError(
            f"Policy.bars wants a confidence for each place ({{place: 0.95}}), not {given!r:.60}"
        ) from None


@attrs.frozen
class Settings:
    """The engine's settings: integers only, part of every dossier's header."""

    stalled_after_ns: int
    startup_after_ns: int
    stall_ahead_ns: int
    quality_after_ns: int
    resolved_after_ns: int
    cooldown_ns: int
    bar_viewer_ppm: int
    bar_service_ppm: int
    bar_third_party_ppm: int
    false_naming_steps: int
    subscribed_bps: int | None = None
    place_bars_ppm: tuple[tuple[str, int], ...] = ()


@attrs.frozen(kw_only=True)
class Policy:
    """How careful to be, and what may be said.

    Attributes:
        stalled_after_s: a stall counts as harm from this length on.
        startup_after_s: start-up counts as harm from this length on.
        stall_ahead_s: a stall is ahead if the upper end of the time to stall is below this.
        quality_after_s: quality counts as harmed after this long below the usual rendition, played
            without a break.
        resolved_after_s: good seconds before a notice is resolved.
        cooldown_s: no new notice for this long after one was resolved.
        bar_viewer, bar_service, bar_third_party: confidence needed to name such a place.
        bars: confidence needed to name one place, in place of the above: a mapping, kept as sorted
            pairs. An inner name's bar holds for what lies in it, too, where it is the higher one
            and no nearer bar is given. Names that accuse a third party never get less than
            `bar_viewer`.
        false_naming_steps: mean number of decision steps (s) between false namings in playback
            that suffers, all names together; a tenth of the budget goes to third parties. The
            default comes to one false name in 330 sessions with a minute of trouble, and a third
            party in one of 3300.
        subscribed_bps: rate that the viewer pays for, where the host knows it.
        name_operators: texts may name network operators (needs `networks`).
        least_severity: notices of less are recorded and not shown: "low" shows all, "medium" leaves
            out lost quality, "high" also stalls that are only ahead.
        notices_per_hour: no more than this many are shown in any hour; the others are recorded.
        probes: sensors that send packets of their own: any of "path", "reference", "gateway".
        probe_share: probe bytes at most this share of the media bytes, or ...
        probe_floor_bytes_per_min: ... this many bytes a minute, whichever is larger.
        probe_packets_per_s: upper bound on probe packets a second.
        record_bytes: bound of the record kept in memory.

    Raises:
        HostError: a value is out of its range.
    """

    stalled_after_s: float = attrs.field(default=1.0, validator=_duration)
    startup_after_s: float = attrs.field(default=10.0, validator=_duration)
    stall_ahead_s: float = attrs.field(default=12.0, validator=_duration)
    quality_after_s: float = attrs.field(default=20.0, validator=_duration)
    resolved_after_s: float = attrs.field(default=10.0, validator=_duration)
    cooldown_s: float = attrs.field(default=15.0, validator=_duration)
    bar_viewer: float = attrs.field(default=0.90, validator=_share)
    bar_service: float = attrs.field(default=0.95, validator=_share)
    bar_third_party: float = attrs.field(default=0.99, validator=_share)
    bars: tuple[Bar, ...] = attrs.field(default=(), converter=_pairs)
    false_naming_steps: int = attrs.field(default=20_000, converter=_as_whole, validator=_whole)
    subscribed_bps: int | None = attrs.field(
        default=None, converter=_as_whole, validator=attrs.validators.optional(_whole)
    )
    name_operators: bool = attrs.field(default=False, validator=_yes_or_no)
    least_severity: Literal["low", "medium", "high"] = attrs.field(default="low")
    notices_per_hour: int = attrs.field(default=20, validator=_positive)
    probes: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    probe_share: float = attrs.field(default=0.005, validator=_not_negative)
    probe_floor_bytes_per_min: int = attrs.field(default=65_536, validator=_not_negative)
    probe_packets_per_s: int = attrs.field(default=20, validator=_not_negative)
    record_bytes: int = attrs.field(default=8 * 1024 * 1024, converter=_as_whole, validator=_whole)

    @bars.validator
    def _usable_bars(self, attribute: attrs.Attribute[Any], value: tuple[Bar, ...]) -> None:
        for place, bar in value:
            if place not in (*LEAF_NAMES, *INNER_NAMES):
                raise HostError(
                    f"Policy.bars: {place!r:.60} is no place that can be named; "
                    f"those are {', '.join((*LEAF_NAMES, *INNER_NAMES))}"
                )
            if not _is_share(bar):
                raise HostError(f"Policy.bars: {place} must be in [0.5, 1), not {bar!r:.60}")
            third = answerable_for(leaves_under(place)) == {"third_party"}
            if third and bar < self.bar_viewer:
                raise HostError(
                    f"Policy.bars: {place} accuses a third party; it must not need less than "
                    f"bar_viewer ({self.bar_viewer:g}), not {bar!r}"
                )

    @probes.validator
    def _known_probes(self, attribute: attrs.Attribute[Any], value: frozenset[str]) -> None:
        unknown = sorted(value.difference(KNOWN_PROBES))
        if unknown:
            raise HostError(
                f"Policy.probes: {', '.join(unknown)} is not a probe; "
                f"known are {', '.join(KNOWN_PROBES)}"
            )

    @least_severity.validator
    def _known_severity(self, attribute: attrs.Attribute[Any], value: str) -> None:
        if value not in ("low", "medium", "high"):
            raise HostError(f"Policy.least_severity must be low, medium or high, not {value!r}")

    def settings(self) -> Settings:
        """The integers that the engine runs on."""
        return Settings(
            stalled_after_ns=_to_ns(self.stalled_after_s),
            startup_after_ns=_to_ns(self.startup_after_s),
            stall_ahead_ns=_to_ns(self.stall_ahead_s),
            quality_after_ns=_to_ns(self.quality_after_s),
            resolved_after_ns=_to_ns(self.resolved_after_s),
            cooldown_ns=_to_ns(self.cooldown_s),
            bar_viewer_ppm=_to_ppm(self.bar_viewer),
            bar_service_ppm=_to_ppm(self.bar_service),
            bar_third_party_ppm=_to_ppm(self.bar_third_party),
            false_naming_steps=self.false_naming_steps,
            subscribed_bps=self.subscribed_bps,
            place_bars_ppm=tuple((place, _to_ppm(bar)) for place, bar in self.bars),
        )
