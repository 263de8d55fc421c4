"""Instructions and constants llvmlite's builder lacks: splats, intrinsics on vectors, multiply-add by target."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from neuralc.dialects.bfloat16 import bfloat16, cast
from neuralc.emit.llvm.types import I32, POINTER, BFloatType, Value, lanes_of, scalar_of, suffix, with_lanes


def constant(type_: Any, value: float | int | bool) -> Value:
    """A constant of a scalar or vector type, the same in all lanes."""
    scalar = scalar_of(type_)
    whole = isinstance(scalar, ir.IntType) and not isinstance(scalar, BFloatType)
    number: float | int = int(value) if whole else float(value)
    text = str(number) if whole else _float_text(scalar, float(number))
    if isinstance(type_, ir.VectorType):
        text = f"splat ({scalar} {text})"
    result = raw_constant(type_, text)
    result.number = number
    return result


def known_number(value: Value) -> float | int | None:
    """The number that `constant` put in all lanes; None for any other value."""
    number: float | int | None = getattr(value, "number", None)
    return number


def raw_constant(type_: Any, text: str) -> Value:
    """A constant by its text. llvmlite's own class takes a text for scalars only."""
    value = ir.FormattedConstant(POINTER, text)
    value.type = type_
    return value


def poison(type_: Any) -> Value:
    return raw_constant(type_, "poison")


def _float_text(type_: Any, value: float) -> str:
    """Decimal where that is exact and short, else the bits of the double that holds the value, as LLVM reads them."""
    if isinstance(type_, BFloatType):
        return str(_bfloat_bits(value))
    dtype = {"half": np.float16, "float": np.float32, "double": np.float64}[str(type_)]
    with np.errstate(over="ignore"):
        rounded = float(np.asarray(value).astype(dtype))
    if abs(rounded) < 1e6 and rounded == int(rounded):
        return f"{rounded:.1f}"
    return f"0x{struct.unpack('<Q', struct.pack('<d', rounded))[0]:016X}"


def _bfloat_bits(value: float) -> int:
    """The nearest bf16, of two the even one."""
    if math.isnan(value):
        return 0x7FC0
    with np.errstate(over="ignore"):
        return int(cast(np.array([value]), bfloat16()).view(np.uint16)[0])


def lane_numbers(type_: Any) -> Value:
    """`<0, 1, 2, ..>`; 0 for a scalar type."""
    if not isinstance(type_, ir.VectorType):
        return ir.Constant(type_, 0)
    return ir.Constant(type_, [ir.Constant(type_.element, lane) for lane in range(type_.count)])


def intrinsic(builder: Any, name: str, args: Sequence[Value], result: Any, overloads: Sequence[Any]) -> Value:
    """Call `llvm.<name>.<overloads>`, declared on first use."""
    full = ".".join([f"llvm.{name}", *map(suffix, overloads)])
    return builder.call(declare(builder, full, result, [arg.type for arg in args]), args)


def declare(builder: Any, name: str, result: Any, parameters: Sequence[Any]) -> Any:
    """The function of a name in the module that is being written."""
    module = builder.module
    if name in module.globals:
        return module.globals[name]
    return ir.Function(module, ir.FunctionType(result, parameters), name)


def elementwise(builder: Any, name: str, *args: Value) -> Value:
    """An intrinsic whose operands and result have one type."""
    return intrinsic(builder, name, args, args[0].type, [args[0].type])


def multiply_add(builder: Any, has_fma: bool, a: Value, b: Value, c: Value) -> Value:
    """a * b + c: fused where the target can, else in whatever way is fast there; never a call of the C library."""
    return elementwise(builder, "fma" if has_fma else "fmuladd", a, b, c)


def splat(builder: Any, value: Value, lanes: int) -> Value:
    """A scalar in all lanes."""
    if lanes == 1:
        return value
    if (number := known_number(value)) is not None:
        return constant(with_lanes(value.type, lanes), number)
    undecided = poison(with_lanes(value.type, lanes))
    first = builder.insert_element(undecided, value, ir.Constant(I32, 0))
    return shuffle(builder, first, None, [0] * lanes)


def shuffle(builder: Any, a: Value, b: Value | None, pattern: Sequence[int]) -> Value:
    """Lanes picked from `a` and `b`; numbers from `lanes of a` on are lanes of `b`."""
    other = poison(a.type) if b is None else b
    mask = ir.Constant(with_lanes(I32, len(pattern)), [ir.Constant(I32, lane) for lane in pattern])
    return builder.shuffle_vector(a, other, mask)


def lane(builder: Any, value: Value, number: int) -> Value:
    """One lane of a vector; the value itself where it is a scalar."""
    return builder.extract_element(value, ir.Constant(I32, number)) if lanes_of(value) > 1 else value


def from_lanes(builder: Any, scalars: Sequence[Value]) -> Value:
    """A vector of the given scalars; the scalar itself where there is one."""
    if len(scalars) == 1:
        return scalars[0]
    result = poison(with_lanes(scalars[0].type, len(scalars)))
    for number, value in enumerate(scalars):
        result = builder.insert_element(result, value, ir.Constant(I32, number))
    return result


def per_lane(builder: Any, function: Any, *args: Value) -> Value:
    """Call a scalar function lane by lane."""
    count = lanes_of(args[0])
    return from_lanes(builder, [builder.call(function, [lane(builder, arg, i) for arg in args]) for i in range(count)])


def integer_like(type_: Any) -> Any:
    """The integer type, or vector of it, of the same width as a float type."""
    width = {"half": 16, "float": 32, "double": 64}[str(scalar_of(type_))]
    count = type_.count if isinstance(type_, ir.VectorType) else 1
    return with_lanes(ir.IntType(width), count)
