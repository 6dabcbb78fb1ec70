"""Other traffic, both ways: what a backup sends fills the line's queue as well."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates, sighted
from streamnotice.evidence import others
from streamnotice.observations import (
    Download,
    HomeRouter,
    Interface,
    Playback,
    RequestEnded,
    RequestStarted,
    Transfer,
)
from streamnotice.traffic import on_the_wire
from tests.core.sessions import S_NS

NOW = 30 * S_NS
NEEDED_BPS = 2_000_000


def session(
    *,
    at_home: tuple[int, int] = (0, 0),
    here: tuple[int, int] = (0, 0),
    interface: bool = True,
    tells_permille: int = 1000,
) -> Estimates:
    """Half a minute of a video of 2 Mbit/s, with bits a second that others get and send besides:
    other devices at home, and other programs on this computer.

    Args:
        tells_permille: so much of its media the host tells of.
    """
    seen = Estimates()
    media = NEEDED_BPS // 8 * 100 // 108
    told = media * tells_permille // 1000
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
        seen.requests.transfer(Transfer(at_ns - S_NS // 2, 1, told * second))
        came, sent = NEEDED_BPS // 8 + here[0] // 8, acknowledged + here[1] // 8
        if interface:
            seen.interface_bytes(Interface(at_ns, S_NS, "ethernet", came, sent))
        if second % 5 == 0:
            line = [
                5 * (bits // 8 + ours) for bits, ours in zip(at_home, (came, sent), strict=True)
            ]
            seen.router_bytes(HomeRouter(at_ns, 5 * S_NS, *line))
    seen.requests.ended(RequestEnded(NOW, 1, told * 30))
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


@pytest.mark.parametrize(
    ("here", "name"),
    [((0, 0), "none"), ((0, 900_000), "sends"), ((3_000_000, 90_000), "much")],
)
def test_here(here: tuple[int, int], name: str) -> None:
    outcome = others.read_here(session(here=here), NOW)
    assert outcome is not None
    assert outcome.name == name


@pytest.mark.parametrize("tells_permille", [0, 200])
def test_media_that_the_host_does_not_tell_of_is_not_anothers(tells_permille: int) -> None:
    """A host that hooks its manifests alone, or the sound."""
    seen = session(here=(3_000_000, 90_000), tells_permille=tells_permille)
    assert others.read_here(seen, NOW) is None
    assert not seen.much_here()
    assert others.read_home(seen, NOW) is None  # nor is it known that nobody uses the line


def fed(
    seconds: range,
    *,
    seen: Estimates,
    told: bool = True,
    as_it_comes: bool = True,
    level: bool = True,
    length_s: int = 4,
) -> set[str]:
    """What is said of other programs while a video plays, and nothing else uses the line: its
    segments of *length_s* seconds take as long to come."""
    said = set()
    for second in seconds:
        at_ns = second * S_NS
        start = second // length_s * length_s
        came = NEEDED_BPS // 8 * (second - start + 1)
        if told and second == start:
            seen.requests.started(RequestStarted(at_ns, start, "host-a", "media"))
        if told and as_it_comes:
            seen.requests.transfer(Transfer(at_ns + S_NS - 2, start, came))
        if told and second == start + length_s - 1:
            seen.requests.ended(RequestEnded(at_ns + S_NS - 1, start, came))
        buffer_ns = 9 * S_NS - (second - start) * S_NS if level else None
        seen.playback.feed(
            Playback(at_ns + S_NS - 1, "playing", buffer_ns, rendition_bps=NEEDED_BPS)
        )
        now = at_ns + S_NS
        seen.interface_bytes(Interface(now, S_NS, "ethernet", on_the_wire(NEEDED_BPS // 8), 0))
        outcome = others.read_here(seen, now)
        said.add("-" if outcome is None else outcome.name)
    return said


def test_a_video_alone_is_nobody_elses() -> None:
    assert "none" in fed(range(60), seen=Estimates())
    assert fed(range(60), seen=Estimates()) <= {"-", "none"}


def test_a_host_that_tells_when_a_request_is_over() -> None:
    for length_s in (4, 10, 20):
        seen = Estimates()
        assert fed(range(120), seen=seen, as_it_comes=False, length_s=length_s) == {"-"}
        assert seen.much_here_ns is None


def test_a_host_that_stops_telling() -> None:
    """Its player falls back to a stack of the system's: soon nothing is said any more."""
    seen = Estimates()
    fed(range(60), seen=seen)
    fed(range(60, 69), seen=seen, told=False)
    assert fed(range(69, 200), seen=seen, told=False) == {"-"}
    seen.requests.account(200 * S_NS)
    assert not seen.much_here()


@pytest.mark.parametrize("told", [True, False])
def test_without_a_level_nothing_vouches_for_what_is_told(told: bool) -> None:
    assert fed(range(60), seen=Estimates(), told=told, level=False) == {"-"}


def test_what_the_library_fetches_itself_is_not_anothers() -> None:
    """Of a video of little rate, small downloads from references are a good part."""

    def others_bps() -> int:
        outcome = others.read_here(seen, NOW)
        assert outcome is not None
        return dict(outcome.measured)["others_bps"] or 0

    seen = session(here=(3_000_000, 0))
    before = others_bps()
    seen.download(Download(NOW - S_NS, "ref", 500_000 * 6 // 8, loaded=True))
    assert before - others_bps() == pytest.approx(500_000, abs=1)


@pytest.mark.parametrize("at", [0.0, 0.1, 0.5, 0.9])
def test_a_burst_of_ours_is_not_anothers(at: float) -> None:
    """Whatever part of a second the interface was read at: a buffer fills at ten times the rate."""
    seen = Estimates()
    counted = came = 0
    for tenth in range(200):
        now = tenth * S_NS // 10
        if tenth % 40 == 0:  # a segment of four seconds comes in 0.4 s
            seen.requests.started(RequestStarted(now, tenth, "host-a", "media"))
        if tenth % 40 < 4:
            came += NEEDED_BPS // 8
            seen.requests.transfer(Transfer(now + 1, tenth - tenth % 40, came))
        if tenth % 40 == 4:
            seen.requests.ended(RequestEnded(now, tenth - 4, came))
            counted, came = counted + came, 0
        if tenth % 5 == 0:
            level = (20 * S_NS) - (tenth + 36) % 40 * S_NS // 10
            seen.playback.feed(Playback(now, "playing", level, rendition_bps=NEEDED_BPS))
        if tenth % 10 == round(at * 10):
            total = counted + came
            seen.interface_bytes(
                Interface(now + 2, S_NS, "ethernet", on_the_wire(total) - seen_before(seen), 0)
            )
        if tenth > 80 and tenth % 10 == 0:
            outcome = others.read_here(seen, now)
            assert outcome is None or outcome.name == "none"
    assert others.read_here(seen, now) is not None
    assert seen.much_here_ns is None


def seen_before(seen: Estimates) -> int:
    """What the interface had counted, windows before included."""
    return sum(row.rx_bytes for row in seen.interface)


@pytest.mark.parametrize(("here", "told"), [((0, 0), False), ((3_000_000, 90_000), True)])
def test_this_computers_own_programs_tell_of_home_sharing(
    here: tuple[int, int], told: bool
) -> None:
    seen = session(here=here)
    assert "network.home.sharing" in sighted(seen).clear  # its router tells
    seen.home_router.clear()
    assert ("network.home.sharing" in sighted(seen).clear) is told
    seen.requests.account(NOW + 11 * S_NS)  # it was so, but not lately
    assert "network.home.sharing" not in sighted(seen).clear


def test_what_this_computer_sends_names_nobody() -> None:
    """A call or a small backup on a fast line goes on as long."""
    seen = session(here=(0, 900_000))
    seen.home_router.clear()
    assert "network.home.sharing" not in sighted(seen).clear
