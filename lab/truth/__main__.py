"""Measure the shipped table on recorded runs that no fit saw, and bring the page up to date.

python -m lab.truth measure [RUNS...] [--tunnels RUNS...] [--beside RUNS...] [--traffic RUNS...]
                            [--upward RUNS...] [--moving RUNS...] [--partly RUNS...]
                            [--outsider RUNS...] [--far RUNS...] [--odd RUNS...]
                            [--own RUNS...] [--long RUNS...] [--abroad RUNS...]
                            [--by-worth RUNS... --in-turn RUNS...] [--calm RUNS...]
                                      results to docs/truth.json (what isn't given stays as it is),
                                      page and picture anew
python -m lab.truth page              page, picture and the README's figures from docs/truth.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from lab.archive import opened, recorded
from lab.fit.page import ROOT, VERDICT
from lab.fit.recordings import PROBES, Remember
from lab.truth import glance, measure, page
from lab.truth.calm import calm
from lab.truth.glance import EVERYTHING, TIMING
from lab.truth.paired import paired
from lab.truth.remembered import remembered
from lab.worlds import ABROAD, HOME, world_of
from streamnotice.bottlenecks import is_leaf, leaf
from streamnotice.engine import ENGINE_VERSION
from streamnotice.policy import Policy
from streamnotice.verdict.naming import Namer
from streamnotice.verdict.tables import Tables

AS_SHIPPED: Final = "as shipped"
RECORDINGS: Final = ROOT / "lab" / "recordings"
MODES: Final[dict[str, tuple[frozenset[str], Remember | None]]] = {
    EVERYTHING: (frozenset(), None),
    "without the router's counters": (frozenset({"home"}), None),
    "without the home router's answers": (frozenset({"first-hop"}), None),
    TIMING: (PROBES, None),
    "everything, on a network known from before": (frozenset(), remembered),
}
"""What is hidden, and what was known before."""
BOTH: Final = {EVERYTHING: frozenset[str](), TIMING: PROBES}
APART: Final[dict[str, dict[str, frozenset[str]]]] = {
    "tunnels": {
        EVERYTHING: frozenset(),
        "without the way under the tunnel": frozenset({"underlay"}),
    },
    "beside": {EVERYTHING: frozenset()},
    "traffic": {
        EVERYTHING: frozenset(),
        "without the router's counters": frozenset({"home"}),
    },
    "upward": BOTH,
    "moving": {EVERYTHING: frozenset()},
    "partly": {
        EVERYTHING: frozenset(),
        "without long pings": frozenset({"long-echo"}),
        TIMING: PROBES,
    },
    "outsider": BOTH,
    "far": BOTH,
    "odd": BOTH,
    "own": BOTH,
    "long": {EVERYTHING: frozenset()},
    "abroad": BOTH,
}
"""Runs that are measured apart: under a VPN, with something harmless beside the fault, with other
traffic of the home's, with faults of the way up, that move or that only a part of what passes
meets, those of four outsiders' families, longer ones, and in the lab's other world."""


def _mixes() -> dict[str, bytes]:
    """The shipped priors and two others."""
    shipped = json.loads((VERDICT / "priors.json").read_text(encoding="utf-8"))
    weights: dict[str, int] = shipped["weights"]
    third = {state: weight * (4 if _third(state) else 1) for state, weight in weights.items()}
    mixes = {AS_SHIPPED: weights, "all states alike": dict.fromkeys(weights, 1),
             "third parties four times as often": third}  # fmt: skip
    return {name: json.dumps({**shipped, "weights": w}).encode() for name, w in mixes.items()}


def _third(state: str) -> bool:
    place = state.partition(":")[0]
    return is_leaf(place) and leaf(place).answerable == "third_party"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _truths(folders: list[Path]) -> list[dict[str, Any]]:
    return [truth for folder in folders for _, truth, _ in recorded(folder)]


def _cost(truths: list[dict[str, Any]]) -> dict[str, Any]:
    rates, shares = [], []
    for truth in truths:
        summary = truth["outcome"]["summary"]
        if truth["void"] or not summary:
            continue
        rates.append(summary["probe_bytes"] / max(1.0, summary["at"] / 60))
        if summary["media_bytes"]:
            shares.append(summary["probe_bytes"] / summary["media_bytes"])
    rates.sort()
    shares.sort()
    return {
        "median_bytes_per_min": round(rates[len(rates) // 2]),
        "most_bytes_per_min": round(rates[-1]),
        "median_share": round(shares[len(shares) // 2], 4),
    }


def _figures(
    folders: list[Path], mix: bytes | None, mask: frozenset[str], remember: Remember | None
) -> dict[str, Any]:
    """The figures of one mode, or under other priors: what another process works out."""
    fitted = (VERDICT / "fitted.json").read_bytes()
    tables = None if mix is None else Tables.parse(fitted, mix)
    return measure.figures(measure.replay(folders, tables, mask, remember))


def results(folders: list[Path]) -> dict[str, Any]:
    """All that the page shows."""
    fitted_bytes = (VERDICT / "fitted.json").read_bytes()
    fitted = json.loads(fitted_bytes)
    truths = _truths(folders)
    counted = [t for t in truths if not t["void"]]
    mixes = _mixes()
    with ProcessPoolExecutor() as others:  # each replays all runs; the one shown in detail is ours
        later = {
            name: others.submit(_figures, folders, None, mask, remember)
            for name, (mask, remember) in MODES.items()
            if name != EVERYTHING
        }
        mixed = {
            name: others.submit(_figures, folders, mix, frozenset(), None)
            for name, mix in mixes.items()
            if name != AS_SHIPPED
        }
        _say(f"replaying {len(counted)} runs {1 + len(later) + len(mixed)} times")
        whole = measure.replay(folders, None, frozenset())
        ours = measure.figures(whole)
        modes = {n: ours if n == EVERYTHING else later[n].result() for n in MODES}
        priors = {n: ours if n == AS_SHIPPED else mixed[n].result() for n in mixes}
    tables = Tables.parse(fitted_bytes, (VERDICT / "priors.json").read_bytes())
    bars = Namer.build(tables, Policy().settings()).gates_mdb
    return {
        "made": {
            "command": "python -m lab.truth measure",
            **_made(truths, counted),
            "table": fitted["name"],
            "fitted_on": int(fitted["provenance"]["runs"]),
        },
        "modes": modes,
        "priors": priors,
        "families": measure.families(whole),
        "confusion": measure.confusion(whole),
        "rivals": measure.rivals(whole),
        "gate": measure.gate(whole, bars),
        "cost": _cost(truths),
        "errors": _errors(whole),
    }


def apart(kind: str, folders: list[Path]) -> dict[str, Any]:
    """What the page shows of runs of a kind of their own."""
    truths = _truths(folders)
    counted = [t for t in truths if not t["void"]]
    modes = {}
    for name, mask in APART[kind].items():
        _say(f"replaying {kind}: {name}")
        measured = measure.replay(folders, None, mask)
        modes[name] = measure.figures(measured)
        if name == EVERYTHING:
            whole = measured
    rows_of: dict[str, Callable[[list[dict[str, Any]]], dict[str, str]]]
    rows_of = {"beside": _oddities, "traffic": _oddities, "moving": _legs}
    return {
        "made": _made(truths, counted),
        "modes": modes,
        "families": measure.families(whole, rows_of[kind](counted) if kind in rows_of else None),
        "confusion": measure.confusion(whole),
        "errors": _errors(whole),
        **({"taken_back": measure.taken_back(whole)} if kind == "moving" else {}),
    }


def _legs(truths: list[dict[str, Any]]) -> dict[str, str]:
    """Part of a run whose fault moves -> which one it is."""
    found = {}
    for truth in truths:
        one, later = truth["scenario"], truth["scenario"]["then"]
        name = f"{one['family']}-{one['seed']}"
        at_once = later["onset_s"] - one["ends_s"] < 1
        # a session that gave up before the second is one run
        found[name] = found[f"{name} (first)"] = "the first fault"
        found[f"{name} (second)"] = f"the second, {'at once' if at_once else 'after a break'}"
    return found


def _oddities(truths: list[dict[str, Any]]) -> dict[str, str]:
    """Run -> what stood beside its fault; its family, where nothing did."""
    scenarios = [truth["scenario"] for truth in truths]
    return {
        f"{one['family']}-{one['seed']}": one["beside"] or f"{one['family']} (the fault itself)"
        for one in scenarios
    }


def kept() -> dict[str, Any]:
    """What is wrong in the runs that stand in the repository one by one."""
    measured = measure.replay([RECORDINGS], None, frozenset())
    return {"runs": len(measured.judged), "errors": _errors(measured)}


def _errors(measured: measure.Measured) -> list[dict[str, Any]]:
    return [
        {"run": j.run.name, "said": j.name, "third_party": j.third_party}
        for j in measured.judged
        if j.worst in ("wrong", "false")
    ]


def _made(truths: list[dict[str, Any]], counted: list[dict[str, Any]]) -> dict[str, Any]:
    """How many runs of which seeds and lengths."""
    seeds = sorted({t["scenario"]["seed"] for t in counted})
    lengths = sorted({round(t["options"]["duration_s"]) for t in counted})
    return {
        "runs": len(counted),
        "void": len(truths) - len(counted),
        "seeds": f"{seeds[0]} to {seeds[-1]}",
        "seconds": " or ".join(map(str, lengths)),
        "engine": ENGINE_VERSION,
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.truth", description=__doc__)
    parser.add_argument("what", choices=("measure", "page"))
    parser.add_argument("folders", nargs="*", type=Path)
    for kind in APART:
        parser.add_argument(f"--{kind}", nargs="+", type=Path, default=[], metavar="RUNS")
    parser.add_argument(
        "--by-worth", nargs="+", type=Path, default=[], metavar="RUNS",
        help="scenarios of RUNS played with probes by their worth",
    )  # fmt: skip
    parser.add_argument(
        "--in-turn", nargs="+", type=Path, default=[], metavar="RUNS",
        help="the same scenarios played with probes at fixed periods",
    )  # fmt: skip
    parser.add_argument(
        "--calm", nargs="+", type=Path, default=[], metavar="RUNS",
        help="count false alarms in all that is recorded there without a fault",
    )  # fmt: skip
    args = parser.parse_args(argv)
    with ExitStack() as unpacked:
        for kind in ("folders", *APART, "by_worth", "in_turn"):
            given = [unpacked.enter_context(opened(runs)) for runs in getattr(args, kind)]
            setattr(args, kind, given)
        return _run(parser, args)


def _run(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    if args.what == "measure":
        given = [runs for runs in (getattr(args, kind) for kind in ("folders", *APART)) if runs]
        if not given or any(all(t["void"] for t in _truths(folders)) for folders in given):
            parser.error("no recorded runs there that count: make some with `python -m lab corpus`")
        for kind in ("folders", *APART):
            world = ABROAD if kind == "abroad" else HOME
            if any(world_of(t) != world.name for t in _truths(getattr(args, kind))):
                parser.error(f"not all of these runs are of the world {world.name}")
        if any(not t["scenario"].get("beside") for t in _truths(args.beside)):
            parser.error("not all of these runs have something beside their fault")
        before = json.loads(page.DATA.read_text(encoding="utf-8"))
        if not args.folders and before["made"]["engine"] != ENGINE_VERSION:
            parser.error("the rest of the page is of another engine: measure all of it")
        if bool(args.in_turn) != bool(args.by_worth):
            parser.error("--by-worth and --in-turn are compared with each other: give both")
        found = results(args.folders) if args.folders else before
        if args.in_turn:
            _say("replaying runs with probes in turn")
            found["probing"] = paired(args.by_worth, args.in_turn)
        elif before.get("probing") and before["made"]["engine"] == ENGINE_VERSION:
            found["probing"] = before["probing"]
        if args.calm:
            _say("replaying what is calm")
            found["calm"] = {"engine": ENGINE_VERSION, **calm(args.calm)}
        elif before.get("calm", {}).get("engine") == ENGINE_VERSION:
            found["calm"] = before["calm"]
        for kind in APART:
            if getattr(args, kind):
                found[kind] = apart(kind, getattr(args, kind))
            elif before.get(kind, {}).get("made", {}).get("engine") == ENGINE_VERSION:
                found[kind] = before[kind]
        found["kept"] = kept()
        found["history"] = glance.carried(found, before)
        page.DATA.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    data = json.loads(page.DATA.read_text(encoding="utf-8"))
    text = page.PAGE.read_text(encoding="utf-8")
    page.PAGE.write_text(page.with_figures(text, data), encoding="utf-8")
    page.draw(data, page.PICTURE)
    glance.write_readme(data)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
