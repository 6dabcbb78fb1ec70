"""How this computer copes, passively: event loop, our own wait for a CPU, CPU use and pressure.

Sources: a heartbeat on the loop; `/proc/self/task/*/schedstat` (run delay of each of our
threads); `/proc/stat`; pressure stall information (`/proc/pressure/cpu` and, inside a
container, the control group's own file). Whatever is missing is None.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from time import monotonic_ns
from typing import Final

import attrs

from streamnotice.observations import HostLoad
from streamnotice.sensors.routes import text_of
from streamnotice.session import Session

BEAT_S: Final = 0.1
"""Period of the heartbeat, in seconds."""
WINDOW_NS: Final = 1_000_000_000
_MOST_THREADS: Final = 64


@attrs.frozen
class Counters:
    """Running counts of the system at an instant; None where the system doesn't tell.

    Attributes:
        waits_ns: time that each of our threads was ready and had no CPU, by thread id.
        busy, total: ticks of all CPUs, in use and in all.
        pressure_us: time in which some task waited for a CPU, by source.
    """

    waits_ns: Mapping[str, int] = attrs.field(factory=dict)
    busy: int | None = None
    total: int | None = None
    pressure_us: Mapping[str, int] = attrs.field(factory=dict)


def parse_stat(text: str) -> tuple[int, int] | None:
    """Busy and total ticks from the first line of `/proc/stat`."""
    fields = text.partition("\n")[0].split()
    if len(fields) < 6 or fields[0] != "cpu" or not all(f.isdigit() for f in fields[1:]):
        return None
    ticks = [int(f) for f in fields[1:9]]  # guest time is already in user time
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def parse_pressure(text: str) -> int | None:
    """The total of the `some` line of a pressure file, in microseconds."""
    for line in text.splitlines():
        kind, *pairs = line.split()
        if kind == "some":
            for pair in pairs:
                key, _, value = pair.partition("=")
                if key == "total" and value.isdigit():
                    return int(value)
    return None


def parse_run_delay(text: str) -> int | None:
    """Nanoseconds of run delay: the second field of a schedstat file."""
    fields = text.split()
    return int(fields[1]) if len(fields) >= 2 and fields[1].isdigit() else None


def load_between(
    before: Counters, after: Counters, window_ns: int
) -> tuple[int | None, int | None, int | None]:
    """CPU wait of our worst-off thread, CPU use, and pressure, each in thousandths."""
    waits = [after.waits_ns[t] - before.waits_ns[t] for t in after.waits_ns if t in before.waits_ns]
    wait = _permille(max(waits), window_ns) if waits else None
    busy = None
    if (
        before.busy is not None and before.total is not None
        and after.busy is not None and after.total is not None
        and after.total > before.total
    ):  # fmt: skip
        busy = _permille(after.busy - before.busy, after.total - before.total)
    grew = [
        after.pressure_us[s] - before.pressure_us[s]
        for s in after.pressure_us
        if s in before.pressure_us
    ]
    return wait, busy, _permille(max(grew) * 1000, window_ns) if grew else None


def _permille(part: int, whole: int) -> int:
    return max(0, min(1000, round(part * 1000 / whole))) if whole > 0 else 0


class HostSensor:
    """Emits one `HostLoad` a second."""

    name = "host"

    def __init__(self, proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> None:
        self._proc = proc
        self._pressure_files = {"machine": proc / "pressure" / "cpu"}
        own = self._own_cgroup(cgroups)
        if own is not None:
            self._pressure_files["group"] = own

    def _own_cgroup(self, cgroups: Path) -> Path | None:
        for line in text_of(self._proc / "self" / "cgroup").splitlines():
            number, _, path = line.partition("::")
            if number == "0" and path not in ("", "/"):  # the root group has no file of its own
                return cgroups / path.lstrip("/") / "cpu.pressure"
        return None

    async def run(self, session: Session) -> None:
        """Observe until cancelled."""
        before, began_ns, read_ns = self.read(), session.now(), monotonic_ns()
        blind = not before.waits_ns and before.busy is None
        session.sight(self.name, True, "the event loop only: no CPU figures here" if blind else "")
        worst_ns = 0
        while True:
            due_ns = session.now() + round(BEAT_S * 1e9)
            await asyncio.sleep(BEAT_S)
            now_ns = session.now()  # by the session's time: a machine that was paused isn't busy
            worst_ns = max(worst_ns, now_ns - due_ns)
            window_ns = now_ns - began_ns
            if window_ns < WINDOW_NS:
                continue
            after = self.read()
            # counters go on in time that the session leaves out: a starving process is often away
            since_ns, read_ns = read_ns, monotonic_ns()
            wait, busy, pressure = load_between(before, after, read_ns - since_ns)
            session.emit(
                HostLoad(
                    now_ns,
                    window_ns=window_ns,
                    loop_lag_ns=worst_ns,
                    cpu_wait_permille=wait,
                    cpu_busy_permille=busy,
                    cpu_pressure_permille=pressure,
                )
            )
            before, began_ns, worst_ns = after, now_ns, 0

    def read(self) -> Counters:
        """The counters as they stand now."""
        waits: dict[str, int] = {}
        try:
            tasks = list((self._proc / "self" / "task").iterdir())[:_MOST_THREADS]
        except OSError:
            tasks = []
        for task in tasks:
            delay = parse_run_delay(text_of(task / "schedstat"))
            if delay is not None:
                waits[task.name] = delay
        stat = parse_stat(text_of(self._proc / "stat"))
        pressure: dict[str, int] = {}
        for source, path in self._pressure_files.items():
            total = parse_pressure(text_of(path))
            if total is not None:
                pressure[source] = total
        busy, total = stat or (None, None)
        return Counters(waits, busy, total, pressure)
