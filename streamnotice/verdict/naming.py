"""From weights to a name: the deepest that passes gate and bar, else walk up, else none.

A name passes when its e-detector has crossed 1/alpha *and* its posterior reaches its bar.
Whoever is accused decides the bar: the viewer's own side, the service, a third party; a host
may set another one for a single place.
Leaves that only pass together are named by the inner name that covers them, `among`
saying which; coming down needs less than going up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from fractions import Fraction
from typing import Final

import attrs

from streamnotice.bottlenecks import (
    FINE,
    IN_THEIR_NETWORK,
    INNER_NAMES,
    LEAF_NAMES,
    LOOK_ALIKES,
    NONE,
    OTHER,
    UNDETERMINED,
    answerable_for,
    common_name,
    is_leaf,
    leaves_under,
    parent,
)
from streamnotice.decibans import PPM, from_ratio, to_ppm
from streamnotice.estimates import EDGE, MADE_LIVE, ORIGIN, Sighted
from streamnotice.path.rounds import TUNNEL
from streamnotice.policy import Settings
from streamnotice.verdict.calibration import calibrated
from streamnotice.verdict.filter import Filter
from streamnotice.verdict.gate import Gate
from streamnotice.verdict.tables import Tables

HOLD_PPM: Final = 150_000
"""A name once spoken stands until its posterior falls this far below the bar."""
FADED_PPM: Final = 50_000
"""Where it is as good as certain that nothing is wrong any more, causes are back at what they are
before anything is seen: only one that is likelier by itself takes the name's place."""
CONDITION_PPM: Final = 800_000
"""Share of a leaf's mass that its likeliest condition needs to be said."""
UNREACHABLE: Final = "unreachable"
SEPARATOR: Final = "+"
_SERVICE: Final = "service"
_ENDS: Final = frozenset({"network.interconnect", EDGE})
"""Between where networks meet and the delivery edge lies the server's own network."""
_ASKED_AND_ASKER: Final = frozenset({"player", _SERVICE, *leaves_under(_SERVICE)})
THIRD_PARTY_SHARE: Final = Fraction(1, 10)
"""Of the budget of false namings, what those of third parties may take: as their bar's to 0.90."""


@attrs.frozen
class Named:
    """What may be said.

    Attributes:
        key: leaf, inner name, or leaves joined by "+".
        bottleneck, among, condition: as in a notice.
        confidence_ppm: posterior of the name (or of the pair).
        members: state indices of what is named.
    """

    key: str
    bottleneck: str
    among: tuple[str, ...]
    condition: str | None
    confidence_ppm: int
    members: tuple[int, ...]


@attrs.frozen(eq=False)
class Namer:
    """All names that a table can speak, with their states, bars and budgets.

    Attributes:
        names: name -> indices of its states.
        bars_ppm: name -> posterior that it needs.
        gates_mdb: name -> height of the gate, for it and for all that cover it.
        covers: name -> the names of its group (third party or not) that hold it and more.
        tempers_permille: name -> power on its e-detector's ratios.
        faults: indices of the states of places.
    """

    tables: Tables
    settings: Settings
    names: dict[str, tuple[int, ...]]
    bars_ppm: dict[str, int]
    gates_mdb: dict[str, int]
    covers: dict[str, tuple[str, ...]]
    tempers_permille: dict[str, int]
    _leaves: tuple[str, ...] = attrs.field(init=False)
    _no_leaf: tuple[int, ...] = attrs.field(init=False)
    faults: tuple[int, ...] = attrs.field(init=False)
    _late_servers: frozenset[int] = attrs.field(init=False)
    _gone_servers: frozenset[int] = attrs.field(init=False)
    _outside_of: dict[frozenset[int], dict[str, tuple[int, ...]]] = attrs.field(
        factory=dict, init=False
    )

    @_leaves.default
    def _only_leaves(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if is_leaf(name))

    @_no_leaf.default
    def _of_no_leaf(self) -> tuple[int, ...]:
        states = enumerate(self.tables.states)
        return tuple(i for i, state in states if state != FINE and not is_leaf(state.place))

    @faults.default
    def _of_some_place(self) -> tuple[int, ...]:
        states = enumerate(self.tables.states)
        return tuple(i for i, state in states if state not in (FINE, OTHER))

    @_late_servers.default
    def _which_are_late(self) -> frozenset[int]:
        return frozenset(
            number
            for number, state in enumerate(self.tables.states)
            if (state.place in (EDGE, ORIGIN) and state.condition in ("slow", "overloaded"))
            or state in IN_THEIR_NETWORK  # they may be the way just as well
        )

    @_gone_servers.default
    def _which_are_gone(self) -> frozenset[int]:
        return frozenset(
            number
            for number, state in enumerate(self.tables.states)
            if state.place == EDGE and state.condition == UNREACHABLE
        )

    @classmethod
    def build(cls, tables: Tables, settings: Settings) -> Namer:
        by_place: dict[str, tuple[int, ...]] = {}
        for number, state in enumerate(tables.states):
            by_place[state.place] = (*by_place.get(state.place, ()), number)
        by_leaf = {name: by_place[name] for name in LEAF_NAMES if name in by_place}
        leaves_of: dict[str, tuple[str, ...]] = {name: (name,) for name in by_leaf}
        for alike in LOOK_ALIKES:
            if all(name in by_leaf for name in alike):
                leaves_of[SEPARATOR.join(alike)] = alike
        for inner in INNER_NAMES:
            inside = tuple(name for name in leaves_under(inner) if name in by_leaf)
            if len(inside) > 1:
                leaves_of[inner] = inside
        names = {
            key: tuple(sorted(i for place in _places(key, leaves) for i in by_place.get(place, ())))
            for key, leaves in leaves_of.items()
        }
        third = [key for key, leaves in leaves_of.items() if _third(key, leaves)]
        own = [key for key in leaves_of if key not in third]
        gates: dict[str, int] = {}
        covers: dict[str, tuple[str, ...]] = {}
        for group, share in ((third, THIRD_PARTY_SHARE), (own, 1 - THIRD_PARTY_SHARE)):
            sets = {key: frozenset(leaves_of[key]) for key in group}
            steps = settings.false_naming_steps * _false_at_most(sets, by_leaf)
            gate = from_ratio(steps * share.denominator, share.numerator)
            gates |= dict.fromkeys(group, gate)
            covers |= {
                key: tuple(other for other in group if sets[other] > sets[key]) for key in group
            }
        return cls(
            tables=tables,
            settings=settings,
            names=names,
            bars_ppm={key: _bar(key, leaves, settings) for key, leaves in leaves_of.items()},
            gates_mdb=gates,
            covers=covers,
            tempers_permille={
                key: tables.gate_inner_permille if _is_inner(key) else tables.gate_temper_permille
                for key in leaves_of
            },
        )

    def passing(self, belief: Filter, gate: Gate) -> list[str]:
        """Names that reach their bar, and whose gate is crossed, as are those of all that cover it.

        The last is what makes the budget go far (closed testing; Marcus, Peritz, Gabriel 1976):
        whatever is named falsely, one of the *largest* false names around it has crossed too,
        so only of those need the chances be summed.
        """
        logs = gate.logs
        crossed = {key for key, bar in self.gates_mdb.items() if logs.get(key, -1) >= bar}
        return [
            key
            for key in self.names
            if key in crossed
            and crossed.issuperset(self.covers[key])
            and to_ppm(belief.mass(self.names[key])) >= self.bars_ppm[key]
        ]

    def best(
        self, belief: Filter, gate: Gate, sighted: Sighted, borne_out: Callable[[str], bool]
    ) -> Named | None:
        """The deepest name that passes, the likeliest of several; None if none does.

        Args:
            sighted: leaves that this session's sensors can tell from their neighbours.
            borne_out: whether the answers of late leave room for a name.
        """
        passing = [key for key in self.passing(belief, gate) if self.sayable(key, sighted, belief)]
        for rank in (is_leaf, _is_pair, _is_triple, _is_inner):
            inner = rank is _is_inner
            ranked = [
                (key.count(".") if inner else 0, belief.mass(self.names[key]), key)
                for key in passing
                if rank(key)
            ]
            for _, _, key in sorted(ranked, reverse=True):
                if borne_out(key):  # asked of as few as need be
                    return self.named(key, belief)
        return None

    def sayable(self, key: str, sighted: Sighted, belief: Filter) -> bool:
        """*key* is no finer than the sensors can see.

        Leaves named together may hold some that are not sighted: that is what sets are for. A
        part of `network` is never said where nothing but HTTP and socket timing was seen.
        """
        if sighted.boxed and self._may_be_the_way(key, belief):
            return False
        if sighted.singled_out and self._by_others_packets(key, belief):
            return False
        if sighted.declined and self._answers_or_asks(key):
            return False
        if key == _SERVICE and not sighted.live and not self._else_passes(belief):
            return False
        leaves = key.split(SEPARATOR)
        if len(leaves) > 1:
            return self._set_sayable(leaves, sighted, belief)
        if is_leaf(key):
            return key in sighted.clear or (key == EDGE and self._out_of_reach(belief))
        if key in ("network.home", "network.isp"):
            return any(leaf in sighted.clear | sighted.blurred for leaf in leaves_under(key))
        return True

    def _else_passes(self, belief: Filter) -> bool:
        """`service` reaches its bar also if nobody makes what plays while it plays.

        Where no live stream was seen there is none to make, or nothing is known of it: what is
        believed of its source tells of what else is wrong, and of no server.
        """
        members = self.names[_SERVICE]
        made = tuple(i for i in members if self.tables.states[i].place == MADE_LIVE)
        rest = tuple(i for i in members if i not in made)
        possible_ppm = PPM - (to_ppm(belief.mass(made)) if made else 0)
        return to_ppm(belief.mass(rest)) * PPM >= self.bars_ppm[_SERVICE] * possible_ppm

    def _answers_or_asks(self, key: str) -> bool:
        """*key* is the servers, or the player.

        Which of them is wrong about what is asked for is what an answer of 4xx (RFC 9110) leaves
        open, or whether it is the viewer's right that is missing.
        """
        places = {self.tables.states[i].place for i in self.names[key]}
        return places <= _ASKED_AND_ASKER and places != {"service.dns"}

    def _set_sayable(self, leaves: list[str], sighted: Sighted, belief: Filter) -> bool:
        """Nothing is left out of the set that can't be told from what is in it."""
        seen = sighted.clear | sighted.blurred
        if TUNNEL in leaves:
            return seen.issuperset(leaves)
        if MADE_LIVE in leaves and not sighted.live:
            return False
        one = set(leaves) & {EDGE, ORIGIN}
        gone = one == {EDGE} and self._out_of_reach(belief)
        if len(one) == 1 and not one <= sighted.clear and not gone:
            return False  # the other one of the two isn't in it
        # where a part of the network is among them, it is that which must be seen
        parts = [leaf for leaf in leaves if _on_the_way(leaf)] or leaves
        return any(leaf in seen for leaf in parts)

    def _out_of_reach(self, belief: Filter) -> bool:
        """If it is the edge, nothing reaches it: no server behind it has to do with that."""
        return self._condition(self.names[EDGE], belief) == UNREACHABLE

    def _may_be_the_way(self, key: str, belief: Filter) -> bool:
        """*key* says that servers are slow, though the way may be so unseen.

        Behind a box that ends connections our sockets tell of the box alone, and so few probes pass
        it by that a loss which holds up TCP would not be seen. An error is the servers' own.
        """
        members = self.names[key]
        if any(_on_the_way(self.tables.states[i].place) for i in members):
            return False
        return self._mostly(members, self._late_servers, belief)

    def _by_others_packets(self, key: str, belief: Filter) -> bool:
        """*key* takes for granted that the film's packets fare as probes do.

        Where handshakes with the same host don't, links that are laid between answers of the one
        kind and of the other are none, and a server that seems slow or gone may be well.
        """
        members = self.names[key]
        if any(_on_the_way(self.tables.states[i].place) for i in members):
            return key != "network"
        return self._mostly(members, self._late_servers | self._gone_servers, belief)

    @staticmethod
    def _mostly(members: tuple[int, ...], some: frozenset[int], belief: Filter) -> bool:
        """At least half of what *members* hold is with *some* of them."""
        those = tuple(i for i in members if i in some)
        rest = tuple(i for i in members if i not in some)
        return bool(those) and belief.mass(those) >= belief.mass(rest)

    def holds(self, key: str, belief: Filter) -> bool:
        """A name spoken before may stay, until other causes are likelier than its bar allows.

        That nothing is wrong any more takes no name back: while playback still suffers from what
        was wrong, or has just recovered from it, the name says what that was.
        """
        mass = belief.mass(self.names[key])
        wrong_ppm = belief.wrong_ppm
        if to_ppm(mass) * PPM >= (self.bars_ppm[key] - HOLD_PPM) * wrong_ppm:
            return True
        if wrong_ppm > FADED_PPM:
            return False
        inside = set(self.names[key])
        rivals = [name for name in self._leaves if inside.isdisjoint(self.names[name])]
        return all(belief.mass(self.names[name]) <= mass for name in rivals)

    def covers_more(self, key: str, other: str) -> bool:
        """*key* holds all places that *other* holds, and more."""
        return set(self.names[key]) > set(self.names[other])

    def named(self, key: str, belief: Filter) -> Named:
        """The words for *key* as things stand."""
        members = self.names[key]
        leaves = tuple(key.split(SEPARATOR))
        among = leaves if len(leaves) > 1 else ()
        condition = self._condition(members, belief) if is_leaf(key) else None
        return Named(
            key=key,
            bottleneck=common_name(leaves),
            among=among,
            condition=condition,
            confidence_ppm=min(to_ppm(belief.mass(members)), PPM - self._outside(members, belief)),
            members=members,
        )

    def _outside(self, members: tuple[int, ...], belief: Filter) -> int:
        """ppm of the leaves outside and of `none`, as they are shown among the alternatives."""
        inside = set(members)
        return sum(
            to_ppm(log)
            for place, log in self._masses(belief).items()
            if place == NONE or inside.isdisjoint(self.names[place])
        )

    def _condition(self, members: tuple[int, ...], belief: Filter) -> str | None:
        top = belief.likeliest(members)
        share = to_ppm(min(0, belief.logs[top] - belief.mass(members)))
        return self.tables.states[top].condition if share >= CONDITION_PPM else None

    def alternatives(
        self, belief: Filter, named: Named | None, suffers: bool, *, probed: bool = True
    ) -> list[tuple[str, int]]:
        """(leaf or `none`, ppm), most likely first; at most 1 in sum.

        Args:
            named: what is said.
            suffers: playback does, or a notice stands: that nothing is wrong is not beyond
                question, then.
            probed: the way was asked. Without, all rests on few rules, which see much the same.
        """
        masses = {UNDETERMINED: belief.mass(self._no_leaf), **self._masses(belief)}
        untested: Collection[str] = ()
        if named is not None:
            untested = named.among or leaves_under(named.bottleneck)
        elif suffers:
            untested = masses
        tables = self.tables
        temperature = (
            tables.temperature_permille if probed else tables.unprobed_temperature_permille
        )
        told = calibrated(masses, untested, temperature)
        del told[UNDETERMINED]
        shares = {place: to_ppm(log) for place, log in told.items()}
        # A log's last digit is worth 230 ppm near 1: only the largest can be off by more than 1.
        excess = max(0, sum(shares.values()) - PPM)
        shares[max(shares, key=shares.__getitem__)] -= excess
        return sorted(shares.items(), key=lambda row: (-row[1], row[0]))

    def _masses(self, belief: Filter) -> dict[str, int]:
        mass, names = belief.mass, self.names
        return {NONE: belief.logs[0], **{name: mass(names[name]) for name in self._leaves}}

    def against(self, named: Named | None, belief: Filter) -> tuple[str, int]:
        """The likeliest leaf (or `none`) outside the name, and its best state's index."""
        inside = frozenset(named.members) if named else frozenset()
        outside = self._outside_of.get(inside)
        if outside is None:
            found: dict[str, list[int]] = {}
            for index, state in enumerate(self.tables.states):
                if index not in inside and index not in self._no_leaf:
                    found.setdefault(state.place, []).append(index)
            outside = {place: tuple(found[place]) for place in sorted(found)}
            self._outside_of[inside] = outside
        best = max(outside, key=lambda place: belief.mass(outside[place]))
        return best, belief.likeliest(outside[best])


def _places(key: str, leaves: tuple[str, ...]) -> tuple[str, ...]:
    """*leaves*, and the links of the server's network where these lie beside or between them."""
    return (*leaves, _SERVICE) if key == _SERVICE or set(leaves) >= _ENDS else leaves


def _on_the_way(leaf: str) -> bool:
    return leaf.startswith("network.")


def _is_pair(key: str) -> bool:
    return key.count(SEPARATOR) == 1


def _is_triple(key: str) -> bool:
    return key.count(SEPARATOR) == 2


def _is_inner(key: str) -> bool:
    return key in INNER_NAMES


def _false_at_most(sets: dict[str, frozenset[str]], truths: Iterable[str]) -> int:
    """The most names that can be false at once with no false name around them."""
    most = 1
    for truth in (*truths, NONE):
        false = {leaves for leaves in sets.values() if truth not in leaves}
        most = max(most, sum(not any(leaves < wider for wider in false) for leaves in false))
    return most


def _third(key: str, leaves: tuple[str, ...]) -> bool:
    """Saying *key* accuses a third party: all of it, or `among` with one in it."""
    if _is_inner(key):
        return answerable_for(leaves) == {"third_party"}
    return "third_party" in answerable_for(leaves)


def _bar(key: str, leaves: tuple[str, ...], settings: Settings) -> int:
    """What *key* needs: the bar of its class, or what the host gave for it or its leaves."""
    given = dict(settings.place_bars_ppm)
    if SEPARATOR not in key:
        return _given(key, given, _class_bar(key, leaves, settings))
    if not any(_above(leaf, given) for leaf in leaves):
        return _class_bar(key, leaves, settings)
    # said together, each of them is accused: the most careful one decides
    return max(_given(leaf, given, _class_bar(leaf, (leaf,), settings)) for leaf in leaves)


def _class_bar(key: str, leaves: tuple[str, ...], settings: Settings) -> int:
    if _third(key, leaves):
        return settings.bar_third_party_ppm
    who = answerable_for(leaves)
    if who == {"viewer"}:
        return settings.bar_viewer_ppm
    return settings.bar_service_ppm


def _above(name: str, given: dict[str, int]) -> str | None:
    """The nearest place with a bar of its own: *name*, or an inner name that holds it."""
    while name != UNDETERMINED and name not in given:
        name = parent(name)
    return None if name == UNDETERMINED else name


def _given(name: str, given: dict[str, int], usual: int) -> int:
    """The bar given for *name*; that of an inner name around it only raises the usual one.

    A host that trusts its word on `network` at 0.95 has not said so of a provider by itself.
    """
    place = _above(name, given)
    if place is None:
        return usual
    return given[place] if place == name else max(usual, given[place])
