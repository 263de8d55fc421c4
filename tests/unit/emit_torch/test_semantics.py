"""Emitted code computes what the reference interpreter does: float64 on both sides, 1e-10 of the largest value."""

from __future__ import annotations

import numpy as np
import pytest
from support import sampling_cases
from support.compare import assert_close
from support.graph_modules import Array, GraphModule, random_array, tensor
from support.layer_cases import CONTRACTIONS, CONVOLUTIONS, POOLS, TRANSPOSED, Case, formats, laid_out, pool_case
from support.random_graph import random_graph_module
from support.random_nr import random_nr
from support.torch_code import run_torch_code
from xdsl.dialects.builtin import ModuleOp, f64, i32
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import Shape, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.emit.torch import emit
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.weights_file import initial_weights

pytestmark = pytest.mark.thorough

TOLERANCE = 1e-10
BATCH = 3


def assert_agrees(module: ModuleOp, inputs: dict[str, Array], weights: WeightStore) -> None:
    expected = run_module(module, inputs, weights)
    for actual, reference in zip(run_torch_code(module, inputs, weights), expected, strict=True):
        assert_close(actual, reference, TOLERANCE)


def assert_nr_agrees(text: str, seed: int = 0) -> None:
    """Check a `.nr` model on random weights, none of which is at its neutral initial value."""
    program = load(Source("test.nr", text))
    rng = np.random.default_rng(seed)
    weights = initial_weights(program.weights, seed)
    for weight in program.weights:
        noise = np.abs(rng.standard_normal(weight.shape)) * 0.3
        weights[weight.name] = (weights[weight.name] + noise).astype(np.float32)
    shape = [BATCH if not isinstance(size, int) else size for size in _input_shape(program.module)]
    name = graph.the_model(program.module).inputs[0]
    assert_agrees(program.module, {name: random_array(rng, *shape)}, weights)


def _input_shape(module: ModuleOp) -> Shape:
    return shape_of(graph.the_model(module).arguments[0].type)


def network(layers: str, shape: str = "(9, 8, 4)", macros: str = "") -> str:
    return f"{macros}\nnetwork Net {{ input: {shape} layers: {layers} }}"


@pytest.mark.parametrize(
    "layers",
    [
        'Conv2D(6, 3, padding="same")',
        'Conv2D(6, (2, 4), padding="same")',  # an even window pads more at the end
        'Conv2D(6, 3, strides=2, padding="same")',
        "Conv2D(6, (3, 2), strides=(2, 1), dilation_rate=1)",
        'Conv2D(6, 3, dilation_rate=2, padding="same", use_bias=False)',
        'Conv2D(6, 3, groups=2, padding="same")',
        "DepthwiseConv2D(3)",
        'DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=3)',
        'MaxPooling2D(3, strides=2, padding="same")',
        'MaxPooling2D(2, padding="same")',
        'MaxPooling2D((1, 3), padding="same")',
        'AveragePooling2D(3, strides=2, padding="same")',  # padded places do not count
        'AveragePooling2D(2, padding="same")',
        'AveragePooling2D((3, 4), strides=1, padding="same")',
        "GlobalAveragePooling2D()",
        "Conv2D(3, 2) GlobalMaxPooling2D(keepdims=True)",
        "BatchNormalization(epsilon=0.01)",
        "BatchNormalization(scale=False)",
        "BatchNormalization(center=False)",
        "BatchNormalization(center=False, scale=False)",
        "BatchNormalization(axis=1)",
        "Conv2D(3, 2) PReLU()",
        "Conv2D(3, 2) PReLU(shared_axes=[1, 2])",
        "Dense(5)",
        "Conv2D(3, 2) Dense(5) Conv2D(2, 2)",
        "Conv2D(3, 2) Flatten() Dense(5)",
        "Conv2D(3, (9, 8)) Flatten() Dense(5)",  # one place left: nothing to permute
        "Conv2D(3, 2) Softmax(axis=1)",
        "Conv2D(3, 2) Softmax() ReLU(max_value=0.2)",
        'Conv2D(3, 2, "relu") Flatten() Dense(4, "sigmoid") Dropout(0.5) Output(3, "softmax")',
        'ResidualConnection { Conv2D(4, 3, padding="same") ReLU() }',
        'ResidualConnection(shortcut="projection") { Conv2D(6, 3, strides=2, padding="same") } Flatten()',
        "Conv2D(8, 3) ResidualConnection { ResidualConnection { Conv2D(8, 1) } Dense(8) } * 3",
        'Dense(4, "elu") * 3',
    ],
)
def test_layer_agrees(layers: str) -> None:
    assert_nr_agrees(network(layers))


def test_channels_first_layers_agree() -> None:
    assert_nr_agrees(
        network(
            'Conv2D(6, 3, data_format="channels_first") MaxPooling2D(2, data_format="channels_first") '
            'BatchNormalization(axis=1) Flatten(data_format="channels_first") Dense(3)',
            "(4, 9, 8)",
        )
    )


def test_an_image_that_a_round_carries_and_stacks_has_the_order_of_the_model() -> None:
    layer = 'ConvLSTM2D(4, 3, padding="same", return_sequences=true)'
    program = load(Source("test.nr", f"network Net {{ input: (3, 5, 6, 2) float64 layers: {layer} }}"))
    x = random_array(np.random.default_rng(0), BATCH, 3, 5, 6, 2).astype(np.float64)
    assert_agrees(program.module, {"input": x}, initial_weights(program.weights))


@pytest.mark.parametrize("op", graph.UNARY, ids=lambda op: op.name)
def test_elementwise_function_agrees(op: type) -> None:
    def body(x: SSAValue) -> SSAValue:
        return op.of(x).results[0]

    module = GraphModule().model({"x": tensor("batch", 64)}, body)
    values = np.concatenate([np.linspace(-60, 60, 63), [0.0]]).astype(np.float32).reshape(1, 64)
    if op in (graph.LogOp, graph.SqrtOp, graph.RsqrtOp):
        values = np.abs(values) + 1e-3
    if op is graph.ExpOp:
        values = values / 10
    assert_agrees(module, {"x": values.astype(np.float32)}, WeightStore())


@pytest.mark.parametrize("op", [graph.ReluOp, graph.Relu6Op, graph.MaximumOp, graph.MinimumOp, graph.MaxPoolOp])
def test_nan_stays_nan(op: type) -> None:
    def body(x: SSAValue) -> SSAValue:
        if op is graph.MaxPoolOp:
            return op.of(x, window=(2, 2), strides=(1, 1)).results[0]
        if issubclass(op, graph.BinaryOp):
            return op.of(x, graph.ConstantOp.of(result=tensor(), value=0.0).result).results[0]
        return op.of(x).results[0]

    module = GraphModule().model({"x": tensor("batch", 3, 3, 1)}, body)
    x = np.array([np.nan, 1, -1, 2, 7, 0, -3, 5, -2], np.float32).reshape(1, 3, 3, 1)
    assert_agrees(module, {"x": x}, WeightStore())


UNEVEN = (0, 1, 0, 0, 1, 1)
"""Padding that torch's transposed convolution does not take."""
LAYERS_OF_ANY_RANK = [
    case
    for case in (*CONVOLUTIONS, *TRANSPOSED)
    if case.dtype == "float64" and not (case in TRANSPOSED and case.properties.get("pads") == UNEVEN)
] + [
    pool_case(op, geometry, **properties)
    for geometry in POOLS
    for op, properties in (
        (graph.MaxPoolOp, {}), (graph.AveragePoolOp, {}), (graph.AveragePoolOp, {"count_include_pad": True})
    )
    if op is graph.MaxPoolOp or "dilations" not in geometry
]  # fmt: skip


@pytest.mark.parametrize("case", [case for case in CONTRACTIONS if case.dtype == "float64"], ids=str)
def test_products_agree(case: Case) -> None:
    module, weights, inputs = case.build()
    assert_agrees(module, inputs, weights)


def test_determinants_agree() -> None:
    module = GraphModule().model({"x": tensor("batch", 4, 4, element=f64)}, lambda x: graph.DetOp.of(x).result)
    assert_agrees(module, {"x": np.random.default_rng(0).standard_normal((3, 4, 4))}, WeightStore())


@pytest.mark.parametrize("case", LAYERS_OF_ANY_RANK, ids=str)
def test_convolutions_and_pools_of_any_rank_agree(case: Case) -> None:
    x, *weights = case.operands()
    for data_format in formats(x):
        build, image = GraphModule(), laid_out(x, data_format)

        def body(value: SSAValue, build: GraphModule = build, data_format: str = data_format) -> SSAValue:
            held = [build.weight(name, array) for name, array in zip(("kernel", "bias"), weights, strict=False)]
            return case.op.of(value, *held, **case.properties, data_format=data_format).result

        module = build.model({"x": tensor(*image.shape, element=f64)}, body)
        assert_agrees(module, {"x": image}, build.weights)


@pytest.mark.parametrize("case", [each for each in sampling_cases.CASES if each.op is graph.RoiAlignOp], ids=str)
def test_samples_of_a_region_are_where_they_are_in_doubles(case: sampling_cases.Case) -> None:
    module, inputs = case.build()
    assert_agrees(module, inputs, WeightStore())


def test_integer_division_truncates() -> None:
    module = GraphModule().model(
        {"x": tensor("batch", element=i32), "y": tensor("batch", element=i32)}, lambda x, y: graph.DivOp.of(x, y).result
    )
    inputs = {"x": np.array([7, -7, 9], np.int32), "y": np.array([2, 2, -4], np.int32)}
    np.testing.assert_array_equal(run_torch_code(module, inputs, {})[0], [3, -3, -2])


def has_derived_weights(module: ModuleOp) -> bool:
    """True for what passes make, and emission refuses."""
    return any(isinstance(op, graph.WeightOp) and op.body is not None for op in module.body.block.ops)


def test_random_modules_agree() -> None:
    modules = [random_graph_module(np.random.default_rng(seed), ops=14) for seed in range(80)]
    as_written = [found for found in modules if not has_derived_weights(found[0])]
    agreed = 0
    for module, weights, inputs in as_written:
        try:
            emit(module.clone())
        except NeuralcError as refusal:  # what torch has no layer for is refused by name
            if {each.code for each in refusal.diagnostics} != {"E0850"}:
                raise
            continue
        assert_agrees(module, inputs, weights)
        agreed += 1
    assert agreed >= 25


@pytest.mark.parametrize("seed", range(25))
def test_random_nr_models_agree(seed: int) -> None:
    assert_nr_agrees(random_nr(np.random.default_rng(seed)), seed)
