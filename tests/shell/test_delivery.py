"""From the engine's notice to the viewer and back: mutes, dismissals, actions, faces."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streamnotice import HostError, Policy, ShownNotice, ThreadWatcher
from streamnotice.faces import TakenAway
from streamnotice.notices import effects
from streamnotice.notices.actions import Acted
from streamnotice.observations import RequestStarted, Transfer
from streamnotice.testing import ToldWatcher


class Screen:
    """A face that keeps what it is told."""

    name = "screen"

    def __init__(self) -> None:
        self.seen: list[ShownNotice] = []
        self.gone: list[TakenAway] = []
        self.deeds: list[Acted] = []
        self.closed = False

    async def open(self, watcher: Any) -> None:
        self.watcher = watcher

    def notice(self, shown: ShownNotice) -> None:
        self.seen.append(shown)

    def taken_away(self, what: TakenAway) -> None:
        self.gone.append(what)

    def acted(self, acted: Acted) -> None:
        self.deeds.append(acted)

    async def close(self) -> None:
        self.closed = True


class Broken(Screen):
    name = "broken"

    def notice(self, shown: ShownNotice) -> None:
        raise RuntimeError("no screen")


def lines(watcher: ToldWatcher, kind: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in watcher._recorder.lines()]
    return [line for line in found if line["type"] == kind]


async def soon(what: Callable[[], bool]) -> None:
    for _ in range(500):
        if what():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


async def test_a_face_is_told_all_and_closed() -> None:
    screen = Screen()
    async with ToldWatcher(faces=[screen]) as w:
        await asyncio.sleep(0.01)
        w.say("service.edge", "slow")
        w.say("service.edge", "slow", state="resolved", reason="recovered")
        await soon(lambda: bool(screen.seen))
    assert [one.event.state for one in screen.seen][-1] == "resolved"
    assert screen.closed


async def test_a_face_that_comes_late_gets_what_is_on_screen() -> None:
    early, late = Screen(), Screen()
    async with ToldWatcher(faces=[early]) as w:
        await asyncio.sleep(0)
        w.say("service.edge", "slow")
        w.add_face(late)
        await soon(lambda: bool(late.seen))
        assert [one.event.id for one in late.seen] == ["n1"]
        w.dismiss("n1")
        after = Screen()
        w.add_face(after)
        await asyncio.sleep(0.05)
        assert after.seen == []


@pytest.mark.expects_failure
async def test_a_broken_face_harms_neither_host_nor_others(
    no_swallowed_failure: list[str],
) -> None:
    screen, errors = Screen(), []
    loop = asyncio.get_running_loop()
    async with ToldWatcher(
        faces=[Broken(), screen], on_error=errors.append, dispatch=loop.call_soon
    ) as w:
        await asyncio.sleep(0.01)
        w.say("service.edge", "slow")
        await asyncio.sleep(0.01)
    assert [one.event.id for one in screen.seen[:1]] == ["n1"]
    assert errors[0][0] == "face.broken.notice"


async def test_dismissed_everywhere_at_once_and_on_record() -> None:
    screen, told = Screen(), []
    loop = asyncio.get_running_loop()
    async with ToldWatcher(faces=[screen], on_dismissed=told.append, dispatch=loop.call_soon) as w:
        await asyncio.sleep(0.01)
        w.say("network.home.wifi", "slow")
        assert not w.dismiss("n7")
        assert w.dismiss("n1", face="screen")
        assert not w.dismiss("n1")
        w.say("network.home.wifi", "lossy", state="updated")  # nothing new in it
        await asyncio.sleep(0.01)
        with pytest.raises(HostError, match="scope"):
            w.dismiss("n1", "forever")  # type: ignore[arg-type]
        records = lines(w, "dismissed")
        shown = lines(w, "shown")
    assert [one.event.state for one in screen.seen] == ["raised"]
    assert [(one.notice_id, one.face, one.by_viewer) for one in screen.gone] == [
        ("n1", "screen", True)
    ]
    assert told == screen.gone
    assert [(r["id"], r["bottleneck"], r["scope"]) for r in records] == [
        ("n1", "network.home.wifi", "notice")
    ]
    assert len(shown) == 1


async def test_for_the_session_and_for_good(tmp_path: Path) -> None:
    path = tmp_path / "mutes.json"
    async with ToldWatcher(mutes=path) as w:
        w.say("network.home.wifi", "slow")
        w.dismiss("n1", "session")
        assert not path.exists()
        w.say("network.home.wifi", "slow", state="resolved", reason="recovered")
        w.say("network.home.wifi", "slow")
        w.say("service.edge", "slow", state="updated")
        w.dismiss("n2", "always")
        assert [one.scope for one in w.muted()] == ["session", "always"]  # at once
        await soon(path.exists)
        assert w.summary().notices == 2
    screen = Screen()
    async with ToldWatcher(mutes=path, faces=[screen]) as w:
        await asyncio.sleep(0.01)
        w.say("service.edge", "slow")
        w.say("service.edge", "slow", state="resolved", reason="withdrawn")
        w.say("network.home.wifi", "slow")
        assert w.summary().notices == 1
        records, shown = lines(w, "dismissed"), lines(w, "shown")
        assert w.unmute("service.edge") == 1
        assert w.muted() == ()
    assert [one.event.bottleneck for one in screen.seen[:1]] == ["network.home.wifi"]
    assert [(r["id"], r["scope"]) for r in records] == [("n1", "always")]  # seen, and not shown
    assert [line["id"] for line in shown] == ["n2"]
    salt = json.loads(path.read_text())["salt"]
    kept = json.dumps(records)
    assert salt not in kept


async def test_the_record_does_not_tell_which_network_it_was(tmp_path: Path) -> None:
    """The label in the file of mutes is the same every time; the one on record must not be."""
    path = tmp_path / "mutes.json"
    seen = []
    for _ in range(2):
        async with ToldWatcher(mutes=path) as w:
            w._delivery.muted._network = "net-1234"
            w.mute("service", "always")
            w.say("service.edge", "slow")
            w.dismiss("n1")
            seen += [line["network"] for line in lines(w, "dismissed")]
    assert len(set(seen)) == len(seen)
    assert "net-1234" not in seen


@pytest.mark.expects_failure
async def test_a_damaged_file_of_mutes_costs_the_mutes_alone(tmp_path: Path) -> None:
    path = tmp_path / "mutes.json"
    path.write_text("{")
    errors: list[tuple[str, str]] = []
    loop = asyncio.get_running_loop()
    async with ToldWatcher(mutes=path, on_error=errors.append, dispatch=loop.call_soon) as w:
        w.say("service.edge", "slow")
        w.dismiss("n1", "always")
        assert [one.scope for one in w.muted()] == ["session"]
        await asyncio.sleep(0.01)
    assert errors[0][0] == "mutes"
    assert "move the file away" in errors[0][1]
    assert path.read_text() == "{"


@pytest.mark.expects_failure
async def test_a_mute_that_cannot_be_written_holds_for_the_session(tmp_path: Path) -> None:
    errors: list[tuple[str, str]] = []
    loop = asyncio.get_running_loop()
    path = tmp_path / "mutes.json"
    async with ToldWatcher(mutes=path, on_error=errors.append, dispatch=loop.call_soon) as w:
        path.mkdir()
        assert w.mute("service", "always").scope == "always"
        await soon(lambda: [one.scope for one in w.muted()] == ["session"])
        await asyncio.sleep(0.01)
    assert errors[0][0] == "mutes"


async def test_what_is_written_last_is_there_after_the_session(tmp_path: Path) -> None:
    path = tmp_path / "mutes.json"
    async with ToldWatcher(mutes=path) as w:
        for place in ("service", "network.home", "device"):
            w.mute(place, "always", network="any")
        w.unmute("network.home")
    async with ToldWatcher(mutes=path) as w:
        assert [one.place for one in w.muted()] == ["service", "device"]


async def test_the_place_is_muted_on_one_network_or_on_all() -> None:
    screen = Screen()
    async with ToldWatcher(faces=[screen]) as w:
        await asyncio.sleep(0.01)
        w._delivery.muted._network = "net-a"
        assert w.mute("network.home").network != ""
        assert w.mute("service", network="any").network == ""
        w.say("network.home.wifi", "slow")
        w.say("service.edge", "slow", state="updated")
        assert screen.seen == []
        with pytest.raises(HostError):
            w.mute("nowhere")
        with pytest.raises(HostError):
            w.mute("service", "notice")
        assert w.unmute("network.home") == 1


async def test_less_severe_than_wanted_is_not_shown() -> None:
    screen = Screen()
    async with ToldWatcher(faces=[screen], policy=Policy(least_severity="medium")) as w:
        await asyncio.sleep(0.01)
        w.say("service.edge", "slow", impact="quality")
        w.say("service.edge", "slow", impact="stalled", state="updated")
    assert [one.event.state for one in screen.seen][:1] == ["updated"]
    with pytest.raises(HostError, match="least_severity"):
        Policy(least_severity="none")  # type: ignore[arg-type]


async def test_the_host_carries_out_an_action(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamnotice.delivery.WATCH_NS", 50_000_000)
    ran: list[str] = []

    async def lower(notice: ShownNotice) -> None:
        ran.append(notice.event.id)

    def switch(notice: ShownNotice) -> None:
        ran.append("switched")

    screen = Screen()
    async with ToldWatcher(
        faces=[screen], actions={"lower_quality": lower, "switch_cdn": switch}
    ) as w:
        await asyncio.sleep(0.01)
        w.say("service.edge", "slow")
        offered = screen.seen[0].actions
        assert [(a.id, a.runnable) for a in offered] == [
            ("lower_quality", True),
            ("switch_cdn", True),
        ]
        assert screen.seen[0].as_json()["actions"][0]["runnable"] is True
        assert not w.act("n1", "reload")
        assert not w.act("n9", "lower_quality")
        assert w.act("n1", "lower_quality")
        assert not w.act("n1", "lower_quality")  # under way
        assert w.act("n1", "switch_cdn")
        await soon(lambda: sum(d.state == "observed" for d in screen.deeds) == 2)
        records = lines(w, "acted")
    assert sorted(ran) == ["n1", "switched"]
    assert {(d.action, d.by, d.state) for d in screen.deeds} == {
        (action, "host", state)
        for action in ("lower_quality", "switch_cdn")
        for state in ("done", "observed")
    }
    assert all(d.text for d in screen.deeds)
    assert {r["action"] for r in records} == {"lower_quality", "switch_cdn"}
    assert any('"before"' in r["note"] for r in records)
    json.dumps([d.as_json() for d in screen.deeds], allow_nan=False)


async def test_what_the_viewer_did_is_looked_at_too() -> None:
    screen = Screen()
    async with ToldWatcher(faces=[screen]) as w:
        await asyncio.sleep(0.01)
        w.say("network.home.sharing", "crowded")
        assert not screen.seen[0].actions[0].runnable
        assert w.act("n1", "pause_others")
        await soon(lambda: bool(screen.deeds))
    assert [(d.by, d.state) for d in screen.deeds] == [("viewer", "done")]


@pytest.mark.expects_failure
async def test_an_action_that_fails_or_hangs_harms_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streamnotice.delivery.ACTION_WITHIN_S", 0.05)

    def fail(notice: ShownNotice) -> None:
        raise RuntimeError("no")

    async def hang(notice: ShownNotice) -> None:
        await asyncio.sleep(60)

    screen = Screen()
    actions = {"lower_quality": fail, "switch_cdn": hang}
    async with ToldWatcher(faces=[screen], actions=actions) as w:
        await asyncio.sleep(0.01)
        w.say("service.edge", "slow")
        assert w.act("n1", "lower_quality")
        assert w.act("n1", "switch_cdn")
        await soon(lambda: len(screen.deeds) == 2)
        assert w.act("n1", "lower_quality")  # and may be tried again
    assert {d.state for d in screen.deeds} == {"failed"}


@pytest.mark.parametrize("locale", ["en", "de", "ja"])
async def test_no_lower_quality_is_advised_where_there_is_none(locale: str) -> None:
    screen = Screen()
    async with ToldWatcher(faces=[screen], locale=locale) as w:
        await asyncio.sleep(0.01)
        w.playback(state="playing", rendition_bps=2_000_000, ladder_bps=[500_000, 2_000_000])
        w.say("network.isp.access", "slow")
        w.playback(state="playing", rendition_bps=500_000, ladder_bps=[500_000, 2_000_000])
        w.say("network.isp.access", "slow", state="updated")
        above, lowest = (one.actions[0] for one in screen.seen)
        assert (above.id, lowest.id) == ("lower_quality", "wait")
        assert lowest.text == w._catalog.text("action.at_lowest")
        assert above.text != lowest.text


async def test_lower_is_not_offered_below_the_lowest() -> None:
    screen = Screen()
    async with ToldWatcher(faces=[screen], actions={"lower_quality": print}) as w:
        await asyncio.sleep(0.01)
        w.playback(state="playing", rendition_bps=500_000, ladder_bps=[500_000, 2_000_000])
        w.say("network.home.wifi", "slow")
        assert "lower_quality" not in [a.id for a in screen.seen[0].actions]


async def test_at_the_lowest_the_hosts_button_is_not_there_for_another_advice() -> None:
    ran: list[ShownNotice] = []
    screen = Screen()
    async with ToldWatcher(faces=[screen], actions={"lower_quality": ran.append}) as w:
        await asyncio.sleep(0.01)
        w.playback(state="playing", rendition_bps=500_000, ladder_bps=[500_000, 2_000_000])
        w.say("undetermined")
        assert [(a.id, a.runnable) for a in screen.seen[0].actions] == [("wait", False)]
        assert not w.act("n1", "lower_quality")
    assert ran == []
    assert ran == []


async def test_an_action_can_come_with_a_player_that_is_made_later() -> None:
    screen = Screen()
    async with ToldWatcher(faces=[screen]) as w:
        await asyncio.sleep(0.01)
        w.say("service.edge", "slow")
        w.add_action("switch_cdn", lambda notice: None)
        w.say("service.edge", "overloaded", state="updated")
        with pytest.raises(HostError, match="known are"):
            w.add_action("explode", print)
    offered = [[action.id for action in one.actions if action.runnable] for one in screen.seen]
    assert offered[:2] == [[], ["switch_cdn"]]


def test_unknown_actions_are_refused_at_once() -> None:
    with pytest.raises(HostError, match="known are"):
        ToldWatcher(actions={"explode": print})
    with pytest.raises(HostError, match="callable"):
        ToldWatcher(actions={"lower_quality": 3})  # type: ignore[dict-item]


def test_without_asyncio() -> None:
    with ThreadWatcher() as w:
        w.add_face(Screen())
        w.add_action("lower_quality", print)
        assert w.mute("service", network="any").place == "service"
        assert [one.place for one in w.muted()] == ["service"]
        assert w.unmute("service") == 1
        assert w.on_screen is None
        assert not w.dismiss("n1")
        assert not w.act("n1", "wait")
    with pytest.raises(HostError, match="not open"):
        w.mute("service")


def figures(**other: Any) -> effects.Figures:
    return effects.Figures(**({"state": "playing", "harmed": False} | other))


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (
            figures(harmed=True, queue_ns=80_000_000, base_rtt_ns=20_000_000),
            figures(queue_ns=4_000_000, base_rtt_ns=20_000_000),
            "queue_gone",
        ),
        (figures(harmed=True, state="stalled"), figures(), "recovered"),
        (figures(), figures(harmed=True), "worse"),
        (figures(throughput_bps=1_000_000), figures(throughput_bps=2_000_000), "better"),
        (figures(throughput_bps=1_000_000), figures(throughput_bps=1_100_000), "same"),
        (figures(throughput_bps=2_000_000), figures(throughput_bps=1_000_000), "worse"),
        (figures(), figures(), "unknown"),
        (figures(harmed=True), figures(state="paused"), "unknown"),
        (
            figures(throughput_bps=1_000_000, drain_permille=0),
            figures(throughput_bps=2_000_000, drain_permille=-800),
            "unknown",
        ),
    ],
)
def test_what_followed_is_read_from_the_figures(
    before: effects.Figures, after: effects.Figures, word: str
) -> None:
    assert effects.followed(before, after) == word


async def test_after_the_upload_was_paused_the_queue_was_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Through the engine's own picture: round trips high over their base, and then no more."""
    monkeypatch.setattr("streamnotice.delivery.WATCH_NS", 1_500_000_000)
    screen = Screen()

    def sees(w: ToldWatcher, rtt_ms: int) -> None:
        w.session.emit(
            Transfer(
                w.session.now(), 1, 1000, socket="sock-a",
                rtt_ns=rtt_ms * 1_000_000, min_rtt_ns=20_000_000,
            )
        )  # fmt: skip

    async with ToldWatcher(faces=[screen]) as w:
        w.playback(state="stalled", buffer_s=0.0)
        w.session.emit(RequestStarted(w.session.now(), 1, "host-a", "media"))
        for rtt_ms in (180, 182, 181):
            sees(w, rtt_ms)
        w.say("network.home.sharing", "crowded")
        await asyncio.sleep(0.01)
        assert w.act("n1", "pause_others")
        await soon(lambda: bool(screen.deeds))
        w.playback(state="playing", buffer_s=4.0)
        for rtt_ms in (21, 22, 21, 23, 22, 21, 24):
            sees(w, rtt_ms)
        await soon(lambda: len(screen.deeds) == 2)
        records = lines(w, "acted")
    deed = screen.deeds[1]
    assert (deed.followed, deed.by) == ("queue_gone", "viewer")
    assert "the queue on the way is gone" in deed.text
    assert "does not prove" in deed.text
    assert deed.before is not None
    assert deed.before.queue_ns == 161_000_000
    assert records[1]["note"].startswith("viewer queue_gone {")


@pytest.mark.parametrize("dispatched", [False, True])
async def test_an_action_may_be_a_lambda_around_a_coroutine_function(dispatched: bool) -> None:
    ran: list[str] = []

    async def lower(notice: ShownNotice) -> None:
        await asyncio.sleep(0)
        ran.append(notice.event.id)

    screen = Screen()
    async with ToldWatcher(
        faces=[screen],
        actions={"lower_quality": lambda notice: lower(notice)},
        dispatch=asyncio.get_running_loop().call_soon if dispatched else None,
    ) as w:
        await asyncio.sleep(0.01)
        w.say("service.edge", "slow")
        assert w.act("n1", "lower_quality")
        await soon(lambda: bool(screen.deeds))
        assert (ran, screen.deeds[0].state) == (["n1"], "done")


@pytest.mark.expects_failure
@pytest.mark.parametrize("kind", ["plain", "coroutine"])
async def test_an_action_that_exits_has_failed_and_no_more(kind: str) -> None:
    def leave(notice: ShownNotice) -> None:
        raise SystemExit

    async def leave_later(notice: ShownNotice) -> None:
        raise SystemExit

    screen = Screen()
    actions = {"lower_quality": leave if kind == "plain" else leave_later}
    async with ToldWatcher(faces=[screen], actions=actions) as w:
        await asyncio.sleep(0.01)
        w.say("service.edge", "slow")
        assert w.act("n1", "lower_quality")
        await soon(lambda: bool(screen.deeds))
        assert screen.deeds[0].state == "failed"


@pytest.mark.expects_failure
async def test_a_face_that_exits_harms_neither_host_nor_others() -> None:
    class Leaving(Screen):
        def notice(self, shown: ShownNotice) -> None:
            raise SystemExit

    screen = Screen()
    async with ToldWatcher(faces=[Leaving(), screen]) as w:
        await asyncio.sleep(0.01)
        w.say("service.edge", "slow")
        assert [one.event.id for one in screen.seen] == ["n1"]
