"""The report: whole, valid, self-contained, fit for all eyes, and deaf to what a dossier says."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Literal

import attrs
import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import changed
from retold import retold

from streamnotice.cli import main
from streamnotice.dossier import record as recording
from streamnotice.dossier.phrases import Phrases
from streamnotice.dossier.reader import open_dossier
from streamnotice.dossier.report import report
from streamnotice.dossier.report.gather import Recorded, observed, thinned
from streamnotice.dossier.report.integrity import text
from streamnotice.dossier.report.safe import visible
from streamnotice.dossier.verify import verify
from streamnotice.errors import MessageError
from streamnotice.notices.catalog import Catalog
from streamnotice.observations import HopProbe
from streamnotice.policy import S_NS
from tests.answering import Quiet, answering

H = "{http://www.w3.org/1999/xhtml}"
S = "{http://www.w3.org/2000/svg}"
RECORDINGS = Path(__file__).parents[2] / "lab" / "recordings"
STYLE = Path(__file__).parents[2] / "streamnotice" / "dossier" / "report" / "style.css"

HOSTILE = (
    "</p></bdi><script>document.title='owned'</script><img src=http://127.0.0.1:PORT/x "
    "onerror=document.title='owned'> \u202eevil\u202c \x1b[31mred\x07 {{ 7*7 }} $x^2$ &lt;b&gt; "
    "\u2066"
)


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return retold("home-slow", tmp_path_factory.mktemp("report") / "session.jsonl.gz")


@pytest.fixture(scope="module")
def html(dossier: Path) -> str:
    return report(dossier).html


@pytest.fixture(scope="module")
def tree(html: str) -> ET.Element:
    return parsed(html)


def parsed(html: str) -> ET.Element:
    """The page by the HTML standard's parser; any parse error fails."""
    found: ET.Element = html5lib.HTMLParser(strict=True).parse(html)
    return found


def text_of(element: ET.Element) -> str:
    return "".join(element.itertext())


def check_self_contained(tree: ET.Element) -> None:
    for element in tree.iter():
        name = str(element.tag).rpartition("}")[2]
        assert name not in (
            "script", "iframe", "object", "embed", "link", "img", "form", "base", "image", "use",
            "foreignObject",
        ) or (name == "use" and _href(element).startswith("#")), name  # fmt: skip
        for key, value in element.attrib.items():
            short = str(key).rpartition("}")[2].lower()
            assert not short.startswith("on"), key
            assert short != "style", "the page's own policy forbids inline styles"
            if short in ("href", "src", "action", "data", "poster", "srcset"):
                assert value.startswith("#"), value
            assert not re.search(r"url\((?!#)", value), value
    (style,) = (text_of(one) for one in tree.iter(f"{H}style"))
    assert "url(" not in style
    assert "@import" not in style


def _href(element: ET.Element) -> str:
    return next((v for k, v in element.attrib.items() if str(k).endswith("href")), "")


def test_it_is_valid_and_needs_nothing_else(html: str, tree: ET.Element) -> None:
    assert html.lstrip().startswith("<!DOCTYPE html>")
    check_self_contained(tree)
    assert len(html.encode()) < 1_000_000
    policy = next(
        m.attrib["content"] for m in tree.iter(f"{H}meta") if m.attrib.get("http-equiv")
    )  # fmt: skip
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_all_that_is_asked_for_is_there(html: str, tree: ET.Element) -> None:
    text = text_of(tree)
    for words in ("In short", "What happened?", "How sure is that?", "What else could it be?",
                  "What speaks against it?", "What could not be seen?", "The record holds.",
                  "Over time", "The weighing", "Cross-examination", "Delay by hop",
                  "Notices as shown", "SHA-256"):  # fmt: skip
        assert words in text, words
    assert "solely" not in text.lower()
    names = {one.attrib["aria-labelledby"].split("-")[0] for one in tree.iter(f"{S}svg")}
    assert {"timeline", "likelihoods", "waterfall", "hopsa"} <= names


def test_it_can_be_read_without_seeing_it(tree: ET.Element) -> None:
    """One h1, no level skipped, landmarks, captions, heads with scope, charts with words."""
    levels = [
        int(str(element.tag)[-1])
        for element in tree.iter()
        if re.fullmatch(rf"{re.escape(H)}h[1-6]", str(element.tag))
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    for landmark in ("header", "nav", "main", "footer"):
        assert len(list(tree.iter(f"{H}{landmark}"))) == 1, landmark
    for one in tree.iter(f"{H}table"):
        assert one.find(f"{H}caption") is not None
        assert all(th.attrib.get("scope") in ("col", "row") for th in one.iter(f"{H}th"))
    ids = [e.attrib["id"] for e in tree.iter() if "id" in e.attrib]
    assert len(ids) == len(set(ids))
    for svg in tree.iter(f"{S}svg"):
        assert svg.attrib["role"] == "img"
        assert len(text_of(svg.find(f"{S}desc"))) > 30  # type: ignore[arg-type]
    for element in tree.iter():
        for key in ("aria-labelledby", "aria-describedby"):
            assert set(element.attrib.get(key, "").split()) <= set(ids)
        if _href(element).startswith("#"):
            assert _href(element)[1:] in ids


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_enough_in_light_dark_and_print() -> None:
    """WCAG AA: 4.5 for text, 3 for what a chart is drawn with."""
    schemes = [
        dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", STYLE.read_text(encoding="utf-8"), re.DOTALL)
    ]
    assert len(schemes) == 3
    for colours in schemes:
        for ground in ("ground", "panel"):
            for name in ("ink", "muted", "accent", "note"):
                assert _contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        for name, ground in (("good", "good-soft"), ("warn", "warn-soft"), ("bad", "bad-soft"),
                             ("ink", "good-soft"), ("ink", "warn-soft"), ("ink", "bad-soft"),
                             ("ground", "note")):  # fmt: skip
            assert _contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        for name in ("series1", "series2", "series3", "series4", "series5", "good", "bad"):
            assert _contrast(colours[name], colours["ground"]) >= 3, name


def test_the_same_dossier_gives_the_same_page(dossier: Path, html: str) -> None:
    assert report(dossier).html == html


def test_a_session_without_notices(tmp_path: Path) -> None:
    page = report(retold("healthy", tmp_path / "h.jsonl")).html
    tree = parsed(page)
    check_self_contained(tree)
    assert "No notice was shown in this session" in text_of(tree)


# -- hostile dossiers -------------------------------------------------------------------------


def hostile(tmp_path: Path, text: str) -> Path:
    """A dossier that holds, but in which every string that may be anything is *text*."""
    short = text[:200]
    parts = ("title", "sentence", "evidence_line", "text", "locale")
    path = retold("edge-overloaded", tmp_path / "plain.jsonl", texts=dict.fromkeys(parts, text))
    lines = path.read_bytes().splitlines(keepends=True)
    header = json.loads(lines[0])
    header |= {"version": short, "started_utc": short, "locale": short}
    header["policy"] |= {"probes": [short, 7]}
    lines[0] = changed(lines[0], **header)
    for number, line in enumerate(lines):
        if b'"kind":"sight"' in line:
            lines[number] = changed(line, sees=False, why=short, sensor=short)
        elif b'"kind":"route"' in line:
            lines[number] = changed(line, why=short)
    target = tmp_path / "hostile.jsonl"
    target.write_bytes(b"".join(lines))
    return target


def test_what_a_dossier_says_is_text_and_no_more(tmp_path: Path) -> None:
    page = report(hostile(tmp_path, HOSTILE)).html
    tree = parsed(page)
    check_self_contained(tree)
    text = text_of(tree)
    assert "<script>document.title='owned'</script>" in text, "it is shown"
    assert "[U+202E]evil" in text
    assert "[U+001B][31mred[U+0007]" in text
    assert "{{ 7*7 }}" in text
    for char in "\u202e\u202c\u2066\x1b\x07":
        assert char not in page


def test_a_made_up_record_of_hundreds_of_notices_does_not_burst_the_page(tmp_path: Path) -> None:
    from streamnotice.dossier.record import Recorder
    from streamnotice.events import Item, Notice, PlaybackChanged, Verdict

    plain = retold("healthy", tmp_path / "h.jsonl").read_bytes().splitlines()
    source = tmp_path / "many.jsonl"
    recorder = Recorder(json.loads(plain[0]), 500_000_000, source)
    catalog, long_ = Catalog(), "x" * 3000
    for number in range(500):
        at_ns = number * 10**12
        items = tuple(Item(f"r{n}", long_, n) for n in range(300 if number == 499 else 1))
        notice = Notice(
            at_ns, f"n{number}", "raised", None, at_ns, long_, (), long_, "stalled", 10**6, long_,
            5, items, ((long_, 10),) * 5,
        )  # fmt: skip
        recorder.tick(at_ns)
        recorder.events([
            PlaybackChanged(at_ns, "stalled" if number % 2 else "playing"),
            Verdict(at_ns, long_, (), None, "stalled", 5, long_, 5, ((long_, 5),)), notice,
        ])  # fmt: skip
        shown = attrs.evolve(
            catalog.show(notice), sentence=long_, evidence_line=long_, text=long_, title=long_
        )
        recorder.shown(shown)
    recorder.close(4 * 10**15)
    found = report(source)
    assert found.integrity.state == "broken"
    check_self_contained(parsed(found.html))
    assert len(found.html.encode()) < 1_000_000


def _chromium() -> str:
    return shutil.which("chromium") or "chromium"


@pytest.mark.needs("chromium")
def test_a_hostile_dossier_does_nothing_in_a_real_browser(tmp_path: Path) -> None:
    asked: list[str] = []

    class Handler(Quiet):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

    with answering(Handler) as port:
        source = hostile(tmp_path, HOSTILE.replace("PORT", str(port)))
        page = tmp_path / "page.html"
        page.write_text(report(source).html, encoding="utf-8")
        dom = browse(page, tmp_path)
        # the same browser does ask and run where a page lets it: the test would see it
        page.write_text(
            f"<title>x</title><img src=http://127.0.0.1:{port}/seen>"
            "<script>document.title='owned'</script>", encoding="utf-8",
        )  # fmt: skip
        control = browse(page, tmp_path)
    assert "<title>owned</title>" in control
    assert asked == ["/seen"]
    assert "<title>What held up the stream" in dom
    assert "document.title='owned'" in dom.replace("&lt;", "<")


def browse(page: Path, tmp_path: Path) -> str:
    """What a real browser makes of *page*, as markup."""
    done = subprocess.run(
        [
            _chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000",
            "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=90,
        env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@given(st.text())
def test_nothing_stays_hidden_in_a_text(text: str) -> None:
    import unicodedata

    for char in visible(text):
        assert unicodedata.category(char) not in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")
        # what right-to-left text needs, and nothing that reaches beyond it
        assert unicodedata.category(char) != "Cf" or char in (
            "\u200c\u200d\u200e\u200f\u061c\u2066\u2067\u2068\u2069"
        )
    shown = visible(text)
    opened = sum(shown.count(char) for char in "\u2066\u2067\u2068")
    assert opened == shown.count("\u2069")


def test_right_to_left_texts_keep_what_they_need() -> None:
    fine = "\u0627\u0644\u0641\u064a\u062f\u064a\u0648 \u20683 Mbit/s\u2069"
    assert visible(fine) == fine
    assert visible("\u2069a\u2068") == "[U+2069]a[U+2068]"


@given(st.lists(st.floats(0, 1e6), max_size=3000), st.integers(8, 400))
def test_thinning_keeps_the_look(values: list[float], most: int) -> None:
    points = [(float(i), value) for i, value in enumerate(values)]
    kept = thinned(points, most)
    assert len(kept) <= max(len(points) if len(points) <= most else 0, most + 4)
    assert set(kept) <= set(points)
    assert kept == sorted(kept)
    if values:
        assert max(v for _, v in kept) == max(values)
        assert min(v for _, v in kept) == min(values)
        assert (kept[0], kept[-1]) == (points[0], points[-1])


# -- records that don't hold ------------------------------------------------------------------


@pytest.fixture
def without_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A real record in parts, of which the first is gone."""
    import streamnotice.dossier.record as recording
    from streamnotice.dossier.parts import part_path

    monkeypatch.setattr(recording, "PART_BYTES", 100_000)
    monkeypatch.setattr(recording, "LEAST_PART_BYTES", 10_000)
    path = retold("edge-overloaded", tmp_path / "parts.jsonl.gz")
    assert len(list(tmp_path.iterdir())) > 2
    part_path(path, 1).unlink()
    return path


def test_a_record_without_its_start_is_reported_as_far_as_it_goes(without_start: Path) -> None:
    found = report(without_start)
    tree = parsed(found.html)
    check_self_contained(tree)
    assert found.integrity.state == "partial"
    text = text_of(tree)
    assert "It holds as far as it goes." in text
    assert "of the session is not on record" in text
    assert "Cross-examination" in text


@pytest.mark.filterwarnings("error")
def test_a_part_of_which_only_the_beginning_is_there_is_reported(
    without_start: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All that a writer leaves that is killed as it turns to another part."""
    lines = gzip.decompress(without_start.read_bytes()).splitlines(keepends=True)
    path = without_start.with_name("b.jsonl")
    path.write_bytes(b"".join(lines[:3]))
    assert main(["report", str(path)]) == 1
    _, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert "byte for byte. But: line 1: it opens with part" in err


def test_a_record_without_its_start_can_be_examined(
    without_start: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From what the engine remembered: the prior as shipped must give just what was said."""
    from streamnotice.dossier.examination import examine

    (seen,) = examine(without_start, "").notices
    shipped = next(one for one in seen.priors if one.mix == "shipped")
    assert shipped.fate.word == "stands"
    assert shipped.fate.confidence_ppm == seen.notice.confidence_ppm
    assert seen.from_ns > 1_000_000_000


def test_a_line_that_does_not_fit_the_chain_is_named(
    dossier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = gzip.decompress(dossier.read_bytes()).splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if b'"kind":"sight"' in line)
    lines[number] = changed(lines[number], sensor="another")
    source = tmp_path / "touched.jsonl"
    source.write_bytes(b"".join(lines))
    assert main(["report", str(source)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "does not fit" in err or "line" in err
    assert f"{number + 1}" in err
    assert main(["examine", str(source)]) == 1
    assert f"line {number + 1}" in capsys.readouterr().err


@pytest.mark.parametrize("torn", [b"no JSON\n", b"{}\n", b'{"at_ns":1.5,"type":"tick"}\n'])
def test_a_record_with_a_line_that_can_not_be_read_is_reported_and_not_examined(
    dossier: Path, tmp_path: Path, torn: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = gzip.decompress(dossier.read_bytes()).splitlines(keepends=True)
    number = max(n for n, line in enumerate(lines) if b'"type":"shown"' in line)
    source, out = tmp_path / "touched.jsonl", tmp_path / "out.html"
    source.write_bytes(b"".join([*lines[: number + 1], torn, *lines[number + 2 :]]))
    assert main(["report", str(source), "-o", str(out)]) == 1
    err = capsys.readouterr().err
    assert f"line {number + 2}: " in err
    assert err.count("\n") == 1
    page = out.read_text(encoding="utf-8")
    check_self_contained(parsed(page))
    assert "The record does not hold." in page
    assert f"ine {number + 2}" in text_of(parsed(page))
    assert "No notice was shown in this session" not in page  # what stands before it is there
    assert main(["examine", str(source)]) == 1
    err = capsys.readouterr().err
    assert f"touched.jsonl: line {number + 2}: " in err
    assert err.count("\n") == 1


def test_a_report_never_takes_the_place_of_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recording, "PART_BYTES", 150_000)
    monkeypatch.setattr(recording, "LEAST_PART_BYTES", 100_000)
    source = retold("home-slow", tmp_path / "d.jsonl.gz")
    part = tmp_path / "d.part-0001.jsonl.gz"
    before = part.read_bytes()
    assert main(["report", str(source), "-o", str(part)]) == 2
    assert "give another name with --output" in capsys.readouterr().err
    assert part.read_bytes() == before


def test_what_was_done_about_notices_is_told(tmp_path: Path) -> None:
    from streamnotice.dossier.record import Recorder

    source = tmp_path / "d.jsonl"
    plain = retold("healthy", tmp_path / "h.jsonl").read_bytes().splitlines()
    recorder = Recorder(json.loads(plain[0]), 1_000_000, source)
    recorder.dismissed(2_000_000_000, "n1", "network.isp<b>", "session")
    recorder.acted(3_000_000_000, "lower_quality", "the buffer grew")
    recorder.close(4_000_000_000)
    text = text_of(parsed(report(source).html))
    assert "n1 was waved away (session): network.isp<b>" in text
    assert "lower_quality was carried out. the buffer grew" in text


def _changed(dossier: Path, target: Path) -> Path:
    lines = gzip.decompress(dossier.read_bytes()).splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if b'"kind":"verdict"' in line)
    lines[number] = lines[number].replace(b'"against":"none"', b'"against":"device"')
    target.write_bytes(b"".join(lines))
    return target


def test_a_changed_record_is_reported_as_one_that_does_not_hold(
    dossier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = _changed(dossier, tmp_path / "changed.jsonl")
    out = tmp_path / "out.html"
    assert main(["report", str(source), "-o", str(out)]) == 1
    assert "not as it was written" in capsys.readouterr().err
    page = out.read_text(encoding="utf-8")
    check_self_contained(parsed(page))
    assert "The record does not hold." in page
    assert main(["examine", str(source)]) == 1
    assert str(tmp_path) not in page


def test_another_engines_record_is_reported_as_not_checked(tmp_path: Path) -> None:
    source = retold("home-slow", tmp_path / "old.jsonl.gz", other_engine=True)
    found = report(source)
    assert found.integrity.state == "other_engine"
    assert "Not checked here." in found.html
    check_self_contained(parsed(found.html))


@pytest.mark.parametrize(
    ("run", "boxed"), [("split.slow-129001", True), ("healthy.live-129001", False)]
)
def test_a_box_on_the_way_is_no_server(run: str, boxed: bool) -> None:
    page = report(RECORDINGS / run / "dossier.jsonl.gz").html
    assert ("box on the way, handshake" in page) == boxed
    assert ("server, handshake" in page) != boxed
    assert ("A box on the way answers connections" in page) == boxed


def test_a_record_with_other_tables_is_not_said_to_be_of_another_engine(tmp_path: Path) -> None:
    found = verify(retold("home-slow", tmp_path / "d.jsonl.gz"))
    found.tables_differ = ("fitted",)
    for locale in ("en", "de", "ja"):
        said = text("other_engine", found, Phrases(locale))
        assert "fitted" in said
        assert found.engine not in said
    assert "with other tables of weights (fitted)" in text("other_engine", found, Phrases("en"))


# -- the command ------------------------------------------------------------------------------


def test_the_command_writes_beside_the_dossier(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = retold("healthy", tmp_path / "d.jsonl.gz")
    assert main(["report", str(source)]) == 0
    assert (tmp_path / "d.html").is_file()
    assert "d.html" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.html", "d.jsonl.gz"]


def test_bad_use_is_exit_2_and_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = retold("healthy", tmp_path / "d.jsonl.gz")
    for words in ([str(source), "-o", str(source)], [str(source), "--locale", "../en"],
                  [str(source), "-o", str(tmp_path / "no" / "folder.html")],
                  [str(tmp_path / "missing")]):  # fmt: skip
        assert main(["report", *words]) == 2, words
        assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(MessageError):
        report(source, "../en")


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_without_the_extra_it_says_what_to_install(tmp_path: Path, missing: str) -> None:
    source = retold("healthy", tmp_path / "d.jsonl.gz")
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from streamnotice.cli import main\n"
        f"sys.exit(main(['report', {str(source)!r}]))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "streamnotice[report]" in done.stderr


def test_a_home_router_that_never_answers_has_no_row_of_losses(dossier: Path) -> None:
    def asked(at_s: int, rtt_ns: int | None) -> HopProbe:
        outcome: Literal["lost", "reached"] = "lost" if rtt_ns is None else "reached"
        return HopProbe(at_s * S_NS, "addr-r", 1, "echo", outcome, rtt_ns, role="first-hop")

    header = open_dossier(dossier).header
    silent = Recorded(header)
    for second in range(12):
        observed(silent, asked(second, None))
    assert silent.paths == {}
    heard = Recorded(header)
    for second, rtt_ns in enumerate((None, None, 2_000_000, None)):
        observed(heard, asked(second, rtt_ns))
    (path,) = heard.paths.values()
    assert (path.hops[1].sent, path.hops[1].lost) == (2, 1)


@pytest.mark.parametrize(
    ("run", "bars", "head"),
    [
        ("interconnect.unreachable-129001", {}, "The evidence points to "),
        (
            "core.unreachable-129001",
            {"network": 0.999_999},  # more than it is worth
            "Playback suffered, and the evidence does not show where",
        ),
    ],
)
def test_the_heading_says_the_places_among_which_it_is(
    run: str, bars: dict[str, float], head: str, tmp_path: Path
) -> None:
    """Where networks meet and the delivery edge have no name in common."""
    source = RECORDINGS / run / "dossier.jsonl.gz"
    page = report(retold(source, tmp_path / "new.jsonl.gz", bars=bars))
    (heading,) = re.findall(r"<h1>(.*?)</h1>", page.html)
    assert heading.startswith(head)
