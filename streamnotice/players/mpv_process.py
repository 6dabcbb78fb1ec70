"""Starts an mpv that only this process can talk to, and ends it for sure.

mpv gets one end of a socket pair (`--input-ipc-client`), so there is no socket in the file system
that others could open (the IPC can run programs) and no folder to clean up. mpv quits by itself
when the pair is closed, which the kernel does however this process ends: no orphans.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from typing import Final

from streamnotice.errors import MediaError
from streamnotice.players.mpv_ipc import Message, MpvIpc

PATIENCE_S: Final = 2.0
"""Time for each of the three ways to end it: asking, SIGTERM, SIGKILL."""


async def launch(
    command: Sequence[str], on_event: Callable[[Message], None]
) -> tuple[asyncio.subprocess.Process, MpvIpc]:
    """Start mpv by *command* and talk to it.

    Raises:
        MediaError: it can't be started.
    """
    ours, theirs = socket.socketpair()
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            f"--input-ipc-client=fd://{theirs.fileno()}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env=_environment(),
            start_new_session=True,  # a terminal's Ctrl-C is ours to handle, in order
        )
    except OSError as error:
        ours.close()
        raise MediaError(f"mpv can't be started: {error.strerror or error}") from None
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    try:
        ours.setblocking(False)
        return process, await MpvIpc.over(ours, on_event)
    except BaseException:
        ours.close()
        _send(process, "kill")
        raise


async def stop(process: asyncio.subprocess.Process, ipc: MpvIpc) -> None:
    """End mpv: ask, then tell, then kill. It is gone afterwards, even if this is cancelled."""
    ending = asyncio.create_task(_end(process, ipc), name="streamnotice-mpv-stop")
    try:
        await asyncio.shield(ending)
    except asyncio.CancelledError:
        _send(process, "kill")
        raise


async def _end(process: asyncio.subprocess.Process, ipc: MpvIpc) -> None:
    if process.returncode is None:
        ipc.start(["quit"])
    ipc.close()
    for signal in ("", "terminate", "kill"):
        _send(process, signal)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await process.wait()
                return
        except TimeoutError:
            continue
    await process.wait()


def _send(process: asyncio.subprocess.Process, signal: str) -> None:
    if not signal or process.returncode is not None:
        return
    try:
        process.kill() if signal == "kill" else process.terminate()
    except ProcessLookupError:
        return


def _environment() -> dict[str, str]:
    """Ours, but that no HTTP proxy stands between mpv and loopback."""
    env = dict(os.environ)
    kept = env.get("no_proxy") or env.get("NO_PROXY")
    env["no_proxy"] = env["NO_PROXY"] = f"127.0.0.1,{kept}" if kept else "127.0.0.1"
    return env
