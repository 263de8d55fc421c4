"""What the training clauses may hold: optimizers, schedules, losses, metrics and settings, by their Keras names.

They do not change a compiled model. They are checked and kept, and the emitted framework code uses them.
"""

from __future__ import annotations

from neuralc.grammar.parameters import (
    Anything,
    Flag,
    Kind,
    Named,
    OneOf,
    Optional,
    Parameter,
    Parameters,
    Real,
    Several,
    Whole,
)

_UNIT = Real(0, 1)
_POSITIVE = Real(0, open_low=True)


def _p(name: str, kind: Kind, default: object) -> Parameter:
    return Parameter(name, kind, default)


RATE = "learning_rate"
"""The one parameter that may be a schedule."""

_COMMON: Parameters = (
    _p("weight_decay", Optional(Real(0)), None),
    _p("clipnorm", Optional(_POSITIVE), None),
    _p("clipvalue", Optional(_POSITIVE), None),
    _p("global_clipnorm", Optional(_POSITIVE), None),
    _p("use_ema", Flag(), False),
    _p("ema_momentum", _UNIT, 0.99),
    _p("name", Optional(Anything()), None),
)


def _optimizer(rate: float, *parameters: Parameter) -> Parameters:
    own = {parameter.name for parameter in parameters}
    return (_p(RATE, Anything(), rate), *parameters, *(p for p in _COMMON if p.name not in own))


_BETAS = (_p("beta_1", _UNIT, 0.9), _p("beta_2", _UNIT, 0.999), _p("epsilon", _POSITIVE, 1e-7))

OPTIMIZERS: dict[str, Parameters] = {
    "SGD": _optimizer(0.01, _p("momentum", _UNIT, 0.0), _p("nesterov", Flag(), False)),
    "Adam": _optimizer(0.001, *_BETAS, _p("amsgrad", Flag(), False)),
    "AdamW": _optimizer(0.001, _p("weight_decay", Real(0), 0.004), *_BETAS, _p("amsgrad", Flag(), False)),
    "Adamax": _optimizer(0.001, *_BETAS),
    "Nadam": _optimizer(0.001, *_BETAS),
    "RMSprop": _optimizer(
        0.001,
        _p("rho", _UNIT, 0.9),
        _p("momentum", _UNIT, 0.0),
        _p("epsilon", _POSITIVE, 1e-7),
        _p("centered", Flag(), False),
    ),
    "Adagrad": _optimizer(0.001, _p("initial_accumulator_value", Real(0), 0.1), _p("epsilon", _POSITIVE, 1e-7)),
    "Adadelta": _optimizer(0.001, _p("rho", _UNIT, 0.95), _p("epsilon", _POSITIVE, 1e-7)),
    "Adafactor": _optimizer(0.001, _p("beta_2_decay", Real(), -0.8), _p("relative_step", Flag(), True)),
    "Ftrl": _optimizer(0.001, _p("learning_rate_power", Real(), -0.5)),
    "Lion": _optimizer(0.001, _p("beta_1", _UNIT, 0.9), _p("beta_2", _UNIT, 0.99)),
    "Lamb": _optimizer(0.001, *_BETAS),
}
"""Parameters and defaults of `keras.optimizers`."""

_STEPS = Whole(1)
SCHEDULES: dict[str, Parameters] = {
    "ExponentialDecay": (
        Parameter("initial_learning_rate", _POSITIVE),
        Parameter("decay_steps", _STEPS),
        Parameter("decay_rate", _POSITIVE),
        _p("staircase", Flag(), False),
    ),
    "InverseTimeDecay": (
        Parameter("initial_learning_rate", _POSITIVE),
        Parameter("decay_steps", _STEPS),
        Parameter("decay_rate", _POSITIVE),
        _p("staircase", Flag(), False),
    ),
    "PolynomialDecay": (
        Parameter("initial_learning_rate", _POSITIVE),
        Parameter("decay_steps", _STEPS),
        _p("end_learning_rate", Real(0), 0.0001),
        _p("power", _POSITIVE, 1.0),
        _p("cycle", Flag(), False),
    ),
    "CosineDecay": (
        Parameter("initial_learning_rate", Real(0)),
        Parameter("decay_steps", _STEPS),
        _p("alpha", Real(0), 0.0),
        _p("warmup_target", Optional(_POSITIVE), None),
        _p("warmup_steps", Whole(0), 0),
    ),
    "CosineDecayRestarts": (
        Parameter("initial_learning_rate", _POSITIVE),
        Parameter("first_decay_steps", _STEPS),
        _p("t_mul", _POSITIVE, 2.0),
        _p("m_mul", _POSITIVE, 1.0),
        _p("alpha", Real(0), 0.0),
    ),
    "PiecewiseConstantDecay": (
        Parameter("boundaries", Several(Whole(0))),
        Parameter("values", Several(Real(0))),
    ),
}
"""Parameters and defaults of `keras.optimizers.schedules`."""

LOSSES: tuple[str, ...] = (
    "categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy", "binary_focal_crossentropy",
    "categorical_focal_crossentropy", "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error", "kl_divergence", "poisson", "cosine_similarity", "huber", "log_cosh", "hinge",
    "squared_hinge", "categorical_hinge", "ctc", "dice", "tversky",
)  # fmt: skip

_SHORT = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "kld": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "bce": "binary_crossentropy",
    "cross_entropy": "categorical_crossentropy",
    "crossentropy": "categorical_crossentropy",
    "logcosh": "log_cosh",
}


def _camel(names: tuple[str, ...]) -> dict[str, str]:
    """`CategoricalCrossentropy` for `categorical_crossentropy`, in lower case as look-ups are."""
    return {name.replace("_", ""): name for name in names}


METRICS: tuple[str, ...] = (
    "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "top_k_categorical_accuracy",
    "sparse_top_k_categorical_accuracy", "precision", "recall", "auc", "f1_score", "mean_io_u", "r2_score",
    "root_mean_squared_error", *LOSSES,
)  # fmt: skip

LOSS = Named("loss", "E0204", LOSSES, _SHORT | _camel(LOSSES))
METRIC = Named("metric", "E0205", METRICS, _SHORT | _camel(METRICS) | {"acc": "accuracy"})
DEVICES: tuple[str, ...] = ("auto", "cpu", "cuda", "gpu", "tpu")

SETTINGS: dict[str, Parameters] = {
    "train": (
        _p("epochs", Whole(1), None),
        _p("batch_size", Whole(1), None),
        _p("validation_split", Real(0, 1, open_high=True), None),
        _p("search_method", OneOf(("random", "bayesian", "grid", "evolutionary", "hyperband")), None),
        _p("shuffle", Flag(), None),
        _p("seed", Whole(0), None),
        _p("learning_rate", _POSITIVE, None),
        _p("data", Anything(), None),
        _p("callbacks", Anything(), None),
        _p("early_stopping", Anything(), None),
        _p("steps_per_epoch", Whole(1), None),
    ),
    "execution": (
        _p("device", Anything(), None),
        _p("precision", OneOf(("fp16", "fp32", "fp64", "bf16", "int8")), None),
        _p("target", OneOf(("auto", "cpu", "cuda", "tpu", "interp")), None),
        _p("threads", Whole(1), None),
    ),
    "benchmark": (
        _p("batch", Several(Whole(1)), None),
        _p("threads", Several(Whole(1)), None),
        _p("compare", Several(Anything()), None),
    ),
    "test": (
        _p("inputs", Anything(), None),
        _p("expect", Anything(), None),
        _p("tolerance", Real(0), None),
    ),
}
"""What the sections of a network may hold; all of it is optional."""
