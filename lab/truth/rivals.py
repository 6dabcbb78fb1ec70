"""Simple rules that others use, on the same recordings: what streamnotice is to be better than.

Each is told what it would see, once a second while playback suffers, and names a place or says
nothing. They are given the benefit of the doubt: a name is right if the fault lies anywhere in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import attrs

from streamnotice.bottlenecks import leaves_under
from streamnotice.estimates import Estimates
from streamnotice.policy import S_NS

WINDOW_S = 10
MS_NS = 1_000_000
PROVIDER = (*leaves_under("network.isp"), "network.interconnect")
NETWORK = leaves_under("network")
SERVICE = leaves_under("service")


@attrs.frozen
class Rival:
    """A rule.

    Attributes:
        about: what it does, for the page.
        says: estimates, now (ns) -> the leaves that it blames together, or None.
    """

    name: str
    about: str
    says: Callable[[Estimates, int], tuple[str, ...] | None]


def _round_trips(seen: Estimates, now: int) -> list[int]:
    return [rtt for at, rtt in seen.requests.rtts if at > now - WINDOW_S * S_NS]


def _below_bitrate(seen: Estimates, now: int) -> tuple[str, ...] | None:
    rate, needed = seen.requests.throughput_bps(now, WINDOW_S), seen.needed_bps()
    return PROVIDER if rate is not None and needed and rate < needed else None


def _round_trip_limit(seen: Estimates, now: int) -> tuple[str, ...] | None:
    rtts = _round_trips(seen, now)
    return PROVIDER if rtts and sorted(rtts)[len(rtts) // 2] > 100 * MS_NS else None


def _issue_detector(seen: Estimates, now: int) -> tuple[str, ...] | None:
    rtts = _round_trips(seen, now)
    if not rtts:
        return None
    steps = [abs(b - a) for a, b in itertools.pairwise(rtts)]
    jitter = sum(steps) / len(steps) if steps else 0.0
    if jitter > 200 * MS_NS:
        return NETWORK
    return SERVICE if sum(rtts) / len(rtts) >= 250 * MS_NS else None


def _slow_connection(seen: Estimates, now: int) -> tuple[str, ...] | None:
    return NETWORK if seen.playback.state == "stalled" else None


RIVALS = (
    Rival(
        "throughput below bitrate: the provider",
        "what the 2014 notice did in spirit: media arrives slower than it plays, so the provider's "
        "network (access, core or interconnect) is to blame",
        _below_bitrate,
    ),
    Rival(
        "round trip above 100 ms: the provider",
        "a fixed limit on the median round trip",
        _round_trip_limit,
    ),
    Rival(
        "webrtc-issue-detector's rule",
        "mean round trip of 250 ms and low jitter: the server; jitter above 200 ms: the network "
        "(its other rules need RTP statistics)",
        _issue_detector,
    ),
    Rival(
        "Moonlight's rule",
        "what was needed didn't come in time: slow connection (any part of the network)",
        _slow_connection,
    ),
)
