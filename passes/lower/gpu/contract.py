"""Contractions on a GPU: one program per block of rows x columns, accumulated over k by `dot`.

    rows n, h, w | columns o | k over i, j, c          (a convolution; a matrix product has one loop of each)

    acc = 0
    for k in range(0, 576, 16):
      acc = dot(x[rows, k], w[k, columns], acc)
    store(epilogue(acc))

All row loops are one axis, and all reduced loops another (axes.py), so every layer has this one form. Loops that both
operands and the output have (groups, the batch of a batched product) are further dims of the grid. Without rows or
columns there is nothing to multiply as matrices: see products.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from xdsl.ir import SSAValue

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.kernel import FuncOp
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.dialects.types import element_bytes
from neuralc.passes.lower.gpu.axes import Axis, hints, join, programs
from neuralc.passes.lower.gpu.blocks import Blocks, Problem, choose_blocks
from neuralc.passes.lower.gpu.loops import Accumulator, each_step
from neuralc.passes.lower.gpu.products import build_products, build_sums
from neuralc.passes.lower.gpu.roles import Roles, accumulator, find_roles, size_of
from neuralc.passes.lower.nest import Nest, Operand
from neuralc.passes.lower.regions import epilogue
from neuralc.passes.lower.tiles import Place, TileShape, computed, load, store

FEWEST_COLUMNS = 8
"""Groups of fewer channels would leave most of a dot's block empty."""


@dataclass(frozen=True)
class ContractKernel:
    """A kernel, the operands as it sees them, its form in words, and when it is the right one."""

    func: FuncOp
    nest: Nest
    form: str
    condition: tuple[Dim, str, Dim] | None = None


def build_contract(nest: Nest, name: str) -> list[ContractKernel]:
    """The kernels of a contraction: two where only the run time knows whether there are more than a few rows."""
    roles = find_roles(nest)
    columns = size_of(nest, roles.columns)
    narrow = bool(roles.shared) and isinstance(columns, int) and columns < FEWEST_COLUMNS
    if roles.rows and roles.columns and not narrow:
        return _blocked(nest, roles, name)
    if nest.output.word and (narrow or nest.output.word[-1] in roles.shared):
        return [ContractKernel(*build_products(nest, roles, name), "element by element")]
    return [ContractKernel(*build_sums(nest, roles, name), "sums of products")]


def _blocked(nest: Nest, roles: Roles, name: str) -> list[ContractKernel]:
    problem = Problem(
        rows=size_of(nest, roles.rows),
        columns=size_of(nest, roles.columns),
        depth=size_of(nest, roles.reduced),
        around=size_of(nest, roles.shared),
        element_bytes=element_bytes(nest.inputs[roles.left].ref.element_type),
    )
    blocks, fewer = choose_blocks(problem)
    kernel = ContractKernel(*build_dot(nest, roles, blocks, name), f"blocks of {blocks}")
    if fewer is None:
        return [kernel]
    rows, small = fewer
    other = ContractKernel(*build_dot(nest, roles, small, f"{name}_few_rows"), f"blocks of {small}")
    return [replace(kernel, condition=(as_dim(problem.rows), ">=", Dim.constant(rows))), other]


def build_dot(nest: Nest, roles: Roles, blocks: Blocks, name: str) -> tuple[FuncOp, Nest]:
    """The kernel with blocks of one size, and the nest with the operands as it sees them."""
    nest, rows = join(nest, roles.rows, blocks.rows, blocks.rows)
    nest, columns = join(nest, roles.columns, blocks.columns, blocks.columns)
    nest, depth = join(nest, roles.reduced, blocks.depth, blocks.depth)
    b = KernelBuilder(name, nest.dims, nest.references)
    grid_sizes = {letter: nest.sizes[letter] for letter in roles.shared}
    grid_sizes |= {"pid_m": simplest(rows.tiles), "pid_n": simplest(columns.tiles)}
    where, grid = programs(b, grid_sizes)
    places = {letter: Place(where[letter]) for letter in roles.shared}
    places |= rows.places(b, nest, b.mul(where["pid_m"], rows.extent, "m0"), 0, "offs_m")
    places |= columns.places(b, nest, b.mul(where["pid_n"], columns.extent, "n0"), 1, "offs_n")
    shape = TileShape((rows.extent, columns.extent), 0)
    acc = _accumulate(b, nest, roles, depth, places, shape)
    value = b.convert(acc, shape.type(computed(nest.stages[0].element)))
    value = epilogue(b, nest, nest.stages[1:], value, places, shape)
    store(b, value, nest.output, places)
    return b.finish(grid, hints(blocks.warps, blocks.stages)), nest


def _accumulate(
    b: KernelBuilder, nest: Nest, roles: Roles, depth: Axis, places: Mapping[str, Place], shape: TileShape
) -> SSAValue:
    """acc[m, n] += left[m, k] . right[k, n] over all of k."""
    left, right = roles.operands(nest)
    op = nest.stages[0].op
    precision = str(op.literal("precision")) if isinstance(op, tensor.ContractOp) else "ieee"
    rows, columns = shape.extents

    def tile(operand: Operand, at: Mapping[str, Place], extents: tuple[int, int]) -> SSAValue:
        return load(b, operand, at, TileShape(extents, 0, wide=False))

    def zero() -> SSAValue:
        return b.splat(0.0, shape.type(accumulator(left.ref.element_type)), "acc")

    def step(k: IndexLike, acc: Accumulator) -> SSAValue:
        # Axis 1 of the left tile is axis 0 of the right one.
        along = depth.places(b, nest, k, 1, "offs_k")
        above = {letter: replace(place, over=0) for letter, place in along.items()}
        x = tile(left, {**places, **along}, (rows, depth.extent))
        w = tile(right, {**places, **above}, (depth.extent, columns))
        return b.dot(x, w, acc or zero(), precision=precision, hint="acc")

    return each_step(b, depth, zero, step)
