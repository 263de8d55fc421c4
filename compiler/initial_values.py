"""The values untrained weights start from, as `keras.initializers` defines them.

They are a function of the seed of the model and the name of the weight; of its own seed and shape alone, where the
initializer has one. They are not bit for bit those of Keras.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from neuralc.grammar.configured import Configured
from neuralc.grammar.initializers import INITIALIZER, SCALED

Shape: TypeAlias = tuple[int, ...]
Values: TypeAlias = NDArray[np.float64]
Initializer: TypeAlias = Callable[[np.random.Generator, Shape, Mapping[str, Any]], Values]

CUT_DEVIATION = 0.87962566103423978
"""The standard deviation of a unit normal distribution cut at -2 and 2."""


def initial_value(name: str, shape: Shape, initializer: Configured, seed: int) -> Values:
    """The values of a weight. Raises ValueError for an initializer that there is not."""
    arguments = INITIALIZER.arguments(initializer)
    own = arguments.get("seed")
    generator = np.random.default_rng([seed, zlib.crc32(name.encode())] if own is None else own)
    return DRAWN[initializer.name](generator, shape, arguments)


def fans(
    shape: Shape, inputs: tuple[int, ...] | None = None, outputs: tuple[int, ...] | None = None
) -> tuple[int, int]:
    """Inputs and outputs of a unit: of a convolution, over its window."""
    if inputs is not None and outputs is not None:
        return math.prod(shape[axis] for axis in inputs), math.prod(shape[axis] for axis in outputs)
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    taps = math.prod(shape[:-2])
    return shape[-2] * taps, shape[-1] * taps


def _truncated(generator: np.random.Generator, shape: Shape, mean: float, deviation: float) -> Values:
    """Normal values redrawn until they lie within two deviations."""
    values = generator.normal(0.0, 1.0, shape)
    while (outside := np.abs(values) > 2.0).any():
        values[outside] = generator.normal(0.0, 1.0, int(outside.sum()))
    return mean + values * deviation


def _variance_scaling(generator: np.random.Generator, shape: Shape, arguments: Mapping[str, Any]) -> Values:
    fan_in, fan_out = fans(shape, arguments["input_axes"], arguments["output_axes"])
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[arguments["mode"]]
    variance = arguments["scale"] / max(1.0, fan)
    match arguments["distribution"]:
        case "uniform":
            limit = math.sqrt(3.0 * variance)
            return generator.uniform(-limit, limit, shape)
        case "untruncated_normal":
            return generator.normal(0.0, math.sqrt(variance), shape)
        case _:
            return _truncated(generator, shape, 0.0, math.sqrt(variance) / CUT_DEVIATION)


def _scaled(fixed: Mapping[str, Any]) -> Initializer:
    return lambda generator, shape, arguments: _variance_scaling(generator, shape, {**arguments, **fixed})


def _orthogonal(generator: np.random.Generator, shape: Shape, arguments: Mapping[str, Any]) -> Values:
    """Saxe et al. 2014: the Q of a normal matrix, with the signs that make it uniform among orthogonal ones."""
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(generator.normal(0.0, 1.0, (max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return np.reshape(q.T if rows < columns else q, shape) * float(arguments["gain"])


def _stft(generator: np.random.Generator, shape: Shape, arguments: Mapping[str, Any]) -> Values:
    """[steps, 1, frequencies]: cos or sin of -2 pi * t * f / n under a window of the steps, n twice the frequencies."""
    steps, _, frequencies = shape
    angle = -np.pi * np.arange(steps)[:, None] * np.arange(frequencies) / (frequencies - 1)
    waves = np.cos(angle) if arguments["side"] == "real" else np.sin(angle)
    if arguments["window"] is not None:
        window = _window(arguments["window"], steps, periodic=arguments["periodic"])
        norms = {"density": np.sqrt((window**2).sum()), "spectrum": np.abs(window).sum(), None: 1.0}
        waves = waves * window[:, None] / norms[arguments["scaling"]]
    return np.asarray(waves[:, None, :])


def _window(name: str, steps: int, *, periodic: bool) -> Values:
    """The sums of cosines of `scipy.signal.windows`."""
    if steps == 1:
        return np.ones(1)
    angle = 2.0 * np.pi * np.arange(steps) / (steps if periodic else steps - 1)
    terms = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "blackman": (0.42, 0.5, 0.08)}[name]
    return np.asarray(sum((-1) ** i * factor * np.cos(i * angle) for i, factor in enumerate(terms)))


def _unit_forget(generator: np.random.Generator, shape: Shape, arguments: Mapping[str, Any]) -> Values:
    others = Configured(arguments["others"])
    values = DRAWN[others.name](generator, shape, INITIALIZER.arguments(others))
    width = shape[-1] // 4
    values[..., width : 2 * width] = 1.0
    return values


DRAWN: Mapping[str, Initializer] = {
    "zeros": lambda generator, shape, arguments: np.zeros(shape),
    "ones": lambda generator, shape, arguments: np.ones(shape),
    "constant": lambda generator, shape, arguments: np.full(shape, arguments["value"]),
    "identity": lambda generator, shape, arguments: np.eye(shape[0], shape[1]) * float(arguments["gain"]),
    "orthogonal": _orthogonal,
    "stft": _stft,
    "unit_forget": _unit_forget,
    "variance_scaling": _variance_scaling,
    **{name: _scaled(fixed) for name, fixed in SCALED.items()},
    "random_normal": lambda generator, shape, given: generator.normal(given["mean"], given["stddev"], shape),
    "random_uniform": lambda generator, shape, given: generator.uniform(given["minval"], given["maxval"], shape),
    "truncated_normal": lambda generator, shape, given: _truncated(generator, shape, given["mean"], given["stddev"]),
}
"""How each entry of `INITIALIZERS` draws, by its name."""
