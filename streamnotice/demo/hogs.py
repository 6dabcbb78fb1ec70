"""A busy device: processes that take the CPU, beside a player with real work to do.

The work is a key-stretching hash (PBKDF2, RFC 8018) over every slice of media, with as many
rounds as take a stated share of one CPU on this machine when it is idle. With several hogs a
CPU there is less than that to be had, and what the player shows falls behind.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from typing import Final

from streamnotice.players.decoding import SLICE_S

HOGS_PER_CPU: Final = 4
MOST_CPUS: Final = 4
WORK_SHARE: Final = 0.5
LONGEST_S: Final = 60
"""A hog ends by itself after this time, whatever becomes of its parent."""
_HOG: Final = (
    "import time\n"
    f"end = time.monotonic() + {LONGEST_S}\n"
    "while time.monotonic() < end:\n"
    "    sum(range(10_000))\n"
)
_TRIAL_ROUNDS: Final = 20_000


class HashWork:
    """Goes over a slice of media; calibrated when it is made (some 50 ms of CPU time)."""

    def __init__(self, share: float = WORK_SHARE) -> None:
        best_s = float("inf")
        for _ in range(3):
            began_s = time.thread_time()
            hashlib.pbkdf2_hmac("sha256", b"\0" * 4096, b"demo", _TRIAL_ROUNDS)
            best_s = min(best_s, time.thread_time() - began_s)
        self.rounds = max(1, round(_TRIAL_ROUNDS * share * SLICE_S / max(best_s, 1e-6)))

    def __call__(self, data: bytes) -> bytes:
        # one call into C that doesn't hold the interpreter's lock: only the CPU counts
        return hashlib.pbkdf2_hmac("sha256", data, b"demo", self.rounds)


class Hogs:
    """Starts and stops the hogs. On a machine with many CPUs they and this process are kept to
    a few of them for the time, else it would take hundreds.
    """

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._allowed: set[int] | None = None

    def start(self) -> None:
        """Idempotent."""
        if self._processes:
            return
        cpus = os.cpu_count() or 1
        if hasattr(os, "sched_setaffinity"):
            allowed = os.sched_getaffinity(0)
            cpus = len(allowed)
            if cpus > MOST_CPUS:
                cpus = MOST_CPUS
                self._allowed = allowed
                self._keep_to(set(sorted(allowed)[:MOST_CPUS]))
        for _ in range(HOGS_PER_CPU * min(cpus, 16)):
            self._processes.append(
                subprocess.Popen([sys.executable, "-I", "-S", "-c", _HOG], stdin=subprocess.DEVNULL)
            )

    def stop(self) -> None:
        """Idempotent; every process that was started is gone afterwards."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        self._processes = []
        if self._allowed is not None:
            self._keep_to(self._allowed)
            self._allowed = None

    @staticmethod
    def _keep_to(cpus: set[int]) -> None:
        # affinity is a thread's own: all that run now, so that the work's thread is among them
        for thread in os.listdir("/proc/self/task"):
            try:
                os.sched_setaffinity(int(thread), cpus)
            except ProcessLookupError:
                continue
