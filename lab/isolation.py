"""A world of its own for each run: mount and process namespaces that vanish with it.

The run's command is started again under `unshare`. In there /run/netns is a private tmpfs, so
that network namespaces of runs at the same time can't collide, and every process of the run dies
with the first one, however that ends; the kernel then takes the namespaces and devices apart.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lab import build
from lab.errors import LabError

_MARK = "STREAMNOTICE_LAB_INSIDE"
NOBODY = 65534
WORK = Path("/run/netns/lab")  # on the private tmpfs: short-lived files of a run


def why_not() -> str | None:
    """What stands in the way of running the lab here; None if nothing does."""
    if sys.platform != "linux":
        return "the lab needs Linux"
    if os.geteuid() != 0:
        return "the lab needs root (network namespaces and TUN devices)"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "the lab needs /dev/net/tun"
    missing = build.programs_needed()
    if missing:
        return f"the lab needs these programs: {', '.join(missing)}"
    return None


def inside() -> bool:
    """Whether this process already lives in a run's own world."""
    return os.environ.get(_MARK) == "1"


def command(arguments: list[str]) -> list[str]:
    """The command line that runs `python -m lab ARGUMENTS` in a world of its own."""
    return [
        "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
        sys.executable, "-m", "lab", *arguments,
    ]  # fmt: skip


def environment() -> dict[str, str]:
    """The environment for `command`."""
    root = str(build.ROOT.parent)
    path = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH", "")) if p)
    bins = os.environ.get("PATH", os.defpath)
    return {**os.environ, _MARK: "1", "PYTHONPATH": path, "PATH": f"{bins}:/usr/sbin:/sbin"}


def prepare() -> None:
    """Inside: mount the private tmpfs. Call once, before any namespace is made."""
    if not inside():
        raise LabError("not inside a world of its own; start runs with `python -m lab run`")
    Path("/run/netns").mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "mode=755", "lab", "/run/netns"]
    subprocess.run(mount, check=True)
    WORK.mkdir()


def check_unprivileged_python() -> None:
    """LabError if the user that the viewer runs as can't import streamnotice."""
    done = subprocess.run(
        [*as_nobody(), sys.executable, "-c", "import streamnotice"],
        env=environment(),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise LabError(
            f"the user nobody can't use this Python or this source tree ({reason}); "
            "put both where every user may read"
        )


def as_nobody() -> list[str]:
    """Prefix of a command that is to run without any privilege."""
    return [
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
        "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs",
    ]  # fmt: skip
