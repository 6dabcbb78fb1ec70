"""Playlists: read as the RFC says, bounded, and nothing but two errors for the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnotice.errors import MediaError, NotAManifestError
from streamnotice.players import hls

BASE = "http://media.example/show/index.m3u8"


def media(*lines: str, end: bool = True) -> hls.MediaPlaylist:
    text = "\n".join(["#EXTM3U", "#EXT-X-TARGETDURATION:4", *lines])
    read = hls.parse(text + ("\n#EXT-X-ENDLIST\n" if end else "\n"), BASE)
    assert isinstance(read, hls.MediaPlaylist)
    return read


def test_a_master_playlist_is_sorted_by_rate_and_made_absolute() -> None:
    read = hls.parse(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=3000000,FRAME-RATE=50\n/high.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=800000\nlow/a.m3u8?x=1\n",
        BASE,
    )
    assert isinstance(read, hls.MasterPlaylist)
    assert read.renditions == (
        hls.Rendition("http://media.example/show/low/a.m3u8?x=1", 800_000),
        hls.Rendition("http://media.example/high.m3u8", 3_000_000, 50.0),
    )


def test_a_rate_that_cannot_be_is_not_believed() -> None:
    read = hls.parse(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=99999999999999\na.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=800000\nb.m3u8\n",
        BASE,
    )
    assert isinstance(read, hls.MasterPlaylist)
    assert [r.rate_bps for r in read.renditions] == [800_000]


def test_segments_have_numbers_times_and_addresses() -> None:
    read = media("#EXT-X-MEDIA-SEQUENCE:7", "#EXTINF:4,", "a.ts", "#EXTINF:3.5,", "b.ts")
    assert [(s.sequence, s.start_s, s.duration_s) for s in read.segments] == [
        (7, 0.0, 4.0),
        (8, 4.0, 3.5),
    ]
    assert read.segments[0].piece == hls.Piece("http://media.example/show/a.ts")
    assert read.segments[0].init is None
    assert (read.first_sequence, read.next_sequence, read.live) == (7, 9, False)


def test_without_an_end_it_is_live() -> None:
    assert media("#EXTINF:4,", "a.ts", end=False).live


def test_fragmented_mp4_has_its_init_and_ranges_that_follow_each_other() -> None:
    read = media(
        '#EXT-X-MAP:URI="all.mp4",BYTERANGE="700@0"',
        "#EXTINF:4,", "#EXT-X-BYTERANGE:1000@700", "all.mp4",
        "#EXTINF:4,", "#EXT-X-BYTERANGE:500", "all.mp4",
    )  # fmt: skip
    first, second = read.segments
    assert first.init == second.init == hls.Piece("http://media.example/show/all.mp4", 0, 700)
    assert first.piece.range_header == "bytes=700-1699"
    assert second.piece.range_header == "bytes=1700-2199"


@pytest.mark.parametrize("text", ["", "<html></html>", "#EXTM3", "#EXTM3UX\n", "\x00" * 50])
def test_what_is_no_playlist_is_said_so(text: str) -> None:
    with pytest.raises(NotAManifestError):
        hls.parse(text, BASE)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["#EXTINF:-4,", "a.ts"], "lasts"),
        (["#EXTINF:nan,", "a.ts"], "lasts"),
        (["#EXTINF:1e9,", "a.ts"], "lasts"),
        (["#EXTINF:4,", "file:///etc/passwd"], "isn't http or https"),
        (["#EXTINF:4,", "http://[bad/a.ts"], "broken address"),
        (["#EXTINF:4,", "http://host:port/a.ts"], "broken address"),
        (["#EXTINF:4,", "#EXT-X-BYTERANGE:0@5", "a.ts"], "byte range"),
        (["#EXTINF:4,", "#EXT-X-BYTERANGE:ten", "a.ts"], "."),
        (["#EXT-X-MEDIA-SEQUENCE:-3", "#EXTINF:4,", "a.ts"], "media sequence"),
        (["#EXTINF:4," + "x" * 20_000, "a.ts"], "line of"),
        (["#EXTINF:1,", "a.ts"] * (hls.MAX_SEGMENTS + 1), "more than"),
    ],
)
def test_a_lying_or_huge_playlist_is_one_clear_line(lines: list[str], words: str) -> None:
    with pytest.raises(MediaError, match=words) as caught:
        media(*lines)
    assert "\n" not in str(caught.value)


words = st.sampled_from(
    ["#EXTM3U", "#EXT-X-TARGETDURATION:4", "#EXTINF:2,", "#EXTINF:,", "#EXTINF:x", "a.ts", "",
     "#EXT-X-STREAM-INF:BANDWIDTH=1", "#EXT-X-STREAM-INF:", "#EXT-X-BYTERANGE:5", "#EXT-X-ENDLIST",
     "#EXT-X-BYTERANGE:-1@x", '#EXT-X-MAP:URI="i.mp4"', "#EXT-X-MAP:", "#EXT-X-KEY:METHOD=NONE",
     "#EXT-X-MEDIA-SEQUENCE:x", "#EXT-X-PROGRAM-DATE-TIME:never", "#EXT-X-DISCONTINUITY",
     "#EXT-X-PART:DURATION=1", "#EXT-X-DATERANGE:ID=1", "http://\u20ac/", "#"]
)  # fmt: skip


@given(st.lists(st.one_of(words, st.text(max_size=20)), max_size=20))
def test_any_text_is_a_playlist_or_one_error(lines: list[str]) -> None:
    refused = ""
    try:
        hls.parse("\n".join(["#EXTM3U", *lines]), BASE)
    except MediaError as error:
        refused = str(error) or "an error without words"
    assert "without words" not in refused
    assert len(refused) < 400


@given(st.text())
def test_whatever_the_address_only_http_comes_out(uri: str) -> None:
    try:
        url = hls.absolute(uri, BASE)
    except MediaError:
        return
    assert url.startswith(("http://", "https://"))
