"""Emitted code of random programs of all ops computes what the reference does, or an op is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.compare import assert_close
from support.layers import control, indexing, quantization, recurrent, reductions, resampling, spatial, structure
from support.layers.program import Layer
from support.random_graph import EVERY, RandomProgram, random_graph_module
from support.torch_code import python_module, run_torch_code
from xdsl.dialects.builtin import f64

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import element_of, is_float
from neuralc.emit.torch import emit
from neuralc.emit.torch.lowering import LOWERINGS, WITHOUT_CODE
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.tables import places

FAMILIES = {
    "control": control.LAYERS,
    "indexing": indexing.LAYERS,
    "quantization": quantization.LAYERS,
    "recurrent": recurrent.LAYERS,
    "reductions": reductions.LAYERS,
    "resampling": resampling.LAYERS,
    "spatial": spatial.LAYERS,
    "states": structure.STATES,
}


def rounds(program: RandomProgram) -> bool:
    """True for a program that makes floats of fewer bits, which the exact reference does not."""
    casts = [op for op in program.module.walk() if isinstance(op, graph.CastOp)]
    return any(is_float(found := element_of(op.result.type)) and found != f64 for op in casts)


def agrees(program: RandomProgram) -> bool:
    """Whether code is written; what it computes is what the reference does."""
    module, weights, inputs = program
    try:
        emit(module.clone())
    except NeuralcError as refusal:
        if {each.code for each in refusal.diagnostics} != {"E0850"}:
            raise
        return False
    expected = run_module(module, inputs, weights)
    for actual, reference in zip(run_torch_code(module, inputs, weights), expected, strict=True):
        assert_close(actual, reference, 1e-10)
    return True


def random(seed: int, layers: tuple[Layer, ...], ops: int) -> RandomProgram:
    return random_graph_module(np.random.default_rng(seed), ops=ops, element=f64, layers=layers)


@pytest.mark.thorough
@pytest.mark.parametrize("family", FAMILIES)
def test_ops_of_a_family_agree(family: str) -> None:
    programs = [random(seed, tuple(FAMILIES[family]), 3) for seed in range(20)]
    written = [agrees(program) for program in programs if not rounds(program)]
    assert sum(written) >= (3 if family == "states" else 18)


@pytest.mark.thorough
def test_programs_of_all_ops_agree() -> None:
    programs = [random(seed, tuple(EVERY), 10) for seed in range(60)]
    written = [agrees(program) for program in programs if not rounds(program)]
    assert sum(written) >= 35


def test_every_op_is_written_or_has_a_reason() -> None:
    known = {op.name for op in LOWERINGS} | set(WITHOUT_CODE)
    assert {op.name for op in places.ops()} - known == set()


def test_a_state_is_kept_until_reset() -> None:
    program = load(Source("test.nr", "network Net { input: (3, 4) layers: LSTM(2, stateful=true) }"))
    module = python_module(emit(program.module))
    torch.manual_seed(0)
    model = module.Net().eval()
    x = torch.randn(2, 3, 4)
    first, second = model(x), model(x)
    assert not torch.allclose(first, second)
    model.reset()
    assert torch.equal(model(x), first)
    assert not any("state" in name for name in model.state_dict())


def test_activities_add_to_the_penalty() -> None:
    program = load(Source("test.nr", "network Net { input: (4) layers: ActivityRegularization(l1=0.5, l2=0.25) }"))
    module = python_module(emit(program.module))
    model, x = module.Net(), torch.tensor([[1.0, -2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    model.train()(x)
    assert float(module.penalty(model)) == pytest.approx((0.5 * 4 + 0.25 * 6) / 2)
