"""Random programs of the graph level for tests of everything that rewrites, lowers or runs them.

    module, weights, inputs = random_graph_module(np.random.default_rng(7))
    module, weights, inputs = random_graph_module(np.random.default_rng(7), layers=EVERY)

Programs are valid, have a symbolic batch, and keep values of moderate size, so that a difference in their results means
a fault and not amplified noise. For the same reason what jumps (a comparison, rounding, the order of values) reads
values that no op has rounded: inputs, weights, and what is moved or chosen from them.

PLAIN holds the layers of a Keras model, EVERY all ops of the level over a few hundred seeds, with integers and truth
values between the floats. Layers stand by family in support/layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from support.graph_modules import Array, random_value, tensor
from support.layers import (
    contraction,
    control,
    elementwise,
    indexing,
    integers,
    logic,
    norms,
    quantization,
    recurrent,
    reductions,
    resampling,
    spatial,
    structure,
    views,
)
from support.layers.program import MAX_ELEMENTS, Layer, Program, elements
from xdsl.dialects.builtin import ModuleOp, f32, i1, i32, i64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects.types import ShapeError, shape_of
from neuralc.dialects.weights import WeightStore

PLAIN: Sequence[Layer] = (
    *spatial.PLAIN,
    *contraction.PLAIN,
    *norms.PLAIN,
    *elementwise.PLAIN,
    *structure.LAYERS,
    *views.PLAIN,
    *reductions.PLAIN,
)
EVERY: Sequence[Layer] = (
    *PLAIN,
    *contraction.LAYERS,
    *control.LAYERS,
    *elementwise.LAYERS,
    *indexing.LAYERS,
    *integers.LAYERS,
    *logic.LAYERS,
    *norms.LAYERS,
    *quantization.LAYERS,
    *recurrent.LAYERS,
    *reductions.LAYERS,
    *resampling.LAYERS,
    *spatial.LAYERS,
    *structure.STATES,
    *views.LAYERS,
)


def random_graph_module(
    rng: np.random.Generator, *, ops: int = 12, element: Attribute = f32, layers: Sequence[Layer] = PLAIN
) -> tuple[ModuleOp, WeightStore, dict[str, Array]]:
    """A module with about `ops` layers, its weights, and inputs that fit it; floats are of type `element`."""
    size = int(rng.integers(5, 9))
    inputs = {"image": tensor("batch", size, size, int(rng.choice([1, 2, 4])), element=element)}
    if rng.random() < 0.5:
        inputs["tokens"] = tensor("batch", "S", 6, element=element)
    if layers is EVERY:
        inputs["numbers"] = tensor("batch", 6, element=i64 if rng.random() < 0.5 else i32)
        inputs["flags"] = tensor("batch", 1, element=i1)
    program = Program(rng, element)

    def body(*arguments: SSAValue) -> list[SSAValue]:
        program.values = list(arguments)
        while len(program.values) < ops + len(arguments):
            _step(program, layers)
        results = [program.values[-1]]
        if rng.random() < 0.3:
            results.append(program.pick())
        return results

    module = program.build.model(inputs, body)
    sizes = {"batch": int(rng.integers(1, 5)), "S": int(rng.integers(1, 6))}
    arrays = {name: random_value(rng, type_, sizes) for name, type_ in inputs.items()}
    return module, program.build.weights, arrays


def _step(program: Program, layers: Sequence[Layer]) -> None:
    """Apply a random layer to a random value, if it suits the value."""
    x = program.pick()
    try:
        result = layers[program.integer(0, len(layers) - 1)](program, x)
    except ShapeError:
        return  # a window that does not fit, groups that do not divide: the next step tries another
    if result is not None and elements(shape_of(result.type)) <= MAX_ELEMENTS:
        program.values.append(result)
