"""What only training does: kept in the model, the value itself at inference."""

from __future__ import annotations

from neuralc.grammar.parameters import Optional, Parameter, Real, Several, Whole
from neuralc.grammar.signatures.base import FORMAT, Signature, p

_SEED = p("seed", Optional(Whole()), None, "seed of the random choice in training")
_RATE = Parameter("rate", Real(0, 1), doc="fraction of values dropped in training")
_SCALED_RATE = Parameter("rate", Real(0, 1, open_high=True), doc="fraction of values dropped in training")
_NOISE_SHAPE = p(
    "noise_shape",
    Optional(Several(Optional(Whole(1)))),
    None,
    "shape of the random choice, batch included: 1 where one choice stands for an axis, None for the size of the input",
)


def _spatial(rank: int, places: str, axes: str, *, formats: bool = True) -> Signature:
    return Signature(
        f"SpatialDropout{rank}D",
        (_RATE, FORMAT, _SEED) if formats else (_RATE, _SEED),
        f"Keras 3 SpatialDropout{rank}D",
        f"drops whole channels in training, at all {places} alike; the value itself at inference",
        shapes=f"(batch, {axes}, channels) -> the same",
        masking="keep",
        example=f"input: ({', '.join(['8'] * rank)}, 4) layers: SpatialDropout{rank}D(0.2) Flatten() Dense(3)",
    )


SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "Dropout",
        (_RATE, _NOISE_SHAPE, _SEED),
        "Keras 3 Dropout",
        "drops values in training and divides the others by 1 - rate; the value itself at inference",
        shapes="any -> the same",
        masking="keep",
        example="input: (16) layers: Dense(8) Dropout(0.5) Dense(3)",
    ),
    _spatial(1, "steps", "steps", formats=False),
    _spatial(2, "places of an image", "height, width"),
    _spatial(3, "places of a volume", "depth, height, width"),
    Signature(
        "GaussianNoise",
        (Parameter("stddev", Real(0, 1), doc="standard deviation of the noise"), _SEED),
        "Keras 3 GaussianNoise",
        "adds normal noise around 0 in training; the value itself at inference",
        shapes="any -> the same",
        masking="keep",
        example="input: (16) layers: GaussianNoise(0.1) Dense(3)",
    ),
    Signature(
        "GaussianDropout",
        (_SCALED_RATE, _SEED),
        "Keras 3 GaussianDropout",
        "multiplies by noise of mean 1 and variance rate / (1 - rate) in training; the value itself at inference",
        shapes="any -> the same",
        masking="keep",
        example="input: (16) layers: Dense(8) GaussianDropout(0.2) Dense(3)",
    ),
    Signature(
        "AlphaDropout",
        (_SCALED_RATE, _NOISE_SHAPE, _SEED),
        "Keras 3 AlphaDropout",
        "dropout for SELU networks, which keeps mean and variance in training; the value itself at inference",
        shapes="any -> the same",
        masking="keep",
        example='input: (16) layers: Dense(8, "selu") AlphaDropout(0.1) Dense(3)',
    ),
    Signature(
        "ActivityRegularization",
        (
            p("l1", Real(0), 0.0, "weight of the sum of |x| in the loss"),
            p("l2", Real(0), 0.0, "weight of the sum of x * x in the loss"),
        ),
        "Keras 3 ActivityRegularization",
        "adds (l1 * sum |x| + l2 * sum x * x) / batch to the loss in training; the value itself at inference",
        shapes="any -> the same",
        masking="keep",
        example="input: (16) layers: Dense(8) ActivityRegularization(l1=0.01) Dense(3)",
    ),
)
