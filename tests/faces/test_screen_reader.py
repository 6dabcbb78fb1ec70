"""A real screen reader, Orca, on report and overlay in a real Chromium: what it would speak.

On a screen of its own (Xvfb) and a session bus of its own; Orca's speech goes nowhere, its debug
log lists it. Not part of CI: it takes a desktop's programs, and speaks as fast as the machine is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest

from streamnotice.testing import ToldWatcher
from tests.faces.pages import recorded_notice, say, served

PROGRAMS = (
    "orca",
    "chromium",
    "Xvfb",
    "xvfb-run",
    "dbus-run-session",
    "openbox",
    "script",
    "xdotool",
)
BUS_LAUNCHER = "/usr/libexec/at-spi-bus-launcher"
missing = [name for name in PROGRAMS if shutil.which(name) is None]
if not Path(BUS_LAUNCHER).exists():
    missing.append("at-spi2-core")
pytestmark = [
    pytest.mark.skipif(bool(missing), reason=f"elsewhere: a desktop with {', '.join(missing)}"),
    pytest.mark.timeout(400),
]
WAIT_S = 90.0
SPEECH = 'AddModule "dummy" "sd_dummy" ""\nDefaultModule dummy\n'
# one process group of its own, ended as a whole: nothing else on the machine is touched
SESSION = r"""
openbox &
{launcher} --launch-immediately --screen-reader=1 &
sleep 1
# to a terminal it writes line by line, to a file in lumps that come too late
script -qfc "orca --replace --debug-file /dev/tty" "$SAID" </dev/null >/dev/null 2>&1 &
for i in $(seq 300); do grep -qs "Screen reader on" "$SAID" && break; sleep 0.2; done
chromium {flags} --force-renderer-accessibility --no-first-run --disable-gpu \
  --user-data-dir="$HOME/profile" --window-size=1100,850 --window-position=0,0 "$PAGE" &
while read -r keys; do
  if [ -z "$window" ]; then
    window=$(xdotool search --onlyvisible --class chromium | tail -1)
    xdotool windowfocus "$window"
    sleep 2
  fi
  xdotool key --delay 400 $keys
done
"""


@attrs.define
class Orca:
    """A running screen reader; `heard` is all that it has said."""

    log: Path
    keys: asyncio.StreamWriter
    at: int = 0

    @property
    def heard(self) -> list[str]:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return re.findall(r"SPEECH OUTPUT: '(.*?)'(?:\{.*)?\r?$", text, re.MULTILINE)

    async def says(self, words: str) -> None:
        """Wait until *words* are said, behind what was waited for before."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            heard = self.heard
            for number in range(self.at, len(heard)):
                if re.search(words, heard[number]):
                    self.at = number + 1
                    return
            await asyncio.sleep(0.2)
        raise AssertionError(f"never said: {words}; said: {self.heard[self.at :]}")

    async def quiet(self) -> None:
        """Wait until it has read the page through."""
        before = -1
        while before != len(self.heard):
            before = len(self.heard)
            await asyncio.sleep(3)

    async def goes(self, *ways: tuple[str, str]) -> None:
        """Press a key, and wait for what is said there; the next once it has been silent."""
        for key, words in ways:
            self.press(key)
            await self.says(words)
            await asyncio.sleep(1.5)

    def press(self, *keys: str) -> None:
        self.keys.write(f"{' '.join(keys)}\n".encode())


@asynccontextmanager
async def reading(url: str, folder: Path) -> AsyncIterator[Orca]:
    home, runtime = folder / "home", folder / "run"
    for one in (home / ".config" / "speech-dispatcher", runtime):
        one.mkdir(parents=True)
    runtime.chmod(0o700)
    (home / ".config" / "speech-dispatcher" / "speechd.conf").write_text(SPEECH)
    log = folder / "said.log"
    script = folder / "session.sh"
    flags = "--no-sandbox" if os.geteuid() == 0 else ""
    script.write_text(SESSION.replace("{launcher}", BUS_LAUNCHER).replace("{flags}", flags))
    environment = {
        **os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "LANG": "C.UTF-8",
        "XDG_CONFIG_HOME": str(home / ".config"), "XDG_DATA_HOME": str(home / ".local" / "share"),
        "ACCESSIBILITY_ENABLED": "1", "SAID": str(log), "PAGE": url,
    }  # fmt: skip
    started = await asyncio.create_subprocess_exec(
        "xvfb-run", "-a", "-s", "-screen 0 1200x900x24", "dbus-run-session", "--", "bash",
        str(script),
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=environment, start_new_session=True,
    )  # fmt: skip
    assert started.stdin is not None
    try:
        yield Orca(log, started.stdin)
    finally:
        for what in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, what)
            await asyncio.sleep(1)
        await started.wait()


async def test_the_overlay_is_spoken_as_it_comes_changes_and_ends(tmp_path: Path) -> None:
    async with ToldWatcher() as w, served(w) as address, reading(address, tmp_path) as orca:
        await orca.says("Finished loading player")
        await orca.quiet()
        assert "statusbar" not in " ".join(orca.heard)  # an empty live region
        first = recorded_notice()
        say(w, first)
        await orca.says("The delivery server seems overloaded. The server that delivers")
        orca.press("Tab", "Tab")
        await orca.says("region About your playback")
        await orca.says("I understand push button")
        orca.press("Tab")
        await orca.says("Why am I seeing this.*collapsed")
        orca.press("Return")
        await orca.says("expanded")
        at_ns = first.at_ns + 10_000_000_000
        say(w, attrs.evolve(first, state="updated", bottleneck="service", condition=None,
                            at_ns=at_ns))  # fmt: skip
        await orca.says("The trouble seems to lie at the video service")
        say(w, attrs.evolve(first, state="resolved", reason="recovered", at_ns=2 * at_ns))
        await orca.says("The video has recovered")
        orca.press("Escape")
        await orca.says("before push button")


async def test_the_report_is_read_by_headings_landmarks_tables_and_drawings(
    tmp_path: Path,
) -> None:
    from importlib.resources import as_file, files

    from streamnotice.dossier.report import report

    page = tmp_path / "page.html"
    with as_file(files("streamnotice.testing") / "recordings" / "healthy.jsonl.gz") as source:
        page.write_text(report(source).html, encoding="utf-8")
    async with reading(page.as_uri(), tmp_path / "session") as orca:
        await orca.says("Finished loading What held up the stream")
        await orca.says(r"Page has 1?\d landmarks, \d+ headings, \d+ tables")
        await orca.says("Made from a dossier")  # read through, to the end
        await orca.quiet()
        await orca.goes(("ctrl+Home", "To the summary"), ("h", "No notice was.*heading level 1"))
        await orca.goes(("h", "In short.*heading level 2"), ("h", "Over time.*heading level 2"))
        await orca.goes(("ctrl+Home", "To the summary"), ("m", "report of one session"))
        await orca.goes(("ctrl+Home", "To the summary"), ("t", r"table with \d+ rows \d columns"))
        await orca.goes(("ctrl+Home", "To the summary"))
        await orca.goes(("g", "Playback over time Buffer level over .* Notices: 0"))
