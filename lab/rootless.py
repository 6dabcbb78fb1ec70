"""An ordinary user as root of a world of his own: one user namespace round the whole lab.

The lab's command is started again, once, in new user, network and mount namespaces. In there it
is root, over what it makes itself and nothing else; on the machine it stays the user who started
it. So all else of the lab is as under root. Only that one user is mapped, which takes no helper
and no entry in /etc/subuid; so there is no second user whom the viewer's programs could be. They
get a user namespace in the namespace, in which they are `nobody` and have power over nothing
(`isolation.as_nobody`).
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NoReturn

from lab.errors import LabError

AS_ROOT = ("unshare", "--user", "--map-root-user", "--net", "--mount")
TUN = "/dev/net/tun"

# Settings by which systems keep user namespaces from ordinary users, and the value that does.
_FORBIDDING = {
    "user.max_user_namespaces": "0",
    "kernel.unprivileged_userns_clone": "0",
    "kernel.apparmor_restrict_unprivileged_userns": "1",
}


def wanted() -> bool:
    """Whether this process has yet to become root of a world of its own."""
    return os.geteuid() != 0


def restart(command: list[str], environment: dict[str, str]) -> NoReturn:
    """Go on as *command*, as root of a world of its own."""
    os.execvpe(AS_ROOT[0], [*AS_ROOT, *command], environment)


def entered() -> bool:
    """Whether this process is root of such a world, and not of the machine."""
    return os.geteuid() == 0 and not maps_user(1)


def maps_user(uid: int, table: Path = Path("/proc/self/uid_map")) -> bool:
    """Whether there is a user of that number here, whom root could become."""
    rows = [[int(word) for word in row.split()] for row in table.read_text().splitlines()]
    return any(first <= uid < first + count for first, _, count in rows)


def why_no_namespaces(isolate: list[str]) -> str | None:
    """What keeps this user from the namespaces that *isolate* (a command's beginning) makes."""
    command = [*(AS_ROOT if wanted() else ()), *isolate, "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    if not wanted():
        return f"the lab can't make namespaces here, though it is root ({said})"
    for name, value in _FORBIDDING.items():
        setting = Path("/proc/sys") / name.replace(".", "/")
        if setting.exists() and setting.read_text().strip() == value:
            cure = f"{name} is {value} on this machine; let root change it, or run the lab as root"
            break
    else:
        cure = "run it as root, or where user namespaces are allowed"
    return f"the lab needs root, or a user namespace, and got none ({said}): {cure}"


def why_no_tun(device: str = TUN) -> str | None:
    """What keeps this user from making links; opening it makes none yet."""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        mend = "modprobe tun" if isinstance(error, FileNotFoundError) else f"chmod 666 {device}"
        cure = f"; let root `{mend}`, or run the lab as root" if wanted() else ""
        return f"the lab needs {device}, which doesn't open ({error.strerror}){cure}"
    return None


def check_congestion(control: str) -> None:
    """LabError if the kernel would have to load *control* first, which it does for root alone."""
    if not entered():
        return
    known = Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()
    if control not in known:
        raise LabError(
            f"this scenario's servers use the congestion control {control!r}, which the kernel "
            f"has not loaded; let root `modprobe tcp_{control}`, or run the lab as root"
        )
