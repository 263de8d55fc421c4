"""Optimizers in numpy, in float64: written from the documentation of Keras 3 and PyTorch, for one list of arrays.

They are the account that training scripts are held against, and share nothing with what writes the scripts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Step = Callable[[Array, Array, dict[str, Any], int, float], Array]
"""The weight after a step: of itself, its gradient, what is remembered of it, the number of the step, and the rate."""


def sgd(momentum: float = 0.0, nesterov: bool = False) -> Step:
    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        if momentum == 0.0:
            return w - rate * g
        velocity = memory["velocity"] = momentum * memory.get("velocity", 0.0) - rate * g
        return w + (momentum * velocity - rate * g if nesterov else velocity)

    return step


def adam(
    beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7, amsgrad: bool = False, decay: float = 0.0
) -> Step:
    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        w = w - decay * rate * w
        m = memory["m"] = beta_1 * memory.get("m", 0.0) + (1 - beta_1) * g
        v = memory["v"] = beta_2 * memory.get("v", 0.0) + (1 - beta_2) * g**2
        if amsgrad:
            v = memory["largest"] = np.maximum(memory.get("largest", 0.0), v)
        alpha = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        return w - alpha * m / (np.sqrt(v) + epsilon)

    return step


def adamax(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> Step:
    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        m = memory["m"] = beta_1 * memory.get("m", 0.0) + (1 - beta_1) * g
        u = memory["u"] = np.maximum(beta_2 * memory.get("u", 0.0), np.abs(g))
        return w - rate / (1 - beta_1**t) * m / (u + epsilon)

    return step


def nadam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> Step:
    def weight(t: int) -> float:
        return beta_1 * (1 - 0.5 * 0.96**t)

    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        m = memory["m"] = beta_1 * memory.get("m", 0.0) + (1 - beta_1) * g
        v = memory["v"] = beta_2 * memory.get("v", 0.0) + (1 - beta_2) * g**2
        until = np.prod([weight(each) for each in range(1, t + 1)])
        after = until * weight(t + 1)
        m_hat = weight(t + 1) * m / (1 - after) + (1 - weight(t)) * g / (1 - until)
        return w - rate * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)

    return step


def rmsprop(rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7, centered: bool = False) -> Step:
    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        v = memory["v"] = rho * memory.get("v", 0.0) + (1 - rho) * g**2
        if centered:
            mean = memory["mean"] = rho * memory.get("mean", 0.0) + (1 - rho) * g
            v = v - mean**2
        change = rate * g / np.sqrt(v + epsilon)
        if momentum:
            change = memory["change"] = momentum * memory.get("change", 0.0) + change
        return w - change

    return step


def adagrad(start: float = 0.1, epsilon: float = 1e-7) -> Step:
    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        total = memory["total"] = memory.get("total", start) + g**2
        return w - rate * g / np.sqrt(total + epsilon)

    return step


def adadelta(rho: float = 0.95, epsilon: float = 1e-7) -> Step:
    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        v = memory["v"] = rho * memory.get("v", 0.0) + (1 - rho) * g**2
        change = -np.sqrt(memory.get("u", 0.0) + epsilon) / np.sqrt(v + epsilon) * g
        memory["u"] = rho * memory.get("u", 0.0) + (1 - rho) * change**2
        return w + rate * change

    return step


def adafactor(beta_2_decay: float = -0.8, epsilon_1: float = 1e-30, epsilon_2: float = 1e-3, clip: float = 1.0) -> Step:
    def root_mean_square(x: Array) -> Array:
        return np.sqrt(np.mean(x**2))

    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        rho = min(rate, 1 / np.sqrt(t))
        alpha, beta = max(epsilon_2, root_mean_square(w)) * rho, 1 - t**beta_2_decay
        square = g**2 + epsilon_1
        if w.ndim < 2:
            v = memory["v"] = beta * memory.get("v", 0.0) + (1 - beta) * square
        else:
            r = memory["r"] = beta * memory.get("r", 0.0) + (1 - beta) * square.mean(axis=-1)
            c = memory["c"] = beta * memory.get("c", 0.0) + (1 - beta) * square.mean(axis=-2)
            v = (r / r.mean(axis=-1, keepdims=True))[..., None] * c[..., None, :]
        u = g / np.sqrt(v)
        return w - alpha * u / max(1.0, root_mean_square(u) / clip)

    return step


def ftrl(
    power: float = -0.5, start: float = 0.1, l1: float = 0.0, l2: float = 0.0, shrinkage: float = 0.0, beta: float = 0.0
) -> Step:
    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        before = memory.get("n", start)
        n = memory["n"] = before + g**2
        sigma = (n**-power - before**-power) / rate
        z = memory["z"] = memory.get("z", 0.0) + g + 2 * shrinkage * w - sigma * w
        quadratic = n**-power / rate + 2 * (l2 + beta / (2 * rate))
        return np.where(np.abs(z) > l1, (np.sign(z) * l1 - z) / quadratic, 0.0)

    return step


def lion(beta_1: float = 0.9, beta_2: float = 0.99) -> Step:
    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        m = memory.get("m", 0.0)
        memory["m"] = beta_2 * m + (1 - beta_2) * g
        return w - rate * np.sign(beta_1 * m + (1 - beta_1) * g)

    return step


def lamb(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> Step:
    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        m = memory["m"] = beta_1 * memory.get("m", 0.0) + (1 - beta_1) * g
        v = memory["v"] = beta_2 * memory.get("v", 0.0) + (1 - beta_2) * g**2
        u = m / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        long, short = np.linalg.norm(w), np.linalg.norm(u)
        return w - rate * (long / short if long > 0 and short > 0 else 1.0) * u

    return step


def schedule_free(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8, warmup: int = 0) -> Step:
    """Defazio et al. 2024 with equal weights of steps; the weights are y."""

    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        rate = rate * min(1.0, t / warmup) if warmup else rate
        v = memory["v"] = beta_2 * memory.get("v", 0.0) + (1 - beta_2) * g**2
        x, z = memory.get("x", w), memory.get("z", w)
        z = memory["z"] = z - rate * g / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        x = memory["x"] = (1 - 1 / t) * x + z / t
        return (1 - beta_1) * z + beta_1 * x

    return step


# -- those of PyTorch --------------------------------------------------------------------------------------------------


def radam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8, decay: float = 0.0) -> Step:
    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        g = g + decay * w
        m = memory["m"] = beta_1 * memory.get("m", 0.0) + (1 - beta_1) * g
        v = memory["v"] = beta_2 * memory.get("v", 0.0) + (1 - beta_2) * g**2
        m_hat, most = m / (1 - beta_1**t), 2 / (1 - beta_2) - 1
        length = most - 2 * t * beta_2**t / (1 - beta_2**t)
        if length <= 5:
            return w - rate * m_hat
        r = np.sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
        return w - rate * m_hat * r * np.sqrt(1 - beta_2**t) / (np.sqrt(v) + epsilon)

    return step


def asgd(lambd: float = 1e-4, alpha: float = 0.75) -> Step:
    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        eta = memory.get("eta", rate)
        memory["eta"] = rate / (1 + lambd * rate * t) ** alpha
        return w * (1 - lambd * eta) - eta * g

    return step


def rprop(less: float = 0.5, more: float = 1.2, least: float = 1e-6, most: float = 50.0) -> Step:
    def step(w: Array, g: Array, memory: dict[str, Any], t: int, rate: float) -> Array:
        turned = np.sign(g * memory.get("g", 0.0 * g))
        factor = np.where(turned > 0, more, np.where(turned < 0, less, 1.0))
        size = memory["size"] = np.clip(memory.get("size", rate) * factor, least, most)
        g = memory["g"] = np.where(turned < 0, 0.0, g)
        return w - np.sign(g) * size

    return step


# -- gradients before a step -------------------------------------------------------------------------------------------


def clipped(grads: Sequence[Array], how: str, most: float) -> Sequence[Array]:
    """Gradients as `clipvalue`, `clipnorm` or `global_clipnorm` changes them."""
    if how == "clipvalue":
        return [np.clip(g, -most, most) for g in grads]
    if how == "clipnorm":
        return [g * min(1.0, most / np.linalg.norm(g)) for g in grads]
    norm = np.sqrt(sum(np.sum(g**2) for g in grads))
    return [g * min(1.0, most / norm) for g in grads]


Loss = Callable[[Mapping[str, Array]], float]
"""Of all weights, by name."""


def run(
    weights: Mapping[str, Array],
    losses: Sequence[Loss],
    step: Step,
    rates: Sequence[float],
    clip: tuple[str, float] | None = None,
) -> tuple[list[float], list[Mapping[str, Array]]]:
    """The loss before each step, and the weights after it; each step has a loss and a rate."""
    current = {name: np.asarray(value, np.float64) for name, value in weights.items()}
    memories: dict[str, dict[str, Any]] = {name: {} for name in current}
    found, after = [], []
    for t, (loss, rate) in enumerate(zip(losses, rates, strict=True), 1):
        found.append(loss(current))
        grads = {name: gradient(loss, current, name) for name in current}
        if clip is not None:
            grads = dict(zip(grads, clipped(list(grads.values()), *clip), strict=True))
        current = {name: step(w, grads[name], memories[name], t, rate) for name, w in current.items()}
        after.append(current)
    return found, after


def gradient(loss: Loss, weights: Mapping[str, Array], name: str) -> Array:
    """By differences of fourth order, which are right to about 1e-11 in float64."""
    h = 1e-3
    found = np.empty_like(weights[name])
    for place in np.ndindex(found.shape):

        def moved(by: float, place: tuple[int, ...] = place) -> float:
            value = weights[name].copy()
            value[place] += by
            return loss({**weights, name: value})

        found[place] = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)
    return found
