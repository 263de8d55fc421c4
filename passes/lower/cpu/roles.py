"""Which loop of a contraction does what on a CPU: rows and vectors of its tile, loops around it, reductions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from neuralc.dialects.dims import product, simplest
from neuralc.passes.lower.nest import Nest, Operand, Size

FEW_ROWS = 8
"""Rows of a constant number from which they are preferred to those of a symbolic one."""
STRIDED_LOAD = 4
"""What it costs to collect a vector from all over memory, against a store of that kind, which is once a tile."""


@dataclass(frozen=True)
class Roles:
    """Which loop does what. `rows` is empty where the output has no loop that the vector operand lacks.

    Several row loops (the pixels of a picture) are walked as one: a tile may start in one row of pixels and end in the
    next, so that small pictures fill their tiles too. Then every row of a tile has an address of its own, which takes
    too long where few products follow: with `in_lines`, and loops along overlapping windows (contract.py), PP-OCR's
    first layer takes 22 -> 15 us, U-Net's 388 -> 304 on a Zen 3 core. Not so either where the product is element by
    element: neighbours in one row of pixels share the vectors of their windows, if the code that LLVM sees says that
    they are neighbours.
    """

    scalars: Operand
    vectors: Operand
    vector: str
    rows: str
    outer: str
    reduced: str
    elementwise: bool


def find_roles(nest: Nest, vector: str | None = None) -> Roles:
    """Sort the loops of a contraction into rows, vectors, outer loops and reductions.

    Vectors run along the panels of a packed operand, else along the loop of the output that costs least, unless one
    is given.
    """
    lhs, rhs = operands_of(nest)
    word = nest.output.word
    if vector is None:
        panels = [operand.word[-1] for operand in (lhs, rhs) if operand.packed]
        letters = panels or [letter for letter in word if nest.sizes[letter] != 1] or list(word)
        vector = min(reversed(letters), key=lambda letter: vector_cost(nest, letter), default="")
    elementwise = vector in lhs.word and vector in rhs.word
    scalars, vectors = (rhs, lhs) if vector in lhs.word and not elementwise else (lhs, rhs)
    others = word.replace(vector, "")
    candidates = [letter for letter in others if letter in scalars.word and letter not in vectors.word]
    rows = _row_loops(nest, candidates)
    if elementwise and (nest.static(rows[-1:] or vector) or 0) >= FEW_ROWS // 2:
        rows = rows[-1:]
    outer = "".join(letter for letter in others if letter not in rows)
    # The order in which the vector operand lies in memory: its panels are then read front to back.
    reduced = "".join(letter for letter in vectors.word if letter in nest.reduced)
    reduced += "".join(letter for letter in nest.reduced if letter not in reduced)
    return Roles(scalars, vectors, vector, "".join(rows), outer, reduced, elementwise)


def in_lines(nest: Nest, roles: Roles) -> Roles | None:
    """The same with rows along the last row loop alone; None where that changes nothing or leaves few rows."""
    rows = roles.rows[-1:]
    if len(roles.rows) < 2 or roles.elementwise or (nest.static(rows) or 0) < FEW_ROWS:
        return None
    outer = "".join(letter for letter in nest.output.word if letter not in rows + roles.vector)
    return replace(roles, rows=rows, outer=outer)


def _row_loops(nest: Nest, candidates: Sequence[str]) -> str:
    """The innermost neighbouring loops of constant sizes that are not few rows; else the last loop and its neighbours.

    A batch is as long as a symbol says, and may be one: the steps of a sequence fill tiles better.
    """
    runs = "".join(letter if nest.static(letter) else " " for letter in candidates).split(" ")
    long = [run for run in runs if math.prod(nest.static(letter) or 1 for letter in run) >= FEW_ROWS]
    return long[-1] if long else runs[-1] or "".join(candidates[-1:])


def vector_cost(nest: Nest, letter: str) -> int:
    """How far a loop of the output is from being walked by vectors: in each operand that has it, and in the output."""
    having = [operand for operand in operands_of(nest) if letter in operand.word]
    strided = any(operand.stride(letter) != 1 for operand in having)
    return STRIDED_LOAD * strided + 2 * (len(having) - 1) + (nest.output.stride(letter) != 1)


def operands_of(nest: Nest) -> tuple[Operand, Operand]:
    lhs, rhs = (nest.inputs[source.input or 0] for source in nest.stages[0].sources)
    return lhs, rhs


def row_count(nest: Nest, roles: Roles) -> Size:
    """The extent of the row loops together; 1 without any."""
    return simplest(product([nest.sizes[letter] for letter in roles.rows]))
