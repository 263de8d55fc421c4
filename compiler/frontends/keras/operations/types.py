"""The types that keras.ops gives its results: like JAX, a number of Python takes the type of the tensor that it meets.

Integers with floats are floats of the tensor's type; integers alone become the usual float where a function needs one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_type_of, numpy_dtype
from neuralc.frontends.nr.expressions.builder import Builder, is_kind
from neuralc.frontends.nr.expressions.promotion import Dtype, dtype_of
from neuralc.frontends.nr.expressions.values import Value, described
from neuralc.grammar.signatures.base import ELEMENTS


def usual(b: Builder) -> Dtype:
    """The float type of functions of integers."""
    return numpy_dtype(b.usual)


def common(b: Builder, values: Sequence[Value], *, floats: bool = False) -> Dtype:
    """The one type in which several values are taken; with `floats` a float type. Raises ShapeError."""
    kinds = [dtype_of(value) for value in values if isinstance(value, SSAValue)]
    numbers = [value for value in values if not isinstance(value, SSAValue)]
    real = [kind for kind in kinds if is_float_type(kind)]
    if real:
        return _widest(real)
    if floats or any(isinstance(number, float) for number in numbers):
        return usual(b)
    found = np.result_type(*kinds) if kinds else np.dtype("int32")
    if found.kind == "b" and any(not isinstance(number, bool) for number in numbers):
        return np.dtype("int32")
    if found.kind not in "biu":
        raise ShapeError(f"no integer type holds {' and '.join(kind.name for kind in kinds)}")
    return found


def type_named(dtype: Value) -> Dtype:
    """The type of a name. Raises ShapeError for one that values do not have."""
    if not isinstance(dtype, str) or dtype not in ELEMENTS:
        raise ShapeError(f"{described(dtype)} is no type of values")
    return numpy_dtype(element_type_of(dtype))


def is_float_type(dtype: Dtype) -> bool:
    return dtype.kind == "f" or dtype.name == "bfloat16"


def _widest(kinds: Sequence[Dtype]) -> Dtype:
    names = {kind.name for kind in kinds}
    for name in ("float64", "float32"):
        if name in names:
            return np.dtype(name)
    return np.dtype("float32") if len(names) > 1 else kinds[0]


def tensors(b: Builder, values: Sequence[Value], *, floats: bool = False) -> tuple[Value, ...]:
    """Values in their common type; numbers stay numbers, which take the type of what they meet."""
    dtype = common(b, values, floats=floats)
    return tuple(_in(b, value, dtype) for value in values)


def _in(b: Builder, value: Value, dtype: Dtype) -> Value:
    if isinstance(value, SSAValue):
        return b.cast(value, dtype)
    if not isinstance(value, bool | int | float):
        raise ShapeError(f"a number or a value of the model is needed, not {described(value)}")
    return float(value) if is_float_type(dtype) else int(value) if dtype.kind in "iu" else value


def float_of(b: Builder, x: Value) -> SSAValue:
    """A value as floats. Raises ShapeError for what is no value of the model."""
    values = tensor(x)
    return values if is_kind(values, "f") else b.cast(values, usual(b))


def tensor(x: Value) -> SSAValue:
    if not isinstance(x, SSAValue):
        raise ShapeError(f"a value of the model is needed, not {described(x)}")
    return x


def same_mask(b: Builder, x: SSAValue) -> SSAValue:
    """The mask that a layer made of the same ops, where there is one: Keras writes it into the graph a second time."""
    for mask in b.site.run.masks.values():
        if mask is not x and _equivalent(mask, x):
            _erase(x)
            return mask
    return x


def _erase(x: SSAValue) -> None:
    """Takes back an op that was just made, and the constants that were made for it."""
    op = x.owner
    if not isinstance(op, Operation) or x.uses.get_length():
        return
    operands = list(op.operands)
    op.detach()
    op.erase()
    for operand in operands:
        if isinstance(operand.owner, graph.ConstantOp):
            _erase(operand)


def _equivalent(x: SSAValue, y: SSAValue) -> bool:
    if x is y:
        return True
    op, other = x.owner, y.owner
    if not isinstance(op, graph.NotEqualOp | graph.ReduceOp | graph.ConstantOp) or not isinstance(other, type(op)):
        return False
    same = x.type == y.type and op.properties == other.properties
    return same and all(_equivalent(*pair) for pair in zip(op.operands, other.operands, strict=True))
