"""A layered drawing: boxes in rows from top to bottom, lines between them that pass beside boxes.

Written here because no well-kept light library does it: grandalf is GPL or EPL and has rested since 2023, the younger
ones are compiled, come for few machines, or route no lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.inspection.columns import place
from neuralc.inspection.rows import Line, Rows, make_rows

BESIDE = 22.0
"""Between boxes of a row."""

BEND = 5.0
"""A line that passes a row keeps this free on both sides."""

BETWEEN, STEEPEST = 28.0, 0.12
"""Between rows: at least, and for each unit that a line goes sideways."""

TIP = 9.0
"""The end of a line that is straight, for its arrow."""

CORNER = 14.0
"""Lines begin and end this far from the corners of boxes."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A box in the drawing: its upper left corner, its width and height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True)
class Route:
    """A line as points. Between an even one and the next it is straight down, elsewhere it may go sideways."""

    points: tuple[Point, ...]
    label: Point | None
    """Where the text beside it begins."""


@dataclass(frozen=True)
class Layout:
    width: float
    height: float
    boxes: list[Box]
    routes: list[Route]


def arrange(sizes: Sequence[tuple[float, float]], lines: Sequence[Line]) -> Layout:
    """Draw boxes of these widths and heights. Lines lead to later boxes; else ValueError."""
    rows = make_rows([width for width, _ in sizes], lines, BEND)
    middles = place(rows, BESIDE)
    left = min((x - vertex.left for x, vertex in zip(middles, rows.vertices, strict=True)), default=0.0)
    middles = [x - left for x in middles]
    width = max((x + vertex.right for x, vertex in zip(middles, rows.vertices, strict=True)), default=0.0)
    tops, bottoms = _heights(rows, sizes, middles)
    boxes = []
    for (box_width, height), middle, vertex in zip(sizes, middles, rows.vertices, strict=False):
        top, bottom = tops[vertex.row], bottoms[vertex.row]
        boxes.append(Box(middle - box_width / 2, (top + bottom - height) / 2, box_width, height))
    draw = _Draw(rows, middles, tops, bottoms, boxes)
    routes = [draw.route(line, path) for line, path in zip(lines, rows.paths, strict=True)]
    return Layout(width, bottoms[-1] if bottoms else 0.0, boxes, routes)


def _heights(
    rows: Rows, sizes: Sequence[tuple[float, float]], middles: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Where each row begins and ends. Lines that go far sideways get more room below a row."""
    tops, bottoms = [], []
    y = 0.0
    for row in rows.order:
        tops.append(y)
        bottoms.append(y + max((sizes[vertex][1] for vertex in row if vertex < len(sizes)), default=CORNER))
        sideways = max(
            (abs(middles[vertex] - middles[below]) for vertex in row for below in rows.vertices[vertex].below),
            default=0.0,
        )
        y = bottoms[-1] + min(max(BETWEEN, sideways * STEEPEST), 3 * BETWEEN)
    return tops, bottoms


@dataclass(frozen=True)
class _Draw:
    rows: Rows
    middles: Sequence[float]
    tops: Sequence[float]
    bottoms: Sequence[float]
    boxes: Sequence[Box]

    def route(self, line: Line, path: Sequence[int]) -> Route:
        source, target = self.boxes[line.source], self.boxes[line.target]
        bends = [(self.middles[vertex], self.rows.vertices[vertex].row) for vertex in path[1:-1]]
        start = _within(source, bends[0][0] if bends else target.middle)
        points: list[Point] = [(start, source.bottom), (start, self.bottoms[self.rows.vertices[line.source].row])]
        for x, row in bends:
            points += [(x, self.tops[row] - TIP), (x, self.bottoms[row])]
        end = _within(target, points[-1][0])
        points += [(end, self.tops[self.rows.vertices[line.target].row] - TIP), (end, target.y)]
        label = None
        if line.label and bends:
            x, row = bends[0]
            label = (x + BEND, (self.tops[row] + self.bottoms[row]) / 2)
        return Route(tuple(points), label)


def _within(box: Box, x: float) -> float:
    """The place on the edge of a box that is nearest to `x`."""
    room = max(0.0, box.width / 2 - CORNER)
    return min(max(x, box.middle - room), box.middle + room)
