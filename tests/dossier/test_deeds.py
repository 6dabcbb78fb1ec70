"""What was done about notices, and what followed, as told from the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import record

from streamnotice.cli import main
from streamnotice.dossier.deeds import Deed, deeds
from streamnotice.dossier.examination import words
from streamnotice.dossier.phrases import Phrases
from streamnotice.dossier.report import report
from streamnotice.notices.ids import FOLLOWED
from streamnotice.notices.shipped import languages

S_NS = 1_000_000_000
BEFORE = {"state": "stalled", "harmed": True, "buffer_s": 0.0, "throughput_bps": 120_000,
          "queue_s": 0.04, "base_rtt_s": None}  # fmt: skip
AFTER = BEFORE | {"state": "playing", "harmed": False, "buffer_s": 6.1, "queue_s": 0.002}
FIGURES = json.dumps({"before": BEFORE, "after": AFTER}, separators=(",", ":"))


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with a notice; an action, what followed, and one that failed."""
    path = tmp_path_factory.mktemp("deeds") / "d.jsonl"
    recorder = record(stream=path, close=False)
    recorder.acted(36 * S_NS, "lower_quality", "host done")
    recorder.acted(37 * S_NS, "pause_others", "viewer failed")
    recorder.acted(39 * S_NS, "lower_quality", f"host recovered {FIGURES}")
    recorder.close(40 * S_NS)
    return path


def test_the_examination_shows_them_with_their_notice(
    dossier: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["examine", str(dossier)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "what followed; none of it is weighed" in out
    assert "0:36 The player carried it out: “Lower the quality now”." in out
    assert "0:37 It was tried and did not work: “pause_others”." in out
    assert "After “Lower the quality now”: playback has recovered." in out
    assert "does not prove" in out
    assert "Playback before: stalled; after: playing." in out
    assert "Video at hand before: 0 ms; after: 6.1 s." in out
    assert "Delay over the usual one before: 40 ms; after: 2 ms." in out
    assert main(["examine", str(dossier), "--json"]) == 0
    (notice,) = json.loads(capsys.readouterr().out)["notices"]
    assert [one["state"] for one in notice["acted"]] == ["done", "failed", "observed"]
    last = notice["acted"][-1]
    assert (last["by"], last["followed"]) == ("host", "recovered")
    assert (last["before"], last["after"]) == (BEFORE, AFTER)


@pytest.mark.parametrize("language", languages())
def test_the_report_tells_them_in_its_language(dossier: Path, language: str) -> None:
    tree: Any = html5lib.HTMLParser(strict=True).parse(report(dossier, language).html)
    text = "".join(tree.itertext())
    say = Phrases(language)
    label = say.catalog.text("action.lower_quality")
    assert label in text
    assert say.catalog.text("acted.caveat") in text
    assert '{"before"' not in text
    assert say("figure.state", before="\0", after="\0").partition("\0")[0].rstrip("\u2068") in text


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("followed", FOLLOWED)
def test_each_finding_has_its_words(language: str, followed: Any) -> None:
    one = Deed(1, "n1", "wait", "viewer", "observed", followed, BEFORE, AFTER)
    said = words.deed(one, "Wait a little.", Phrases(language))
    assert "{" not in said
    assert "Wait a little" in said


def test_another_writers_note_stays_a_note() -> None:
    rows = [
        {"at_ns": at, "action": "wait", "note": note}
        for at, note in enumerate(
            ["the buffer grew", "host", "host glad", "nobody done", "host done {}",
             'viewer same {"before":3}', "viewer same {x}", "viewer same"]
        )
    ]  # fmt: skip
    found = deeds(rows, [])
    assert [one.state for one in found] == ["noted"] * 5 + ["observed", "noted", "observed"]
    assert "wait was carried out. the buffer grew" in words.deed(found[0])
    assert found[5].before == {}
    assert not any(one.notice_id for one in found)


@given(st.text(max_size=40), st.text(max_size=80))
def test_whatever_a_record_says_is_told(word: str, rest: str) -> None:
    for note in (rest, f"host {word}", f"host same {{{rest}}}", f"viewer better {rest}"):
        (one,) = deeds([{"at_ns": 1, "action": word, "note": note}], [])
        assert words.deed(one)
        json.dumps(one.as_json(), allow_nan=False)
