"""Emitted code computes what the reference interpreter does: float64 on both sides, 1e-10 of the largest value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from support import indexing_cases, sampling_cases
from support.compare import assert_close
from support.graph_modules import Array, GraphModule, random_value, tensor
from support.jax_code import JaxRun, run_all
from support.random_graph import EVERY, random_graph_module
from support.random_nr import random_nr
from xdsl.dialects.builtin import ModuleOp, f32, i32

from neuralc.dialects import graph
from neuralc.dialects.graph import BitcastOp, DimOp, the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr.load import LoadedProgram, load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.grammar.signatures import SIGNATURES
from neuralc.weights_file import initial_weights

pytest.importorskip("jax")
pytestmark = pytest.mark.thorough

TOLERANCE = 1e-10
Case = tuple[str, ModuleOp, dict[str, Array], WeightStore]


def agreed(cases: Sequence[Case]) -> int:
    """How many models compute what the interpreter does; E0850 is the only reason not to."""
    runs, expected, names = [], [], []
    for name, module, inputs, weights in cases:
        try:
            run = JaxRun.of(module.clone(), inputs, weights)
            values = run_module(module, inputs, weights)
        except NeuralcError as refusal:
            if {each.code for each in refusal.diagnostics} <= {"E0850", "E0910"}:
                continue  # the form has no words for it, or an index of random data lies outside
            raise
        runs.append(run)
        expected.append(values)
        names.append(name)
    for name, found, values in zip(names, run_all(runs), expected, strict=True):
        assert not isinstance(found, str), f"{name}\n{found}"
        assert len(found) == len(values)
        for actual, reference in zip(found, values, strict=True):
            try:
                assert_close(actual, np.asarray(reference), TOLERANCE)
            except AssertionError as difference:
                raise AssertionError(f"{name}: {difference}") from difference
    return len(names)


def has_bits(module: ModuleOp) -> bool:
    """True where bits of a float are read, which are others in float64."""
    return any(isinstance(op, BitcastOp) for op in module.walk())


def test_random_programs_agree() -> None:
    cases: list[Case] = []
    for seed in range(60):
        module, weights, inputs = random_graph_module(np.random.default_rng(seed), layers=EVERY)
        if not has_bits(module):
            cases.append((f"seed {seed}", module, inputs, weights))
    assert agreed(cases) >= 0.9 * len(cases)


def program_case(name: str, found: LoadedProgram, seed: int) -> Case:
    """A program with weights none of which is at its neutral initial value."""
    rng = np.random.default_rng(seed)
    weights = initial_weights(found.weights, seed)
    for declared in found.weights:
        value = weights[declared.name]
        if value.dtype.kind == "f":
            noise = np.abs(rng.standard_normal(value.shape)) * 0.2
            weights[declared.name] = (value + noise).astype(value.dtype)
    model = the_model(found.module)
    dims = [op for op in found.module.body.block.ops if isinstance(op, DimOp)]
    sizes = {op.sym_name.data: max(3, op.minimum.data.value) for op in dims}
    arguments = zip(model.inputs, model.arguments, strict=True)
    inputs = {input_: random_value(rng, argument.type, sizes) for input_, argument in arguments}
    return name, found.module, inputs, weights


def test_examples_of_all_layers_agree() -> None:
    cases = [
        program_case(signature.name, load(Source("layer.nr", f"network M {{ {signature.example} }}")), 0)
        for signature in SIGNATURES
        if signature.example
    ]
    assert agreed(cases) >= 130


def test_random_nr_models_agree() -> None:
    cases = [
        program_case(f"seed {seed}", load(Source("m.nr", random_nr(np.random.default_rng(seed)))), seed)
        for seed in range(12)
    ]
    assert agreed(cases) == len(cases)


def test_reads_and_writes_at_places_agree() -> None:
    cases = [(case.name, *case.build(), {}) for case in indexing_cases.CASES]
    assert agreed(cases) == len(cases)


def test_images_read_where_data_says_agree() -> None:
    cases = [(str(case), *case.build(), {}) for case in sampling_cases.CASES]
    assert agreed(cases) == len(cases)


@pytest.mark.parametrize("batch", [0, 1])
def test_vectors_of_no_places_read_everything(batch: int) -> None:
    def body(x: Any, vectors: Any) -> Any:
        return graph.GatherNdOp.of(x, vectors, batch_dims=batch).result

    module = GraphModule().model({"x": tensor(2, 3), "vectors": tensor(2, 4, 0, element=i32)}, body)
    inputs = {"x": random_value(np.random.default_rng(0), tensor(2, 3), {}), "vectors": np.zeros((2, 4, 0), np.int32)}
    assert agreed([("gather_nd", module, inputs, {})]) == 1


def test_bits_of_floats_are_read_as_they_are() -> None:
    bits = tensor("batch", element=i32)
    module = GraphModule().model({"x": tensor("batch", element=f32)}, lambda x: BitcastOp.of(x, result=bits).result)
    x = np.array([1.0, -0.0, 3.25], np.float32)
    (found,) = run_all([JaxRun.of(module, {"x": x}, {}, exact=False)])
    assert not isinstance(found, str), found
    np.testing.assert_array_equal(found[0], x.view(np.int32))


def test_code_in_float32_is_as_near_as_float32_can_be() -> None:
    text = """network Net {
      input: (12, 12, 3)
      layers:
        Conv2D(8, 3, padding="same", activation="relu") BatchNormalization() MaxPooling2D(2)
        Flatten() Dense(16, "gelu") LayerNormalization() Dense(4, "softmax")
    }"""
    _, module, inputs, weights = program_case("net", load(Source("net.nr", text)), 1)
    (found,) = run_all([JaxRun.of(module.clone(), inputs, weights, exact=False)])
    assert not isinstance(found, str), found
    assert_close(found[0], run_module(module, inputs, weights)[0], 1e-5)
