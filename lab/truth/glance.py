"""The figures at a glance: what was asked of them and what is reached; all sets of runs in a table.

For the head of `docs/truth.md` and for the README, from the data alone.
"""

from __future__ import annotations

import re
from typing import Any, Final

from lab.fit.page import ROOT, between

README: Final = ROOT / "README.md"
BEGIN: Final = "<!-- at a glance, from truth.json -->\n"
README_BEGIN, README_END = "<!-- figures -->\n", "<!-- /figures -->\n"

SETS: Final = {
    "outsider": "an outsider's families",
    "far": "a second outsider's families",
    "odd": "a third outsider's families",
    "own": "a fourth outsider's families, plain faults",
    "partly": "a part of what passes meets the fault",
    "long": "longer runs",
    "abroad": "another world of the lab",
    "tunnels": "under a VPN whose server a route tells",
    "moving": "faults that move (each part of a run)",
    "traffic": "other traffic in the home",
    "beside": "something harmless beside the fault",
    "upward": "faults of the way up",
}
"""Runs that are measured apart -> what they are, in a table's cell."""
OUTSIDERS: Final = ("outsider", "far", "odd", "own")
TOGETHER: Final = {
    "made by four outsiders, who knew no rule": OUTSIDERS,
    "other circumstances, most of them harder": tuple(k for k in SETS if k not in OUTSIDERS),
}
"""What rows of the README sum up -> the sets."""
HEADINGS: Final = {
    "outsider": "In an outsider's networks",
    "far": "In a second outsider's networks",
    "odd": "In a third outsider's networks",
    "own": "In a fourth outsider's networks",
    "partly": "With faults that only a part of what passes meets",
    "long": "In longer runs",
    "abroad": "In another world",
    "tunnels": "Under a VPN",
    "moving": "With faults that move",
    "traffic": "With other traffic in the home",
    "beside": "With something harmless beside the fault",
    "upward": "With faults of the way up",
}
"""... -> what the page's section on them is called."""
EVERYTHING: Final = "everything"
TIMING: Final = "HTTP and socket timing alone"
"""Modes: what could be seen."""


def _anchor(heading: str) -> str:
    """What a heading is linked by, as code hosts make it."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def percent(value: dict[str, Any]) -> str:
    """A share, and the ends of its 95 % interval."""
    if not value["of"]:
        return "-"
    share = 100 * value["count"] / value["of"]
    return f"{share:.0f} % ({100 * value['low']:.0f}-{100 * value['high']:.0f})"


COLUMNS: Final = [
    "| with all probes | harmed | right leaf or set | right larger part | not named | "
    "something wrong | a third party without a part | calibration error |",
    "|---|" + "---:|" * 7,
]


def _counts(figures: dict[str, Any]) -> tuple[int, ...]:
    """The figures of a row that are counts."""
    right, inner = figures["right_leaf_or_among"], figures["right_at_least_inner"]
    wrong, third = figures["wrong_at_any_time"], figures["third_party_without_part"]
    harmed = figures["harmed"]
    named_false = figures["right_at_least_inner_of_named"]
    false_last = named_false["of"] - named_false["count"]
    unnamed = harmed - inner["count"] - false_last
    larger = inner["count"] - right["count"]
    return harmed, right["count"], larger, unnamed, wrong["count"], third["count"]


def _row(name: str, *some: dict[str, Any]) -> str:
    """One row; of several sets what they come to together."""
    counts = [sum(column) for column in zip(*map(_counts, some), strict=True)]
    errors = [f"{figures['ece']:.3f}" for figures in some]
    error = errors[0] if len(errors) == 1 else f"{min(errors)} to {max(errors)}"
    return f"| {name} | {' | '.join(map(str, counts))} | {error} |"


def _first(data: dict[str, Any]) -> list[str]:
    """The rows of the runs that nobody had looked at."""
    return [
        _row(f"**all families**, unseen: {data['made']['runs']} runs", data["modes"][EVERYTHING]),
        _row("... by HTTP and socket timing alone", data["modes"][TIMING]),
    ]


def together(data: dict[str, Any], link: str) -> list[str]:
    """The runs that nobody had looked at, and what the sets beside them come to, by kind."""
    lines = [*COLUMNS, *_first(data)]
    for what, kinds in TOGETHER.items():
        there = [data[kind] for kind in kinds if kind in data]
        if there:
            runs = sum(one["made"]["runs"] for one in there)
            text = f"[{what}]({link}#all-sets-of-runs): {runs} runs"
            lines.append(_row(text, *(one["modes"][EVERYTHING] for one in there)))
    return lines


def sets(data: dict[str, Any]) -> list[str]:
    """All sets of runs, one a row."""
    lines = [*COLUMNS, *_first(data)]
    for kind, what in SETS.items():
        if kind in data:
            made = data[kind]["made"]
            seconds = "" if made["seconds"] == "60" else f", {made['seconds']} s"
            text = f"[{what}](#{_anchor(HEADINGS[kind])}): {made['runs']} runs{seconds}"
            lines.append(_row(text, data[kind]["modes"][EVERYTHING]))
    return lines


def asked(data: dict[str, Any]) -> list[str]:
    """What the figures should be, and what they are on the runs that nobody had looked at."""
    whole, timing = data["modes"][EVERYTHING], data["modes"][TIMING]
    calm, third = data["calm"]["unharmed"], whole["third_party_without_part"]
    runs = third["of"]
    elsewhere = sum(
        data[kind]["modes"][EVERYTHING]["third_party_without_part"]["count"]
        for kind in SETS
        if kind in data
    )
    others = sum(data[kind]["made"]["runs"] for kind in SETS if kind in data)
    rows = [
        ("the right leaf, or the right set (`among`), is said", "95 %",
         percent(whole["right_leaf_or_among"])),
        ("... or is the likeliest, said or not", "",
         percent(whole["likeliest_or_among"])),
        ("what is named is true, inner names included", "99 %",
         percent(whole["right_at_least_inner_of_named"])),
        ("a third party is blamed that has no part in it", "0 of 500",
         f"{third['count']} of {runs}; in the other sets {elsewhere} of {others}"),
        ("notices where nothing is wrong", "0 in 5 h",
         f"{len(calm['told'])} in {calm['hours']:.1f} h (recordings of all times, replayed)"),
        ("harm that nothing is said of", "at most 5 %", percent(whole["missed"])),
        ("calibration error", "at most 0.05", f"{whole['ece']:.3f}"),
        ("told before the first stall, where 5 s of buffer were left", "75 %",
         percent(whole["before_stall"])),
        ("by timing alone: calibration error", "the same", f"{timing['ece']:.3f}"),
    ]  # fmt: skip
    lines = ["| | to reach | measured |", "|---|---:|---|"]
    return lines + [f"| {what} | {goal} | {found} |" for what, goal, found in rows]


def history(data: dict[str, Any]) -> list[str]:
    """Sets of all families that earlier engines were judged by."""
    lines = [
        "| engine | harmed runs | right leaf or set | something wrong | told before the stall | "
        "calibration error |",
        "|---|" + "---:|" * 5,
    ]
    for row in (summary(data), *data["history"]):
        before = row["before_stall"]
        lines.append(
            f"| {row['engine']} | {row['harmed']} | {row['right']} "
            f"({100 * row['right'] / row['harmed']:.0f} %) | {row['wrong']} | "
            f"{before['count']} of {before['of']} | "
            f"{row['ece']:.3f} |"
        )
    return lines


def summary(data: dict[str, Any]) -> dict[str, Any]:
    """One row of the history: what is kept of a page when the next one is about other runs."""
    whole = data["modes"][EVERYTHING]
    before = whole["before_stall"]
    return {
        "engine": data["made"]["engine"],
        "seeds": data["made"]["seeds"],
        "harmed": whole["harmed"],
        "right": whole["right_leaf_or_among"]["count"],
        "wrong": whole["wrong_at_any_time"]["count"],
        "before_stall": {"count": before["count"], "of": before["of"]},
        "ece": whole["ece"],
    }


def carried(found: dict[str, Any], before: dict[str, Any]) -> list[dict[str, Any]]:
    """The history of *found*, measured after *before*: its own, and itself if it was of others."""
    rows: list[dict[str, Any]] = before.get("history", [])
    same = found["made"]["seeds"] == before["made"]["seeds"]
    return rows if same else [summary(before), *rows]


def head(data: dict[str, Any]) -> str:
    """The head of the page."""
    return "\n".join(
        [
            "## What was asked, and what is reached", "",
            "On the runs that nobody had looked at, with all probes; shares with their 95 % "
            "intervals.", "", *asked(data),
            "", "## All sets of runs", "",
            "None of these runs was used by the fit. What is said last counts, but what is wrong "
            "counts at any time.", "", *sets(data),
            "", "## From engine to engine", "",
            "Sets of all families that nobody had looked at when they were judged, each other "
            "runs: between such sets the shares move by five points and more by chance.", "",
            *history(data),
        ]
    ) + "\n"  # fmt: skip


def readme(data: dict[str, Any]) -> str:
    """What the README says of it."""
    whole, calm = data["modes"][EVERYTHING], data["calm"]["unharmed"]
    named = whole["right_at_least_inner_of_named"]
    rule = data["rivals"][0]
    made = data["made"]
    return "\n".join(
        [
            f"Measured in [an emulated lab](docs/lab.md) where the fault is known, on runs that "
            f"the fit never saw. Of {whole['harmed']} runs that a fault harmed, and that nobody "
            f"had looked at before they were judged, **{named['count']} of {named['of']} names "
            f"were true** (95 % interval {100 * named['low']:.0f}-{100 * named['high']:.0f} %); "
            "the rule "
            f'"{rule["rule"].replace(": ", ", so it is ")}" was right in '
            f"{rule['right']['count']} of {rule['right']['of']}, with any part of the provider's "
            f"way counted as right. In {calm['hours']:.1f} hours without a fault nothing was said "
            f"({calm['runs']} runs).", "",
            *together(data, "docs/truth.md"), "",
            f"Runs of {made['seconds']} s, engine {made['engine']}, table `{made['table']}`. A "
            "right set: the leaves that can't be told apart from where the viewer sits. Of the "
            "rows but the first two the runs had been looked at earlier. What was asked of the "
            "figures and isn't reached, by family, sensor and prior, and what was taken for what: "
            "[how often it is true](docs/truth.md). The recordings are in the repository; one "
            "command measures all of it again.",
        ]
    ) + "\n"  # fmt: skip


def into_readme(text: str, data: dict[str, Any]) -> str:
    """The README with its figures made anew."""
    return between(text, README_BEGIN, readme(data), README_END)


def with_head(page: str, data: dict[str, Any]) -> str:
    """The page with its head made anew."""
    return between(page, BEGIN, head(data))


def write_readme(data: dict[str, Any]) -> None:
    """Bring the README up to date."""
    text = README.read_text(encoding="utf-8")
    README.write_text(into_readme(text, data), encoding="utf-8")
