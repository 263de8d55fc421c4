"""Products of matrices and tensors."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, is_float
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.values import Value


@onnx_op("MatMul", makes=("graph.matmul", "graph.dense"))
def matmul(node: Node) -> Value:
    """numpy.matmul. A matrix that the model holds on the right is a dense layer's kernel."""
    a, b = node.inputs
    return node.emit(graph.DenseOp if _is_kernel(a, b) else graph.MatmulOp, a, b)


@onnx_op(
    "Gemm",
    makes=("graph.dense", "graph.matmul", "graph.transpose", "graph.mul", "graph.add"),
    since=6,
    unread=("broadcast",),
)
def gemm(node: Node) -> Value:
    """alpha * A' B' + beta * C, with A and B transposed where asked for."""
    a, b, c = node.input(0), node.input(1), node.optional(2)
    alpha, beta = node.real("alpha", 1.0), node.real("beta", 1.0)
    if node.integer("transA", 0):
        a = node.transpose(a, (1, 0))
    if node.integer("transB", 0):
        b = node.transpose(b, (1, 0))
    if c is not None and beta != 1.0:
        c = node.mul(c, node.scalar(beta, c))
    if c is not None and alpha == 1.0 and _is_kernel(a, b) and c.shape == b.shape[1:]:
        return node.emit(graph.DenseOp, a, b, c)
    y = node.emit(graph.DenseOp if _is_kernel(a, b) else graph.MatmulOp, a, b)
    if alpha != 1.0:
        y = node.mul(y, node.scalar(alpha, y))
    return y if c is None else node.add(y, c)


def _is_kernel(a: Value, b: Value) -> bool:
    return a.rank > 0 and b.rank == 2 and b.is_parameter and is_float(b.element)


@onnx_op("Einsum", makes=("graph.einsum",))
def einsum(node: Node) -> Value:
    """numpy.einsum; an ellipsis stands for letters that the equation does not use, and is written out."""
    return node.emit(graph.EinsumOp, *node.inputs, spec=written_out(node.string("equation"), node.inputs))


@onnx_op("Det", makes=("graph.det",))
def det(node: Node) -> Value:
    return node.emit(graph.DetOp, node.input(0))


def written_out(equation: str, operands: Sequence[Value]) -> str:
    """The equation with letters for each ellipsis, and with its right side."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ShapeError(f"the equation `{equation}` has {len(terms)} terms for {len(operands)} operands")
    free = [letter for letter in ascii_letters if letter not in text]
    covered = [
        operand.rank - len(term.replace("...", "")) if "..." in term else 0
        for term, operand in zip(terms, operands, strict=True)
    ]
    if min(covered) < 0 or max(covered) > len(free):
        raise ShapeError(f"the equation `{equation}` does not fit its operands")
    letters = "".join(free[: max(covered)])
    spread = [term.replace("...", letters[len(letters) - count :]) for term, count in zip(terms, covered, strict=True)]
    if not arrow:
        once = sorted(letter for letter in set(left) - {",", "."} if left.count(letter) == 1)
        right = ("..." if letters else "") + "".join(once)
    return f"{','.join(spread)}->{right.replace('...', letters)}"
