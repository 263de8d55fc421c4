"""Runs emitted ONNX: by our own importer and interpreter in float64, and by onnxruntime."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from xdsl.dialects.builtin import FloatAttr, ModuleOp, StringAttr, f64

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.interp import run_module
from neuralc.dialects.syntax import PlainOp, to_literal
from neuralc.dialects.types import element_of, numpy_dtype, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.emit.onnx import emit
from neuralc.frontends.onnx.load import load_bytes

Array = NDArray[Any]


def emitted(module: ModuleOp, weights: WeightStore) -> bytes:
    """The model of a module, which ONNX' own checks have nothing against."""
    found = emit(module, weights).whole()
    onnx.checker.check_model(onnx.load_from_string(found), full_check=True)
    return found


def in_float64(model: bytes, inputs: Mapping[str, Array]) -> list[Array]:
    """What our importer reads, run without rounding. Weights are inputs, so that the import does not fold them."""
    proto = onnx.load_from_string(model)
    given = dict(inputs)
    for tensor in proto.graph.initializer:
        given[tensor.name] = numpy_helper.to_array(tensor)
        proto.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    del proto.graph.initializer[:], proto.metadata_props[:]
    loaded = load_bytes(proto.SerializeToString())
    return run_module(loaded.module, given, loaded.store)


def by_onnxruntime(model: bytes, inputs: Mapping[str, Array]) -> list[Array]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # Its optimizer takes casts to narrow types and back away.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    found: list[Array] = session.run(None, dict(inputs))
    return found


def with_states(module: ModuleOp, inputs: Mapping[str, Array], weights: WeightStore) -> dict[str, Array]:
    """The inputs, and what each state begins with."""
    model, sizes = graph.the_model(module), {}
    for argument, name in zip(model.arguments, model.inputs, strict=True):
        for size, value in zip(shape_of(argument.type), inputs[name].shape, strict=True):
            sizes[str(size)] = value
    found = dict(inputs)
    for name, state in graph.declared_states(module).items():
        shape = [as_dim(size).evaluate(sizes) for size in shape_of(state.type)]
        start = state.initial_weight
        first = to_literal(state.initial) if start is None else weights[start]
        found[name] = np.broadcast_to(np.asarray(first, numpy_dtype(element_of(state.type))), shape).copy()
    return found


def as_attributes(module: ModuleOp) -> ModuleOp:
    """The module with numbers as ONNX has them: fp32 in attributes, the type of their values in constants."""
    for op in module.walk():
        if not isinstance(op, PlainOp) or not op.results:
            continue
        element = element_of(op.results[0].type)
        if element == f64:
            continue
        if isinstance(op, RecurrentOp):
            text = re.sub(r"[0-9.]+", lambda number: repr(float(np.float32(number[0]))), op.literal("activations"))
            op.properties["activations"] = StringAttr(text)
        for name, attribute in op.properties.items():
            if isinstance(attribute, FloatAttr):
                dtype = numpy_dtype(element) if name == "value" else np.dtype(np.float32)
                op.properties[name] = FloatAttr(float(np.asarray(attribute.value.data).astype(dtype)), f64)
    return module
