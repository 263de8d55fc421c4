"""Normalization: layers that bring values to mean 0 and deviation 1, or to length 1."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, NotYet, Optional, Parameter, Parameters, Real, Several, Whole
from neuralc.grammar.signatures.base import INITIALIZER, Signature, constraint, p, regularizer

_CENTER = p("center", Flag(), True, "add beta")
_SCALE = p("scale", Flag(), True, "multiply by gamma")
_STARTS: Parameters = (
    p("beta_initializer", INITIALIZER, "zeros", "how an untrained beta starts"),
    p("gamma_initializer", INITIALIZER, "ones", "how an untrained gamma starts"),
)
_TRAINING: Parameters = (regularizer("beta"), regularizer("gamma"), constraint("beta"), constraint("gamma"))
_AXES = "the axis, or the axes, that are normalized together"


def _epsilon(default: float, name: str = "epsilon") -> Parameter:
    return p(name, Real(0, open_low=True), default, "added to the variance")


SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "BatchNormalization",
        (
            p("axis", Whole(), -1, "the axis of the channels"),
            p("momentum", Real(0, 1), 0.99, "weight of the old moving statistics in training"),
            _epsilon(0.001),
            _CENTER,
            _SCALE,
            *_STARTS,
            p("moving_mean_initializer", INITIALIZER, "zeros", "how the moving mean starts"),
            p("moving_variance_initializer", INITIALIZER, "ones", "how the moving variance starts"),
            *_TRAINING,
            Parameter("renorm", NotYet(False), False),
            Parameter("renorm_clipping", NotYet(), None),
            Parameter("renorm_momentum", NotYet(0.99), 0.99),
            Parameter("synchronized", NotYet(False), False),
        ),
        "Keras 3 BatchNormalization",
        "gamma * (x - moving_mean) / sqrt(moving_variance + epsilon) + beta",
        ("BatchNorm",),
        shapes="(batch, ..., channels) -> the same",
        masking="keep",
        example="input: (8, 8, 3) layers: Conv2D(4, 3) BatchNormalization() ReLU() Flatten() Dense(3)",
    ),
    Signature(
        "LayerNormalization",
        (
            p("axis", Several(Whole()), (-1,), _AXES),
            _epsilon(0.001),
            _CENTER,
            _SCALE,
            *_STARTS,
            *_TRAINING,
            p("rms_scaling", Flag(), False, "multiply x by gamma / sqrt(variance + epsilon), without mean and beta"),
        ),
        "Keras 3 LayerNormalization",
        "gamma * (x - mean) / sqrt(variance + epsilon) + beta; mean and variance of each member of the batch",
        ("LayerNorm",),
        shapes="(batch, ..., features) -> the same",
        masking="keep",
        example="input: (10, 16) layers: LayerNormalization() Flatten() Dense(3)",
    ),
    Signature(
        "GroupNormalization",
        (
            p("groups", Whole(-1), 32, "parts of the channels that are normalized; -1: each channel is one"),
            p("axis", Whole(), -1, "the axis of the channels"),
            _epsilon(0.001),
            _CENTER,
            _SCALE,
            *_STARTS,
            *_TRAINING,
        ),
        "Keras 3 GroupNormalization",
        "gamma * (x - mean) / sqrt(variance + epsilon) + beta; mean and variance of a group of channels over all "
        "places (Wu and He 2018). More groups than channels are as many as there are channels, with a warning",
        ("GroupNorm",),
        shapes="(batch, ..., channels) -> the same",
        masking="keep",
        example="input: (8, 8, 3) layers: Conv2D(4, 3) GroupNormalization(2) Flatten() Dense(3)",
    ),
    Signature(
        "InstanceNormalization",
        (
            p("num_features", Optional(Whole(1)), None, "the channels; those of the input unless said"),
            _epsilon(1e-5, "eps"),
            p("momentum", Optional(Real(0, 1)), 0.1, "weight of new statistics, which are not kept"),
            p("affine", Flag(), False, "multiply by gamma and add beta, one of each for a channel"),
            Parameter("track_running_stats", NotYet(False), False),
            p("axis", Whole(), -1, "the axis of the channels"),
        ),
        "PyTorch InstanceNorm1d to InstanceNorm3d, with the channels last",
        "(x - mean) / sqrt(variance + eps) of each channel over all places (Ulyanov et al. 2016)",
        ("InstanceNorm",),
        shapes="(batch, ..., channels) -> the same",
        masking="keep",
        example="input: (8, 8, 3) layers: Conv2D(4, 3) InstanceNormalization(affine=true) Flatten() Dense(3)",
    ),
    Signature(
        "RMSNormalization",
        (p("axis", Several(Whole()), (-1,), _AXES), _epsilon(1e-6)),
        "Keras 3 RMSNormalization",
        "scale * x / sqrt(mean(x * x) + epsilon) (Zhang and Sennrich 2019)",
        ("RMSNorm",),
        shapes="(batch, ..., features) -> the same",
        example="input: (10, 16) layers: RMSNormalization() Flatten() Dense(3)",
    ),
    Signature(
        "UnitNormalization",
        (p("axis", Several(Whole()), (-1,), "the axis, or the axes, of one vector"),),
        "Keras 3 UnitNormalization",
        "x / max(|x|, 1e-12): vectors of length 1",
        shapes="any -> the same",
        masking="keep",
        example="input: (16) layers: Dense(8) UnitNormalization() Dense(3)",
    ),
)
