"""How much of a model a picture shows: all layers where that is readable, else blocks of them."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.inspection.blocks import Block, by_path, fold_branches, fold_chains, fold_evenly
from neuralc.inspection.repeats import fold_repeats
from neuralc.inspection.summary import Summary

READABLE = 60
"""Nodes of a picture that one still reads."""

MOST = 3 * READABLE
"""Nodes that are drawn, however little the model lets itself be folded."""

WIDEST = 4
"""Values that pass by, such as masks that all layers read, where a model is cut into parts."""


def blocks_of(summary: Summary, depth: int | None = None, layers: range | None = None) -> list[Block]:
    """The blocks to show of a model, or of some of its layers.

    Names are cut at `depth`; without one, as little is folded as a readable picture allows.
    """
    layers = range(len(summary.layers)) if layers is None else layers
    return by_path(summary.layers, layers, depth) if depth is not None else _readable(summary, layers)


def _readable(summary: Summary, layers: range) -> list[Block]:
    """Names first, since those are the model's own blocks; then chains; where something is folded, what repeats too."""
    paths = [summary.layers[index].path for index in layers]
    deepest = max(map(len, paths), default=0)
    found = by_path(summary.layers, layers, deepest)
    if len(found) <= READABLE:
        return found
    for depth in range(deepest - 1, _shared(paths), -1):
        found = by_path(summary.layers, layers, depth)
        if len(found) <= READABLE:
            break
    else:
        found = fold_chains(summary, found)
    found = fold_repeats(summary, found)
    if len(found) <= READABLE:
        return found
    # A part with most of the model in it would tell nothing.
    folded = (fold_branches(summary, found, width) for width in range(1, WIDEST + 1))
    most = len(layers) // 2
    found = next((each for each in folded if all(len(block.layers) <= most for block in each)), found)
    return found if len(found) <= MOST else fold_evenly(found, READABLE)


def _shared(paths: Sequence[tuple[str, ...]]) -> int:
    """How many first parts all names have in common."""
    lowest, highest = min(paths), max(paths)
    same = (one == two for one, two in zip(lowest, highest, strict=False))
    return next((index for index, each in enumerate(same) if not each), min(len(lowest), len(highest)))
