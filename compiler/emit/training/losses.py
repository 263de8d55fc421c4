"""Losses of Keras as formulas: what each example adds, the mean of which is the loss.

`p` is what the model gives and `t` the target, as floats of one shape; a sparse one has class numbers as targets. The
functions that formulas call are said in the words of a form (words.py); those of an axis are of the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from neuralc.emit.training.settings import Call

EPSILON = 1e-7
"""keras.backend.epsilon(): how near probabilities come to 0 and 1."""

Targets = Literal["dense", "sparse", "labels"]


@dataclass(frozen=True)
class Measure:
    """The statements of a function `(p, t)`, the last an expression with a value for each example."""

    lines: Sequence[str]
    targets: Targets = "dense"
    """Of the shape of the predictions, class numbers without the last axis, or numbers in a shape of their own."""


Formula = Callable[[Call], Measure]


def _near(name: str) -> str:
    return f"{name} = clip({name}, {EPSILON}, 1 - {EPSILON})"


def _smoothed(call: Call, classes: str) -> list[str]:
    amount = call["label_smoothing"]
    return [f"t = t * {1.0 - amount!r} + {amount!r} / {classes}"] if amount else []


def _axis_last(call: Call, *names: str) -> list[str]:
    """The axis of the classes as the last one."""
    axis = call.arguments.get("axis", -1)
    return [] if axis == -1 else [f"{name} = axis_last({name}, {axis})" for name in names]


def _logs(call: Call) -> list[str]:
    if call["from_logits"]:
        return ["logs = log_softmax(p)"]
    return ["p = p / kept_sum(p)", f"logs = log(clip(p, {EPSILON}, 1 - {EPSILON}))"]


def _categorical(call: Call) -> Measure:
    classes = "size(t)"
    return Measure([*_smoothed(call, classes), *_axis_last(call, "p", "t"), *_logs(call), "-sum(t * logs)"])


def _sparse(call: Call) -> Measure:
    lines = [*_axis_last(call, "p"), *_logs(call)]
    ignored = call.arguments.get("ignore_class")
    if ignored is None:
        return Measure([*lines, "-picked(logs, t)"], "sparse")
    kept = [f"kept = t != {ignored}", *lines, "values = -picked(logs, where(kept, t, 0))"]
    return Measure([*kept, _counted(call, "values", "kept")], "sparse")


def _counted(call: Call, values: str, kept: str) -> str:
    """Values of which only some count: the mean over the batch becomes that over those."""
    if call.arguments.get("reduction") == "sum":
        return f"where({kept}, {values}, 0)"
    return f"where({kept}, {values}, 0) * share({kept})"


def _binary(call: Call) -> Measure:
    lines = [*_smoothed(call, "2"), *_axis_last(call, "p", "t")]
    if call["from_logits"]:
        return Measure([*lines, "mean(binary_crossentropy_of_logits(p, t))"])
    return Measure([*lines, _near("p"), "mean(binary_crossentropy(p, t))"])


def _binary_focal(call: Call) -> Measure:
    lines = [*_smoothed(call, "2"), *_axis_last(call, "p", "t")]
    lines += ["p = sigmoid(p)"] if call["from_logits"] else []
    lines += [
        f"entropy = binary_crossentropy(clip(p, {EPSILON}, 1 - {EPSILON}), t)",
        "right = t * p + (1 - t) * (1 - p)",
        f"entropy = (1 - right) ** {call['gamma']!r} * entropy",
    ]
    if call["apply_class_balancing"]:
        alpha = call["alpha"]
        lines.append(f"entropy = (t * {alpha!r} + (1 - t) * {1.0 - alpha!r}) * entropy")
    return Measure([*lines, "mean(entropy)"])


def _categorical_focal(call: Call) -> Measure:
    alpha = call["alpha"]
    weights = [float(each) for each in (alpha if isinstance(alpha, Sequence) else (alpha,))]
    factor = repr(weights[0]) if len(weights) == 1 else f"array([{', '.join(map(repr, weights))}])"
    lines = [*_smoothed(call, "size(t)"), *_axis_last(call, "p", "t")]
    lines += ["p = softmax(p)"] if call["from_logits"] else []
    lines += [f"p = clip(p / kept_sum(p), {EPSILON}, 1 - {EPSILON})"]
    return Measure([*lines, f"-sum({factor} * (1 - p) ** {call['gamma']!r} * t * log(p))"])


def _generalized(call: Call) -> Measure:
    return Measure([f"(1 - picked(p, t) ** {call['q']!r}) / {call['q']!r}"], "sparse")


def _huber(call: Call) -> Measure:
    delta = call["delta"]
    quadratic, linear = "0.5 * square(error)", f"{delta!r} * error - {0.5 * delta * delta!r}"
    return Measure(["error = abs(p - t)", f"mean(where(error <= {delta!r}, {quadratic}, {linear}))"])


def _cosine(sign: str) -> Formula:
    def formula(call: Call) -> Measure:
        lines = [*_axis_last(call, "p", "t"), "p = normalized(p)", "t = normalized(t)"]
        return Measure([*lines, f"{sign}sum(p * t)"])

    return formula


def _axes(call: Call) -> str:
    axis = call["axis"]
    if axis is None:
        return "None"
    axes = tuple(axis) if isinstance(axis, Sequence) else (axis,)
    return f"({', '.join(map(str, axes))},)" if len(axes) == 1 else f"({', '.join(map(str, axes))})"


def _dice(call: Call) -> Measure:
    axes = _axes(call)
    whole = f"sum_over(t, {axes}) + sum_over(p, {axes}) + {EPSILON}"
    return Measure([f"1 - 2 * sum_over(t * p, {axes}) / ({whole})"])


def _tversky(call: Call) -> Measure:
    axes = _axes(call)
    return Measure(
        [
            f"overlap = sum_over(t * p, {axes})",
            f"missed = sum_over((1 - p) * t, {axes})",
            f"added = sum_over(p * (1 - t), {axes})",
            f"1 - overlap / (overlap + missed * {call['alpha']!r} + added * {call['beta']!r} + {EPSILON})",
        ]
    )


def _circle(call: Call) -> Measure:
    gamma, margin = float(call["gamma"]), float(call["margin"])
    other = ["alike = alike & ~eye(p)"] if call["remove_diagonal"] else []
    return Measure(
        [
            "distances = at_least(1 - p @ p.T, 0)",
            "alike = t.reshape(-1, 1) == t.reshape(1, -1)",
            "others = ~alike",
            *other,
            f"near = -{gamma!r} * ({margin!r} + distances) * ({margin!r} - distances)",
            f"far = {gamma!r} * at_least({1 + margin!r} - distances, 0) * ({1 - margin!r} - distances)",
            "values = softplus(log_sum_exp(where(alike, near, -inf())) + log_sum_exp(where(others, far, -inf())))",
            _counted(call, "values", "(values > 0)"),
        ],
        "sparse",
    )


def _ctc(call: Call) -> Measure:
    return Measure(["ctc(p, t)"], "labels")


def _plain(*lines: str) -> Formula:
    return lambda call: Measure(lines)


_SIGNS = "t = where(is_true((t == 0) | (t == 1)), 2 * t - 1, t)"

LOSSES: Mapping[str, Formula] = {
    "binary_crossentropy": _binary,
    "binary_focal_crossentropy": _binary_focal,
    "categorical_crossentropy": _categorical,
    "categorical_focal_crossentropy": _categorical_focal,
    "categorical_generalized_cross_entropy": _generalized,
    "categorical_hinge": _plain("wrong = largest((1 - t) * p)", "at_least(wrong - sum(t * p) + 1, 0)"),
    "circle": _circle,
    "cosine_similarity": _cosine("-"),
    "ctc": _ctc,
    "dice": _dice,
    "hinge": _plain(_SIGNS, "mean(at_least(1 - t * p, 0))"),
    "huber": _huber,
    "kl_divergence": _plain(f"p = clip(p, {EPSILON}, 1)", f"t = clip(t, {EPSILON}, 1)", "sum(t * log(t / p))"),
    "log_cosh": _plain("error = p - t", "mean(error + softplus(-2 * error) - log_two())"),
    "mean_absolute_error": _plain("mean(abs(p - t))"),
    "mean_absolute_percentage_error": _plain(f"100 * mean(abs((p - t) / at_least(abs(t), {EPSILON})))"),
    "mean_squared_error": _plain("mean(square(p - t))"),
    "mean_squared_logarithmic_error": _plain(
        f"p = at_least(p, {EPSILON})", f"t = at_least(t, {EPSILON})", "mean(square(log1p(p) - log1p(t)))"
    ),
    "poisson": _plain(f"mean(p - t * log(p + {EPSILON}))"),
    "sparse_categorical_crossentropy": _sparse,
    "squared_hinge": _plain(_SIGNS, "mean(square(at_least(1 - t * p, 0)))"),
    "tversky": _tversky,
}
"""Each by its name in the language."""

COSINE_METRIC = _cosine("")
"""The metric is the cosine, the loss its negative."""


def without_reduction(formula: Formula) -> Formula:
    """The same as a metric, which is a mean of all values: those that do not count are 0 (keras.metrics.Mean)."""
    return lambda call: formula(replace(call, arguments={**call.arguments, "reduction": "sum"}))
