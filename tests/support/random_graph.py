"""Random programs of the graph level for tests of everything that rewrites, lowers or runs them.

    @given(graph_programs())
    def test_it(program: RandomProgram) -> None:

    module, weights, inputs = random_graph_module(np.random.default_rng(7))
    module, weights, inputs = random_graph_module(np.random.default_rng(7), layers=EVERY)

Programs are valid, mostly have a symbolic batch, and keep values of moderate size, so that a difference in their
results means a fault and not amplified noise. For the same reason what jumps (a comparison, rounding, the order of
values) reads values that no op has rounded: inputs, weights, and what is moved or chosen from them.

PLAIN holds the layers of a Keras model, EVERY all ops of the level, over all element types. Layers stand by family in
support/layers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
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
from support.layers.choices import Choices, Drawn, Seeded
from support.layers.program import Layer, Program
from xdsl.dialects.builtin import ModuleOp, f32, i1
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects.types import AnyTensor, element_type_of, numpy_dtype
from neuralc.dialects.weights import WeightStore
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module

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


class RandomProgram(NamedTuple):
    """A module, its weights, and inputs that fit it."""

    module: ModuleOp
    weights: WeightStore
    inputs: dict[str, Array]

    def __str__(self) -> str:
        """The IR, an empty line, and all arrays that it reads: `read_program` makes it a program again."""
        arrays = {f"@{name}": array for name, array in self.weights.items()} | self.inputs
        lines = [f"{name} {array.dtype.name} {json.dumps(array.tolist())}" for name, array in arrays.items()]
        return "\n".join([print_module(self.module), *lines, ""])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What hypothesis prints of the program that a test fails for."""
        printer.text(str(self))


def read_program(text: str) -> RandomProgram:
    """A program that a failed test has printed."""
    ir, _, lines = text.partition("\n\n")
    weights, inputs = WeightStore(), {}
    for line in lines.splitlines():
        name, dtype, values = line.split(maxsplit=2)
        array = np.array(json.loads(values), numpy_dtype(element_type_of(dtype)))
        if name.startswith("@"):
            weights[name[1:]] = array
        else:
            inputs[name] = array
    return RandomProgram(parse_module(ir), weights, inputs)


def random_graph_module(
    rng: np.random.Generator,
    *,
    ops: int = 12,
    element: Attribute = f32,
    layers: Sequence[Layer] = PLAIN,
    numbers: bool | None = None,
) -> RandomProgram:
    """A program of at most `ops` layers from a seed; floats are of type `element`.

    `numbers` gives it inputs of integers and truth values, which EVERY has anyway.
    """
    numbers = layers is EVERY if numbers is None else numbers
    return write_program(Seeded(rng), rng, ops=ops, element=element, layers=layers, numbers=numbers)


@st.composite
def graph_programs(
    draw: st.DrawFn, *, ops: int = 10, element: Attribute | None = None, layers: Sequence[Layer] = EVERY
) -> RandomProgram:
    """Programs that hypothesis makes smaller where a test fails.

    Layers, shapes and element types are its choices, numbers come from a seed: they seldom are why a pass is wrong."""
    choices = Drawn(draw)
    data = np.random.default_rng(choices.number(0, 2**32 - 1))
    if element is None:
        element = elementwise.FLOATS[choices.number(0, len(elementwise.FLOATS) - 1)]
    return write_program(choices, data, ops=ops, element=element, layers=layers, numbers=layers is EVERY)


def write_program(
    choices: Choices,
    data: np.random.Generator,
    *,
    ops: int,
    element: Attribute,
    layers: Sequence[Layer],
    numbers: bool,
) -> RandomProgram:
    """A program of up to `ops` layers; what no layer reads is a result of it."""
    program = Program(choices, data, element)
    inputs = _inputs(program, numbers)

    def body(*arguments: SSAValue) -> list[SSAValue]:
        program.values = list(arguments)
        for _ in range(program.integer(1, ops)):
            choices.part(lambda: program.step(layers))
        made = program.values[len(arguments) :]
        return [value for value in made if not value.uses] or program.values[-1:]

    module = program.build.model(inputs, body)
    sizes = {"batch": program.integer(1, 4), "S": program.integer(1, 5)}
    arrays = {name: random_value(data, type_, sizes) for name, type_ in inputs.items()}
    return RandomProgram(module, program.build.weights, arrays)


def _inputs(program: Program, numbers: bool) -> dict[str, AnyTensor]:
    """Names and types of the inputs."""
    element = program.element
    batch = "batch" if not numbers or program.chance(0.8) else program.integer(1, 3)
    image = (program.integer(3, 8), program.integer(3, 8), program.choice((1, 2, 4)))
    inputs = {"image": tensor(batch, *image, element=element)}
    if program.flag():
        inputs["tokens"] = tensor(batch, "S", 6, element=element)
    if numbers:
        inputs["numbers"] = tensor(batch, 6, element=program.choice(integers.INTEGERS))
        inputs["flags"] = tensor(batch, 1, element=i1)
    return inputs
