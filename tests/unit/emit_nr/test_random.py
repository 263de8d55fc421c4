"""Random programs of the graph level, written as programs of the language and read back: the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from support.emitted_programs import check_emitted
from support.random_graph import EVERY, PLAIN, RandomProgram, random_graph_module

from neuralc.emit.nr import WITHOUT_CODE
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError


@pytest.mark.parametrize("seed", range(12))
def test_what_a_model_of_plain_layers_becomes_computes_the_same(seed: int) -> None:
    program = random_graph_module(np.random.default_rng(seed), ops=6, layers=PLAIN)
    check_emitted(program.module, program.weights, program.inputs)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(60))
def test_every_op_is_said_or_refused_with_the_reason(seed: int) -> None:
    program = random_graph_module(np.random.default_rng(seed), ops=3, layers=EVERY)
    refused = _refusals(program)
    assert {found.code for found in refused} <= {"E0850"}
    if refused:
        reasons = [found.message for found in refused]
        assert any(name in reason for name in (*WITHOUT_CODE, "derived") for reason in reasons), reasons


def _refusals(program: RandomProgram) -> tuple[Diagnostic, ...]:
    """What the language does not say of a program; none where it says all, and the same."""
    try:
        check_emitted(program.module, program.weights, program.inputs)
    except NeuralcError as refused:
        return tuple(refused.diagnostics)
    return ()
