"""What the lowering of an op is called with: its operands by name, and the ways to write nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import i1, i64
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import CallOp, GetWeightOp
from neuralc.dialects.types import Shape, element_of, is_float, numpy_dtype, shape_of
from neuralc.emit.layouts import Order, conversion, natural, permuted
from neuralc.emit.onnx.element_types import ORDERED, carrier, f64, u64
from neuralc.emit.onnx.layouts import OnnxLayouts
from neuralc.emit.onnx.sizes import Sizes
from neuralc.emit.onnx.weights import Form
from neuralc.emit.onnx.writer import Writer
from neuralc.emit.refusals import Refusals
from neuralc.frontends.onnx.element_types import NUMBERS

TOP_BIT = np.int64(np.iinfo(np.int64).min)
"""Added to the bits of a uint64 it makes an int64 of the same rank among its like."""


@dataclass
class Values:
    """The values of one graph, function or region while its ops are lowered."""

    writer: Writer
    layouts: OnnxLayouts
    refusals: Refusals
    sizes: Sizes
    call: Callable[[Values, CallOp], None]
    """Writes a call of a function, which itself is written where it is called first."""
    names: dict[SSAValue, str] = field(default_factory=dict)
    reserved: dict[SSAValue, str] = field(default_factory=dict)
    """Names that results have to have: those of the model's outputs."""
    weights: Mapping[str, int] = field(default_factory=dict)
    """Initializers that can be read here, and how many ops read each."""
    forms: dict[str, Form] = field(default_factory=dict)
    """The weights that are stored in a form of their own."""
    states: dict[str, str] = field(default_factory=dict)
    """The input of each state."""
    next_states: dict[str, str] = field(default_factory=dict)
    """What each state becomes."""
    uniform: set[SSAValue] = field(default_factory=set)
    """Values that are one number, which broadcasts in the place of many."""
    turned: dict[tuple[str, Order], str] = field(default_factory=dict)
    """Values in another order, by the name of the value."""

    # -- operands and results ----------------------------------------------------------------------------------------
    def operand(self, op: Operation, index: int) -> str:
        """The operand in the order of axes that the op wants it in."""
        return self.ordered(op.operands[index], self.layouts.needs[op][index])

    def operands(self, op: Operation) -> list[str]:
        return [self.operand(op, index) for index in range(len(op.operands))]

    def ordered(self, value: SSAValue, want: Order) -> str:
        have, name = self.layouts.orders[value], self.names[value]
        if have == want or value in self.uniform:
            return name
        if (name, want) not in self.turned:
            self.turned[name, want] = self.transpose(name, conversion(have, want))
        return self.turned[name, want]

    def order(self, op: Operation, index: int = 0) -> Order:
        return self.layouts.orders[op.results[index]]

    def shape(self, op: Operation, index: int = 0) -> Shape:
        """The shape of a result as the ONNX tensor has it."""
        return permuted(shape_of(op.results[index].type), self.order(op, index))

    def operand_shape(self, op: Operation, index: int = 0) -> Shape:
        """The shape of an operand in the order that the op wants."""
        return permuted(shape_of(op.operands[index].type), self.layouts.needs[op][index])

    def axis(self, op: Operation, axis: int) -> int:
        """Where the first operand, in the order that the op wants, has an axis of the model."""
        order = self.layouts.needs[op][0]
        return order.index(axis % len(order)) if order else 0

    def define(self, op: Operation, operator: str, *inputs: str, index: int = 0, **attributes: Any) -> str:
        """The node whose result is the op's, under the op's own name."""
        result = op.results[index]
        self.names[result] = self.write(
            operator, *inputs, element=element_of(result.type), output=self.result_name(result), **attributes
        )
        return self.names[result]

    def result_name(self, result: SSAValue) -> str:
        return self.reserved.get(result) or self.writer.claim(result.name_hint or _kind(result))

    def result(self, op: Operation, name: str, index: int = 0) -> None:
        """The last step of an op was written already: it gets the op's name, unless others know it by its own."""
        result = op.results[index]
        if name in self.turned.values() or any(self.names.get(operand) == name for operand in op.operands):
            self.alias(op, name, index)
        else:
            self.names[result] = self.writer.rename(name, self.result_name(result))

    def alias(self, op: Operation, name: str, index: int = 0) -> None:
        """The result is a value that is there already."""
        if op.results[index] in self.reserved:
            self.define(op, "Identity", name, index=index)
        else:
            self.names[op.results[index]] = name

    def read_weight(self, op: GetWeightOp) -> None:
        """A weight is an initializer of its name."""
        if op.weight_name not in self.weights:
            self.refuse(op, "a function takes its weights as arguments")
            return
        self.names[op.results[0]] = op.weight_name
        self.writer.scope.elements[op.weight_name] = element_of(op.results[0].type)

    def stored(self, value: SSAValue, form: Form) -> str | None:
        """A weight that nobody else reads, stored in that form; None where the value is something else."""
        owner = value.owner
        if not isinstance(owner, GetWeightOp) or self.weights.get(owner.weight_name) != 1 or not value.has_one_use():
            return None
        self.forms[owner.weight_name] = form
        return owner.weight_name

    def is_constant(self, name: str) -> bool:
        """Whether a value is written once for all who read it."""
        return name in self.writer.constants.values()

    # -- nodes -------------------------------------------------------------------------------------------------------
    def write(self, operator: str, *inputs: str, element: Attribute, output: str = "", **attributes: Any) -> str:
        """One node with one result."""
        return self.writer.node(operator, inputs, [element], [output] if output else (), **attributes)[0]

    def __call__(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """A step whose result has the element type of its first input."""
        return self.write(operator, *inputs, element=self.element(inputs[0]), **attributes)

    def test(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """A step whose result holds truth values."""
        return self.write(operator, *inputs, element=i1, **attributes)

    def carried(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """A step computed in a type that can; all inputs that have the type of the first are of that one."""
        own, wide = self.element(inputs[0]), self.carrier(operator, inputs[0])
        if wide == own:
            return self(operator, *inputs, **attributes)
        moved = [self.widened(name, wide, operator) if name and self.element(name) == own else name for name in inputs]
        return self.narrowed(self(operator, *moved, **attributes), own, operator)

    def carrier(self, operator: str, name: str) -> Attribute:
        """The type that an operator of a value is computed in. Raises LookupError where there is none."""
        found = carrier(operator, self.element(name))
        if found is None:
            raise LookupError(f"{operator} of {self.element(name)}")
        return found

    def find_carrier(self, operator: str, name: str) -> Attribute | None:
        """The type that an operator of a value is computed in, where there is one."""
        return carrier(operator, self.element(name))

    def choose(self, condition: str, on: str, off: str) -> str:
        """`on` where the condition is true, `off` elsewhere."""
        own = self.element(on)
        wide = self.carrier("Where", on)
        parts = [self.cast(name, wide) for name in (on, off)]
        return self.cast(self.write("Where", condition, *parts, element=wide), own)

    def widened(self, name: str, wide: Attribute, operator: str) -> str:
        """A value in a carrier."""
        moved = self.cast(name, wide)
        return self("Add", moved, self.number(TOP_BIT, i64)) if self._flips(name, operator) else moved

    def narrowed(self, name: str, own: Attribute, operator: str) -> str:
        """What `widened` did, undone on a result."""
        if own == u64 and operator in ORDERED:
            name = self("Sub", name, self.number(TOP_BIT, i64))
        return self.cast(name, own)

    def _flips(self, name: str, operator: str) -> bool:
        return self.element(name) == u64 and operator in ORDERED

    def element(self, name: str) -> Attribute:
        return self.writer.scope.elements[name]

    # -- constants and views -----------------------------------------------------------------------------------------
    def number(self, value: Any, element: Attribute) -> str:
        """One number of rank 0."""
        return self.constant(np.asarray(value), element)

    def like(self, value: Any, name: str) -> str:
        """One number of the element type of a value."""
        return self.number(value, self.element(name))

    def constant(self, array: NDArray[Any], element: Attribute) -> str:
        return self.writer.constant(np.asarray(array, numpy_dtype(element)))

    def integers(self, values: Sequence[int]) -> str:
        return self.constant(np.array(values, np.int64), i64)

    def cast(self, name: str, element: Attribute) -> str:
        if self.element(name) == element:
            return name
        return self.write("Cast", name, element=element, to=NUMBERS[element])

    def transpose(self, name: str, perm: Sequence[int]) -> str:
        return name if list(perm) == list(range(len(perm))) else self("Transpose", name, perm=list(perm))

    def reshape(self, name: str, before: Shape, after: Shape) -> str:
        """`name` of the shape `before` in another one. Raises UnknownSize."""
        if tuple(before) == tuple(after):
            return name
        operator, second, attributes = self.reshaping(before, after)
        return self(operator, name, second, **attributes)

    def reshaping(self, before: Shape, after: Shape) -> tuple[str, str, dict[str, Any]]:
        """The operator, its second input and its attributes: sizes are not named where only ones come or go."""
        for operator, longer, shorter in (("Squeeze", before, after), ("Unsqueeze", after, before)):
            axes = _ones_between(longer, shorter)
            if axes is not None:
                return operator, self.integers(axes), {}
        entries, allow = self.reshape_entries(before, after)
        return "Reshape", self.sizes.vector(entries), {"allowzero": 1} if allow else {}

    def reshape_entries(self, before: Shape, after: Shape) -> tuple[list[int | Dim], bool]:
        """The shape as Reshape takes it: 0 copies a size, one -1 is what is left, others are computed."""
        if 0 in after or 0 in before:
            return list(after), True
        entries: list[int | Dim] = []
        for axis, size in enumerate(after):
            copied = isinstance(size, Dim) and axis < len(before) and before[axis] == size
            entries.append(0 if copied else size)
        symbolic = [axis for axis, size in enumerate(entries) if isinstance(size, Dim)]
        if symbolic:
            entries[symbolic[-1]] = -1
        return entries, False

    def unsqueeze(self, name: str, axes: Sequence[int]) -> str:
        return self("Unsqueeze", name, self.integers(axes)) if axes else name

    def expand(self, name: str, shape: Shape) -> str:
        """Raises UnknownSize."""
        return self("Expand", name, self.sizes.vector(shape))

    def slice(self, name: str, axis: int, start: int, end: int, step: int = 1) -> str:
        """Places from `start` to before `end` along one axis."""
        starts, ends, axes = self.integers([start]), self.integers([end]), self.integers([axis])
        return self("Slice", name, starts, ends, axes, *([self.integers([step])] if step != 1 else []))

    def ones(self, shape: Shape, like: str) -> str | None:
        """A tensor of ones where its sizes are known."""
        sizes = [size for size in shape if isinstance(size, int)]
        return self.constant(np.ones(sizes), self.element(like)) if len(sizes) == len(shape) else None

    def reduce(self, operator: str, name: str, axes: Sequence[int], *, keepdims: bool) -> str:
        """A reduction; its axes are an input from version 18 on, of a sum from 13."""
        inputs, attributes = self.reduction(operator, axes, keepdims=keepdims)
        return self(operator, name, *inputs, **attributes)

    def reduction(self, operator: str, axes: Sequence[int], *, keepdims: bool) -> tuple[list[str], dict[str, Any]]:
        attributes: dict[str, Any] = {} if keepdims else {"keepdims": 0}
        if self.writer.scope.opset.version >= 18 or operator == "ReduceSum":
            return [self.integers(list(axes))], attributes
        return [], {**attributes, "axes": list(axes)}

    # -- what cannot be written --------------------------------------------------------------------------------------
    def refuse(self, op: Operation, reason: str) -> None:
        """Note why an op has no ONNX; its results get names, so that the others are looked at as well."""
        self.refusals.add(op, reason)
        for result in op.results:
            if result not in self.names:
                name = self.names[result] = self.result_name(result)
                self.writer.scope.elements[name] = element_of(result.type)

    def at(self, op: Operation) -> None:
        """From now on nodes belong to `op`."""
        first = next(iter(op.results), None)
        self.writer.label = (first.name_hint if first is not None else None) or op.name.partition(".")[2]


def _ones_between(longer: Shape, shorter: Shape) -> list[int] | None:
    """The axes of 1 that `longer` has more than `shorter`; None where that is not all."""
    axes: list[int] = []
    rest = list(shorter)
    for axis, size in enumerate(longer):
        if rest and size == rest[0]:
            rest.pop(0)
        elif size == 1:
            axes.append(axis)
        else:
            return None
    return axes if axes and not rest else None


def exact_attribute(element: Attribute, *numbers: float) -> bool:
    """Whether attributes, which are fp32 in ONNX, say these numbers as exactly as values of `element` do."""
    return element != f64 or all(math.isnan(n) or float(np.float32(n)) == n for n in numbers)


def _kind(result: SSAValue) -> str:
    return result.owner.name.partition(".")[2] if isinstance(result.owner, Operation) else "value"


__all__ = ["Values", "exact_attribute", "is_float", "natural"]
