"""The lab of an ordinary user: the same runs, seen by the same sensors, without root.

Where root runs these tests, they are started as nobody, in a mount namespace of their own. There,
as on most computers, /dev/net/tun is everybody's, and so is this Python if only root may reach it.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from lab import isolation, rootless
from lab.actions import CpuStarved
from lab.device import niceness
from tests.lab.played import family_of, lab, left_by_kill, playing

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

NOBODY: Final = str(isolation.NOBODY)
_TUN = "mount -t tmpfs tun /dev/net; mknod /dev/net/tun c 10 200; chmod {mode} /dev/net/tun"
_PYTHON = (
    "mount -t tmpfs way /mnt; mkdir /mnt/python; mount --bind {python} /mnt/python; "
    "mount -t tmpfs -o mode=755 way {closed}; mkdir -p {python}; mount --move /mnt/python {python}"
)
_DROP = f'exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups "$@"'
RUN: Final = ("edge.slow", 19, 12)  # a fault there before Play, so that a short run shows it


def _as_user(*, mode: int = 666) -> list[str]:
    """Prefix of a command that an ordinary user starts, /dev/net/tun being of this mode."""
    if os.geteuid() != 0:
        return []
    script = ["set -e", _TUN.format(mode=mode)]
    above = reversed(Path(sys.executable).resolve().parents)
    closed = next((folder for folder in above if not folder.stat().st_mode & 0o001), None)
    if closed is not None:
        script.append(_PYTHON.format(python=sys.base_prefix, closed=closed))
    return ["unshare", "--mount", "sh", "-c", "; ".join([*script, _DROP]), "sh"]


@pytest.fixture(scope="module")
def user(live_lab: None) -> list[str]:
    """`_as_user`, where it can be had, and what runs need is built."""
    done = lab("build")
    assert done.returncode == 0, done.stderr
    prefix = _as_user()
    tried = subprocess.run(
        [*prefix, *rootless.AS_ROOT, sys.executable, "-c", "import streamnotice"],
        env=isolation.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tried.returncode:
        pytest.skip(f"elsewhere: no user namespaces or device nodes: {tried.stderr.strip()}")
    return prefix


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user may write to, and reach: pytest's own are the tester's alone."""
    made = Path(tempfile.mkdtemp(prefix="streamnotice-lab-"))
    if os.geteuid() == 0:
        os.chown(made, isolation.NOBODY, isolation.NOBODY)
    yield made
    shutil.rmtree(made)


def _played(done: subprocess.CompletedProcess[str], out: Path) -> tuple[dict[str, Any], Any]:
    """A run's truth, and the observations of its dossier."""
    assert done.returncode == 0, done.stderr
    (made,) = out.iterdir()
    truth: dict[str, Any] = json.loads((made / "truth.json").read_text())
    with gzip.open(made / "dossier.jsonl.gz", "rt") as dossier:
        rows = [json.loads(line) for line in dossier]
    return truth, [row for row in rows if row["type"] == "observation"]


def _kinds_and_sights(observations: list[dict[str, Any]]) -> tuple[set[str], dict[str, bool]]:
    sights = {row["sensor"]: row["sees"] for row in observations if row["kind"] == "sight"}
    return {row["kind"] for row in observations}, sights


def test_a_run_without_root_sees_what_one_with_root_sees(
    user: list[str], folder: Path, tmp_path: Path
) -> None:
    family, seed, duration_s = RUN
    arguments = ["run", family, "--seed", str(seed), "--duration", str(duration_s), "--out"]
    truth, seen = _played(lab(*arguments, str(folder), prefix=user), folder)
    assert truth["rootless"] is True
    assert truth["exit"] == 0
    assert truth["truth"]["place"] == "service.edge"
    assert truth["translated"] > 0, "the home router's rules are there"
    assert truth["outcome"]["stalls"] or truth["outcome"]["started_s"] > 4, "playback suffers"
    # The user's emulator is no real-time process: on a busy computer it may be late, and says so.
    assert not [why for why in truth["void"] if not why.startswith("emulator late")]
    kinds, sights = _kinds_and_sights(seen)
    assert kinds >= {"hop-probe", "round-trip", "home-router", "host-load", "interface", "route"}
    assert [row for row in seen if row["kind"] == "hop-probe" and row["outcome"] == "ttl_exceeded"]
    load = next(row for row in seen if row["kind"] == "host-load")
    assert load["cpu_wait_permille"] is not None
    if os.geteuid() != 0:
        return  # there is no root here to compare with
    truth, seen = _played(lab(*arguments, str(tmp_path)), tmp_path)
    assert truth["rootless"] is False
    assert _kinds_and_sights(seen) == (kinds, sights)


def test_what_plays_has_no_power_at_all(user: list[str]) -> None:
    """Neither over the machine nor over the run's own network."""
    ask = (
        "import subprocess, sys; from lab.isolation import as_nobody; "
        "sys.exit(subprocess.run([*as_nobody(), 'sh', '-c', sys.argv[1]]).returncode)"
    )
    try_all = (
        "cat /proc/self/status; ip link add none type dummy && echo made; "
        "(echo 1 > /proc/sys/net/ipv4/ip_forward) && echo set; "
        "unshare --net true && echo unshared; mount -t tmpfs none /mnt && echo mounted"
    )
    done = subprocess.run(
        [*user, *rootless.AS_ROOT, sys.executable, "-c", ask, try_all],
        env=isolation.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    assert told["Uid"].split() == [NOBODY] * 4
    assert told["NoNewPrivs"] == "1"
    for powers in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(told[powers], 16) == 0
    assert not {"made", "set", "unshared", "mounted"} & set(done.stdout.splitlines())


def test_a_killed_run_of_a_user_leaves_nothing_and_is_on_no_network_of_the_machine(
    user: list[str], folder: Path
) -> None:
    run = subprocess.Popen(
        [*user, sys.executable, "-m", "lab", "run", "sharing.crowded", "--seed", "1",
         "--out", str(folder)],
        env=isolation.environment(inside=False), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    family = playing(run, folder / ".sharing.crowded-1.part" / "stdout.jsonl")
    machine = Path("/proc/self/ns/net").readlink()
    networks = set()
    for pid in family:
        with suppress(FileNotFoundError):  # a short command's, which has ended
            networks.add(Path(f"/proc/{pid}/ns/net").readlink())
    left = left_by_kill(run, family)
    assert len(family) > 8
    assert machine not in networks
    assert len(networks) > 5
    assert not left


def test_a_closed_tun_device_is_said_in_one_line(user: list[str], folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("elsewhere: only root can close /dev/net/tun to others")
    done = lab("run", "healthy", "--out", str(folder), prefix=_as_user(mode=600))
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "/dev/net/tun" in line
    assert "chmod 666" in line


@pytest.mark.parametrize("out", ["/proc", "/proc/deeper"])
def test_a_folder_of_another_user_is_said_in_one_line(user: list[str], out: str) -> None:
    done = lab("run", "healthy", "--out", out, prefix=user)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert out in line


def test_without_user_namespaces_one_line_says_what_forbids_them(
    user: list[str], folder: Path
) -> None:
    """Really forbidden: by a limit of none, in a namespace around the user's."""
    if os.geteuid() != 0:
        pytest.skip("elsewhere: only root can forbid them")
    script = user[-2].replace(
        "exec setpriv",
        "unshare --user sh -c 'echo unmapped; read on; exec \"$@\"' sh "
        "sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; exec \"$@\"' sh setpriv",
    )
    tried = subprocess.Popen(
        [*user[:-2], script, user[-1], sys.executable, "-m", "lab", "run", "healthy",
         "--out", str(folder)],
        env=isolation.environment(inside=False), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert tried.stdout is not None
    assert tried.stdout.readline() == "unmapped\n"
    unshared = family_of(tried.pid)[-1]
    for table in ("uid_map", "gid_map"):
        Path(f"/proc/{unshared}/{table}").write_text("0 0 65536")
    _, said = tried.communicate("on\n", timeout=60)
    assert tried.returncode == 2
    (line,) = said.splitlines()
    assert "user.max_user_namespaces is 0" in line


def test_a_missing_tun_device_is_said_with_what_mends_it(tmp_path: Path) -> None:
    said = rootless.why_no_tun(str(tmp_path / "tun"))
    assert said is not None
    assert str(tmp_path / "tun") in said
    assert ("modprobe tun" in said) == (os.geteuid() != 0)


@pytest.mark.parametrize(
    ("table", "uid", "is_there"),
    [
        ("         0       1000          1\n", 0, True),
        ("         0       1000          1\n", 65534, False),
        ("0 0 4294967295\n", 65534, True),
        ("0 1000 1\n1 100000 65536\n", 65534, True),
    ],
)
def test_who_can_be_had_is_read_from_the_map(
    tmp_path: Path, table: str, uid: int, is_there: bool
) -> None:
    (tmp_path / "uid_map").write_text(table)
    assert rootless.maps_user(uid, tmp_path / "uid_map") is is_there


@pytest.mark.parametrize(("quota", "hogs"), [(60, 1), (120, 3), (45, 2), (700, 1), (1200, 3)])
def test_without_a_control_group_the_player_gets_the_same_share(quota: int, hogs: int) -> None:
    player, others = (1.25**-nice for nice in niceness(CpuStarved(quota, hogs)))
    wanted = quota / 1000 / (hogs + 1)
    assert player / (player + hogs * others) == pytest.approx(wanted, rel=0.13)
