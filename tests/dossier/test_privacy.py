"""Secrets are planted wherever a session touches them; none may be in its dossier."""

from __future__ import annotations

import getpass
import gzip
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamnotice import Watcher
from streamnotice.demo.clip import Clip
from streamnotice.dossier.verify import verify
from streamnotice.testing import ToldWatcher
from tests.answering import Quiet, answering

MARK = "s3cr3t"
HEADERS = {
    "Server": f"{MARK}-server",
    "Via": f"1.1 {MARK}-via (x)",
    "X-Cache": f"MISS from {MARK}-cache",
    "X-Served-By": f"{MARK}-node",
    "Cache-Status": f"{MARK}-cdn; fwd=miss; detail={MARK}-detail",
    "Server-Timing": f'cdn-cache;desc="{MARK}-desc", edge;dur=3',
    "CMSD-Static": f'n="{MARK}-origin"',
    "CMSD-Dynamic": f'"{MARK}-hop";rd=7',
    "Set-Cookie": f"id={MARK}-cookie",
    "Location-Hint": f"/{MARK}-hint",
}


@pytest.fixture(scope="module")
def service() -> Iterator[int]:
    """The port of a real HLS service below a secret folder; now and then it fails, secretly."""
    clip = Clip()
    asked = [0]

    class Handler(Quiet):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked[0] += 1
            path = self.path.partition("?")[0]
            found = clip.get(path.removeprefix(f"/{MARK}-folder"))
            fails = asked[0] % 5 == 0
            body, kind = found or (MARK.encode() * 200, "text/plain")
            self.send_response(503 if fails else 200, f"{MARK}-reason")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with answering(Handler) as port:
        yield port


def url(port: int) -> str:
    return (
        f"http://{MARK}-user:{MARK}-password@127.0.0.1:{port}/{MARK}-folder/master.m3u8"
        f"?token={MARK}-query#{MARK}-fragment"
    )


def check(path: Path, port: int) -> bytes:
    """Nothing that was planted, and nothing of this computer, is in the dossier."""
    data = path.read_bytes()
    whole = (gzip.decompress(data) if path.suffix == ".gz" else data).lower()
    planted = [MARK, "127.0.0.1", f":{port}", "localhost", str(Path.home()), str(path.parent)]
    names = [name for name in (socket.gethostname(), getpass.getuser()) if len(name) > 4]
    for secret in [*planted, *names]:
        assert secret.lower().encode() not in whole, secret
    return whole


@pytest.mark.parametrize("player", ["none", pytest.param("mpv", marks=pytest.mark.needs("mpv"))])
def test_a_watched_session_holds_no_secret(tmp_path: Path, service: int, player: str) -> None:
    home = tmp_path / f"{MARK}-home"
    home.mkdir()
    path = home / "session.jsonl.gz"
    done = subprocess.run(
        [
            sys.executable, "-m", "streamnotice.cli", "watch", url(service), "--player", player,
            "--duration", "6", "--json", "--dossier", str(path),
            "--probes", "path,reference",
            "--reference", f"http://127.0.0.1:{service}/{MARK}-reference?x={MARK}",
        ],
        env=os.environ | {
            "HOME": str(home), "USER": f"{MARK}-name", "LOGNAME": f"{MARK}-name",
            "PYTHONPATH": str(Path(__file__).parents[2]), "SDL_VIDEODRIVER": "dummy",
        },
        capture_output=True,
        text=True,
        timeout=90,
    )  # fmt: skip
    assert path.exists(), done.stderr
    whole = check(path, service)
    assert b'"kind":"request-started"' in whole
    assert verify(path).outcome == "verified"


async def test_a_host_s_own_requests_hold_no_secret(tmp_path: Path, service: int) -> None:
    import aiohttp

    async with Watcher() as watcher:
        async with aiohttp.ClientSession(
            trace_configs=[watcher.tap],
            headers={"X-Token": f"Bearer {MARK}", "X-User": f"{MARK}-user"},
            cookies={"session": f"{MARK}-cookie"},
        ) as http:
            for _ in range(6):
                async with http.get(url(service)) as answer:
                    await answer.read()
            proxied = await watcher.proxy(url(service))
            async with http.get(proxied) as answer:
                await answer.read()
        with watcher.request(url(service)) as request:
            request.first_byte()
            request.received(10)
        watcher.session.sight("host", False, "cannot see")
    watcher.save_dossier(tmp_path / "d.jsonl")
    whole = check(tmp_path / "d.jsonl", service)
    assert whole.count(b'"kind":"request-started"') >= 8


@pytest.mark.expects_failure
async def test_a_host_s_own_name_for_a_base_round_trip_is_not_on_record(tmp_path: Path) -> None:
    errors: list[tuple[str, str]] = []
    known = {f"router.{MARK}.example": 0.01, "network.isp.access": 0.008, "far end": 0.02}
    async with Watcher(baselines=known, on_error=errors.append) as watcher:
        stored = watcher._engine.estimates.paths.stored
    watcher.save_dossier(tmp_path / "d.jsonl")
    assert MARK.encode() not in (tmp_path / "d.jsonl").read_bytes()
    assert stored == {"network.isp.access": 8_000_000, "far end": 20_000_000}
    assert errors == [("baselines", "one that is of no place was left out")]


async def test_what_the_viewer_did_names_no_network(tmp_path: Path) -> None:
    async with ToldWatcher() as watcher:
        watcher.say("network.home.wifi", "slow")
        watcher.dismiss("n1", scope="always")
    watcher.save_dossier(tmp_path / "d.jsonl")
    whole = (tmp_path / "d.jsonl").read_bytes()
    assert b'"type":"dismissed"' in whole
    neighbours = Path("/proc/net/arp")
    for line in neighbours.read_text().splitlines()[1:] if neighbours.exists() else ():
        for word in line.split()[:4:3]:  # address, hardware address
            assert len(word) < 7 or word.encode() not in whole


def test_two_sessions_have_no_label_in_common(tmp_path: Path) -> None:
    from streamnotice.privacy import Labels

    one, two = Labels(), Labels()
    assert one.host("video.example") != two.host("video.example")
