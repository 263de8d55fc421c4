"""Shapes that schedules must not trip over, each by name: all levels agree, and so does the native code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
import pytest
from support.graph_modules import Array, GraphModule, tensor
from support.pipelines import assert_levels_agree, assert_native_agrees
from support.wide_graphs import SIZES, random_inputs
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.weights import WeightStore
from neuralc.passes.target import Target

pytestmark = pytest.mark.thorough

Body = Callable[[GraphModule, SSAValue], SSAValue | list[SSAValue]]


def weight(build: GraphModule, *shape: int) -> SSAValue:
    values = np.random.default_rng(len(build.weights)).standard_normal(shape) * 0.3
    return build.weight("w", values.astype("float32"))


def conv(build: GraphModule, x: SSAValue, kernel: tuple[int, ...], **properties: object) -> SSAValue:
    return graph.ConvOp.of(x, weight(build, *kernel), **properties).result


def chained_dense(build: GraphModule, x: SSAValue, *units: int) -> SSAValue:
    for depth, width in pairwise(units):
        x = graph.DenseOp.of(x, weight(build, depth, width), weight(build, width)).result
    return x


def reshape(x: SSAValue, *shape: int | str) -> SSAValue:
    return graph.ReshapeOp.of(x, result=tensor(*shape)).result


def transpose(x: SSAValue, *perm: int) -> SSAValue:
    return graph.TransposeOp.of(x, perm=perm).result


def padded_residual(build: GraphModule, x: SSAValue) -> SSAValue:
    """The value that the pads surround is read again behind them."""
    a = conv(build, x, (3, 3, 4, 4), pads=(1, 1, 1, 1))
    b = conv(build, graph.ReluOp.of(a).result, (3, 3, 4, 4), pads=(2, 0, 0, 2))
    return graph.AddOp.of(graph.AddOp.of(a, b).result, x).result


def two_pads(build: GraphModule, x: SSAValue) -> SSAValue:
    """One value inside two different borders."""
    h = graph.TanhOp.of(x).result
    a = conv(build, h, (3, 3, 4, 5), pads=(1, 1, 1, 1))
    b = graph.MaxPoolOp.of(h, window=(3, 3), strides=(1, 1), pads=(2, 2, 0, 0)).result
    return graph.AddOp.of(a, conv(build, b, (1, 1, 4, 5))).result


def several_outputs(build: GraphModule, x: SSAValue) -> list[SSAValue]:
    """An input, a view of it, a value that another output is made of, one value twice."""
    h = chained_dense(build, x, 6, 10)
    y = graph.SoftmaxOp.of(h).result
    return [h, y, x, reshape(x, "batch", 2, 3), y, reshape(y, "batch", 5, 2)]


PICTURE = tensor("batch", 9, 7, 4)
CASES: Mapping[str, tuple[Attribute, Body]] = {
    "dense to one unit": (tensor("batch", 6), lambda b, x: chained_dense(b, x, 6, 1)),
    "dense from one": (tensor("batch", 1), lambda b, x: chained_dense(b, x, 1, 33, 1)),
    "dense of one row": (tensor(1, 17), lambda b, x: chained_dense(b, x, 17, 40)),
    "dense of rows that no tile divides": (tensor(13, 17), lambda b, x: chained_dense(b, x, 17, 41)),
    "dense over a symbolic number of columns": (
        tensor(5, "batch"),
        lambda b, x: transpose(chained_dense(b, transpose(x, 1, 0), 5, 7), 1, 0),
    ),
    "softmax of one": (tensor("batch", 1), lambda _, x: graph.SoftmaxOp.of(x).result),
    "softmax over the batch": (tensor("batch", 5), lambda _, x: graph.SoftmaxOp.of(x, axis=0).result),
    "softmax of a long row": (tensor("batch", 301), lambda _, x: graph.LogSoftmaxOp.of(x).result),
    "rows with a value a row": (tensor("batch", 77), lambda _, x: graph.LogSoftmaxOp.of(x).result),
    "a row too long for scratch memory": (tensor(2, 20011), lambda _, x: graph.SoftmaxOp.of(x).result),
    "one long loop in chunks": (tensor(10007), lambda _, x: graph.ReluOp.of(x).result),
    "the sum of a long row": (tensor(10007), lambda _, x: graph.ReduceOp.of(x, kind="sum", axes=(0,)).result),
    "a long sum of products": (tensor("batch", 1031), lambda b, x: chained_dense(b, x, 1031, 20)),
    "a number without dims": (
        tensor("batch", 3),
        lambda _, x: graph.NegOp.of(graph.ReduceOp.of(x, kind="sum", axes=(0, 1)).result).result,
    ),
    "a picture of one pixel": (tensor("batch", 1, 1, 5), lambda b, x: conv(b, x, (3, 3, 5, 17), pads=(1, 1, 1, 1))),
    "stride beyond the window": (PICTURE, lambda b, x: conv(b, x, (2, 1, 4, 3), strides=(4, 3))),
    "asymmetric pads": (PICTURE, lambda b, x: conv(b, x, (3, 3, 4, 8), pads=(0, 2, 1, 0))),
    "dilation": (PICTURE, lambda b, x: conv(b, x, (3, 2, 4, 9), dilations=(3, 4), strides=(2, 1))),
    "depthwise with multiplier": (PICTURE, lambda b, x: conv(b, x, (3, 3, 1, 12), groups=4, pads=(1, 1, 1, 1))),
    "groups": (PICTURE, lambda b, x: conv(b, x, (3, 3, 2, 10), groups=2)),
    "channels first": (
        tensor("batch", 5, 7, 11),
        lambda b, x: conv(b, x, (3, 3, 5, 6), data_format="NCHW", pads=(1, 1, 1, 1)),
    ),
    "channels first, depthwise": (
        tensor("batch", 3, 7, 11),
        lambda b, x: conv(b, x, (3, 3, 1, 6), data_format="NCHW", groups=3),
    ),
    "symbolic height and width": (tensor("batch", "H", "W", 3), lambda b, x: conv(b, x, (3, 3, 3, 8), strides=(2, 2))),
    "symbolic width, channels first": (
        tensor("batch", 3, 5, "W"),
        lambda b, x: conv(b, x, (3, 3, 3, 8), data_format="NCHW"),
    ),
    "average of windows at the border": (
        PICTURE,
        lambda _, x: graph.AveragePoolOp.of(x, window=(3, 2), strides=(2, 2), pads=(1, 0, 1, 1)).result,
    ),
    "pool with a stride beyond the window": (
        PICTURE,
        lambda _, x: graph.MaxPoolOp.of(x, window=(2, 2), strides=(3, 5)).result,
    ),
    "residual around pads": (PICTURE, padded_residual),
    "one value in two borders": (PICTURE, two_pads),
    "reshape of a padded value": (
        PICTURE,
        lambda b, x: reshape(graph.ReluOp.of(conv(b, x, (3, 3, 4, 4), pads=(1, 1, 1, 1))).result, "batch", 7, 36),
    ),
    "reshapes and transposes between": (
        PICTURE,
        lambda b, x: chained_dense(
            b, reshape(transpose(reshape(x, "batch", 3, 3, 28), 0, 3, 1, 2), "batch", 14, 18), 18, 5
        ),
    ),
    "transpose into a contraction": (PICTURE, lambda b, x: conv(b, transpose(x, 0, 2, 1, 3), (3, 3, 4, 8))),
    "returns its input": (tensor("batch", 3), lambda _, x: x),
    "returns a reshape": (PICTURE, lambda _, x: reshape(x, "batch", 63, 4)),
    "returns a transpose": (PICTURE, lambda _, x: transpose(x, 3, 1, 0, 2)),
    "several outputs": (tensor("batch", 6), several_outputs),
}


def program(name: str) -> tuple[ModuleOp, WeightStore, list[dict[str, Array]]]:
    type_, body = CASES[name]
    build = GraphModule()
    module = build.model({"x": type_}, lambda x: body(build, x))
    return module, build.weights, [random_inputs(module, np.random.default_rng(1), sizes) for sizes in SIZES]


@pytest.mark.parametrize("name", CASES)
def test_levels_agree(name: str) -> None:
    module, weights, inputs = program(name)
    assert_levels_agree(module, weights, inputs[1:2], 2, Target.cpu("haswell"))


@pytest.mark.slow
@pytest.mark.parametrize("target", [Target.cpu("haswell"), Target.cpu("skylake-avx512")], ids=["avx2", "avx512"])
@pytest.mark.parametrize("opt", [0, 1, 2])
@pytest.mark.parametrize("name", CASES)
def test_levels_agree_for_all_sizes(name: str, opt: int, target: Target) -> None:
    module, weights, inputs = program(name)
    assert_levels_agree(module, weights, inputs, opt, target)


@pytest.mark.parametrize("opt", [pytest.param(0, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize("name", CASES)
def test_native_code_agrees(name: str, opt: int) -> None:
    assert_native_agrees(*program(name), opt)
