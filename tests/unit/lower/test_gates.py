"""Steps of recurrences as one kernel: what several find, and onnxruntime, whatever the rows, units and threads."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from support.compare import Array, calls
from support.pipelines import NATIVE, POLYNOMIALS, as_tuple, assert_same, compile_native, passes_of
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import kernel
from neuralc.dialects.interp.kernel_host import run_host
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.onnx.load import load_bytes
from neuralc.passes.base import PassContext
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module


@dataclass(frozen=True)
class Layer:
    """A recurrent layer of an ONNX model that gives all its outputs."""

    op: str
    rows: int
    units: int
    depth: int = 5
    steps: int = 3
    direction: str = "forward"
    reset_before: int = 1

    @property
    def gates(self) -> int:
        return {"LSTM": 4, "GRU": 3, "RNN": 1}[self.op]

    def model(self, batch: int | str | None = None) -> ModelProto:
        directions = 2 if self.direction == "bidirectional" else 1
        rng, width = np.random.default_rng(self.units), self.gates * self.units
        shapes = {"w": (directions, width, self.depth), "r": (directions, width, self.units)}
        shapes["b"] = (directions, 2 * width)
        stored = [
            numpy_helper.from_array((rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32), name)
            for name, shape in shapes.items()
        ]
        names = ["y", "h", "c"] if self.op == "LSTM" else ["y", "h"]
        options = {"linear_before_reset": self.reset_before} if self.op == "GRU" else {}
        node = helper.make_node(
            self.op, ["x", *shapes], names, direction=self.direction, hidden_size=self.units, **options
        )
        rows = self.rows if batch is None else batch
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (self.steps, rows, self.depth))
        results = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, (directions, rows, self.units)) for name in names[1:]
        ]
        results.insert(
            0, helper.make_tensor_value_info("y", TensorProto.FLOAT, (self.steps, directions, rows, self.units))
        )
        graph = helper.make_graph([node], "net", [x], results, stored)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)

    @property
    def x(self) -> Array:
        rng = np.random.default_rng(self.rows)
        return rng.standard_normal((self.steps, self.rows, self.depth)).astype(np.float32)


def lowered(module: ModuleOp, weights: WeightStore, target: Target) -> int:
    """Take a module to the kernel level; the steps that became one kernel."""
    context = PassContext(target=target, weights=weights, options={"threads": "2"})
    for each in passes_of(2):
        each.run_in(module, context)
        verify_module(module)
    loops = [op for op in module.walk() if isinstance(op, kernel.ForOp)]
    return sum(sum(isinstance(op, kernel.LaunchOp) for op in loop.body.block.ops) == 1 for loop in loops)


LAYERS = [
    Layer("LSTM", rows=1, units=24),
    Layer("LSTM", rows=3, units=16, direction="bidirectional"),
    Layer("LSTM", rows=37, units=32, depth=1),
    Layer("GRU", rows=1, units=8, direction="bidirectional"),
    Layer("GRU", rows=8, units=48, direction="reverse"),
    Layer("GRU", rows=1, units=72, depth=3),
]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_one_kernel_finds_what_several_do(layer: Layer) -> None:
    loaded = load_bytes(layer.model().SerializeToString())
    expected = calls(loaded.module, {"x": layer.x}, loaded.store)
    module, weights = loaded.module.clone(), WeightStore(loaded.store)
    assert lowered(module, weights, Target.cpu("haswell")) == (2 if layer.direction == "bidirectional" else 1)
    assert_same(run_host(module, [layer.x], weights, check_races=True), expected, POLYNOMIALS)
    results = []
    for threads in (1, 2, 3):
        model = compile_native(loaded.module.clone(), WeightStore(loaded.store), 2, Target.host(), threads=threads)
        results.append(as_tuple(model(x=layer.x)))
    assert_same(results[0], expected, NATIVE)
    for others in results[1:]:
        for found, first in zip(others, results[0], strict=True):
            np.testing.assert_array_equal(found, first)


@pytest.mark.parametrize("layer", LAYERS[:4], ids=str)
def test_the_run_may_bring_any_number_of_rows(layer: Layer) -> None:
    loaded = load_bytes(layer.model("batch").SerializeToString())
    models = [
        compile_native(loaded.module.clone(), WeightStore(loaded.store), 2, Target.host(), threads=threads)
        for threads in (1, 2)
    ]
    for rows in (1, 2, 7, 33):
        x = replace(layer, rows=rows).x
        expected = calls(loaded.module, {"x": x}, loaded.store)
        results = [as_tuple(model(x=x)) for model in models]
        assert_same(results[0], expected, NATIVE)
        for found, first in zip(results[1], results[0], strict=True):
            np.testing.assert_array_equal(found, first)


@pytest.mark.parametrize(
    "layer",
    [
        Layer("RNN", rows=4, units=16),  # one gate
        Layer("LSTM", rows=2, units=13),  # no whole vectors
        Layer("GRU", rows=2, units=16, reset_before=0),  # a product of what was made of gates
    ],
    ids=str,
)
def test_other_steps_stay_as_they_are(layer: Layer) -> None:
    loaded = load_bytes(layer.model().SerializeToString())
    expected = calls(loaded.module, {"x": layer.x}, loaded.store)
    model = compile_native(loaded.module.clone(), WeightStore(loaded.store), 2, Target.host())
    assert_same(as_tuple(model(x=layer.x)), expected, NATIVE)


@pytest.mark.thorough
@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_onnxruntime_finds_the_same(layer: Layer) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    data = layer.model().SerializeToString()
    expected = onnxruntime.InferenceSession(data).run(None, {"x": layer.x})
    loaded = load_bytes(data)
    found = as_tuple(compile_native(loaded.module, loaded.store, 2, Target.host())(x=layer.x))
    assert_same(found, expected, NATIVE)
