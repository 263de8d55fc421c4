"""Whole modules: what comes out computes the same as torch, in float64 and natively, and keeps the names of weights."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.compare import assert_close
from support.torch_modules import MODULES, Example

import neuralc
from neuralc.dialects.interp import run_module
from neuralc.imported import ImportedModel
from neuralc.passes.verifier import verify_module

Array = NDArray[Any]

pytestmark = pytest.mark.thorough

EACH = pytest.mark.parametrize("example", MODULES, ids=[example.name for example in MODULES])


def imported(example: Example) -> ImportedModel:
    found = neuralc.from_torch(example.module(), example.inputs(), dynamic=example.dynamic)
    verify_module(found.module)
    return found


def expected(example: Example, *, exact: bool) -> list[Array]:
    """What torch computes, in float64 where that is asked for."""
    module, args = example.module(), example.inputs()
    if exact:
        module = copy.deepcopy(module).double()
        args = tuple(each.double() if each.is_floating_point() else each for each in args)
    with torch.no_grad():
        found = module(*args)
    parts = found.values() if isinstance(found, dict) else found if isinstance(found, tuple) else [found]
    return [part.numpy() for part in parts]


def arrays(example: Example) -> list[Array]:
    return [np.asarray(each.numpy()) for each in example.inputs()]


@EACH
def test_reference_is_torch_in_float64(example: Example) -> None:
    model = imported(example)
    inputs = [each.astype(np.float64) if each.dtype.kind == "f" else each for each in arrays(example)]
    found = run_module(model.module, inputs, model.weights)
    for ours, theirs in zip(found, expected(example, exact=True), strict=True):
        assert_close(ours, theirs, 1e-10)


@EACH
def test_native_code_is_torch_in_float32(example: Example) -> None:
    found = imported(example).compile()(*arrays(example))
    outputs = list(found) if isinstance(found, tuple) else [found]
    for ours, theirs in zip(outputs, expected(example, exact=False), strict=True):
        assert_close(ours, theirs, 1e-5)


@EACH
def test_weights_keep_their_names_and_memory(example: Example) -> None:
    module = example.module()
    model = neuralc.from_torch(module, example.inputs(), dynamic=example.dynamic)
    for name, tensor in module.named_parameters():
        if name not in example.unused:
            array = model.weights[name]
            assert array.shape == tuple(tensor.shape)
            assert np.shares_memory(array, tensor.detach().numpy()), name
    held = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    assert [name for name in model.weights if name not in held and model.weights[name].dtype.kind == "f"] == []
