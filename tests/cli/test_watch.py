"""`streamnotice watch`, run as users run it: JSON contract, signals, exit codes, bad input."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from running_cli import finish, start, watch
from serving import Server

from streamnotice.bottlenecks import LEAF_NAMES, NAMEABLE, NONE
from streamnotice.cli import main
from streamnotice.dossier.replay import replay

STATES = {"starting", "playing", "stalled", "seeking", "paused", "ended"}


def check_contract(lines: list[dict[str, Any]]) -> None:
    """What holds for every session's output."""
    assert lines[0]["type"] == "start"
    assert lines[0]["schema"] == 1
    assert set(lines[0]["coverage"]) == set(LEAF_NAMES)
    assert all(how is True or isinstance(how, str) for how in lines[0]["coverage"].values())
    assert lines[-1]["type"] == "summary"
    assert [line["type"] for line in lines].count("summary") == 1
    assert {line["type"] for line in lines} <= {"start", "playback", "notice", "error", "summary"}
    times = [line["at"] for line in lines[1:]]
    assert times == sorted(times)
    for line in lines:
        if line["type"] == "playback":
            assert line["state"] in STATES
        elif line["type"] == "notice":
            check_notice(line)
    wanted = {"type", "at", "stalls", "stalled_s", "notices", "probe_bytes", "media_bytes"}
    assert set(lines[-1]) == wanted | {"verdict"}


def check_notice(line: dict[str, Any]) -> None:
    """A notice line, field by field as the contract has it."""
    assert set(line) == {
        "type", "id", "at", "since", "state", "reason", "bottleneck", "among", "condition",
        "impact", "confidence", "against", "weight_db", "strength", "text", "locale", "actions",
        "evidence", "alternatives", "ruled_out",
    }  # fmt: skip
    assert line["state"] in ("raised", "updated", "resolved")
    assert (line["reason"] is None) == (line["state"] != "resolved")
    assert line["bottleneck"] in NAMEABLE
    assert set(line["among"]) <= set(LEAF_NAMES)
    assert line["against"] in (*LEAF_NAMES, NONE)
    assert 0 <= line["confidence"] <= 1
    assert 0 <= line["since"] <= line["at"]
    assert line["text"]
    assert "solely" not in line["text"]
    if line["bottleneck"] != "undetermined":
        total = sum(item["weight_db"] for item in line["evidence"])
        assert total == pytest.approx(line["weight_db"], abs=0.051)
    for item in line["evidence"]:
        assert set(item) == {"kind", "text", "weight_db", "measured", "baseline"}
    for action in line["actions"]:
        assert set(action) == {"id", "text"}
    assert sum(each["confidence"] for each in line["alternatives"]) <= 1.000_001


async def test_a_healthy_stream_is_played_in_silence(tmp_path: Path) -> None:
    async with Server() as server:
        ran = await watch(server.url, "--duration", "3", "--dossier", str(tmp_path / "d.jsonl.gz"))
    assert ran.code == 0
    check_contract(ran.lines)
    assert ran.of("notice") == []
    assert [line["state"] for line in ran.of("playback")][-1] == "playing"
    summary = ran.lines[-1]
    assert summary["stalls"] == 0
    assert summary["media_bytes"] > 100_000
    assert 3 <= summary["at"] < 20
    found = replay(tmp_path / "d.jsonl.gz")
    assert found.outcome == "identical"
    assert found.closed


async def test_a_stream_that_dries_up_gets_a_notice(tmp_path: Path) -> None:
    async with Server(dry_after=3) as server:
        ran = await watch(server.url, "--duration", "14", "--dossier", str(tmp_path / "d.jsonl"))
    assert ran.code == 0
    check_contract(ran.lines)
    assert ran.of("notice")[0]["state"] == "raised"
    assert ran.of("notice")[-1]["reason"] == "ended"
    assert "stalled" in [line["state"] for line in ran.of("playback")]
    assert ran.lines[-1]["verdict"]["bottleneck"] in NAMEABLE
    assert ran.lines[-1]["notices"] >= 1
    found = replay(tmp_path / "d.jsonl")
    assert found.outcome == "identical"
    assert [line["text"] for line in found.shown] == [line["text"] for line in ran.of("notice")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    async with Server() as server:
        dossier = str(tmp_path / "d.jsonl")
        process = await start(
            "watch", server.url, "--player", "none", "--json", "--dossier", dossier
        )
        assert process.stdout is not None
        first = await process.stdout.readline()
        first += await process.stdout.readline()
        process.send_signal(number)
        ran = await finish(process, first)
    assert ran.code == 0
    check_contract(ran.lines)
    assert "Traceback" not in ran.err
    assert replay(tmp_path / "d.jsonl").closed


async def test_a_reader_that_goes_away_ends_a_headless_session() -> None:
    async with Server() as server:
        process = await start("watch", server.url, "--player", "none", "--json")
        assert process.stdout is not None
        await process.stdout.readline()
        process.stdout._transport.close()  # type: ignore[attr-defined]  # as `head -1` does
        server.rate_bps = 0  # the next state change makes it write
        await asyncio.wait_for(process.wait(), 60)
        assert process.stderr is not None
        err = (await process.stderr.read()).decode()
    assert process.returncode == 0
    assert "Traceback" not in err
    assert "BrokenPipe" not in err


async def test_what_is_no_manifest_is_said_at_once() -> None:
    async with Server() as server:
        page = f"http://127.0.0.1:{server.port}/page.html"
        ran = await watch(page, "--duration", "50")
    assert ran.code == 2
    assert ran.lines[-1]["type"] == "summary"
    assert ran.lines[-1]["at"] < 20
    assert len(ran.of("error")) >= 1
    assert "not an HLS playlist" in ran.err
    assert "Traceback" not in ran.err


async def test_no_media_is_exit_2_after_the_summary() -> None:
    async with Server(status=404) as server:
        ran = await watch(server.url, "--duration", "3")
    assert ran.code == 2
    assert ran.lines[-1]["type"] == "summary"
    assert ran.lines[-1]["at"] >= 3
    assert "no media came within 3 s" in ran.err
    assert "Traceback" not in ran.err


async def test_nobody_there_is_exit_2_after_the_summary() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        ran = await watch(f"http://127.0.0.1:{taken.getsockname()[1]}/a.m3u8", "--duration", "3")
    assert ran.code == 2
    assert ran.lines[-1]["type"] == "summary"
    assert "no media came within 3 s" in ran.err
    assert "Traceback" not in ran.err


async def test_trouble_after_media_came_is_not_exit_2() -> None:
    async with Server() as server:
        process = await start("watch", server.url, "--player", "none", "--json", "--duration", "5")
        assert process.stdout is not None
        first = b""
        while b'"playing"' not in first:
            line = await asyncio.wait_for(process.stdout.readline(), 30)
            assert line
            first += line
        server.status = 503
        ran = await finish(process, first)
    assert ran.code == 0
    check_contract(ran.lines)


URL = "http://127.0.0.1:9/a.m3u8"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "a command is needed"),
        (["dance"], "invalid choice: 'dance'"),
        (["watch"], "required: URL"),
        (["watch", "file.m3u8"], "not an http or https address: 'file.m3u8'"),
        (["watch", "ftp://h/x"], "not an http or https address"),
        (["watch", "http://[::1/x"], "not an http or https address"),
        (["watch", URL, "--player", "vcr"], "unknown player 'vcr'"),
        (["watch", URL, "--duration", "0"], "not a number of seconds above 0"),
        (["watch", URL, "--duration", "nan"], "not a number of seconds above 0"),
        (["watch", URL, "--dura", "5"], "--dura 5 (see streamnotice watch --help)"),
        (["watch", URL, "--rendition", "best"], "invalid choice: 'best'"),
        (["watch", URL, "--probes", "x"], "'x' is not a probe"),
        (["watch", URL, "--probes", "path,"], "'' is not a probe"),
        (["watch", URL, "--probes", "reference"], "needs at least one --reference"),
        (["watch", URL, "--probes", "path,reference"], "needs at least one --reference"),
        (["watch", URL, "--bar", "network.isp"], "'network.isp' is not PLACE=0.95"),
        (["watch", URL, "--bar", "network.isp=high"], "is not PLACE=0.95"),
        (["watch", URL, "--player", "none", "--bar", "isp=0.9"], "'isp' is no place"),
        (["watch", URL, "--player", "none", "--bar", "service=1"], "service must be in [0.5, 1)"),
        (["watch", URL, "--reference", "nowhere"], "reference must be an http or https URL"),
        (["watch", URL, "--player", "none", "--locale", "../xx"], "xx"),
        (["watch", URL, "--player", "none", "--networks", "/no/such.csv"], "/no/such.csv"),
        (["watch", URL, "--player", "none", "--messages", "/no/such.toml"], "/no/such.toml"),
        (["watch", URL, "--player", "none", "--dossier", "/no/such/d.jsonl"], "/no/such/d.jsonl"),
    ],
)
def test_bad_usage_is_exit_2_and_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(words)
    except SystemExit as exit_:
        code = int(exit_.code or 0)  # argparse's own way out
    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    assert says in err
    assert err.count("\n") == 1


def test_bad_files_are_exit_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.csv").write_text("10.0.0.0/8,zero,me\n")
    (tmp_path / "bad.toml").write_text("this is [not toml\n")
    for option, name in (("--networks", "bad.csv"), ("--messages", "bad.toml")):
        code = main(["watch", URL, "--player", "none", option, str(tmp_path / name)])
        out, err = capsys.readouterr()
        assert code == 2
        assert out == ""
        assert name in err
        assert err.count("\n") == 1
