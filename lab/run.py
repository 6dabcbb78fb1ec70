"""One run: build the network, play in it as an ordinary user, do the harm, keep the record.

Leaves in its folder: truth.json (the scenario, when the fault really began in session seconds,
the emulator's lateness, whether the run is void), stdout.jsonl (what `watch --json` said) and
dossier.jsonl.gz.
"""

from __future__ import annotations

import gzip
import heapq
import json
import math
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from lab import build, isolation, rootless, starved
from lab.actions import CpuStarved, Crowd, LinkChange
from lab.device import Starvation, starvation
from lab.emulator import Emulator
from lab.errors import LabError
from lab.moving import Later
from lab.network import Net
from lab.scenarios import Scenario, plan
from lab.services import Services
from lab.topology import networks_csv
from lab.worlds import HERE

SCHEMA = 1
# A run whose emulator was later than this, or lost packets by reading too slowly, is void.
LATE_P99_MS = 2.0
LATE_MAX_MS = 50.0
START_WITHIN_S = 30.0
GRACE_S = 30.0


@attrs.frozen
class Options:
    """What a run's caller decides; all else comes from the scenario."""

    duration_s: float = 60.0
    player: str = "none"
    probes: str = "all"
    keep_log: bool = True


class _Timeline:
    """Things to do at instants of the monotonic clock."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, at_ns: int, do: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (at_ns, self._count, do))

    def run_due(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic_ns():
            heapq.heappop(self._waiting)[2]()

    def next_s(self) -> float:
        """Seconds until the next thing, at most a twentieth."""
        if not self._waiting:
            return 0.05
        return min(0.05, max(0.0, (self._waiting[0][0] - time.monotonic_ns()) / 1e9))


class _Run:
    def __init__(self, scenario: Scenario, options: Options, folder: Path) -> None:
        self.scenario = scenario
        self.options = options
        self.folder = folder
        self.timeline = _Timeline()
        self.onset_ns: int | None = None
        self.end_ns: int | None = None
        self.then_ns: int | None = None
        self.zero_ns: int | None = None
        self.player: subprocess.Popen[bytes] | None = None
        self.trouble: Starvation | None = None
        self.failures: list[str] = []

    # -- the fault

    def _change_links(self, changes: tuple[LinkChange, ...], from_ns: int) -> None:
        for change in changes:
            if change.after_s:
                at_ns = from_ns + round(change.after_s * 1e9)
                self.emulator.at(at_ns, change.direction, **change.values)
            else:
                self.emulator.set(change.direction, **change.values)

    def _onset(self) -> None:
        scenario = self.scenario
        self.onset_ns = self._begin(scenario, scenario.links_onset)
        self._helpers_fault(on=True)
        self._starve(scenario.device)

    def _begin(self, fault: Scenario | Later, links: tuple[LinkChange, ...]) -> int:
        """What links, crowds and servers do from now on; when that is."""
        now_ns = time.monotonic_ns()
        self._change_links(links, now_ns)
        for crowd in fault.crowds:
            self._start_crowd(crowd)
        self._servers_fault(fault, on=True)
        return now_ns

    def _servers_fault(self, fault: Scenario | Later, *, on: bool) -> None:
        if fault.edge_fault:
            self.services.edge.fault(on, fault.edge_fault)
        if fault.origin_fault:
            self.services.origin.fault(on, fault.origin_fault)

    def _starve(self, plan: CpuStarved | None) -> None:
        if plan is not None and self.player is not None:
            self.trouble = starvation(plan)
            self.trouble.start(self.player.pid)

    def _offset(self) -> None:
        self.end_ns = time.monotonic_ns()
        self._change_links(self.scenario.links_end, self.end_ns)
        self._servers_fault(self.scenario, on=False)
        self._helpers_fault(on=False)

    def _then(self) -> None:
        """The second fault of two that follow one another."""
        later = self.scenario.then
        assert later is not None
        self.then_ns = self._begin(later, later.links)

    def _helpers_fault(self, *, on: bool) -> None:
        scenario, services = self.scenario, self.services
        if services.dns is not None and scenario.dns_fault is not None:
            services.dns.fault(scenario.dns_fault if on else None)
        if services.source is not None and scenario.source_fault is not None:
            services.source.fault(scenario.source_fault if on else None)

    def _start_crowd(self, crowd: Crowd) -> None:
        if crowd.after_s:
            at_ns = time.monotonic_ns() + round(crowd.after_s * 1e9)
            now = attrs.evolve(crowd, after_s=0.0)
            self.timeline.at(at_ns, lambda: self._start_crowd(now))
            return
        program = str(build.program("crowd"))
        address = self.net.plan.addresses[crowd.sink]
        self.net.start(crowd.sink, [program, "sink", "7000"])
        command = [program, "source", address, "7000", str(crowd.flows), "600"]
        if crowd.steady_bps:
            command = [program, "steady", address, "7000", str(crowd.steady_bps), "600"]
        elif crowd.mean_bytes is not None:
            command += [str(crowd.mean_bytes), str(crowd.mean_pause_ms), str(self.scenario.seed)]
        time.sleep(0.05)  # the sink listens by then; a refused flow tries again anyway
        self.net.start(crowd.source, command)

    # -- the viewer

    def _watch_command(self, networks: Path, dossier: Path) -> list[str]:
        scenario, options = self.scenario, self.options
        command = [sys.executable, "-m", "streamnotice.cli"]
        if options.player == "none" and (scenario.decode_passes or scenario.habit):
            spec = {"passes": scenario.decode_passes, "from_s": scenario.onset_s or 0.0}
            if scenario.habit is not None:
                spec |= attrs.asdict(scenario.habit)
            command = [sys.executable, "-m", "lab.viewer", json.dumps(spec)]
        elif scenario.habit is not None:
            raise LabError(f"{scenario.family} needs the lab's own player (--player none)")
        command += ["watch", self.services.url, "--json"]
        command += ["--player", options.player, "--duration", str(options.duration_s)]
        command += ["--rendition", scenario.rendition, "--networks", str(networks)]
        command += ["--dossier", str(dossier)]
        if options.probes != "off":
            command += ["--probes", options.probes]
        for url in self.services.references:
            command += ["--reference", url]
        return self.net.command("viewer", [*isolation.as_nobody(), *command])

    def _start_player(self, home: Path) -> None:
        networks = home / "networks.csv"
        networks.write_text(networks_csv(self.scenario.network))
        environment = {**isolation.environment(), "HOME": str(home), "TMPDIR": str(home)}
        environment |= {"XDG_RUNTIME_DIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
        environment.pop("DISPLAY", None)
        with (self.folder / "stderr.log").open("wb") as log:
            self.player = subprocess.Popen(
                self._watch_command(networks, home / "dossier.jsonl"),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                env=environment, cwd=home,
            )  # fmt: skip
        self._started = threading.Event()
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()

    def _read_output(self) -> None:
        assert self.player is not None
        assert self.player.stdout is not None
        with (self.folder / "stdout.jsonl").open("wb", buffering=0) as kept:
            for line in self.player.stdout:
                if self.zero_ns is None and b'"start"' in line:
                    self.zero_ns = time.monotonic_ns()
                    self._started.set()
                kept.write(line)

    def _play(self) -> None:
        player, options = self.player, self.options
        assert player is not None
        begin = time.monotonic()
        while not self._started.wait(0.05):
            if player.poll() is not None or time.monotonic() - begin > START_WITHIN_S:
                self.failures.append("watch wrote no start line")
                break
        zero_ns = self.zero_ns
        if zero_ns is not None:
            self._starve(self.scenario.device_before)
            if self.scenario.onset_s is not None:
                self.timeline.at(zero_ns + round(self.scenario.onset_s * 1e9), self._onset)
            if self.scenario.ends_s is not None:
                self.timeline.at(zero_ns + round(self.scenario.ends_s * 1e9), self._offset)
            if self.scenario.then is not None:
                self.timeline.at(zero_ns + round(self.scenario.then.onset_s * 1e9), self._then)
            # At its end the session must be able to write its record.
            self.timeline.at(zero_ns + round(options.duration_s * 1e9), self._end_trouble)
        deadline = time.monotonic() + options.duration_s + GRACE_S
        while player.poll() is None:
            self.timeline.run_due()
            if time.monotonic() > deadline:
                self.failures.append("watch did not end by itself")
                player.send_signal(signal.SIGINT)
                try:
                    player.wait(10)
                except subprocess.TimeoutExpired:
                    player.kill()
                break
            time.sleep(self.timeline.next_s())
        self._end_trouble()
        player.wait()
        self._reader.join(5)

    def _end_trouble(self) -> None:
        if self.trouble is not None:
            self.trouble.end()

    # -- the whole

    def carry_out(self) -> dict[str, Any]:
        scenario = self.scenario
        home = isolation.WORK / "viewer"
        home.mkdir()
        isolation.give_to_nobody(home)
        pressure = _pressure_us()
        began = time.monotonic()
        with Emulator(scenario.seed) as self.emulator:
            self.net = Net(scenario.network, self.emulator)
            self._change_links(scenario.links_before, time.monotonic_ns())
            later = scenario.then
            self.services = Services(
                self.net, isolation.WORK, scenario.service,
                edge_fault=scenario.edge_fault or (later and later.edge_fault),
                origin_fault=scenario.origin_fault or (later and later.origin_fault),
                seed=scenario.seed,
            )  # fmt: skip
            self.emulator.reset()
            unread_before = self.net.unread_drops()  # what a device says when it comes up
            for crowd in scenario.crowds_before:
                self._start_crowd(crowd)
            if scenario.onset_s is None:
                self._onset()
                time.sleep(scenario.settle_s)
            self._start_player(home)
            self._play()
            report = self.emulator.report()
            unread = self.net.unread_drops() - unread_before
            translated = self.net.translated()
        took_s = time.monotonic() - began
        waited = (_pressure_us() - pressure) / 1e6 / took_s
        if not keep_dossier(home / "dossier.jsonl", self.folder):
            self.failures.append("watch left no dossier")
        return {**self._truth(report, unread, round(1000 * waited)), "translated": translated}

    def _session_s(self, at_ns: int | None) -> float | None:
        if at_ns is None or self.zero_ns is None:
            return None
        return round((at_ns - self.zero_ns) / 1e9, 3)

    def _phases_s(self) -> list[list[float]]:
        """When a fault that comes and goes was there, in session seconds."""
        onset_s = self._session_s(self.onset_ns)
        if onset_s is None:
            return []
        ends_s = self.options.duration_s
        phases = [[onset_s + a, onset_s + b] for a, b in self.scenario.phases_s]
        return [[round(a, 3), round(b, 3)] for a, b in phases if a < ends_s and b > 0]

    def _then_truth(self) -> dict[str, Any]:
        """What came behind the fault, if anything did."""
        later = self.scenario.then
        if later is None or self.then_ns is None:
            return {}
        return {
            "then": {
                "place": later.place,
                "condition": later.condition,
                "among": list(later.truth_among),
                "onset_s": self._session_s(self.then_ns),
            }
        }

    def _truth(self, report: dict[str, Any], unread: int, pressure: int) -> dict[str, Any]:
        scenario = self.scenario
        links = report.pop("links")
        reasons = list(self.failures)
        if report["release_late_p99_ms"] > LATE_P99_MS:
            reasons.append(f"emulator late: p99 {report['release_late_p99_ms']} ms")
        late_ms = max(report["release_late_max_ms"], report["wake_late_max_ms"])
        if late_ms > LATE_MAX_MS:
            reasons.append(f"emulator late: {late_ms} ms at most")
        if unread:
            reasons.append(f"emulator lost {unread} packets by reading too slowly")
        assert self.player is not None
        if scenario.onset_s is not None and self.onset_ns is None and scenario.place != "none":
            reasons.append("the fault never began")
        reasons += starved.why_void(scenario.place, self.folder / "dossier.jsonl.gz")
        return {
            "schema": SCHEMA,
            "void": reasons,
            "truth": {
                "place": scenario.place,
                "condition": scenario.condition,
                "among": list(scenario.truth_among),
                "severity": scenario.severity,
                "before": scenario.onset_s is None,
                "onset_s": self._session_s(self.onset_ns),
                "ends_s": self._session_s(self.end_ns),
                "phases_s": self._phases_s(),
                **self._then_truth(),
            },
            "world": HERE.name,
            "rootless": rootless.entered(),
            "options": attrs.asdict(self.options),
            "exit": self.player.returncode,
            "outcome": _outcome(self.folder / "stdout.jsonl"),
            "emulator": {**report, "unread_drops": unread},
            "cpu_pressure_permille": pressure,
            "links": links,
            "scenario": attrs.asdict(scenario),
        }


def keep_dossier(made: Path, folder: Path) -> bool:
    """Put the record *made* into *folder*, compressed, with the earlier parts of a long one; False
    if there is none."""
    for part in sorted(made.parent.glob(f"{made.stem}*{made.suffix}")):
        # No name and time inside: the same dossier gives the same file.
        with (
            part.open("rb") as plain,
            (folder / f"{part.name}.gz").open("wb") as target,
            gzip.GzipFile("", "wb", 9, target, mtime=0) as packed,
        ):
            shutil.copyfileobj(plain, packed)
    return made.exists()


def _pressure_us() -> int:
    """Time in which some task on the machine waited for a CPU, so far."""
    try:
        some = Path("/proc/pressure/cpu").read_text().splitlines()[0]
    except OSError:
        return 0
    return int(some.rpartition("=")[2])


def _outcome(output: Path) -> dict[str, Any]:
    """What the viewer suffered and was told, from the --json lines."""
    stalls: list[list[float | None]] = []
    named: list[list[Any]] = []
    summary: dict[str, Any] | None = None
    started_s: float | None = None
    for line in output.read_text(errors="replace").splitlines():
        try:
            item = json.loads(line)
        except ValueError:
            continue
        kind = item.get("type")
        if kind == "playback":
            if item["state"] == "playing" and started_s is None:
                started_s = item["at"]
            if item["state"] == "stalled" and (not stalls or stalls[-1][1] is not None):
                stalls.append([item["at"], None])
            elif item["state"] != "stalled" and stalls and stalls[-1][1] is None:
                stalls[-1][1] = item["at"]
        elif kind == "notice":
            named.append([item["at"], item["state"], item["bottleneck"], item["condition"]])
        elif kind == "summary":
            summary = item
    return {"started_s": started_s, "stalls": stalls, "notices": named, "summary": summary}


def carry_out(family: str, seed: int, out: Path, options: Options) -> dict[str, Any]:
    """One run, inside its own world; its folder is OUT/<family>-<seed>. Returns the truth."""
    isolation.prepare()
    isolation.check_unprivileged_python()
    if not out.is_dir():
        raise LabError(f"{out} can't be seen from within a run: choose a folder elsewhere")
    final = out / f"{family}-{seed}"
    part = out / f".{family}-{seed}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    truth = _Run(plan(family, seed), options, part).carry_out()
    (part / "truth.json").write_text(json.dumps(truth, indent=1, default=_plain) + "\n")
    shutil.rmtree(final, ignore_errors=True)
    part.rename(final)
    return truth


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    raise LabError(f"truth.json can't hold {type(value).__name__}")
