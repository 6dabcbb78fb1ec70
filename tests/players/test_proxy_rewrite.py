"""Playlists are rewritten address by address, and nothing else in them changes."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streamnotice.errors import MediaError, NotAManifestError
from streamnotice.players.proxy_rewrite import Found, Rewritten, Variant, absolute, rewrite

BASE = "https://cdn.example/show/1/list.m3u8?token=t&x=9"


def marked(text: str, **more: dict[str, str]) -> tuple[Rewritten, list[str]]:
    out = rewrite(text.encode("utf-8", "surrogateescape"), BASE, _mark, imported=more.get("v"))
    return out, out.body.decode("utf-8", "surrogateescape").split("\n")


def _mark(url: str, found: Found) -> str:
    return f"<{found.kind} {url}>"


def test_a_master_playlist() -> None:
    text = (
        "#EXTM3U\r\n"
        "#EXT-X-VERSION:7\r\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x, URI=y",DEFAULT=YES,URI="../a/de.m3u8"\r\n'
        '#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=90,BANDWIDTH=100,CODECS="a,b",RESOLUTION=320x180\r\n'
        "low.m3u8\r\n"
        "\r\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=300\r\n"
        "# a comment between\r\n"
        "  //other.example/high.m3u8?q=1  \r\n"
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=7,URI="i.m3u8"\r\n'
        '#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key"\r\n'
        '#EXT-X-SESSION-DATA:DATA-ID="d",URI="/d.json"\r\n'
        '#EXT-X-CONTENT-STEERING:SERVER-URI="/steer",PATHWAY-ID="A"\r\n'
    )
    out, lines = marked(text)
    assert lines[2].endswith(
        'NAME="x, URI=y",DEFAULT=YES,URI="<playlist https://cdn.example/show/a/de.m3u8>"\r'
    )
    assert lines[4] == "<playlist https://cdn.example/show/1/low.m3u8>\r"
    assert lines[7] == "# a comment between\r"
    assert lines[8] == "  <playlist https://other.example/high.m3u8?q=1>  \r"
    assert 'URI="<playlist https://cdn.example/show/1/i.m3u8>"' in lines[9]
    assert 'URI="skd://key"' in lines[10]
    assert 'URI="<other https://cdn.example/d.json>"' in lines[11]
    assert 'SERVER-URI="<other https://cdn.example/steer>"' in lines[12]
    assert out.master
    assert out.variants == (Variant(100, 90, 180), Variant(300))
    assert out.links == 6


def test_a_media_playlist() -> None:
    text = (
        "#EXTM3U\n"
        '#EXT-X-KEY:METHOD=AES-128,  URI="https://k.example/k?a=1,2" , IV=0x1\n'
        '#EXT-X-MAP:URI="init.mp4",BYTERANGE="7@0"\n'
        "#EXTINF:3.5,title, with comma\n"
        "#EXT-X-BYTERANGE:10@0\n"
        "seg%201.ts?sig=%2B/=\n"
        '#EXT-X-PART:DURATION=0.5,URI="p.mp4"\n'
        '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="q.mp4"\n'
        '#EXT-X-RENDITION-REPORT:URI="../2/list.m3u8",LAST-MSN=7\n'
        '#EXT-X-DATERANGE:ID="ad",X-ASSET-URI="http://ads.example/a.m3u8"\n'
        "data:video/mp2t;base64,AA\n"
    )
    out, lines = marked(text)
    assert (
        lines[1] == '#EXT-X-KEY:METHOD=AES-128,  URI="<other https://k.example/k?a=1,2>" , IV=0x1'
    )
    assert (
        lines[2] == '#EXT-X-MAP:URI="<media https://cdn.example/show/1/init.mp4>",BYTERANGE="7@0"'
    )
    assert lines[5] == "<media https://cdn.example/show/1/seg%201.ts?sig=%2B/=>"
    assert "<media https://cdn.example/show/1/p.mp4>" in lines[6]
    assert "<media https://cdn.example/show/1/q.mp4>" in lines[7]
    assert "<playlist https://cdn.example/show/2/list.m3u8>" in lines[8]
    assert "<playlist http://ads.example/a.m3u8>" in lines[9]
    assert lines[10] == "data:video/mp2t;base64,AA"
    assert not out.master
    assert not out.ended


def test_segments_carry_their_length_and_variants_their_rate() -> None:
    found: list[Found] = []

    def keep(url: str, what: Found) -> str:
        found.append(what)
        return url

    rewrite(b"#EXTM3U\n#EXTINF:3.5,\na.ts\nb.ts\n#EXTINF:nan,\nc.ts\n", BASE, keep)
    rewrite(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5\na\n", BASE, keep)
    assert found == [
        Found("media", duration_s=3.5),
        Found("media"),
        Found("media"),
        Found("playlist", bandwidth_bps=5),
    ]


@pytest.mark.parametrize("tag", ["#EXT-X-ENDLIST", "#EXT-X-PLAYLIST-TYPE:VOD"])
def test_an_ended_playlist_is_known(tag: str) -> None:
    assert marked(f"#EXTM3U\n{tag}\n")[0].ended


def test_variables_are_filled_in() -> None:
    text = (
        "#EXTM3U\n"
        '#EXT-X-DEFINE:NAME="dir",VALUE="d"\n'
        '#EXT-X-DEFINE:QUERYPARAM="token"\n'
        '#EXT-X-DEFINE:IMPORT="from"\n'
        "{$dir}/{$token}/{$from}/{$none}.ts\n"
    )
    out, lines = marked(text, v={"from": "above"})
    assert lines[4] == "<media https://cdn.example/show/1/d/t/above/%7B$none%7D.ts>"
    assert out.variables == {"dir": "d", "token": "t", "from": "above"}


def test_bytes_that_are_no_text_stay() -> None:
    body = b"\xef\xbb\xbf#EXTM3U\n#EXTINF:2,\xff\xfe\x00\n\xe9.ts\n#EXT-X-UNKNOWN:\x85,URI\n"
    out = rewrite(body, BASE, _mark)
    assert out.body == body.replace(b"\xe9.ts", b"<media https://cdn.example/show/1/%E9.ts>")


def test_junk_in_an_attribute_list_hides_no_address() -> None:
    _, lines = marked('#EXTM3U\n#EXT-X-KEY:junk,"x,y",METHOD=NONE,URI="k"\n')
    assert lines[1].endswith('junk,"x,y",METHOD=NONE,URI="<other https://cdn.example/show/1/k>"')


def test_what_is_no_playlist_is_refused() -> None:
    with pytest.raises(NotAManifestError):
        rewrite(b"<html>", BASE, _mark)


def test_too_many_addresses_are_refused() -> None:
    with pytest.raises(MediaError, match="more than 9"):
        rewrite(b"#EXTM3U\n" + b"a\n" * 10, BASE, _mark, max_links=9)


@pytest.mark.parametrize(
    "line",
    [
        "#EXT-X-A:B=" + " " * 400_000 + '"',
        "#EXT-X-A:" + "A=," * 130_000,
        "#EXT-X-A:" + '"' * 400_000,
    ],
)
def test_hostile_lines_take_linear_time(line: str) -> None:
    began = time.process_time()
    out, lines = marked(f"#EXTM3U\n{line}")
    assert lines[1] == line
    assert out.links == 0
    assert time.process_time() - began < 20  # quadratic would be hours


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("a b.ts", "https://cdn.example/show/1/a%20b.ts"),
        ("/ü?ü", "https://cdn.example/%C3%BC?%C3%BC"),
        ("?z", "https://cdn.example/show/1/list.m3u8?z"),
        ("HTTP://h:8/x#f", "http://h:8/x"),
        ("http://[::1", None),
        ("http://h:port/", None),
        ("http://", None),
        ("file:///etc/passwd", None),
        ("javascript:x", None),
        ("a" * 9000, None),
    ],
)
def test_absolute_addresses(reference: str, url: str | None) -> None:
    assert absolute(BASE, reference) == url


@given(st.binary(max_size=400) | st.text(max_size=300).map(lambda t: t.encode("utf-8", "replace")))
@example(b'#EXT-X-MAP:URI="a"\n\rb\n#EXT-X-STREAM-INF:BANDWIDTH=1\n')
@example(b"//[\nhttp://[v\n")
def test_any_body_is_rewritten_or_refused_with_one_error(body: bytes) -> None:
    whole = b"#EXTM3U\n" + body
    try:
        out = rewrite(whole, BASE, lambda url, found: "LOCAL")
    except MediaError:
        return
    before, after = whole.split(b"\n"), out.body.split(b"\n")
    assert len(before) == len(after)
    changed = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    assert all(b"LOCAL" in other for _, other in changed)
    assert len(changed) <= out.links


_TAGS = st.sampled_from(
    [
        '#EXT-X-MAP:URI="{}"',
        '#EXT-X-MEDIA:TYPE=AUDIO,URI="{}",NAME="a"',
        "#EXTINF:2,\n{}",
        "#EXT-X-STREAM-INF:BANDWIDTH=1\n{}",
    ]
)
_NAMES = st.text("abc/._-%2F?=&~", min_size=1, max_size=30).filter(lambda t: not t.startswith("//"))


@given(st.lists(st.tuples(_TAGS, _NAMES), max_size=12))
def test_every_address_of_a_playlist_is_replaced(parts: list[tuple[str, str]]) -> None:
    text = "\n".join(["#EXTM3U", *(tag.format(name) for tag, name in parts)])
    out = rewrite(text.encode(), BASE, lambda url, found: "LOCAL")
    expected = "\n".join(["#EXTM3U", *(tag.format("LOCAL") for tag, _ in parts)])
    assert out.body.decode() == expected


RANGES = """#EXTM3U
#EXTINF:4,
#EXT-X-BYTERANGE:1000000@0
film.mp4
#EXTINF:2,
#EXT-X-BYTERANGE:500000
film.mp4
"""


def test_byte_ranges_tell_the_rate() -> None:
    assert marked(RANGES)[0].rate_bps == 2_000_000
    assert marked(RANGES.replace("#EXT-X-BYTERANGE:500000\n", ""))[0].rate_bps is None
    assert marked(RANGES.replace("#EXTINF:2,\n", ""))[0].rate_bps is None
    assert marked("#EXTM3U\n#EXTINF:4,\na.ts\n")[0].rate_bps is None


def test_the_newest_segment_is_counted_from_what_a_playlist_lists() -> None:
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n"
    segments = "#EXTINF:6,\na.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:6,\n#EXT-X-BYTERANGE:9\nb.ts\n"
    out, _ = marked(f"{head}#EXT-X-MEDIA-SEQUENCE:41\n{segments}")
    assert (out.newest, out.target_duration_s) == (42, 6.0)
    out, _ = marked(head + segments)
    assert out.newest == 1
    skip = "#EXT-X-MEDIA-SEQUENCE:41\n#EXT-X-SKIP:SKIPPED-SEGMENTS=10\n"
    out, _ = marked(head + skip + segments)
    assert out.newest == 52


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#EXT-X-TARGETDURATION:x\n#EXT-X-MEDIA-SEQUENCE:-4\n",
        "#EXT-X-STREAM-INF:BANDWIDTH=100\nlow.m3u8\n",
        "#EXT-X-TARGETDURATION:0\n#EXT-X-MEDIA-SEQUENCE:9223372036854775807\n#EXTINF:6,\na.ts\n",
    ],
)
def test_what_can_not_be_counted_has_no_newest_segment(text: str) -> None:
    out, _ = marked(f"#EXTM3U\n{text}")
    assert out.newest is None
    assert out.target_duration_s is None
