"""Losses and their parameters, by the names of Keras 3's loss functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuralc.grammar.parameters import Flag, OneOf, Optional, Parameter, Parameters, Real, Several, Whole
from neuralc.grammar.training.kinds import AXIS, NAME, NOT_NEGATIVE, POSITIVE, UNIT
from neuralc.grammar.training.table import Entry, Table, p

_REDUCTIONS = OneOf(("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"))
_REDUCTION = p("reduction", Optional(_REDUCTIONS), "sum_over_batch_size", "how the losses of a batch become one")
_COMMON: Parameters = (_REDUCTION, p("name", NAME, None))

FROM_LOGITS = p("from_logits", Flag(), False, "the model gives logits, no probabilities")
SMOOTHING = p("label_smoothing", UNIT, 0.0, "how far targets are moved to an even distribution")
LAST_AXIS = p("axis", Whole(), -1, "the axis of the classes")
IGNORED = p("ignore_class", Optional(Whole()), None, "a class number that does not count")
_GAMMA = p("gamma", NOT_NEGATIVE, 2.0, "how little easy examples count")


def _weights_of_classes(values: Mapping[str, Any]) -> str | None:
    return None if values["alpha"] else "`alpha` holds at least one weight"


def _loss(
    name: str, keras: str, doc: str, *parameters: Parameter, aliases: tuple[str, ...] = (), checks: Any = ()
) -> Entry:
    taken = (*parameters, *(common for common in _COMMON if common not in parameters))
    return Entry(name, taken, f"keras.losses.{keras}", doc, aliases, checks)


LOSSES = Table(
    "loss",
    "E0204",
    (
        # --- classes -------------------------------------------------------------------------------------------------
        _loss(
            "categorical_crossentropy",
            "CategoricalCrossentropy",
            "-sum(target * log(prediction)); targets are one-hot",
            FROM_LOGITS,
            SMOOTHING,
            LAST_AXIS,
            aliases=("crossentropy", "cross_entropy", "cce"),
        ),
        _loss(
            "sparse_categorical_crossentropy",
            "SparseCategoricalCrossentropy",
            "-log(prediction[target]); targets are class numbers",
            FROM_LOGITS,
            IGNORED,
            _REDUCTION,
            LAST_AXIS,
            aliases=("scce",),
        ),
        _loss(
            "binary_crossentropy",
            "BinaryCrossentropy",
            "-target * log(prediction) - (1 - target) * log(1 - prediction)",
            FROM_LOGITS,
            SMOOTHING,
            LAST_AXIS,
            aliases=("bce",),
        ),
        _loss(
            "binary_focal_crossentropy",
            "BinaryFocalCrossentropy",
            "Lin et al. 2017: binary cross-entropy times (1 - probability of the target) ** gamma",
            p("apply_class_balancing", Flag(), False, "weigh the classes by alpha"),
            p("alpha", UNIT, 0.25, "weight of class 1"),
            _GAMMA,
            FROM_LOGITS,
            SMOOTHING,
            LAST_AXIS,
        ),
        _loss(
            "categorical_focal_crossentropy",
            "CategoricalFocalCrossentropy",
            "Lin et al. 2017: cross-entropy times alpha * (1 - probability of the target) ** gamma",
            p("alpha", Several(NOT_NEGATIVE), 0.25, "weight of all classes, or of each"),
            _GAMMA,
            FROM_LOGITS,
            SMOOTHING,
            LAST_AXIS,
            checks=(_weights_of_classes,),
        ),
        _loss(
            "categorical_generalized_cross_entropy",
            "CategoricalGeneralizedCrossEntropy",
            "Zhang and Sabuncu 2018: (1 - prediction[target] ** q) / q",
            p("q", Real(0, 1, open_low=True, open_high=True), 0.5, "near 0 is cross-entropy, near 1 absolute error"),
            aliases=("gce",),
        ),
        _loss("hinge", "Hinge", "max(1 - target * prediction, 0); targets are -1 or 1"),
        _loss("squared_hinge", "SquaredHinge", "max(1 - target * prediction, 0) ** 2"),
        _loss("categorical_hinge", "CategoricalHinge", "max(1 + best wrong prediction - prediction of the target, 0)"),
        # --- numbers -------------------------------------------------------------------------------------------------
        _loss("mean_squared_error", "MeanSquaredError", "mean((target - prediction) ** 2)", aliases=("mse",)),
        _loss("mean_absolute_error", "MeanAbsoluteError", "mean(|target - prediction|)", aliases=("mae",)),
        _loss(
            "mean_absolute_percentage_error",
            "MeanAbsolutePercentageError",
            "100 * mean(|target - prediction| / |target|)",
            aliases=("mape",),
        ),
        _loss(
            "mean_squared_logarithmic_error",
            "MeanSquaredLogarithmicError",
            "mean((log(target + 1) - log(prediction + 1)) ** 2)",
            aliases=("msle",),
        ),
        _loss(
            "huber",
            "Huber",
            "Huber 1964: squared error up to delta, absolute error beyond",
            p("delta", POSITIVE, 1.0, "where the error turns linear"),
            aliases=("huber_loss",),
        ),
        _loss("log_cosh", "LogCosh", "mean(log(cosh(prediction - target)))"),
        _loss("poisson", "Poisson", "mean(prediction - target * log(prediction))"),
        _loss(
            "kl_divergence",
            "KLDivergence",
            "sum(target * log(target / prediction))",
            aliases=("kld", "kullback_leibler_divergence"),
        ),
        _loss(
            "cosine_similarity",
            "CosineSimilarity",
            "-cosine of the angle between target and prediction",
            p("axis", Whole(), -1, "the axis of the vectors"),
            aliases=("cosine_proximity",),
        ),
        # --- images, sequences, embeddings ---------------------------------------------------------------------------
        _loss(
            "dice",
            "Dice",
            "1 - 2 * overlap / (target + prediction)",
            _REDUCTION,
            p("axis", Optional(AXIS), None, "axes that are added up; all unless said"),
            aliases=("dice_loss",),
        ),
        _loss(
            "tversky",
            "Tversky",
            "Salehi et al. 2017: dice with weights for what is wrong",
            p("alpha", NOT_NEGATIVE, 0.5, "weight of false positives"),
            p("beta", NOT_NEGATIVE, 0.5, "weight of false negatives"),
            _REDUCTION,
            p("axis", Optional(AXIS), None, "axes that are added up; all unless said"),
        ),
        _loss("ctc", "CTC", "Graves et al. 2006: connectionist temporal classification", aliases=("ctc_loss",)),
        _loss(
            "circle",
            "Circle",
            "Sun et al. 2020: circle loss of embeddings",
            p("gamma", POSITIVE, 80.0, "scale"),
            p("margin", UNIT, 0.4, "relaxation of the border"),
            p("remove_diagonal", Flag(), True, "leave each example out of its own pairs"),
        ),
    ),
    {
        "crossentropyloss": "sparse_categorical_crossentropy(from_logits=true)",
        "nllloss": "sparse_categorical_crossentropy",
        "bceloss": "binary_crossentropy",
        "bcewithlogitsloss": "binary_crossentropy(from_logits=true)",
        "mseloss": "mean_squared_error",
        "l1loss": "mean_absolute_error",
        "l1": "mean_absolute_error",
        "l2": "mean_squared_error",
        "smoothl1loss": "huber",
        "kldivloss": "kl_divergence",
        "focal": "categorical_focal_crossentropy",
        "focalloss": "categorical_focal_crossentropy",
    },
)
"""Keras 3; `elsewhere` are the classes of PyTorch."""
