"""A run as a picture: for each batch and number of threads every model with its peers, and its share of the limit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.rows import Row, Run, Summary, behind, summaries

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = {
    "onnxruntime": "#0969da",
    "openvino": "#8250df",
    "torch": "#bc4c00",
    "inductor": "#bf3989",
    "xla": "#1a7f37",
    "iree": "#9a6700",
    "tvm": "#57606a",
}
OURS, INK, PALE = "#1f6f5c", "#24292f", "#d0d7de"
LEAST, MOST = 0.25, 8.0
"""Ratios beyond are drawn at the edge."""


def draw(run: Run, path: Path) -> None:
    """A panel for each batch and number of threads."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    found = summaries(run.rows)
    if not found:
        return
    names = list(dict.fromkeys(row.model for row in run.rows))
    columns = min(2, len(found))
    lines = -(-len(found) // columns)
    figure, panels = plt.subplots(
        lines,
        2 * columns,
        figsize=(7.4 * columns, (0.36 * len(names) + 1.1) * lines + 0.9),
        width_ratios=[3.2, 1] * columns,
        layout="constrained",
        squeeze=False,
        sharey="row",
    )
    for index, each in enumerate(found):
        ratios, shares = panels[index // columns][2 * (index % columns) :][:2]
        rows = [row for row in run.rows if (row.batch, row.threads) == (each.batch, each.threads) and not row.error]
        rows.sort(key=lambda row: names.index(row.model))
        _ratios(ratios, rows, each)
        _shares(shares, rows, each)
    for spare in panels.flat[2 * len(found) :]:
        spare.axis("off")
    handles = {
        label: handle for axes in panels.flat for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=len(handles), frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _ratios(axes: Axes, rows: Sequence[Row], summary: Summary) -> None:
    """How many times as long as neuralc the peers take; right of 1 neuralc is faster."""
    peers = list(dict.fromkeys(name for row in rows for name in row.ratios))
    for name in peers:
        shown = [(place, row.ratios[name]) for place, row in enumerate(rows) if name in row.ratios]
        low, middle, high = (
            [min(max(figure[part], LEAST), MOST) for _, figure in shown] for part in ("low", "median", "high")
        )
        axes.errorbar(
            middle,
            [place for place, _ in shown],
            xerr=[np.subtract(middle, low), np.subtract(high, middle)],
            fmt="o",
            markersize=6,
            color=COLORS.get(name, INK),
            label=name,
        )
    for place, row in enumerate(rows):
        if behind([row]):
            axes.axhspan(place - 0.5, place + 0.5, color="#ffebe9", zorder=0)
    axes.axvline(1.0, color=INK, linewidth=1.2)
    axes.set_xscale("log")
    axes.set_xlim(LEAST * 0.9, MOST * 1.12)
    axes.set_xticks([0.25, 0.5, 1, 2, 4, 8], ["< ¼", "½", "1", "2", "4", "> 8"])
    axes.minorticks_off()
    axes.set_yticks(range(len(rows)), [row.title for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="x", color=PALE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(left=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel("time of the peer / time of neuralc")
    threads = f"{summary.threads} thread{'s' if summary.threads > 1 else ''}"
    axes.set_title(
        f"batch {summary.batch}, {threads}: {summary.best:.2f} times as fast as the best peer",
        loc="left",
        fontsize=11,
        fontweight="bold",
    )


def _shares(axes: Axes, rows: Sequence[Row], summary: Summary) -> None:
    """How much of the time the limits of the machine account for."""
    places = range(len(rows))
    shares = [100 * row.share for row in rows]
    axes.barh(places, [100.0] * len(rows), height=0.55, color="#f0f2f4")
    axes.barh(places, [min(share, 100.0) for share in shares], height=0.55, color=OURS)
    for place, share in zip(places, shares, strict=True):
        axes.text(103, place, f"{share:.0f}", va="center", fontsize=8, color=INK)
    axes.set_xlim(0, 118)
    axes.set_xticks([0, 50, 100])
    axes.tick_params(left=False, labelleft=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel("% of the limit")
    axes.set_title(f"{100 * summary.share:.0f} %", loc="left", fontsize=11)
