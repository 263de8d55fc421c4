"""ONNX models of one node, run by neuralc and by another implementation of ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from neuralc import onnx_backend

Array = NDArray[Any]
Shape = Sequence[int | str]


def node_model(
    op: str,
    inputs: Mapping[str, Array | None],
    outputs: Sequence[str] = ("y",),
    *,
    weights: Sequence[str] = (),
    shapes: Mapping[str, Shape] | None = None,
    opset: int = 22,
    **attributes: Any,
) -> onnx.ModelProto:
    """A model of one node; `weights` are inputs held by the model, `shapes` has symbols in the place of sizes."""
    given = {name: array for name, array in inputs.items() if array is not None}
    ports = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(array.dtype), (shapes or {}).get(name, array.shape)
        )
        for name, array in given.items()
        if name not in weights
    ]
    stored = [numpy_helper.from_array(given[name], name) for name in weights if name in given]
    names = [name if array is not None else "" for name, array in inputs.items()]
    node = helper.make_node(op, names, list(outputs), **attributes)
    results = [onnx.ValueInfoProto(name=name) for name in outputs if name]
    graph = helper.make_graph([node], "g", ports, results, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def feeds(model: onnx.ModelProto, inputs: Mapping[str, Array | None]) -> dict[str, Array]:
    return {port.name: array for port in model.graph.input if (array := inputs[port.name]) is not None}


def run_neuralc(model: onnx.ModelProto, inputs: Mapping[str, Array | None], **options: Any) -> tuple[Array, ...]:
    return onnx_backend.prepare(model, **options).run(feeds(model, inputs))


def run_reference(model: onnx.ModelProto, inputs: Mapping[str, Array | None]) -> list[Array]:
    """onnx.reference: the definition, and slow."""
    found: list[Array] = ReferenceEvaluator(model).run(None, feeds(model, inputs))
    return found


def run_onnxruntime(model: onnx.ModelProto, inputs: Mapping[str, Array | None]) -> list[Array]:
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found: list[Array] = session.run(None, feeds(model, inputs))
    return found


def assert_near(found: Sequence[Array], expected: Sequence[Array], tolerance: float = 1e-5) -> None:
    """Floats within tolerance * max(1, max|y|), everything else exactly; shapes and dtypes too."""
    assert len(found) == len(expected)
    for mine, other in zip(found, expected, strict=True):
        assert (mine.shape, mine.dtype) == (other.shape, other.dtype)
        if mine.dtype.kind != "f":
            np.testing.assert_array_equal(mine, other)
            continue
        bound = tolerance * max(1.0, float(np.max(np.abs(other), initial=0.0)))
        np.testing.assert_allclose(mine, other, rtol=0, atol=bound)
