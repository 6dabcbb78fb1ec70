"""A forger who computes all seals anew: what the engine says nothing of has to fit, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recorded import changed, record, resealed
from retold import retold

from streamnotice.dossier import record as recording
from streamnotice.dossier.codec import canonical
from streamnotice.dossier.reader import open_dossier
from streamnotice.dossier.texts import catalog_of, unlike
from streamnotice.dossier.verify import Verified, verify
from streamnotice.notices.shipped import languages
from streamnotice.notices.shown import ShownNotice
from streamnotice.testing import ToldWatcher

S_NS = 1_000_000_000


def verified(tmp_path: Path, lines: list[bytes]) -> Verified:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(resealed(lines)))
    return verify(path)


def found_in(tmp_path: Path, lines: list[bytes]) -> list[tuple[str, int, str]]:
    return [(one.check, one.first, one.text) for one in verified(tmp_path, lines).findings]


def all_of(kind: str, lines: list[bytes]) -> list[int]:
    return [n for n, line in enumerate(lines) if json.loads(line)["type"] == kind]


def dismissed(at_ns: int, **fields: Any) -> bytes:
    line = {
        "type": "dismissed", "at_ns": at_ns, "id": "n1", "bottleneck": "network.home.lan",
        "scope": "notice", "network": "",
    }  # fmt: skip
    return canonical(line | fields) + b"\n"


# -- texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", languages())
def test_honest_texts_are_those_of_their_notices(tmp_path: Path, locale: str) -> None:
    found = verify(retold("home-slow", tmp_path / "a.jsonl", locale=locale))
    assert (found.outcome, found.findings) == ("verified", [])
    assert found.shown
    assert not any("texts" in note for note in found.notes)


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "Your provider is to blame."},
        {"title": "It is your provider"},
        {"sentence": "It seems to be your provider."},
        {"evidence": "7 of 7 measurements say so."},
        {"locale": "de"},
        {"actions": [["wait", "Sue your provider."]]},
        {"actions": [["call_provider", "Choose a lower quality, or wait a little."]]},
    ],
    ids=lambda fields: "-".join(fields),
)
def test_a_text_that_says_something_else_is_found(
    tmp_path: Path, told: list[bytes], fields: dict[str, Any]
) -> None:
    number = all_of("shown", told)[0]
    lines = [*told[:number], changed(told[number], **fields), *told[number + 1 :]]
    assert found_in(tmp_path, lines) == [
        ("shown", number + 1, "a text that does not say what its notice does")
    ]


@pytest.mark.parametrize(
    "header",
    [{"catalog": "00" * 32}, {"operators": True}],
    ids=lambda fields: "-".join(fields),
)
def test_where_texts_can_not_be_compared_a_note_says_so(
    tmp_path: Path, told: list[bytes], header: dict[str, Any]
) -> None:
    if "operators" in header:
        header = {"policy": json.loads(told[0])["policy"] | {"name_operators": True}}
    found = verified(tmp_path, [changed(told[0], **header), *told[1:]])
    assert found.outcome == "verified"
    assert any("whether the texts shown say what was found is not checked" in n
               for n in found.notes)  # fmt: skip


@pytest.mark.parametrize("locale", ["en", "ar"])
async def test_a_retraction_quotes_what_was_said(tmp_path: Path, locale: str) -> None:
    """As a Watcher writes it, on a computer with Wi-Fi, too."""
    told: list[ShownNotice] = []
    path = tmp_path / "a.jsonl"
    async with ToldWatcher(on_notice=told.append, locale=locale) as watcher:
        watcher._engine.estimates.medium = "wifi"
        watcher.say("network.home.wifi", "slow")
        watcher.say("network.home.wifi", "slow", state="resolved", reason="withdrawn")
    watcher.save_dossier(path)
    dossier = open_dossier(path)
    shown = [entry.plain for entry in dossier if entry.type == "shown"]
    assert [line["state"] for line in shown] == ["raised", "resolved"]
    assert "Wi-Fi" in shown[0]["sentence"]
    catalog = catalog_of(dossier.header)
    assert catalog is not None
    events = [one.event for one in told]
    assert unlike(catalog, dossier.header, shown, events) == set()
    shown[0]["sentence"] = "It seems to be your provider."
    assert unlike(catalog, dossier.header, shown, events) == {0, 1}


@pytest.mark.parametrize("locale", ["de", "no such tag"])
def test_a_record_has_one_language(tmp_path: Path, told: list[bytes], locale: str) -> None:
    found = verified(tmp_path, [changed(told[0], locale=locale), *told[1:]])
    assert [one.first - 1 for one in found.findings] == all_of("shown", told)
    assert {one.text for one in found.findings} == {"a text that does not say what its notice does"}


def test_a_text_stands_right_behind_its_notice_and_once(tmp_path: Path, told: list[bytes]) -> None:
    number = all_of("shown", told)[0]
    line, without = told[number], [*told[:number], *told[number + 1 :]]
    text = "a text that does not stand behind its notice"
    for place, made in (
        (number + 1, [*told[: number + 1], line, *told[number + 1 :]]),  # twice
        (2, [*without[:2], line, *without[2:]]),  # before anybody could know
        (len(told) - 3, [*without[:-2], line, *without[-2:]]),  # at the end
    ):
        assert found_in(tmp_path, made) == [("shown", place + 1, text)]


# -- answers and times ----------------------------------------------------------------------------


def test_an_answer_is_to_a_notice_that_was_there(tmp_path: Path, told: list[bytes]) -> None:
    number = all_of("shown", told)[0]
    shown = json.loads(told[number])
    event = json.loads(told[number - 1])
    assert event["kind"] == "notice"
    at_ns, place = shown["at_ns"], event["bottleneck"]

    def with_one(where: int, line: bytes) -> list[tuple[str, int, str]]:
        return found_in(tmp_path, [*told[:where], line, *told[where:]])

    behind = number + 1
    assert with_one(behind, dismissed(at_ns, bottleneck=place)) == []
    assert with_one(behind, dismissed(at_ns, id="", bottleneck="network")) == []  # of a place
    text = "an answer to a notice that was not there"
    for where, line in (
        (behind, dismissed(at_ns, id="n77", bottleneck=place)),
        (behind, dismissed(at_ns, bottleneck="network.isp.access")),
        (2, dismissed(0, bottleneck=place)),
    ):
        assert with_one(where, line) == [("shown", where + 1, text)]


def _closes(at_ns: int) -> Callable[[list[bytes]], tuple[list[bytes], int]]:
    def change(lines: list[bytes]) -> tuple[list[bytes], int]:
        number = all_of("closed", lines)[0]
        made = changed(lines[number], at_ns=at_ns)
        return [*lines[:number], made, *lines[number + 1 :]], number

    return change


def _acts(at_ns: int) -> Callable[[list[bytes]], tuple[list[bytes], int]]:
    def change(lines: list[bytes]) -> tuple[list[bytes], int]:
        number = all_of("tick", lines)[35]
        line = {"type": "acted", "at_ns": at_ns, "action": "wait", "note": "viewer done"}
        return [*lines[:number], canonical(line) + b"\n", *lines[number:]], number

    return change


def _ticks_back(lines: list[bytes]) -> tuple[list[bytes], int]:
    number = all_of("tick", lines)[35]
    line = canonical({"type": "tick", "at_ns": 20 * S_NS}) + b"\n"
    return [*lines[: number + 1], line, *lines[number + 1 :]], number + 1


@pytest.mark.parametrize(
    "change",
    [
        _closes(10**15), _closes(-1), _closes(2 * S_NS), _acts(-1), _acts(10**15), _acts(2 * S_NS),
        _ticks_back,
    ],
)  # fmt: skip
def test_a_time_that_can_not_be_is_found(
    tmp_path: Path, change: Callable[[list[bytes]], tuple[list[bytes], int]]
) -> None:
    lines, number = change(record().lines())
    assert found_in(tmp_path, lines) == [
        ("time", number + 1, "a time that does not fit the lines around it")
    ]


def test_a_part_alone_begins_when_its_lines_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The instant of the engine's memory is in no memory: nothing else holds it."""
    monkeypatch.setattr(recording, "PART_BYTES", 15_000)
    monkeypatch.setattr(recording, "LEAST_PART_BYTES", 10_000)
    lines = record().lines()
    first, last = all_of("header", lines)[1:3]
    start = bytes.fromhex(json.loads(lines[first])["previous"])
    path = tmp_path / "a.jsonl"
    for at_ns, count in ((None, 0), (2**52, 1)):
        part = lines[first:last]
        if at_ns is not None:
            part[1] = changed(part[1], at_ns=at_ns)
        path.write_bytes(b"".join(resealed(part, start)))
        found = verify(path)
        assert found.outcome == ("failed" if count else "partial")
        assert any("is taken as it stands" in note for note in found.notes)
        assert [one.check for one in found.findings].count("time") == count


def test_a_scope_that_there_is_not_can_not_be_read(tmp_path: Path) -> None:
    lines = record().lines()
    number = all_of("closed", lines)[0]
    made = [*lines[:number], dismissed(40 * S_NS, scope="forever"), *lines[number:]]
    (finding,) = verified(tmp_path, made).findings
    assert (finding.check, finding.first) == ("form", number + 1)
    assert "'forever' is none of notice, session, always" in finding.text


# -- the header -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("provisional", False), ("started_utc", "yesterday, witnessed by a notary"),
        ("started_utc", 7), ("policy", 7), ("sights", 7), ("sights", {"path": [1, "x"]}),
    ],
)  # fmt: skip
def test_what_a_header_says_must_be_so(tmp_path: Path, name: str, value: object) -> None:
    lines = record().lines()
    lines[0] = changed(lines[0], **{name: value})
    (finding,) = verified(tmp_path, lines).findings
    assert (finding.check, finding.first) == ("form", 1)
    assert finding.text.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("settings", "policy", "text"),
    [
        ({"bar_third_party_ppm": 1}, {}, "settings: no policy makes them: Policy.bar_third_party"),
        ({"bar_third_party_ppm": 1}, None, "settings: no policy makes them: Policy.bar_third_par"),
        ({"false_naming_steps": 0}, {}, "settings: no policy makes them: Policy.false_naming_st"),
        ({"place_bars_ppm": [["network.isp", 600_000]]}, {}, "settings: no policy makes them: "),
        ({"bar_third_party_ppm": 600_000}, {}, "settings: not those of the policy"),
        ({}, {"bar_third_party": "0.6"}, "settings: not those of the policy"),
        ({}, {"bar_third_party": "high"}, "policy: none that there can be"),
        ({}, {"probes": ["all"]}, "policy: none that there can be"),
        ({}, {"a_later_wish": 1}, None),
        ({"bar_third_party_ppm": 600_000}, None, None),
    ],
)
def test_no_record_rests_on_settings_that_no_host_can_have(
    tmp_path: Path, settings: dict[str, object], policy: dict[str, str] | None, text: str | None
) -> None:
    """A forger may have run the engine on bars that any verdict passes."""
    lines = record().lines()
    header = json.loads(lines[0])
    told = {} if policy is None else header["policy"] | policy
    lines[0] = changed(lines[0], settings=header["settings"] | settings, policy=told)
    found = [one.text for one in verified(tmp_path, lines).findings if one.check == "form"]
    assert found == ([] if text is None else [found[0]])
    assert text is None or found[0].startswith(text)


@pytest.mark.parametrize("fields", [{"engine": "9.9.9"}, {"tables": {}}])
def test_another_engine_that_says_the_same_is_told(
    tmp_path: Path, fields: dict[str, object]
) -> None:
    lines = record().lines()
    lines[0] = changed(lines[0], **fields)
    found = verified(tmp_path, lines)
    assert found.outcome == "verified"
    assert any(note.startswith("the record names another engine or other tables")
               for note in found.notes)  # fmt: skip
