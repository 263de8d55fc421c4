"""Small ONNX graphs for tests, and the comparison of what the import makes of them with onnx.reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from neuralc.dialects.interp.run import run_module
from neuralc.frontends.onnx.load import Fixed, LoadedModel, load_bytes
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.verifier import verify_module

Array = np.ndarray[Any, Any]
Shape = Sequence[int | str | None]

node = helper.make_node
NEWEST = 28


def port(name: str, shape: Shape | None, dtype: Any = np.float32) -> Any:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


def graph(
    nodes: Sequence[NodeProto],
    inputs: Sequence[Any],
    outputs: Sequence[str],
    weights: Mapping[str, Array] | None = None,
) -> GraphProto:
    """A graph whose outputs declare a type and no shape."""
    tensors = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    return helper.make_graph(nodes, "graph", inputs, ports, tensors)


def model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[Any],
    outputs: Sequence[str],
    weights: Mapping[str, Array] | None = None,
    opset: int = NEWEST,
    **others: Any,
) -> ModelProto:
    opsets = [helper.make_opsetid("", opset), *others.pop("opsets", ())]
    return helper.make_model(graph(nodes, inputs, outputs, weights), opset_imports=opsets, **others)


def load(proto: ModelProto, fixed: Fixed | None = None) -> LoadedModel:
    """The import of a model, verified."""
    found = load_bytes(proto.SerializeToString(), fixed)
    verify_module(found.module)
    return found


def code_of(proto: ModelProto | bytes) -> str:
    """The code of the error with which a model is refused; empty where it is not."""
    return getattr(error_of(proto), "code", "")


def error_of(proto: ModelProto | bytes) -> Any:
    """The one diagnostic with which a model is refused."""
    data = proto if isinstance(proto, bytes) else proto.SerializeToString()
    try:
        load_bytes(data)
    except NeuralcError as refusal:
        (found,) = refusal.diagnostics
        return found
    return None


def run(proto: ModelProto, *inputs: Array) -> list[Array]:
    """The outputs of the imported model, by the interpreter without rounding."""
    found = load(proto)
    return run_module(found.module, list(inputs), found.store)


def agrees(proto: ModelProto, *inputs: Array) -> None:
    """The imported model gives what onnx.reference gives, both in float64: 1e-10 of the largest value."""
    names = [each.name for each in proto.graph.input]
    wanted = ReferenceEvaluator(proto).run(None, dict(zip(names, inputs, strict=True)))
    for found, expected in zip(run(proto, *inputs), wanted, strict=True):
        expected = np.asarray(expected)
        assert found.shape == expected.shape
        assert found.dtype == (np.float64 if expected.dtype.kind == "f" else expected.dtype)
        finite = expected[np.isfinite(expected)] if expected.dtype.kind == "f" else expected
        scale = max(1.0, float(np.abs(finite).max(initial=0))) if expected.dtype.kind == "f" else 0.0
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * scale)


def ops_of(found: LoadedModel) -> list[str]:
    """Names of the ops of the model, in order, without reads of weights."""
    block = next(op for op in found.module.body.block.ops if op.name == "graph.model").regions[0].block
    names = [op.name.removeprefix("graph.") for op in block.ops]
    return [name for name in names if name not in ("get_weight", "return")]
