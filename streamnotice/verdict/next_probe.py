"""The next best probe: which answer is expected to tell most about where the trouble is.

An answer of hop k parts the links that lead to it from those behind it. What it tells is the
mutual information (Shannon 1948) of the place and of the answer to "before hop k, or not": the
entropy of that answer, less what is left of it once the place is known, since which of a place's
links it is changes no name. The places' probabilities are the last verdict's, given that something
is wrong: that much is known where probes are wanted. How noisy answers are is alike for all hops,
and so is what a question costs: neither changes the order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import log2
from typing import Final

from streamnotice.bottlenecks import NONE
from streamnotice.path.localise.stretches import BEHIND_TUNNEL, ORDER, numbers
from streamnotice.path.roles import JOIN
from streamnotice.path.rounds import TUNNEL

Suspects = Mapping[str, int]
"""ppm of each place and of `none`, as `Verdict.alternatives` has them; may be empty."""

NOT_KNOWN_BITS: Final = 1.0
"""What any answer is worth while nobody is suspected."""
_SHARED: Final = (TUNNEL, "network.home.sharing", *ORDER[:BEHIND_TUNNEL])
_SHOWS_AS: Final = {
    "network.home.sharing": "network.isp.access",  # others at home fill the line's queue
    "service.edge": "service",
}
_LEAST_PPM: Final = 200  # shares of less are mostly rounding


def hop_bits(segments: Sequence[str | None], suspects: Suspects) -> tuple[float, ...]:
    """What the next answer of each hop tells about the place, in bits, if no answer errs.

    Args:
        segments: place of the link that ends at each hop, as `Route.segments` has them; the last
            hop is the far end.
    """
    shares = _shares(suspects)
    if not shares:
        return (NOT_KNOWN_BITS,) * len(segments)
    rows = [(_mass(place, shares), where) for place, where in _links(segments).items()]
    bits = []
    for hop in range(1, len(segments) + 1):
        before = left = 0.0
        for mass, where in rows:
            part = sum(1 for link in where if link <= hop) / len(where)
            before += mass * part
            left += mass * _entropy(part)
        bits.append(max(0.0, _entropy(before) - left))
    return tuple(bits)


def home_bits(suspects: Suspects) -> float:
    """What the home router's next answer tells, in bits: whether it is the link to it."""
    return _bits_of(("network.home.wifi",), suspects)


def sharing_bits(suspects: Suspects) -> float:
    """What the home router's counters tell, in bits: whether others at home fill the line."""
    return _bits_of(("network.home.sharing",), suspects)


def reference_bits(suspects: Suspects) -> float:
    """What a reference's next answer tells, in bits: whether it is what all ways share."""
    return _bits_of(_SHARED, suspects)


def _bits_of(places: Collection[str], suspects: Suspects) -> float:
    shares = _shares(suspects)
    if not shares:
        return NOT_KNOWN_BITS
    return _entropy(sum(share for place, share in shares.items() if place in places))


def _shares(suspects: Suspects) -> dict[str, float]:
    """Probability of each place, given that something is wrong; empty if that isn't known."""
    wrong = {place: ppm for place, ppm in suspects.items() if place != NONE}
    whole = sum(wrong.values())
    return {place: ppm / whole for place, ppm in wrong.items()} if whole >= _LEAST_PPM else {}


def _links(segments: Sequence[str | None]) -> dict[str, list[int]]:
    """Place -> numbers of the links, from 1, that may be in it."""
    tunnel = segments.index(TUNNEL) + 1 if TUNNEL in segments else 0
    found: dict[str, list[int]] = {}
    for link, text in enumerate(segments, 1):
        if link <= tunnel:
            places: tuple[str, ...] = (TUNNEL, *ORDER[:BEHIND_TUNNEL])  # unseen within
        elif text is None:
            places = _left_open(segments, link, BEHIND_TUNNEL if tunnel else 0)
        else:
            places = tuple(text.split(JOIN))
        for place in places:
            found.setdefault(place, []).append(link)
    if segments:
        found["service"] = [len(segments)]  # the server shows in its own answers alone
    return found


def _left_open(segments: Sequence[str | None], link: int, least: int) -> tuple[str, ...]:
    """Places that the known links around an unknown one leave it, from number *least* on."""
    known = [(at, numbers(text)) for at, text in enumerate(segments, 1) if at != link]
    low = max((ns[0] for at, ns in known if ns and at < link), default=least)
    high = min((ns[-1] for at, ns in known if ns and at > link), default=len(ORDER) - 1)
    return ORDER[low : max(low, high) + 1]


def _mass(place: str, shares: Mapping[str, float]) -> float:
    """The share of all that shows as *place*."""
    return sum(share for one, share in shares.items() if _SHOWS_AS.get(one, one) == place)


def _entropy(share: float) -> float:
    """Bits of a question whose answer is yes with probability *share*."""
    if not 0.0 < share < 1.0:
        return 0.0
    return -share * log2(share) - (1.0 - share) * log2(1.0 - share)
