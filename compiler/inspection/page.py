"""`--format=html`: one page with the picture, the costs along the model, and a table of all layers.

Nothing is loaded from elsewhere, and without JavaScript all of it is there; scripts sort, filter and link.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from neuralc.inspection.charts import render_charts
from neuralc.inspection.diagram import FEW, Diagram, diagram_of, told_of
from neuralc.inspection.folding import blocks_of
from neuralc.inspection.kinds import KINDS
from neuralc.inspection.summary import Summary
from neuralc.inspection.svg import STYLE, TIP, draw, place_of, safe
from neuralc.inspection.tables import by_op, layers, mono, ports, refusals, sizes
from neuralc.inspection.units import bytes_text, number_text

NARROW = 760
"""A picture of this width stands beside the tables, a wider one above them."""

FORMULA = 80
"""Letters of a formula that is worth reading."""

ALONG = (
    "Layers in the order in which they run. Live are the inputs, the outputs, and the values between layers that are "
    "there while a layer runs, if each runs by itself."
)

HERE = Path(__file__).parent


def render_page(summary: Summary, depth: int | None) -> str:
    """The page. `depth` cuts the names of layers in the picture, as for `--format=svg`."""
    diagram = diagram_of(summary, blocks_of(summary, depth))
    flow = draw(diagram, links=True)
    narrow = " narrow" if flow.width <= NARROW else ""
    charts = render_charts(summary, [told_of(summary, index) for index in range(len(summary.layers))])
    return "".join(
        (
            f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{safe(summary.name)}</title>",
            "<meta name='viewport' content='width=device-width'>",
            f"<style>\n{STYLE}{(HERE / 'page.css').read_text(encoding='utf-8')}</style></head>\n<body>",
            f"<svg width='0' height='0' style='position:absolute' aria-hidden='true' class='flow'>{TIP}</svg>",
            _head(summary),
            refusals(summary),
            f"<div class='columns{narrow}' style='--flow: {flow.width + 24:.0f}px'>\n",
            f"<section><h2>Shape flow</h2>{_legend()}",
            f"<div class='picture'>{flow.element('the layers of the model', 'group')}</div>\n",
            *_parts(summary, diagram),
            "</section>\n<section>",
            f"<h2>Costs along the model</h2><p class='soft'>{ALONG}</p>{charts}\n" if charts else "",
            f"<h2>By op</h2>{by_op(summary)}\n",
            f"</section></div>\n<section><h2>Layers</h2>{layers(summary)}</section>\n",
            f"<script>\n{(HERE / 'page.js').read_text(encoding='utf-8')}</script></body></html>\n",
        )
    )


# --- the head ----------------------------------------------------------------------------------------------------
def _head(summary: Summary) -> str:
    at = f", costs at {safe(summary.at)}" if summary.at and summary.flops is not None else ""
    return (
        f"<header><h1>{safe(summary.name)}</h1><p class='soft'>{summary.extent}{at}</p>"
        f"<dl class='tiles'>{''.join(_tiles(summary))}</dl></header>"
        f"<div class='side'>{ports(summary)}{sizes(summary)}</div>\n"
    )


def _tiles(summary: Summary) -> Iterator[str]:
    yield _tile("parameters", f"{summary.parameters:,}", bytes_text(summary.weight_bytes))
    if summary.flops is not None:
        formula = summary.flops_formula if summary.sizes and len(summary.flops_formula) <= FORMULA else ""
        yield _tile("flops", number_text(summary.flops), safe(formula))
    if summary.peak_bytes is not None:
        where = ""
        if summary.peak_layer is not None:
            name = safe(summary.layers[summary.peak_layer].name)
            where = f"at <a href='#layer-{summary.peak_layer}'>{name}</a>"
        yield _tile("activations at a time, without fusion", bytes_text(summary.peak_bytes), where)


def _tile(name: str, number: str, more: str) -> str:
    return f"<div><dt>{name}</dt><dd>{number}<small>{more}</small></dd></div>"


# --- pictures ----------------------------------------------------------------------------------------------------
def _legend() -> str:
    items = "".join(
        f"<li><svg class='flow' viewBox='0 0 9 9'><rect class='{kind}' width='9' height='9' rx='2'/></svg>{kind}</li>"
        for kind in KINDS
    )
    return f"<ul class='legend'>{items}<li>red line: part of the flops</li></ul>"


def _parts(summary: Summary, diagram: Diagram) -> Iterator[str]:
    """The inside of each block of the picture, and of the blocks in those."""
    waiting = list(diagram.nodes)
    while waiting:
        node = waiting.pop(0)
        if node.block is None or len(node.block.first) <= FEW:
            continue
        inside = diagram_of(summary, blocks_of(summary, layers=node.block.first))
        times = f", {node.block.copies} times" if node.block.copies > 1 else ""
        share = f", {100 * node.share:.1f} % of the flops" if node.share >= 0.0005 else ""
        picture = draw(inside, links=True).element(f"the layers of {node.name}", "group")
        yield (
            f"<details><summary>{mono(node.name)} <small>{len(node.block.first)} layers{times}{share}</small></summary>"
            f"<div class='picture' id='{place_of(node)}'>{picture}</div></details>\n"
        )
        waiting = [*inside.nodes, *waiting]
