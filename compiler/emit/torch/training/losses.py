"""Losses and metrics of Keras as functions of torch: what each example adds, the mean of which is the loss.

`p` is what the model gives and `t` the target, as floats of one shape; a sparse one has class numbers as targets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from neuralc.emit.torch.training.settings import Call

EPSILON = "1e-7"
"""keras.backend.epsilon(): how near probabilities come to 0 and 1."""


@dataclass(frozen=True)
class Measure:
    """The statements of a function `(p, t)`, the last an expression with a value for each example."""

    lines: Sequence[str]
    sparse: bool = False


def _probabilities(call: Call) -> list[str]:
    if call["from_logits"]:
        return ["logs = F.log_softmax(p, dim=-1)"]
    return ["p = p / p.sum(dim=-1, keepdim=True)", f"logs = p.clamp({EPSILON}, 1 - {EPSILON}).log()"]


def _smoothed(call: Call, classes: str) -> list[str]:
    amount = call["label_smoothing"]
    return [f"t = t * {1.0 - amount!r} + {amount!r} / {classes}"] if amount else []


def _categorical(call: Call) -> Measure:
    return Measure([*_smoothed(call, "t.shape[-1]"), *_probabilities(call), "-(t * logs).sum(dim=-1)"])


def _sparse(call: Call) -> Measure:
    return Measure([*_probabilities(call), "-logs.gather(-1, t[..., None]).squeeze(-1)"], sparse=True)


def _binary(call: Call) -> Measure:
    smoothed = _smoothed(call, "2")
    if call["from_logits"]:
        each = 'F.binary_cross_entropy_with_logits(p, t, reduction="none")'
    else:
        smoothed = [*smoothed, f"p = p.clamp({EPSILON}, 1 - {EPSILON})"]
        each = 'F.binary_cross_entropy(p, t, reduction="none")'
    return Measure([*smoothed, f"{each}.mean(dim=-1)"])


def _huber(call: Call) -> Measure:
    return Measure([f'F.huber_loss(p, t, reduction="none", delta={call["delta"]!r}).mean(dim=-1)'])


def _plain(*lines: str) -> Callable[[Call], Measure]:
    return lambda call: Measure(lines)


_SIGNS = "t = torch.where(((t == 0) | (t == 1)).all(), 2 * t - 1, t)"

LOSSES: Mapping[str, Callable[[Call], Measure]] = {
    "binary_crossentropy": _binary,
    "categorical_crossentropy": _categorical,
    "categorical_hinge": _plain("wrong = ((1 - t) * p).amax(dim=-1)", "(wrong - (t * p).sum(dim=-1) + 1).clamp(min=0)"),
    "cosine_similarity": _plain(
        f"p, t = F.normalize(p, dim=-1, eps={EPSILON}), F.normalize(t, dim=-1, eps={EPSILON})", "-(p * t).sum(dim=-1)"
    ),
    "hinge": _plain(_SIGNS, "(1 - t * p).clamp(min=0).mean(dim=-1)"),
    "huber": _huber,
    "kl_divergence": _plain(f"p, t = p.clamp({EPSILON}, 1), t.clamp({EPSILON}, 1)", "(t * (t / p).log()).sum(dim=-1)"),
    "log_cosh": _plain("error = p - t", "(error + F.softplus(-2 * error) - math.log(2)).mean(dim=-1)"),
    "mean_absolute_error": _plain("(p - t).abs().mean(dim=-1)"),
    "mean_absolute_percentage_error": _plain(f"100 * ((p - t) / t.abs().clamp(min={EPSILON})).abs().mean(dim=-1)"),
    "mean_squared_error": _plain("(p - t).square().mean(dim=-1)"),
    "mean_squared_logarithmic_error": _plain(
        f"p, t = p.clamp(min={EPSILON}), t.clamp(min={EPSILON})",
        "(p.log1p() - t.log1p()).square().mean(dim=-1)",
    ),
    "poisson": _plain(f"(p - t * (p + {EPSILON}).log()).mean(dim=-1)"),
    "sparse_categorical_crossentropy": _sparse,
    "squared_hinge": _plain(_SIGNS, "(1 - t * p).clamp(min=0).square().mean(dim=-1)"),
}
"""Each by its name in the language."""

USUAL = {"axis": -1, "ignore_class": None}
"""What no loss here takes otherwise."""


# -- metrics -----------------------------------------------------------------------------------------------------------


def _binary_accuracy(call: Call) -> Measure:
    threshold = call.arguments.get("threshold", 0.5)
    return Measure([f"((p > {threshold!r}) == t.bool()).float().mean(dim=-1)"])


def _top_k(call: Call, sparse: bool) -> Measure:
    target = "t" if sparse else "t.argmax(dim=-1)"
    return Measure([f"(p.topk({call['k']}).indices == {target}[..., None]).any(dim=-1).float()"], sparse)


METRICS: Mapping[str, Callable[[Call], Measure]] = {
    **{name: made for name, made in LOSSES.items() if "hinge" not in name and name not in ("huber", "log_cosh")},
    "binary_accuracy": _binary_accuracy,
    "categorical_accuracy": _plain("(p.argmax(dim=-1) == t.argmax(dim=-1)).float()"),
    "cosine_similarity": _plain(
        f"p, t = F.normalize(p, dim=-1, eps={EPSILON}), F.normalize(t, dim=-1, eps={EPSILON})", "(p * t).sum(dim=-1)"
    ),
    "log_cosh_error": LOSSES["log_cosh"],
    "sparse_categorical_accuracy": lambda call: Measure(["(p.argmax(dim=-1) == t).float()"], sparse=True),
    "sparse_top_k_categorical_accuracy": lambda call: _top_k(call, True),
    "top_k_categorical_accuracy": lambda call: _top_k(call, False),
}
"""Those that are a mean over examples."""


def accuracy(loss: str, classes: object) -> str:
    """The form of `accuracy` that a loss and the size of an output ask for (keras.metrics)."""
    if classes == 1:
        return "binary_accuracy"
    return "sparse_categorical_accuracy" if loss.startswith("sparse") else "categorical_accuracy"
