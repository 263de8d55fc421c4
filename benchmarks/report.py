"""A run as Markdown: what is behind, geometric means, a table of rows, compile times, kernels and start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.rows import Row, Run, Summary, behind, summaries
from neuralc.bench.report import seconds_text

METHOD = """\
Every engine runs in a process of its own, in rounds that alternate; a time is the median of the medians of rounds,
brackets are 95 % bootstrap intervals. A ratio is peer / neuralc, taken round by round: above 1 neuralc is faster. The
limit is max(operations / peak, bytes / bandwidth of reading as many), with peak and bandwidth measured in rounds
between those of the engines; the share is limit / time, round by round. Sizes are fixed for all engines, which run the
ONNX or PyTorch model itself with the settings of compiler/bench/peers.toml."""


def markdown(run: Run) -> str:
    """The whole report."""
    top = [*_behind(run.rows), ""] if run.rows else []
    lines = ["# Benchmarks", "", *top, *_machine(run), "", METHOD, ""]
    if run.rows:
        lines += ["## Geometric means", "", *_summary(summaries(run.rows)), ""]
        lines += ["## Models", "", *_rows(run.rows), "", *_failures(run.rows)]
        lines += ["## Time to the first result", "", *_ready(run.rows), ""]
    if run.kernels:
        lines += ["## Single layers, one core", "", *_rows(run.kernels), "", *_failures(run.kernels)]
    if run.startup:
        lines += ["## Start", "", *_startup(run.startup), ""]
    return "\n".join(lines)


def line(row: Row) -> str:
    """A row in a line, for those who wait."""
    if row.error:
        return f"failed: {row.error}"
    told = [f"{seconds_text(row.ours)}, {100 * row.share:.0f} % of the limit"]
    told += [f"{name} {figure['median']:.2f}" for name, figure in row.ratios.items()]
    return ", ".join(told + [f"{name} failed" for name in row.failed])


def _behind(rows: Sequence[Row]) -> list[str]:
    measured = [row for row in rows if not row.error]
    slower = behind(measured)
    lines = [f"neuralc is behind the best peer in {len(slower)} of {len(measured)} rows (the interval is below 1)."]
    if slower:
        lines[0] = lines[0][:-1] + ":"
        lines += ["", *(f"* {_name(row)}: {_ratio(row, row.best)} of {row.best}" for row in slower)]
    failed = [row for row in rows if row.error]
    if failed:
        lines += ["", f"{len(failed)} rows could not be measured:", ""]
        lines += [f"* {_name(row)}: {_cell(row.error)}" for row in failed]
    return lines


def _machine(run: Run) -> list[str]:
    machine = run.machine
    bandwidth = ", ".join(f"{name} {value:.0f}" for name, value in machine["bandwidth"].items())
    peak = f"{machine['peak_gflops']:.1f} GFLOP/s of fp32 multiply-adds in registers"
    return [
        f"{machine['name']}, one core: {peak}; GB/s of reading: {bandwidth}.",
        f"Versions: {', '.join(f'{name} {value}' for name, value in run.versions.items())}.",
        f"{run.settings['rounds']} rounds of {run.settings['seconds']:g} s: `{run.command}`",
    ]


def _summary(found: Sequence[Summary]) -> list[str]:
    names = list(dict.fromkeys(name for each in found for name in each.peers))
    head = ["batch", "threads", "rows", "share of the limit", "best peer / neuralc", *(f"{n} / neuralc" for n in names)]
    rows = []
    for each in found:
        cells = [str(each.batch), str(each.threads), str(each.count), f"{100 * each.share:.0f} %", f"{each.best:.2f}"]
        rows.append([*cells, *(f"{each.peers[name]:.2f}" for name in names), str(each.behind)])
    return _table([*head, "behind"], rows)


def _rows(rows: Sequence[Row]) -> list[str]:
    measured = [row for row in rows if not row.error]
    names = list(dict.fromkeys(name for row in measured for name in row.ratios))
    head = [
        "model",
        "batch",
        "threads",
        "neuralc",
        "limit",
        "share",
        *(f"{name} / neuralc" for name in names),
        "best peer",
    ]
    cells = [
        [
            row.title,
            str(row.batch),
            str(row.threads),
            seconds_text(row.ours),
            seconds_text(row.limit),
            f"{100 * row.share:.0f} %",
            *(_ratio(row, name) for name in names),
            _best(row),
        ]
        for row in measured
    ]
    return _table(head, cells)


def _best(row: Row) -> str:
    if not row.best:
        return ""
    told = f"{row.best} {seconds_text(row.engines[row.best]['median']['median'])}"
    return f"**{told}**" if behind([row]) else told


def _failures(rows: Iterable[Row]) -> list[str]:
    """Peers that did not run a model, each reason once."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for name, reason in row.failed.items():
            reasons.setdefault((name, _cell(reason)), []).append(row.title)
    told = [f"* {name}: {', '.join(dict.fromkeys(titles))}: {why}" for (name, why), titles in reasons.items()]
    return ["Not run:", "", *told, ""] if told else []


def _ready(rows: Sequence[Row]) -> list[str]:
    """Compile times, cold: of the first row of each model."""
    first = {row.model: row for row in reversed(rows) if not row.error}
    shown = [row for row in rows if first.get(row.model) is row]
    names = list(dict.fromkeys(name for row in shown for name in row.engines))
    lines = [
        "Importing the engine, reading, optimizing, compiling and the first call, in a new process without a cache.",
        "",
    ]
    cells = [
        [row.title, *(seconds_text(row.engines[name]["ready"]) if name in row.engines else "" for name in names)]
        for row in shown
    ]
    return lines + _table(["model", *names], cells)


def _startup(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    cells = [[each["name"], seconds_text(each["seconds"]), f"{each['megabytes']:.0f} MB", each["bar"]] for each in rows]
    return _table(["command", "time", "memory", "bar"], cells)


def _name(row: Row) -> str:
    return f"{row.title}, batch {row.batch}, {row.threads} thread{'s' if row.threads > 1 else ''}"


def _ratio(row: Row, name: str) -> str:
    if name not in row.ratios:
        return ""
    figure = row.ratios[name]
    return f"{figure['median']:.2f} [{figure['low']:.2f}, {figure['high']:.2f}]"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")[:200]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Numbers to the right; the first column holds names."""
    marks = ["---", *(["--:"] * (len(head) - 1))]
    return ["| " + " | ".join(cells) + " |" for cells in (head, marks, *rows)]
