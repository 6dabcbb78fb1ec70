"""What is done to a network, its hosts and its player while a run lasts."""

from __future__ import annotations

import attrs


@attrs.frozen
class LinkChange:
    """Emulator settings for "LINK.up|down|both" at a time after the fault's onset."""

    direction: str
    values: dict[str, float]
    after_s: float = 0.0


def bursts(share_bad: float, burst: int, bad_loss: float) -> dict[str, float]:
    """Settings of a link that loses packets in bursts (Gilbert, BSTJ 1960): bad for *share_bad* of
    them, *burst* packets at a time in the mean, of which it then loses *bad_loss*."""
    to_good = 1 / burst
    to_bad = min(1.0, round(to_good * share_bad / (1 - share_bad), 5))
    return {"to_good": to_good, "to_bad": to_bad, "bad_loss": bad_loss}


@attrs.frozen
class Crowd:
    """Real TCP flows from `source` to `sink` from the onset on.

    Attributes:
        mean_bytes: mean size of a flow, after which it starts anew; None: endless.
        steady_bps: instead of flows, datagrams at this rate, whatever becomes of them.
        after_s: it begins so long after the onset.
    """

    source: str
    sink: str
    flows: int
    mean_bytes: int | None = None
    mean_pause_ms: int = 50
    steady_bps: int = 0
    after_s: float = 0.0


@attrs.frozen
class CpuStarved:
    """The player and some hogs share so much of one CPU (a cgroup's quota)."""

    quota_permille: int
    hogs: int


@attrs.frozen
class Habit:
    """What the lab's player (lab.viewer) does beyond playing, from the onset on.

    The first four are a player's faults; the others are what viewers do, and nobody's, or how some
    players are made (`target_s` and what follows).

    Attributes:
        holds: it asks for the highest rendition, whatever comes of it.
        pause_s: it waits so long after each segment, however low its buffer.
        sleep_s: it asks for nothing for so long, then for `awake_s` it does.
        paused_s: the viewer pauses for so long.
        seek_s: the viewer jumps so far ahead, out of what is buffered.
        choices: renditions that the viewer picks by turns, one every `every_s`.
        again_s: the viewer does it again, so long after.
        target_s: the level at which the player asks for no more; 0: the usual one.
        at_once: it fetches so many segments at a time, each over a connection of its own.
        retry_s: so long it waits after a 503, as the Retry-After in it says.
    """

    holds: bool = False
    pause_s: float = 0.0
    sleep_s: float = 0.0
    awake_s: float = 0.0
    paused_s: float = 0.0
    seek_s: float = 0.0
    choices: tuple[int, ...] = ()
    every_s: float = 0.0
    again_s: float = 0.0
    target_s: float = 0.0
    at_once: int = 1
    retry_s: float = 0.0
