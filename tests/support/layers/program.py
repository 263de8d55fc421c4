"""A random program while it is written: the values made so far, and what the makers of layers draw from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import TypeVar

import numpy as np
from support.graph_modules import GraphModule
from support.layers.choices import Choices
from xdsl.dialects.builtin import i64
from xdsl.ir import Attribute, Block, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import Shape, ShapeError, element_of, is_float, numpy_dtype, shape_of, tensor_type

Choice = TypeVar("Choice")
Layer = Callable[["Program", SSAValue], SSAValue | None]
MAX_ELEMENTS = 4096
"""Largest size of the static dims of one value."""

UNROUNDED = (
    graph.ReshapeOp, graph.TransposeOp, graph.SliceOp, graph.ConcatOp, graph.ExpandOp, graph.PadOp, graph.IotaOp,
    graph.SizeOp, graph.GatherOp, graph.GatherElementsOp, graph.GatherNdOp, graph.ReverseSequenceOp, graph.GetWeightOp,
    graph.AbsOp, graph.NegOp, graph.ReluOp, graph.MaximumOp, graph.MinimumOp, graph.SignOp, graph.WhereOp,
    graph.IdentityOp, graph.DropoutOp, graph.MaxPoolOp, graph.ConstantOp,
)  # fmt: skip
"""Ops whose results are operands of theirs, bit by bit, or constants that floats of 16 bits hold."""


@dataclass
class Program:
    """Values, weights and random choices; what numbers a weight has decides nothing about the program."""

    choices: Choices
    data: np.random.Generator
    element: Attribute
    build: GraphModule = field(default_factory=GraphModule)
    values: list[SSAValue] = field(default_factory=list)

    # -- choices ---------------------------------------------------------------------------------------------------

    def pick(self) -> SSAValue:
        """A value, the latest ones more often."""
        return self.choice(self.values[-4:] if self.chance(0.8) else self.values)

    def choice(self, among: Sequence[Choice]) -> Choice:
        return among[self.integer(0, len(among) - 1)]

    def flag(self) -> bool:
        return self.integer(0, 1) == 1

    def chance(self, probability: float) -> bool:
        """True that often, in steps of a tenth."""
        return self.integer(0, 9) >= 10 - round(10 * probability)

    def integer(self, low: int, high: int) -> int:
        """From `low` to `high`, both included."""
        return self.choices.number(low, high)

    def order(self, among: Iterable[Choice]) -> tuple[Choice, ...]:
        """All of them, in any order."""
        rest = list(among)
        return tuple(rest.pop(self.integer(0, len(rest) - 1)) for _ in range(len(rest)))

    # -- layers ----------------------------------------------------------------------------------------------------

    def step(self, layers: Sequence[Layer]) -> None:
        """Apply a layer to a value that it suits; where three do not, write nothing."""
        layer = self.choice(layers)
        for _ in range(3):
            if (result := self._attempt(layer, self.pick())) is not None:
                self.values.append(result)
                return

    def _attempt(self, layer: Layer, x: SSAValue) -> SSAValue | None:
        block, declared = self.values[0].owner, len(self.build.symbols)
        before = block.last_op
        try:
            result = layer(self, x)
        except ShapeError:  # a window that does not fit, groups that do not divide
            result = None
        if result is not None and elements(shape_of(result.type)) <= MAX_ELEMENTS:
            return result
        while block.last_op is not before:
            block.erase_op(block.last_op)
        self.build.forget(declared)
        return None

    # -- values ----------------------------------------------------------------------------------------------------

    def weight(
        self, name: str, *shape: int, scale: float = 1.0, positive: bool = False, like: SSAValue | None = None
    ) -> SSAValue:
        """A weight of normal numbers; small integers where it is one `like` an integer value."""
        element = self.element if like is None else element_of(like.type)
        if is_integer(element):
            return self.numbers(name, -4, 4, *shape, element=element)
        values = scale * self.data.standard_normal(shape)
        if positive:
            values = np.abs(values) + 0.5
        return self.build.weight(name, values.astype(numpy_dtype(element)))

    def numbers(self, name: str, low: int, high: int, *shape: int, element: Attribute = i64) -> SSAValue:
        """A weight of integers from `low` to `high`, both included."""
        return self.build.weight(name, self.data.integers(low, high + 1, shape).astype(numpy_dtype(element)))

    def constant(self, shape: Shape, value: float, element: Attribute | None = None) -> SSAValue:
        element = element if element is not None else self.element
        number = float(value) if is_float(element) else int(value)
        return graph.ConstantOp.of(result=tensor_type(shape, element), value=number).result

    def like(self, x: SSAValue, value: float) -> SSAValue:
        """A number of the element type of x."""
        return self.constant((), value, element_of(x.type))

    def partner(self, x: SSAValue) -> SSAValue:
        """A second operand: another value of the same type, or a weight that broadcasts."""
        same = [value for value in self.values if value.type == x.type]
        shape = shape_of(x.type)
        if self.flag() or not shape or not isinstance(shape[-1], int) or element_of(x.type) != self.element:
            return self.choice(same) if same else x
        weight = self.weight("scale", shape[-1])
        return graph.NegOp.of(weight).result if self.flag() else weight

    def unrounded(self, x: SSAValue) -> SSAValue | None:
        """x, or another value of its element type, that is the same number in any precision."""
        if is_unrounded(x):
            return x
        others = [value for value in self.values if element_of(value.type) == element_of(x.type)]
        others = [value for value in others if is_unrounded(value)]
        return self.choice(others) if others else None

    def as_float(self, x: SSAValue) -> SSAValue:
        """A value of moderate floats made of any: of an integer, its last bits."""
        element, result = element_of(x.type), tensor_type(shape_of(x.type), self.element)
        if is_float(element):
            return x if element == self.element else graph.CastOp.of(x, result=result).result
        if is_integer(element):
            x = graph.BitwiseAndOp.of(x, self.like(x, 31)).result
        x = graph.CastOp.of(x, result=result).result
        return graph.MulOp.of(x, self.constant((), 0.125)).result


def floats(layer: Layer) -> Layer:
    """A layer of floats: other values are made floats first."""

    @wraps(layer)
    def made(program: Program, x: SSAValue) -> SSAValue | None:
        return layer(program, program.as_float(x))

    return made


def numbers(layer: Layer) -> Layer:
    """A layer of the model's floats or of any integers: other values are made floats first."""

    @wraps(layer)
    def made(program: Program, x: SSAValue) -> SSAValue | None:
        return layer(program, x if is_integer(element_of(x.type)) else program.as_float(x))

    return made


def images(layer: Layer) -> Layer:
    """A layer of images: for other values it takes one of the program."""

    @wraps(layer)
    def made(program: Program, x: SSAValue) -> SSAValue | None:
        found = [x] if is_image(x) else [value for value in program.values if is_image(value)]
        return layer(program, program.choice(found)) if found else None

    return made


def unrounded(layer: Layer) -> Layer:
    """A layer that jumps: it reads values that no op has rounded."""

    @wraps(layer)
    def made(program: Program, x: SSAValue) -> SSAValue | None:
        found = program.unrounded(x)
        return None if found is None else layer(program, found)

    return made


def is_unrounded(value: SSAValue) -> bool:
    """Whether a value is the same number in any precision of the computation."""
    owner = value.owner
    if isinstance(owner, Block) or not is_float(element_of(value.type)):
        return isinstance(owner, Block) or all(is_unrounded(operand) for operand in owner.operands)
    if isinstance(owner, graph.GetWeightOp):
        return not owner.weight_name.startswith("source.")  # what is derived is rounded once it is stored
    return isinstance(owner, UNROUNDED) and all(is_unrounded(operand) for operand in owner.operands)


def is_image(x: SSAValue) -> bool:
    """Whether x has a height, a width and channels that are static, in whatever order."""
    sizes = shape_of(x.type)[1:]
    return len(sizes) == 3 and all(isinstance(size, int) and size > 0 for size in sizes)


def static_first(x: SSAValue) -> SSAValue:
    """x with its static dims in front."""
    shape = shape_of(x.type)
    order = sorted(range(len(shape)), key=lambda axis: not isinstance(shape[axis], int))
    return graph.TransposeOp.of(x, perm=tuple(order)).result if order != list(range(len(shape))) else x


def reshaped(x: SSAValue, *shape: int | Dim) -> SSAValue:
    return graph.ReshapeOp.of(x, result=tensor_type(shape, element_of(x.type))).result


def static(size: int | Dim) -> int:
    """A size known to be static."""
    return int(str(size))


def elements(shape: Shape) -> int:
    """The size of the static dims, in numbers."""
    return int(np.prod([size for size in shape if isinstance(size, int)], dtype=int))


def rank(x: SSAValue) -> int:
    return len(shape_of(x.type))
