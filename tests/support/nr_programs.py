"""Small networks for tests of layers: their text from inputs and `layers:`, and random weights.

`agrees` holds a layer against equations written in numpy, from the paper that defines it:

    agrees("Dense(4)", {"x": (8,)}, lambda x, w: x @ w["dense.kernel"] + w["dense.bias"])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from support.compare import Array, assert_close
from support.layer_results import record
from support.pipelines import NATIVE, assert_native_agrees

from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import NeuralcError, Source

Shape = tuple[int, ...]
Weights = Mapping[str, Array]

CENTER = {"moving_variance": 2.0, "gamma": 1.0, "scale": 1.0}
"""Around what the values of weights lie, by the last part of their names; around 0 for all others."""


def program_of(text: str, inputs: Mapping[str, str]) -> LoadedProgram:
    """A network of `layers:` on inputs, each with its shape and type as the language writes them."""
    ports = ", ".join(f"{name}: {shape}" for name, shape in inputs.items())
    return load(Source("m.nr", f"network M {{ input: {{ {ports} }} layers: {text} }}"))


def random_store(program: LoadedProgram, seed: int = 1) -> WeightStore:
    generator = np.random.default_rng(seed)
    return WeightStore(
        {
            weight.name: np.asarray(
                CENTER.get(weight.name.split(".")[-1], 0.0) + 0.3 * generator.normal(size=weight.shape), "float32"
            )
            for weight in program.weights
        }
    )


def agrees(
    text: str,
    shapes: Mapping[str, Sequence[int | str]],
    reference: Callable[..., Any],
    *,
    data: Mapping[str, Array] | None = None,
    batch: int = 2,
    sizes: Mapping[str, int] | None = None,
    native: bool = True,
    tolerance: float = NATIVE,
) -> None:
    """Holds the reference semantics against `reference(*inputs, weights)` to 1e-10, and native code against them.

    `sizes` are the values of named sizes of the shapes; `data` gives inputs that are not random floats.
    """
    generator = np.random.default_rng(0)
    arrays = {}
    for name, shape in shapes.items():
        wanted = (batch, *((sizes or {})[size] if isinstance(size, str) else size for size in shape))
        arrays[name] = np.asarray((data or {}).get(name, generator.normal(size=wanted)))
    ports = {name: f"{shape_text(shape)} {dtype_text(arrays[name])}" for name, shape in shapes.items()}
    program = program_of(text, ports)
    store = random_store(program)
    weights = {weight.name: np.asarray(store[weight.name], "float64") for weight in program.weights}
    expected = reference(*arrays.values(), weights)
    found = run_module(program.module, list(arrays.values()), store)
    wanted = expected if isinstance(expected, tuple) else (expected,)
    assert len(found) == len(wanted)
    for actual, each in zip(found, wanted, strict=True):
        assert_close(actual, each, 1e-10)
        record(text, "reference", (actual, each))
    if native:
        single = {n: array.astype("float32") if array.dtype == np.float64 else array for n, array in arrays.items()}
        record(text, "native", *assert_native_agrees(program.module, store, [single], 2, tolerance))


def refusal(text: str, inputs: Mapping[str, str]) -> tuple[str, str]:
    """The code and the message of the one error of a network."""
    try:
        program_of(text, inputs)
    except NeuralcError as problem:
        (found,) = problem.diagnostics
        return found.code, found.message
    raise AssertionError("the network is accepted")


def shape_text(shape: Sequence[int | str]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def dtype_text(array: Array) -> str:
    return "float32" if array.dtype == np.float64 else str(array.dtype)
