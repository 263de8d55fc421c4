"""graph-canonicalize never changes what a chain of casts gives, rounding and saturation included."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from support.graph_modules import Array, GraphModule, tensor
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.interp import Numerics, run_module
from neuralc.dialects.types import element_type_of, numpy_dtype, shape_of, tensor_type
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import PassContext
from neuralc.passes.graph.canonicalize import CanonicalizePass
from neuralc.passes.graph.canonicalize_values import holds_all

INTEGERS = ("int8", "uint8", "int16", "int32", "uint32", "int64", "uint64")
DTYPES = ("bool", *INTEGERS, "bfloat16", "float16", "float32", "float64")


def values(dtype: str) -> Array:
    if dtype == "bool":
        return np.array([False, True])
    if "float" in dtype:
        numbers = [0.0, -0.0, 0.3, 1.5, 2.5, -2.7, 255.5, 2049.0, 65504.0, 1e5, -1e5, 2.0**40, 1e300, np.inf, -np.inf]
        with np.errstate(over="ignore"):
            return np.array([*numbers, np.nan]).astype(numpy_dtype(element_type_of(dtype)))
    limits = np.iinfo(dtype)
    near = [limits.min, limits.min + 1, 0, 1, 5, 100, limits.max - 1, limits.max]
    return np.array(
        [number for number in [*near, -7, 2**11 + 1, 2**24 + 1] if limits.min <= number <= limits.max], dtype
    )


def chain(before: str, *casts: str) -> ModuleOp:
    def body(x: SSAValue) -> SSAValue:
        for dtype in casts:
            x = graph.CastOp.of(x, result=tensor_type(shape_of(x.type), element_type_of(dtype))).result
        return x

    return GraphModule().model({"x": tensor(values(before).size, element=element_type_of(before))}, body)


def assert_same(found: Array, expected: Array) -> None:
    """Equal, NaN for NaN; float64 holds what bf16 holds, whose NaN numpy does not compare."""
    assert found.dtype == expected.dtype
    wide = (array.astype(np.float64) if "float" in array.dtype.name else array for array in (found, expected))
    np.testing.assert_array_equal(*wide)


@pytest.mark.parametrize(("before", "between"), list(product(DTYPES, DTYPES)), ids="-".join)
def test_a_chain_of_casts_keeps_its_value(before: str, between: str) -> None:
    for after in DTYPES:
        module, inputs = chain(before, between, after), [values(before)]
        (expected,) = run_module(module, inputs, WeightStore(), numerics=Numerics.ROUNDED)
        CanonicalizePass().run_in(module, PassContext())
        (found,) = run_module(module, inputs, WeightStore(), numerics=Numerics.ROUNDED)
        assert_same(found, expected)


@pytest.mark.parametrize(("narrow", "wide"), list(product(DTYPES, DTYPES)), ids="-".join)
def test_a_type_holds_another_where_the_way_back_is_exact(narrow: str, wide: str) -> None:
    one, other = element_type_of(narrow), element_type_of(wide)
    (back,) = run_module(chain(narrow, wide, narrow), [values(narrow)], WeightStore(), numerics=Numerics.ROUNDED)
    if holds_all(one, other):
        assert_same(back, values(narrow))
