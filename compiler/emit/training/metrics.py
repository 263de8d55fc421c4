"""Metrics of Keras as formulas: means over examples (losses.py), or functions of all predictions of an epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from neuralc.emit.python.expressions import Expression, Value, call, name
from neuralc.emit.training.losses import COSINE_METRIC, LOSSES, Formula, Measure, without_reduction
from neuralc.emit.training.settings import Call


@dataclass(frozen=True)
class Whole:
    """A call of a function of helpers/metrics.py with all predictions `p` and targets `t`, or why there is none."""

    made: Expression | None = None
    refused: str = ""


def _binary_accuracy(call: Call) -> Measure:
    return Measure([f"mean(flags((p > {call.arguments.get('threshold', 0.5)!r}) == (t > 0.5)))"])


def _top_k(call: Call) -> Measure:
    sparse = call.name.startswith("sparse")
    if sparse and call["from_sorted_ids"]:
        return Measure([f"flags(is_any(p[..., :{call['k']}] == t[..., None]))"], "labels")
    target = "t" if sparse else "best(t)"
    return Measure([f"flags(is_any(best_of(p, {call['k']}) == {target}[..., None]))"], "sparse" if sparse else "dense")


def _correlation(*last: str) -> Formula:
    def formula(call: Call) -> Measure:
        axis = call["axis"]
        moved = [] if axis == -1 else [f"{each} = axis_last({each}, {axis})" for each in ("p", "t")]
        return Measure([*moved, *last])

    return formula


_PEARSON = _correlation(
    "p = p - kept_mean(p)",
    "t = t - kept_mean(t)",
    "mean(p * t) / sqrt(mean(square(p)) * mean(square(t)))",
)

_CONCORDANCE = _correlation(
    "middle = kept_mean(p)",
    "spread = kept_mean(square(p - middle)) + kept_mean(square(t - kept_mean(t))) + square(kept_mean(t) - middle)",
    "mean(2 * (t - middle) * (p - middle) / (spread + 1e-7))",
)

MEANS: Mapping[str, Formula] = {
    **{name: without_reduction(formula) for name, formula in LOSSES.items()},
    "binary_accuracy": _binary_accuracy,
    "categorical_accuracy": lambda _: Measure(["flags(best(p) == best(t))"]),
    "concordance_correlation": _CONCORDANCE,
    "cosine_similarity": COSINE_METRIC,
    "log_cosh_error": LOSSES["log_cosh"],
    "pearson_correlation": _PEARSON,
    "sparse_categorical_accuracy": lambda _: Measure(["flags(best(p) == t)"], "sparse"),
    "sparse_top_k_categorical_accuracy": _top_k,
    "top_k_categorical_accuracy": _top_k,
}
"""Those that are a mean over examples."""

P, T = name("p"), name("t")


def _threshold(given: object) -> float | None:
    """The one threshold of a metric; none where there are several."""
    if given is None:
        return 0.5
    if isinstance(given, Sequence):
        return float(given[0]) if len(given) == 1 else None
    return float(str(given))


def _one(function: str, *arguments: Value) -> Callable[[Call], Whole]:
    def made(chosen: Call) -> Whole:
        threshold = _threshold(chosen.arguments.get("thresholds"))
        if threshold is None:
            return Whole(refused="several thresholds give no single number")
        top_k, class_id = chosen.arguments.get("top_k"), chosen.arguments.get("class_id")
        if top_k is not None and chosen.arguments.get("thresholds") is None:
            # Keras takes all of the k best for positive.
            threshold = -1e10
        options: dict[str, Value] = {"top_k": top_k} if top_k is not None else {}
        options |= {"class_id": class_id} if class_id is not None else {}
        return Whole(call(function, P, T, *arguments, threshold, **options))

    return made


def _best_at(wanted: str, given: str, least: str) -> Callable[[Call], Whole]:
    def made(chosen: Call) -> Whole:
        options: dict[str, Value] = {"class_id": chosen["class_id"]} if chosen["class_id"] is not None else {}
        return Whole(call("best_at", P, T, wanted, given, float(chosen[least]), chosen["num_thresholds"], **options))

    return made


def _area(chosen: Call) -> Whole:
    if chosen["multi_label"] or chosen["label_weights"] or chosen["from_logits"]:
        return Whole(refused="only the area under one curve of probabilities is written")
    given = chosen["thresholds"]
    if given is None:
        thresholds = f"grid({chosen['num_thresholds']})"
    else:
        listed = [float(each) for each in (given if isinstance(given, Sequence) else (given,))]
        thresholds = f"np.array([-1e-7, {', '.join(map(repr, sorted(listed)))}, 1 + 1e-7])"
    return Whole(call("area", P, T, name(thresholds), chosen["curve"], chosen["summation_method"]))


def _score(chosen: Call) -> Whole:
    if chosen["average"] is None:
        return Whole(refused="without an `average` it is no single number")
    names = ("beta", "average", "threshold")
    options = {key: chosen.arguments[key] for key in names if chosen.arguments.get(key) not in (None, 1.0)}
    return Whole(call("fbeta_score", P, T, **options))


def _overlap(chosen: Call) -> Whole:
    axis = chosen.arguments.get("axis", -1)
    p = P if chosen.arguments.get("sparse_y_pred", True) else name(f"p.argmax({axis})")
    one_hot = not chosen.arguments.get("sparse_y_true", True) or chosen.name.startswith("one_hot")
    t = name(f"t.argmax({axis})") if one_hot else T
    options: dict[str, Value] = {}
    classes = chosen.arguments.get("num_classes", 2)
    if chosen.name == "binary_iou":
        p = name(f"p >= {chosen['threshold']!r}")
    wanted = chosen.arguments.get("target_class_ids")
    if wanted is not None:
        options["wanted"] = tuple(wanted) if isinstance(wanted, Sequence) else (wanted,)
    if chosen.arguments.get("ignore_class") is not None:
        options["ignored"] = chosen["ignore_class"]
    return Whole(call("overlap", p, t, classes, **options))


def _determination(chosen: Call) -> Whole:
    if chosen["class_aggregation"] is None:
        return Whole(refused="without a `class_aggregation` it is no single number")
    options: dict[str, Value] = {"regressors": chosen["num_regressors"]} if chosen["num_regressors"] else {}
    return Whole(call("r2_score", P, T, chosen["class_aggregation"], **options))


WHOLE: Mapping[str, Callable[[Call], Whole]] = {
    "auc": _area,
    "binary_iou": _overlap,
    "f1_score": _score,
    "false_negatives": _one("count_of", 3),
    "false_positives": _one("count_of", 1),
    "fbeta_score": _score,
    "iou": _overlap,
    "mean_iou": _overlap,
    "one_hot_iou": _overlap,
    "one_hot_mean_iou": _overlap,
    "precision": _one("precision"),
    "precision_at_recall": _best_at("precision", "recall", "recall"),
    "r2_score": _determination,
    "recall": _one("recall"),
    "recall_at_precision": _best_at("recall", "precision", "precision"),
    "root_mean_squared_error": lambda _: Whole(
        name("float(np.sqrt(np.square(p.astype(np.float64) - t.reshape(p.shape)).mean()))")
    ),
    "sensitivity_at_specificity": _best_at("recall", "specificity", "specificity"),
    "specificity_at_sensitivity": _best_at("specificity", "recall", "sensitivity"),
    "true_negatives": _one("count_of", 2),
    "true_positives": _one("count_of", 0),
}
"""Those of all predictions of an epoch."""


def accuracy(loss: str, classes: object) -> str:
    """The form of `accuracy` that a loss and the size of an output ask for (keras.metrics)."""
    if classes == 1:
        return "binary_accuracy"
    return "sparse_categorical_accuracy" if loss.startswith("sparse") else "categorical_accuracy"


_COUNTS = {"true_positives", "true_negatives", "false_positives", "false_negatives"}


def direction(metric: str) -> str | None:
    """Whether a metric should rise, `max`, or fall, `min`; None where Keras does not say either."""
    if metric in _COUNTS:
        return None
    falls = (metric in LOSSES and metric != "cosine_similarity") or metric in (
        "root_mean_squared_error",
        "log_cosh_error",
    )
    return "min" if falls else "max"
