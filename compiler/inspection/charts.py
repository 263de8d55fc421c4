"""Charts along the order of execution: what each layer costs, and how much memory there is while it runs.

Each chart is an SVG as wide as the model has layers, stretched by the page; texts stand beside it, where nothing
stretches them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neuralc.inspection.summary import Summary
from neuralc.inspection.svg import safe
from neuralc.inspection.units import bytes_text, number_text

HIGH = 100
"""Units of a chart from bottom to top."""

ROOM = 1.04
"""What is above the largest number."""

MANY = 300
"""Bars between which gaps would be less than a pixel."""


@dataclass(frozen=True)
class Chart:
    """Numbers of all layers; what the largest is; drawn as an area where one goes over into the next."""

    name: str
    color: str
    numbers: Sequence[int]
    largest: str
    area: bool = False


def charts_of(summary: Summary) -> list[Chart]:
    """What is known of all layers, without what is nowhere."""
    layers = summary.layers
    peak = "" if summary.peak_layer is None else f" at {layers[summary.peak_layer].name}"
    live = [layer.live_bytes or 0 for layer in layers]
    flops = [layer.flops or 0 for layer in layers]
    results = [layer.bytes or 0 for layer in layers]
    parameters = [layer.parameters for layer in layers]
    found = [
        Chart("bytes of live activations", "live", live, f"peak {bytes_text(summary.peak_bytes)}{peak}", area=True),
        Chart("flops", "flops", flops, number_text(max(flops, default=0))),
        Chart("parameters", "parameters", parameters, number_text(max(parameters, default=0))),
        Chart("bytes of results", "results", results, bytes_text(max(results, default=0))),
    ]
    return [chart for chart in found if any(chart.numbers)]


def render_charts(summary: Summary, told: Sequence[str]) -> str:
    """The charts one below the other. `told` is what is said of each layer when a reader points at it."""
    count = len(summary.layers)
    charts = charts_of(summary)
    if not charts:
        return ""
    rows = "".join(_row(chart, count, summary.peak_layer) for chart in charts)
    hits = "".join(
        f"<a href='#layer-{index}' tabindex='-1'><rect class='hit' x='{index}' width='1' height='{HIGH}'>"
        f"<title>{safe(text)}</title></rect></a>"
        for index, text in enumerate(told)
    )
    return (
        f"<div class='charts'>{rows}<div class='hits'>{_svg(count, hits)}</div></div>"
        f"<p class='axis'><span>{safe(summary.layers[0].name)}</span><span>{safe(summary.layers[-1].name)}</span></p>"
    )


def _row(chart: Chart, count: int, peak: int | None) -> str:
    largest = max(chart.numbers)
    scale = HIGH / (largest * ROOM)
    inside = _area(chart, scale) if chart.area else "".join(_bars(chart, scale))
    if chart.area and peak is not None:
        inside += f"<rect class='peak' x='{peak}' width='1' height='{HIGH}'/>"
    return (
        f"<div class='chart {chart.color}'><b>{chart.name}</b><i>{safe(chart.largest)}</i>"
        f"<div class='plot'>{_svg(count, inside)}</div></div>"
    )


def _svg(count: int, inside: str) -> str:
    return f"<svg viewBox='0 0 {max(count, 1)} {HIGH}' preserveAspectRatio='none' aria-hidden='true'>{inside}</svg>"


def _bars(chart: Chart, scale: float) -> Iterator[str]:
    gap = 0.1 if len(chart.numbers) <= MANY else 0.0
    for index, number in enumerate(chart.numbers):
        if number:
            height = max(number * scale, 1.0)
            yield f"<rect x='{index + gap:g}' y='{HIGH - height:.1f}' width='{1 - 2 * gap:g}' height='{height:.1f}'/>"


def _area(chart: Chart, scale: float) -> str:
    steps = "".join(f"V{HIGH - number * scale:.1f}H{index + 1}" for index, number in enumerate(chart.numbers))
    return f"<path d='M0 {HIGH}{steps}V{HIGH}z'/>"
