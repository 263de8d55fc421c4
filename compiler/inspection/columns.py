"""Layered drawing, second half: where in its row each vertex stands, so that lines are straight and nothing overlaps.

Vertices that are joined by straight lines make columns. The longest path through the drawing is one column, the spine,
and is straight from top to bottom; the others stand as near to it as their neighbours let them. Which lines may be
straight follows U. Brandes, B. Koepf, "Fast and simple horizontal coordinate assignment", GD 2001: two that would cross
between two rows cannot both be.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from statistics import median

from neuralc.inspection.rows import Rows

ROUNDS = 8
"""Rounds in which columns move towards what they are tied to."""


@dataclass
class Column:
    """Vertices one below the other. Columns beside it in some row, with the least distance between middles."""

    vertices: list[int]
    lefts: dict[int, float] = field(default_factory=dict)
    rights: dict[int, float] = field(default_factory=dict)


def place(rows: Rows, gap: float) -> list[float]:
    """The middle of each vertex, at least `gap` between neighbours of a row; the spine is at 0."""
    if not rows.vertices:
        return []
    spine = _spine(rows)
    straight = _straight(rows, spine)
    columns, column_of = _columns(rows, straight, gap)
    middles = _pack(rows, columns, column_of, spine)
    _settle(rows, columns, column_of, middles, fixed=column_of[spine[0]])
    return [middles[column_of[vertex]] for vertex in range(len(rows.vertices))]


def _spine(rows: Rows) -> list[int]:
    """The path from the first row to the last that passes the most nodes; of equal ones the one in the middle."""
    aside = {vertex: abs(2 * place - len(row) + 1) for row in rows.order for place, vertex in enumerate(row)}
    best: dict[int, tuple[int, int]] = {}
    follows: dict[int, int] = {}
    for row in reversed(rows.order):
        for vertex in row:
            each = rows.vertices[vertex]
            follow = max(each.below, key=lambda below: (best[below], -aside[below]), default=None)
            last, nodes = (each.row, 0) if follow is None else best[follow]
            best[vertex] = last, nodes + (not each.is_bend)
            if follow is not None:
                follows[vertex] = follow
    path = [max(rows.order[0], key=lambda vertex: (best[vertex], -aside[vertex]))]
    while path[-1] in follows:
        path.append(follows[path[-1]])
    return path


# --- columns -----------------------------------------------------------------------------------------------------
def _columns(rows: Rows, below: Mapping[int, int], gap: float) -> tuple[list[Column], dict[int, int]]:
    """The columns, and the one of each vertex; `below` are the straight lines."""
    columns: list[Column] = []
    column_of: dict[int, int] = {}
    for vertex in (each for row in rows.order for each in row):
        if vertex in column_of:
            continue
        column = Column([vertex])
        while column.vertices[-1] in below:
            column.vertices.append(below[column.vertices[-1]])
        column_of.update(dict.fromkeys(column.vertices, len(columns)))
        columns.append(column)
    for row in rows.order:
        for left, right in pairwise(row):
            one, other = column_of[left], column_of[right]
            distance = rows.vertices[left].right + gap + rows.vertices[right].left
            distance = max(distance, columns[one].rights.get(other, 0.0))
            columns[one].rights[other] = columns[other].lefts[one] = distance
    return columns, column_of


def _straight(rows: Rows, spine: Sequence[int]) -> dict[int, int]:
    """For a vertex, the one below it that stands in the same column."""
    spines = set(pairwise(spine))
    places = {vertex: place for row in rows.order for place, vertex in enumerate(row)}
    found: dict[int, int] = {}
    for row in rows.order:
        pairs = [(vertex, below) for vertex in row for below in rows.vertices[vertex].below]
        taken: list[tuple[int, int]] = []
        for upper, lower in sorted(pairs, key=lambda pair: _rank(rows, places, pair, spines)):
            line = places[upper], places[lower]
            index = bisect_left(taken, line)
            before, behind = taken[:index][-1:], taken[index:][:1]
            if all(one[0] < line[0] and one[1] < line[1] for one in before) and all(
                line[0] < one[0] and line[1] < one[1] for one in behind
            ):
                insort(taken, line)
                found[upper] = lower
    return found


def _rank(
    rows: Rows, places: Mapping[int, int], pair: tuple[int, int], spines: set[tuple[int, int]]
) -> tuple[bool, bool, bool, int, int, int]:
    """What is straight first: the spine, lines that pass several rows, pairs that have only one another."""
    upper, lower = rows.vertices[pair[0]], rows.vertices[pair[1]]
    passes = upper.is_bend and lower.is_bend
    alone = len(upper.below) == 1 == len(lower.above)
    one, other = places[pair[0]], places[pair[1]]
    return pair not in spines, not passes, not alone, abs(one - other), one, other


# --- middles -----------------------------------------------------------------------------------------------------
def _pack(rows: Rows, columns: Sequence[Column], column_of: Mapping[int, int], spine: Sequence[int]) -> list[float]:
    """All as near to the spine as possible: it passes every row, so each column is on one side of it."""
    middles = [0.0] * len(columns)
    ordered = _left_to_right(columns)
    middle = column_of[spine[0]]
    on_right: set[int] = set()
    for row, center in zip(rows.order, spine, strict=True):
        on_right.update(column_of[vertex] for vertex in row[row.index(center) + 1 :])
    for index in ordered:
        if index in on_right:
            middles[index] = max(middles[left] + space for left, space in columns[index].lefts.items())
    for index in reversed(ordered):
        if index not in on_right and index != middle:
            middles[index] = min(middles[right] - space for right, space in columns[index].rights.items())
    return middles


def _left_to_right(columns: Sequence[Column]) -> list[int]:
    """Columns so that each comes behind those on its left."""
    waiting = [len(column.lefts) for column in columns]
    ready = [index for index, count in enumerate(waiting) if not count]
    found: list[int] = []
    while ready:
        index = ready.pop()
        found.append(index)
        for right in columns[index].rights:
            waiting[right] -= 1
            if not waiting[right]:
                ready.append(right)
    return found


def _settle(
    rows: Rows, columns: Sequence[Column], column_of: Mapping[int, int], middles: list[float], fixed: int
) -> None:
    """Columns move to the median of what they are tied to, as far as those beside them let them."""
    ties = [list(_ties(rows, column, column_of)) for column in columns]
    ordered = [index for index in _left_to_right(columns) if index != fixed and ties[index]]
    for turn in range(ROUNDS):
        before = list(middles)
        for index in ordered if turn % 2 else reversed(ordered):
            column = columns[index]
            wanted = median(middles[tie] for tie in ties[index])
            least = max((middles[left] + space for left, space in column.lefts.items()), default=-inf)
            most = min((middles[right] - space for right, space in column.rights.items()), default=inf)
            middles[index] = min(max(wanted, least), most)
        if middles == before:
            return


def _ties(rows: Rows, column: Column, column_of: Mapping[int, int]) -> Iterator[int]:
    """The columns that lines lead to from this one, one for each line."""
    own = column_of[column.vertices[0]]
    for vertex in column.vertices:
        for other in (*rows.vertices[vertex].above, *rows.vertices[vertex].below):
            if column_of[other] != own:
                yield column_of[other]
