"""What the shipped table says of itself: `python -m lab.fit.page` brings its page up to date.

Only the part of `docs/table.md` between the two marks is written; a test holds it to the table.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from lab.fit import inside
from lab.fit.counts import TIES

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "table.md"
VERDICT: Final = ROOT / "streamnotice" / "verdict"
BEGIN, END = "<!-- from fitted.json and priors.json -->\n", "<!-- end -->\n"


def figures() -> str:
    """The tables' provenance, states, switch, powers and priors as Markdown."""
    fit: dict[str, Any] = json.loads((VERDICT / "fitted.json").read_text(encoding="utf-8"))
    mix: dict[str, Any] = json.loads((VERDICT / "priors.json").read_text(encoding="utf-8"))
    made: dict[str, Any] = fit["provenance"]
    whole = sum(mix["weights"][state] for state in fit["states"][1:])
    lines = [
        f"Table `{fit['name']}`, {'provisional' if fit['provisional'] else 'released'}: "
        f"{made['what']}; {made['runs']} runs replayed with engine {made['engine']}"
        f"{_powers(made)}. "
        f"Strength of shrinking: {made['pretended_runs']} pretended runs. "
        f"Log loss of the true state on left-out runs, over all steps: "
        f"{made['held_out_loss_nats']} nats (the powers were chosen to lower it, so it flatters "
        f"a little{'; before what was changed afterwards' if _changed(made) else ''}).",
        "",
        "| state | runs | prior, given a fault |",
        "|---|---:|---:|",
    ]
    for state in fit["states"]:
        runs = made["runs_by_state"].get(state, "-")
        prior = "-" if state == fit["states"][0] else f"{mix['weights'][state] / whole:.1%}"
        lines.append(f"| `{state}` | {runs} | {prior} |")
    switch = fit["switch"]
    lines += [
        "",
        f"Prior of peace when a session begins: {mix['peace_ppm'] / 1e4:g} %. Switch, in "
        f"millionths a step: onset {switch['onset_ppm']}, end {switch['end_ppm']}, "
        f"move {switch['move_ppm']}. "
        f"Power on the gate's ratios: {fit['gate_temper_permille'] / 1000:g} for leaves and sets "
        f"of them, {fit['gate_inner_permille'] / 1000:g} for inner names{_beyond(fit)}. "
        f"An answer carries half its weight after {fit['fatigue_steps']} repetitions. "
        f"Temperature of what is told of untested places: "
        f"{fit['temperature_permille'] / 1000:g}{_heated(made, 'temperature')}. "
        "Where the way was never asked (found with what probes saw hidden): "
        f"{fit['unprobed_temperature_permille'] / 1000:g}"
        f"{_heated(made, 'unprobed_temperature')}.",
        "",
        "| rule | power | one answer is capped at |",
        "|---|---:|---:|",
    ]
    for rule, row in fit["rules"].items():
        power, cap = row["temper_permille"] / 1000, row["cap_mdb"] / 1000
        lines.append(f"| `{rule}` | {power:g} | {cap:g} dB |")
    lines += _bystander(fit.get("bystander"))
    lines += _cap(made)
    for rule, added in made.get("rules_added", {}).items():
        lines += [
            "",
            f"{_what(rule, added)} of {added['runs']} runs of their own, replayed with engine "
            f"{added['engine']} (`{added['command']}`); all other rows and all powers were left as "
            "they are.",
        ]
    lines += _widened(made)
    lines += [line for text in made.get("afterwards", ()) for line in ("", f"Afterwards: {text}.")]
    lines += _tied(made)
    lines += ["", "Sources of the priors:", ""]
    lines += [f"- {source}" for source in mix["sources"]]
    lines += _change(fit.get("change"), made.get("change"))
    return "\n".join(lines) + "\n"


def _bystander(told: dict[str, Any] | None) -> list[str]:
    """How often a queue that harms nobody is taken to be there."""
    if told is None:
        return []
    rules = ", ".join(f"`{rule}`" for rule in told["rules"])
    return [
        "",
        f"A bystander, a queue on the home's line that harms nobody, is there in "
        f"{told['share_permille'] / 10:g} % of the cases, lasts {told['lasts_steps']} steps in "
        f"the mean (assumptions), and shows as often as a queue there that does harm "
        f"(`python -m lab.fit.bystander`). Rules that can see it: "
        f"{rules}.",
    ]


def _change(told: dict[str, Any] | None, found: dict[str, Any] | None) -> list[str]:
    """When the answers of late take a name back, and how often by mistake."""
    if told is None:
        return []
    lines = [
        "",
        "### A fault that is another one by now",
        "",
        f"The answers of the last {told['window_steps']} steps take a name back where by them "
        f"another fault is {told['against_mdb'] / 1000:g} dB likelier.",
    ]
    if found is not None:
        lines[-1] += (
            f" Of {found['true_steps']} steps at which a name was true that was found at "
            f"{found['true_steps_share']:.2%} (in {found['true_runs_hit']} of "
            f"{found['true_runs']} runs), of {found['stale_steps']} at which it was not any more "
            f"at {found['stale_steps_share']:.0%} (in {found['stale_runs_hit']} of "
            f"{found['stale_runs']} runs): {', '.join(f'`{name}`' for name in found['archives'])}, "
            f"`{found['command']}`, engine {found['engine']}. Each such step is looked at with the "
            "name still standing. Window and threshold were chosen on these runs."
        )
    return lines


def _heated(made: dict[str, Any], kind: str) -> str:
    """Which runs the temperature of that *kind* was found on."""
    found = made.get(kind)
    if found is None:
        return ""
    scores = found["brier_by_temperature"]
    tried = ", ".join(f"{score} at {t}" for t, score in scores.items())
    return (
        f" (95 % from {found['from_permille'] / 1000:g} to {found['to_permille'] / 1000:g}), by "
        f"the Brier score of the likeliest place on {found['runs']} runs that are not among those "
        f"({', '.join(f'`{name}`' for name in found['archives'])}; engine {found['engine']}): "
        f"{tried}"
    )


def _changed(made: dict[str, Any]) -> bool:
    """The table isn't as its fit left it."""
    return any(key in made for key in ("rules_added", "cap", "afterwards", "widened"))


def _what(rule: str, added: dict[str, Any]) -> str:
    """Which rows were counted apart from the table."""
    if "answers" not in added:
        return f"Rule `{rule}` was added to the table afterwards: its rows are"
    answers = " and ".join(f"`{answer}`" for answer in added["answers"])
    return f"The rows of {answers} of rule `{rule}` were counted afterwards: they are"


def _widened(made: dict[str, Any]) -> list[str]:
    """Which circumstances came to the rows afterwards."""
    return [
        line
        for told in made.get("widened", ())
        for line in (
            "",
            f"The rows of rule `{told['rule']}` were widened afterwards: in {told['share']:.0%} of "
            f"the cases they are what {told['runs']} runs of `{told['archive']}` show, replayed "
            f"with engine {told['engine']} (`python -m lab.fit.widen`; "
            f"{told['pretended_runs']:g} pretended runs).",
        )
    ]


def _tied(made: dict[str, Any]) -> list[str]:
    """What is in the rows by logic, whatever was counted."""
    words = {**{name: tie.words for name, tie in TIES.items()}, inside.NAME: inside.WORDS}
    ties = [words[name] for name in made.get("by_logic", ()) if name in words]
    if not ties:
        return []
    head = "By logic, not by count (`python -m lab.fit.table`):"
    return ["", head, "", *(f"- {words}." for words in ties)]


def _cap(made: dict[str, Any]) -> list[str]:
    """Which runs the cap of measured places was chosen on."""
    chosen = made.get("cap")
    losses = (chosen or made).get("held_out_loss_nats_by_cap_db")
    if losses is None:
        return []
    on = f" on {chosen['runs']} runs that are not among those" if chosen else ""
    tried = ", ".join(f"{loss} at {cap} dB" for cap, loss in losses.items())
    return ["", f"The cap of rules that measure a place was chosen by log loss{on}: {tried}."]


def _powers(made: dict[str, Any]) -> str:
    """The earlier table whose powers were kept, if there is one."""
    before = made.get("powers_of")
    if before is None:
        return ""
    return f"; the powers are of {before['runs']} earlier ones (engine {before['engine']})"


def _beyond(fit: dict[str, Any]) -> str:
    """A power above 1 gives up what the gate promises; the page must say so."""
    if max(fit["gate_temper_permille"], fit["gate_inner_permille"]) <= 1000:
        return ""
    return " (above 1 [the gate's promise](how-it-weighs.md) doesn't cover them)"


def with_figures(page: str) -> str:
    """*page* with the part between its marks made anew."""
    return between(page, BEGIN, figures())


def between(page: str, begin: str, made: str, end: str = END) -> str:
    """*page* with *made* in place of what stands between *begin* and *end*."""
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}{made}{end}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
