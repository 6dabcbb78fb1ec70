"""Driving the link emulator (link.c): one process serves all links of a run."""

from __future__ import annotations

import json
import subprocess
import threading
from types import TracebackType
from typing import Any

from lab import build
from lab.errors import LabError


class Emulator:
    """The emulator's process. Use as a context manager; its devices go when it ends."""

    def __init__(self, seed: int = 1) -> None:
        self._process = subprocess.Popen(
            [str(build.program("link"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._turn = threading.Lock()
        self._ask(f"seed {seed}")

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, and with it all its devices."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, line: str) -> str:
        with self._turn:
            stdin, stdout = self._process.stdin, self._process.stdout
            assert stdin is not None
            assert stdout is not None
            try:
                stdin.write(line + "\n")
                stdin.flush()
                answer = stdout.readline().strip()
            except (BrokenPipeError, ValueError):
                answer = ""
        word, _, rest = answer.partition(" ")
        if word != "ok":
            raise LabError(f"link emulator: {line.split()[0]}: {rest or 'it has ended'}")
        return rest

    def link(self, name: str, near_ns: str, near_dev: str, far_ns: str, far_dev: str) -> None:
        """Make a link; "up" is from near to far, "down" from far to near."""
        self._ask(f"link {name} {near_ns} {near_dev} {far_ns} {far_dev}")

    def share(self, name: str, ns: str, dev: str, prefix: str) -> None:
        """Give the near end's medium a neighbour: same queues, other addresses (*prefix*)."""
        self._ask(f"share {name} {ns} {dev} {prefix}")

    def set(self, direction: str, **values: float) -> None:
        """Set parameters of "LINK.up", "LINK.down" or "LINK.both" now, or of the lane beside them
        ("LINK.lane_up" and so on); see docs/lab.md."""
        self._ask(self._line(direction, values))

    def at(self, at_ns: int, direction: str, **values: float) -> None:
        """The same at an instant of CLOCK_MONOTONIC (`time.monotonic_ns()`)."""
        self._ask(f"at {at_ns} {self._line(direction, values)}")

    @staticmethod
    def _line(direction: str, values: dict[str, float]) -> str:
        pairs = (f"{key}={format(float(value), '.12g')}" for key, value in values.items())
        return f"set {direction} {' '.join(pairs)}"

    def reset(self) -> None:
        """Set all counters to zero."""
        self._ask("reset")

    def report(self) -> dict[str, Any]:
        """Counters of each direction, and the emulator's own lateness."""
        found: dict[str, Any] = json.loads(self._ask("report"))
        return found
