"""Normalization."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, NotYet, Parameter, Real, Whole
from neuralc.grammar.signatures.base import INITIALIZER, Signature, constraint, p, regularizer

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "BatchNormalization",
        (
            p("axis", Whole(), -1, "the axis of the channels"),
            p("momentum", Real(0, 1), 0.99, "weight of the old moving statistics in training"),
            p("epsilon", Real(0, open_low=True), 0.001, "added to the variance"),
            p("center", Flag(), True, "add beta"),
            p("scale", Flag(), True, "multiply by gamma"),
            p("beta_initializer", INITIALIZER, "zeros"),
            p("gamma_initializer", INITIALIZER, "ones"),
            p("moving_mean_initializer", INITIALIZER, "zeros"),
            p("moving_variance_initializer", INITIALIZER, "ones"),
            regularizer("beta"),
            regularizer("gamma"),
            constraint("beta"),
            constraint("gamma"),
            Parameter("synchronized", NotYet(False), False),
        ),
        "Keras 3 BatchNormalization",
        "gamma * (x - moving_mean) / sqrt(moving_variance + epsilon) + beta",
        ("BatchNorm",),
    ),
)
