"""Modules of PyTorch that were imported and written again compute what they did, and train as they did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.compare import assert_close
from support.torch_code import written_model
from support.torch_modules import MODULES, Example
from torch import Tensor, nn

import neuralc

pytestmark = pytest.mark.thorough


def results(module: nn.Module, inputs: Sequence[Tensor]) -> list[Tensor]:
    found = module(*inputs)
    parts = found.values() if isinstance(found, dict) else found if isinstance(found, tuple) else [found]
    return list(parts)


def gradients(module: nn.Module, outputs: Sequence[Tensor]) -> dict[str, NDArray[Any]]:
    """Of a mixture of all outputs, by the name of the parameter."""
    torch.manual_seed(3)
    total = sum((output * torch.randn_like(output)).sum() for output in outputs if output.is_floating_point())
    assert isinstance(total, Tensor)
    total.backward()
    return {name: np.asarray(value.grad) for name, value in module.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("example", MODULES, ids=[example.name for example in MODULES])
def test_outputs_and_gradients_are_those_of_the_original(example: Example) -> None:
    original, inputs = example.module(), example.inputs()
    imported = neuralc.from_torch(original, inputs, dynamic=example.dynamic)
    written = written_model(imported).double()
    exact = [each.double() if each.is_floating_point() else each for each in inputs]
    expected, found = results(original.double(), exact), results(written, exact)
    for ours, theirs in zip(found, expected, strict=True):
        assert_close(ours.detach().numpy(), theirs.detach().numpy(), 1e-10)
    ours_by_size, theirs_by_size = (
        sorted((array.size, float(np.abs(array).sum())) for array in gradients(module, outputs).values())
        for module, outputs in ((written, found), (original, expected))
    )
    assert len(ours_by_size) == len(theirs_by_size)
    for (size, sum_), (expected_size, expected_sum) in zip(ours_by_size, theirs_by_size, strict=True):
        assert size == expected_size
        assert sum_ == pytest.approx(expected_sum, rel=1e-6, abs=1e-9)


def test_a_buffer_that_calls_change_begins_as_it_was_saved() -> None:
    (example,) = [example for example in MODULES if example.name == "running_mean"]
    original, inputs = example.module(), example.inputs()
    original.get_buffer("mean").copy_(torch.arange(4.0))
    written = written_model(neuralc.from_torch(original, inputs, dynamic=example.dynamic))
    assert written.state_dict().keys() == original.state_dict().keys()
    first, *later = [original(*inputs) for _ in range(3)]
    assert not torch.allclose(first, later[-1])
    for expected in (first, *later):
        torch.testing.assert_close(written(*inputs), expected)
    written.reset()
    torch.testing.assert_close(written(*inputs), first)
