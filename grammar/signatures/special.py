"""Layers that choose, sample, or simulate."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag
from neuralc.grammar.signatures.base import Inputs, Signature, p

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "DynamicLayer",
        (
            p(
                "weighted",
                Flag(),
                False,
                "multiply by the softmax of the chosen score, so that training reaches the scores",
            ),
        ),
        "conditional computation, Bengio et al. 2013; the gate and `weighted`: Fedus et al. 2021, eq. 1 and 2",
        "each sample goes through one branch: the one whose number `by` is, the first where it is true, or the one of "
        "the largest score; without `by` a dense map `gate` of the means of the features scores them. A branch that no "
        "sample chooses is not run",
        block="branches",
        inputs=Inputs(("x",), ("by",)),
        shapes="x (batch, ..), by (batch) or (batch, branches) -> what the branches give, all of one shape",
        example='input: (8) layers: DynamicLayer() { small: { Dense(4) } large: { Dense(32, "relu") Dense(4) } }',
    ),
)
