"""Sums of products: a dot product over any dims is a dense layer, a matrix product, or an einsum."""

from __future__ import annotations

from string import ascii_letters

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError
from neuralc.frontends.stablehlo.dimension_numbers import Axes, Dot
from neuralc.frontends.stablehlo.node import Node
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.values import Value
from neuralc.passes.graph.raise_layers.einsums import in_order

PRECISION = ("precision_config", "algorithm")
"""How exact a device computes; ours accumulates in at least the type of the result."""


@stablehlo_op(
    "stablehlo.dot_general", makes=("graph.dense", "graph.matmul", "graph.einsum", "graph.transpose"), unread=PRECISION
)
def dot_general(node: Node) -> Value:
    """The result has the batch dims, then those of lhs that are left, then those of rhs."""
    element = node.element()
    lhs, rhs = (node.cast(operand, element) for operand in node.inputs)
    dims = Dot.of(node.attribute("dot_dimension_numbers"))
    if _is_layer(lhs, rhs, dims):
        kernel = rhs if dims.rhs_contracting == (0,) else node.transpose(rhs, (1, 0))
        return node.emit(graph.DenseOp, lhs, kernel)
    if _is_product(lhs, rhs, dims):
        return node.emit(graph.MatmulOp, lhs, rhs)
    return node.emit(graph.EinsumOp, lhs, rhs, spec=_spec(lhs.rank, rhs.rank, dims))


def _is_layer(lhs: Value, rhs: Value, dims: Dot) -> bool:
    """The last axis of an input with an axis of a matrix that the model holds."""
    return (
        rhs.is_parameter
        and not lhs.is_parameter
        and rhs.rank == 2
        and not dims.lhs_batch
        and dims.lhs_contracting == (lhs.rank - 1,)
        and len(dims.rhs_contracting) == 1
    )


def _is_product(lhs: Value, rhs: Value, dims: Dot) -> bool:
    """numpy.matmul: of matrices with the same leading dims, or of anything with a matrix or a vector."""
    batch: Axes = tuple(range(len(dims.lhs_batch)))
    if dims.lhs_batch != batch or dims.rhs_batch != batch or dims.lhs_contracting != (lhs.rank - 1,):
        return False
    if not batch:
        return rhs.rank in (1, 2) and dims.rhs_contracting == (0,)
    return lhs.rank == rhs.rank == len(batch) + 2 and dims.rhs_contracting == (len(batch),)


def _spec(lhs: int, rhs: int, dims: Dot) -> str:
    """One letter a dim, in the order in which the dims appear."""
    if lhs + rhs > len(ascii_letters):
        raise ShapeError(f"a product of {lhs + rhs} dims")
    left = ascii_letters[:lhs]
    right = list(ascii_letters[lhs : lhs + rhs])
    for ours, theirs in zip(
        (*dims.lhs_batch, *dims.lhs_contracting), (*dims.rhs_batch, *dims.rhs_contracting), strict=True
    ):
        right[theirs] = left[ours]
    batch = "".join(left[axis] for axis in dims.lhs_batch)
    summed = {left[axis] for axis in dims.lhs_contracting} | set(batch)
    kept = "".join(letter for letter in (*left, *right) if letter not in summed)
    return in_order(f"{left},{''.join(right)}->{batch}{kept}")
