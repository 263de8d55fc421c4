"""Every op that is imported, against torch in float64, at random shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.compare import assert_close
from support.torch_cases import CASES, Case
from support.torch_modules import MODULES
from torch import Tensor, nn

import neuralc
from neuralc.dialects.interp import run_module
from neuralc.frontends.torch import importer, registry
from neuralc.frontends.torch.registry import Operator
from neuralc.passes.verifier import verify_module

pytestmark = pytest.mark.thorough


class Called(nn.Module):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *operands: Tensor) -> Any:
        return self.function(*operands)


def flat(found: Any) -> list[NDArray[Any]]:
    if isinstance(found, Tensor):
        return [found.detach().numpy()]
    return [array for part in found for array in flat(part)]


def both(case: Case, operands: Sequence[Tensor]) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    module = Called(case.function)
    model = neuralc.from_torch(module, tuple(operands))
    verify_module(model.module)
    names = [op for op in model.module.body.block.ops if op.name == "graph.model"]
    assert len(names) == 1
    ours = run_module(model.module, [operand.numpy() for operand in operands], model.weights)
    with torch.no_grad():
        return ours, flat(module(*[operand.clone() for operand in operands]))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_values_are_those_of_torch(case: Case, seed: int) -> None:
    ours, theirs = both(case, case.tensors(seed))
    assert len(ours) == len(theirs)
    for array, expected in zip(ours, theirs, strict=True):
        assert_close(array, np.asarray(expected), 1e-10)


UNTRIED = {
    "_assert_async", "_assert_scalar", "_assert_tensor_metadata", "sym_constrain_range",
    "sym_constrain_range_for_size", "_autocast_to_full_precision", "_autocast_to_reduced_precision", "_conj", "conj",
    "lift", "lift_fresh", "resolve_neg", "matrix_H", "empty_permuted", "new_empty_strided", "_native_batch_norm_legit",
    "_embedding_bag_forward_only", "_fused_rms_norm", "atleast_2d", "swapdims", "moveaxis",
}  # fmt: skip
"""Checks, copies, and other names that torch.export takes apart or leaves out before anybody sees them."""


@pytest.mark.slow
def test_every_handler_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    found: set[str] = set()

    def find(base: str, overload: str) -> Operator | None:
        operator = registry.find(base, overload)
        found.update([operator.name] if operator is not None else [])
        return operator

    monkeypatch.setattr(importer, "find", find)
    for case in CASES:
        neuralc.from_torch(Called(case.function), tuple(case.tensors(0)))
    for example in MODULES:
        neuralc.from_torch(example.module(), example.inputs(), dynamic=example.dynamic)
    assert set(registry.operators()) - found - UNTRIED == set()
