"""What training scripts are tried with: programs and data for each optimizer, rate, loss, metric and callback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from support import numpy_optimizers as account
from support.numpy_optimizers import Step
from support.training_runs import Case

Array = NDArray[Any]
COUNT = 16
_RANDOM = np.random.default_rng(5)
X = _RANDOM.standard_normal((COUNT, 4)).astype(np.float32)
NUMBERS = _RANDOM.standard_normal((COUNT, 3)).astype(np.float32)
CLASSES = _RANDOM.integers(0, 3, COUNT)
ONE_HOT = np.eye(3, dtype=np.float32)[CLASSES]
FLAGS = (_RANDOM.random((COUNT, 1)) > 0.5).astype(np.float32)
SHARES = _RANDOM.random((COUNT, 3)).astype(np.float32)


def network(activation: str = "linear", units: int = 3) -> str:
    return f'input: x: (4) layers: Dense(5, "tanh") Output({units}, "{activation}", name="y")'


# -- optimizers --------------------------------------------------------------------------------------------------------

OPTIMIZERS: Mapping[str, tuple[Step, float]] = {
    "SGD(0.1)": (account.sgd(), 0.1),
    "SGD(0.1, momentum=0.9)": (account.sgd(0.9), 0.1),
    "SGD(0.1, momentum=0.9, nesterov=true)": (account.sgd(0.9, nesterov=True), 0.1),
    "Adam(0.01)": (account.adam(), 0.01),
    "Adam(0.01, beta_1=0.8, beta_2=0.99, epsilon=0.001)": (account.adam(0.8, 0.99, 1e-3), 0.01),
    "Adam(0.01, amsgrad=true)": (account.adam(amsgrad=True), 0.01),
    "AdamW(0.01, weight_decay=0.1)": (account.adam(decay=0.1), 0.01),
    "Adamax(0.01)": (account.adamax(), 0.01),
    "Nadam(0.01)": (account.nadam(), 0.01),
    "RMSprop(0.01)": (account.rmsprop(), 0.01),
    "RMSprop(0.01, momentum=0.5, centered=true)": (account.rmsprop(momentum=0.5, centered=True), 0.01),
    "Adagrad(0.1)": (account.adagrad(), 0.1),
    "Adadelta(1.0)": (account.adadelta(), 1.0),
    "Adafactor(0.05)": (account.adafactor(), 0.05),
    "Ftrl(0.1, l1_regularization_strength=0.01, l2_regularization_strength=0.1, beta=0.1)": (
        account.ftrl(l1=0.01, l2=0.1, beta=0.1),
        0.1,
    ),
    "Lion(0.01)": (account.lion(), 0.01),
    "Lamb(0.01)": (account.lamb(), 0.01),
    "ScheduleFreeAdamW(0.01, warmup_steps=4)": (account.schedule_free(warmup=4), 0.01),
    "RAdam(0.01)": (account.radam(), 0.01),
    "ASGD(0.1, lambd=0.01)": (account.asgd(lambd=0.01), 0.1),
    "Rprop(0.01)": (account.rprop(), 0.01),
}
"""Each with its account in numpy and its rate."""

CLIPS: Mapping[str, tuple[str, float]] = {
    "SGD(0.1, clipvalue=0.05)": ("clipvalue", 0.05),
    "SGD(0.1, clipnorm=0.2)": ("clipnorm", 0.2),
    "SGD(0.1, global_clipnorm=0.3)": ("global_clipnorm", 0.3),
}

KERAS_RATES = (
    "ExponentialDecay(0.1, 5, 0.5)",
    "ExponentialDecay(0.1, 5, 0.5, staircase=true)",
    "InverseTimeDecay(0.1, 5, 0.5)",
    "PolynomialDecay(0.1, 6, 0.01, power=2.0)",
    "PolynomialDecay(0.1, 4, 0.01, cycle=true)",
    "CosineDecay(0.1, 8, alpha=0.1)",
    "CosineDecay(0.0, 8, warmup_target=0.2, warmup_steps=3)",
    "CosineDecayRestarts(0.1, 3, t_mul=2.0, m_mul=0.5, alpha=0.1)",
    "PiecewiseConstantDecay([2, 5], [0.1, 0.05, 0.01])",
)
TORCH_RATES = (
    "StepLR(0.1, step_size=3, gamma=0.5)",
    "MultiStepLR(0.1, [2, 5], gamma=0.5)",
    "ExponentialLR(0.1, gamma=0.8)",
    "LinearLR(0.1, start_factor=0.25, total_iters=4)",
    "PolynomialLR(0.1, total_iters=6, power=2.0)",
    "CosineAnnealingLR(0.1, T_max=6, eta_min=0.01)",
    "CosineAnnealingWarmRestarts(0.1, T_0=3, T_mult=2, eta_min=0.01)",
    "OneCycleLR(0.1, cycle_momentum=false)",
    'OneCycleLR(0.1, total_steps=20, cycle_momentum=false, three_phase=true, anneal_strategy="linear")',
    "CyclicLR(0.01, max_lr=0.1, step_size_up=3, step_size_down=2, cycle_momentum=false)",
    'CyclicLR(0.01, max_lr=0.1, step_size_up=2, mode="triangular2", cycle_momentum=false)',
    'CyclicLR(0.01, max_lr=0.1, step_size_up=2, mode="exp_range", gamma=0.9, cycle_momentum=false)',
)


def optimizer_case(name: str, optimizer: str, arguments: Sequence[str] = ()) -> Case:
    clauses = f'{network()} loss: "mse" optimizer: {optimizer}'
    return Case(name, clauses, {"x": X, "y": NUMBERS}, arguments=arguments)


OPTIMIZER_CASES = {each: optimizer_case(f"optimizer_{i}", each) for i, each in enumerate([*OPTIMIZERS, *CLIPS])}
RATE_CASES = {
    each: optimizer_case(f"rate_{i}", f"SGD({each}, momentum=0.5)", ["--batch-size", str(COUNT // 2)])
    for i, each in enumerate((*KERAS_RATES, *TORCH_RATES))
}
"""Two steps an epoch."""


def loss_of_squares(examples: slice = slice(None)) -> account.Loss:
    """What optimizers and rates are tried on: `network()` with `mse`, in float64."""

    def loss(weights: Mapping[str, Array]) -> float:
        kernel, bias, last, offset = weights.values()
        p = np.tanh(X[examples].astype(np.float64) @ kernel + bias) @ last + offset
        return float(np.mean((p - NUMBERS[examples]) ** 2))

    return loss


# -- losses and metrics ------------------------------------------------------------------------------------------------

LOSSES: Mapping[str, tuple[str, Array]] = {
    "mean_squared_error": ("linear", NUMBERS),
    "mean_absolute_error": ("linear", NUMBERS),
    "mean_absolute_percentage_error": ("linear", NUMBERS + 4),
    "mean_squared_logarithmic_error": ("softplus", SHARES),
    "huber": ("linear", NUMBERS),
    "huber(delta=0.5)": ("linear", NUMBERS),
    "log_cosh": ("linear", NUMBERS),
    "poisson": ("softplus", SHARES),
    "kl_divergence": ("softmax", SHARES / SHARES.sum(axis=-1, keepdims=True)),
    "cosine_similarity": ("linear", NUMBERS),
    "hinge": ("tanh", ONE_HOT),
    "squared_hinge": ("tanh", 2 * ONE_HOT - 1),
    "categorical_hinge": ("softmax", ONE_HOT),
    "binary_crossentropy": ("sigmoid", ONE_HOT),
    "binary_crossentropy(from_logits=true, label_smoothing=0.1)": ("linear", ONE_HOT),
    "binary_focal_crossentropy": ("sigmoid", ONE_HOT),
    "binary_focal_crossentropy(apply_class_balancing=true, from_logits=true, gamma=1.5)": ("linear", ONE_HOT),
    "categorical_crossentropy": ("softmax", ONE_HOT),
    "categorical_crossentropy(from_logits=true, label_smoothing=0.1)": ("linear", ONE_HOT),
    "categorical_focal_crossentropy": ("softmax", ONE_HOT),
    "categorical_focal_crossentropy(from_logits=true, alpha=0.5, gamma=1.5)": ("linear", ONE_HOT),
    "categorical_generalized_cross_entropy": ("softmax", CLASSES),
    "sparse_categorical_crossentropy": ("softmax", CLASSES),
    "sparse_categorical_crossentropy(from_logits=true)": ("linear", CLASSES),
    "sparse_categorical_crossentropy(ignore_class=1)": ("softmax", CLASSES),
    "dice": ("sigmoid", ONE_HOT),
    "dice(axis=-1)": ("sigmoid", ONE_HOT),
    "tversky": ("sigmoid", ONE_HOT),
    "tversky(alpha=0.3, beta=0.7, axis=-1)": ("sigmoid", ONE_HOT),
    "circle(gamma=2.0)": ("linear", CLASSES),
}
"""Each with the activation of the output and targets that it is for."""

CTC = Case(
    "loss_ctc",
    'input: x: (12, 4) layers: Dense(5, name="y") loss: "ctc" optimizer: SGD(0.1) metrics: ["ctc"]',
    {
        "x": _RANDOM.standard_normal((COUNT, 12, 4)).astype(np.float32),
        "y": np.sort(_RANDOM.integers(0, 5, (COUNT, 4)), axis=-1)[:, ::-1].copy(),
    },
)

LOSS_CASES = {
    **{
        each: Case(
            f"loss_{i}", f"{network(activation)} loss: {_called(each)} optimizer: SGD(0.1)", {"x": X, "y": targets}
        )
        for i, (each, (activation, targets)) in enumerate(LOSSES.items())
        for _called in [lambda text: text if "(" in text else f'"{text}"']
    },
    "ctc": CTC,
}

METRICS: Mapping[str, tuple[str, int, str, Array, Sequence[str]]] = {
    "numbers": (
        "linear", 3, "mse", NUMBERS,
        [
            '"mse"', '"mae"', '"mean_absolute_percentage_error"', '"root_mean_squared_error"', '"log_cosh_error"',
            "huber(delta=0.5)",
            '"cosine_similarity"', '"r2_score"',
            'R2Score(class_aggregation="variance_weighted_average", name="weighted")',
            '"pearson_correlation"', '"concordance_correlation"',
        ],
    ),
    "shares": (
        "softplus", 3, "mse", SHARES,
        ['"mean_squared_logarithmic_error"', '"poisson"', '"kl_divergence"'],
    ),
    "flags": (
        "sigmoid", 1, "binary_crossentropy", FLAGS,
        [
            '"accuracy"', '"binary_crossentropy"', "binary_accuracy(threshold=0.4)", '"precision"', '"recall"',
            '"true_positives"', '"true_negatives"',
            '"false_positives"', '"false_negatives"', '"auc"', 'AUC(curve="PR", name="pr")', "binary_iou()",
            'AUC(num_thresholds=20, summation_method="majoring", name="more")', "PrecisionAtRecall(0.5)",
            "RecallAtPrecision(0.5)", "SensitivityAtSpecificity(0.5)", "SpecificityAtSensitivity(0.5)", '"hinge"',
            '"squared_hinge"', '"binary_focal_crossentropy"', 'FBetaScore(average="micro", threshold=0.5, name="f")',
        ],
    ),
    "classes": (
        "softmax", 3, "categorical_crossentropy", ONE_HOT,
        [
            '"accuracy"', "top_k_categorical_accuracy(k=2)", 'Precision(top_k=2, name="best")', 'Recall(class_id=1)',
            'F1Score(average="macro")', 'FBetaScore(average="weighted", beta=2.0)', "OneHotIoU(3, [0, 2])",
            "OneHotMeanIoU(3)", '"categorical_crossentropy"', '"categorical_hinge"', '"dice"', '"tversky"',
            '"categorical_focal_crossentropy"',
        ],
    ),
    "numbers_of_classes": (
        "softmax", 3, "sparse_categorical_crossentropy", CLASSES,
        [
            '"accuracy"', "sparse_top_k_categorical_accuracy(k=2)", "MeanIoU(3, sparse_y_pred=false)",
            "IoU(3, [1], sparse_y_pred=false)", "sparse_categorical_crossentropy(ignore_class=1)",
            '"categorical_generalized_cross_entropy"', "circle(gamma=2.0)",
        ],
    ),
}  # fmt: skip
"""Activation and size of the output, loss, targets, metrics."""

METRIC_CASES = {
    name: Case(
        f"metrics_{name}",
        f'{network(activation, units)} loss: "{loss}" optimizer: SGD(0.1) metrics: [{", ".join(metrics)}]',
        {"x": X, "y": targets},
        train="validation_split: 0.25",
    )
    for name, (activation, units, loss, targets, metrics) in METRICS.items()
}

# -- callbacks ---------------------------------------------------------------------------------------------------------

_CALLBACKS: Mapping[str, Sequence[str]] = {
    "stopping": ('EarlyStopping(monitor="loss", min_delta=0.05, patience=1, restore_best_weights=true)',),
    "stopping_late": ('EarlyStopping(monitor="loss", min_delta=0.2, start_from_epoch=3)',),
    "stopping_at": ('EarlyStopping(monitor="val_mean_absolute_error", patience=2, baseline=0.1)',),
    "plateau": ('ReduceLROnPlateau(monitor="loss", factor=0.5, patience=2, min_delta=0.1, cooldown=2)',),
    "plateau_at_once": ('ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1, min_delta=10.0, min_lr=0.01)',),
    "scheduler": ("LearningRateScheduler(ExponentialDecay(0.1, 2, 0.5))",),
    "scheduler_of_torch": ("LearningRateScheduler(StepLR(0.1, step_size=2, gamma=0.5))",),
    "nan": ("TerminateOnNaN()",),
}

CALLBACK_CASES = {
    name: Case(
        f"callback_{name}",
        f'{network()} loss: "mse" optimizer: SGD(0.3) metrics: ["mae"]',
        {"x": X, "y": NUMBERS if name != "nan" else np.full_like(NUMBERS, np.nan)},
        train="validation_split: 0.25",
        callbacks=callbacks,
    )
    for name, callbacks in _CALLBACKS.items()
}

# -- what only one form has --------------------------------------------------------------------------------------------


def _only(form: str, name: str, optimizer: str, callbacks: Sequence[str] = ()) -> Case:
    clauses = f'{network()} loss: "mse" optimizer: {optimizer}'
    return Case(f"only_{name}", clauses, {"x": X, "y": NUMBERS}, callbacks=callbacks, forms=(form,))


ONLY = {
    "LBFGS": _only("torch", "lbfgs", "LBFGS(0.5, max_iter=5)"),
    "cycle_momentum": _only("torch", "cycle_momentum", "SGD(OneCycleLR(0.2, total_steps=12), momentum=0.9)"),
    "Muon": _only("keras", "muon", "Muon(0.02)"),
    "LossScaleOptimizer": _only("keras", "loss_scale", "LossScaleOptimizer(SGD(0.1))"),
    "SwapEMAWeights": _only("keras", "swap", "SGD(0.1, use_ema=true)", ["SwapEMAWeights()"]),
    "BackupAndRestore": _only("keras", "backup", "SGD(0.1)", ['BackupAndRestore("backup")']),
}

# -- models ------------------------------------------------------------------------------------------------------------

MODELS = {
    "statistics": Case(
        "model_statistics",
        'input: x: (4) layers: Dense(5, "tanh") BatchNormalization() Output(3, name="y") '
        'loss: "mse" optimizer: Adam(0.01)',
        {"x": X, "y": NUMBERS},
    ),
    "frozen": Case(
        "model_frozen",
        'input: x: (4) layers: Dense(5, "tanh", trainable=false) Output(3, name="y") '
        'loss: "mse" optimizer: AdamW(0.01)',
        {"x": X, "y": NUMBERS},
    ),
    "two_outputs": Case(
        "model_two_outputs",
        'input: { a: (4), b: (3) } layers: Concatenate(a, b) h = Dense(5, "tanh") p = Dense(3, "softmax") '
        'q = Dense(1)(h) outputs: (p, q) loss: "categorical_crossentropy", "mse" optimizer: RMSprop(0.01) '
        'metrics: ["mae", "root_mean_squared_error"]',
        {"a": X, "b": NUMBERS, "p": ONE_HOT, "q": FLAGS},
    ),
    "penalties": Case(
        "model_penalties",
        'input: x: (4) layers: Dense(5, "tanh", kernel_regularizer=L2(0.01), kernel_constraint=MaxNorm(0.5), '
        'activity_regularizer=L1(0.01)) Output(3, name="y") loss: "mse" optimizer: SGD(0.1, momentum=0.9)',
        {"x": X, "y": NUMBERS},
    ),
}
