"""`streamnotice demo`, run as users run it."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest
from running_cli import finish, run, start
from test_watch import check_contract

from streamnotice.cli import main
from streamnotice.dossier.replay import replay


async def test_a_failing_server_gets_a_notice_that_can_be_replayed(tmp_path: Path) -> None:
    """The whole way: fault, harm, notice, its end, dossier. Ended by a signal once it is seen."""
    dossier = tmp_path / "demo.jsonl.gz"
    process = await start(
        "demo", "--scenario", "edge-unreachable", "--headless", "--json", "--dossier", str(dossier)
    )
    assert process.stdout is not None
    seen = b""
    async with asyncio.timeout(60):
        # the demo ends by itself, so that this ends too
        while line := await process.stdout.readline():
            seen += line
            if json.loads(line)["type"] == "notice":
                process.send_signal(signal.SIGINT)
                break
    ran = await finish(process, seen)
    assert ran.code == 0
    check_contract(ran.lines)
    notices = ran.of("notice")
    assert notices, ran.err
    raised, resolved = notices[0], notices[-1]
    assert raised["state"] == "raised"
    # where the evidence doesn't suffice yet it may say so; what it may not is name another place
    assert raised["bottleneck"].split(".")[0] in ("service", "undetermined")
    assert (resolved["state"], resolved["reason"]) == ("resolved", "ended")
    assert str(dossier) in ran.err
    assert "Traceback" not in ran.err
    found = replay(dossier)
    assert (found.outcome, found.closed, found.cut) == ("identical", True, None)
    assert len(found.shown) == len(notices)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_healthy_run_says_nothing_and_a_signal_ends_it_in_order(
    tmp_path: Path, number: signal.Signals
) -> None:
    dossier = tmp_path / "demo.jsonl"
    process = await start(
        "demo", "--scenario", "healthy", "--headless", "--json", "--dossier", str(dossier)
    )
    assert process.stdout is not None
    seen = await process.stdout.readline()
    await asyncio.sleep(5)
    process.send_signal(number)
    ran = await finish(process, seen)
    assert ran.code == 0
    check_contract(ran.lines)
    assert ran.lines[0]["player"] == "none"
    assert not ran.of("notice")
    assert not ran.of("error")
    summary = ran.lines[-1]
    assert (summary["stalls"], summary["notices"], summary["verdict"]) == (0, 0, None)
    assert summary["media_bytes"] > 100_000
    assert replay(dossier).outcome == "identical"


async def test_plain_lines_say_where_the_record_is(tmp_path: Path) -> None:
    dossier = tmp_path / "demo.jsonl.gz"
    process = await start("demo", "--scenario", "healthy", "--headless", "--dossier", str(dossier))
    assert process.stdout is not None
    seen = b""
    while b"playing" not in seen:
        line = await process.stdout.readline()
        assert line
        seen += line
    process.send_signal(signal.SIGTERM)
    ran = await finish(process, seen)
    assert ran.code == 0
    assert "no stall, no notice" in ran.out
    assert str(dossier) in "".join(line.strip() + " " for line in ran.out.splitlines())
    assert dossier.exists()


async def test_messages_of_ones_own_are_checked_before_anything_plays(tmp_path: Path) -> None:
    broken = tmp_path / "texts.toml"
    broken.write_text("[en]\n'no.such.id' = 'x'\n")
    ran = await run(
        "demo", "--headless", "--json", "--messages", str(broken),
        "--dossier", str(tmp_path / "d.jsonl"),
    )  # fmt: skip
    assert ran.code == 2
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--dossier", "{tmp}/none/demo.jsonl"],
        ["--dossier", "{tmp}"],
        ["--messages", "{tmp}/none.toml", "--dossier", "{tmp}/d.jsonl"],
    ],
)
def test_a_place_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["demo", "--headless", *(word.replace("{tmp}", str(tmp_path)) for word in words)])
    assert code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert str(tmp_path) in err


def test_an_unknown_scenario_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--scenario", "moon"])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "moon" in err
