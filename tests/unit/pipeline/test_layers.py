"""Native code of convolution, pooling, contraction, quantization and sampling is the reference, at every level."""

from __future__ import annotations

import numpy as np
import pytest
from support.graph_modules import GraphModule, random_array, tensor
from support.layer_cases import CONTRACTIONS, IMAGES, Case
from support.pipelines import assert_native_agrees
from support.sampling_cases import CASES
from support.sampling_cases import Case as Sampling
from support.tables import few_of
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.weights import WeightStore

SHARP = (graph.ArgMaxPoolOp, graph.QuantizeOp)
"""Results that jump: of the same operands in single precision they are the same."""


def one_of_each(cases: list[tuple[Case, str]]) -> list[tuple[Case, str]]:
    """One case of each op, rank and data format."""
    found = {(each.op, data_format): (each, data_format) for each, data_format in cases}
    return list(found.values())


@pytest.mark.parametrize(("case", "data_format"), few_of(one_of_each(IMAGES), 5), ids=str)
def test_layers_over_images(case: Case, data_format: str) -> None:
    assert_native_agrees(*_single(case, data_format), 1)


@pytest.mark.slow
@pytest.mark.parametrize("opt", [0, 1, 2])
@pytest.mark.parametrize(("case", "data_format"), IMAGES, ids=str)
def test_every_layer_over_images(case: Case, data_format: str, opt: int) -> None:
    assert_native_agrees(*_single(case, data_format), opt)


@pytest.mark.parametrize("case", few_of(CONTRACTIONS, 6), ids=str)
def test_contractions(case: Case) -> None:
    assert_native_agrees(*_single(case), 1)


@pytest.mark.slow
@pytest.mark.parametrize("opt", [0, 2])
@pytest.mark.parametrize("case", CONTRACTIONS, ids=str)
def test_contractions_at_other_levels(case: Case, opt: int) -> None:
    assert_native_agrees(*_single(case), opt)


def _single(case: Case, data_format: str | None = None) -> tuple[object, WeightStore, list[dict[str, object]]]:
    module, weights, inputs = case.build(data_format, "float32")
    return module, weights, [inputs]


@pytest.mark.parametrize("case", few_of(CASES, 10), ids=str)
def test_quantization_sampling_and_determinants(case: Sampling) -> None:
    module, inputs = case.build()
    assert_native_agrees(module, WeightStore(), [inputs], 1)


@pytest.mark.slow
@pytest.mark.parametrize("opt", [0, 2])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_quantization_sampling_and_determinants_at_other_levels(case: Sampling, opt: int) -> None:
    module, inputs = case.build()
    assert_native_agrees(module, WeightStore(), [inputs], opt)


@pytest.mark.parametrize("opt", few_of([1, 0, 2]))
@pytest.mark.parametrize("data_format", few_of(["NHWC", "NCHW"]))
@pytest.mark.thorough
def test_symbolic_heights_and_widths(data_format: str, opt: int) -> None:
    build, rng = GraphModule(), np.random.default_rng(0)
    shape = ("batch", "H", "W", 2) if data_format == "NHWC" else ("batch", 2, "H", "W")
    form = {"data_format": data_format}

    def body(x: SSAValue) -> list[SSAValue]:
        kernel, up = (
            build.weight("kernel", random_array(rng, 3, 3, 2, 5)),
            build.weight("up", random_array(rng, 3, 3, 5, 4)),
        )
        y = graph.ConvOp.of(x, kernel, pads=(1, 1, 1, 1), strides=(2, 1), **form).result
        large = graph.ConvTransposeOp.of(y, up, strides=(2, 2), pads=(1, 1, 1, 1), output_padding=(1, 1), **form).result
        blocks = graph.ConvTransposeOp.of(
            y, build.weight("b", random_array(rng, 2, 2, 5, 3)), strides=(2, 2), **form
        ).result
        largest = graph.MaxPoolOp.of(y, window=(3, 3), strides=(2, 2), pads=(1, 1, 1, 1), ceil_mode=True, **form).result
        mean = graph.AveragePoolOp.of(
            y, window=(2, 2), strides=(3, 3), pads=(1, 0, 1, 1), ceil_mode=True, **form
        ).result
        places = graph.ArgMaxPoolOp.of(x, window=(2, 2), strides=(2, 2), ceil_mode=True, **form).result
        return [large, blocks, largest, mean, places]

    module = build.model({"x": tensor(*shape)}, body)
    sizes = [{"batch": 1, "H": 4, "W": 3}, {"batch": 2, "H": 9, "W": 16}]
    inputs = [
        {"x": random_array(rng, *(size if isinstance(size, int) else each[size] for size in shape))} for each in sizes
    ]
    assert_native_agrees(module, build.weights, inputs, opt)


@pytest.mark.parametrize("opt", few_of([1, 0, 2]))
def test_symbolic_matrices(opt: int) -> None:
    build, rng = GraphModule(), np.random.default_rng(0)

    def body(x: SSAValue, y: SSAValue) -> list[SSAValue]:
        weight = build.weight("w", random_array(rng, 8, 12))
        return [
            graph.MatmulOp.of(x, weight).result,
            graph.EinsumOp.of(x, x, spec="bik,bjk->bij").result,
            graph.MatmulOp.of(x, y).result,
            graph.EinsumOp.of(x, y, y, spec="bsk,kt,jt->jbs").result,
        ]

    module = build.model({"x": tensor("batch", "S", 8), "y": tensor(8, "T")}, body)
    inputs = [
        {"x": random_array(rng, batch, s, 8), "y": random_array(rng, 8, t)} for batch, s, t in ((1, 1, 1), (2, 5, 33))
    ]
    assert_native_agrees(module, build.weights, inputs, opt)
