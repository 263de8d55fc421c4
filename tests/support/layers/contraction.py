"""Sums of products, and the determinant."""

from __future__ import annotations

from collections.abc import Sequence

from support.layers.program import Layer, Program, elements, floats, numbers, static
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import element_of, shape_of, tensor_type


def _last(x: SSAValue) -> int | None:
    shape = shape_of(x.type)
    return shape[-1] if shape and isinstance(shape[-1], int) else None


@numbers
def dense(program: Program, x: SSAValue) -> SSAValue | None:
    depth = _last(x)
    if depth is None:
        return None
    units = program.integer(1, 8)
    operands = [x, program.weight("dense.kernel", depth, units, scale=depth**-0.5, like=x)]
    if program.flag():
        operands.append(program.weight("dense.bias", units, like=x))
    return graph.DenseOp.of(*operands).result


@numbers
def matmul(program: Program, x: SSAValue) -> SSAValue | None:
    """By a weight from the right, one from the left, a vector, or by itself."""
    depth, shape = _last(x), shape_of(x.type)
    if depth is None:
        return None
    kind = program.integer(0, 3)
    if kind == 0:
        rhs = program.weight("matmul.rhs", depth, program.integer(1, 9), scale=depth**-0.5, like=x)
        return graph.MatmulOp.of(x, rhs).result
    if kind == 1:
        return graph.MatmulOp.of(x, program.weight("matmul.vector", depth, scale=depth**-0.5, like=x)).result
    if len(shape) < 2 or not isinstance(rows := shape[-2], int):
        return None
    if kind == 2:
        lhs = program.weight("matmul.lhs", program.integer(1, 5), rows, scale=rows**-0.5, like=x)
        return graph.MatmulOp.of(lhs, x).result
    order = (*range(len(shape) - 2), len(shape) - 1, len(shape) - 2)
    turned = graph.TransposeOp.of(x, perm=order).result
    if is_integer(element_of(x.type)):
        return graph.MatmulOp.of(x, turned).result
    scaled = graph.MulOp.of(graph.TanhOp.of(turned).result, program.constant((), 1.0 / depth)).result
    return graph.MatmulOp.of(x, scaled).result


@numbers
def einsum(program: Program, x: SSAValue) -> SSAValue | None:
    """A contraction with a weight over any dim, or an outer product with its own sums."""
    shape = shape_of(x.type)
    axes = [axis for axis, size in enumerate(shape) if isinstance(size, int)]
    if not axes or len(shape) > 4 or elements(shape) > 512:
        return None
    letters, axis = identity(len(shape)), program.choice(axes)
    depth, units = shape[axis], program.integer(1, 5)
    weight = program.weight("einsum.weight", static(depth), units, scale=static(depth) ** -0.5, like=x)
    kept = letters.replace(letters[axis], "z")
    result = "".join(program.order(kept))
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


PLAIN: Sequence[Layer] = (dense, dense)
LAYERS: Sequence[Layer] = (matmul, matmul, einsum, det)
