"""In which element types operators compute: what ONNX allows of each, and which integers onnxruntime has code for.

An operator that does not take a type is computed in a carrier, a wider type that gives the same numbers: 16 bits are
exact in 32 and back, sums of uint64 have the same bits as sums of int64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import onnx
from xdsl.dialects.builtin import IntegerType, Signedness, bf16, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.ir import Attribute

from neuralc.dialects.scalar import identity
from neuralc.dialects.types import is_float
from neuralc.frontends.onnx.element_types import NAMES, NUMBERS

u8, u16, u32, u64 = (IntegerType(width, Signedness.UNSIGNED) for width in (8, 16, 32, 64))

COMPUTED: Mapping[str, frozenset[Attribute]] = {
    "ArgMax": frozenset({i8, i32, i64, u8}),
    "ArgMin": frozenset({i8, i32, i64, u8}),
    "CumProd": frozenset({i32, i64, u32, u64}),
    "CumSum": frozenset({i32, i64}),
    "Einsum": frozenset({i32, i64}),
    "MatMul": frozenset({i32, i64, u32, u64}),
    "Max": frozenset({i8, i32, i64, u8, u32, u64}),
    "MaxPool": frozenset({i8, u8}),
    "Min": frozenset({i8, i32, i64, u8, u32, u64}),
    "Neg": frozenset({i8, i16, i32, i64}),
    "Pad": frozenset({i1, i8, i32, i64, u8, u32, u64}),
    "Pow": frozenset({i32, i64}),
    "ReduceMax": frozenset({i8, i32, i64, u8}),
    "ReduceMin": frozenset({i8, i32, i64, u8}),
    "ReduceProd": frozenset({i32, i64}),
    "ReduceSum": frozenset({i64}),  # it saturates at the ends of the type, where sums wrap around
    "Relu": frozenset({i8, i32}),
    "Resize": frozenset({i8, i32, u8}),
    "TopK": frozenset({i8, i16, i32, i64, u8}),
    "Where": frozenset({i8, i32, i64, u8, u32}),
}
"""Integers that onnxruntime computes on CPUs (its kernels, version 1.32), where those are not all that ONNX allows."""

ORDERED = frozenset({"ArgMax", "ArgMin", "ReduceMax", "ReduceMin", "TopK", "Relu"})
"""Operators whose result depends on which number is larger: the bits of a uint64 as an int64 are not enough."""

_CARRIERS: Mapping[Attribute, Sequence[Attribute]] = {
    i1: (u8, i32),
    i8: (i32, i64),
    i16: (i32, i64),
    i32: (i64,),
    u8: (i32, i64),
    u16: (i32, i64),
    u32: (i64,),
    u64: (i64,),
    f16: (f32,),
    bf16: (f32,),
}


def carrier(operator: str, element: Attribute) -> Attribute | None:
    """The type that `operator` is computed in for `element`: the type itself where that works; None where none does."""
    return next((each for each in (element, *_CARRIERS.get(element, ())) if _computes(operator, each)), None)


def first_version(operator: str, elements: Sequence[Attribute | None], least: int) -> int:
    """The first operator set from `least` on in which `operator` takes inputs of these types. Raises LookupError."""
    names = tuple("" if element is None else _name(element) for element in elements)
    for version in range(least, onnx.defs.onnx_opset_version() + 1):
        if _accepts(operator, names, version):
            return version
    raise LookupError(f"{operator} takes no {', '.join(names)}")


def integer_limits(element: Attribute) -> tuple[int, int]:
    """The least and the largest number of an integer type."""
    least, most = identity("maximum", element), identity("minimum", element)
    return int(least), int(most)


def _computes(operator: str, element: Attribute) -> bool:
    if not is_float(element) and element not in COMPUTED.get(operator, {element}):
        return False
    newest = onnx.defs.onnx_opset_version()
    return _accepts(operator, (_name(element),), newest, anywhere=True)


def _name(element: Attribute) -> str:
    return f"tensor({NAMES[NUMBERS[element]]})"


@lru_cache(maxsize=4096)
def _accepts(operator: str, names: tuple[str, ...], version: int, *, anywhere: bool = False) -> bool:
    """Whether each input of an operator may be of the type of that name; with `anywhere` the data is what counts."""
    try:
        schema = onnx.defs.get_schema(operator, version, "")
    except onnx.defs.SchemaError:
        return False
    inputs = list(schema.inputs)
    if anywhere:
        index = 1 if operator == "Where" else 0
        return not inputs or names[0] in inputs[min(index, len(inputs) - 1)].types
    return all(not name or name in inputs[min(i, len(inputs) - 1)].types for i, name in enumerate(names))


__all__ = ["COMPUTED", "ORDERED", "carrier", "f32", "f64", "first_version", "integer_limits", "u8", "u16", "u32", "u64"]
