"""Native code of elementwise ops, reductions and normalizations is within 1e-5 of the reference, at every level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.function_cases import CASES, NORMS, REDUCTIONS, Case
from support.graph_modules import single_op
from support.pipelines import NATIVE, assert_native_agrees, compile_native
from support.tables import few_of

from neuralc.dialects import graph
from neuralc.dialects.weights import WeightStore
from neuralc.passes.target import Target
from neuralc.runtime import ModelError

HALF = 2e-3
"""Results of 16 bits carry 11 of them."""


RARE = ("int8", "int16", "uint16", "uint32", "uint64")
"""Element types that only the slow tests go through, as they do casts between integers."""

COMMON = [
    case
    for case in CASES
    if not set(case.dtypes) & set(RARE)
    and (not case.name.startswith("cast") or "float32" in case.name or "saturates" in case.name)
]


def tolerance(case: Case) -> float:
    return HALF if "float16" in case.name else NATIVE


@pytest.mark.parametrize("case", few_of(COMMON, 12), ids=lambda case: case.name)
def test_native_code_is_the_reference(case: Case) -> None:
    module, inputs = case.build()
    assert_native_agrees(module, WeightStore(), [inputs], 1, tolerance(case))


@pytest.mark.slow
@pytest.mark.parametrize("opt", [0, 1, 2])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_native_code_is_the_reference_at_every_level(case: Case, opt: int) -> None:
    module, inputs = case.build()
    assert_native_agrees(module, WeightStore(), [inputs], opt, tolerance(case))


@pytest.mark.parametrize("opt", [0, 2])
@pytest.mark.parametrize("dtype", ["int8", "uint32", "int64"])
@pytest.mark.parametrize("op", [graph.DivOp, graph.RemainderOp, graph.FmodOp], ids=lambda op: op.name)
def test_an_integer_divided_by_zero_is_an_error_of_the_run(op: type[Any], dtype: str, opt: int) -> None:
    x, divisor = np.arange(40, dtype=dtype), np.ones(40, dtype)
    model = compile_native(single_op(op, x, divisor), WeightStore(), opt, Target.host())
    np.testing.assert_array_equal(model(x, divisor), x if op is graph.DivOp else np.zeros_like(x))
    divisor[37] = 0
    with pytest.raises(ModelError, match="E0911"):
        model(x, divisor)


@pytest.mark.parametrize("opt", [0, 2])
def test_the_least_integer_divided_by_minus_one_wraps(opt: int) -> None:
    x, divisor = np.array([-(2**31), 5], np.int32), np.array([-1, -1], np.int32)
    model = compile_native(single_op(graph.DivOp, x, divisor), WeightStore(), opt, Target.host())
    np.testing.assert_array_equal(model(x, divisor), [-(2**31), -5])


HALVES = [
    Case(f"{case.name} in halves", case.shapes, case.make, ["float16"] * len(case.shapes), case.values)
    for case in [*NORMS, *REDUCTIONS]
    if case.dtypes == ("float32",) and "nan" not in case.name and "prod" not in case.name
]


@pytest.mark.parametrize("case", few_of(HALVES, 10), ids=lambda case: case.name)
def test_halves(case: Case) -> None:
    module, inputs = case.build()
    assert_native_agrees(module, WeightStore(), [inputs], 2, 4 * HALF)


LONG = np.where(np.arange(4000) % 2, -250.0, 250.0).astype(np.float16)
SUMS = [
    (graph.ReduceOp, [np.abs(LONG)], {"kind": "mean", "axes": (0,)}),
    (graph.LayerNormOp, [LONG, np.ones_like(LONG)], {}),
    (graph.RmsNormOp, [LONG, np.ones_like(LONG)], {}),
]


@pytest.mark.parametrize(("op", "operands", "properties"), SUMS, ids=lambda each: getattr(each, "name", ""))
def test_sums_of_halves_do_not_overflow(op: type[Any], operands: list[Any], properties: dict[str, Any]) -> None:
    inputs = {f"x{i}": array for i, array in enumerate(operands)}
    assert_native_agrees(single_op(op, *operands, **properties), WeightStore(), [inputs], 2, HALF)
