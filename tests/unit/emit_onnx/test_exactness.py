"""Where operators of ONNX, or onnxruntime's, do less than an op of the graph level: conversions, integers, NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.graph_modules import GraphModule
from support.onnx_code import by_onnxruntime, emitted
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import DimsAttr, element_type_of, shape_of, tensor_type
from neuralc.emit.onnx import emit
from neuralc.grammar.diagnostics import NeuralcError

Array = np.ndarray[Any, Any]
FAR = np.array([np.nan, np.inf, -np.inf, 3e20, -3e20, 2.0**31, -129.5, 300.7, -0.9, 1.5], np.float32)


def module_of(body: Callable[..., SSAValue], *inputs: Array) -> tuple[ModuleOp, dict[str, Array], GraphModule]:
    build = GraphModule()
    given = {f"x{index}": array for index, array in enumerate(inputs)}
    types = {name: tensor_type(array.shape, element_type_of(array.dtype)) for name, array in given.items()}
    return build.model(types, body), given, build


def assert_same(body: Callable[..., SSAValue], *inputs: Array) -> None:
    """Bit for bit, NaN where the reference has it."""
    module, given, build = module_of(body, *inputs)
    (expected,) = run_module(module, given, build.weights)
    (found,) = by_onnxruntime(emitted(module, build.weights), given)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_a_float_becomes_the_nearest_integer_that_the_type_holds(name: str) -> None:
    def body(x: SSAValue) -> SSAValue:
        return graph.CastOp.of(x, result=tensor_type(shape_of(x.type), element_type_of(name))).result

    assert_same(body, FAR)


@pytest.mark.parametrize("op", [graph.AddOp, graph.MulOp, graph.SubOp, graph.MaximumOp, graph.MinimumOp])
@pytest.mark.parametrize("name", ["int8", "int16", "uint16", "uint32", "uint64"])
def test_integers_wrap_around_in_their_own_type(op: type[Any], name: str) -> None:
    limits = np.iinfo(name)
    x = np.array([limits.min, limits.max, 7, limits.max], name)
    assert_same(lambda a, b: op.of(a, b).result, x, x[::-1].copy())


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in ("prod", "maximum", "minimum") for name in ("int8", "int32", "uint8", "uint64")]
    + [("sum", name) for name in ("int8", "int32", "uint8", "uint32")],
)
def test_reductions_of_integers(kind: str, name: str) -> None:
    """Products, and sums up to 32 bits, wrap around where onnxruntime's saturate; bits do not order a uint64."""
    limits = np.iinfo(name)
    x = np.array([[limits.max, 5, 7, limits.max // 3, 2], [1, 2, 3, 4, limits.max]], name)
    assert_same(lambda a: graph.ReduceOp.of(a, kind=kind, axes=(1,)).result, x)


@pytest.mark.parametrize("op", [graph.DivOp, graph.RemainderOp, graph.FmodOp])
def test_quotients_and_remainders_of_integers(op: type[Any]) -> None:
    x = np.array([7, -7, 7, -7, -128], np.int8)
    assert_same(lambda a, b: op.of(a, b).result, x, np.array([2, 2, -2, -2, 3], np.int8))


def test_the_remainder_of_floats_has_the_sign_of_the_divisor() -> None:
    x = np.array([5.5, -5.5, 5.5, -5.5, 0.0, 4.0], np.float32)
    y = np.array([2.0, 2.0, -2.0, -2.0, 3.0, -2.0], np.float32)
    assert_same(lambda a, b: graph.RemainderOp.of(a, b).result, x, y)


@pytest.mark.parametrize("op", [graph.ShiftLeftOp, graph.ShiftRightOp])
@pytest.mark.parametrize("name", ["int8", "int32", "uint8", "uint64"])
def test_shifts_beyond_the_width_move_all_bits_out(op: type[Any], name: str) -> None:
    x = np.array([1, 100, np.iinfo(name).max, np.iinfo(name).min], name)
    counts = np.array([3, 40, 1, 90], name)
    assert_same(lambda a, b: op.of(a, b).result, x, counts)


@pytest.mark.parametrize("op", [graph.MaximumOp, graph.MinimumOp])
def test_nan_wins(op: type[Any]) -> None:
    assert_same(lambda a, b: op.of(a, b).result, FAR, FAR[::-1].copy())


@pytest.mark.parametrize("op", [graph.ReluOp, graph.Relu6Op, graph.SignOp, graph.NegOp, graph.IsNanOp, graph.IsInfOp])
def test_nan_stays_nan(op: type[Any]) -> None:
    assert_same(lambda a: op.of(a).result, FAR)


def test_a_convolution_of_integers_is_a_sum_of_products_of_matrices() -> None:
    rng = np.random.default_rng(0)
    x, kernel = (rng.integers(-9, 9, shape).astype(np.int32) for shape in ((2, 6, 5, 4), (3, 2, 2, 6)))

    def body(a: SSAValue, k: SSAValue) -> SSAValue:
        return graph.ConvOp.of(a, k, groups=2, pads=(1, 0, 1, 1), strides=(2, 1), data_format="NHWC").result

    assert_same(body, x, kernel)


def test_a_resize_that_onnx_does_not_have_is_a_matrix_for_each_dim() -> None:
    x = np.random.default_rng(0).standard_normal((1, 5, 4, 2)).astype(np.float32)

    def body(a: SSAValue) -> SSAValue:
        result = tensor_type((1, 9, 3, 2), element_type_of("float32"))
        return graph.ResizeOp.of(a, result=result, mode="lanczos3", antialias=True).result

    module, given, build = module_of(body, x)
    (expected,) = run_module(module, given, build.weights)
    (found,) = by_onnxruntime(emitted(module, build.weights), given)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    "function",
    [lambda x: graph.GeluOp.of(x, approximate=True), graph.HardSwishOp.of, graph.HardSigmoidOp.of],
    ids=["gelu", "hard_swish", "hard_sigmoid"],
)
def test_numbers_that_onnx_keeps_in_single_precision_are_doubles_in_a_model_of_doubles(function: Any) -> None:
    module, given, build = module_of(lambda a: function(a).result, np.linspace(-4, 4, 41))
    (expected,) = run_module(module, given, build.weights)
    (found,) = by_onnxruntime(emitted(module, build.weights), given)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)


def test_windows_of_a_line_are_added_where_they_lie() -> None:
    x = np.random.default_rng(0).integers(-9, 9, (2, 6, 4)).astype(np.float32)

    def body(a: SSAValue) -> SSAValue:
        sizes = DimsAttr((as_dim(9),))
        return graph.FoldOp.of(a, sizes=sizes, window=(3,), strides=(2,), dilations=(2,), pads=(1, 1)).result

    assert_same(body, x)


def test_everything_that_onnx_does_not_say_is_refused_at_once() -> None:
    def body(x: SSAValue, n: SSAValue) -> SSAValue:
        graph.PowOp.of(n, n)
        return graph.ArgMaxPoolOp.of(x, window=(2, 2), strides=(2, 2)).result

    module, _, build = module_of(body, np.zeros((1, 4, 4, 3), np.float32), np.ones(3, np.int64))
    with pytest.raises(NeuralcError) as caught:
        emit(module, build.weights)
    assert [(found.code, found.message) for found in caught.value.diagnostics] == [
        ("E0850", "graph.pow as ONNX: engines compute powers of integers as floats; the exponent has to be a constant"),
        ("E0850", "graph.arg_max_pool as ONNX: ONNX counts places with the channels at axis 1"),
    ]
