"""Troubling the viewer's own computer: a small share of a CPU, and hogs beside the player."""

from __future__ import annotations

import secrets
import subprocess
import time
from pathlib import Path
from typing import Any

from lab.actions import CpuStarved
from lab.errors import LabError
from lab.isolation import as_nobody

_V1 = Path("/sys/fs/cgroup/cpu")
_V2 = Path("/sys/fs/cgroup")
_PERIOD_US = 20_000
_STALE_S = 600.0
_NAME = "streamnotice-lab-"


class Starvation:
    """A control group with a CPU quota, the player and hogs in it, so that others don't suffer."""

    def __init__(self, plan: CpuStarved) -> None:
        self._plan = plan
        v2 = (_V2 / "cgroup.controllers").exists()
        parent = _V2 if v2 else _V1
        if not parent.exists():
            raise LabError("device faults need the cpu control group")
        for stale in parent.glob(_NAME + "*"):
            try:
                if time.time() - stale.stat().st_mtime > _STALE_S:
                    stale.rmdir()  # left by a run that was killed
            except OSError:
                continue  # in use, or another run was faster
        self.folder = parent / (_NAME + secrets.token_hex(6))
        try:
            if v2:
                (parent / "cgroup.subtree_control").write_text("+cpu")
            self.folder.mkdir()
            self._limit(v2)
        except OSError as error:
            raise LabError(f"device faults need a cpu control group: {error}") from error
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
        """Put the process *pid*, its children and the hogs into the group."""
        members = self.folder / "cgroup.procs"
        for one in (pid, *_descendants(pid)):
            members.write_text(str(one))
        for _ in range(self._plan.hogs):
            hog = subprocess.Popen([*as_nobody(), "sh", "-c", "while :; do :; done"])
            members.write_text(str(hog.pid))
            self._hogs.append(hog)

    def end(self) -> None:
        """Kill the hogs, let the others go. May be called again."""
        if not self.folder.exists():
            return
        for hog in self._hogs:
            hog.kill()
            hog.wait()
        home = self.folder.parent / "cgroup.procs"
        for pid in (self.folder / "cgroup.procs").read_text().split():
            home.write_text(pid)
        self.folder.rmdir()


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found
