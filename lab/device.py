"""Troubling the viewer's own computer: a small share of a CPU, and hogs beside the player.

Where the lab may make control groups, a quota holds the player and the hogs, so that others don't
suffer. Elsewhere (an ordinary user mostly may not) they are kept on one CPU, where the player gets
the same share beside hogs that want all of it: other programs on that CPU feel these, too.
"""

from __future__ import annotations

import math
import os
import secrets
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from lab.actions import CpuStarved
from lab.isolation import as_nobody

_V1 = Path("/sys/fs/cgroup/cpu")
_V2 = Path("/sys/fs/cgroup")
_PERIOD_US = 20_000
_STALE_S = 600.0
_NAME = "streamnotice-lab-"
_PER_NICE = 1.25  # a step of niceness is so much of a CPU less (sched(7))
_LEAST_NICE = 19


class Starvation(Protocol):
    """The trouble, from `start` to `end`."""

    def start(self, pid: int) -> None:
        """Put the process *pid*, its children and the hogs into a strait."""

    def end(self) -> None:
        """Kill the hogs, let the others go. May be called again."""


def starvation(plan: CpuStarved) -> Starvation:
    """The trouble that *plan* wants, by the means that there are here."""
    try:
        return _Quota(plan)
    except OSError:
        return _OneCpu(plan)


def _hogs(plan: CpuStarved) -> list[subprocess.Popen[Any]]:
    command = [*as_nobody(), "sh", "-c", "while :; do :; done"]
    return [subprocess.Popen(command) for _ in range(plan.hogs)]


def _kill(hogs: list[subprocess.Popen[Any]]) -> None:
    for hog in hogs:
        hog.kill()
        hog.wait()
    hogs.clear()


class _Quota:
    """A control group with a CPU quota for all of them; OSError if it can't be made."""

    def __init__(self, plan: CpuStarved) -> None:
        self._plan = plan
        v2 = (_V2 / "cgroup.controllers").exists()
        parent = _V2 if v2 else _V1
        for stale in parent.glob(_NAME + "*"):
            try:
                if time.time() - stale.stat().st_mtime > _STALE_S:
                    stale.rmdir()  # left by a run that was killed
            except OSError:
                continue  # in use, or another run was faster
        self.folder = parent / (_NAME + secrets.token_hex(6))
        if v2:
            (parent / "cgroup.subtree_control").write_text("+cpu")
        self.folder.mkdir()
        self._limit(v2)
        self._hogs: list[subprocess.Popen[Any]] = []

    def _limit(self, v2: bool) -> None:
        plan = self._plan
        quota_us = max(1000, _PERIOD_US * plan.quota_permille // 1000)
        period_us = max(_PERIOD_US, quota_us * 1000 // plan.quota_permille)
        if v2:
            (self.folder / "cpu.max").write_text(f"{quota_us} {period_us}")
        else:
            (self.folder / "cpu.cfs_period_us").write_text(str(period_us))
            (self.folder / "cpu.cfs_quota_us").write_text(str(quota_us))

    def start(self, pid: int) -> None:
        members = self.folder / "cgroup.procs"
        for one in (pid, *_descendants(pid)):
            members.write_text(str(one))
        self._hogs = _hogs(self._plan)
        for hog in self._hogs:
            members.write_text(str(hog.pid))

    def end(self) -> None:
        if not self.folder.exists():
            return
        _kill(self._hogs)
        home = self.folder.parent / "cgroup.procs"
        for pid in (self.folder / "cgroup.procs").read_text().split():
            home.write_text(pid)
        self.folder.rmdir()


class _OneCpu:
    """All of them on one CPU, the player so nice that it gets its share beside the hogs.

    It stays as nice: nobody but root may take that back. Alone on its CPU it has all of it, though.
    """

    def __init__(self, plan: CpuStarved) -> None:
        self._plan = plan
        self._cpus = os.sched_getaffinity(0)
        self._pid: int | None = None
        self._hogs: list[subprocess.Popen[Any]] = []

    def start(self, pid: int) -> None:
        self._pid, cpu, (player, hogs) = pid, {max(self._cpus)}, niceness(self._plan)
        _keep(pid, cpu, player)
        self._hogs = _hogs(self._plan)
        for hog in self._hogs:
            _keep(hog.pid, cpu, hogs)

    def end(self) -> None:
        _kill(self._hogs)
        if self._pid is not None:
            _keep(self._pid, self._cpus, None)
            self._pid = None


def niceness(plan: CpuStarved) -> tuple[int, int]:
    """How nice player and hogs must be for the player to get what *plan* leaves it."""
    share = plan.quota_permille / 1000 / (plan.hogs + 1)
    weight = share / (1 - share) * plan.hogs  # of the player, in hogs
    steps = round(-math.log(weight, _PER_NICE))
    return min(_LEAST_NICE, max(0, steps)), min(_LEAST_NICE, max(0, -steps))


def _keep(pid: int, cpus: set[int], nice: int | None) -> None:
    """Keep all threads of the process *pid* and its descendants on *cpus*, and so *nice*."""
    for one in (pid, *_descendants(pid)):
        for task in Path(f"/proc/{one}/task").glob("*"):
            with suppress(ProcessLookupError):  # it has ended since
                os.sched_setaffinity(int(task.name), cpus)
                if nice is not None:
                    os.setpriority(os.PRIO_PROCESS, int(task.name), nice)


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found
