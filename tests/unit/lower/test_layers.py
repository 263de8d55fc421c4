"""Convolution, pooling, contraction, quantization and sampling in loops compute what the ops are defined to compute."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import assert_pass_preserves
from support.graph_modules import GraphModule, single_op, tensor
from support.layer_cases import CONTRACTIONS, IMAGES, Case
from support.sampling_cases import CASES
from support.sampling_cases import Case as Sampling
from support.tables import few_of
from xdsl.dialects.builtin import f64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects import tensor as loops
from neuralc.dialects.dims import as_dim
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.base import PassContext
from neuralc.passes.lower.graph_to_tensor import GraphToTensorPass
from neuralc.passes.lower.layers.convolution import phase_of


@pytest.mark.parametrize(("case", "data_format"), few_of(IMAGES, 6), ids=str)
def test_layers_over_images(case: Case, data_format: str) -> None:
    module, weights, inputs = case.build(data_format)
    assert_pass_preserves(GraphToTensorPass(), module, weights, inputs)


@pytest.mark.parametrize("case", few_of(CONTRACTIONS, 6), ids=str)
def test_contractions(case: Case) -> None:
    module, weights, inputs = case.build()
    assert_pass_preserves(GraphToTensorPass(), module, weights, inputs)


@pytest.mark.parametrize("case", few_of(CASES, 6), ids=str)
def test_quantization_sampling_and_determinants(case: Sampling) -> None:
    module, inputs = case.build()
    assert_pass_preserves(GraphToTensorPass(), module, WeightStore(), inputs)


@pytest.mark.parametrize("sizes", [(1, 4, 3), (2, 7, 6)], ids=str)
def test_symbolic_sizes(sizes: tuple[int, ...]) -> None:
    build, rng = GraphModule(), np.random.default_rng(0)

    def body(x: SSAValue) -> SSAValue:
        kernel = build.weight("kernel", rng.standard_normal((3, 2, 2, 3)))
        y = graph.ConvTransposeOp.of(x, kernel, strides=(2, 3), pads=(1, 0, 1, 0), output_padding=(0, 4)).result
        y = graph.ConvTransposeOp.of(y, build.weight("block", rng.standard_normal((2, 2, 3, 2))), strides=(2, 2)).result
        y = graph.AveragePoolOp.of(y, window=(3, 3), strides=(2, 4), pads=(1, 1, 1, 1), ceil_mode=True).result
        y = graph.MaxPoolOp.of(y, window=(2, 2), strides=(3, 3), pads=(0, 1, 1, 1), ceil_mode=True).result
        return graph.ArgMaxPoolOp.of(y, window=(2, 1), strides=(1, 1), pads=(0, 0, 1, 0)).result

    module = build.model({"x": tensor("batch", "H", "W", 2, element=f64)}, body)
    assert_pass_preserves(GraphToTensorPass(), module, build.weights, {"x": rng.standard_normal((*sizes, 2))})


def test_padding_and_taps_that_meet_nothing() -> None:
    """Places of the result that no tap reaches are zero: strides past the window, output padding past the result."""
    x, kernel = np.ones((1, 2, 1)), np.ones((2, 1, 1))
    for properties in (
        {"strides": (3,), "output_padding": (7,)},
        {"strides": (4,), "dilations": (3,), "output_padding": (5,)},
        {"strides": (1,), "pads": (2, 0), "output_padding": (6,)},
    ):
        module = single_op(graph.ConvTransposeOp, x, kernel, **properties)
        assert_pass_preserves(GraphToTensorPass(), module, WeightStore(), {"x0": x, "x1": kernel})


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("low", [0, 1, 3])
def test_phases_take_every_tap_once(stride: int, dilation: int, low: int) -> None:
    """Place u * stride + n of the result is the sum over all i * stride + j * dilation = u * stride + n + low."""
    window = 5
    for number in range(stride):
        phase = phase_of(number, low, window, stride, dilation)
        for u in range(9):
            place = u * stride + number + low
            expected = {
                ((place - j * dilation) // stride, j) for j in range(window) if (place - j * dilation) % stride == 0
            }
            found = set()
            if phase is not None:
                taps = range(phase.count)
                found = {(u - phase.low + m * phase.spacing, phase.last - m * phase.step) for m in taps}
            assert found == expected


def test_kernels_of_a_transposed_convolution_are_made_when_the_model_is_compiled() -> None:
    build = GraphModule()

    def body(x: SSAValue) -> SSAValue:
        return graph.ConvTransposeOp.of(
            x, build.weight("kernel", np.ones((3, 3, 2, 4), np.float32)), strides=(2, 2)
        ).result

    module = build.model({"x": tensor(1, 4, 4, 2)}, body)
    GraphToTensorPass().run_in(module, PassContext())
    derived = [op.sym_name.data for op in module.body.block.ops if isinstance(op, graph.WeightOp) and op.body]
    assert derived == [f"kernel.phase{end}" for end in ("", "_1", "_2", "_3")]
    ops = [op for op in graph.the_model(module).block.ops if isinstance(op, loops.ContractOp)]
    assert sum(as_dim(op.lhs.type.get_shape()[3] if len(op.lhs.type.get_shape()) > 4 else 1).value for op in ops) == 6


def test_a_large_determinant_is_refused() -> None:
    module = single_op(graph.DetOp, np.ones((17, 17)))
    with pytest.raises(NeuralcError, match=r"graph.det: a determinant of 17 rows is not compiled, of up to 16 it is"):
        GraphToTensorPass().run_in(module, PassContext())
