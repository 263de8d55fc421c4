"""Small integers for floats, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from support.layers.program import Layer, Program, floats, static, unrounded
from xdsl.dialects.builtin import IntegerType, Signedness, i8
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import element_of, numpy_dtype, shape_of, tensor_type

QUANTIZED: Sequence[Attribute] = (i8, IntegerType(8, Signedness.UNSIGNED))


def _scale(program: Program, x: SSAValue, element: Attribute) -> tuple[list[SSAValue], dict[str, int]]:
    """Powers of two, which divide without rounding, and zero points: of all, of each place of an axis, of blocks."""
    shape, properties = shape_of(x.type), {}
    sizes: list[int] = []
    axes = [axis for axis, size in enumerate(shape) if isinstance(size, int) and size > 0]
    if axes and program.flag():
        axis = program.choice(axes)
        properties, sizes = {"axis": axis}, [static(shape[axis])]
        if len(axes) == len(shape) and program.flag():
            block = program.integer(1, static(shape[axis]))
            properties["block_size"] = block
            sizes = [-(-static(size) // block) if i == axis else static(size) for i, size in enumerate(shape)]
    powers = 2.0 ** program.data.integers(-5, 1, sizes)
    scale = program.build.weight("quantize.scale", np.asarray(powers).astype(numpy_dtype(program.element)))
    low = -4 if element == i8 else 0
    return [scale, program.numbers("quantize.zero_point", low, 9, *sizes, element=element)], properties


@floats
@unrounded
def quantize(program: Program, x: SSAValue) -> SSAValue:
    operands, properties = _scale(program, x, program.choice(QUANTIZED))
    return graph.QuantizeOp.of(x, *operands, **properties).result


def dequantize(program: Program, x: SSAValue) -> SSAValue | None:
    if not is_integer(element_of(x.type)):
        return None
    element = program.choice(QUANTIZED)
    x = graph.CastOp.of(x, result=tensor_type(shape_of(x.type), element)).result
    operands, properties = _scale(program, x, element)
    return graph.DequantizeOp.of(x, *operands, **properties).result


@floats
@unrounded
def there_and_back(program: Program, x: SSAValue) -> SSAValue:
    """The pair that quantized models are exported with."""
    operands, properties = _scale(program, x, program.choice(QUANTIZED))
    quantized = graph.QuantizeOp.of(x, *operands, **properties).result
    return graph.DequantizeOp.of(quantized, *operands, **properties).result


LAYERS: Sequence[Layer] = (quantize, dequantize, there_and_back)
