"""Recurrent layers, one direction each: two and a concat are a bidirectional one.

| op         | operands | definition |
|------------|----------|------------|
| graph.lstm | x, kernel, recurrent, bias, h, c, mask?, peepholes? | Keras LSTM; ONNX LSTM with all its attributes |
| graph.gru  | x, kernel, recurrent, bias, h, mask? | Keras GRU; ONNX GRU |
| graph.rnn  | x, kernel, recurrent, bias, h, mask? | Keras SimpleRNN; ONNX RNN |

x is [time, batch, in], kernel [in, gates * units], recurrent [units, gates * units], bias [gates * units], states are
[batch, units]. Gates stand in Keras' order: input, forget, cell, output; update, reset, new. Results are the outputs of
all times and the last states.

With a `mask` (i1 [time, batch]) a sequence keeps its states at the times that are false, and gives out the state h that
it keeps. `reverse` walks each sequence from its end to its start; outputs stay at their times. `activations` are in
ONNX's order, with their alpha and beta: "hard_sigmoid(0.2, 0.5) tanh tanh". `clip`, where it is not 0, bounds what goes
into an activation.

For training alone, forgotten by graph-specialize-inference: `dropout` and `recurrent_dropout` are the fractions of x
and of h that are dropped on their way into a gate, other places for each gate, the same places at all times (Gal and
Ghahramani 2016; Keras, implementation 1), by a choice that `seed` makes reproducible.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, StringAttr, TensorType, i1
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import Pure

from neuralc.dialects.dims import Dim
from neuralc.dialects.syntax import Literal, PlainOp
from neuralc.dialects.types import Shape, ShapeError, element_of, format_shape, is_float, shape_of, tensor_type

PARAMETERS: dict[str, tuple[float, ...]] = {
    "affine": (1.0, 0.0),
    "elu": (1.0,),
    "exp": (),
    "gelu": (),
    "hard_sigmoid": (0.2, 0.5),
    "identity": (),
    "leaky_relu": (0.01,),
    "relu": (),
    "scaled_tanh": (1.0, 1.0),
    "selu": (),
    "sigmoid": (),
    "silu": (),
    "softplus": (),
    "softsign": (),
    "tanh": (),
    "thresholded_relu": (1.0,),
}
"""The activations of recurrent layers with the defaults of their alpha and beta (ONNX, operator RNN)."""


@dataclass(frozen=True)
class Activation:
    """A function and its numbers: `leaky_relu(0.01)`."""

    name: str
    numbers: tuple[float, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(repr, self.numbers))})" if self.numbers else self.name


def parse_activations(text: str, count: int) -> tuple[Activation, ...]:
    """The activations of a text, with all their numbers. Raises ShapeError."""
    found: list[Activation] = []
    for name, _, inside in re.findall(r"(\w+)(\(([^()]*)\))?", text):
        if name not in PARAMETERS:
            raise ShapeError(f"`{name}` is not an activation of a recurrent layer; known: {', '.join(PARAMETERS)}")
        given = tuple(float(number) for number in inside.split(",")) if inside else ()
        defaults = PARAMETERS[name]
        if len(given) > len(defaults):
            raise ShapeError(f"`{name}` takes {len(defaults)} numbers, got {len(given)}")
        found.append(Activation(name, (*given, *defaults[len(given) :])))
    if len(found) != count:
        raise ShapeError(f'{count} activations are needed, "{text}" has {len(found)}')
    return tuple(found)


TRAINING: dict[str, Literal] = {"dropout": 0.0, "recurrent_dropout": 0.0}
"""What only training reads."""

COMMON: dict[str, Literal] = {"reverse": False, "clip": 0.0, **TRAINING}
"""Properties of all three and their defaults; `activations` are those of each."""


class RecurrentOp(PlainOp):
    """What the three layers have in common."""

    GATES: ClassVar[int]
    FUNCTIONS: ClassVar[int]
    """How many activations there are."""
    STATES: ClassVar[int] = 1

    @property
    def functions(self) -> tuple[Activation, ...]:
        return parse_activations(self.literal("activations"), self.FUNCTIONS)

    @property
    def units(self) -> int:
        return int(str(shape_of(self.operands[2].type)[0]))

    @property
    def states(self) -> Sequence[SSAValue]:
        return self.operands[4 : 4 + self.STATES]

    @property
    def mask_values(self) -> SSAValue | None:
        """The times that count, where they are given."""
        rest = self.operands[4 + self.STATES :]
        return next((value for value in rest if element_of(value.type) == i1), None)

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Sequence[Attribute]:
        name = cls.name.partition(".")[2]
        element = element_of(types[0])
        if not is_float(element):
            raise ShapeError(f"{name} needs floats, got {element}")
        x, kernel, recurrent = (shape_of(type_) for type_ in types[:3])
        if len(x) != 3 or len(kernel) != 2 or len(recurrent) != 2:
            raise ShapeError(f"{name} takes x [time, batch, in], got {format_shape(x)}, and two matrices")
        time, batch, depth = x
        units, width = recurrent
        if isinstance(units, Dim) or width != cls.GATES * units:
            raise ShapeError(f"the recurrent kernel is [units, {cls.GATES} * units], got {format_shape(recurrent)}")
        if kernel != (depth, width):
            raise ShapeError(f"the kernel is {format_shape((depth, width))}, got {format_shape(kernel)}")
        if shape_of(types[3]) not in cls.bias_shapes(units):
            raise ShapeError(f"the bias is ({width},), got {format_shape(shape_of(types[3]))}")
        for type_ in types[4 : 4 + cls.STATES]:
            if shape_of(type_) != (batch, units):
                raise ShapeError(f"a state is {format_shape((batch, units))}, got {format_shape(shape_of(type_))}")
        floats = [type_ for type_ in types if element_of(type_) != i1]
        if any(element_of(type_) != element for type_ in floats):
            raise ShapeError(f"{name}: operands are of types {', '.join(str(element_of(t)) for t in floats)}")
        cls.check_rest(types[4 + cls.STATES :], (time, batch), units)
        parse_activations(properties["activations"], cls.FUNCTIONS)
        if properties["clip"] < 0:
            raise ShapeError(f"clip is a bound of at least 0, not {properties['clip']}")
        for rate in (properties["dropout"], properties["recurrent_dropout"]):
            if not 0 <= rate < 1:
                raise ShapeError(f"the rate of dropout {rate} is outside [0, 1)")
        state = tensor_type((batch, units), element)
        return [tensor_type((time, batch, units), element), *[state] * cls.STATES]

    @classmethod
    def bias_shapes(cls, units: int) -> tuple[Shape, ...]:
        return ((cls.GATES * units,),)

    @classmethod
    def check_rest(cls, types: Sequence[Attribute], places: Shape, units: int) -> None:
        """Raise ShapeError for optional operands that do not fit."""
        for type_ in types:
            if element_of(type_) != i1 or shape_of(type_) != places:
                raise ShapeError(f"a mask is i1 {format_shape(places)}, got {type_}")


@irdl_op_definition
class LstmOp(RecurrentOp):
    """i, f, o = f(x W + h R + b [+ p c]); c' = f c + i g(..); y = h' = o h(c'). `peepholes` are [i, f, o] (ONNX LSTM).

    `input_forget` couples the gates: f = 1 - i. Results: y, h, c.
    """

    name = "graph.lstm"
    x = operand_def(TensorType)
    kernel = operand_def(TensorType)
    recurrent = operand_def(TensorType)
    bias = operand_def(TensorType)
    h = operand_def(TensorType)
    c = operand_def(TensorType)
    mask_and_peepholes = var_operand_def(TensorType)
    reverse = prop_def(IntegerAttr)
    activations = prop_def(StringAttr)
    clip = prop_def(FloatAttr)
    dropout = prop_def(FloatAttr)
    recurrent_dropout = prop_def(FloatAttr)
    seed = opt_prop_def(IntegerAttr)
    input_forget = prop_def(IntegerAttr)
    y = result_def(TensorType)
    last_h = result_def(TensorType)
    last_c = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {**COMMON, "activations": "sigmoid tanh tanh", "input_forget": False}
    GATES: ClassVar[int] = 4
    FUNCTIONS: ClassVar[int] = 3
    STATES: ClassVar[int] = 2

    @property
    def peepholes(self) -> SSAValue | None:
        return next((value for value in self.operands[6:] if element_of(value.type) != i1), None)

    @classmethod
    def check_rest(cls, types: Sequence[Attribute], places: Shape, units: int) -> None:
        peepholes = [type_ for type_ in types if element_of(type_) != i1]
        if len(peepholes) > 1 or len(types) - len(peepholes) > 1:
            raise ShapeError("lstm takes a mask and peepholes once")
        super().check_rest([type_ for type_ in types if type_ not in peepholes], places, units)
        for type_ in peepholes:
            if shape_of(type_) != (3 * units,):
                raise ShapeError(f"peepholes are ({3 * units},), got {format_shape(shape_of(type_))}")


@irdl_op_definition
class GruOp(RecurrentOp):
    """z, r = f(x W + h R + b); n = g(x W + (r h) R + b); y = h' = z h + (1 - z) n (ONNX GRU). Results: y, h.

    `reset_after` (Keras; ONNX linear_before_reset): n = g(x W + b + r (h R + b')). A bias [2, 3 * units] has a row for
    the input and one for the recurrent part, as Keras stores it.
    """

    name = "graph.gru"
    x = operand_def(TensorType)
    kernel = operand_def(TensorType)
    recurrent = operand_def(TensorType)
    bias = operand_def(TensorType)
    h = operand_def(TensorType)
    mask = opt_operand_def(TensorType)
    reverse = prop_def(IntegerAttr)
    activations = prop_def(StringAttr)
    clip = prop_def(FloatAttr)
    dropout = prop_def(FloatAttr)
    recurrent_dropout = prop_def(FloatAttr)
    seed = opt_prop_def(IntegerAttr)
    reset_after = prop_def(IntegerAttr)
    y = result_def(TensorType)
    last_h = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {**COMMON, "activations": "sigmoid tanh", "reset_after": False}
    GATES: ClassVar[int] = 3
    FUNCTIONS: ClassVar[int] = 2

    @classmethod
    def bias_shapes(cls, units: int) -> tuple[Shape, ...]:
        return (3 * units,), (2, 3 * units)


@irdl_op_definition
class RnnOp(RecurrentOp):
    """y = h' = f(x W + h R + b) (ONNX RNN). Results: y, h."""

    name = "graph.rnn"
    x = operand_def(TensorType)
    kernel = operand_def(TensorType)
    recurrent = operand_def(TensorType)
    bias = operand_def(TensorType)
    h = operand_def(TensorType)
    mask = opt_operand_def(TensorType)
    reverse = prop_def(IntegerAttr)
    activations = prop_def(StringAttr)
    clip = prop_def(FloatAttr)
    dropout = prop_def(FloatAttr)
    recurrent_dropout = prop_def(FloatAttr)
    seed = opt_prop_def(IntegerAttr)
    y = result_def(TensorType)
    last_h = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {**COMMON, "activations": "tanh"}
    GATES: ClassVar[int] = 1
    FUNCTIONS: ClassVar[int] = 1
