"""A world of its own for each run: mount, process and network namespaces that vanish with it.

The run's command is started again under `unshare`. In there /run/netns is a private tmpfs, so
that network namespaces of runs at the same time can't collide, and every process of the run dies
with the first one, however that ends; the kernel then takes the namespaces and devices apart.
Its first network is an empty one: not even by mistake is there a way out.

For this one must be root, or become it as `lab.rootless` does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lab import build, rootless
from lab.errors import LabError

_MARK = "STREAMNOTICE_LAB_INSIDE"
NOBODY = 65534
NETNS = Path("/run/netns")
WORK = NETNS / "lab"  # on the private tmpfs: short-lived files of a run
_ISOLATE = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


def why_not() -> str | None:
    """What stands in the way of running the lab here; None if nothing does."""
    if sys.platform != "linux":
        return "the lab needs Linux"
    missing = build.programs_needed()
    if missing:
        return f"the lab needs these programs: {', '.join(missing)}"
    return rootless.why_no_tun() or rootless.why_no_namespaces(_ISOLATE)


def inside() -> bool:
    """Whether this process already lives in a run's own world."""
    return os.environ.get(_MARK) == "1"


def command(arguments: list[str]) -> list[str]:
    """The command line that runs `python -m lab ARGUMENTS` in a world of its own."""
    return [*_ISOLATE, sys.executable, "-m", "lab", *arguments]


def environment(*, inside: bool = True) -> dict[str, str]:
    """The environment for `command`, or for the lab outside of runs."""
    mark = {_MARK: "1"} if inside else {}
    root = str(build.ROOT.parent)
    path = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH", "")) if p)
    bins = os.environ.get("PATH", os.defpath)
    return {**os.environ, **mark, "PYTHONPATH": path, "PATH": f"{bins}:/usr/sbin:/sbin"}


def prepare() -> None:
    """Inside: mount the private tmpfs. Call once, before any namespace is made."""
    if not inside():
        raise LabError("not inside a world of its own; start runs with `python -m lab run`")
    if not NETNS.exists() and rootless.entered():
        _mount_tmpfs(NETNS.parent)  # the machine's folder isn't this user's to add to
        _check_nothing_hidden(NETNS.parent)
    NETNS.mkdir(exist_ok=True)
    _mount_tmpfs(NETNS)
    WORK.mkdir()


def _mount_tmpfs(folder: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "mode=755", "lab", str(folder)]
    subprocess.run(mount, check=True)


def _check_nothing_hidden(under: Path) -> None:
    hidden = [p for p in (sys.executable, str(build.ROOT)) if not Path(p).exists()]
    hidden += build.programs_needed()
    if hidden:
        raise LabError(
            f"what lies in {under} is hidden from a run without root ({', '.join(hidden)}); "
            f"let root `mkdir {NETNS}` once, or run the lab as root"
        )


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
    if not rootless.maps_user(NOBODY):
        # The user who started the lab, by another number: what only that user's root may do, the
        # kernel asks of the namespace around, where this command has no capability.
        return [
            "unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}",
            "setpriv", "--no-new-privs",
        ]  # fmt: skip
    return [
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
        "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs",
    ]  # fmt: skip


def give_to_nobody(path: Path) -> None:
    """Let what runs `as_nobody` write to *path*."""
    if rootless.maps_user(NOBODY):
        os.chown(path, NOBODY, NOBODY)
