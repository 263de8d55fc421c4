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
OURS, INK, PALE, BEHIND = "#1f6f5c", "#24292f", "#d8dee4", "#ffebe9"
LEAST, MOST = 0.25, 8.0
"""Ratios beyond are drawn at the edge."""
TICKS = {0.25: "< ¼", 0.5: "½", 1: "1", 2: "2", 4: "4", 8: "> 8"}


def draw(run: Run, path: Path) -> None:
    """Two panels for each batch and number of threads; a line of panels has the models of a batch."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    found = summaries(run.rows)
    if not found:
        return
    batches = sorted({each.batch for each in found})
    threads = sorted({each.threads for each in found})
    lists = [_titles(run.rows, batch) for batch in batches]
    figure, panels = plt.subplots(
        len(batches),
        2 * len(threads),
        figsize=(3.0 + 5.4 * len(threads), 1.3 + sum(0.32 * len(titles) + 0.9 for titles in lists)),
        width_ratios=[3.2, 1] * len(threads),
        height_ratios=[len(titles) + 2 for titles in lists],
        layout="constrained",
        squeeze=False,
        sharey="row",
    )
    for axes in panels.flat:
        axes.set_visible(False)
    for each in found:
        line, column = batches.index(each.batch), threads.index(each.threads)
        titles = lists[line]
        rows = [row for row in run.rows if (row.batch, row.threads) == (each.batch, each.threads) and not row.error]
        places = [titles.index(row.title) for row in rows]
        _ratios(panels[line][2 * column], rows, places, titles, each)
        _shares(panels[line][2 * column + 1], rows, places, each)
    handles = dict(
        pair[::-1] for axes in panels.flat for pair in zip(*axes.get_legend_handles_labels(), strict=True)
    ) | {"neuralc is behind": Patch(color=BEHIND)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=len(handles), frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _titles(rows: Sequence[Row], batch: int) -> list[str]:
    """The models of a batch, those that failed with some threads included."""
    return list(dict.fromkeys(row.title for row in rows if row.batch == batch))


def _ratios(axes: Axes, rows: Sequence[Row], places: Sequence[int], titles: Sequence[str], summary: Summary) -> None:
    """How many times as long as neuralc the peers take; right of 1 neuralc is faster."""
    axes.set_visible(True)
    axes.hlines(range(len(titles)), LEAST, MOST, color=PALE, linewidth=0.7, zorder=0)
    for place, row in zip(places, rows, strict=True):
        if behind([row]):
            axes.axhspan(place - 0.5, place + 0.5, color=BEHIND, zorder=-1)
    for name in dict.fromkeys(name for row in rows for name in row.ratios):
        shown = [(place, row.ratios[name]) for place, row in zip(places, rows, strict=True) if name in row.ratios]
        low, middle, high = (
            [min(max(figure[part], LEAST), MOST) for _, figure in shown] for part in ("low", "median", "high")
        )
        axes.errorbar(
            middle,
            [place for place, _ in shown],
            xerr=[np.subtract(middle, low), np.subtract(high, middle)],
            fmt="o",
            markersize=6,
            markeredgecolor="white",
            markeredgewidth=0.6,
            color=COLORS.get(name, INK),
            label=name,
        )
    axes.axvline(1.0, color=INK, linewidth=1.2)
    axes.set_xscale("log")
    axes.set_xlim(LEAST * 0.9, MOST * 1.12)
    axes.set_xticks(list(TICKS), list(TICKS.values()))
    axes.minorticks_off()
    axes.set_yticks(range(len(titles)), titles)
    axes.set_ylim(len(titles) - 0.4, -0.6)
    axes.set_xlabel("time of the peer / time of neuralc (right of 1: neuralc is faster)", fontsize=9)
    _clean(axes)
    threads = f"{summary.threads} thread{'s' if summary.threads > 1 else ''}"
    best = "" if np.isnan(summary.best) else f": best peer / neuralc {summary.best:.2f}"
    axes.set_title(f"batch {summary.batch}, {threads}{best}", loc="left", fontsize=11, fontweight="bold")


def _shares(axes: Axes, rows: Sequence[Row], places: Sequence[int], summary: Summary) -> None:
    """How much of the time the limits of the machine account for."""
    axes.set_visible(True)
    shares = [100 * row.share for row in rows]
    axes.barh(places, [100.0] * len(rows), height=0.55, color="#f0f2f4")
    axes.barh(places, [min(share, 100.0) for share in shares], height=0.55, color=OURS)
    for place, share in zip(places, shares, strict=True):
        axes.text(103, place, f"{share:.0f}", va="center", fontsize=8, color=INK)
    axes.set_xlim(0, 122)
    axes.set_xticks([0, 50, 100])
    axes.set_xlabel("% of the limit", fontsize=9)
    axes.tick_params(labelleft=False)
    _clean(axes)
    axes.set_title(f"{100 * summary.share:.0f} %", loc="left", fontsize=11, fontweight="bold", color=OURS)


def _clean(axes: Axes) -> None:
    axes.tick_params(left=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
