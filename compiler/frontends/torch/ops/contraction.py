"""Matrix products, linear layers and sums of products."""

from __future__ import annotations

import string
from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import i64

from neuralc.dialects import graph
from neuralc.frontends.torch.node import Node, Number
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value


@aten("linear", makes=("graph.dense", "graph.transpose", "graph.matmul"))
def linear(node: Node, x: Value, weight: Value, bias: Value | None = None) -> Value:
    """torch holds the kernel as [out, in]."""
    if weight.rank == 1:
        y = node.emit(graph.MatmulOp, x, weight)
        return y if bias is None else node.add(y, bias)
    return dense(node, x, node.transpose(weight, (1, 0)), bias)


def dense(node: Node, x: Value, kernel: Value, bias: Value | None) -> Value:
    return node.emit(graph.DenseOp, x, kernel, *([] if bias is None else [bias]))


@aten("mm", "bmm", "matmul", "mv", "dot", "inner", makes=("graph.matmul", "graph.transpose"))
def matmul(node: Node, x: Value, y: Value, out_dtype: object = None) -> Value:
    if node.op == "inner" and y.rank > 1:
        y = node.transpose(y, (*range(y.rank - 2), y.rank - 1, y.rank - 2))
    return node.emit(graph.MatmulOp, x, y)


@aten("outer", "ger", makes=("graph.reshape", "graph.mul"))
def outer(node: Node, x: Value, y: Value) -> Value:
    return node.mul(node.reshape(x, (x.shape[0], 1)), node.reshape(y, (1, y.shape[0])))


@aten("addmm", makes=("graph.dense", "graph.matmul", "graph.mul", "graph.add"))
def addmm(node: Node, bias: Value, x: Value, y: Value, *, beta: Number = 1, alpha: Number = 1) -> Value:
    """A linear layer, where a vector is added."""
    if beta == 1 and alpha == 1 and bias.shape == (y.shape[1],):
        return dense(node, x, y, bias)
    return _added(node, bias, node.emit(graph.MatmulOp, x, y), beta, alpha)


@aten("addmv", "baddbmm", makes=("graph.matmul", "graph.mul", "graph.add"))
def added_product(node: Node, bias: Value, x: Value, y: Value, *, beta: Number = 1, alpha: Number = 1) -> Value:
    return _added(node, bias, node.emit(graph.MatmulOp, x, y), beta, alpha)


@aten("addbmm", makes=("graph.matmul", "graph.reduce", "graph.mul", "graph.add"))
def addbmm(node: Node, bias: Value, x: Value, y: Value, *, beta: Number = 1, alpha: Number = 1) -> Value:
    return _added(node, bias, node.reduce(node.emit(graph.MatmulOp, x, y), "sum", (0,)), beta, alpha)


def _added(node: Node, bias: Value, product: Value, beta: Number, alpha: Number) -> Value:
    """beta * bias + alpha * product; with a beta of 0 the bias is not looked at."""
    scaled = product if alpha == 1 else node.mul(product, node.scalar(alpha, product))
    if beta == 0:
        return scaled
    return node.add(bias if beta == 1 else node.mul(bias, node.scalar(beta, bias)), scaled)


@aten("einsum", makes=("graph.einsum",))
def einsum(node: Node, equation: str, operands: Sequence[Value], *, path: object = None) -> Value:
    """torch leaves out the result where each letter that stands once is in it, and has dots for leading dims."""
    spec = written_out(equation.replace(" ", ""), [x.rank for x in operands])
    return node.emit(graph.EinsumOp, *operands, spec=spec)


def written_out(equation: str, ranks: Sequence[int]) -> str:
    """An equation without dots, and with its result."""
    left, arrow, right = equation.partition("->")
    words = left.split(",")
    free = [letter for letter in string.ascii_letters[::-1] if letter not in equation]
    hidden = [rank - len(word.replace("...", "")) for word, rank in zip(words, ranks, strict=True)]
    most = max((count for count, word in zip(hidden, words, strict=True) if "..." in word), default=0)
    dots = "".join(free[:most])[::-1]
    spread = [
        word.replace("...", dots[most - count :]) if "..." in word else word
        for word, count in zip(words, hidden, strict=True)
    ]
    if arrow:
        return f"{','.join(spread)}->{right.replace('...', dots)}"
    letters = left.replace("...", "").replace(",", "")
    once = "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    return f"{','.join(spread)}->{dots}{once}"


@aten("bilinear", makes=("graph.einsum", "graph.add"))
def bilinear(node: Node, x: Value, y: Value, weight: Value, bias: Value | None = None) -> Value:
    leading = string.ascii_uppercase[: x.rank - 1]
    product = node.emit(graph.EinsumOp, x, weight, y, spec=f"{leading}i,oij,{leading}j->{leading}o")
    return product if bias is None else node.add(product, bias)


@aten("tensordot", makes=("graph.einsum",))
def tensordot(node: Node, x: Value, y: Value, dims_self: Sequence[int], dims_other: Sequence[int]) -> Value:
    first = list(string.ascii_letters[: x.rank])
    second = list(string.ascii_letters[x.rank : x.rank + y.rank])
    for a, b in zip(dims_self, dims_other, strict=True):
        second[node.axis(b, y.rank)] = first[node.axis(a, x.rank)]
    kept = [letter for letter in first if letter not in second] + [letter for letter in second if letter not in first]
    return node.emit(graph.EinsumOp, x, y, spec=f"{''.join(first)},{''.join(second)}->{''.join(kept)}")


NORMS = ("graph.sub", "graph.mul", "graph.abs", "graph.pow", "graph.reduce", "graph.sqrt")


@aten("_cdist_forward", "cdist", makes=NORMS)
def cdist(node: Node, x: Value, y: Value, p: Number = 2.0, compute_mode: int | None = None) -> Value:
    """The p-norms of all differences of rows."""
    a = node.reshape(x, (*x.shape[:-1], 1, x.shape[-1]))
    b = node.reshape(y, (*y.shape[:-2], 1, *y.shape[-2:]))
    return p_norm(node, node.sub(a, b), float(p))


def p_norm(node: Node, x: Value, p: float) -> Value:
    """Over the last dim."""
    axis = (x.rank - 1,)
    if p == 2:
        return node.emit(graph.SqrtOp, node.reduce(node.mul(x, x), "sum", axis))
    size = node.emit(graph.AbsOp, x)
    if p == 1:
        return node.reduce(size, "sum", axis)
    if p == float("inf"):
        return node.reduce(size, "maximum", axis)
    if p == 0:
        node.refuse("with p = 0")
    powers = node.reduce(node.emit(graph.PowOp, size, node.scalar(p, x)), "sum", axis)
    return node.emit(graph.PowOp, powers, node.scalar(1 / p, x))


@aten("_pdist_forward", "pdist", makes=("graph.gather", *NORMS))
def pdist(node: Node, x: Value, p: Number = 2.0) -> Value:
    """The p-norms of the differences of each pair of rows, the first before the second."""

    if not isinstance(x.shape[0], int):
        node.refuse(f"of {x.shape[0]} rows")
    first, second = np.triu_indices(x.shape[0], 1)
    a = node.emit(graph.GatherOp, x, node.constant(first, i64), axis=0)
    b = node.emit(graph.GatherOp, x, node.constant(second, i64), axis=0)
    return p_norm(node, node.sub(a, b), float(p))


@aten("det", "linalg_det", makes=("graph.det",))
def det(node: Node, x: Value) -> Value:
    return node.emit(graph.DetOp, x)
