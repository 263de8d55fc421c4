"""`--format=svg`: a picture of a model to put into a document, with what it costs above and the colours below.

Beside the model stand its dearest blocks from inside, as far as all of it remains readable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from neuralc.inspection.diagram import FEW, Diagram, diagram_of
from neuralc.inspection.folding import READABLE, blocks_of
from neuralc.inspection.kinds import KINDS
from neuralc.inspection.summary import Summary
from neuralc.inspection.svg import LETTER, MARGIN, SMALL_LETTER, STEP, STYLE, TIP, Picture, draw, lettering, rectangle
from neuralc.inspection.units import bytes_text, number_text

LEGEND_STEP = 26.0


@dataclass(frozen=True)
class Panel:
    heading: tuple[str, ...]
    picture: Picture

    @property
    def width(self) -> float:
        return max(self.picture.width, *(len(line) * LETTER + 2 * MARGIN for line in self.heading))


def render_svg(summary: Summary, depth: int | None) -> str:
    """The file. `depth` cuts the names of layers; without one, as little is folded as a readable picture allows."""
    diagram = diagram_of(summary, blocks_of(summary, depth))
    panels = [Panel(tuple(_totals(summary)), draw(diagram, links=False))]
    if depth is None:
        panels += _insides(summary, diagram)
    legend = list(_legend())
    lines = max(len(panel.heading) for panel in panels)
    top = MARGIN + STEP * lines
    parts, x = [f"<style>{STYLE}</style>{TIP}<rect class='paper' width='100%' height='100%'/>"], 0.0
    for panel in panels:
        for row, line in enumerate(panel.heading):
            parts.append(lettering("soft" if row else "name", x + MARGIN, MARGIN + 8 + STEP * row, line))
        parts.append(f"<g transform='translate({x:.1f} {top:g})'>{panel.picture.content}</g>")
        x += panel.width
    bottom = top + max(panel.picture.height for panel in panels)
    parts.append(f"<g transform='translate({MARGIN:g} {bottom:.1f})'>{''.join(legend)}</g>")
    width = max(x, sum(len(kind) * SMALL_LETTER + LEGEND_STEP for kind in KINDS) + 2 * MARGIN)
    return Picture("".join(parts), width, bottom + STEP + MARGIN).element(f"layers of {summary.name}") + "\n"


def _totals(summary: Summary) -> Iterator[str]:
    at = f" at {summary.at}" if summary.at else ""
    yield f"{summary.name}, {summary.extent}"
    yield f"{summary.parameters:,} parameters, {bytes_text(summary.weight_bytes)}"
    if summary.flops is not None:
        yield f"{number_text(summary.flops)} flops{at}"
        yield f"{bytes_text(summary.peak_bytes)} of activations at a time"
    if summary.unsupported:
        yield f"not compiled: {', '.join(dict.fromkeys(each.operator for each in summary.unsupported))}"


def _insides(summary: Summary, diagram: Diagram) -> Iterator[Panel]:
    room = READABLE - len(diagram.nodes)
    for node in sorted(diagram.nodes, key=lambda node: -node.share):
        if node.block is None or len(node.block.first) <= FEW:
            continue
        inside = diagram_of(summary, blocks_of(summary, layers=node.block.first))
        room -= len(inside.nodes)
        if room < 0:
            return
        times = f", {node.block.copies} times" if node.block.copies > 1 else ""
        yield Panel((node.name, f"{len(node.block.first)} layers{times}"), draw(inside, links=False))


def _legend() -> Iterator[str]:
    x = 0.0
    for kind in KINDS:
        yield rectangle(kind, x, 0, 9, 9, 2)
        yield lettering("soft small", x + 14, 8, kind)
        x += len(kind) * SMALL_LETTER + LEGEND_STEP
