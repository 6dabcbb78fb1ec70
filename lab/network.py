"""Making a plan real: namespaces, devices, addresses, routes. Call inside a run's own world."""

from __future__ import annotations

import json
import subprocess
from collections import deque
from typing import Any

from lab import build, rootless
from lab.emulator import Emulator
from lab.errors import LabError
from lab.six import HOME_GATEWAY, icmp_limits_ms, is_ipv6
from lab.topology import Plan, neighbours

# Hosts that send in bulk: their routes carry the congestion control (a namespace's default can't
# be set to one outside the machine's allowed list, a route's can).
_OWN_CONGESTION = ("edge", "origin")
_ICMP_TABLE = "100"
# Links that only packets for the viewer take, from the far end of "inter" on.
_BACK = ("back", "backx")
_TUNNEL_PORT = "51820"
_TUNNEL_MTU = 1400
_SPLIT_PORT = "7700"


# Before any device is there: addresses serve at once, and nobody asks for routers.
_QUIET_IPV6 = {"disable_ipv6": 0, "accept_dad": 0, "accept_ra": 0, "router_solicitations": 0}


def _ip(lines: list[str], ns: str | None = None, *options: str) -> None:
    """Run `ip -batch`; LabError with ip's own words if a line fails."""
    where = [*options, *(["-n", ns] if ns else [])]
    done = subprocess.run(
        ["ip", *where, "-batch", "-"],
        input="\n".join(lines) + "\n", capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise LabError(f"ip in {ns or 'the run'}: {done.stderr.strip()}")


class Net:
    """A plan's namespaces and links, alive."""

    def __init__(self, plan: Plan, emulator: Emulator) -> None:
        self.plan = plan
        self.emulator = emulator
        self._six = is_ipv6(plan)
        self._bits = 128 if self._six else 32
        self._icmp = "ipv6-icmp" if self._six else "icmp"
        self._at_once = " nodad" if self._six else ""
        self._build()

    def _build(self) -> None:
        plan = self.plan
        rootless.check_congestion(plan.congestion)
        _ip([f"netns add {node}" for node in plan.nodes])
        if self._six:
            for node in plan.nodes:
                self._sysctl(node, {f"conf.default.{k}": v for k, v in _QUIET_IPV6.items()})
        for link in plan.links:
            self.emulator.link(link.name, link.near, f"{link.name}0", link.far, f"{link.name}1")
            for way, bps in (("up", link.up_bps), ("down", link.down_bps)):
                self.emulator.set(
                    f"{link.name}.{way}",
                    rate_bps=bps, queue_ms=link.queue_ms, delay_ms=link.delay_ms,
                    jitter_ms=link.jitter_ms, codel=int(link.codel),
                )  # fmt: skip
        if plan.neighbour_ip:
            self.emulator.share(
                "access", "neighbour", "access2", f"{plan.neighbour_ip}/{self._bits}"
            )
        for node, late_ms in plan.slow_icmp:
            self.emulator.link(f"cpu-{node}", node, "cpu0", node, "cpu1")
            self.emulator.set(f"cpu-{node}.up", delay_ms=late_ms, jitter_ms=late_ms / 2)
        _ip(
            [
                f"link add {c.name}0 netns {c.near} type veth peer name {c.name}1 netns {c.far}"
                for c in plan.cables
            ]
        )
        for node in plan.nodes:  # before addresses are given: a router has more than a host
            if node not in ("viewer", "device", "refa", "refb"):
                self._sysctl(node, {"conf.all.forwarding" if self._six else "ip_forward": 1})
        if self._six:
            for node, limit_ms in icmp_limits_ms(plan).items():
                self._sysctl(node, {"icmp.ratelimit": limit_ms})
        # as distributions ship it (systemd); a new namespace lets nobody ping
        groups = "0 0" if rootless.entered() else "0 2147483647"  # there is but one, the user's
        self.run("viewer", ["sysctl", "-qw", f"net.ipv4.ping_group_range={groups}"])
        for node, lines in self._settings().items():
            _ip(lines, node, *(["-6"] if self._six else []))
        self._raise_tunnel()
        self._split()
        self._translate()
        if not self._six:
            for node, _ in plan.slow_icmp:
                # The late answers come back in by cpu1 with the router's own address as source.
                self._sysctl(node, {"conf.cpu1.accept_local": 1})

    def _sysctl(self, node: str, values: dict[str, int]) -> None:
        tree = "net.ipv6" if self._six else "net.ipv4"
        self.run(node, ["sysctl", "-qw", *(f"{tree}.{name}={v}" for name, v in values.items())])

    def _raise_tunnel(self) -> None:
        """A VPN as its clients set it up: all into the tunnel, but the tunnel's own packets."""
        plan = self.plan
        if plan.tunnel is None:
            return
        inside, inside_server = plan.tunnel
        server = plan.addresses["vpn"]
        program = str(build.program("tunnel"))
        for node, ends in (("vpn", [server]), ("viewer", [plan.viewer_ip])):
            peer = [server] if node == "viewer" else []
            self.serve(node, [program, "vpn0", *ends, _TUNNEL_PORT, *peer], "the tunnel's end")
        up = ["link set vpn0 addrgenmode none", f"link set vpn0 mtu {_TUNNEL_MTU} up"]
        _ip([*up, f"addr add {inside_server}/24 dev vpn0"], "vpn")
        first = next(a for a in plan.adjacencies if a.near == "viewer")
        _ip(
            [
                *up,
                f"addr add {inside}/32 dev vpn0",
                f"route add {server}/32 via {first.far_ip} dev {first.name}0 src {plan.viewer_ip}",
                f"route replace default dev vpn0 src {inside} congctl cubic",
            ],
            "viewer",
        )

    def _split(self) -> None:
        """TCP ends at a router, as behind satellite modems and in some firms."""
        node = self.plan.split_at
        if node is None:
            return
        self.serve(node, [str(build.program("split")), _SPLIT_PORT], "the middlebox")
        lan = next(k for k in self.plan.links if k.far == node)
        rules = [
            "add table ip middle",
            "add chain ip middle in { type nat hook prerouting priority -100; }",
            f"add rule ip middle in iifname {lan.name}1 ip saddr {self.plan.viewer_ip} "
            f"ip daddr != {lan.far_ip} tcp dport 80 redirect to :{_SPLIT_PORT}",
        ]
        self.run(node, ["nft", "; ".join(rules)])

    def _translate(self) -> None:
        """One address for all of a home, as nearly every home router has it."""
        for name in self.plan.translators:
            rules = [
                "add table ip home",
                "add chain ip home out { type nat hook postrouting priority 100; }",
                f"add rule ip home out oifname {name}0 ip saddr != {self.plan.link(name).near_ip} "
                "counter masquerade",
            ]
            self.run(self.plan.link(name).near, ["nft", "; ".join(rules)])

    def translated(self) -> int:
        """How many connections from within the home got another address."""
        count = 0
        for name in self.plan.translators:
            said = self.run(self.plan.link(name).near, ["nft", "-j", "list", "table", "ip", "home"])
            for row in json.loads(said)["nftables"]:
                for part in row.get("rule", {}).get("expr", ()):
                    count += part["counter"]["packets"] if "counter" in part else 0
        return count

    def _settings(self) -> dict[str, list[str]]:
        """Per node: links up, addresses, routes, manners."""
        plan = self.plan
        lines: dict[str, list[str]] = {node: ["link set lo up"] for node in plan.nodes}
        peers: dict[str, list[tuple[str, str, str]]] = {node: [] for node in plan.nodes}
        owned: dict[str, str] = {}  # address -> node
        lan_bits = 64 if self._six else 24
        for node, dev, peer, peer_ip, own_ip in neighbours(plan):
            veth = any(dev[:-1] == c.name for c in plan.cables)
            at_home = plan.home_ip and node == "viewer"
            bits = lan_bits if at_home else self._bits
            if not (veth and self._six):  # neighbours are found from link-local addresses
                # No IPv6 chatter: what the emulator counts is what the run sent.
                lines[node].append(f"link set {dev} addrgenmode none")
            lines[node] += [
                f"link set {dev} up" + (" gso_max_segs 4" if veth else " txqueuelen 4000"),
                f"addr add {own_ip}/{bits} dev {dev}{self._at_once}",
                f"route add {peer_ip}/{self._bits} dev {dev} src {own_ip}",
            ]
            if node == "rt" or dev[:-1] not in _BACK:
                peers[node].append((peer, dev, peer_ip))
            owned[own_ip] = node
        by_local = self._six and plan.home_ip is not None
        if by_local:
            lines["home"].append(f"addr add {HOME_GATEWAY}/64 dev wifi1 nodad")
        if plan.tunnel is not None:
            owned[plan.tunnel[0]] = "vpn"  # for all others, whatever is in the tunnel is there
        if plan.neighbour_ip:
            lines["neighbour"] += [
                "link set access2 addrgenmode none",
                "link set access2 up txqueuelen 4000",
                f"addr add {plan.neighbour_ip}/{self._bits} dev access2{self._at_once}",
                "route add default dev access2",
            ]
            lines["p1"].append(f"route add {plan.neighbour_ip}/{self._bits} dev access1")
        for node in plan.nodes:
            if node == "neighbour":
                continue
            first = self._first_steps(node, peers)
            toward = self._default_step(node, peers)
            control = plan.congestion if node in _OWN_CONGESTION else "cubic"
            if toward:
                gateway = HOME_GATEWAY if by_local and node == "viewer" else toward[2]
                by = f"via {gateway} dev {toward[1]}"
                lines[node].append(f"route add default {by} congctl {control}")
            for address, owner in sorted(owned.items()):
                step = first.get(owner)
                if owner == node or step is None or step == toward or step[2] == address:
                    continue
                if plan.has("back") and node == plan.link("backx").far and owner == plan.seen_as:
                    step = ("rt", "backx1", plan.link("backx").near_ip)
                lines[node].append(
                    f"route add {address}/{self._bits} via {step[2]} dev {step[1]} "
                    f"congctl {control}"
                )
            if plan.neighbour_ip and node != "p1":
                step = first.get("p1")
                if step and step != toward:
                    by = f"via {step[2]} dev {step[1]} congctl {control}"
                    lines[node].append(f"route add {plan.neighbour_ip}/{self._bits} {by}")
        for node in plan.silent:
            # Only what the router itself sends (it comes from "lo"), not what it forwards.
            lines[node].append(f"rule add iif lo ipproto {self._icmp} blackhole")
        for node, _ in plan.slow_icmp:
            inbound = next(k.far_ip for k in plan.links if k.far == node)
            lines[node] += [
                "link set cpu0 addrgenmode none", "link set cpu1 addrgenmode none",
                "link set cpu0 up", "link set cpu1 up",
                f"rule add iif lo ipproto {self._icmp} lookup {_ICMP_TABLE}",
                # One more hop limit for the detour through the router itself.
                f"route add default dev cpu0 src {inbound} hoplimit 65 table {_ICMP_TABLE}",
            ]  # fmt: skip
        return lines

    @staticmethod
    def _first_steps(
        start: str, peers: dict[str, list[tuple[str, str, str]]]
    ) -> dict[str, tuple[str, str, str]]:
        """For every other node the adjacency by which *start* reaches it (the peers are a tree)."""
        found: dict[str, tuple[str, str, str]] = {}
        waiting = deque((peer[0], peer) for peer in peers[start])
        while waiting:
            node, by = waiting.popleft()
            if node == start or node in found:
                continue
            found[node] = by
            waiting.extend((peer[0], by) for peer in peers[node])
        return found

    def _default_step(
        self, node: str, peers: dict[str, list[tuple[str, str, str]]]
    ) -> tuple[str, str, str] | None:
        """Leaves and the home side route everything one way; the core knows every address."""
        if len(peers[node]) == 1:
            return peers[node][0]
        if node in ("home", "outer"):
            return next(peer for peer in peers[node] if peer[0] in ("p1", "outer"))
        return None

    # -- using it

    def command(self, node: str, command: list[str]) -> list[str]:
        """*command*, to be run in *node*."""
        return ["ip", "netns", "exec", node, *command]

    def run(self, node: str, command: list[str]) -> str:
        """Run to the end in *node*; its standard output. LabError if it fails."""
        done = subprocess.run(
            self.command(node, command), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise LabError(f"{command[0]} in {node}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def start(self, node: str, command: list[str], **options: Any) -> subprocess.Popen[Any]:
        """Start in *node*, to be ended by the caller (or with the run's world)."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.DEVNULL)
        return subprocess.Popen(self.command(node, command), **options)

    def serve(
        self, node: str, command: list[str], what: str, **options: Any
    ) -> subprocess.Popen[Any]:
        """`start` what says by a line that it is ready, and wait for it; LabError if it ends."""
        process = self.start(node, command, stdout=subprocess.PIPE, **options)
        assert process.stdout is not None
        if not process.stdout.readline():
            raise LabError(f"{what} in {node} did not start")
        return process

    def unread_drops(self) -> int:
        """Packets that a device dropped because the emulator read too slowly."""
        dropped = 0
        for node in self.plan.nodes:
            for line in self.run(node, ["cat", "/proc/net/dev"]).splitlines()[2:]:
                name, _, counts = line.partition(":")
                if any(name.strip() in (f"{k.name}0", f"{k.name}1") for k in self.plan.links):
                    dropped += int(counts.split()[11])
        return dropped
