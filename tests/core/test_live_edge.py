"""Late is a source whose playlist is got and doesn't grow, later than has done no harm."""

from __future__ import annotations

from collections.abc import Iterable

from streamnotice.estimates import Estimates
from streamnotice.evidence import live_edge
from streamnotice.observations import FirstByte, LiveEdge, Playback, RequestStarted

S_NS = 1_000_000_000
DUE_S = 2


def looks(rows: Iterable[tuple[float, int]], level_s: float = 5.0) -> Estimates:
    """(second, newest segment) of each look, at a playlist of segments of two seconds."""
    seen = Estimates()
    for at_s, newest in rows:
        at_ns = int(at_s * S_NS)
        seen.playback.feed(Playback(at_ns, state="playing", buffer_ns=int(level_s * S_NS)))
        seen.live_edge(LiveEdge(at_ns, newest, DUE_S * S_NS))
    return seen


def said(seen: Estimates, now_s: float) -> str | None:
    outcome = live_edge.RULE.ask(seen, int(now_s * S_NS))
    return None if outcome is None else outcome.name


def grown(until_s: int, every_s: int = 1, stops_s: int = 999) -> list[tuple[float, int]]:
    """One look a second; as many segments as are due come at once, until none comes any more."""
    return [
        (float(second), min(second, stops_s) // every_s * every_s // DUE_S)
        for second in range(until_s)
    ]


def test_a_source_that_stops_is_late() -> None:
    seen = looks(grown(27, every_s=2, stops_s=20))
    assert said(seen, 26) == "late"
    assert said(looks(grown(24, every_s=2, stops_s=20)), 23) == "moving"


def test_lists_out_of_a_caches_own_store_tell_nothing_of_the_source() -> None:
    """It may keep an old one for as long as it stands."""

    def kept(caches: list[str | None]) -> str | None:
        seen = looks(grown(27, every_s=2, stops_s=20))
        for number, cache in enumerate(caches):
            at_ns = (22 + number) * S_NS
            seen.started(RequestStarted(at_ns, number, "host-a", "playlist"))
            told = FirstByte(at_ns, number, status=200, ttfb_ns=1, cache=cache)  # type: ignore[arg-type]
            seen.first_byte(told)
        return said(seen, 26)

    assert kept([]) == "late"
    assert kept([None, None]) == "late"
    assert kept(["hit", "miss"]) == "late", "what was fetched anew is as old"
    assert kept(["hit", "hit", "hit"]) is None


def test_a_playlist_that_is_not_got_any_more_tells_nothing() -> None:
    """Nothing gets through: it stood when it was last seen, as it does between any two."""
    seen = looks(grown(27, every_s=2, stops_s=20))
    assert said(seen, 29) == "late"
    assert said(seen, 29.2) is None
    assert said(looks(grown(20, every_s=2)), 23) is None


def test_a_playlist_that_a_cache_keeps_for_six_seconds_is_not_late() -> None:
    rows = grown(36, every_s=6)
    for end in range(14, 36):
        assert said(looks(rows[:end]), end - 1) == "moving"


def test_but_one_that_stands_longer_than_it_ever_did() -> None:
    seen = looks(grown(45, every_s=6, stops_s=30))
    assert said(seen, 44) == "late"
    assert said(looks(grown(37, every_s=6, stops_s=30)), 36) == "moving"


def test_what_did_harm_is_not_usual() -> None:
    """The source stops for eight seconds, nothing is at hand any more; then it stops again."""
    rows = [(float(s), min(s, 8) // 2) for s in range(17)]
    rows += [(float(s), 8 if s < 20 else 9) for s in range(17, 26)]
    assert said(looks(rows, level_s=0.0), 25) == "late"
    assert said(looks(rows, level_s=5.0), 25) == "moving"


def test_however_long_it_stood_before_four_durations_are_late() -> None:
    rows = [(float(s), min(s, 10) // 2) for s in range(30)]
    rows += [(float(s), 15) for s in range(30, 40)]
    assert said(looks(rows), 39) == "late"


def test_numbers_of_another_rendition_are_another_playlists() -> None:
    """The player changes to one that counts a few segments less: such a number was seen before."""
    rows = [(float(s), s // 2 + 5) for s in range(20)]
    rows += [(float(s), s // 2) for s in range(20, 23)]
    assert said(looks(rows), 22) == "moving"
