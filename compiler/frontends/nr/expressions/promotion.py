"""The types that numpy computes in: numpy itself is asked, with values of the same types and no elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from xdsl.ir import SSAValue

from neuralc.dialects.bfloat16 import NAME, bfloat16
from neuralc.dialects.dims import Dim
from neuralc.dialects.types import ShapeError, element_of, numpy_dtype
from neuralc.frontends.nr.expressions.values import Value, described

Dtype: TypeAlias = np.dtype[Any]

_HALF = np.dtype("float16")


def dtype_of(x: SSAValue) -> Dtype:
    return numpy_dtype(element_of(x.type))


def loop_of(ufunc: np.ufunc, operands: Sequence[Value]) -> tuple[Dtype, ...]:
    """The types in which a ufunc takes its operands and gives its result. Raises ShapeError where it takes none."""
    kinds, back = _kinds(operands)
    try:
        found = ufunc.resolve_dtypes((*kinds, None))
    except TypeError:
        shown = " and ".join(_shown(each) for each in operands)
        raise ShapeError(f"`{ufunc.__name__}` does not take {shown}") from None
    for operand, dtype in zip(operands, found, strict=False):
        _fits(operand, dtype)
    return tuple(map(back, found))


def common_type(values: Sequence[Value]) -> Dtype:
    """The type of values that stand in one tensor. Raises ShapeError for a value that is no number."""
    kinds, back = _kinds(values)
    examples = [kind(0) if isinstance(kind, type) else np.empty(0, kind) for kind in kinds]
    found = np.result_type(*examples)
    for value in values:
        _fits(value, found)
    return back(found)


def result_type(function: Callable[..., Any], x: SSAValue, **options: Any) -> Dtype:
    """The type that a function of one array gives, such as numpy.sum."""
    (kind,), back = _kinds([x])
    return back(np.asarray(function(np.zeros(1, kind), **options)).dtype)


def _kinds(values: Sequence[Value]) -> tuple[list[Any], Callable[[Dtype], Dtype]]:
    """The types of values as numpy promotes them, and what leads back from its result.

    numpy knows no rules for bfloat16: where it meets nothing but numbers and integers float16 stands for it.
    """
    kinds = [_kind(value) for value in values]
    floats = {kind.name for kind in kinds if isinstance(kind, np.dtype) and (kind.kind == "f" or kind.name == NAME)}
    if NAME not in floats:
        return kinds, lambda dtype: dtype
    stand_in = _HALF if floats == {NAME} else np.dtype("float32")
    kinds = [stand_in if isinstance(kind, np.dtype) and kind.name == NAME else kind for kind in kinds]
    if stand_in == _HALF:
        return kinds, lambda dtype: bfloat16() if dtype == _HALF else dtype
    return kinds, lambda dtype: dtype


def _kind(value: Value) -> Any:
    match value:
        case SSAValue():
            return dtype_of(value)
        case bool():
            return np.dtype(bool)
        case int() | Dim():
            return int
        case float():
            return float
        case _:
            raise ShapeError(f"a number or a value of the model is needed, not {described(value)}")


def _fits(value: Value, dtype: Dtype) -> None:
    if isinstance(value, int) and not isinstance(value, bool) and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if not limits.min <= value <= limits.max:
            raise ShapeError(f"{value} is no {dtype.name}")


def _shown(value: Value) -> str:
    return dtype_of(value).name if isinstance(value, SSAValue) else described(value)
