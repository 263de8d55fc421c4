"""Layers that are sums of products over shared dims, and the determinant.

| op           | operands                        | definition |
|--------------|---------------------------------|------------|
| graph.dense  | x[.., in], kernel[in, n], bias? | Keras Dense |
| graph.matmul | lhs, rhs                        | numpy.matmul, vectors and broadcasting included (ONNX MatMul) |
| graph.einsum | xs..                            | numpy.einsum of a written-out spec (ONNX Einsum) |
| graph.det    | x[.., n, n]                     | numpy.linalg.det (ONNX Det) |

Floats and integers; integers accumulate, and wrap around, in their own type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import StringAttr, TensorType
from xdsl.ir import Attribute
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import Pure

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph.shapes import broadcast, require_float, require_number, require_vector
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import Shape, ShapeError, format_shape, shape_of, tensor_type


@irdl_op_definition
class DenseOp(PlainOp):
    """x[.., in] . kernel[in, units] + bias[units], over the last axis."""

    name = "graph.dense"
    x = operand_def(TensorType)
    kernel = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        element = require_number("dense", types)
        x, kernel = shape_of(types[0]), shape_of(types[1])
        if not x or len(kernel) != 2 or x[-1] != kernel[0]:
            raise ShapeError(f"input {format_shape(x)} does not fit a kernel of {format_shape(kernel)}")
        require_vector("bias", types[2:], kernel[1])
        return tensor_type((*x[:-1], kernel[1]), element)


@irdl_op_definition
class MatmulOp(PlainOp):
    """lhs[.., m, k] . rhs[.., k, n] with leading dims broadcast; a vector gets a dim of 1 that the result drops."""

    name = "graph.matmul"
    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        element = require_number("matmul", types)
        lhs, rhs = shape_of(types[0]), shape_of(types[1])
        if not lhs or not rhs or lhs[-1] != rhs[-2 if len(rhs) > 1 else 0]:
            raise ShapeError(f"{format_shape(lhs)} and {format_shape(rhs)} have no matrix product")
        rows, columns = lhs[-2:-1], rhs[-1:] if len(rhs) > 1 else ()
        return tensor_type((*broadcast(lhs[:-2], rhs[:-2]), *rows, *columns), element)


@irdl_op_definition
class EinsumOp(PlainOp):
    """The product of all operands, each along its letters, summed over the letters that the result lacks.

    `spec` is explicit, `"bij,bjk->bik"`: a letter twice in one operand walks its diagonal, the result has each letter
    once, `...` is written out by whoever builds the op. A dim of 1 broadcasts, as numpy.einsum has it.
    """

    name = "graph.einsum"
    spec = prop_def(StringAttr)
    xs = var_operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    HEAD: ClassVar = "spec"

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        words, result = einsum_words(properties["spec"], len(types))
        element = require_number("einsum", types)
        sizes = einsum_sizes(words, [shape_of(type_) for type_ in types])
        missing = [letter for letter in result if letter not in sizes]
        if missing:
            raise ShapeError(f'letters {missing} of the result stand in no operand of "{properties["spec"]}"')
        return tensor_type([sizes[letter] for letter in result], element)


def einsum_words(spec: str, count: int) -> tuple[list[str], str]:
    """The letters of each operand, and of the result. Raises ShapeError."""
    left, arrow, result = spec.replace(" ", "").partition("->")
    words = left.split(",")
    letters = "".join((*words, result))
    if not arrow or (letters and not (letters.isascii() and letters.isalpha())):
        raise ShapeError(f'an einsum is written "ij,jk->ik", not "{spec}"')
    if len(words) != count:
        raise ShapeError(f'"{spec}" has {len(words)} operands, got {count}')
    if len(set(result)) != len(result):
        raise ShapeError(f'each letter stands once in the result of "{spec}"')
    return words, result


def einsum_sizes(words: Sequence[str], shapes: Sequence[Shape]) -> dict[str, int | Dim]:
    """The size of each letter; a dim of 1 fits any. Raises ShapeError."""
    sizes: dict[str, int | Dim] = {}
    for word, shape in zip(words, shapes, strict=True):
        if len(word) != len(shape):
            raise ShapeError(f'"{word}" does not fit shape {format_shape(shape)}')
        for letter, size in zip(word, shape, strict=True):
            if sizes.get(letter, 1) == 1:
                sizes[letter] = size
            elif size not in (1, sizes[letter]):
                raise ShapeError(f"letter `{letter}` has sizes {sizes[letter]} and {size}")
    return sizes


@irdl_op_definition
class DetOp(PlainOp):
    """The determinant of each matrix of the last two dims."""

    name = "graph.det"
    x = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        element, shape = require_float("det", types), shape_of(types[0])
        if len(shape) < 2 or shape[-1] != shape[-2]:
            raise ShapeError(f"a determinant needs square matrices, got {format_shape(shape)}")
        return tensor_type(shape[:-2], element)
