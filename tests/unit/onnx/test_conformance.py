"""The node tests that ONNX ships, through the import and the interpreter: right, or refused with a reason."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, numpy_helper
from support.onnx_graphs import load

from neuralc.dialects.interp.run import run_module
from neuralc.frontends.onnx.load import Fixed
from neuralc.grammar.diagnostics import NeuralcError

pytestmark = pytest.mark.thorough

FAMILIES = [
    "abs", "acos", "add", "and", "argm", "asin", "atan", "bit", "cast", "ceil", "celu", "clip", "compress", "concat",
    "constant", "cos", "cum", "depth", "div", "dropout", "einsum", "elu", "equal", "erf", "exp", "eye", "flatten",
    "floor", "gather", "gelu", "gemm", "great", "hard", "identity", "if_", "is", "leaky", "less", "log", "loop",
    "matmul", "max_", "mean", "min_", "mish", "mod", "mul", "neg", "nonzero", "not", "onehot", "or", "pow", "prelu",
    "range", "reciprocal", "reduce", "relu", "reshape", "reversesequence", "round", "scan", "scatter", "selu", "shape",
    "shrink", "sigmoid", "sign", "sin", "size", "slice", "softmax", "softplus", "softsign", "space", "split", "sqrt",
    "squeeze", "sub", "sum", "swish", "tan", "tensorscatter", "thresholdedrelu", "tile", "top_k", "transpose", "tril",
    "triu", "unique", "unsqueeze", "upsample", "where", "xor",
]  # fmt: skip
"""How the names of the tests of our families begin."""


def cases() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        for case in load_model_tests(kind="node"):
            if case.name.removeprefix("test_").startswith(tuple(FAMILIES)):
                yield pytest.param(case, id=case.name)


def array(value: Any) -> Any:
    if isinstance(value, TensorProto):
        return numpy_helper.to_array(value)
    return np.asarray(value) if isinstance(value, np.generic) else value


def fixed_inputs(proto: ModelProto, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Vectors and single values of whole numbers: what sizes are computed from."""
    return {
        name: value
        for name, value in inputs.items()
        if isinstance(value, np.ndarray) and value.ndim < 2 and (value.dtype.kind in "iub" or value.ndim == 0)
    }


@pytest.mark.parametrize("case", list(cases()))
def test_a_node_test_gives_what_onnx_expects(case: Any) -> None:
    (inputs, outputs), *_ = [tuple([array(x) for x in part] for part in data) for data in case.data_sets]
    given = dict(zip([port.name for port in case.model.graph.input], inputs, strict=True))
    try:
        found = load(case.model)
    except NeuralcError as refusal:
        if refusal.diagnostics[0].code != "E0620":
            raise
        fixed = fixed_inputs(case.model, given)
        try:
            found = load(case.model, Fixed(inputs=fixed))
        except NeuralcError as again:
            pytest.skip(" ".join(again.diagnostics[0].notes))
        given = {name: value for name, value in given.items() if name not in fixed}
    results = run_module(found.module, given, found.store, numerics="rounded")
    for result, expected in zip(results, outputs, strict=True):
        assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(result, expected, rtol=case.rtol, atol=case.atol)
