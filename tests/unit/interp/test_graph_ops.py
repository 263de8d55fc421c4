"""Every graph op agrees with an independent definition, torch's in float64, to 1e-10 * max(1, max|y|)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.compare import assert_close
from support.graph_modules import single_op
from xdsl.dialects.builtin import f64
from xdsl.ir import Attribute

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.graph import SEMANTICS
from neuralc.dialects.types import tensor_type
from neuralc.dialects.weights import WeightStore

torch = pytest.importorskip("torch")
functional = torch.nn.functional
TOLERANCE = 1e-10


def evaluate(op: type[Any], *operands: Any, result: Attribute | None = None, **properties: Any) -> Any:
    (found,) = run_module(single_op(op, *operands, result=result, **properties), operands, WeightStore())
    return found


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape) * 2.0


def check(found: Any, expected: Any) -> None:
    assert_close(found, expected.numpy(), TOLERANCE)


UNARY: list[tuple[type[Any], dict[str, Any], Callable[[Any], Any]]] = [
    (graph.ReluOp, {}, torch.relu),
    (graph.Relu6Op, {}, functional.relu6),
    (graph.LeakyReluOp, {"alpha": 0.3}, lambda x: functional.leaky_relu(x, 0.3)),
    (graph.LeakyReluOp, {"alpha": -0.1}, lambda x: functional.leaky_relu(x, -0.1)),
    (graph.EluOp, {"alpha": 1.0}, functional.elu),
    (graph.EluOp, {"alpha": 0.4}, lambda x: functional.elu(x, 0.4)),
    (graph.SeluOp, {}, torch.selu),
    (graph.GeluOp, {"approximate": False}, functional.gelu),
    (graph.GeluOp, {"approximate": True}, lambda x: functional.gelu(x, approximate="tanh")),
    (graph.SiluOp, {}, functional.silu),
    (graph.MishOp, {}, functional.mish),
    (graph.SigmoidOp, {}, torch.sigmoid),
    (graph.TanhOp, {}, torch.tanh),
    (graph.SoftplusOp, {}, lambda x: functional.softplus(x, threshold=1e9)),
    (graph.SoftsignOp, {}, functional.softsign),
    (graph.HardSigmoidOp, {}, functional.hardsigmoid),
    (graph.HardSwishOp, {}, functional.hardswish),
    (graph.ExpOp, {}, torch.exp),
    (graph.LogOp, {}, torch.log),
    (graph.SqrtOp, {}, torch.sqrt),
    (graph.RsqrtOp, {}, torch.rsqrt),
    (graph.NegOp, {}, torch.neg),
    (graph.AbsOp, {}, torch.abs),
    (graph.ErfOp, {}, torch.erf),
    (graph.IdentityOp, {}, torch.clone),
]
BINARY: list[tuple[type[Any], Callable[[Any, Any], Any]]] = [
    (graph.AddOp, torch.add),
    (graph.SubOp, torch.sub),
    (graph.MulOp, torch.mul),
    (graph.DivOp, torch.div),
    (graph.MaximumOp, torch.maximum),
    (graph.MinimumOp, torch.minimum),
]


def named(case: Any) -> str:
    return case.name.removeprefix("graph.") if isinstance(case, type) else ""


@pytest.mark.parametrize("shape", [(7,), (2, 3, 4, 5), ()], ids=str)
@pytest.mark.parametrize(("op", "properties", "reference"), UNARY, ids=named)
def test_unary(op: type[Any], properties: dict[str, Any], reference: Callable[[Any], Any], shape: Any) -> None:
    x = normal(*shape)
    check(evaluate(op, x, **properties), reference(torch.from_numpy(np.asarray(x))))


@pytest.mark.parametrize(("op", "properties", "reference"), UNARY, ids=named)
def test_unary_at_special_values(op: type[Any], properties: dict[str, Any], reference: Callable[[Any], Any]) -> None:
    x = np.array([np.nan, np.inf, 0.0, -0.0, 30.0, -30.0, 700.0, 3.0, -3.0, 6.0])
    check(evaluate(op, x, **properties), reference(torch.from_numpy(x)))


@pytest.mark.parametrize("shapes", [((3, 4), (3, 4)), ((2, 3, 4), (4,)), ((2, 1, 4), (3, 1)), ((5,), ())], ids=str)
@pytest.mark.parametrize(("op", "reference"), BINARY, ids=named)
def test_binary_broadcasts(op: type[Any], reference: Callable[[Any, Any], Any], shapes: Any) -> None:
    a, b = np.asarray(normal(*shapes[0])), np.asarray(normal(*shapes[1], seed=1))
    check(evaluate(op, a, b), reference(torch.from_numpy(a), torch.from_numpy(b)))


@pytest.mark.parametrize(("op", "reference"), BINARY, ids=named)
def test_binary_propagates_nan_from_either_side(op: type[Any], reference: Callable[[Any, Any], Any]) -> None:
    a, b = np.array([np.nan, 1.0, np.nan, 2.0]), np.array([1.0, np.nan, np.nan, 4.0])
    found = evaluate(op, a, b)
    assert np.isnan(found[:3]).all()
    check(found, reference(torch.from_numpy(a), torch.from_numpy(b)))


@pytest.mark.parametrize("alpha_shape", [(5,), (3, 4, 5), (1, 1, 5)], ids=str)
def test_prelu(alpha_shape: tuple[int, ...]) -> None:
    x, alpha = normal(2, 3, 4, 5), normal(*alpha_shape, seed=1)
    x_torch, alpha_torch = torch.from_numpy(x), torch.from_numpy(alpha)
    check(evaluate(graph.PreluOp, x, alpha), torch.where(x_torch >= 0, x_torch, alpha_torch * x_torch))


CONVOLUTIONS = [
    {"x": (2, 6, 7, 3), "kernel": (3, 3, 3, 4)},
    {"x": (1, 8, 8, 4), "kernel": (3, 2, 4, 5), "strides": (2, 1), "pads": (1, 0, 1, 0)},
    {"x": (2, 9, 9, 2), "kernel": (3, 3, 2, 3), "dilations": (2, 3), "pads": (2, 3, 2, 3)},
    {"x": (2, 7, 6, 6), "kernel": (3, 3, 2, 9), "groups": 3, "strides": (2, 2)},
    {"x": (2, 5, 5, 4), "kernel": (3, 3, 1, 8), "groups": 4, "pads": (1, 1, 1, 1)},
    {"x": (3, 5, 6, 8), "kernel": (1, 1, 8, 2)},
    {"x": (1, 5, 5, 1), "kernel": (5, 5, 1, 2), "pads": (0, 3, 2, 1)},
]


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
@pytest.mark.parametrize("bias", [False, True], ids=["plain", "bias"])
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=lambda case: str(case["kernel"]))
def test_conv(case: dict[str, Any], bias: bool, data_format: str) -> None:
    properties = {name: value for name, value in case.items() if name not in ("x", "kernel")}
    x, kernel, offset = normal(*case["x"]), normal(*case["kernel"], seed=1), normal(case["kernel"][-1], seed=2)
    top, left, bottom, right = properties.get("pads", (0, 0, 0, 0))
    expected = functional.conv2d(
        functional.pad(torch.from_numpy(x).permute(0, 3, 1, 2), (left, right, top, bottom)),
        torch.from_numpy(kernel).permute(3, 2, 0, 1),
        torch.from_numpy(offset) if bias else None,
        stride=properties.get("strides", 1),
        dilation=properties.get("dilations", 1),
        groups=properties.get("groups", 1),
    )
    if data_format == "NCHW":
        x = x.transpose(0, 3, 1, 2)
    else:
        expected = expected.permute(0, 2, 3, 1)
    operands = (x, kernel, offset) if bias else (x, kernel)
    check(evaluate(graph.ConvOp, *operands, data_format=data_format, **properties), expected)


@pytest.mark.parametrize("shape", [(6,), (4, 6), (2, 3, 6)], ids=str)
@pytest.mark.parametrize("bias", [False, True], ids=["plain", "bias"])
def test_dense_works_on_the_last_axis(shape: tuple[int, ...], bias: bool) -> None:
    x, kernel, offset = normal(*shape), normal(6, 5, seed=1), normal(5, seed=2)
    operands = (x, kernel, offset) if bias else (x, kernel)
    weight, addend = torch.from_numpy(kernel).T, torch.from_numpy(offset) if bias else None
    check(evaluate(graph.DenseOp, *operands), functional.linear(torch.from_numpy(x), weight, addend))


@pytest.mark.parametrize(("shape", "axis"), [((4, 5), -1), ((2, 3, 4, 5), 3), ((2, 5, 4, 3), 1)], ids=str)
def test_batch_norm(shape: tuple[int, ...], axis: int) -> None:
    x, (gamma, beta, mean) = normal(*shape), (normal(5, seed=seed) for seed in (1, 2, 3))
    variance = np.abs(normal(5, seed=4))
    moved = torch.from_numpy(x).movedim(axis, 1)
    weights = [torch.from_numpy(array) for array in (mean, variance, gamma, beta)]
    expected = functional.batch_norm(moved, *weights, training=False, eps=1e-3).movedim(1, axis)
    check(evaluate(graph.BatchNormOp, x, gamma, beta, mean, variance, axis=axis, epsilon=1e-3), expected)


WINDOWS = [
    {"window": (2, 2), "strides": (2, 2)},
    {"window": (3, 3), "strides": (1, 1), "pads": (1, 1, 1, 1)},
    {"window": (3, 2), "strides": (2, 3), "pads": (1, 0, 1, 0)},
    {"window": (1, 4), "strides": (1, 1)},
]


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
@pytest.mark.parametrize("geometry", WINDOWS, ids=str)
@pytest.mark.parametrize("kind", ["maximum", "mean", "mean with padding"])
def test_pooling(kind: str, geometry: dict[str, Any], data_format: str) -> None:
    x = normal(2, 3, 6, 7)
    window, strides, pads = geometry["window"], geometry["strides"], geometry.get("pads", (0, 0, 0, 0))[:2]
    if kind == "maximum":
        op, properties = graph.MaxPoolOp, {}
        expected = functional.max_pool2d(torch.from_numpy(x), window, strides, pads)
    else:
        op, properties = graph.AveragePoolOp, {"count_include_pad": kind == "mean with padding"}
        expected = functional.avg_pool2d(torch.from_numpy(x), window, strides, pads, **properties)
    if data_format == "NHWC":
        x, expected = x.transpose(0, 2, 3, 1), expected.permute(0, 2, 3, 1)
    check(evaluate(op, x, **geometry, **properties, data_format=data_format), expected)


def test_max_pool_propagates_nan_and_padding_never_wins() -> None:
    x = np.full((1, 4, 4, 1), -5.0)
    x[0, 0, 0, 0] = np.nan
    found = evaluate(graph.MaxPoolOp, x, window=(2, 2), strides=(2, 2), pads=(1, 1, 1, 1))[0, :, :, 0]
    np.testing.assert_array_equal(found, [[np.nan, -5, -5], [-5, -5, -5], [-5, -5, -5]])


def test_max_pool_of_integers() -> None:
    x = np.arange(16, dtype=np.int8).reshape(1, 4, 4, 1) - 20
    found = evaluate(graph.MaxPoolOp, x, window=(3, 3), strides=(3, 3), pads=(1, 1, 1, 1))
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found[0, :, :, 0], [[-15, -13], [-7, -5]])


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize(
    ("op", "reference"), [(graph.SoftmaxOp, torch.softmax), (graph.LogSoftmaxOp, torch.log_softmax)], ids=named
)
def test_softmax(op: type[Any], reference: Callable[..., Any], axis: int) -> None:
    x = normal(3, 4, 5) * 400  # exp of these overflows unless the maximum is taken off first
    check(evaluate(op, x, axis=axis), reference(torch.from_numpy(x), axis))
    x[1, 2, 3] = np.nan
    check(evaluate(op, x, axis=axis), reference(torch.from_numpy(x), axis))


REDUCTIONS = {"sum": torch.sum, "mean": torch.mean, "maximum": torch.amax, "minimum": torch.amin}


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axes", [(1,), (0, 2), (-1,), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("kind", REDUCTIONS)
def test_reduce(kind: str, axes: tuple[int, ...], keepdims: bool) -> None:
    x = normal(3, 4, 5)
    x[2, 3, 4] = np.nan
    expected = REDUCTIONS[kind](torch.from_numpy(x), axes, keepdim=keepdims)
    check(evaluate(graph.ReduceOp, x, kind=kind, axes=axes, keepdims=keepdims), expected)


def test_reshape_is_row_major() -> None:
    x = normal(2, 3, 4)
    check(evaluate(graph.ReshapeOp, x, result=tensor_type((4, 6), f64)), torch.from_numpy(x).reshape(4, 6))


@pytest.mark.parametrize("perm", [(0, 1, 2), (2, 0, 1), (1, 0, 2)], ids=str)
def test_transpose(perm: tuple[int, ...]) -> None:
    x = normal(2, 3, 4)
    check(evaluate(graph.TransposeOp, x, perm=perm), torch.from_numpy(x).permute(perm))


def test_dropout_is_the_identity_at_inference() -> None:
    x = normal(4, 5)
    np.testing.assert_array_equal(evaluate(graph.DropoutOp, x, rate=0.9), x)


def test_every_graph_op_that_computes_has_semantics() -> None:
    structure = {graph.DimOp, graph.WeightOp, graph.FuncOp, graph.ModelOp, graph.ReturnOp, graph.StateOp, graph.YieldOp}
    assert set(SEMANTICS) == set(graph.Graph.operations) - structure
