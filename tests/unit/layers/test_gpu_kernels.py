"""Kernels for a GPU of layers that are put together from many ops compute what the graph says."""

from collections.abc import Mapping

import numpy as np
import pytest
from support.compare import assert_close
from support.gpu_models import lower
from support.nr_programs import program_of, random_store

from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.kernel_host import run_host

EXACT = 1e-9

LAYERS: list[tuple[str, Mapping[str, str], Mapping[str, tuple[int, ...]]]] = [
    ("MultiHeadAttention(2, 4, use_causal_mask=true, rotary=true)", {"x": "(S, 6)"}, {"x": (2, 5, 6)}),
    ("GroupedQueryAttention(4, 4, 2, sliding_window=2)", {"x": "(5, 6)"}, {"x": (2, 5, 6)}),
    ("TransformerEncoder(2, 16)", {"x": "(5, 8)"}, {"x": (2, 5, 8)}),
    ("NonLocalBlock()", {"x": "(3, 4, 6)"}, {"x": (2, 3, 4, 6)}),
    ("Capsule(3, 4)", {"x": "(6, 5)"}, {"x": (2, 6, 5)}),
    ("SpatialTransformer() { Flatten() Dense(4) }", {"x": "(5, 6, 2)"}, {"x": (2, 5, 6, 2)}),
    ("GraphConv(x, a, units=4)", {"x": "(6, 3)", "a": "(6, 6)"}, {"x": (2, 6, 3), "a": (2, 6, 6)}),
    ("DynamicLayer() { a: { Dense(3) } b: { Dense(3) } }", {"x": "(4)"}, {"x": (3, 4)}),
    ("QuantumLayer(3)", {"x": "(3)"}, {"x": (2, 3)}),
    ("ProbabilisticDense(x, key=k, units=3)", {"x": "(5)", "k": "() int64"}, {"x": (3, 5), "k": (3,)}),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("layer", "ports", "shapes"), LAYERS, ids=[layer for layer, _, _ in LAYERS])
def test_kernels_compute_the_layer(layer: str, ports: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]]) -> None:
    program = program_of(layer, ports)
    store, generator = random_store(program), np.random.default_rng(0)
    inputs = {name: generator.normal(size=shape).astype("float32") for name, shape in shapes.items()}
    if "k" in inputs:
        inputs["k"] = generator.integers(-(2**60), 2**60, shapes["k"])
    expected = run_module(program.module, inputs, store)
    lower(program.module, store, 2)
    for found, exact in zip(run_host(program.module, inputs, store, check_races=True), expected, strict=True):
        assert_close(found, exact, EXACT)
