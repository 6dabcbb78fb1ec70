"""Links, header rules and the look at a body's first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from streamnotice.players.proxy_headers import covers_all, player_headers, upstream_headers
from streamnotice.players.proxy_links import Links, inside, local_name
from streamnotice.players.proxy_rewrite import Found
from streamnotice.players.proxy_sniff import sniff


def test_the_same_address_keeps_its_token_and_keys_differ() -> None:
    links, others = Links(b"k" * 32), Links(b"l" * 32)
    assert links.add("http://a/") == links.add("http://a/")
    assert links.add("http://a/") != links.add("http://b/")
    assert links.add("http://a/") != others.add("http://a/")
    assert len(links) == 2


def test_the_table_is_bounded_but_opened_addresses_stay() -> None:
    links = Links(b"k" * 32, max_links=10)
    opened = links.add("http://opened/", pinned=True)
    tokens = [links.add(f"http://a/{n}", Found("media")) for n in range(100)]
    assert len(links) == 10
    assert links.get(tokens[0]) is None
    assert links.get(tokens[-1]) is not None
    kept = links.get(opened)
    assert kept is not None
    assert kept.url == "http://opened/"


def test_what_is_used_is_not_forgotten() -> None:
    links = Links(b"k" * 32, max_links=3)
    token = links.add("http://a/")
    for n in range(20):
        links.add(f"http://b/{n}")
        assert links.get(token) is not None


@pytest.mark.parametrize(
    ("url", "kind", "name"),
    [
        ("http://h/a/seg%201.ts?x=/y.mp4", "media", "seg-1.ts"),
        ("http://h/list", "playlist", "list.m3u8"),
        ("http://h/list.M3U8", "playlist", "list.M3U8"),
        ("http://h/", None, "stream"),
        ("http://h/%2e%2e%2fetc", None, "-etc"),
    ],
)
def test_local_names(url: str, kind: str, name: str) -> None:
    assert local_name(url, kind) == name  # type: ignore[arg-type]


@given(st.text(max_size=80))
def test_a_local_name_is_harmless_whatever_the_address(tail: str) -> None:
    name = local_name("http://h/" + tail, None)
    assert name
    assert name not in (".", "..")
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


@given(st.text("ab./%2eEfF5c\\:?", max_size=30))
def test_a_tree_is_never_left(tail: str) -> None:
    from urllib.parse import unquote, urlsplit

    found = inside("http://h/a/b/m.mpd", tail)
    if found is None:
        return
    assert found.startswith("http://h/a/b/")
    depth = 0
    for part in unquote(urlsplit(found).path).removeprefix("/a/b/").split("/"):
        depth += -1 if part == ".." else 1
        assert depth >= 0


def test_hop_by_hop_headers_are_dropped_with_those_that_connection_names() -> None:
    headers = CIMultiDict({"Connection": "close, X-Own", "X-Own": "1", "TE": "x", "Age": "3"})
    headers.add("Link", "a")
    headers.add("Link", "b")
    out = player_headers(headers)
    assert list(out.items()) == [("Age", "3"), ("Link", "a"), ("Link", "b")]


@pytest.mark.parametrize(
    ("whole", "wish", "sent"),
    [
        (False, None, "identity"),
        (False, "br, gzip", "gzip"),
        (False, "br", "identity"),
        (True, None, "gzip"),
    ],
)
def test_only_codings_that_can_be_read_are_asked_for(
    whole: bool, wish: str | None, sent: str
) -> None:
    headers = CIMultiDict({"Range": "bytes=0-"} | ({"Accept-Encoding": wish} if wish else {}))
    out = upstream_headers(CIMultiDictProxy(headers), local_base="http://127.0.0.1:1", whole=whole)
    assert out["Accept-Encoding"] == sent
    assert ("Range" in out) is not whole


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        ("bytes 0-9/10", True),
        ("bytes 0-8/10", False),
        ("bytes 1-9/10", False),
        ("bytes 0-9/*", False),
        ("bytes */10", False),
        ("", False),
        ("bytes 0-9/10 x", False),
        ("bytes 0-" + "9" * 400 + "/1", False),
    ],
)
def test_a_partial_answer_that_covers_all(value: str, whole: bool) -> None:
    assert covers_all({"Content-Range": value}) is whole


@pytest.mark.parametrize(
    ("head", "declared", "kind"),
    [
        (b"#EXTM3U\n", "text/html", "hls"),
        (b"\xef\xbb\xbf#EXTM3U\n", None, "hls"),
        (b"<?xml?><MPD>", "text/xml", "dash"),
        (b"\0\0\0\x20ftypisom", "text/plain", "media"),
        (b"\x1a\x45\xdf\xa3", None, "media"),
        (b"G" + b"\0" * 187 + b"G", "text/vnd.trolltech.linguist", "media"),
        (b"RIFF\0\0\0\0WAVE", None, "media"),
        (b"\xff\xf1\x50", None, "media"),
        (b"\xff\xd8\xff\xe0", "video/mp4", "other"),
        (b"  <!DOCTYPE html>", "video/mp4", "other"),
        (b"<HTML>", None, "other"),
        (b'{"error":1}', "application/octet-stream", "other"),
        (b"", "video/mp4", "other"),
        (b"\x01\x02", "video/mp4", "media"),
        (b"\x01\x02", "image/png", "other"),
        (b"\x01\x02", None, "unknown"),
        (b"GG", None, "unknown"),
    ],
)
def test_first_bytes(head: bytes, declared: str | None, kind: str) -> None:
    assert sniff(head, declared) == kind


@given(st.binary(max_size=300), st.none() | st.text(max_size=30))
def test_any_first_bytes_get_a_word(head: bytes, declared: str | None) -> None:
    assert sniff(head, declared) in ("hls", "dash", "media", "other", "unknown")
