"""The rules of graph-raise-idioms for sums of products: an einsum takes the order of dims around it into its letters.

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
from neuralc.passes.graph.raise_values import used_once
from neuralc.passes.graph.weight_values import is_known


class TransposedResult(RewritePattern[graph.TransposeOp]):
    """A transpose of an einsum that nothing else reads."""

    op_types = (graph.TransposeOp,)

    def rewrite(self, op: graph.TransposeOp, rewriter: Rewriter) -> None:
        einsum = op.operands[0].owner
        if not isinstance(einsum, graph.EinsumOp) or not used_once(op.operands[0]):
            return
        words, result = einsum.literal("spec").split("->")
        order = "".join(result[axis] for axis in op.literal("perm"))
        rewriter.replace(op, graph.EinsumOp.of(*einsum.xs, spec=in_order(f"{words}->{order}")), fused=[einsum])


class TransposedOperand(RewritePattern[graph.EinsumOp]):
    """An einsum of a transposed value, which only it reads, or which is no weight."""

    op_types = (graph.EinsumOp,)

    def rewrite(self, op: graph.EinsumOp, rewriter: Rewriter) -> None:
        words, result = op.literal("spec").split("->")
        letters = words.split(",")
        for index, value in enumerate(op.xs):
            view = value.owner
            if not isinstance(view, graph.TransposeOp) or not used_once(value) or is_known(value):
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
        if len(op.xs) != 2 or len(words.split(",")[0]) < 2 or len(result) < 2:
            return
        left, right = words.split(",")
        batch = left[:-2]
        if left != f"{batch}{left[-2]}{left[-1]}" or len(right) != len(left):
            return
        row, inner, column = left[-2], left[-1], right[-1]
        if (
            right != f"{batch}{inner}{column}"
            or result != f"{batch}{row}{column}"
            or len(set(left + column)) != len(left) + 1
        ):
            return
        shapes = [shape_of(value.type) for value in op.xs]
        if shapes[0][:-2] == shapes[1][:-2] and shapes[0][-1] == shapes[1][-2]:
            rewriter.replace(op, graph.MatmulOp.of(*op.xs))


def in_order(spec: str) -> str:
    """The same einsum with the letters a, b, c, .. as they come."""
    names: dict[str, str] = {}
    for letter in spec:
        if letter.isalpha():
            names.setdefault(letter, ascii_letters[len(names)])
    return "".join(names.get(letter, letter) for letter in spec)


PATTERNS: Sequence[RewritePattern[Any]] = (TransposedResult(), TransposedOperand(), MatrixProduct())
