"""What only training does: kept in the model, the value itself at inference."""

from __future__ import annotations

from neuralc.grammar.parameters import NotYet, Optional, Parameter, Real, Whole
from neuralc.grammar.signatures.base import Signature, p

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "Dropout",
        (
            Parameter("rate", Real(0, 1, open_high=True), doc="fraction of values dropped in training"),
            Parameter("noise_shape", NotYet(), None),
            p("seed", Optional(Whole()), None, "seed of the random choice in training"),
        ),
        "Keras 3 Dropout",
        "drops values in training, the value itself at inference",
    ),
)
