"""Sums of products: an einsum takes the order of dims around it into its letters, and is a matmul where it is one.

%0 = graph.einsum "ab,cb->ac" %x, %y
%1 = graph.transpose %0 {perm = [1, 0]}      ->      graph.einsum "ab,cb->ca" %x, %y
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any

from neuralc.dialects import graph
from neuralc.dialects.types import shape_of
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.weight_values import is_known


class TransposedResult(RewritePattern[graph.TransposeOp]):
    """A transpose of an einsum that nothing else reads."""

    op_types = (graph.TransposeOp,)

    def rewrite(self, op: graph.TransposeOp, rewriter: Rewriter) -> None:
        einsum = op.operands[0].owner
        if not isinstance(einsum, graph.EinsumOp) or not op.operands[0].has_one_use():
            return
        words, result = einsum.literal("spec").split("->")
        order = "".join(result[axis] for axis in op.literal("perm"))
        rewriter.replace(op, graph.EinsumOp.of(*einsum.xs, spec=in_order(f"{words}->{order}")), fused=[einsum])


class TransposedOperand(RewritePattern[graph.EinsumOp]):
    """An einsum of a transposed value that it alone reads, and that is no weight: those are transposed once."""

    op_types = (graph.EinsumOp,)

    def rewrite(self, op: graph.EinsumOp, rewriter: Rewriter) -> None:
        words, result = op.literal("spec").split("->")
        letters = words.split(",")
        for index, value in enumerate(op.xs):
            view = value.owner
            if not isinstance(view, graph.TransposeOp) or not value.has_one_use() or is_known(value):
                continue
            own = list(letters[index])
            for letter, axis in zip(letters[index], view.literal("perm"), strict=True):
                own[axis] = letter
            letters[index] = "".join(own)
            operands = [view.operands[0] if i == index else x for i, x in enumerate(op.xs)]
            spec = in_order(f"{','.join(letters)}->{result}")
            rewriter.replace(op, graph.EinsumOp.of(*operands, spec=spec), fused=[view])
            return


class MatrixProduct(RewritePattern[graph.EinsumOp]):
    """The einsum of two operands that is numpy.matmul: "abc,acd->abd"."""

    op_types = (graph.EinsumOp,)

    def rewrite(self, op: graph.EinsumOp, rewriter: Rewriter) -> None:
        words, result = op.literal("spec").split("->")
        if len(op.xs) != 2:
            return
        left, right = words.split(",")
        if len(left) < 2 or len(right) != len(left):
            return
        batch, row, inner, column = left[:-2], left[-2], left[-1], right[-1]
        distinct = len({*batch, row, inner, column}) == len(left) + 1
        if not distinct or right != f"{batch}{inner}{column}" or result != f"{batch}{row}{column}":
            return
        lhs, rhs = (shape_of(value.type) for value in op.xs)
        if lhs[:-2] == rhs[:-2] and lhs[-1] == rhs[-2]:
            rewriter.replace(op, graph.MatmulOp.of(*op.xs))


def in_order(spec: str) -> str:
    """The same einsum with the letters a, b, c, .. as they come."""
    names: dict[str, str] = {}
    for letter in spec:
        if letter.isalpha():
            names.setdefault(letter, ascii_letters[len(names)])
    return "".join(names.get(letter, letter) for letter in spec)


PATTERNS: Sequence[RewritePattern[Any]] = (TransposedResult(), TransposedOperand(), MatrixProduct())
