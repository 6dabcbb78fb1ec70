"""The emulator's own check: rate, queue, delay, loss, policing and outage against what was asked.

Measured from outside, with sockets of this process at both ends of a link; nothing that the
emulator counts is taken for the answer. Runs inside a world of its own: `python -m lab check`.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import select
import socket
import statistics
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab import isolation
from lab.emulator import Emulator

_CLONE_NEWNET = 0x40000000
_SO_RCVBUFFORCE = 33
_libc = ctypes.CDLL(None, use_errno=True)
_HEADERS_BYTES = 28  # IPv4 and UDP
_STAMP = struct.Struct("!Iq")


@contextmanager
def _in_namespace(name: str) -> Iterator[None]:
    """Sockets made in here belong to the namespace, and stay in it."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{name}") as there:
        if _libc.setns(there.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            if _libc.setns(home.fileno(), _CLONE_NEWNET):
                os._exit(1)  # in the wrong namespace nothing may go on


def _udp(ns: str, address: str, port: int) -> socket.socket:
    with _in_namespace(ns):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)
    except PermissionError:  # for the machine's root alone: as much as others may
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    made.bind((address, port))
    made.setblocking(False)
    return made


class Chain:
    """Namespaces n0 .. nN in a row, links l1 .. lN between them; n0 is the viewer's side."""

    def __init__(self, emulator: Emulator, links: int) -> None:
        self.emulator = emulator
        nodes = [f"n{i}" for i in range(links + 1)]
        _ip([f"netns add {node}" for node in nodes])
        for i in range(1, links + 1):
            emulator.link(f"l{i}", nodes[i - 1], f"l{i}a", nodes[i], f"l{i}b")
        self.near, self.far = "10.99.0.0", f"10.99.{links}.1"
        for i, node in enumerate(nodes):
            lines = ["link set lo up"]
            if i > 0:
                dev = f"l{i}b"
                lines += [f"link set {dev} addrgenmode none", f"link set {dev} up txqueuelen 4000"]
                lines += [f"addr add 10.99.{i}.1/32 dev {dev}"]
                lines += [f"route add 10.99.0.0/32 dev {dev} congctl cubic"]
            if i < links:
                dev = f"l{i + 1}a"
                lines += [f"link set {dev} addrgenmode none", f"link set {dev} up txqueuelen 4000"]
                lines += [f"addr add 10.99.{i}.0/32 dev {dev}"]
                lines += [f"route add {self.far}/32 dev {dev} congctl cubic"]
            _ip(lines, node)
            sysctl = ["ip", "netns", "exec", node, "sysctl", "-qw", "net.ipv4.ip_forward=1"]
            subprocess.run(sysctl, check=True)
        self.node_far = nodes[-1]
        self._port = 9000

    def pair(self) -> tuple[socket.socket, socket.socket, tuple[str, int]]:
        """(near socket, far socket, near address) of a fresh UDP flow."""
        self._port += 1
        near = _udp("n0", self.near, self._port)
        far = _udp(self.node_far, self.far, self._port)
        return near, far, (self.near, self._port)


def _ip(lines: list[str], ns: str | None = None) -> None:
    where = ["-n", ns] if ns else []
    subprocess.run(["ip", *where, "-batch", "-"], input="\n".join(lines), text=True, check=True)


def send_down(
    chain: Chain, packets: int, per_s: float, size_bytes: int = 1000, wait_s: float = 0.6
) -> list[tuple[int, float, float]]:
    """Send numbered datagrams from far to near; (number, one-way ms, arrival s) in order."""
    near, far, to = chain.pair()
    got: list[tuple[int, float, float]] = []

    def drain() -> None:
        while True:
            try:
                data = near.recv(2048)
            except BlockingIOError:
                return
            now_ns = time.monotonic_ns()
            number, sent_ns = _STAMP.unpack_from(data)
            got.append((number, (now_ns - sent_ns) / 1e6, now_ns / 1e9))

    filler = bytes(size_bytes - _HEADERS_BYTES - _STAMP.size)
    start = time.monotonic()
    for number in range(packets):
        due = start + number / per_s
        while (left := due - time.monotonic()) > 0:
            select.select([near], [], [], left)
            drain()
        far.sendto(_STAMP.pack(number, time.monotonic_ns()) + filler, to)
    end = time.monotonic() + wait_s
    while (left := end - time.monotonic()) > 0:
        if select.select([near], [], [], left)[0]:
            drain()
    near.close()
    far.close()
    return got


def tcp_down(chain: Chain, seconds: float, flows: int = 1) -> float:
    """Goodput of TCP (CUBIC) from far to near over the last two thirds, in bit/s."""
    chain._port += 1
    with _in_namespace("n0"):
        listener = socket.create_server((chain.near, chain._port))
    stop = threading.Event()

    def pump(sender: socket.socket) -> None:
        sender.settimeout(0.2)
        while not stop.is_set():
            try:
                sender.send(bytes(65536))
            except TimeoutError:
                continue  # the window is full: look whether to go on
            except OSError:
                return

    senders, readers = [], []
    for _ in range(flows):
        with _in_namespace(chain.node_far):
            sender = socket.create_connection((chain.near, chain._port), timeout=5)
        senders.append(sender)
        readers.append(listener.accept()[0])
        threading.Thread(target=pump, args=(sender,), daemon=True).start()
    begin = time.monotonic()
    count, since, last = 0, None, begin
    while (now := time.monotonic()) - begin < seconds:
        for reader in select.select(readers, [], [], 0.1)[0]:
            size = len(reader.recv(1 << 18))
            if now - begin > seconds / 3:
                if since is None:
                    since = now
                else:
                    count += size
                    last = time.monotonic()
    stop.set()
    for one in (*senders, *readers, listener):
        one.close()
    return count * 8 / (last - since) if since is not None and last > since else 0.0


def _median_ms(got: list[tuple[int, float, float]]) -> float:
    return round(statistics.median(ms for _, ms, _ in got), 3) if got else -1.0


def _longest_gaps(numbers: list[int]) -> float:
    """Mean length of the runs of lost packets."""
    gaps = [b - a - 1 for a, b in itertools.pairwise(numbers) if b - a > 1]
    return round(statistics.mean(gaps), 2) if gaps else 0.0


def one_link(emulator: Emulator) -> dict[str, Any]:
    """What one link does with each parameter."""
    chain = Chain(emulator, 1)
    found: dict[str, Any] = {}

    def ask(**values: float) -> None:
        base = {
            "rate_bps": 0, "delay_ms": 0, "jitter_ms": 0, "loss": 0, "to_bad": 0, "police_bps": 0,
            "codel": 0, "outage": 0, "queue_bytes": 200_000, "queue_packets": 0,
        }  # fmt: skip
        emulator.set("l1.down", **{**base, **values})

    ask(delay_ms=20)
    found["delay_ms"] = _median_ms(send_down(chain, 100, 200, 100))
    ask(delay_ms=10, jitter_ms=15)
    jittered = send_down(chain, 400, 800, 100)
    found["jitter_spread_ms"] = round(max(g[1] for g in jittered) - min(g[1] for g in jittered), 2)
    found["reordered"] = [g[0] for g in jittered] != sorted(g[0] for g in jittered)

    # 8 Mbit/s and a queue of 100 ms, flooded at twice the rate
    ask(rate_bps=8e6, delay_ms=5, queue_bytes=100_000)
    flooded = send_down(chain, 2400, 2000, 1000)
    late = flooded[len(flooded) // 2 :]
    found["flood_bps"] = round((len(late) - 1) * 8000 / (late[-1][2] - late[0][2]))
    found["full_queue_ms"] = _median_ms(late)
    found["tcp_bps"] = round(tcp_down(chain, 2.4))
    ask(rate_bps=8e6, queue_packets=50)  # of 1 ms each
    flooded = send_down(chain, 1200, 2000, 1000)
    found["counted_queue_ms"] = _median_ms(flooded[len(flooded) // 2 :])
    ask(rate_bps=8e6, delay_ms=5, queue_bytes=100_000)
    emulator.set("l1.down", rate_bps=2e6)
    found["tcp_slowed_bps"] = round(tcp_down(chain, 2.4))

    ask(loss=0.1)
    got = send_down(chain, 4000, 4000, 100)
    found["loss"] = round(1 - len(got) / 4000, 4)
    ask(to_bad=0.02, to_good=0.2, bad_loss=1.0)
    got = send_down(chain, 6000, 4000, 100)
    found["burst_loss"] = round(1 - len(got) / 6000, 4)
    found["burst_length"] = _longest_gaps([g[0] for g in got])

    ask(police_burst_bytes=20_000, police_bps=4e6)
    got = send_down(chain, 2000, 1000, 1000)  # 8 Mbit/s for two seconds
    found["policed_bps"] = round((len(got) - 20) * 8000 / 2.0)
    found["policed_queue_ms"] = _median_ms(got)

    ask(rate_bps=8e6, queue_bytes=400_000, codel=1, delay_ms=10)
    background = threading.Thread(target=tcp_down, args=(chain, 2.6))
    background.start()
    time.sleep(1.2)
    found["codel_ms"] = _median_ms(send_down(chain, 100, 100, 100, 0.3))
    background.join()

    ask(outage=1)
    found["outage_received"] = len(send_down(chain, 50, 500, 100, 0.2))
    ask(delay_ms=1)
    emulator.at(time.monotonic_ns() + 500_000_000, "l1.down", outage=1)
    got = send_down(chain, 1000, 1000, 100, 0.2)
    found["outage_from_s"] = round(len(got) / 1000, 3)
    ask(delay_ms=1)
    return found | _lane(emulator, chain)


def _lane(emulator: Emulator, chain: Chain) -> dict[str, Any]:
    """What takes the lane beside a link that loses nothing and has no limit of rate."""

    def received(packets: int, size_bytes: int, per_s: float = 1000) -> int:
        return len(send_down(chain, packets, per_s, size_bytes, 0.05))

    def ask(**values: float) -> None:
        base = {
            "rate_bps": 0, "loss": 0, "take_share": 0, "take_over_bytes": 0, "take_host": 0,
            "take_tcp": 0,
        }  # fmt: skip
        emulator.set("l1.lane_down", **{**base, **values})

    sender = int.from_bytes(socket.inet_aton(chain.far), "big")
    found: dict[str, Any] = {}
    ask(loss=1)
    found["lane_without_description"] = received(50, 100)
    ask(loss=1, take_over_bytes=500)
    found["lane_long"] = [received(50, 500), received(50, 501)]
    ask(loss=1, take_host=sender)
    found["lane_host"] = received(50, 100)
    ask(loss=1, take_host=sender + 1)
    found["lane_other_host"] = received(50, 100)
    ask(loss=1, take_tcp=1)
    found["lane_tcp"] = received(50, 100)
    ask(loss=1, take_share=0.5)
    found["lane_flows"] = [received(3, 100) for _ in range(48)]
    ask(rate_bps=2e6, queue_bytes=20_000, take_host=sender, take_tcp=1)
    found["lane_tcp_bps"] = round(tcp_down(chain, 2.4))
    ask()
    return found


def six_links(emulator: Emulator) -> dict[str, Any]:
    """How much a chain of six carries, and how late the emulator is at a third of that.

    At what just fits, lateness says how busy the computer is otherwise, not what the emulator does.
    So it does at a third of it, where neighbours on the machine take their share: they only ever
    add to it, so that the least of a few measurements is nearest to what is the emulator's own.
    """
    chain = Chain(emulator, 6)

    def carried_bps(rate_bps: float) -> int:
        for i in range(1, 7):
            emulator.set(f"l{i}.both", rate_bps=rate_bps, delay_ms=2, queue_bytes=750_000)
        emulator.reset()
        return round(tcp_down(chain, 2.4))

    most_bps = carried_bps(120e6)
    tries = []
    for _ in range(3):
        tries.append({"tcp_third_bps": carried_bps(40e6), **emulator.report()})
        del tries[-1]["links"]
    least = min(tries, key=lambda one: float(one["release_late_p99_ms"]))
    return {"tcp_bps": most_bps, **least}


def carry_out() -> dict[str, Any]:
    """All of it; call inside a world of its own."""
    isolation.prepare()
    with Emulator(7) as emulator:
        one = one_link(emulator)
    for node in ("n0", "n1"):
        subprocess.run(["ip", "netns", "del", node], check=True)
    with Emulator(7) as emulator:
        six = six_links(emulator)
    return {"one_link": one, "six_links": six}
