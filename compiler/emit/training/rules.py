"""Optimizers as formulas of one weight: what they remember, and what a step takes from the weight.

`w` is the weight, `g` its gradient, `rate` the learning rate and `t` the number of the step, from 1. The functions that
formulas call are said in the words of a form (words.py). What a framework has under the same definition is not written
from a formula; definitions are those of Keras, of PyTorch for what only PyTorch has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from neuralc.emit.training.settings import Call


@dataclass(frozen=True)
class Rule:
    """The statements of a step, the last an expression: what is taken from the weight."""

    lines: Sequence[str]
    slots: Mapping[str, str] = field(default_factory=dict)
    """What is remembered of a weight, and how it begins."""
    vector: Rule | None = None
    """The step of weights with fewer than two axes, where it is another one."""
    looks: str = ""
    """Why it is for one order of axes only."""


Formula = Callable[[Call], Rule]

ZEROS = "zeros(w)"


def _rest(beta: float) -> str:
    return repr(round(1 - beta, 12))


def _mean(name: str, of: str, beta: float) -> str:
    """A mean that moves towards a value."""
    return f"{name} = {name} + {_rest(beta)} * ({of} - {name})"


def _moments(call: Call) -> list[str]:
    return [_mean("m", "g", call["beta_1"]), _mean("v", "g * g", call["beta_2"])]


def _sgd(call: Call) -> Rule:
    momentum = call["momentum"]
    if not momentum:
        return Rule(["rate * g"])
    lines = [f"v = {momentum!r} * v - rate * g"]
    return Rule([*lines, f"rate * g - {momentum!r} * v" if call["nesterov"] else "-v"], {"v": ZEROS})


def _adam(call: Call) -> Rule:
    lines = [
        *_moments(call),
        f"rate = rate * (1 - {call['beta_2']!r} ** t) ** 0.5 / (1 - {call['beta_1']!r} ** t)",
    ]
    if not call["amsgrad"]:
        return Rule([*lines, f"rate * m / (sqrt(v) + {call['epsilon']!r})"], {"m": ZEROS, "v": ZEROS})
    lines.append("top = maximum(top, v)")
    return Rule([*lines, f"rate * m / (sqrt(top) + {call['epsilon']!r})"], {"m": ZEROS, "v": ZEROS, "top": ZEROS})


def _adamax(call: Call) -> Rule:
    return Rule(
        [
            _mean("m", "g", call["beta_1"]),
            f"u = maximum({call['beta_2']!r} * u, abs(g))",
            f"rate * m / ((1 - {call['beta_1']!r} ** t) * (u + {call['epsilon']!r}))",
        ],
        {"m": ZEROS, "u": ZEROS},
    )


def _nadam(call: Call) -> Rule:
    beta_1, beta_2 = call["beta_1"], call["beta_2"]
    return Rule(
        [
            f"now = {beta_1!r} * (1 - 0.5 * 0.96 ** t)",
            f"then = {beta_1!r} * (1 - 0.5 * 0.96 ** (t + 1))",
            "product = product * now",
            *_moments(call),
            "ahead = then * m / (1 - product * then) + (1 - now) * g / (1 - product)",
            f"rate * ahead / (sqrt(v / (1 - {beta_2!r} ** t)) + {call['epsilon']!r})",
        ],
        {"product": "one(w)", "m": ZEROS, "v": ZEROS},
    )


def _rmsprop(call: Call) -> Rule:
    rho, momentum = call["rho"], call["momentum"]
    lines, slots = [f"v = {rho!r} * v + {_rest(rho)} * g * g"], {"v": ZEROS}
    divisor = f"v + {call['epsilon']!r}"
    if call["centered"]:
        lines.append(f"mean = {rho!r} * mean + {_rest(rho)} * g")
        slots["mean"] = ZEROS
        divisor = f"v - mean * mean + {call['epsilon']!r}"
    change = f"rate * g / sqrt({divisor})"
    if not momentum:
        return Rule([*lines, change], slots)
    return Rule([*lines, f"change = {momentum!r} * change + {change}", "change"], {**slots, "change": ZEROS})


def _adagrad(call: Call) -> Rule:
    lines = ["total = total + g * g", f"rate * g / sqrt(total + {call['epsilon']!r})"]
    return Rule(lines, {"total": f"zeros(w) + {float(call['initial_accumulator_value'])!r}"})


def _adadelta(call: Call) -> Rule:
    rho, epsilon = call["rho"], call["epsilon"]
    return Rule(
        [
            f"v = {rho!r} * v + {_rest(rho)} * g * g",
            f"change = g * sqrt(u + {epsilon!r}) / sqrt(v + {epsilon!r})",
            f"u = {rho!r} * u + {_rest(rho)} * change * change",
            "rate * change",
        ],
        {"v": ZEROS, "u": ZEROS},
    )


def _adafactor(call: Call) -> Rule:
    relative = "learning_rate" not in call.calls and call["relative_step"]
    lines = [
        *(["rate = least(rate, t ** -0.5)"] if relative else []),
        f"scale = at_least(root_mean_square(w), {call['epsilon_2']!r}) * least(rate, t ** -0.5)",
        f"square = g * g + {call['epsilon_1']!r}",
        f"beta = 1 - t ** {float(call['beta_2_decay'])!r}",
    ]
    last = [
        "u = g / sqrt(v)",
        f"scale * u / at_least(root_mean_square(u) / {float(call['clip_threshold'])!r}, 1.0)",
    ]
    factored = [
        "r = beta * r + (1 - beta) * mean_of(square, -1)",
        "c = beta * c + (1 - beta) * mean_of(square, -2)",
        "v = (r / kept_mean(r))[..., None] * c[..., None, :]",
    ]
    return Rule(
        [*lines, *factored, *last],
        {"r": "mean_of(zeros(w), -1)", "c": "mean_of(zeros(w), -2)"},
        Rule([*lines, "v = beta * v + (1 - beta) * square", *last], {"v": ZEROS}),
        "it looks at the last two axes of a kernel",
    )


def _ftrl(call: Call) -> Rule:
    power = -float(call["learning_rate_power"])
    shrinkage, pull = call["l2_shrinkage_regularization_strength"], call["l1_regularization_strength"]
    square = repr(2.0 * call["l2_regularization_strength"])
    square += f" + {float(call['beta'])!r} / rate" if call["beta"] else ""
    gradient = f"g + {2.0 * shrinkage!r} * w" if shrinkage else "g"
    return Rule(
        [
            "more = total + g * g",
            f"z = z + {gradient} - (more ** {power!r} - total ** {power!r}) / rate * w",
            "total = more",
            f"divisor = total ** {power!r} / rate + {square}",
            f"w - (clip(z, -{float(pull)!r}, {float(pull)!r}) - z) / divisor",
        ],
        {"total": f"zeros(w) + {float(call['initial_accumulator_value'])!r}", "z": ZEROS},
    )


def _lion(call: Call) -> Rule:
    beta_1, beta_2 = call["beta_1"], call["beta_2"]
    lines = [
        f"change = rate * sign({beta_1!r} * m + {_rest(beta_1)} * g)",
        f"m = {beta_2!r} * m + {_rest(beta_2)} * g",
        "change",
    ]
    return Rule(lines, {"m": ZEROS})


def _lamb(call: Call) -> Rule:
    return Rule(
        [
            *_moments(call),
            f"u = m / (1 - {call['beta_1']!r} ** t)",
            f"u = u / (sqrt(v / (1 - {call['beta_2']!r} ** t)) + {call['epsilon']!r})",
            "long, short = length(w), length(u)",
            "rate * where((long > 0) & (short > 0), long / short, one(w)) * u",
        ],
        {"m": ZEROS, "v": ZEROS},
    )


def _schedule_free(call: Call) -> Rule:
    beta_1, beta_2, warm = call["beta_1"], call["beta_2"], call["warmup_steps"]
    return Rule(
        [
            *([f"rate = rate * least(t / {warm}, 1.0)"] if warm else []),
            _mean("v", "g * g", beta_2),
            f"x = (w - {_rest(beta_1)} * z) / {beta_1!r}",
            f"z = z - rate * g / (sqrt(v / (1 - {beta_2!r} ** t)) + {call['epsilon']!r})",
            "x = x + (z - x) / t",
            f"w - {_rest(beta_1)} * z - {beta_1!r} * x",
        ],
        {"v": ZEROS, "z": "copy(w)"},
    )


# -- those of PyTorch --------------------------------------------------------------------------------------------------


def _signed(call: Call) -> list[str]:
    """The gradient upwards where a number should grow, and with the pull of the weights to 0."""
    lines = ["g = -g"] if call["maximize"] else []
    decay = call.arguments.get("weight_decay")
    if decay and not call.arguments.get("decoupled_weight_decay"):
        lines.append(f"g = g + {decay!r} * w")
    return lines


def _radam(call: Call) -> Rule:
    beta_1, beta_2 = call["betas"]
    most = 2 / (1 - beta_2) - 1
    decay = call["weight_decay"]
    pull = f" + rate * {decay!r} * w" if decay and call["decoupled_weight_decay"] else ""
    return Rule(
        [
            *_signed(call),
            _mean("m", "g", beta_1),
            _mean("v", "g * g", beta_2),
            f"rest = -expm1(t * {math.log(beta_2)!r})",
            f"certain = {most!r} - 2 * t * (1 - rest) / rest",
            "bounded = either(certain > 5, certain, 6.0)",
            f"right = (bounded - 4) * (bounded - 2) * {most!r} / ({(most - 4) * (most - 2)!r} * bounded)",
            f"adapted = (right * rest) ** 0.5 / (sqrt(v) + {call['eps']!r})",
            f"m / (1 - {beta_1!r} ** t) * rate * either(certain > 5, adapted, 1.0){pull}",
        ],
        {"m": ZEROS, "v": ZEROS},
    )


def _asgd(call: Call) -> Rule:
    pull = float(call["lambd"])
    return Rule(
        [
            *_signed(call),
            "eta = size",
            f"size = zeros(w) + rate / (1 + {pull!r} * rate * t) ** {float(call['alpha'])!r}",
            f"eta * ({pull!r} * w + g)",
        ],
        {"size": "zeros(w) + rate"},
    )


def _rprop(call: Call) -> Rule:
    (less, more), (least, most) = call["etas"], call["step_sizes"]
    return Rule(
        [
            *(["g = -g"] if call["maximize"] else []),
            "turned = g * before < 0",
            f"factor = where(g * before > 0, {more!r}, 1.0)",
            f"size = clip(size * where(turned, {less!r}, factor), {least!r}, {most!r})",
            "g = where(turned, 0.0, g)",
            "before = g",
            "sign(g) * size",
        ],
        {"before": ZEROS, "size": "zeros(w) + rate"},
    )


RULES: Mapping[str, Formula] = {
    "ASGD": _asgd,
    "Adadelta": _adadelta,
    "Adafactor": _adafactor,
    "Adagrad": _adagrad,
    "Adam": _adam,
    "AdamW": _adam,
    "Adamax": _adamax,
    "Ftrl": _ftrl,
    "Lamb": _lamb,
    "Lion": _lion,
    "Nadam": _nadam,
    "RAdam": _radam,
    "RMSprop": _rmsprop,
    "Rprop": _rprop,
    "SGD": _sgd,
    "ScheduleFreeAdamW": _schedule_free,
}
"""Each by its name."""

WITHOUT_RULE = {
    "LBFGS": "its step asks for the loss several times along a line, which only PyTorch's own does in this way",
    "LossScaleOptimizer": "scaled losses are for floats of 16 bits, which the code does not train in",
    "Muon": "which weights it orthogonalizes goes by the names and shapes that Keras gives them",
}
"""Optimizers that no formula of one weight says, and why."""

UNWRITTEN = {"use_ema": False, "loss_scale_factor": None, "gradient_accumulation_steps": None}
"""Arguments of optimizers that training loops do not take otherwise than like this."""


def decayed(call: Call) -> float:
    """The pull to 0 apart from the gradient, as all optimizers of Keras have it."""
    return float(call.arguments.get("weight_decay") or 0.0) if call.source.startswith("keras.") else 0.0
