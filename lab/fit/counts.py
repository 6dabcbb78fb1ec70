"""Likelihoods from counts: each run counts once, and thin counts lean on their kin.

P(outcome | state) is the mean over the state's runs of the share of steps with that outcome,
shrunk towards the place (all its conditions), the place towards its branch, the branch
towards all faults, and that towards even shares. The strength of shrinking is the number of
pretended runs.

Rules that answer with a place along the path are special: what matters is where the answer lies
*relative to* the fault. So the branch is replaced there by the fault's kin: all faults on the
path that are found in the same way (queue, loss, silence), their answers read as "at it", "at
it or beside", "nearer", "farther". No link of the path gets a table that another could not have.

That a path lies inside a tunnel speaks for no place under it, the tunnel included: it was there
before the fault. Most of the lab's runs with a tunnel have their fault in it, so counts alone would
take its mere presence for guilt, again at every step and by every rule. So what is said inside a
tunnel weighs for all network places what it weighs for the tunnel itself. What is seen on the way
*to the tunnel's server*, under it, speaks of places again; the tunnel stands at that way's end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import attrs
import numpy as np

from lab.fit.caching import BUSY, caches_by_logic
from lab.fit.host import host_by_logic, other_by_logic
from lab.fit.lengths import lengths_by_logic
from lab.fit.names import names_by_logic
from lab.fit.others import COUNT_OTHERS, others_by_logic
from lab.fit.recordings import Run
from lab.fit.tying import CAP, Floats, columns_of, tied
from lab.fit.unasked import unasked_by_logic
from streamnotice.bottlenecks import FINE, OTHER, State
from streamnotice.evidence import RULES, Rule
from streamnotice.evidence.asking import RULE as _ASKING
from streamnotice.evidence.connecting import CONNECT as _CONNECT
from streamnotice.evidence.first_hop import RULE as _FIRST_HOP
from streamnotice.evidence.long_packets import RULE as LONG_PACKETS
from streamnotice.evidence.opening import RULE as _OPENING
from streamnotice.evidence.others import HERE
from streamnotice.evidence.places import LEAP as _LEAP_RULE
from streamnotice.evidence.tunnel import ABSENT
from streamnotice.evidence.tunnel import RULE as _TUNNEL_RULE
from streamnotice.evidence.tunnel_link import RULE as _TUNNEL_LINK
from streamnotice.evidence.underlay import UNDERLAY as _RULE
from streamnotice.path.localise import ORDER, STRETCHES
from streamnotice.path.rounds import TUNNEL

MDB_PER_NAT = 10_000 / np.log(10.0)
Row = tuple[Floats, float]
"""Shares of a rule's outcomes, and how many runs they weigh as."""
END_S = 10
"""Steps this soon after the fault's end are of neither state."""


@attrs.frozen(eq=False)
class Counts:
    """Likelihood tables.

    Attributes:
        logs: rule -> array (outcomes, states), natural logs against the mean.
        caps: rule -> the most that one answer may weigh (nats), where that isn't `CAP`.
    """

    states: tuple[State, ...]
    logs: dict[str, Floats]
    caps: dict[str, float] = attrs.Factory(dict)

    def capped(self, rule: str) -> Floats:
        """What the rule's answers weigh at most: its logs between minus and plus its cap."""
        cap = self.caps.get(rule, CAP)
        return np.clip(self.logs[rule], -cap, cap)


def caps_nats(caps_mdb: dict[str, int]) -> dict[str, float]:
    """Caps as a table has them, for `Counts`."""
    return {rule: cap / MDB_PER_NAT for rule, cap in caps_mdb.items()}


def labelled(run: Run) -> dict[int, State]:
    """The true state at each step that has one.

    A fault that has begun but shows in nothing yet (a full buffer, probes at rest) is of neither
    state: its steps count from the first on at which something was suspected.
    """
    if run.truth == FINE:
        return dict.fromkeys(run.steps, FINE)
    begun = run.onset_s if not run.before else 0
    shown = min((s for s in run.suspected if s > begun), default=None)
    found: dict[int, State] = {}
    for second in run.steps:
        if run.phases_s and second >= begun:
            if shown is not None and shown <= second and _within(run, second, 0):
                found[second] = run.truth
            elif not _within(run, second, END_S) and run.impacts.get(second) is None:
                found[second] = FINE
        elif (not run.before and second < begun) or second > run.end_s + END_S:
            found[second] = FINE
        elif shown is not None and shown <= second <= run.end_s:
            found[second] = run.truth
    return found


def judged(run: Run) -> dict[int, State]:
    """The true state at the steps that are judged: peace, and a fault where it harms.

    That is where its name may be spoken.
    """
    return {
        second: state
        for second, state in labelled(run).items()
        if state == FINE or run.impacts.get(second) is not None
    }


def _within(run: Run, second: int, more_s: int) -> bool:
    """The fault was there, or had been until *more_s* before."""
    return any(begin <= second <= end + more_s for begin, end in run.phases_s)


def fit_counts(
    runs: list[Run],
    states: tuple[State, ...],
    pretended: float = 2.0,
    rules: tuple[Rule, ...] = RULES,
) -> Counts:
    """Tables from *runs* for *states* (FINE first, OTHER last)."""
    logs: dict[str, Floats] = {}
    truths = [(run, labelled(run)) for run in runs]
    for rule in rules:
        if rule.name == TUNNEL_RULE:
            logs[rule.name] = by_logic(rule, states)
            continue
        index = {name: i for i, name in enumerate(rule.outcomes)}
        rows: dict[State, list[Row]] = defaultdict(list)
        for run, truth in truths:
            by_state: dict[State, list[int]] = defaultdict(list)
            for second in sorted(run.steps):
                outcome = run.steps[second].get(rule.name)
                if outcome is not None and second in truth:
                    by_state[truth[second]].append(index[outcome])
            for state, seen in by_state.items():
                share = np.bincount(seen, minlength=len(index)) / len(seen)
                rows[state].append((share, len(seen) / (len(seen) + 4.0)))
        if rule not in COUNT_OTHERS:
            _join_same_queue(rows)
        logs[rule.name] = _shrunk(rule, rows, states, pretended)
    return Counts(states, logs)


def _mean(rows: list[Row], prior: Floats, pretended: float) -> Floats:
    weight = sum(w for _, w in rows)
    total = sum((share * w for share, w in rows), start=np.zeros_like(prior))
    result: Floats = (total + pretended * prior) / (weight + pretended)
    return result


def _branch(state: State) -> str:
    return state.place.partition(".")[0]


SAME_QUEUE = (
    State("network.home.sharing", "crowded"),
    State("network.isp.access", "crowded"),
)


def _join_same_queue(rows: dict[State, list[Row]]) -> None:
    """Others at home and others on the line fill the same queue: only counters tell them apart."""
    both = [row for state in SAME_QUEUE for row in rows.get(state, [])]
    if both:
        rows.update(dict.fromkeys(SAME_QUEUE, both))


KIN_RUNS = 8.0
"""Pretended runs of a fault's kin: what a queue does to us hardly depends on where it is."""
FOUND_BY = {"slow": "queue", "crowded": "queue", "unsteady": "queue"}
PATH_PLACES = ORDER


def found_by(condition: str) -> str:
    """How faults of a condition show on the way: several show alike."""
    return FOUND_BY.get(condition, condition)


UNDERLAY = _RULE.name
LAST_UNDER = "network.interconnect"
"""The last place of the way under a tunnel. It is the tunnel's: what leads from the provider's
border to the tunnel's server is used because of the tunnel alone. A fault of that name is then
behind the server, and so on no place of that way, as the service's are."""
LEAP = _LEAP_RULE.name
AT = ("at", "beside", "around")
"""What an answer that holds the fault's place is called (`relation`)."""
INSIDE_TUNNELS = frozenset({"queue_place", "spread_place", LEAP, "loss_place", "reach_place"})
NOWHERE = ("unplaced", "home_to_service")
"""Answers that leave every place of the way open."""
SPEAKS_OF_PLACES = INSIDE_TUNNELS | {UNDERLAY}
FIRST_HOP = _FIRST_HOP.name
TUNNEL_RULE = _TUNNEL_RULE.name
TUNNEL_LINK = _TUNNEL_LINK.name
OPENING = _OPENING.name
CONNECT = _CONNECT.name
ASKING = _ASKING.name
MEASURED = (SPEAKS_OF_PLACES | {FIRST_HOP}) - {LEAP}
"""Rules that answer with a place only once many packets have shown it beyond chance. What they
say is surer than most answers, so `fit` looks for a cap of their own."""
BEFORE_ROUTER = PATH_PLACES[0]
UNLIKE = 0.05
"""So many homes are like none in the lab, and their router may answer anything."""


def on_path(state: State, rule: str = "") -> bool:
    """The fault lies on the way: a link, or a server that nothing reaches.

    Args:
        rule: whose way: to the service, or for `UNDERLAY` to the tunnel's server.
    """
    return _place(state, rule) in PATH_PLACES


def _place(state: State, rule: str = "") -> str:
    """The place on the way that a fault's traces point to."""
    if state.place == "network.home.sharing":
        return "network.isp.access"
    if rule == UNDERLAY:
        off = _branch(state) == "service" or state.place == LAST_UNDER
        return LAST_UNDER if state.place == TUNNEL else "" if off else state.place
    if state == State("service.edge", "unreachable"):
        return "service"
    return state.place


def relation(outcome: str, place: str, rule: str = "") -> str:
    """Where an answer of *rule* lies relative to a fault at *place* on the path."""
    if outcome == "server":  # all answers but the server's own
        return "at" if place == "service" else "farther"
    if outcome == "nothing":  # not even the first router answers
        outcome = "home"
    if outcome not in STRETCHES:
        return outcome  # none, all, vpn, unplaced: the same for every place
    near, far = STRETCHES[outcome]
    at = PATH_PLACES.index(place)
    if rule == UNDERLAY:
        last = PATH_PLACES.index(LAST_UNDER)
        near, far, at = min(near, last), min(far, last), min(at, last)
    if near <= at <= far:
        return ("at", "beside")[far > near] if far - near < 2 else "around"
    return "nearer" if far < at else "farther"


def _queues(state: State) -> bool:
    """Such a fault may hold a queue that stood before we asked."""
    return state.condition in FOUND_BY and _branch(state) == "network"


def _kind(state: State) -> str:
    return found_by(state.condition)


def _way(state: State, rule: Rule) -> str:
    """How a fault shows to a rule. A queue that stands before we ask is others' doing alone."""
    return state.condition if rule.name == LEAP else _kind(state)


def _kin(rule: Rule, rows: dict[State, list[Row]], state: State) -> list[Row]:
    """Shares of all faults found in the same way, carried over to *state*'s place."""
    names = rule.outcomes
    way = _way(state, rule)
    if rule.name not in SPEAKS_OF_PLACES:
        if rule.needs == "reference" and not _shared(state):
            return []  # how far a reference shares the way is the place's own matter
        return [
            row
            for other, found in rows.items()
            if on_path(other)
            and other.condition == state.condition
            and (rule.needs != "reference" or _shared(other))
            for row in found
        ]
    # An answer weighs the same for every place that it lies equally to: a stretch over the whole
    # path must not favour its ends because fewer stretches hold them.
    sizes: dict[str, int] = defaultdict(int)
    for place in PATH_PLACES:
        kinds = [relation(name, place, rule.name) for name in names]
        for kind in set(kinds):
            sizes[kind] = max(sizes[kind], kinds.count(kind))
    ours = [relation(name, _place(state, rule.name), rule.name) for name in names]
    moved: list[Row] = []
    for other, found in rows.items():
        if not on_path(other, rule.name) or _way(other, rule) != way:
            continue
        theirs = [relation(name, _place(other, rule.name), rule.name) for name in names]
        for share, weight in found:
            mass: dict[str, float] = defaultdict(float)
            for value, kind in zip(share, theirs, strict=True):
                mass[kind] += float(value)
            moved.append((np.array([mass[kind] / sizes[kind] for kind in ours]), weight))
    return moved


def tie_tunnel(row: Floats, states: tuple[State, ...]) -> Floats:
    """A place rule's row of logs for "vpn", the same for all network faults found in one way."""
    tied = row.copy()
    tunnel = [
        (float(row[at]), other.condition)
        for at, other in enumerate(states)
        if other.place == TUNNEL
    ]
    for column, state in enumerate(states):
        if _branch(state) != "network" or state.place == TUNNEL:
            continue
        way = found_by(state.condition)
        alike = [log for log, cause in tunnel if found_by(cause) == way]
        inside = alike or [log for log, _ in tunnel]
        if inside:
            tied[column] = sum(inside) / len(inside)
    return tied


def tie_places(
    row: Floats,
    states: tuple[State, ...],
    inside: tuple[int, int] | None = None,
    way: Callable[[State], str] = _kind,
    rule: str = "",
) -> Floats:
    """A row of logs of an answer that names no place, the same for all network faults found in one
    way: that it is given mostly in tunnels, or mostly where routers are silent, tells of no place.

    Args:
        inside: for the places of this stretch alone (positions in `PATH_PLACES`).
        way: what faults that are found in one way have in common.
        rule: whose answer; of `UNDERLAY` only what lies on the way to the tunnel's server.
    """
    tied = row.copy()
    ways: dict[str, list[int]] = defaultdict(list)
    for column, state in enumerate(states):
        if inside is None:
            open_to = _branch(state) == "network" and (rule != UNDERLAY or on_path(state, rule))
        else:
            place = _place(state, rule)
            open_to = place in PATH_PLACES[inside[0] : inside[1] + 1]
        if open_to:
            ways[way(state)].append(column)
    for columns in ways.values():
        tied[columns] = row[columns].mean()
    return tied


def open_by_logic(logs: Floats, rule: Rule, states: tuple[State, ...]) -> Floats:
    """Answers that leave places open weigh the same for all of these.

    Those that leave three or more open are so long because routers are silent, and where in them a
    fault is they don't say. Under a tunnel two are enough: who owns which address on the way to
    its server has nothing to do with the fault, and of faults there are too few runs to find that
    by counting.
    """
    found = logs.copy()
    fewest = 1 if rule.name == UNDERLAY else 2
    for outcome, (near, far) in STRETCHES.items():
        if far - near >= fewest and outcome not in NOWHERE:
            row = rule.outcomes.index(outcome)
            found[row] = tie_places(
                found[row], states, (near, far), lambda state: _way(state, rule), rule.name
            )
    return found


MISJUDGED = State("player", "misjudged")


def as_slow_link(logs: Floats, states: tuple[State, ...]) -> Floats:
    """A rendition too high for a steady link shows where that link is, as a slow one does.

    Few runs of the lab have it, each with its narrowest link somewhere. Which one that is has
    nothing to do with the player: any slow one, each as likely.
    """
    slow = [
        column
        for column, state in enumerate(states)
        if state.condition == "slow" and _branch(state) == "network"
    ]
    found = logs.copy()
    if slow and MISJUDGED in states:
        found[:, states.index(MISJUDGED)] = np.log(np.exp(logs[:, slow]).mean(axis=1))
    return found


_ONCE_RESOLVED = ("service.edge", "service.origin", "service.source", "player")
NOT_WAITED_FOR = {
    "name": _ONCE_RESOLVED,
    "name_alone": _ONCE_RESOLVED,
    "connection": ("service.dns", "service.origin", "service.source", "player"),
}
"""What the player waits for before it can ask -> places whose faults make nobody wait for it."""


def waits_by_logic(logs: Floats, rule: Rule, states: tuple[State, ...]) -> Floats:
    """Such faults are to that answer as if nothing were wrong: it isn't theirs."""
    found = logs.copy()
    for outcome, places in NOT_WAITED_FOR.items():
        row = rule.outcomes.index(outcome)
        for column, state in enumerate(states):
            if state.place in places:
                found[row, column] = logs[row, states.index(FINE)]
    return found


def busy_by_logic(logs: Floats, rule: Rule, states: tuple[State, ...]) -> Floats:
    """An edge that is busy and one that waits for the server behind it leave a request unanswered
    alike, and have a player ask alike: which of them it is, is for what the headers say of hits and
    misses. The lab's slow origins are few with neither, and seldom so slow."""
    answers = ("unanswered",) if rule.name == CONNECT else rule.outcomes
    return tied(logs, map(rule.outcomes.index, answers), columns_of(BUSY, states))


def _tunnel_link(
    rows: dict[State, list[Row]], state: State, even: Floats, pretended: float
) -> Floats:
    """A queue on the link of the tunnel's server is the tunnel's; of all else it tells the same."""
    others = [row for s, found in rows.items() if s.place != TUNNEL for row in found]
    shares = _mean(others, even, 1.0)
    if state.place == TUNNEL:
        shares = _mean(rows.get(state, []), shares, pretended)
    mixed: Floats = (1 - UNLIKE) * shares + UNLIKE * even
    return mixed


def _off_way(state: State) -> bool:
    """A fault that is on no place of the way under a tunnel."""
    return state != FINE and not on_path(state, UNDERLAY)


def heard_alike(state: State) -> str:
    """Faults of one such kind are the same to the home router's own answers: those before it, and
    behind it those that are found in one way, wherever they lie."""
    if state.place == BEFORE_ROUTER:
        return BEFORE_ROUTER
    if _branch(state) == "network" or on_path(state):
        return found_by(state.condition)
    return ""


def _first_hop(
    rows: dict[State, list[Row]], state: State, pooled: Floats, pretended: float
) -> Floats:
    kind = heard_alike(state)
    alike = [
        row for s, found in rows.items() if s != FINE and heard_alike(s) == kind for row in found
    ]
    shares = _mean(alike, pooled, pretended)
    if kind == BEFORE_ROUTER:
        shares = _mean(rows.get(state, []), shares, pretended)
    even = np.full_like(shares, 1.0 / len(shares))
    mixed: Floats = (1 - UNLIKE) * shares + UNLIKE * even
    return mixed


POWER_BY_LOGIC = {
    TUNNEL_RULE: 0.2, LEAP: 0.15, OPENING: 0.2, HERE.name: 0.6, LONG_PACKETS.name: 1.0
}  # fmt: skip
"""No run of the lab goes through a proxy, which is of the same place and no tunnel: not so sure.
How far away things were when the session began is no news at any later step: with this power,
and fatigue, all repetitions of a quarter of a minute weigh about once. That a connection doesn't
open is the fact that `connect` tells of later, with its power; the runs that have it are too few
for one of its own. Where long packets get lost, nothing that short ones tell counts against it."""


def by_logic(rule: Rule, states: tuple[State, ...]) -> Floats:
    """What a tunnel's absence says follows without a count, and its presence accuses nobody: how
    many of the lab's runs have one is the lab's choice."""
    logs = np.zeros((len(rule.outcomes), len(states)))
    absent = rule.outcomes.index(ABSENT)
    logs[absent, [column for column, state in enumerate(states) if state.place == TUNNEL]] = -CAP
    return logs


def _leap(
    rule: Rule, rows: dict[State, list[Row]], state: State, even: Floats, pretended: float
) -> Floats:
    """How far away servers are has nothing to do with what is wrong, so all states share that; a
    fault that may hold a queue has its own leap as often, where it is."""
    far = _mean([r for s, found in rows.items() if not _queues(s) for r in found], even, 1.0)
    if not _queues(state):
        return far
    if on_path(state):
        own = _mean(_kin(rule, rows, state), far, pretended)
        here = [relation(name, _place(state)) in AT for name in rule.outcomes]
    else:
        own = _mean([r for s in rows if s.place == state.place for r in rows[s]], far, pretended)
        own = _mean(rows.get(state, []), own, pretended)
        here = [name == "vpn" for name in rule.outcomes]
    # elsewhere it leaps for other reasons: as for all
    shown = np.where(here, own, far * (1 - own[here].sum()) / (1 - far[here].sum()))
    mixed: Floats = (shown + far) / 2
    return mixed


def _shared(state: State) -> bool:
    """All references pass this place as well."""
    return PATH_PLACES.index(_place(state)) <= 1


def _shrunk(
    rule: Rule,
    rows: dict[State, list[Row]],
    states: tuple[State, ...],
    pretended: float,
) -> Floats:
    outcomes = len(rule.outcomes)
    even = np.full(outcomes, 1.0 / outcomes)
    faults = [row for state, found in rows.items() if state != FINE for row in found]
    pooled = _mean(faults, even, 1.0)
    table = np.zeros((outcomes, len(states)))
    for column, state in enumerate(states):
        if rule.name == LEAP:
            table[:, column] = _leap(rule, rows, state, even, pretended)
        elif rule.name == TUNNEL_LINK:
            table[:, column] = _tunnel_link(rows, state, even, pretended)
        elif state == OTHER:
            table[:, column] = 0.5 * pooled + 0.5 * even
        elif state == FINE:
            table[:, column] = _mean(rows.get(state, []), even, 1.0)
        elif rule.name == FIRST_HOP:
            table[:, column] = _first_hop(rows, state, pooled, pretended)
        elif on_path(state, rule.name):
            by_kin = _mean(_kin(rule, rows, state), pooled, pretended)
            table[:, column] = _mean(rows.get(state, []), by_kin, KIN_RUNS)
        elif rule.name == UNDERLAY:  # what lies on no place of that way is all the same to it
            off = [r for s, found in rows.items() if _off_way(s) for r in found]
            table[:, column] = _mean(off, pooled, pretended)
        else:
            branch = [r for s, found in rows.items() if _branch(s) == _branch(state) for r in found]
            place = [r for s, found in rows.items() if s.place == state.place for r in found]
            by_branch = _mean(branch, pooled, 2 * pretended)
            by_place = _mean(place, by_branch, pretended)
            table[:, column] = _mean(rows.get(state, []), by_place, pretended)
    centred: Floats = np.log(table) - np.log(table.mean(axis=1, keepdims=True))
    if rule.name in SPEAKS_OF_PLACES:
        for outcome in NOWHERE:
            row = rule.outcomes.index(outcome)
            centred[row] = tie_places(centred[row], states, rule=rule.name)
        centred = open_by_logic(centred, rule, states)
    if rule.name in INSIDE_TUNNELS:
        row = rule.outcomes.index("vpn")
        centred[row] = tie_tunnel(centred[row], states)
    if rule.name in (CONNECT, ASKING):
        centred = busy_by_logic(centred, rule, states)
    if rule.name == OPENING:
        centred = waits_by_logic(centred, rule, states)
    # but for a leap: of its own making, the queue wasn't there before
    if rule.name in MEASURED:
        centred = as_slow_link(centred, states)
    for tie in TIES.values():
        centred = tie.make(centred, rule, states)
    return centred


class Tie(NamedTuple):
    """What follows by logic in some rows of a table.

    Attributes:
        make: (rows of a rule, the rule, states) -> the rows as logic has them.
        words: what it says, for the table's page.
    """

    make: Callable[[Floats, Rule, tuple[State, ...]], Floats]
    words: str


TIES: dict[str, Tie] = {
    "caches": Tie(
        caches_by_logic,
        "What tells the delivery edge from the server behind it: how many services say what their "
        "caches hold is no evidence there",
    ),
    "host": Tie(
        host_by_logic,
        "What the computer's load tells of all that is not the computer: it is as busy with one "
        "fault elsewhere as with another",
    ),
    "other": Tie(other_by_logic, "The same of a fault that no state stands for"),
    "names": Tie(
        names_by_logic,
        "How a player waits for names that come late or not at all: what a failing name server "
        "says is no evidence there",
    ),
    "others": Tie(
        others_by_logic,
        "That other traffic is there, for all but itself: how many homes have some is no evidence, "
        "and it is one trait of the evening; that this computer's programs are quiet says nothing",
    ),
    "lengths": Tie(
        lengths_by_logic,
        "Which of the ways that drop long packets lose them alone, and how many there are: that "
        "they get through is no evidence, and that they do not speaks for the way, in all its "
        "conditions alike, as far as it is known where they are lost",
    ),
    "unasked": Tie(
        unasked_by_logic,
        "What names that don't resolve tell where no server was asked by its address: as likely as "
        "with servers that answer and with servers that don't together, and alike of a name server "
        "that says nothing and of a way that is cut before it",
    ),
}
"""Ties that a table is brought in line with without its runs, too; in this order, each once."""
