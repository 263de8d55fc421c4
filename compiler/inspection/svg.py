"""A diagram as SVG: nodes with op and shape, lines with the shapes of what passes nodes, colours by sort of op."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from neuralc.inspection.diagram import FEW, Diagram, Node
from neuralc.inspection.layout import Box, Layout, Route, arrange
from neuralc.inspection.rows import Line
from neuralc.inspection.units import printable, shortened

LETTER, SMALL_LETTER = 7.25, 6.1
"""Widths of a letter: 0.602 of the size in monospaced fonts, of 12 and 10 pixels."""

NAME, ROW = 32, 36
"""Letters of a name, and of an op and a shape side by side; what is longer is cut, or gets two rows."""

LEFT, RIGHT, TOP, STEP = 17.0, 11.0, 18.0, 16.0
"""Room beside the texts of a node, above the first one, and from one to the next."""

MARGIN = 16.0

STYLE = """
.flow { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.flow .paper { fill: #fff; } .flow text { fill: #1f2328; } .flow .name { font-weight: 600; }
.flow .soft, .flow .outside text { fill: #59636e; } .flow .small { font-size: 10px; }
.flow .card { fill: #f6f8fa; stroke: #d1d9e0; } .flow .port .card { fill: #ddf4ff; stroke: #54aeff; }
.flow .outside .card { fill: none; stroke-dasharray: 4 3; } .flow .refused .card { fill: #ffebe9; stroke: #cf222e; }
.flow .line { fill: none; stroke: #818b98; stroke-width: 1.3; } .flow .tip { fill: #818b98; }
.flow .label { font-size: 10px; fill: #59636e; } .flow .heat { fill: #cf222e; }
.flow .product { fill: #0969da; } .flow .window { fill: #1a7f37; } .flow .norm { fill: #8250df; }
.flow .elementwise { fill: #bf8700; } .flow .move { fill: #818b98; } .flow .control { fill: #bf3989; }
@media (prefers-color-scheme: dark) {
.flow .paper { fill: #0d1117; } .flow text { fill: #e6edf3; }
.flow .soft, .flow .outside text { fill: #9198a1; }
.flow .card { fill: #151b23; stroke: #3d444d; } .flow .port .card { fill: #121d2f; stroke: #1f6feb; }
.flow .outside .card { fill: none; } .flow .refused .card { fill: #301b1f; stroke: #f85149; }
.flow .line { stroke: #6e7781; } .flow .tip { fill: #6e7781; }
.flow .label { fill: #9198a1; } .flow .heat { fill: #f85149; }
.flow .product { fill: #4493f8; } .flow .window { fill: #3fb950; } .flow .norm { fill: #ab7df8; }
.flow .elementwise { fill: #d29922; } .flow .move { fill: #6e7781; } .flow .control { fill: #db61a2; }
}
"""


@dataclass(frozen=True)
class Picture:
    """What stands inside of an svg element, and how large it is."""

    content: str
    width: float
    height: float

    def element(self, label: str, role: str = "img") -> str:
        """Complete. A picture with links is a `group` to those who do not see it."""
        size = f"width='{self.width:.0f}' height='{self.height:.0f}' viewBox='0 0 {self.width:.0f} {self.height:.0f}'"
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' class='flow' role='{role}' aria-label='{safe(label)}' {size}>"
            f"{self.content}</svg>"
        )


def draw(diagram: Diagram, *, links: bool) -> Picture:
    """The nodes and lines of a diagram, in a document that has TIP and STYLE.

    With links, nodes lead to rows and parts of the page around it.
    """
    width = max((_width(node) for node in diagram.nodes), default=0.0)
    sizes = [(width, _height(node)) for node in diagram.nodes]
    lines = [
        Line(flow.source, flow.target, flow.values, (len(flow.text) + 1) * SMALL_LETTER, passes=not flow.alone)
        for flow in diagram.flows
    ]
    layout = arrange(sizes, lines)
    content = "".join([*_lines(diagram, layout), *_nodes(diagram, layout, links=links)])
    return Picture(
        f"<g transform='translate({MARGIN:g} {MARGIN:g})'>{content}</g>",
        layout.width + 2 * MARGIN,
        layout.height + 2 * MARGIN,
    )


def safe(text: str) -> str:
    """A text of the model's in XML, where control characters may not stand even escaped."""
    return escape("\n".join(map(printable, text.split("\n"))), quote=True)


# --- nodes -------------------------------------------------------------------------------------------------------
def _rows(node: Node) -> list[tuple[str, str]]:
    """The texts below the name, on the left and on the right; the shape goes to the last of them where it fits."""
    rows = [(shortened(line, ROW), "") for line in node.lines]
    if rows and len(rows[-1][0]) + len(node.shape) < ROW:
        rows[-1] = rows[-1][0], node.shape
    elif node.shape:
        rows.append(("", node.shape if len(node.shape) <= ROW else f"{node.shape[: ROW - 1]}…"))
    return rows


def _mark(node: Node) -> str:
    """What stands beside the name: how many times, and the share of the arithmetic."""
    times = f"×{node.block.copies}" if node.block is not None and node.block.copies > 1 else ""
    share = f"{100 * node.share:.0f} %" if node.share >= 0.01 else ""
    return "  ".join(filter(None, (times, share)))


def _width(node: Node) -> float:
    name = min(len(node.name), NAME) * LETTER + (len(_mark(node)) + 2) * SMALL_LETTER
    rows = [(len(left) + len(right) + 2 * bool(left and right)) * LETTER for left, right in _rows(node)]
    return max(name, *rows, 90.0) + LEFT + RIGHT


def _height(node: Node) -> float:
    return TOP + STEP * len(_rows(node)) + 12


def _nodes(diagram: Diagram, layout: Layout, *, links: bool) -> Iterator[str]:
    dearest = max((node.share for node in diagram.nodes), default=0.0) or 1.0
    for node, box in zip(diagram.nodes, layout.boxes, strict=True):
        content = "".join(_node(node, box, dearest))
        inside = f"<title>{safe(node.told)}</title>{content}"
        if links and node.block is not None:
            inside = f"<a href='#{place_of(node)}'>{inside}</a>"
        layers = f" data-layers='{node.block.start} {node.block.stop}'" if links and node.block is not None else ""
        yield f"<g class='{_class(node)}'{layers}>{inside}</g>"


def place_of(node: Node) -> str:
    """The name of the place in the page that tells more of a node."""
    block = node.block
    if block is None:
        return ""
    return f"layer-{block.start}" if len(block.first) <= FEW else f"part-{block.start}-{block.stop}"


def _class(node: Node) -> str:
    role = "port" if node.role in ("input", "output") else node.role
    return f"node {role}{' refused' if node.refused else ''}"


def _node(node: Node, box: Box, dearest: float) -> Iterator[str]:
    x, y, right = box.x, box.y, box.x + box.width - RIGHT
    round_ = 18 if node.role in ("input", "output") else 7
    if node.role == "block":
        yield rectangle("card", x + 4, y + 4, box.width, box.height, round_)
    yield rectangle("card", x, y, box.width, box.height, round_)
    if node.kind:
        yield rectangle(node.kind, x + 7, y + 8, 3, box.height - 16, 1.5)
    yield lettering("name", x + LEFT, y + TOP, shortened(node.name, NAME))
    if mark := _mark(node):
        yield lettering("soft small", right, y + TOP, mark, end=True)
    for row, (left, shape) in enumerate(_rows(node), start=1):
        if left:
            yield lettering("", x + LEFT, y + TOP + STEP * row, left)
        if shape:
            yield lettering("soft", right, y + TOP + STEP * row, shape, end=True)
    if node.share / dearest >= 0.01:
        yield rectangle("heat", x + LEFT, box.bottom - 5, (box.width - LEFT - RIGHT) * node.share / dearest, 2, 1)


def rectangle(class_: str, x: float, y: float, width: float, height: float, round_: float) -> str:
    return (
        f"<rect class='{class_}' x='{_n(x)}' y='{_n(y)}' width='{_n(width)}' height='{_n(height)}' rx='{_n(round_)}'/>"
    )


def lettering(class_: str, x: float, y: float, text: str, *, end: bool = False) -> str:
    attributes = f" class='{class_}'" if class_ else ""
    anchor = " text-anchor='end'" if end else ""
    return f"<text{attributes} x='{_n(x)}' y='{_n(y)}'{anchor}>{safe(text)}</text>"


# --- lines -------------------------------------------------------------------------------------------------------
TIP = (
    "<defs><marker id='tip' viewBox='0 0 8 8' refX='8' refY='4' markerWidth='7' markerHeight='7' orient='auto'>"
    "<path class='tip' d='M0 0.6 8 4 0 7.4z'/></marker></defs>"
)
"""The arrow, once in a document."""


def _lines(diagram: Diagram, layout: Layout) -> Iterator[str]:
    labels: dict[tuple[float, float], str] = {}
    for flow, route in zip(diagram.flows, layout.routes, strict=True):
        between = f"{diagram.nodes[flow.source].name} to {diagram.nodes[flow.target].name}: {flow.text}"
        yield f"<path class='line' marker-end='url(#tip)' d='{_path(route)}'><title>{safe(between)}</title></path>"
        if route.label is not None:
            labels[route.label] = flow.text
    for (x, y), text in labels.items():
        yield lettering("label", x, y + 3, text)


def _path(route: Route) -> str:
    """Straight down beside boxes, and in one bow between rows."""
    points = route.points
    parts, at = [f"M{_pair(points[0])}"], points[0]
    for before, behind in zip(points[1::2], points[2::2], strict=False):
        if before[0] != behind[0]:
            middle = (before[1] + behind[1]) / 2
            parts += [f"L{_pair(before)}"] if before != at else []
            parts.append(f"C{_pair((before[0], middle))} {_pair((behind[0], middle))} {_pair(behind)}")
            at = behind
    if points[-1] != at:
        parts.append(f"L{_pair(points[-1])}")
    return "".join(parts)


def _pair(point: Sequence[float]) -> str:
    return f"{_n(point[0])} {_n(point[1])}"


def _n(number: float) -> str:
    return f"{round(number, 1):g}"
