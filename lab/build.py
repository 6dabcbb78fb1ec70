"""What the lab makes once and keeps under lab/build: programs, media, a warm edge cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError
from lab.worlds import HERE, HOME

ROOT = Path(__file__).resolve().parent
BUILD = ROOT / "build" / ("" if HERE is HOME else HERE.name)
SOURCES = ROOT / "emulator"

SEGMENT_S = HERE.segment_s
MEDIA_S = 180
# name, width, height, video bit/s; the ladder that every service of this world offers
RENDITIONS = HERE.renditions
AUDIO_BPS = 64_000
# What a rendition costs on the wire, headers and container included (checked by a test).
LADDER_BPS = tuple(round((video + AUDIO_BPS) * 1.07) for _, _, _, video in RENDITIONS)


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Runs at the same time build a thing once, the others wait."""
    try:
        BUILD.mkdir(parents=True, exist_ok=True)
        lock = (BUILD / f".{name}.lock").open("w")
    except PermissionError:
        raise LabError(
            f"what runs need ({name}) isn't in {BUILD} yet, and that is another user's: have its "
            "owner run `python -m lab build`, or use a source tree of your own"
        ) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise LabError(f"{what} needs the program {command[0]!r}") from None
    if done.returncode:
        raise LabError(f"{what} failed: {done.stderr.strip().splitlines()[-1:]}")


def program(name: str) -> Path:
    """The compiled program *name* (a source in `emulator/`), built if its source has changed."""
    source = SOURCES / f"{name}.c"
    mark = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    made = BUILD / f"{name}-{mark}"
    if not made.exists():
        with locked(name):
            if not made.exists():
                part = made.with_suffix(".part")
                flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]
                _run(["gcc", *flags, "-o", str(part), str(source), "-lm"], f"building {name}")
                part.rename(made)
    return made


def media() -> Path:
    """The folder with the HLS presentation (master.m3u8), encoded if it is not there yet."""
    made = BUILD / "media"
    if not made.exists():
        with locked("media"):
            if not made.exists():
                _encode(made)
    return made


def joined(count: int) -> Path:
    """The same media in segments *count* times as long: `<rendition>/j000.ts` and so on."""
    whole, made = media(), BUILD / f"joined-{count}"
    if not made.exists():
        with locked(made.name):
            if not made.exists():
                part = made.with_suffix(".part")
                shutil.rmtree(part, ignore_errors=True)
                for name, *_ in RENDITIONS:
                    (part / name).mkdir(parents=True)
                    short = sorted((whole / name).glob("s*.ts"))
                    for number, at in enumerate(range(0, len(short), count)):
                        body = b"".join(one.read_bytes() for one in short[at : at + count])
                        (part / name / f"j{number:03d}.ts").write_bytes(body)
                part.rename(made)
    return made


def _encode(made: Path) -> None:
    part = made.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    chains = [
        f"[v{i}]scale={w}:{h},noise=alls=18:allf=t[o{i}]"
        for i, (_, w, h, _) in enumerate(RENDITIONS)
    ]
    split = f"[0:v]split={len(RENDITIONS)}" + "".join(f"[v{i}]" for i in range(len(RENDITIONS)))
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin"]
    command += ["-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=25:duration={MEDIA_S}"]
    command += ["-f", "lavfi", "-i", f"sine=frequency=330:duration={MEDIA_S}"]
    command += ["-filter_complex", ";".join([split, *chains])]
    for i, (_, _, _, rate) in enumerate(RENDITIONS):
        command += ["-map", f"[o{i}]", "-map", "1:a", f"-b:v:{i}", str(rate)]
        command += [f"-maxrate:v:{i}", str(rate), f"-bufsize:v:{i}", str(rate)]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "nal-hrd=cbr"]
    command += ["-force_key_frames", f"expr:gte(t,n_forced*{SEGMENT_S})", "-sc_threshold", "0"]
    command += ["-c:a", "aac", "-b:a", str(AUDIO_BPS), "-ac", "1"]
    command += ["-f", "hls", "-hls_time", str(SEGMENT_S), "-hls_playlist_type", "vod"]
    command += ["-hls_segment_filename", str(part / "%v" / "s%03d.ts")]
    command += ["-master_pl_name", "master.m3u8", "-var_stream_map"]
    command += [" ".join(f"v:{i},a:{i},name:{name}" for i, (name, *_) in enumerate(RENDITIONS))]
    command += [str(part / "%v" / "index.m3u8")]
    _run(command, "encoding the lab's media")
    part.rename(made)


def programs_needed() -> list[str]:
    """Names of programs that the lab needs and that are not here."""
    needed = ("ip", "unshare", "setpriv", "mount", "gcc", "nginx", "ffmpeg")
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    return [name for name in needed if shutil.which(name, path=path) is None]
