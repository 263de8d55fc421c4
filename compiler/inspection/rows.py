"""Layered drawing, first half: the row of every node, and the order within rows that crosses the fewest lines.

After K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system structures", IEEE Trans.
SMC 11(2), 1981: rows by longest paths, bends where a line passes a row, sweeps that sort rows by barycentres.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SWEEPS, WORK = 24, 200_000
"""Sweeps over all rows, at most; in large drawings so many that they do not look at more vertices than that."""

PATIENCE = 4
"""Sweeps without a better order after which there are no more."""


@dataclass(frozen=True)
class Line:
    """A line from a node to a later one. Lines of a node with the same `value` run together as far as they can."""

    source: int
    target: int
    value: Hashable = None
    label: float = 0.0
    """Width of the text beside it, at the first row that it passes."""
    passes: bool = False
    """Whether it has to pass a row."""


@dataclass
class Vertex:
    """A node, or a bend: the place where a line passes a row. `left` and `right` are its extents from its middle."""

    row: int
    left: float
    right: float
    is_bend: bool = False
    above: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)


@dataclass
class Rows:
    """Vertices, nodes first; the order within each row; for each line, the vertices it passes."""

    vertices: list[Vertex]
    order: list[list[int]]
    paths: list[list[int]]


def make_rows(widths: Sequence[float], lines: Sequence[Line], bend: float) -> Rows:
    """The rows for nodes of these widths. Raises ValueError for a line that does not lead to a later node."""
    if any(line.source >= line.target for line in lines):
        raise ValueError("a line leads to a later node")
    rows = _rank(len(widths), lines)
    vertices = [Vertex(row, width / 2, width / 2) for row, width in zip(rows, widths, strict=True)]
    paths = _bend(vertices, lines, bend)
    order: list[list[int]] = [[] for _ in range(max(rows, default=-1) + 1)]
    for index, vertex in enumerate(vertices):
        order[vertex.row].append(index)
    return Rows(vertices, _untangle(vertices, order), paths)


def _rank(count: int, lines: Sequence[Line]) -> list[int]:
    """Each node as high as it can be; those that nothing leads to, as low."""
    into: list[list[Line]] = [[] for _ in range(count)]
    out: list[list[Line]] = [[] for _ in range(count)]
    for line in lines:
        into[line.target].append(line)
        out[line.source].append(line)
    rows: list[int] = []
    for node in range(count):
        rows.append(max((rows[line.source] + _length(line) for line in into[node]), default=0))
    for node in reversed(range(count)):
        if out[node] and not into[node]:
            rows[node] = min(rows[line.target] - _length(line) for line in out[node])
    return rows


def _length(line: Line) -> int:
    return 2 if line.passes else 1


def _bend(vertices: list[Vertex], lines: Sequence[Line], bend: float) -> list[list[int]]:
    """Bends for all rows that lines pass; a label stands at the first one."""
    bends: dict[tuple[int, Hashable, int], int] = {}
    paths = []
    for line in lines:
        path = [line.source]
        for row in range(vertices[line.source].row + 1, vertices[line.target].row):
            key = line.source, line.value, row
            if key not in bends:
                bends[key] = len(vertices)
                vertices.append(Vertex(row, bend, bend, is_bend=True))
            first = vertices[bends[key]]
            if len(path) == 1:
                first.right = max(first.right, bend + line.label)
            path.append(bends[key])
        path.append(line.target)
        paths.append(path)
    for upper, lower in dict.fromkeys(pair for path in paths for pair in pairwise(path)):
        vertices[upper].below.append(lower)
        vertices[lower].above.append(upper)
    return paths


# --- crossings ---------------------------------------------------------------------------------------------------
def _untangle(vertices: Sequence[Vertex], order: list[list[int]]) -> list[list[int]]:
    """Sweeps down and up; the best order seen is kept."""
    best, fewest = [list(row) for row in order], _crossings(vertices, order)
    waited = 0
    for sweep in range(min(SWEEPS, max(2, WORK // max(1, len(vertices))))):
        if fewest == 0 or waited == PATIENCE:
            break
        down = sweep % 2 == 0
        for row in order if down else reversed(order):
            _sort(vertices, order, row, down=down)
        found = _crossings(vertices, order)
        waited += 1
        if found < fewest:
            best, fewest, waited = [list(row) for row in order], found, 0
    return best


def _sort(vertices: Sequence[Vertex], order: Sequence[Sequence[int]], row: list[int], *, down: bool) -> None:
    """Sort a row by the means of what its vertices are tied to on one side; others keep their place."""
    if len(row) < 2:
        return
    ties = {vertex: vertices[vertex].above if down else vertices[vertex].below for vertex in row}
    beside = vertices[row[0]].row + (-1 if down else 1)
    places = {vertex: place for place, vertex in enumerate(order[beside])} if 0 <= beside < len(order) else {}
    means = {vertex: sum(places[tie] for tie in ties[vertex]) / len(ties[vertex]) for vertex in row if ties[vertex]}
    tied = iter(sorted(means, key=lambda vertex: means[vertex]))
    row[:] = [next(tied) if vertex in means else vertex for vertex in row]


def _crossings(vertices: Sequence[Vertex], order: Sequence[Sequence[int]]) -> int:
    """Pairs of lines between neighbouring rows that cross."""
    count = 0
    for upper, lower in pairwise(order):
        places = {vertex: place for place, vertex in enumerate(lower)}
        seen: list[int] = []
        for vertex in upper:
            ends = sorted(places[end] for end in vertices[vertex].below)
            count += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count
