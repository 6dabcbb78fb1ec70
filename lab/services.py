"""The servers: nginx as caching edge, as origin, and as references; a name server; a live source.

A fault of a server is a flag file that nginx looks for at each request, so that switching it
neither reloads nginx nor breaks connections: what the viewer sees is the fault alone.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import attrs

from lab import build
from lab.errors import LabError
from lab.network import Net
from lab.six import is_ipv6, literal

REFERENCE_BYTES = 262_144


@attrs.frozen
class ServerFault:
    """What a server does while its fault is switched on.

    Attributes:
        rate_bps: pace of each response's body (nginx limit_rate); None: as fast as TCP lets.
        think_s: wait before each response's first byte.
        status: answer every media request with this status.
        stop: the server process ends: connections are refused.
        free_bytes: so much of each body comes before the pace begins.
        hits: which requests it meets: all, most or some of them by chance, or each third segment.
        retry_s: with `status`, the answers' Retry-After.
    """

    rate_bps: int | None = None
    think_s: float | None = None
    status: int | None = None
    stop: bool = False
    free_bytes: int = 0
    hits: Literal["all", "most", "some", "third"] = "all"
    retry_s: int | None = None


@attrs.frozen
class DnsFault:
    """What the name server does while its fault is on.

    Attributes:
        zone: names that end so are hit ("": all).
        delay_s: mean wait before an answer.
        fails: "servfail", or "silent" (no answer); None: it answers well, if late.
        share: share of names that fail at a time.
    """

    zone: str = ""
    delay_s: float = 0.0
    fails: Literal["servfail", "silent"] | None = None
    share: float = 1.0


@attrs.frozen
class SourceFault:
    """What the live source does while its fault is on.

    Attributes:
        kind: "stopped"; "slow": each segment takes `1 / factor` of its play-out time;
            "gaps": silent for `gap_s`, then well for `good_s`, and so on; "jitter": each segment
            up to `jitter_s` late, no lag builds up.
    """

    kind: Literal["stopped", "slow", "gaps", "jitter"]
    factor: float = 1.0
    gap_s: float = 0.0
    good_s: float = 0.0
    jitter_s: float = 0.0


@attrs.frozen
class ServicePlan:
    """How the service behaves when nothing is wrong, drawn by the scenario.

    Attributes:
        warm: the edge has everything in its cache; else it fetches from the origin at first use.
        headers: which headers tell of the cache: a subset of "x-cache", "cache-status", "age".
        marks_errors: they stand in errors, too; nginx leaves them out by default.
        paced_bps: the edge's standing pace of each response; None: unpaced.
        hosts: under how many names the edge serves segments, in turns; 0: literal addresses.
        ttl_s: life of an answer of the name server.
        live: a live stream, instead of one on demand.
        igd: the home router tells its line's counters by UPnP.
        segments: the presentation is cut to so many segments; None: it is whole.
        reference_by_address: one of the two references is given without a name to resolve.
        joined: so many segments are served as one; such are in no cache.
        closes: the edge closes each connection after one answer.
        keeps_s: so long the edge keeps a live playlist.
        second_after: segments from this number on are of another network's server ("world"), as
            where a service moves its viewers to a second delivery network; None: none is.
        second_bps: the pace of each response there; None: unpaced.
    """

    warm: bool = True
    headers: tuple[str, ...] = ("x-cache",)
    marks_errors: bool = True
    paced_bps: int | None = None
    hosts: int = 0
    ttl_s: int = 20
    live: bool = False
    segments: int | None = None
    igd: bool = False
    reference_by_address: bool = False
    joined: int = 1
    closes: bool = False
    keeps_s: int = 1
    second_after: int | None = None
    second_bps: int | None = None

    @property
    def relisted(self) -> bool:
        """The playlists are not those of the encoded media."""
        return bool(
            self.hosts or self.segments is not None or self.joined > 1
            or self.second_after is not None
        )  # fmt: skip


SERVICE_ZONE = ".video.example"
_PLAY = "play" + SERVICE_ZONE

_MAIN = r"""
daemon off; master_process on; worker_processes 1; user root;
pid {home}/nginx.pid; error_log {home}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; server_tokens off; sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_timeout 75; keepalive_requests 10000;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; application/octet-stream bin; }}
  map $uri $all {{ default 1; }}
  split_clients "m${{request_id}}" $most {{ 70% 1; * 0; }}
  split_clients "l${{request_id}}" $some {{ 30% 1; * 0; }}
  map $uri $third {{ default 0; "~[0369]\.ts$" 1; }}
{http}
}}
"""

# The think-time service answers late; auth_request waits for it before the response starts.
_FAULT = """
    set $hit "";
    if (-f {flag}) {{ set $hit F; }}
    if (${hits} = 1) {{ set $hit "${{hit}}T"; }}
    set $pace {standing}; set $free 0;
    if ($hit = FT) {{ set $pace {pace}; set $free {free}; }}
    limit_rate $pace; limit_rate_after $free;
{status}
"""


class Server:
    """One nginx in one namespace."""

    def __init__(self, net: Net, node: str, work: Path) -> None:
        self.net = net
        self.node = node
        self.home = work / f"nginx-{node}"
        self.flag = self.home / "fault"
        self._process: subprocess.Popen[Any] | None = None
        self._think: subprocess.Popen[Any] | None = None
        self.home.mkdir(parents=True)

    def configure(self, http: str) -> None:
        if is_ipv6(self.net.plan):
            http = http.replace("listen 80;", "listen 80; listen [::]:80;")
        (self.home / "nginx.conf").write_text(_MAIN.format(home=self.home, http=http))

    def start(self) -> None:
        """Start and wait until it listens."""
        command = ["nginx", "-p", str(self.home), "-c", str(self.home / "nginx.conf")]
        self._process = self.net.start(self.node, [*command, "-e", str(self.home / "error.log")])
        deadline = time.monotonic() + 10
        while not (self.home / "nginx.pid").exists() or not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = self.home / "error.log"
                said = log.read_text().strip()[-400:] if log.exists() else "nothing"
                raise LabError(f"nginx in {self.node} did not start; it said: {said}")
            time.sleep(0.02)

    def _listens(self) -> bool:
        name, nowhere = ("tcp6", 32) if is_ipv6(self.net.plan) else ("tcp", 8)
        table = self.net.run(self.node, ["cat", f"/proc/net/{name}"])
        here = f" {'0' * nowhere}:0050 "
        return any(here in row and " 0A " in row for row in table.splitlines())

    def think_with(self, seconds: float, seed: int) -> None:
        """Start the service that makes responses wait (exponential around *seconds*)."""
        script = Path(__file__).with_name("think.py")
        command = [sys.executable, str(script), str(seconds), str(seed)]
        self._think = self.net.serve(self.node, command, script.name)

    def stop(self) -> None:
        """End nginx at once; its port then refuses connections."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def fault(self, on: bool, kind: ServerFault) -> None:
        """Switch the configured fault on or off."""
        if kind.stop:
            if on:
                self.stop()
            else:
                self.start()
        elif on:
            self.flag.touch()
        else:
            self.flag.unlink(missing_ok=True)


def _fault_lines(server: Server, kind: ServerFault | None, standing_bps: int | None) -> str:
    standing = str(standing_bps // 8) if standing_bps else "0"
    fault = kind or ServerFault()
    pace = str(max(1, fault.rate_bps // 8)) if fault.rate_bps else standing
    later = f"add_header Retry-After {fault.retry_s} always; " if fault.retry_s else ""
    status = f"    if ($hit = FT) {{ {later}return {fault.status}; }}" if fault.status else ""
    return _FAULT.format(
        standing=standing, flag=server.flag, pace=pace, free=fault.free_bytes, hits=fault.hits,
        status=status,
    )  # fmt: skip


def _think_lines(server: Server, kind: ServerFault | None) -> tuple[str, str]:
    """(line for the media location, locations beside it)."""
    if kind is None or kind.think_s is None:
        return "", ""
    # `return` would win over proxy_pass in the same location: two locations, chosen by the flag.
    beside = f"""
  location = /_think {{
    internal; error_page 418 = @wait; recursive_error_pages on;
    if (-f {server.flag}) {{ return 418; }}
    return 204;
  }}
  location @wait {{ proxy_pass http://127.0.0.1:8099; proxy_pass_request_body off; }}"""
    return "    auth_request /_think;", beside


def edge_config(server: Server, origin_ip: str, plan: ServicePlan, kind: ServerFault | None) -> str:
    """nginx's http block for the delivery edge."""
    headers, where = "", " always" if plan.marks_errors else ""
    if "x-cache" in plan.headers:
        headers += f"    add_header X-Cache $upstream_cache_status{where};\n"
    if "cache-status" in plan.headers:
        headers += f"    add_header Cache-Status $cache_word{where};\n"
    think, beside = _think_lines(server, kind)
    through = f"""
{_fault_lines(server, kind, plan.paced_bps)}
{think}
    proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_connect_timeout 5s; proxy_read_timeout 20s;
    proxy_cache media; proxy_cache_key $uri;
    proxy_ignore_headers Cache-Control Expires; proxy_cache_lock on;
{headers}"""
    return f"""
  proxy_cache_path {server.home}/cache levels=1:2 keys_zone=media:4m inactive=3650d
                   use_temp_path=off;
  map $upstream_cache_status $cache_word {{
    HIT "edge; hit"; STALE "edge; hit"; MISS "edge; fwd=miss; fwd-status=$upstream_status";
    EXPIRED "edge; fwd=stale; fwd-status=$upstream_status"; default "edge; fwd=bypass";
  }}
  upstream origin {{ server {origin_ip}:80 max_fails=0; keepalive 8; }}
  server {{ listen 80; {"keepalive_requests 1;" if plan.closes else ""}
  location / {{ {through} proxy_cache_valid 200 3650d; }}
  location ~ ^/live/.*m3u8$ {{ {through} proxy_cache_valid 200 {plan.keeps_s}s; }}
{beside}
  }}"""


def origin_config(server: Server, root: Path, kind: ServerFault | None) -> str:
    """nginx's http block for the origin."""
    think, beside = _think_lines(server, kind)
    return f"""
  server {{ listen 80;
  location / {{
{_fault_lines(server, kind, None)}
{think}
    root {root}; add_header Cache-Control "public, max-age=3600";
  }}
{beside}
  }}"""


class Services:
    """All servers of a run."""

    def __init__(
        self,
        net: Net,
        work: Path,
        plan: ServicePlan,
        *,
        edge_fault: ServerFault | None = None,
        origin_fault: ServerFault | None = None,
        seed: int = 1,
    ) -> None:
        address = net.plan.addresses
        self.dns: Helper | None = None
        self.source: Helper | None = None
        self.igd: Helper | None = None
        self.edge = Server(net, "edge", work)
        self.origin = Server(net, "origin", work)
        root = work / "root"
        prefixes = _lay_out(root, plan, seed, literal(address["world"]))
        self.edge.configure(edge_config(self.edge, literal(address["origin"]), plan, edge_fault))
        self.origin.configure(origin_config(self.origin, root, origin_fault))
        for server, kind in ((self.edge, edge_fault), (self.origin, origin_fault)):
            if kind is not None and kind.think_s is not None:
                server.think_with(kind.think_s, seed)
        if plan.warm:
            warm_cache(self.edge.home / "cache")
        self.origin.start()
        self.edge.start()
        if plan.second_after is not None:
            second = Server(net, "world", work)
            pace = f"limit_rate {plan.second_bps // 8};" if plan.second_bps else ""
            second.configure(f"  server {{ listen 80; location / {{ root {root}; {pace} }} }}")
            second.start()
        if plan.live:
            spec = {
                "media": str(build.media()), "root": str(root / "live"), "prefix": prefixes,
                "warm_from": literal(address["edge"]) if plan.warm else None, "seed": seed,
            }  # fmt: skip
            self.source = Helper(net, "origin", "live.py", [json.dumps(spec)])
        for node in ("refa", "refb"):
            server = Server(net, node, work)
            (server.home / "probe.bin").write_bytes(bytes(REFERENCE_BYTES))
            server.configure(f"  server {{ listen 80; location / {{ root {server.home}; }} }}")
            server.start()
        names = {node: literal(address[node]) for node in ("edge", "refa", "refb")}
        if plan.hosts:
            named = {"edge": _PLAY, "refa": "speed.access.example", "refb": "probe.test.example"}
            records = {name: address[node] for node, name in named.items()}
            if plan.reference_by_address:
                del named["refa"]
            names |= named
            records |= {_edge_name(i): address["edge"] for i in range(plan.hosts)}
            zone = {"records": records, "ttl_s": plan.ttl_s, "seed": seed}
            self.dns = Helper(net, "dns", "names.py", [address["dns"], json.dumps(zone)])
            _resolve_with(address["dns"], work)
        if plan.igd and net.plan.home_ip:
            line = "uplink0" if net.plan.has("uplink") else "access0"
            self.igd = Helper(net, "home", "igd.py", [net.plan.home_ip, line])
        folder = "live/" if plan.live else "named/" if plan.relisted else ""
        if plan.warm and folder == "named/":
            self._warm_playlists()
        self.url = f"http://{names['edge']}/{folder}master.m3u8"
        self.references = tuple(f"http://{names[n]}/probe.bin" for n in ("refa", "refb"))

    def _warm_playlists(self) -> None:
        paths = ["master.m3u8", *(f"{name}/index.m3u8" for name, *_ in build.RENDITIONS)]
        script = """
import sys, urllib.request
for path in sys.argv[1:]:
    urllib.request.urlopen("http://127.0.0.1/named/" + path, timeout=20).read()
"""
        self.edge.net.run("edge", [sys.executable, "-c", script, *paths])


class Helper:
    """A program of the lab's own in a namespace, that takes its fault as a line of JSON."""

    def __init__(self, net: Net, node: str, script: str, arguments: list[str]) -> None:
        self._name = script
        command = [sys.executable, str(Path(__file__).with_name(script)), *arguments]
        self._process = net.serve(node, command, script, stdin=subprocess.PIPE, text=True)

    def fault(self, kind: DnsFault | SourceFault | None) -> None:
        """Switch the fault on, or off with None."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(attrs.asdict(kind) if kind else None) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise LabError(f"{self._name} has ended") from None


def _edge_name(number: int) -> str:
    return f"e{number + 1}.cdn{SERVICE_ZONE}"


def _lay_out(root: Path, plan: ServicePlan, seed: int, second: str) -> list[str]:
    """What the origin serves: the media, and playlists that spread, cut or join them, if wanted.

    Returns the address prefixes that segments have by turns ([""]: relative).
    """
    media = build.media()
    root.mkdir()
    for item in media.iterdir():
        (root / item.name).symlink_to(item)
    if plan.joined > 1:
        (root / "joined").symlink_to(build.joined(plan.joined))
    if not plan.relisted:
        return [""]
    prefixes = [f"http://{_edge_name(i)}" for i in range(plan.hosts)]
    random.Random(seed).shuffle(prefixes)
    prefixes = prefixes or [""]
    for index in media.glob("*/index.m3u8"):
        rows = _listed(index, plan, prefixes, f"http://{second}")
        (root / "named" / index.parent.name).mkdir(parents=True)
        (root / "named" / index.parent.name / "index.m3u8").write_text("\n".join(rows) + "\n")
    (root / "named" / "master.m3u8").write_text((media / "master.m3u8").read_text())
    return prefixes


def _listed(index: Path, plan: ServicePlan, prefixes: list[str], second: str) -> list[str]:
    """A rendition's playlist, with addresses of the plan's."""
    name, lines = index.parent.name, index.read_text().splitlines()
    lengths_s = [float(row[8:].split(",")[0]) for row in lines if row.startswith("#EXTINF:")]
    files = [f"{name}/{row}" for row in lines if row and not row.startswith("#")]
    by = plan.joined
    if by > 1:
        lengths_s = [sum(lengths_s[at : at + by]) for at in range(0, len(lengths_s), by)]
        files = [f"joined/{name}/j{number:03d}.ts" for number in range(len(lengths_s))]
    rows = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-MEDIA-SEQUENCE:0"]
    rows.append(f"#EXT-X-TARGETDURATION:{round(max(lengths_s))}")
    for number, (length_s, file) in enumerate(zip(lengths_s, files, strict=True)):
        if number == plan.segments:
            break
        moved = plan.second_after is not None and number >= plan.second_after
        prefix = second if moved else prefixes[number % len(prefixes)]
        rows += [f"#EXTINF:{length_s:.6f},", f"{prefix}/{file}"]
    return [*rows, "#EXT-X-ENDLIST"]


def _resolve_with(address: str, work: Path) -> None:
    """Let the run's own world (and nobody else's) ask this name server."""
    # "dns" alone: other services of the machine's may ask its own resolver, by a socket in /run
    wanted = {"resolv.conf": f"nameserver {address}\n", "nsswitch.conf": "hosts: files dns\n"}
    for name, text in wanted.items():
        made = work / name
        made.write_text(text)
        target = Path("/etc", name).resolve()
        if not target.exists() and target.is_relative_to("/run"):  # the run's own, and empty
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        subprocess.run(["mount", "--bind", str(made), str(target)], check=True)


def warm_cache(target: Path) -> None:
    """Fill an edge's cache folder from one made once: hard links, so it costs no copying."""
    shutil.copytree(make_cache(), target, copy_function=_link_or_copy)


def make_cache() -> Path:
    """The folder with an edge's full cache, made if it is not there yet."""
    made = build.BUILD / "edge-cache"
    if not made.exists():
        _make_cache(made)
    return made


def _link_or_copy(source: str, target: str) -> None:
    """nginx replaces cache files, it never writes into one: linking to them is safe."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def _make_cache(made: Path) -> None:
    """Let a real nginx on loopback fetch the whole presentation through its cache."""
    with build.locked("cache"):
        if made.exists():
            return
        folder = Path(tempfile.mkdtemp(dir=build.BUILD))
        media = build.media()
        try:
            conf = f"""
  server {{ listen 127.0.0.1:18080; location / {{ root {media};
    add_header Cache-Control "public, max-age=3600"; }} }}
  proxy_cache_path {folder}/cache levels=1:2 keys_zone=media:4m inactive=3650d use_temp_path=off;
  server {{ listen 127.0.0.1:18081; location / {{ proxy_pass http://127.0.0.1:18080;
    proxy_cache media; proxy_cache_key $uri; proxy_cache_valid 200 3650d;
    proxy_ignore_headers Cache-Control Expires; }} }}"""
            (folder / "nginx.conf").write_text(_MAIN.format(home=folder, http=conf))
            # A namespace of its own: fixed ports can't meet anybody else's.
            start = f"nginx -p {folder} -c {folder}/nginx.conf -e {folder}/error.log"
            inner = f"ip link set lo up; exec {start}"
            process = subprocess.Popen(["unshare", "--net", "sh", "-c", inner])
            try:
                _await_own_network(process)
                _fetch_all(process.pid, media)
            finally:
                process.terminate()
                process.wait(10)
            _let_all_read(folder / "cache")
            (folder / "cache").rename(made)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _let_all_read(folder: Path) -> None:
    """nginx keeps its cache to itself; another user's runs copy from it, too."""
    folder.chmod(0o755)
    for item in folder.rglob("*"):
        item.chmod(0o755 if item.is_dir() else 0o644)


def _await_own_network(process: subprocess.Popen[Any]) -> None:
    """Until `unshare` has unshared: before that, its namespace is still the machine's own."""
    ours = Path("/proc/self/ns/net").readlink()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{process.pid}/ns/net").readlink() == ours:
        if process.poll() is not None or time.monotonic() > deadline:
            raise LabError("warming the edge cache failed: no network namespace of its own")
        time.sleep(0.005)


def _fetch_all(pid: int, media: Path) -> None:
    names = [str(p.relative_to(media)) for p in sorted(media.rglob("*")) if p.is_file()]
    script = """
import http.client, sys, time
for attempt in range(100):
    try:
        c = http.client.HTTPConnection("127.0.0.1", 18081, timeout=20); c.connect(); break
    except OSError: time.sleep(0.05)
for name in sys.stdin.read().split():
    c.request("GET", "/" + name); r = c.getresponse(); r.read()
    assert r.status == 200, (name, r.status)
"""
    done = subprocess.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c", script],
        input="\n".join(names), text=True, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise LabError(f"warming the edge cache failed: {done.stderr.strip()[-300:]}")
