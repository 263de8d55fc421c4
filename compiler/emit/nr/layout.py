"""Rewrites a module so that images are channels last, as the layers of the language are.

The inputs and outputs of the model keep their layout: a transpose stands where it can be observed, and nowhere else
(emit/layouts.py finds where). A weight that a layer holds is transposed when it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.graph import FunctionLike, symbols
from neuralc.dialects.graph.shapes import CHANNEL, CHANNELS_LAST, SPATIAL, normalize_axis
from neuralc.dialects.syntax import PlainOp, to_attribute
from neuralc.dialects.types import DimsAttr, Shape, element_of, shape_of, tensor_type
from neuralc.emit.layouts import Layouts, Order, conversion, natural, permuted, usual_order

WINDOWS = (graph.ConvOp, graph.ConvTransposeOp, graph.MaxPoolOp, graph.AveragePoolOp)
FOLLOWING = (graph.GroupNormOp, graph.LrnOp, graph.CastOp)


def channels_last_order(data_format: str) -> Order:
    return (0, *SPATIAL[data_format], CHANNEL[data_format])


def demanded_order(op: Operation) -> Order | None:
    """The order in which the layers of the language take the first operand of an op; None where they take any."""
    match op:
        case graph.ConvOp() | graph.ConvTransposeOp() | graph.MaxPoolOp() | graph.AveragePoolOp():
            return channels_last_order(op.literal("data_format"))
        case graph.ResizeOp() if "scales" in op.properties:
            scales = op.literal("scales")
            first = len(scales) > 2 and scales[1] == 1.0 != scales[-1]
            return (0, *range(2, len(scales)), 1) if first else natural(op.x)
        case graph.GroupNormOp() | graph.LrnOp() | graph.CastOp():
            return None
        case _:
            return usual_order(op)


class ChannelsLast(Layouts):
    """Transposes that nothing gains from stay as they are; a reshape that keeps axes together does so in any order."""

    def keeps(self, op: graph.TransposeOp) -> bool:
        """Whether a transpose is written, as was decided in the analysis: what it calls may be written by now."""
        return self.needs[op][0] == natural(op.x) and self.orders[op.result] == natural(op.result)

    def _needs(self, op: Operation) -> tuple[Order, ...]:
        if isinstance(op, graph.ReshapeOp):
            have = self.orders[op.x]
            if have != natural(op.x) and reshaped_order(shape_of(op.x.type), shape_of(op.result.type), have):
                return (have,)
        return super()._needs(op)

    def _result_order(self, op: Operation, index: int, needs: Sequence[Order]) -> Order:
        self.needs[op] = tuple(needs)
        if isinstance(op, graph.TransposeOp) and needs[0] == natural(op.x) and self._wanted(op.result) is None:
            return natural(op.result)
        if isinstance(op, graph.ReshapeOp) and needs[0] != natural(op.x):
            found = reshaped_order(shape_of(op.x.type), shape_of(op.result.type), needs[0])
            if found is not None:
                return found
        return super()._result_order(op, index, needs)


def reshaped_order(before: Shape, after: Shape, order: Order) -> Order | None:
    """The order of a reshaped value whose operand has an order; None where that would take values apart.

    Axes that become one, or come from one, have to stand together: (n, c, h, w) as (n, h, w, c) becomes (n, c, h * w)
    as (n, h * w, c).
    """
    groups = _groups(before, after)
    if groups is None:
        return None
    result: list[int] = []
    rest = list(order)
    while rest:
        inner, outer = next((each for each in groups if rest[0] in each[0]), ((), ()))
        if tuple(rest[: len(inner)]) != tuple(inner):
            return None
        result += outer
        rest = rest[len(inner) :]
    return tuple(result) if len(result) == len(after) else None


def _groups(before: Shape, after: Shape) -> list[tuple[range, range]] | None:
    """Which axes become which, in groups of equal size; None where an axis of size 1 makes that unclear."""
    groups: list[tuple[range, range]] = []
    i = j = 0
    while i < len(before) and j < len(after):
        first, second, a, b = i + 1, j + 1, as_dim(before[i]), as_dim(after[j])
        while a != b:
            if second < len(after) and (first == len(before) or _may_reach(a, b)):
                b, second = b * after[second], second + 1
            elif first < len(before):
                a, first = a * before[first], first + 1
            else:
                return None
        groups.append((range(i, first), range(j, second)))
        i, j = first, second
    return groups if i == len(before) and j == len(after) else None


def _may_reach(a: Dim, b: Dim) -> bool:
    """Whether more sizes of the result have to be taken to reach a."""
    return a.is_static and b.is_static and b.value < a.value


def to_channels_last(module: ModuleOp) -> None:
    """Does nothing to a module without channels at axis 1."""
    table = symbols(module)
    functions = [op for op in table.values() if isinstance(op, FunctionLike)]
    if not any(_moves(op) for function in functions for op in function.block.ops):
        return
    weights = frozenset(
        result for function in functions for op in function.block.ops if isinstance(op, graph.GetWeightOp)
        for result in op.results
    )  # fmt: skip
    layouts = ChannelsLast(table, weights, demanded_order)
    for function in functions:
        if isinstance(function, graph.ModelOp):
            layouts.analyze(function, [natural(argument) for argument in function.arguments])
    for function in functions:
        if all(op in layouts.needs for op in function.block.ops):
            _Rewriting(layouts).function(function)


def _moves(op: Operation) -> bool:
    order = demanded_order(op)
    return order is not None and order != tuple(range(len(order)))


class _Rewriting:
    """One function, its values in the orders that the layouts have for them."""

    def __init__(self, layouts: ChannelsLast) -> None:
        self._layouts = layouts
        self._at: dict[SSAValue, dict[Order, SSAValue]] = {}
        self._block = Block()

    def function(self, function: FunctionLike) -> None:
        region = function.regions[0]
        before = region.block
        types = [_permuted_type(argument, self._layouts.orders[argument]) for argument in before.args]
        if isinstance(function, graph.ModelOp):
            types = [argument.type for argument in before.args]
        self._block = Block(arg_types=types)
        for old, new in zip(before.args, self._block.args, strict=True):
            new.name_hint, new.location = old.name_hint, old.location
            order = natural(old) if isinstance(function, graph.ModelOp) else self._layouts.orders[old]
            self._at[old] = {order: new}
        for op in before.ops:
            self._op(op)
        for op in reversed(list(before.ops)):
            op.detach()
            op.drop_all_references()
        region.detach_block(before)
        region.add_block(self._block)

    # --- values ------------------------------------------------------------------------------------------------------
    def _value(self, x: SSAValue, order: Order) -> SSAValue:
        """A value with its axes in an order; a transpose is made once."""
        made = self._at[x]
        if order not in made:
            have, source = next(iter(made.items()))
            made[order] = self._add(graph.TransposeOp.of(source, perm=conversion(have, order)), x.name_hint)
        return made[order]

    def _add(self, op: Operation, hint: str | None) -> SSAValue:
        self._block.add_op(op)
        op.results[0].name_hint = hint
        return op.results[0]

    # --- ops ---------------------------------------------------------------------------------------------------------
    def _op(self, op: Operation) -> None:
        needs = self._layouts.needs[op]
        if isinstance(op, graph.TransposeOp) and not self._layouts.keeps(op):
            source = self._value(op.operands[0], needs[0])
            self._at[op.results[0]] = {self._layouts.orders[op.results[0]]: source}
            return
        operands = [self._value(x, order) for x, order in zip(op.operands, needs, strict=True)]
        orders = [self._layouts.orders[result] for result in op.results]
        if isinstance(op, graph.PreluOp) and orders[0] != natural(op.result):
            operands[1] = self._slopes(op, orders[0])
        change = CHANGES.get(type(op))
        if isinstance(op, PlainOp) and any(order != natural(x) for order, x in zip(orders, op.results, strict=True)):
            properties = dict(op.properties)
            if change is not None:
                changed = change(op, needs[0])
                properties |= {name: to_attribute(value) for name, value in changed.items()}
            types = [_permuted_type(x, order) for x, order in zip(op.results, orders, strict=True)]
            copy: Operation = type(op).create(
                operands=operands, result_types=types, properties=properties, attributes=op.attributes
            )
        elif isinstance(op, PlainOp) and change is not None and needs and needs[0] != natural(op.operands[0]):
            properties = dict(op.properties) | {k: to_attribute(v) for k, v in change(op, needs[0]).items()}
            copy = type(op).create(
                operands=operands,
                result_types=[x.type for x in op.results],
                properties=properties,
                attributes=op.attributes,
            )
        else:
            copy = op.clone(self._captured(op, operands))
            for result, order in zip(copy.results, orders, strict=True):
                result._type = _permuted_type(result, order)
        copy.location = op.location
        self._block.add_op(copy)
        for old, new, order in zip(op.results, copy.results, orders, strict=True):
            new.name_hint = old.name_hint
            self._at[old] = {order: new}

    def _captured(self, op: Operation, operands: Sequence[SSAValue]) -> dict[SSAValue, SSAValue]:
        """What a copy of an op reads: its operands, and in its regions values from around it in their own layout."""
        found = {
            x: self._value(x, natural(x))
            for inner in op.walk() if inner is not op
            for x in inner.operands if x in self._at
        }  # fmt: skip
        return {**found, **dict(zip(op.operands, operands, strict=True))}

    def _slopes(self, op: graph.PreluOp, order: Order) -> SSAValue:
        """The slopes of a PReLU with as many axes as its operand, in its order; ones in front fall away again."""
        alpha, rank = op.alpha, len(order)
        shape = (*[1] * (rank - len(shape_of(alpha.type))), *shape_of(alpha.type))
        wide = self._value(alpha, natural(alpha))
        if shape != shape_of(alpha.type):
            wide = self._add(
                graph.ReshapeOp.of(wide, result=tensor_type(shape, element_of(alpha.type))), alpha.name_hint
            )
        moved = self._add(graph.TransposeOp.of(wide, perm=order), alpha.name_hint)
        left = permuted(shape, order)[1:] if shape[order[0]] == 1 else permuted(shape, order)
        return self._add(graph.ReshapeOp.of(moved, result=tensor_type(left, element_of(alpha.type))), alpha.name_hint)


def _permuted_type(x: SSAValue, order: Order) -> Any:
    return tensor_type(permuted(shape_of(x.type), order), element_of(x.type))


# --- what changes of an op -------------------------------------------------------------------------------------------
def _axis(op: PlainOp, order: Order) -> dict[str, Any]:
    return {"axis": order.index(normalize_axis(op.literal("axis"), len(order)))}


def _data_format(op: PlainOp, order: Order) -> dict[str, Any]:
    return {"data_format": CHANNELS_LAST[len(order) - 2]}


def _axes(op: PlainOp, order: Order) -> dict[str, Any]:
    return {"axes": tuple(sorted(order.index(normalize_axis(axis, len(order))) for axis in op.literal("axes")))}


def _ends(op: PlainOp, order: Order) -> dict[str, Any]:
    return {name: tuple(op.literal(name)[axis] for axis in order) for name in ("low", "high")}


def _places(op: PlainOp, order: Order) -> dict[str, Any]:
    starts = op.literal("starts").data
    return {
        "starts": DimsAttr(tuple(starts[axis] for axis in order)),
        "steps": tuple(op.literal("steps")[axis] for axis in order),
    }


def _scales(op: PlainOp, order: Order) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "scales" in op.properties:
        found["scales"] = tuple(op.literal("scales")[axis] for axis in order)
    if "roi" in op.properties:
        roi, rank = op.literal("roi"), len(order)
        found["roi"] = tuple(roi[axis + start] for start in (0, rank) for axis in order)
    return found


def _shared(op: PlainOp, order: Order) -> dict[str, Any]:
    return {"shared": tuple(sorted(order.index(axis) for axis in op.literal("shared")))}


CHANGES: Mapping[type[Operation], Callable[[Any, Order], dict[str, Any]]] = {
    **dict.fromkeys(WINDOWS, _data_format),
    graph.BatchNormOp: _axis,
    graph.GroupNormOp: _axis,
    graph.LrnOp: _axis,
    graph.SoftmaxOp: _axis,
    graph.LogSoftmaxOp: _axis,
    graph.ConcatOp: _axis,
    graph.ReduceOp: _axes,
    graph.PadOp: _ends,
    graph.SliceOp: _places,
    graph.ResizeOp: _scales,
    graph.DropoutOp: _shared,
}
"""The properties of an op that name axes, for operands in an order."""
