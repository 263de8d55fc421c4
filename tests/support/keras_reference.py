"""Layers of the language against Keras 3 on PyTorch, in float64, with the same random weights.

    agrees('Conv2D(4, 3, padding="same")', (7, 8, 3), lambda x: layers.Conv2D(4, 3, padding="same")(x))
    agrees("Add(a, b)", {"a": (8,), "b": (8,)}, lambda a, b: layers.Add()([a, b]))

Weights are paired in their order; their shapes have to be equal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from support.compare import assert_close
from support.layer_results import record
from support.nr_programs import dtype_text, program_of, random_store, shape_text
from support.pipelines import assert_native_agrees

from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr import LoadedProgram

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
from keras.src.backend.common.dtypes import BIT64_TO_BIT32_DTYPE


def set_precision(floats: str) -> None:
    """What layers are made in. The policy goes with it: the first layer of a process has set it."""
    keras.config.set_floatx(floats)
    keras.config.set_dtype_policy(floats)


@contextmanager
def in_precision(floats: str) -> Iterator[None]:
    """Layers that are made meanwhile are of these floats."""
    before = keras.config.floatx()
    set_precision(floats)
    try:
        yield
    finally:
        set_precision(before)


set_precision("float64")
# Keras cuts results of 64 bits to 32 as JAX does, in norms and in functions of two values; a reference must not.
BIT64_TO_BIT32_DTYPE.pop("float64", None)
layers = keras.layers

Shape = tuple[int, ...]
Shapes = Shape | Mapping[str, Shape]
Arrays = Mapping[str, np.ndarray[Any, Any]]


def agrees(
    text: str,
    shapes: Shapes,
    build: Callable[..., Any],
    *,
    data: Arrays | None = None,
    batch: int = 2,
    order: Sequence[int] | None = None,
    native: bool = True,
    sizes: Mapping[str, str] | None = None,
) -> None:
    """Holds the reference semantics against Keras to 1e-10, and native code at -O2 against the reference.

    `data` gives inputs that are not random floats; `order` says which of our weights each one of Keras is; `sizes` are
    the shapes of inputs as the language writes them, where it names some: `{"x": "(S, 4)"}`.
    """
    named = shapes if isinstance(shapes, Mapping) else {"x": shapes}
    generator = np.random.default_rng(0)
    arrays = {
        name: np.asarray((data or {}).get(name, generator.normal(size=(batch, *shape))))
        for name, shape in named.items()
    }
    written = {name: (sizes or {}).get(name, shape_text(shape)) for name, shape in named.items()}
    program = program_of(text, {name: f"{written[name]} {dtype_text(arrays[name])}" for name in named})
    store = random_store(program)
    model = _model(build, named, arrays)
    _set_weights(model, program, store, order)
    inputs = list(arrays.values())
    wanted = keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
    found = run_module(program.module, inputs, store)
    assert len(found) == len(wanted)
    for actual, reference in zip(found, wanted, strict=True):
        expected = keras.ops.convert_to_numpy(reference)
        assert actual.shape == expected.shape
        assert_close(actual, expected, 1e-10)
        record(text, "reference", (actual, expected))
    if native:
        single = [array.astype("float32") if array.dtype == np.float64 else array for array in inputs]
        record(
            text, "native", *assert_native_agrees(program.module, store, [dict(zip(arrays, single, strict=True))], 2)
        )


def _model(build: Callable[..., Any], shapes: Mapping[str, Shape], arrays: Arrays) -> Any:
    inputs = [keras.Input(shape, dtype=str(arrays[name].dtype)) for name, shape in shapes.items()]
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], build(*inputs))


def _set_weights(model: Any, program: LoadedProgram, store: WeightStore, order: Sequence[int] | None) -> None:
    names = [weight.name for weight in program.weights]
    chosen = names if order is None else [names[index] for index in order]
    weights = [weight for weight in model.weights if "seed_generator" not in weight.path]
    assert [tuple(weight.shape) for weight in weights] == [store[name].shape for name in chosen]
    for weight, name in zip(weights, chosen, strict=True):
        weight.assign(np.asarray(store[name], "float64"))
