"""Every layer of the language: its example becomes a program that computes the same, or is refused with the reason."""

from __future__ import annotations

import pytest
from support.emitted_programs import check_emitted, inputs_for

from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.grammar.signatures import SIGNATURES, Signature
from neuralc.weights_file import initial_weights

pytestmark = pytest.mark.thorough

REFUSED = ("DynamicLayer",)
"""Layers that are control flow on the graph level, of which nothing is left that says which layer it was."""


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda signature: signature.name)
def test_the_example_of_a_layer_is_said_again(signature: Signature) -> None:
    program = load(Source("m.nr", f"network M {{ {signature.example} }}"))
    weights = initial_weights(program.weights, 3)
    if signature.name in REFUSED:
        with pytest.raises(NeuralcError) as caught:
            check_emitted(program.module, weights, inputs_for(program.module), layers=True)
        assert {found.code for found in caught.value.diagnostics} == {"E0850"}
    else:
        check_emitted(program.module, weights, inputs_for(program.module), layers=True)
