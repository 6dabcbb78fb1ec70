"""Other traffic, both ways: what a backup sends fills the line's queue as well."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates
from streamnotice.evidence import others
from streamnotice.observations import (
    HomeRouter,
    Interface,
    Playback,
    RequestEnded,
    RequestStarted,
    Transfer,
)
from tests.core.sessions import S_NS

NOW = 30 * S_NS
NEEDED_BPS = 2_000_000


def session(
    *, at_home: tuple[int, int] = (0, 0), here: tuple[int, int] = (0, 0), interface: bool = True
) -> Estimates:
    """Half a minute of a video of 2 Mbit/s, with bits a second that others get and send besides:
    other devices at home, and other programs on this computer."""
    seen = Estimates()
    media = NEEDED_BPS // 8 * 100 // 108
    acknowledged = NEEDED_BPS * 3 // 100 // 8
    seen.requests.started(RequestStarted(0, 1, "host-a", "media"))
    for second in range(1, 31):
        at_ns = second * S_NS
        seen.playback.feed(
            Playback(
                at_ns, state="playing", buffer_ns=8 * S_NS, rendition_bps=NEEDED_BPS,
                ladder_bps=(NEEDED_BPS,),
            )
        )  # fmt: skip
        seen.requests.transfer(Transfer(at_ns - S_NS // 2, 1, media * second))
        came, sent = NEEDED_BPS // 8 + here[0] // 8, acknowledged + here[1] // 8
        if interface:
            seen.interface_bytes(Interface(at_ns, S_NS, "ethernet", came, sent))
        if second % 5 == 0:
            line = [
                5 * (bits // 8 + ours) for bits, ours in zip(at_home, (came, sent), strict=True)
            ]
            seen.router_bytes(HomeRouter(at_ns, 5 * S_NS, *line))
    seen.requests.ended(RequestEnded(NOW, 1, media * 30))
    return seen


@pytest.mark.parametrize(
    ("at_home", "name"),
    [
        ((0, 0), "none"),
        ((1_600_000, 50_000), "some"),
        ((6_000_000, 200_000), "much"),
        ((0, 900_000), "sends"),
        ((500_000, 900_000), "sends"),
        ((6_000_000, 900_000), "much"),
        ((0, 50_000), "none"),  # it fills no line
    ],
)
@pytest.mark.parametrize("interface", [True, False])
def test_at_home(at_home: tuple[int, int], name: str, interface: bool) -> None:
    outcome = others.read_home(session(at_home=at_home, interface=interface), NOW)
    assert outcome is not None
    assert outcome.name == name
    if name == "sends":
        (figure,) = outcome.measured
        assert figure[0] == "others_bps"
        assert figure[1] == pytest.approx(at_home[1], rel=0.25)


@pytest.mark.parametrize("here", [(0, 900_000), (3_000_000, 90_000)])
def test_nobody_else_is_cleared_while_this_computer_fills_the_line(here: tuple[int, int]) -> None:
    assert others.read_home(session(here=here), NOW) is None


def test_here() -> None:
    assert others.read_here(session(), NOW).name == "none"  # type: ignore[union-attr]
    assert others.read_here(session(here=(0, 900_000)), NOW).name == "sends"  # type: ignore[union-attr]
    assert others.read_here(session(here=(3_000_000, 90_000)), NOW).name == "much"  # type: ignore[union-attr]
