"""Products of matrices and tensors: Gemm, MatMul, Einsum, Det."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.emit.onnx.lower_elementwise import finish
from neuralc.emit.onnx.values import Values


def _dense(values: Values, op: graph.DenseOp) -> None:
    """Gemm of matrices, with a bias or a kernel [units, in]; MatMul and Add of more dims, and of integers."""
    x, kernel, *bias = values.operands(op)
    turned = values.layouts.needs[op][1] == (1, 0)
    if len(shape_of(op.x.type)) == 2 and is_float(element_of(op.x.type)) and (bias or turned):
        values.define(op, "Gemm", x, kernel, *bias, transB=1 if turned else None)
        return
    if turned:
        kernel = values.transpose(kernel, (1, 0))
    if bias:
        finish(values, op, "Add", values.carried("MatMul", x, kernel), *bias)
    else:
        finish(values, op, "MatMul", x, kernel)


def _matmul(values: Values, op: graph.MatmulOp) -> None:
    finish(values, op, "MatMul", *values.operands(op))


def _einsum(values: Values, op: graph.EinsumOp) -> None:
    """onnxruntime broadcasts no dims of 1 against another one: they are taken away."""
    operands = values.operands(op)
    left, _, right = op.literal("spec").replace(" ", "").partition("->")
    words = left.split(",")
    sizes: dict[str, Any] = {}
    for word, operand in zip(words, op.operands, strict=True):
        for letter, size in zip(word, shape_of(operand.type), strict=True):
            if sizes.get(letter, 1) == 1:
                sizes[letter] = size
    spread = []
    for index, (word, operand) in enumerate(zip(words, op.operands, strict=True)):
        shape = shape_of(operand.type)
        gone = [i for i, letter in enumerate(word) if shape[i] == 1 and sizes[letter] != 1]
        words[index] = "".join(letter for i, letter in enumerate(word) if i not in gone)
        name = operands[index]
        spread.append(values("Squeeze", name, values.integers(gone)) if gone else name)
    finish(values, op, "Einsum", *spread, equation=f"{','.join(words)}->{right}")


def _det(values: Values, op: graph.DetOp) -> None:
    finish(values, op, "Det", values.operand(op, 0))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    graph.DenseOp: _dense,
    graph.DetOp: _det,
    graph.EinsumOp: _einsum,
    graph.MatmulOp: _matmul,
}
