"""Results as a page: `docs/truth.md`, its tables from the data alone, and one figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from lab.fit.page import ROOT, between
from lab.truth import glance

PAGE: Final = ROOT / "docs" / "truth.md"
DATA: Final = ROOT / "docs" / "truth.json"
PICTURE: Final = ROOT / "docs" / "picture" / "reliability.svg"
BEGIN: Final = "<!-- from truth.json -->\n"

LEAST_WEIGHT: Final = 100
"""Weight (hundredths of a run) below which a bin of the diagram says nothing."""

_ROWS: Final = (
    ("right leaf, or right set of leaves (`among`), in the last word", "right_leaf_or_among"),
    ("... of those where a leaf or a set was named", "right_leaf_or_among_of_named"),
    ("right at least as an inner name (`network`, `service`, ...)", "right_at_least_inner"),
    ("... of those where anything was named", "right_at_least_inner_of_named"),
    ("the likeliest leaf when last harmed is right, said or not", "likeliest_when_harmed"),
    ("... or the right set was said", "likeliest_or_among"),
    ("`undetermined` in the last word", "said_undetermined"),
    ("nothing said at all", "missed"),
    ("**something wrong said at any time**", "wrong_at_any_time"),
    ("**a third party blamed wrongly** (all runs)", "third_party_blamed_wrongly"),
    (
        "... that had no part in it (of two faults at once, neither was its own)",
        "third_party_without_part",
    ),
    ("condition right, where one was named with the right leaf", "condition"),
    ("told before the first stall, where the fault left 5 s of buffer", "before_stall"),
)


def _share(value: dict[str, Any]) -> str:
    if not value["of"]:
        return "-"
    return (
        f"{value['count']} of {value['of']} ({100 * value['low']:.0f}-{100 * value['high']:.0f} %)"
    )


def _seconds(value: dict[str, Any]) -> str:
    return "-" if value["median"] is None else f"{value['median']:g} s / {value['upper']:g} s"


def _calm(value: dict[str, Any]) -> str:
    return (
        f"{value['calm_runs_with_notice']} of {value['calm_runs']} runs, "
        f"{value['calm_hours']:g} h (a name in {value['calm_runs_with_name']})"
    )


def _table(columns: dict[str, dict[str, Any]]) -> list[str]:
    names = list(columns)
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]

    def row(text: str, cells: list[str]) -> None:
        lines.append(f"| {text} | " + " | ".join(cells) + " |")

    values = list(columns.values())
    row("runs; harmed by a fault", [f"{v['runs']}; {v['harmed']}" for v in values])
    for text, key in _ROWS:
        row(text, [_share(v[key]) for v in values])
    row("notices without a fault or harm", [_calm(v) for v in values])
    row("from harm to the right leaf: median / upper quartile", [
        _seconds(v["from_harm_s"]) for v in values])  # fmt: skip
    row("from the fault: median / upper quartile", [_seconds(v["from_fault_s"]) for v in values])
    row("expected calibration error; Brier score", [
        f"{v['ece']:.3f}; {v['brier']:.3f}" for v in values])  # fmt: skip
    return lines


def _families(rows: list[dict[str, Any]], of: str = "family") -> list[str]:
    lines = [f"| {of} | runs | harmed | right leaf | `among` | inner | unnamed | wrong | calm, "
             "but a notice | median s |", "|---|" + "---:|" * 9]  # fmt: skip
    for r in rows:
        median = "-" if r["median_s"] is None else f"{r['median_s']:g}"
        lines.append(
            f"| {r['family']} | {r['runs']} | {r['harmed']} | {r['exact']} | {r['among']} | "
            f"{r['inner']} | {r['unnamed']} | {r['wrong']} | {r['calm_with_notice']} | {median} |"
        )
    return lines


def _confusion(table: dict[str, dict[str, int]]) -> list[str]:
    lines = ["| true place | said last (runs) |", "|---|---|"]
    for place, row in table.items():
        said = ", ".join(f"{name} {n}" for name, n in sorted(row.items(), key=lambda i: -i[1]))
        lines.append(f"| {place} | {said} |")
    return lines


def _rivals(rows: list[dict[str, Any]], own: dict[str, Any]) -> list[str]:
    lines = ["| rule | named something | right, of these | provider blamed wrongly | named "
             "without fault or harm |", "|---|---|---|---:|---:|"]  # fmt: skip
    lines += [
        f"| {r['rule']} | {_share(r['named'])} | {_share(r['right'])} | "
        f"{r['provider_blamed_wrongly']} | {r['calm_named']} |"
        for r in rows
    ]
    right = own["right_at_least_inner_of_named"]
    named = {**right, "count": right["of"], "of": own["harmed"]}
    lines.append(
        f"| streamnotice, everything | {right['of']} of {named['of']} | {_share(right)} | "
        f"{own['third_party_blamed_wrongly']['count']} | {own['calm_runs_with_name']} |"
    )
    return lines


def _bins(value: dict[str, Any]) -> list[str]:
    lines = ["| probability given | share true | weight (runs) |", "|---:|---:|---:|"]
    lines += [f"| {a:.2f} | {b:.2f} | {n / 100:g} |" for a, b, n in value["bins"]]
    return lines


_WORDS: Final = {
    "none": "nothing wrong",
    "undetermined": "`undetermined`",
    "inner": "an inner name",
    "set": "a set (`among`)",
    "leaf": "a leaf",
}


def _by_word(value: dict[str, Any]) -> list[str]:
    """Calibration by what was said at a step."""
    lines = ["| verdict | given | true | weight (runs) |", "|---|---:|---:|---:|"]
    rows = ((text, value["by_word"].get(word)) for word, text in _WORDS.items())
    lines += [f"| {text} | {r[0]:.3f} | {r[1]:.3f} | {r[2]:.1f} |" for text, r in rows if r]
    return lines


_APART: Final[dict[str, str]] = {
    "tunnels": (
        "All that is played goes through a tunnel, to whose server a route is left, as VPN clients "
        "do ([under a tunnel](sensors/underlay.md))."
    ),
    "beside": (
        "Other seeds of all families, each with one oddity from before Play on that harms nobody "
        "([the lab](lab.md#the-network)); the rows are these oddities."
    ),
    "traffic": (
        "A program on this computer, or another device, moves data all along, and enough of the "
        "line is left for the film: the fault, if there is one, is elsewhere. In the families "
        "`here.*` a program on this computer is the fault ([the lab](lab.md#the-network)). Of half "
        "of the others the seed was chosen so that another device downloads and the router tells "
        "of it, which leads astray most."
    ),
    "upward": (
        "What the viewer sends is held up or lost, by a backup at home, by others on the same line "
        "or link, by a loss; what it gets has its way. Of these families the fit has seen other "
        "runs, for the one answer that the router's counters give then (`sends`)."
    ),
    "moving": (
        "One fault ends in mid-play, and another one begins elsewhere, at once or some seconds "
        "later; a run counts as two. Of the second all is judged that is said more than 10 s after "
        "the end of the first, and what was said of the first, if it still stands 20 s after it. "
        "No row of the table is of runs of these families; other runs of them told when the "
        "answers of late take a name back ([the table](table.md))."
    ),
    "partly": (
        "Long packets are lost, or one of several equal ways is bad, or one service has a limit of "
        "its own, or its connections are cut off while its host answers pings "
        "([the lab](lab.md#the-network)). Questions that are short, or go elsewhere, see a clear "
        "way. Of the families of long packets and of ways the fit has seen other runs, for the one "
        "rule of long pings ([the table](table.md)). Where a limit for one service stands can't be "
        "told from outside: what counts is that nobody is named falsely."
    ),
    "outsider": (
        "Families by somebody who had not written the engine, to find where it says something "
        "false ([the lab](lab.md#the-network)): satellites, queues of seconds and none at all, "
        "policers far out, servers that stop in mid-body, names that come late over long ways, "
        "routers that hardly answer, very mild and very hard faults. No row of the table is of "
        "runs of these families."
    ),
    "far": (
        "By somebody else again, who knew the first one's ([the lab](lab.md#the-network)): "
        "satellites that change over, handovers, radios that doze, routes that move, services that "
        "hang on an exchange's address, hosts and routers that are late by themselves, flows that "
        "queue apart, proxies and translators of the provider's, two equally narrow links. No row "
        "of the table is of runs of these families."
    ),
    "odd": (
        "By a third one ([the lab](lab.md#the-network)): films that play well amid restless "
        "networks, live streams, faults that come late and twice, something harmless that begins "
        "with the fault, second delivery networks, players of other makes. Seeds were taken by "
        "hand, those that looked hardest, so shares within a family are not without bias. No row "
        "of the table is of runs of these families."
    ),
    "own": (
        "By a fourth one, who had seen no rule of the engine and set out to trap nobody "
        "([the lab](lab.md#the-network)): each place and condition once more, plainly, in ways, "
        "over lines and with crowds of another's choice; six families in which the film plays "
        "well. No row of the table is of runs of these families."
    ),
    "long": ("What a minute is too short for, and whether more of the same evidence leads astray."),
    "abroad": (
        "Other media, longer ways, more routers and more silent ones, longer queues, a restless "
        'Wi-Fi ([the world](lab.md#the-network) "abroad"); no run of that world was ever '
        "fitted on."
    ),
}
"""Runs that are measured apart -> what they are."""
ROWS_OF: Final = {
    "beside": "beside the fault", "traffic": "beside the fault", "moving": "part of the run",
}  # fmt: skip
"""Runs whose rows are something else than their families -> what these are."""


def _apart(name: str, data: dict[str, Any] | None) -> list[str]:
    """Runs of a kind of their own."""
    if data is None:
        return []
    made = data["made"]
    return [
        "", f"## {glance.HEADINGS[name]}", "",
        f"{made['runs']} runs of {made['seconds']} s, seeds {made['seeds']}, none of them used by "
        f"the fit, {made['void']} more void. {_APART[name]}", "",
        *_table(data["modes"]), "",
        *_families(data["families"], ROWS_OF.get(name, "family")), "",
        *_confusion(data["confusion"]), *_taken_back(data.get("taken_back")),
    ]  # fmt: skip


def _taken_back(value: dict[str, Any] | None) -> list[str]:
    """How long what was true goes on being said."""
    if value is None or not value["n"]:
        return []
    return [
        "",
        "When the first fault ended, its name (and not one that covers the second as well) stood "
        f"in {value['n']} runs. It was taken back, or replaced, after {value['median']:g} s in the "
        f"median ({value['upper']:g} s in the upper quartile), and in {value['stale']} runs not "
        f"within {value['most_s']} s.",
    ]


def _probing(data: dict[str, Any] | None) -> list[str]:
    """What it is worth to ask where it tells most."""
    if data is None:
        return []
    spent = data["bytes"]
    return [
        "", "## Probes by worth, and in turn", "",
        f"{data['runs']} scenarios of {data['families']} families, played live twice and judged by "
        "the same engine and table: once with probes [by what they are worth]"
        "(how-it-weighs.md#the-next-best-probe), once with hops asked in turn and all else at "
        "fixed periods, as up to engine 0.19.0 (where a dead way was followed later, too). "
        f"Networks, faults and budget are the same; in the median {spent['by worth'] / 1024:.0f} "
        f"KiB and {spent['in turn'] / 1024:.0f} KiB were spent.", "",
        *_table(data["modes"]),
    ]  # fmt: skip


def _well(data: dict[str, Any] | None) -> list[str]:
    """How long nothing was said where nothing was wrong."""
    if data is None:
        return []
    well, harmed = data["unharmed"], data["harmed"]
    which = f" ({', '.join(well['told'])})" if well["told"] else ""
    named = f" ({', '.join(harmed['named'])})" if harmed["named"] else ""
    return [
        "", "## Where nothing is wrong", "",
        "All runs that were ever recorded here without a fault: a paced server, pauses, seeks, the "
        "end, quality changes, lines that just suffice, busy links and computers, silent and slow "
        f"routers, others' downloads. Replayed with this engine: {well['runs']} runs in which "
        f"playback did not suffer, {well['hours']:.1f} hours, and a notice in {len(well['told'])} "
        f"of them{which}. In {harmed['runs']} more ({harmed['hours']:.1f} h) it did suffer, from a "
        "crowd that was to be harmless and was not, or a computer too busy with the recording: "
        f"there something was said in {len(harmed['told'])}, and something named in "
        f"{len(harmed['named'])}{named}.",
    ]  # fmt: skip


def _kept(kept: dict[str, Any]) -> list[str]:
    """The runs that the tests judge."""
    wrong = "; ".join(f"{row['said']} in {row['run']}" for row in kept["errors"])
    which = f": {wrong}" if wrong else ""
    return [
        "", "## The runs that the tests judge", "",
        f"Of the {kept['runs']} runs in `lab/recordings`, one of each family and of an earlier set "
        f"(seen since), in {len(kept['errors'])} something wrong is said{which}.",
    ]  # fmt: skip


def figures(data: dict[str, Any]) -> str:
    """The part of the page that is data."""
    made = data["made"]
    whole = data["modes"][glance.EVERYTHING]
    parts = [
        f"{made['runs']} runs of {made['seconds']} s, seeds {made['seeds']}, none of them used by "
        f"the fit; {made['void']} more were void (the emulator late, or the viewer's computer "
        f"short of processor time without being meant to, as the run itself measured) and are "
        f"not counted. Table `{made['table']}` (fitted on {made['fitted_on']} "
        f"other runs), engine {made['engine']}. In brackets: 95 % intervals.",
        "", "## What was said, by what could be seen", "", *_table(data["modes"]),
        "", "## Under other priors (everything seen)", "", *_table(data["priors"]),
        "", "## By family (everything seen)", "", *_families(data["families"]),
        "", "## What was taken for what (everything seen)", "", *_confusion(data["confusion"]),
        "", "## Simple rules on the same runs", "",
        "A rule's first word counts, and is right if the fault lies anywhere in what it blames; "
        "for streamnotice the last word counts, inner names included.", "",
        *[f"- *{r['rule']}*: {r['about']}." for r in data["rivals"]], "",
        *_rivals(data["rivals"], whole),
        "", "## Calibration", "",
        "![Reliability: share true over probability given](picture/reliability.svg)", "",
        "Over all decision steps at peace or at harm, each run weighing alike: the probability "
        "given to the likeliest leaf (or to `none`), and how often that was true.", "",
        *_bins(whole), "",
        "The same by what the verdict said at the step: where a name has crossed its gate, and "
        "where [nothing has](how-it-weighs.md#what-is-told-of-what-stands-untested).", "",
        *_by_word(whole),
        *(line for name in _APART for line in _apart(name, data.get(name))),
        *_probing(data.get("probing")),
        "", "## The gate", "",
        f"In {data['gate']['steps']} decision steps an e-detector of a false name stood above its "
        f"bar in {data['gate']['false_crossings']} cases"
        + (f" ({'; '.join(data['gate']['which'])})" if data["gate"]["which"] else "")
        + ". A name also needs its posterior, so a crossing isn't yet a notice.",
        *_well(data.get("calm")),
        *_kept(data["kept"]),
        "", "## Cost of probing", "",
        f"Median {data['cost']['median_bytes_per_min'] / 1024:.0f} KiB a minute, at most "
        f"{data['cost']['most_bytes_per_min'] / 1024:.0f} KiB; in the median "
        f"{100 * data['cost']['median_share']:.1f} % of the media bytes (runs of "
        f"{made['seconds']} s, most of them under suspicion nearly all the time).",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def with_figures(page: str, data: dict[str, Any]) -> str:
    """*page* with what stands between its marks made anew."""
    return glance.with_head(between(page, BEGIN, figures(data)), data)


def draw(data: dict[str, Any], target: Path) -> None:
    """The reliability diagram as SVG; bins with less than a run's weight are left out of it."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "streamnotice"  # same data, same file
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
    axes.plot([0, 1], [0, 1], color="#888", linewidth=1, linestyle="--", label="perfect")
    for (name, value), colour in zip(
        data["modes"].items(), ("#0b6e99", "#c2571a", "#3a7d44", "#7d4e9e"), strict=False
    ):
        bins = [b for b in value["bins"] if b[2] >= LEAST_WEIGHT]
        axes.plot([b[0] for b in bins], [b[1] for b in bins], color=colour, linewidth=1.2)
        sizes = [6 + 4 * b[2] ** 0.5 / 3 for b in bins]
        axes.scatter([b[0] for b in bins], [b[1] for b in bins], s=sizes, color=colour, label=name)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), aspect="equal", xlabel="probability given",
             ylabel="share of it that was true")  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(target, metadata={"Date": None})
    plt.close(figure)
