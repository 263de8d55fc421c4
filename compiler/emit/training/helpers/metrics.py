"""Metrics of all predictions `p` and targets `t` of an epoch."""

from collections.abc import Sequence

import numpy as np


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """A quotient, 0 where nothing is below."""
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)


def counts(
    p: np.ndarray,
    t: np.ndarray,
    thresholds: np.ndarray,
    top_k: int | None = None,
    class_id: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """True and false positives, true and false negatives above each threshold."""
    p, t = p.astype(np.float64), t.reshape(p.shape) != 0
    if top_k is not None:
        places = np.argsort(-p, axis=-1, kind="stable")[..., :top_k]
        best = np.zeros(p.shape, bool)
        np.put_along_axis(best, places, True, axis=-1)
        p = np.where(best, p, -np.inf)
    if class_id is not None:
        p, t = p[..., class_id], t[..., class_id]
    taken = [p.ravel() > threshold for threshold in thresholds]
    right = t.ravel()
    found = [
        ((x & right).sum(), (x & ~right).sum(), (~x & ~right).sum(), (~x & right).sum())
        for x in taken
    ]
    tp, fp, tn, fn = np.array(found, np.float64).T
    return tp, fp, tn, fn


def precision(
    p: np.ndarray, t: np.ndarray, threshold: float, **options: int | None
) -> float:
    """True positives over all that was taken for positive."""
    tp, fp, _, _ = counts(p, t, np.array([threshold]), **options)
    return float(ratio(tp, tp + fp)[0])


def recall(
    p: np.ndarray, t: np.ndarray, threshold: float, **options: int | None
) -> float:
    """True positives over all that is positive."""
    tp, _, _, fn = counts(p, t, np.array([threshold]), **options)
    return float(ratio(tp, tp + fn)[0])


def count_of(p: np.ndarray, t: np.ndarray, index: int, threshold: float) -> float:
    """True positives, false positives, true negatives or false negatives."""
    return float(counts(p, t, np.array([threshold]))[index][0])


def grid(number: int) -> np.ndarray:
    """Thresholds from 0 to 1, the first and the last a little outside."""
    if number == 1:
        return np.array([0.5])
    inside = [i / (number - 1) for i in range(1, number - 1)]
    return np.array([-1e-7, *inside, 1 + 1e-7])


def rates(p: np.ndarray, t: np.ndarray, number: int, **options: int | None) -> dict:
    """Precision, recall (which is sensitivity) and specificity above each threshold."""
    tp, fp, tn, fn = counts(p, t, grid(number), **options)
    return {
        "precision": ratio(tp, tp + fp),
        "recall": ratio(tp, tp + fn),
        "specificity": ratio(tn, tn + fp),
    }


def best_at(
    p: np.ndarray,
    t: np.ndarray,
    wanted: str,
    given: str,
    least: float,
    number: int,
    **options: int | None,
) -> float:
    """The best of one rate where another one is at least a number."""
    found = rates(p, t, number, **options)
    return float(np.where(found[given] >= least, found[wanted], 0.0).max(initial=0.0))


def area(
    p: np.ndarray, t: np.ndarray, thresholds: np.ndarray, curve: str, method: str
) -> float:
    """The area under the curve: ROC, or precision over recall."""
    tp, fp, tn, fn = counts(p, t, thresholds)
    if curve == "PR" and method == "interpolation":
        return area_between(tp, fp, fn)
    found = ratio(tp, tp + fn)
    x, y = (
        (ratio(fp, fp + tn), found) if curve == "ROC" else (found, ratio(tp, tp + fp))
    )
    if method == "interpolation":
        heights = (y[:-1] + y[1:]) / 2
    else:
        choose = np.minimum if method == "minoring" else np.maximum
        heights = choose(y[:-1], y[1:])
    return float(((x[:-1] - x[1:]) * heights).sum())


def area_between(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> float:
    """Davis and Goadrich 2006: true positives run straight between two thresholds."""
    taken = tp + fp
    change, slope = tp[:-1] - tp[1:], ratio(tp[:-1] - tp[1:], taken[:-1] - taken[1:])
    start = tp[1:] - slope * taken[1:]
    both = (taken[:-1] > 0) & (taken[1:] > 0)
    quotient = np.where(both, ratio(taken[:-1], taken[1:]), 1.0)
    parts = slope * (change + start * np.log(np.where(both, quotient, 1.0)))
    return float(ratio(parts, tp[1:] + fn[1:]).sum())


def fbeta_score(
    p: np.ndarray,
    t: np.ndarray,
    beta: float = 1.0,
    average: str | None = None,
    threshold: float | None = None,
) -> float:
    """The harmonic mean of precision and recall, which counts beta times as much."""
    t = t.reshape(p.shape).astype(np.float64)
    if threshold is None:
        taken = (p >= p.max(axis=-1, keepdims=True)) & (np.abs(p) > 1e-9)
    else:
        taken = p > threshold
    axis = None if average == "micro" else 0
    tp, fp = (taken * t).sum(axis), (taken * (1 - t)).sum(axis)
    fn = (~taken * t).sum(axis)
    exact, found = tp / (tp + fp + 1e-7), tp / (tp + fn + 1e-7)
    score = exact * found / (beta**2 * exact + found + 1e-7) * (1 + beta**2)
    if average == "weighted":
        return float((score * t.sum(axis) / (t.sum() + 1e-7)).sum())
    return float(score.mean())


def overlap(
    p: np.ndarray,
    t: np.ndarray,
    classes: int,
    wanted: Sequence[int] | None = None,
    ignored: int | None = None,
) -> float:
    """The mean of intersection over union of classes, from their numbers."""
    p, t = p.ravel().astype(np.int64), t.ravel().astype(np.int64)
    kept = (t >= 0) & (t < classes) & (p >= 0) & (p < classes) & (t != ignored)
    matrix = np.zeros((classes, classes))
    np.add.at(matrix, (t[kept], p[kept]), 1.0)
    both = matrix.diagonal()
    either = matrix.sum(axis=0) + matrix.sum(axis=1) - both
    if wanted is not None:
        both, either = both[list(wanted)], either[list(wanted)]
    return float((both / (either + 1e-7)).sum() / ((either > 1e-9).sum() + 1e-7))


def r2_score(
    p: np.ndarray, t: np.ndarray, aggregation: str, regressors: int = 0
) -> float:
    """The coefficient of determination."""
    p, t = p.astype(np.float64), t.reshape(p.shape).astype(np.float64)
    total = np.square(t - t.mean(axis=0)).sum(axis=0)
    scores = 1 - np.square(t - p).sum(axis=0) / total
    scores = np.where(np.isinf(scores), 0.0, scores)
    if aggregation == "variance_weighted_average":
        score = (total * scores).sum() / total.sum()
    else:
        score = scores.mean()
    if not 0 < regressors < t.size - 1:
        return float(score)
    return float(1 - (1 - score) * (t.size - 1) / (t.size - regressors - 1))
