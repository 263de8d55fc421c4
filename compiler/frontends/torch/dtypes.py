"""Element types: torch's names, its numbers in files, the types of the IR, and which of two is wider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import IntegerType, Signedness, bf16, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.ir import Attribute

from neuralc.dialects.types import is_float
from neuralc.frontends.refusals import Refused
from neuralc.frontends.values import Value


def _unsigned(width: int) -> Attribute:
    return IntegerType(width, Signedness.UNSIGNED)


ELEMENTS: Mapping[str, Attribute] = {
    "bool": i1, "uint8": _unsigned(8), "int8": i8, "int16": i16, "int32": i32, "int64": i64, "float16": f16,
    "bfloat16": bf16, "float32": f32, "float64": f64, "uint16": _unsigned(16), "uint32": _unsigned(32),
    "uint64": _unsigned(64),
}  # fmt: skip
"""torch.dtype by name -> element type."""

NUMBERED: Mapping[int, str] = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64",
    9: "complex32", 10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16", 28: "uint16", 29: "float8_e4m3fn",
    30: "float8_e5m2", 31: "float8_e4m3fnuz", 32: "float8_e5m2fnuz",
}  # fmt: skip
"""ScalarType of torch._export.serde.schema -> torch.dtype by name."""

ORDER: Sequence[Attribute] = tuple(
    ELEMENTS[name]
    for name in ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16",
                 "bfloat16", "float32", "float64")
)  # fmt: skip
"""From narrow to wide."""


def element(dtype: str) -> Attribute:
    """Raises Refused for a type the compiler does not have."""
    if dtype not in ELEMENTS:
        raise Refused(f"element type {dtype}")
    return ELEMENTS[dtype]


def category(kind: Attribute) -> int:
    """0 for truth values, 1 for integers, 2 for floats."""
    return 2 if is_float(kind) else 0 if kind == i1 else 1


def common(operands: Sequence[Value | bool | int | float]) -> Attribute:
    """The type in which torch combines operands (torch.result_type).

    Tensors with dims decide; one without dims, or a number, counts only where it is of a wider category.
    """
    dimensioned = [x.element for x in operands if isinstance(x, Value) and x.rank]
    single = [x.element for x in operands if isinstance(x, Value) and not x.rank]
    numbers = [_of_number(x) for x in operands if not isinstance(x, Value)]
    found: Attribute | None = None
    for group in (dimensioned, single, numbers):
        if group:
            best = _widest(group)
            found = best if found is None or category(best) > category(found) else found
    if found is None:
        raise Refused("without operands")
    return found


def _of_number(number: bool | int | float) -> Attribute:
    return i1 if isinstance(number, bool) else f32 if isinstance(number, float) else i64


def _widest(kinds: Sequence[Attribute]) -> Attribute:
    found = kinds[0]
    for kind in kinds[1:]:
        found = _wider(found, kind)
    return found


def _wider(a: Attribute, b: Attribute) -> Attribute:
    if {a, b} == {f16, bf16}:
        return f32
    narrow, wide = sorted((a, b), key=ORDER.index)
    if narrow == ELEMENTS["uint8"] and wide == i8:  # neither holds the other
        return i16
    return wide
