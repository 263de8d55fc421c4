"""Sums of products, and the determinant."""

from __future__ import annotations

from collections.abc import Sequence

from support.layers.program import Layer, Program, elements, floats
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import shape_of, tensor_type


def _last(x: SSAValue) -> int | None:
    shape = shape_of(x.type)
    return shape[-1] if shape and isinstance(shape[-1], int) else None


@floats
def dense(program: Program, x: SSAValue) -> SSAValue | None:
    depth = _last(x)
    if depth is None:
        return None
    units = program.integer(1, 8)
    operands = [x, program.weight("dense.kernel", depth, units, scale=depth**-0.5)]
    if program.flag():
        operands.append(program.weight("dense.bias", units))
    return graph.DenseOp.of(*operands).result


@floats
def matmul(program: Program, x: SSAValue) -> SSAValue | None:
    """By a weight from the right, one from the left, a vector, or by itself."""
    depth, shape = _last(x), shape_of(x.type)
    if depth is None:
        return None
    kind = program.integer(0, 3)
    if kind == 0:
        return graph.MatmulOp.of(
            x, program.weight("matmul.rhs", depth, program.integer(1, 9), scale=depth**-0.5)
        ).result
    if kind == 1:
        return graph.MatmulOp.of(x, program.weight("matmul.vector", depth, scale=depth**-0.5)).result
    if len(shape) < 2 or not isinstance(rows := shape[-2], int):
        return None
    if kind == 2:
        return graph.MatmulOp.of(program.weight("matmul.lhs", program.integer(1, 5), rows, scale=rows**-0.5), x).result
    order = (*range(len(shape) - 2), len(shape) - 1, len(shape) - 2)
    turned = graph.TransposeOp.of(graph.TanhOp.of(x).result, perm=order).result
    scaled = graph.MulOp.of(turned, program.constant((), 1.0 / depth)).result
    return graph.MatmulOp.of(x, scaled).result


@floats
def einsum(program: Program, x: SSAValue) -> SSAValue | None:
    """A contraction with a weight over any dim, or an outer product with its own sums."""
    shape = shape_of(x.type)
    axes = [axis for axis, size in enumerate(shape) if isinstance(size, int)]
    if not axes or len(shape) > 4 or elements(shape) > 512:
        return None
    letters, axis = identity(len(shape)), program.choice(axes)
    depth, units = shape[axis], program.integer(1, 5)
    weight = program.weight("einsum.weight", int(str(depth)), units, scale=int(str(depth)) ** -0.5)
    kept = letters.replace(letters[axis], "z")
    result = "".join(str(c) for c in program.rng.permutation(list(kept)))
    return graph.EinsumOp.of(x, weight, spec=f"{letters},{letters[axis]}z->{result}").result


@floats
def det(program: Program, x: SSAValue) -> SSAValue | None:
    depth, shape = _last(x), shape_of(x.type)
    if depth is None:
        return None
    n = program.integer(1, 4)
    flat = graph.DenseOp.of(
        graph.TanhOp.of(x).result, program.weight("det.kernel", depth, n * n, scale=depth**-0.5)
    ).result
    square = graph.ReshapeOp.of(flat, result=tensor_type((*shape[:-1], n, n), program.element)).result
    return graph.DetOp.of(square).result


def integer_matmul(program: Program, x: SSAValue) -> SSAValue | None:
    """Integers accumulate in 32 bits."""
    depth, shape = _last(x), shape_of(x.type)
    if depth is None or x.type != tensor_type(shape, i32):
        return None
    return graph.MatmulOp.of(
        x, program.numbers("matmul.numbers", -8, 8, depth, program.integer(1, 6), element=i32)
    ).result


PLAIN: Sequence[Layer] = (dense, dense)
LAYERS: Sequence[Layer] = (matmul, matmul, einsum, det, integer_matmul)
