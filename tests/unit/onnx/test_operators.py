"""Every operator of the families here computes what onnx.reference computes, in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from support.onnx_graphs import agrees, model, node, port, run

RNG = np.random.default_rng(0)


def numbers(*shape: int, low: float = -2.0, high: float = 2.0) -> Any:
    return RNG.uniform(low, high, shape)


def integers(*shape: int, low: int = -9, high: int = 9, dtype: Any = np.int64) -> Any:
    return RNG.integers(low, high, shape).astype(dtype)


def flags(*shape: int) -> Any:
    return RNG.integers(0, 2, shape).astype(bool)


X = numbers(2, 3, 4)
ROW = numbers(4)

PLAIN = [
    "Abs", "Atan", "Ceil", "Cos", "Exp", "Floor", "Neg", "Round", "Sign", "Sin", "Sinh", "Cosh", "Tan", "Tanh", "Relu",
    "Sigmoid", "Softplus", "Softsign", "Mish", "Identity", "Reciprocal",
]  # fmt: skip

CASES: list[tuple[str, dict[str, Any], list[Any], dict[int, Any]]] = [
    *((op, {}, [X], {}) for op in PLAIN),
    *((op, {}, [numbers(3, 4, low=-0.9, high=0.9)], {}) for op in ("Asin", "Acos", "Atanh", "Asinh")),
    *((op, {}, [numbers(3, 4, low=1.1, high=3.0)], {}) for op in ("Acosh", "Log", "Sqrt")),
    *((op, {}, [X, ROW], {}) for op in ("Add", "Sub", "Mul", "Div", "Equal", "Less", "LessOrEqual", "Greater")),
    ("GreaterOrEqual", {}, [integers(3, 1), integers(4)], {}),
    ("Pow", {}, [numbers(3, 4, low=0.1), numbers(4)], {}),
    ("Pow", {}, [integers(3), integers(3, low=0, high=4)], {}),
    ("Pow", {}, [integers(3, low=0, dtype=np.int32), numbers(3, low=0.0, high=3.0)], {}),
    ("Mod", {}, [integers(3, 4), np.array([3, -2, 5, -7])], {}),
    ("Mod", {"fmod": 1}, [numbers(3, 4), numbers(4, low=0.5)], {}),
    ("Max", {}, [X, ROW, numbers(3, 1)], {}),
    ("Min", {}, [X, ROW], {}),
    ("Sum", {}, [X, ROW, X], {}),
    ("Mean", {}, [X, X, X], {}),
    ("And", {}, [flags(3, 4), flags(4)], {}),
    ("Or", {}, [flags(3, 4), flags(4)], {}),
    ("Xor", {}, [flags(3, 4), flags(4)], {}),
    ("Not", {}, [flags(5)], {}),
    ("BitwiseAnd", {}, [integers(5), integers(5)], {}),
    ("BitwiseNot", {}, [integers(5, dtype=np.int32)], {}),
    ("BitShift", {"direction": "LEFT"}, [integers(5, low=0, dtype=np.uint8), np.arange(5, dtype=np.uint8)], {}),
    ("BitShift", {"direction": "RIGHT"}, [integers(5, low=0, dtype=np.uint32), np.arange(5, dtype=np.uint32)], {}),
    ("Where", {}, [flags(3, 1), X[0], ROW], {}),
    ("IsNaN", {}, [np.array([1.0, np.nan, np.inf])], {}),
    ("IsInf", {"detect_negative": 0}, [np.array([1.0, -np.inf, np.inf])], {}),
    ("Clip", {}, [X, np.array(-0.5), np.array(0.5)], {}),
    ("Clip", {}, [X, np.array(-0.5)], {}),
    ("Cast", {"to": 7}, [X], {}),
    ("Cast", {"to": 9}, [integers(5)], {}),
    ("Cast", {"to": 11}, [flags(5)], {}),
    ("CastLike", {}, [integers(5), ROW], {}),
    ("LeakyRelu", {"alpha": 0.3}, [X], {}),
    ("Elu", {"alpha": 0.5}, [X], {}),
    ("Selu", {"alpha": 2.0, "gamma": 3.0}, [X], {}),
    ("Celu", {"alpha": 0.5}, [X], {}),
    ("HardSigmoid", {"alpha": 0.5, "beta": 0.25}, [X], {}),
    ("Swish", {"alpha": 0.5}, [X], {}),
    ("ThresholdedRelu", {"alpha": 0.5}, [X], {}),
    ("Shrink", {"lambd": 0.5, "bias": 0.25}, [X], {}),
    ("PRelu", {}, [X, ROW], {}),
    ("Softmax", {"axis": 1}, [X], {}),
    ("LogSoftmax", {}, [X], {}),
    ("Hardmax", {"axis": 1}, [X], {}),
    *((op, {"keepdims": keep}, [numbers(2, 3, 4, low=0.1), np.array([0, -1])], {1: True})
      for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
                 "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp") for keep in (0, 1)),
    ("ReduceMax", {}, [flags(2, 3)], {}),
    ("ReduceSum", {"noop_with_empty_axes": 1}, [X], {}),
    ("ArgMax", {"axis": 1, "keepdims": 0}, [X], {}),
    ("ArgMin", {"axis": -1, "select_last_index": 1}, [integers(3, 9, low=0, high=3)], {}),
    ("CumSum", {"exclusive": 1, "reverse": 1}, [X, np.array(1)], {1: True}),
    ("CumSum", {}, [X, np.array(-1)], {1: True}),
    ("MatMul", {}, [X, numbers(4, 5)], {}),
    ("MatMul", {}, [X, numbers(4, 5)], {1: True}),
    ("MatMul", {}, [ROW, numbers(3, 4, 5)], {}),
    ("Gemm", {"alpha": 0.5, "beta": 2.0, "transA": 1, "transB": 1}, [numbers(4, 3), numbers(5, 4), numbers(3, 1)], {}),
    ("Gemm", {"transB": 1}, [numbers(3, 4), numbers(5, 4), numbers(5)], {1: True, 2: True}),
    ("Einsum", {"equation": "...ij,jk->...ik"}, [X, numbers(4, 5)], {}),
    ("Einsum", {"equation": "ij, jk"}, [numbers(3, 4), numbers(4, 5)], {}),
    ("Reshape", {}, [X, np.array([0, -1, 2])], {1: True}),
    ("Flatten", {"axis": 2}, [X], {}),
    ("Squeeze", {}, [numbers(1, 3, 1), np.array([-1])], {1: True}),
    ("Unsqueeze", {}, [X, np.array([0, -1])], {1: True}),
    ("Transpose", {"perm": [2, 0, 1]}, [X], {}),
    ("Transpose", {}, [X], {}),
    ("Concat", {"axis": -1}, [X, X, numbers(2, 3, 1)], {}),
    ("Expand", {}, [numbers(3, 1), np.array([2, 1, 4])], {1: True}),
    ("Tile", {}, [X, np.array([2, 1, 3])], {1: True}),
    ("DepthToSpace", {"blocksize": 2, "mode": "CRD"}, [numbers(1, 8, 2, 3)], {}),
    ("DepthToSpace", {"blocksize": 2}, [numbers(1, 8, 2, 3)], {}),
    ("SpaceToDepth", {"blocksize": 2}, [numbers(1, 2, 4, 6)], {}),
    *(("Pad", {"mode": mode}, [X, np.array([0, 1, 2, 1, 0, 1])], {1: True}) for mode in ("reflect", "edge", "wrap")),
    ("Pad", {}, [X, np.array([1, 1, 0, 2]), np.array(5.0), np.array([0, 2])], {1: True, 3: True}),
    ("Slice", {}, [X, np.array([1, -1]), np.array([9, -9]), np.array([0, 2]), np.array([1, -2])],
     {1: True, 2: True, 3: True, 4: True}),
    ("Gather", {"axis": 1}, [X, np.array([[0, -1], [1, 1]])], {}),
    ("GatherElements", {"axis": 2}, [X, integers(2, 3, 2, low=-4, high=4)], {}),
    ("GatherND", {"batch_dims": 1}, [X, integers(2, 1, low=0, high=3)], {}),
    ("ScatterElements", {"axis": 1}, [X, np.array([[[0, 2, 1, 0]], [[1, 0, 2, -1]]]), numbers(2, 1, 4)], {}),
    ("ScatterElements", {"axis": 0, "reduction": "add"}, [ROW, np.array([1, 1, 3]), numbers(3)], {}),
    ("ScatterND", {"reduction": "max"}, [X, np.array([[0, 1], [1, 2]]), numbers(2, 4)], {}),
    ("ReverseSequence", {"batch_axis": 0, "time_axis": 1}, [X, np.array([3, 2])], {}),
    ("TensorScatter", {"mode": "circular"}, [numbers(2, 5, 3), numbers(2, 2, 3), np.array([4, 1])], {}),
    ("Shape", {"start": 1}, [X], {}),
    ("Size", {}, [X], {}),
    ("ConstantOfShape", {}, [np.array([2, 3])], {0: True}),
    ("EyeLike", {"k": 1}, [numbers(3, 4)], {}),
    ("Trilu", {"upper": 0}, [X, np.array(-1)], {1: True}),
    ("OneHot", {"axis": 1}, [integers(2, 3, low=-5, high=5), np.array(5), np.array([0.5, 2.0])], {1: True}),
    ("Range", {}, [np.array(10), np.array(-3), np.array(-4)], {0: True, 1: True, 2: True}),
    ("Range", {}, [np.array(0.5), np.array(2.0), np.array(0.3)], {0: True, 1: True, 2: True}),
    ("Compress", {"axis": 1}, [X, np.array([True, False, True])], {1: True}),
    ("CenterCropPad", {"axes": [1, 2]}, [X, np.array([5, 2])], {1: True}),
    ("NonZero", {}, [np.array([[0, 2], [3, 0]])], {0: True}),
]  # fmt: skip
"""Operator, attributes, inputs, and which of those are tensors of the model."""


@pytest.mark.parametrize(
    ("op", "attributes", "inputs", "fixed"), CASES, ids=[f"{i}-{c[0]}" for i, c in enumerate(CASES)]
)
def test_operator(op: str, attributes: dict[str, Any], inputs: list[Any], fixed: dict[int, Any]) -> None:
    names = [f"x{i}" for i in range(len(inputs))]
    ports = [port(n, x.shape, x.dtype) for i, (n, x) in enumerate(zip(names, inputs, strict=True)) if i not in fixed]
    weights = {names[i]: np.asarray(inputs[i]) for i in fixed}
    given = [x for i, x in enumerate(inputs) if i not in fixed]
    agrees(model([node(op, names, ["y"], **attributes)], ports, ["y"], weights), *given)


@pytest.mark.parametrize("opset", [11, 13, 18])
def test_split_into_given_sizes(opset: int) -> None:
    sizes = {"split": [1, 2]} if opset < 13 else {}
    names = ["x"] if opset < 13 else ["x", "sizes"]
    weights = {} if opset < 13 else {"sizes": np.array([1, 2])}
    split = node("Split", names, ["a", "b"], axis=1, **sizes)
    agrees(model([split], [port("x", X.shape, np.float64)], ["a", "b"], weights, opset), X)


def test_a_split_into_a_number_of_parts_has_a_smaller_last_one() -> None:
    split = node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2)
    agrees(model([split], [port("x", (2, 5), np.float64)], ["a", "b"]), numbers(2, 5))


@pytest.mark.parametrize("largest", [0, 1])
def test_top_k(largest: int) -> None:
    top = node("TopK", ["x", "k"], ["values", "places"], axis=1, largest=largest)
    agrees(model([top], [port("x", X.shape, np.float64)], ["values", "places"], {"k": np.array([2])}), X)


def test_dropout_is_the_identity_and_its_mask_keeps_all() -> None:
    agrees(model([node("Dropout", ["x"], ["y", "mask"])], [port("x", X.shape, np.float64)], ["y", "mask"]), X)


@pytest.mark.parametrize("opset", [7, 12])
def test_softmax_before_version_13_takes_all_dims_from_the_axis_on(opset: int) -> None:
    y = model([node("Softmax", ["x"], ["y"], axis=1)], [port("x", X.shape, np.float64)], ["y"], opset=opset)
    flat = X.reshape(2, 12)
    powers = np.exp(flat - flat.max(1, keepdims=True))
    wanted = (powers / powers.sum(1, keepdims=True)).reshape(X.shape)
    np.testing.assert_allclose(run(y, X)[0], wanted, atol=1e-12)


def test_operands_of_version_6_are_placed_by_an_axis() -> None:
    add = node("Add", ["x", "b"], ["y"], broadcast=1, axis=1)
    found = run(
        model([add], [port("x", X.shape, np.float64), port("b", (3,), np.float64)], ["y"], opset=6), X, X[0, :, 0]
    )
    np.testing.assert_allclose(found[0], X + X[0, :, :1], atol=1e-12)


@pytest.mark.parametrize(("op", "function"), [("Erf", torch.erf), ("HardSwish", torch.nn.functional.hardswish)])
def test_functions_that_onnx_reference_rounds_are_those_of_torch(op: str, function: Any) -> None:
    (found,) = run(model([node(op, ["x"], ["y"])], [port("x", X.shape, np.float64)], ["y"]), X)
    np.testing.assert_allclose(found, function(torch.from_numpy(X)).numpy(), rtol=0, atol=1e-10)


def test_negative_pads_cut_off() -> None:
    pad = model([node("Pad", ["x", "p"], ["y"])], [port("x", (4,), np.float64)], ["y"], {"p": np.array([-1, 2])})
    np.testing.assert_array_equal(run(pad, ROW)[0], [*ROW[1:], 0, 0])
