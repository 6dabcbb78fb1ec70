"""The path sensor across real routers: namespaces of our own, run there as an ordinary user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from streamnotice.observations import HopProbe, RoundTrip, Route
from streamnotice.path.rounds import Paths

ROOT = Path(__file__).parents[2]

# viewer -- home router -- access router -- server, joined by virtual cables. ICMP limits are
# the kernel's own; the server drops UDP's answers and the access router falls silent on demand.
SETUP = """\
set -e
for n in home access server; do
  ip netns add $n; ip -n $n link set lo up
  # no waiting until addresses are known to be nobody else's
  ip netns exec $n sysctl -qw net.ipv6.conf.default.accept_dad=0
done
sysctl -qw net.ipv6.conf.default.accept_dad=0
ip link set lo up
ip link add up0 type veth peer name down0 netns home
ip -n home link add up0 type veth peer name down0 netns access
ip -n access link add up0 type veth peer name down0 netns server
ip addr add 192.168.7.2/24 dev up0; ip link set up0 up
ip -n home addr add 192.168.7.1/24 dev down0; ip -n home link set down0 up
ip -n home addr add 203.0.113.2/30 dev up0; ip -n home link set up0 up
ip -n access addr add 203.0.113.1/30 dev down0; ip -n access link set down0 up
ip -n access addr add 198.51.100.1/24 dev up0; ip -n access link set up0 up
ip -n server addr add 198.51.100.2/24 dev down0; ip -n server link set down0 up
for n in home access; do ip netns exec $n sysctl -qw net.ipv4.ip_forward=1; done
ip route add default via 192.168.7.1
ip -n home route add default via 203.0.113.1
ip -n access route add 192.168.7.0/24 via 203.0.113.2
ip -n server route add default via 198.51.100.1
# The same by IPv6, as homes have it: a prefix that the provider delegates, a gateway known by its
# link-local address alone.
for n in home access; do
  ip netns exec $n sysctl -qw net.ipv6.conf.all.forwarding=1
done
ip -n home addr add fe80::1/64 dev down0 nodad
ip -n home addr add 2001:db8:700:1::1/64 dev down0 nodad
ip -n home addr add 2001:db8:a::2/64 dev up0 nodad
ip -n access addr add 2001:db8:a::1/64 dev down0 nodad
ip -n access addr add 2001:db8:8000::1/64 dev up0 nodad
ip -n server addr add 2001:db8:8000::2/64 dev down0 nodad
ip addr add 2001:db8:700:1::2/64 dev up0 nodad
ip -6 route add default via fe80::1 dev up0
ip -n home -6 route add default via 2001:db8:a::1
ip -n access -6 route add 2001:db8:700::/56 via 2001:db8:a::2
ip -n server -6 route add default via 2001:db8:8000::1
"""

ACCEPTS = """\
import socket
s = socket.create_server(("::", {port}), family=socket.AF_INET6, dualstack_ipv6=True)
print("up", flush=True)
while True: s.accept()[0].close()
"""

FAR_ENDS = {4: "198.51.100.2", 6: "2001:db8:8000::2"}

VIEWER = """\
import asyncio, json, os, sys
import attrs
from streamnotice.path.networks import parse_networks
from streamnotice.policy import Policy
from streamnotice.sensors.first_hop import FirstHopSensor
from streamnotice.sensors.path import PathSensor
from streamnotice.sensors.underlay import UnderlaySensor
from streamnotice.session import Session
import codecs, concurrent.futures.thread, encodings.idna
codecs.lookup("ascii")  # nobody may be unable to read the interpreter's own files
os.setgroups([]); os.setgid(65534); os.setuid(65534)  # nobody: no privileges from here on
table = parse_networks(
    ["192.168.7.0/24,0", "203.0.113.0/24,64500,P", "198.51.100.0/24,64501,S",
     "2001:db8::/33,64500,P", "2001:db8:8000::/33,64501,S"])
async def main():
    seen = []
    session = Session(Policy(probes={"path"}), seen.append)
    session.intensity = "suspect"
    session.suspects = json.loads(sys.argv[5])
    session.long_pings_missing = sys.argv[6] == "missing"
    sensor = {"path": PathSensor, "underlay": UnderlaySensor, "first-hop": FirstHopSensor}[
        sys.argv[3]]
    task = asyncio.create_task(sensor(table).run(session))
    session.target("service", "media.example", 8080, address=sys.argv[2])
    want = json.loads(sys.argv[1])
    await asyncio.sleep(float(sys.argv[4]))
    async with asyncio.timeout(25):
        while True:
            kinds = [o.kind + ":" + getattr(o, "outcome", "") + ":" + getattr(o, "method", "")
                     for o in seen]
            if all(kinds.count(k) >= n for k, n in want.items()):
                break
            await asyncio.sleep(0.05)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    print(json.dumps([{"kind": o.kind, **attrs.asdict(o)} for o in seen]))
asyncio.run(main())
"""

WATCHED = """\
import asyncio, json, os, sys
import attrs
from streamnotice import Policy, Watcher
from streamnotice.path.networks import parse_networks
table = parse_networks(
    ["192.168.7.0/24,0", "203.0.113.0/24,64500,P", "198.51.100.0/24,64501,S"])
async def main():
    kept = []
    async with Watcher(policy=Policy(probes={"path"}), networks=table, baselines=sys.argv[1],
                       on_dossier=kept.append) as w:
        w.session.target("service", "media.example", 8080, address="198.51.100.2")
        for turn in range(int(float(sys.argv[2]) * 4)):
            w.playback(state="playing", buffer_s=20, position_s=turn / 4, wants_data=False)
            w.session.intensity = "watch"
            await asyncio.sleep(0.25)
    lines = [json.loads(line) for line in kept[0]]
    print(json.dumps([line for line in lines if "stored-baseline" in json.dumps(line)]))
asyncio.run(main())
"""


def _worlds() -> str | None:
    """Why there can be no namespaces here, None if there can."""
    if sys.platform != "linux":
        return "elsewhere: namespaces are Linux's"
    if os.geteuid() != 0:
        return "elsewhere: namespaces need root"
    tried = subprocess.run(["unshare", "-n", "-m", "true"], capture_output=True, check=False)
    return None if tried.returncode == 0 else "elsewhere: the machine permits no namespaces"


class World:
    """A process that holds namespaces of its own; nothing of it outlives the test."""

    def __init__(self) -> None:
        script = (
            "mount --make-rprivate / && mkdir -p /run/netns && mount -t tmpfs none /run/netns && "
            "mount -t sysfs none /sys && echo ready && exec cat"
        )
        self._holder = subprocess.Popen(
            ["unshare", "-n", "-m", "bash", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n"
        self._servers: list[subprocess.Popen[str]] = []

    def inside(self, *command: str) -> list[str]:
        return ["nsenter", "-t", str(self._holder.pid), "-n", "-m", *command]

    def sh(self, script: str) -> None:
        subprocess.run(self.inside("bash", "-c", script), check=True, timeout=30)

    def serve(self) -> None:
        """A listening port at the server; handshakes need nothing more."""
        self.start_server(ACCEPTS.format(port=8080))

    def start(self, *command: str) -> IO[str]:
        """A program that runs until the world ends; what it says."""
        started = subprocess.Popen(
            self.inside(*command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._servers.append(started)
        assert started.stdout is not None
        return started.stdout

    def start_server(self, code: str, node: str = "server") -> None:
        """A Python program at the server, or another node, that prints "up" when it is."""
        said = self.start("ip", "netns", "exec", node, sys.executable, "-c", code)
        assert said.readline() == "up\n"

    def view(
        self,
        want: dict[str, int],
        by: int = 4,
        *,
        towards: str | None = None,
        sensor: str = "path",
        least_s: float = 0.0,
        suspects: dict[str, int] | None = None,
        missing: bool = False,
    ) -> list[dict[str, Any]]:
        """Run the sensor as nobody until it has seen as many of each kind as wanted."""
        done = subprocess.run(
            self.inside(
                sys.executable,
                "-c",
                VIEWER,
                json.dumps(want),
                towards or FAR_ENDS[by],
                sensor,
                str(least_s),
                json.dumps(suspects or {}),
                "missing" if missing else "",
            ),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        seen: list[dict[str, Any]] = json.loads(done.stdout)
        return seen

    def _count(self, node: str, protocol: str, name: str) -> int:
        """A counter of the kernel's at *node* (`/proc/net/snmp`)."""
        told = subprocess.run(
            self.inside("ip", "netns", "exec", node, "cat", "/proc/net/snmp"),
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        names, values = (
            line.split() for line in told.splitlines() if line.startswith(f"{protocol}: ")
        )
        return int(values[names.index(name)])

    def forwarded(self) -> int:
        """Packets that the home router has passed on, by IPv4."""
        return self._count("home", "Ip", "ForwDatagrams")

    def sent_to_router(self) -> int:
        """Pings that the home router itself has got."""
        return self._count("home", "Icmp", "InEchos")

    def watch(self, baselines: Path, seconds: float) -> str:
        """Run a Watcher; the record's lines that tell of stored baselines."""
        done = subprocess.run(
            self.inside(sys.executable, "-c", WATCHED, str(baselines), str(seconds)),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert "failed" not in done.stderr
        return done.stdout

    def close(self) -> None:
        for process in (*self._servers, self._holder):
            process.kill()
            process.communicate()  # which closes its pipes


@pytest.fixture
def world() -> Iterator[World]:
    why_not = _worlds()
    if why_not is not None:
        pytest.skip(why_not)
    world = World()
    try:
        world.sh(SETUP)
        world.serve()
        yield world
    finally:
        world.close()


def _routes(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [o for o in seen if o["kind"] == "route"]


both = pytest.mark.parametrize("by", [4, 6])


@both
@pytest.mark.needs("ip", "unshare", "nsenter", "mount")
def test_hops_answer_an_ordinary_user_at_default_limits(world: World, by: int) -> None:
    seen = world.view(
        {"hop-probe:ttl_exceeded:udp": 8, "hop-probe:reached:udp": 4,
         "hop-probe:ttl_exceeded:tcp": 1, "round-trip::": 2}, by
    )  # fmt: skip
    (route,) = _routes(seen)
    # by IPv6 the home has addresses of its provider: that they are its own, its own link says
    why = "table" if by == 4 else "addresses+table"
    assert (len(route["hops"]), route["complete"], route["why"]) == (3, True, why)
    assert route["segments"] == ["network.home.wifi", "network.isp.access", "network.interconnect"]
    probes = [o for o in seen if o["kind"] == "hop-probe"]
    lost = [o for o in probes if o["outcome"] == "lost"]
    assert len(lost) <= len(probes) // 10  # the pace suits routers that answer once a second
    assert {o["return_hops"] for o in probes if o["method"] == "udp" and o["rtt_ns"]} == {0, 1, 2}
    assert all(o["failure"] is None for o in seen if o["kind"] == "round-trip")


@both
@pytest.mark.needs("ip", "unshare", "nsenter", "mount")
def test_a_far_end_that_drops_udp_behind_a_silent_router(world: World, by: int) -> None:
    what = f"-{by} rule add iif lo ipproto {'icmp' if by == 4 else 'ipv6-icmp'} prio 10 blackhole"
    world.sh(f"ip -n server {what}; ip -n access {what}")
    seen = world.view({"route::": 2, "round-trip::": 1, "hop-probe:ttl_exceeded:udp": 2}, by)
    early, route = _routes(seen)
    assert (len(early["hops"]), early["complete"]) == (1, False), "as far as it is known, at once"
    assert route["complete"]
    assert len(route["hops"]) == 3  # as long as it is, though two of three are silent to UDP
    assert route["hops"][1] is None
    assert route["hops"][2] is not None
    assert route["segments"] == ["network.home.wifi", None, None]


@pytest.mark.needs("ip", "unshare", "nsenter", "mount", "nft")
def test_a_box_at_home_that_answers_for_a_far_end_that_is_cut_off_is_found_out(
    world: World,
) -> None:
    """Its answers are not taken for a way that is whole, nor for a server that is there."""
    rules = (
        "add table ip box; "
        "add chain ip box in { type nat hook prerouting priority -100; }; "
        "add rule ip box in iifname down0 tcp dport 8080 redirect to :8081"
    )
    world.start_server(ACCEPTS.format(port=8081), node="home")
    cut = (
        "add table ip cut; add chain ip cut f { type filter hook forward priority 0; policy drop; }"
    )
    world.sh(f"ip netns exec home nft '{rules}'; ip netns exec access nft '{cut}'")
    seen = world.view({"hop-probe:reached:tcp": 2, "round-trip::": 2})
    assert {o["ttl"] for o in seen if o["kind"] == "hop-probe" and o["method"] == "tcp"} == {1}
    assert [r["complete"] for r in _routes(seen)] == [False]
    paths = Paths()
    for one in seen:
        told = {name: value for name, value in one.items() if name not in ("kind", "at_ns")}
        if one["kind"] == "route":
            paths.route(Route(one["at_ns"], **{**told, "hops": tuple(told["hops"]),
                                               "segments": tuple(told["segments"])}))  # fmt: skip
        elif one["kind"] == "hop-probe":
            paths.probe(HopProbe(one["at_ns"], **told))
        elif one["kind"] == "round-trip":
            paths.round_trip(RoundTrip(one["at_ns"], **told))
    assert paths.ended_near()


@both
@pytest.mark.needs("ip", "unshare", "nsenter", "mount")
def test_a_cut_link_is_an_outcome(world: World, by: int) -> None:
    world.sh("ip -n access link set up0 down")
    began = time.monotonic()
    seen = world.view({"round-trip::": 1, "hop-probe:ttl_exceeded:udp": 2}, by)
    assert time.monotonic() - began < 40
    trips = [o for o in seen if o["kind"] == "round-trip"]
    assert trips[0]["failure"] in ("unreachable", "timeout")
    assert not any(route["complete"] for route in _routes(seen))
    world.sh("ip link set up0 down")
    seen = world.view({"hop-probe:error:udp": 1}, by)
    assert all(o["outcome"] == "error" for o in seen if o["kind"] == "hop-probe")


@pytest.mark.needs("ip", "unshare", "nsenter", "mount")
def test_where_nobody_answers_the_first_router_is_asked_again_and_again(world: World) -> None:
    world.sh("ip neigh replace 192.168.7.1 lladdr 02:00:00:00:00:01 dev up0")
    seen = world.view({"hop-probe:lost:udp": 8}, 4)
    assert [o["ttl"] for o in seen if o["kind"] == "hop-probe"][:8] == [1, 2, 3, 4] * 2
    assert not _routes(seen)


@pytest.mark.needs("ip", "unshare", "nsenter", "mount")
def test_a_home_router_that_answers_from_its_address_outside(world: World) -> None:
    """And seldom: one answer a second for each asker is as few as Linux ever gave."""
    world.sh(
        "ip netns exec home sysctl -qw net.ipv6.icmp.ratelimit=1000; "
        # what it is known by outside: nothing on the viewer's link but the link-local address
        "ip -n home addr del 2001:db8:700:1::1/64 dev down0; "
        "ip -n home -6 route add 2001:db8:700:1::2/128 dev down0"
    )
    seen = world.view({"hop-probe:ttl_exceeded:udp": 8, "hop-probe:reached:udp": 4}, 6)
    (route,) = _routes(seen)
    assert route["complete"]
    # from its address on the provider's side it could be the provider's own first router
    assert route["segments"][0] == "network.home.wifi|network.isp.access"
    probes = [o for o in seen if o["kind"] == "hop-probe"]
    assert len([o for o in probes if o["outcome"] == "lost"]) <= len(probes) // 10


NEW_ADDRESS = {
    4: "ip addr del 192.168.7.2/24 dev up0; ip addr add 192.168.7.77/24 dev up0; "
    "ip route add default via 192.168.7.1",
    6: "ip addr add 2001:db8:700:1::77/64 dev up0 nodad; ip addr del 2001:db8:700:1::2/64 dev up0",
}


@both
@pytest.mark.needs("ip", "unshare", "nsenter", "mount")
def test_a_new_address_of_this_computer_does_not_end_it(world: World, by: int) -> None:
    change = threading.Timer(4.0, world.sh, [NEW_ADDRESS[by]])
    change.start()
    try:
        # more than the first seconds give
        seen = world.view({"hop-probe:ttl_exceeded:udp": 18, "hop-probe:reached:udp": 9}, by)
    finally:
        change.join()
    assert all(route["complete"] for route in _routes(seen))
    probes = [o for o in seen if o["kind"] == "hop-probe"]
    assert len([o for o in probes if o["outcome"] in ("lost", "error")]) <= 5


SNIFF = """\
import json, socket, struct, sys, time
heard = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD))
heard.bind(("down0", 0)); heard.settimeout(0.2)
print("up", flush=True)
flows, until = {}, time.monotonic() + 15
while time.monotonic() < until:
    try: packet, sender = heard.recvfrom(2048)
    except TimeoutError: continue
    if sender[2] == 4 or packet[6] != 17: continue  # outgoing, or no UDP
    label = struct.unpack_from("!I", packet)[0] & 0xFFFFF
    ports = struct.unpack_from("!HH", packet, 40)
    flows.setdefault(str(ports), []).append([label, packet[7]])
    if sum(map(len, flows.values())) >= 10: break
print(json.dumps(flows))
"""


@pytest.mark.needs("ip", "unshare", "nsenter", "mount")
def test_one_flow_has_one_label(world: World) -> None:
    """Routers that spread flows by IPv6's flow label send all probes of one the same way."""
    listener = subprocess.Popen(
        world.inside("ip", "netns", "exec", "home", sys.executable, "-c", SNIFF),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert listener.stdout is not None
    assert listener.stdout.readline() == "up\n"
    world.view({"hop-probe:ttl_exceeded:udp": 6, "hop-probe:reached:udp": 3}, 6)
    told, _ = listener.communicate(timeout=30)
    ((_, packets),) = json.loads(told).items()  # one five-tuple
    assert len({label for label, _ in packets}) == 1
    assert {limit for _, limit in packets} >= {1, 2, 3}


@pytest.mark.needs("ip", "unshare", "nsenter", "mount")
def test_a_session_knows_what_was_normal_here(world: World, tmp_path: Path) -> None:
    file = tmp_path / "baselines.json"
    assert "stored-baseline" not in world.watch(file, 17)
    kept = json.loads(file.read_text(encoding="ascii"))
    (places,) = kept["networks"].values()
    assert {"network.home.wifi", "network.isp.access"} < set(places)
    assert any(place.startswith("far end ") for place in places)
    assert "198.51" not in file.read_text(encoding="ascii")
    told = world.watch(file, 3)
    assert '"network.isp.access"' in told
    assert '"far end"' in told
    # another router in its place: another network, of which nothing is known
    world.sh("ip -n home link set down0 address 02:00:00:00:00:77; ip neigh flush dev up0")
    assert "stored-baseline" not in world.watch(file, 3)


# All goes into the tunnel but what goes to its server, as VPN clients leave it.
TUNNEL = """\
set -e
ip tuntap add tun0 mode tun; ip addr add 10.8.0.2/32 dev tun0; ip link set tun0 up
ip route replace default dev tun0 src 10.8.0.2
ip route add 198.51.100.2/32 via 192.168.7.1 dev up0
"""
BEHIND_TUNNEL = "203.0.113.77"

needs_namespaces = pytest.mark.needs("ip", "unshare", "nsenter", "mount")


def _raise_openvpn(world: World, key: Path) -> None:
    """A real client takes over the default route; it and its server end with the world."""
    subprocess.run(["openvpn", "--genkey", "secret", str(key)], check=True)
    both = ["openvpn", "--dev", "tun", "--secret", str(key), "--cipher", "AES-256-CBC"]
    server = ["ip", "netns", "exec", "server", *both, "--ifconfig", "10.9.0.1", "10.9.0.2"]
    client = [*both, "--ifconfig", "10.9.0.2", "10.9.0.1", "--redirect-gateway", "def1",
              "--remote", FAR_ENDS[4]]  # fmt: skip
    world.start(*server)
    said = world.start(*client)
    for line in said:
        if "Initialization Sequence Completed" in line:
            return
    pytest.fail("OpenVPN ended before it was up")


@needs_namespaces
@pytest.mark.needs("openvpn")
def test_the_path_under_a_tunnel_is_followed_to_its_server(world: World, tmp_path: Path) -> None:
    _raise_openvpn(world, tmp_path / "key")
    want = {"hop-probe:ttl_exceeded:udp": 6, "hop-probe:reached:udp": 2}
    seen = world.view(want, towards=BEHIND_TUNNEL, sensor="underlay")
    (route,) = _routes(seen)
    assert (route["role"], len(route["hops"]), route["complete"]) == ("underlay", 3, True)
    assert route["segments"] == ["network.home.wifi", "network.isp.access", "network.interconnect"]
    assert {o["role"] for o in seen if o["kind"] == "hop-probe"} == {"underlay"}
    assert not [o for o in seen if o["kind"] == "round-trip"], "its ports are nobody's guess"


@needs_namespaces
def test_a_tunnels_server_that_swallows_udp_is_pinged(world: World) -> None:
    world.sh(TUNNEL + "sysctl -qw net.ipv4.ping_group_range='0 65535'\n")
    world.start_server(
        "import socket, time\n"
        "kept = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(64)]\n"
        "for port, sock in enumerate(kept, 33434): sock.bind(('', port))\n"
        "print('up', flush=True)\n"
        "time.sleep(60)\n"
    )
    want = {"hop-probe:ttl_exceeded:udp": 2, "hop-probe:reached:echo": 3}
    seen = world.view(want, towards=BEHIND_TUNNEL, sensor="underlay")
    _early, route = _routes(seen)
    assert (len(route["hops"]), route["complete"]) == (3, True)
    pings = [o for o in seen if o.get("method") == "echo"]
    assert {o["ttl"] for o in pings} == {3}
    assert all(0 < o["rtt_ns"] < 1e9 for o in pings if o["outcome"] == "reached")


@needs_namespaces
def test_a_tunnels_server_that_may_not_be_pinged_leaves_the_routers(world: World) -> None:
    world.sh(TUNNEL + "ip -4 -n server rule add iif lo ipproto icmp prio 10 blackhole\n")
    seen = world.view({"hop-probe:ttl_exceeded:udp": 4}, towards=BEHIND_TUNNEL, sensor="underlay")
    (route,) = _routes(seen)
    assert (len(route["hops"]), route["complete"]) == (2, False)


@needs_namespaces
def test_without_a_tunnel_nothing_is_sent_beside_it(world: World) -> None:
    world.sh("ip route add 198.51.100.2/32 via 192.168.7.1 dev up0")
    seen = world.view({}, sensor="underlay", least_s=5.0)
    assert seen == []


@needs_namespaces
def test_a_tunnel_that_goes_is_followed_no_more(world: World) -> None:
    world.sh(TUNNEL)
    switched_off = "ip link del tun0; ip route replace default via 192.168.7.1"
    later = threading.Timer(6.0, world.sh, [switched_off])
    later.start()
    seen = world.view({"sight::": 2}, towards=BEHIND_TUNNEL, sensor="underlay")
    later.join()
    saw, lost = (o for o in seen if o["kind"] == "sight")
    assert (saw["sees"], lost["sees"]) == (True, False)
    assert lost["why"] == "no tunnel carries the way to the service"
    assert seen[-1] == lost, "nothing more is asked"


PINGS = "sysctl -qw net.ipv4.ping_group_range='0 65535'"


def _questions(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    asked = [o for o in seen if o["kind"] == "hop-probe"]
    assert {(o["role"], o["ttl"]) for o in asked} == {("first-hop", 1)}
    assert len({o["target"] for o in asked}) == 1
    return asked


def _asked_at(seen: list[dict[str, Any]], ttl: int, method: str) -> list[float]:
    """When hop *ttl* was asked so, in seconds."""
    return [
        o["at_ns"] / 1e9
        for o in seen
        if o["kind"] == "hop-probe" and (o["ttl"], o["method"]) == (ttl, method)
    ]


def _every_s(times: list[float]) -> float:
    return (times[-1] - times[0]) / (len(times) - 1)


@both
@needs_namespaces
def test_the_hop_that_parts_the_suspects_is_asked_most_and_pinged(world: World, by: int) -> None:
    world.sh(PINGS)
    suspects = {"network.isp.access": 500_000, "network.interconnect": 480_000, "none": 20_000}
    seen = world.view({"hop-probe:reached:echo": 20}, by, suspects=suspects)
    (route,) = _routes(seen)
    pings = [o for o in seen if o["kind"] == "hop-probe" and o["method"] == "echo"]
    assert {(o["ttl"], o["hop"]) for o in pings} == {(2, route["hops"][1])}
    assert {(o["role"], o["outcome"]) for o in pings} == {("service", "reached")}
    assert _every_s(_asked_at(seen, 2, "echo")) < 0.5, "far more often than errors may be asked for"
    near, border = (_every_s(_asked_at(seen, ttl, "udp")) for ttl in (1, 2))
    assert near > 1.5 * border, "the home router's answers part nobody"


@needs_namespaces
def test_a_router_that_answers_no_pings_is_left_alone(world: World) -> None:
    world.sh(PINGS + "; ip netns exec access sysctl -qw net.ipv4.icmp_echo_ignore_all=1")
    suspects = {"network.isp.access": 500_000, "network.interconnect": 500_000}
    before = world._count("access", "Icmp", "InEchos")
    seen = world.view({"round-trip::": 4}, suspects=suspects, least_s=8)
    assert not _asked_at(seen, 2, "echo"), "of a voice that was never heard nothing is told"
    assert 1 <= world._count("access", "Icmp", "InEchos") - before <= 8


def _heard(seen: list[dict[str, Any]]) -> list[bool]:
    return [o["outcome"] == "reached" for o in _questions(seen)]


@both
@needs_namespaces
def test_the_home_router_is_asked_often_and_nobody_else(world: World, by: int) -> None:
    world.sh(PINGS)
    before = world.forwarded()
    seen = world.view({"hop-probe:reached:echo": 15}, by, sensor="first-hop")
    assert world.forwarded() == before, "nothing of it goes beyond the home"
    asked = _questions(seen)
    assert all(o["outcome"] == "reached" and 0 < o["rtt_ns"] < 1e9 for o in asked)
    took_s = (asked[-1]["at_ns"] - asked[0]["at_ns"]) / 1e9
    assert len(asked) / took_s > 2, "a router is asked for errors once a second at most"
    assert {o["kind"] for o in seen} == {"hop-probe", "echo-pair", "sight"}


@both
@needs_namespaces
def test_a_router_that_may_not_be_pinged_is_knocked_at(world: World, by: int) -> None:
    seen = world.view({"hop-probe:reached:tcp": 4}, by, sensor="first-hop")
    assert {o["method"] for o in _questions(seen) if o["outcome"] != "lost"} == {"tcp"}
    world.sh("ip -n home rule add iif lo ipproto tcp prio 10 blackhole")
    world.sh("ip -n home -6 rule add iif lo ipproto tcp prio 10 blackhole")
    *asked, said = world.view({"sight::": 1}, by, sensor="first-hop")
    assert said["why"] == "the home router answers neither pings nor handshakes"
    assert len(asked) >= 8, "that it never answers is told"
    assert not any(_heard(asked))


@needs_namespaces
def test_a_home_router_that_is_gone_is_silent_and_its_neighbours_word_is_no_answer(
    world: World,
) -> None:
    world.sh(PINGS)
    cut = threading.Timer(4.0, world.sh, ["ip -n home link set down0 down"])
    cut.start()
    # long enough for the kernel to find out that nobody has the address, and to say so
    seen = world.view({}, sensor="first-hop", least_s=16.0)
    cut.join()
    heard = _heard(seen)
    lost = heard.index(False)
    assert lost >= 4
    assert not any(heard[lost:])
    assert len(heard) - lost >= 4


@needs_namespaces
@pytest.mark.needs("nft")
def test_this_computers_own_firewall_is_not_taken_for_the_router(world: World) -> None:
    world.sh(PINGS)
    world.sh(
        "nft add table inet t; "
        "nft add chain inet t o '{ type filter hook output priority 0; policy accept; }'; "
        "nft add rule inet t o oifname up0 meta l4proto '{ icmp, tcp }' reject"
    )
    seen = world.view({}, sensor="first-hop", least_s=10.0)
    assert not [o for o in seen if o["kind"] == "hop-probe"]


@needs_namespaces
def test_another_network_behind_the_same_address_is_another_story(world: World) -> None:
    world.sh(PINGS)
    anew = threading.Timer(
        5.0,
        world.sh,
        ["ip addr add 192.168.7.9/24 dev up0; ip addr del 192.168.7.2/24 dev up0; "
         "ip addr add 192.168.7.9/24 dev up0; ip route add default via 192.168.7.1 || true"],
    )  # fmt: skip
    anew.start()
    seen = world.view({}, sensor="first-hop", least_s=14.0)
    anew.join()
    asked = _questions(seen)
    ended = [n for n, o in enumerate(asked) if o["outcome"] == "error"]
    assert ended, "what was known is over"
    assert [o["outcome"] for o in asked[ended[-1] + 1 :][:4]] == ["reached"] * 4


@needs_namespaces
def test_under_a_tunnel_the_home_router_is_asked_too(world: World) -> None:
    world.sh(TUNNEL + PINGS)
    before = world.sent_to_router()
    seen = world.view({"hop-probe:reached:echo": 4}, towards=BEHIND_TUNNEL, sensor="first-hop")
    assert world.sent_to_router() - before >= len(_questions(seen))


@both
@pytest.mark.needs("ip", "unshare", "nsenter", "mount", "nft")
def test_a_way_that_drops_long_packets_alone(world: World, by: int) -> None:
    world.sh(PINGS)
    long = "ip length > 1000" if by == 4 else "ip6 length > 1000"
    rules = (
        "add table inet narrow; add chain inet narrow on { type filter hook forward priority 0; }; "
        f"add rule inet narrow on {long} drop"
    )
    # behind the first pair, which tells that the host answers long ones
    cut = threading.Timer(6.0, world.sh, [f"ip netns exec access nft '{rules}'"])
    cut.start()
    seen = world.view({"echo-pair::": 4}, by, least_s=22.0)
    cut.join()
    pairs = [o for o in seen if o["kind"] == "echo-pair"]
    assert {(o["role"], o["long_bytes"]) for o in pairs} == {("service", 1500)}
    assert all(o["short_rtt_ns"] for o in pairs)
    answered = [o["long_rtt_ns"] is not None for o in pairs]
    assert answered[0]
    assert answered == sorted(answered, reverse=True), "from then on none"
    assert answered.count(False) >= 3


@pytest.mark.needs("ip", "unshare", "nsenter", "mount")
def test_a_narrower_link_that_says_so_loses_no_long_pings(world: World) -> None:
    world.sh(PINGS + "; ip -n access link set up0 mtu 1280; ip -n server link set down0 mtu 1280")
    seen = world.view({"echo-pair::": 1}, 4, least_s=4.0)
    pairs = [o for o in seen if o["kind"] == "echo-pair"]
    assert all(o["long_rtt_ns"] is not None for o in pairs)
    assert {o["long_bytes"] for o in pairs} == {1280}, "as long as the router's complaint permits"


@pytest.mark.needs("ip", "unshare", "nsenter", "mount")
def test_the_home_router_gets_one_long_ping_until_some_are_missing(world: World) -> None:
    world.sh(PINGS)
    seen = world.view({"echo-pair::": 1}, 4, sensor="first-hop", least_s=8.0)
    (pair,) = [o for o in seen if o["kind"] == "echo-pair"]
    assert pair["role"] == "first-hop"
    assert pair["long_rtt_ns"]
    assert pair["short_rtt_ns"]
    seen = world.view({"echo-pair::": 3}, 4, sensor="first-hop", missing=True)
    assert len([o for o in seen if o["kind"] == "echo-pair"]) == 3
