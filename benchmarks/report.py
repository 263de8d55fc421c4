"""A report for people: a Markdown table, and a picture of the ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def markdown(results: Mapping[str, Any]) -> str:
    """The whole report of one run."""
    machine = results["machine"]
    bandwidth = ", ".join(f"{name} {value:.0f}" for name, value in machine["bandwidth"].items())
    versions = ", ".join(f"{name} {value}" for name, value in results["versions"].items())
    peak = f"{machine['peak_gflops']:.1f} GFLOP/s of fp32 multiply-adds in registers"
    lines = [
        "# Benchmarks",
        "",
        f"{machine['name']}, one core: {peak}; GB/s of reading: {bandwidth}. Versions: {versions}.",
        "",
        "Microseconds a call: the median of rounds, with a 95 % bootstrap interval. Every engine runs in a process of",
        "its own, rounds alternating. Ratio: neuralc / peer, below 1 is faster.",
        "Limit: max(flops / peak, bytes / bandwidth).",
        "",
    ]
    for suite, rows in results["suites"].items():
        peers = [engine for engine in ("onnxruntime", "torch") if any(engine in row["seconds"] for row in rows)]
        head = ["case", "neuralc us", "% of limit", *(f"{peer} us" for peer in peers), *(f"/ {peer}" for peer in peers)]
        lines += [f"## {suite}", "", _row(head), _row(["---"] * len(head))]
        lines += [_row(_cells(row, peers)) for row in rows] + [""]
    if results.get("startup"):
        lines += ["## start", "", _row(["command", "seconds", "peak MB", "bar"]), _row(["---"] * 4)]
        lines += [
            _row([each["name"], f"{each['seconds']:.2f}", f"{each['megabytes']:.0f}", each["bar"]])
            for each in results["startup"]
        ]
    return "\n".join(lines) + "\n"


def _cells(row: Mapping[str, Any], peers: Sequence[str]) -> list[str]:
    peak = row["ratios"].get("fma_peak")
    share = f"{100 * row['limit'] / row['seconds']['neuralc']['median']:.0f}" if row.get("limit") else ""
    if peak:  # the same loop of multiply-adds, in the same rounds: what disturbs one disturbs both
        share = f"{100 / peak['median']:.0f} [{100 / peak['high']:.0f}, {100 / peak['low']:.0f}]"
    name = row["case"] + (f" ({row['bar']})" if row["bar"] else "")
    cells = [name, _time(row["seconds"]["neuralc"]), share]
    cells += [_time(row["seconds"][peer]) if peer in row["seconds"] else "" for peer in peers]
    return cells + [_ratio(row["ratios"][peer]) if peer in row["ratios"] else "" for peer in peers]


def _time(figure: Mapping[str, float]) -> str:
    return f"{figure['median'] * 1e6:.1f} [{figure['low'] * 1e6:.1f}, {figure['high'] * 1e6:.1f}]"


def _ratio(figure: Mapping[str, float]) -> str:
    return f"{figure['median']:.2f} [{figure['low']:.2f}, {figure['high']:.2f}]"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def plot(results: Mapping[str, Any], path: Path) -> None:
    """Ratios against each peer with their intervals; the line at 1 is a tie."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rows = [row for suite in results["suites"].values() for row in suite if row["ratios"]]
    figure, axes = plt.subplots(figsize=(8, 0.42 * len(rows) + 1.2), layout="constrained")
    colors = {"onnxruntime": "#0550ae", "torch": "#bc4c00"}
    for offset, (peer, color) in zip((-0.13, 0.13), colors.items(), strict=True):
        shown = [(i, row["ratios"][peer]) for i, row in enumerate(rows) if peer in row["ratios"]]
        middle = [figure_["median"] for _, figure_ in shown]
        error = [
            [figure_["median"] - figure_["low"] for _, figure_ in shown],
            [figure_["high"] - figure_["median"] for _, figure_ in shown],
        ]
        axes.errorbar(
            middle, [i + offset for i, _ in shown], xerr=error, fmt="o", color=color, label=peer, markersize=5
        )
    axes.axvline(1.0, color="#57606a", linewidth=1)
    axes.set_yticks(range(len(rows)), [row["case"] for row in rows])
    axes.invert_yaxis()
    axes.set_xscale("log")
    ticks = [0.1, 0.2, 0.5, 1.0, 2.0]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("time of neuralc / time of the peer (left of 1: neuralc is faster)")
    axes.legend(loc="best")
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)
