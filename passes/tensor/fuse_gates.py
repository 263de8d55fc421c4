"""tensor-fuse-gates: the product of a recurrent step and what is made of its gates are one kernel.

    %z = tensor.group "step"(%h, %w, %x) { contract; map }    // [b, 4 * u]
    %i, %f, %g, %o = tensor.slice %z                           ->    %n, %c1 = tensor.group "step"(%h, %wi, %xi, ..) {
    %c1 = tensor.group "map"(%i, %f, %g, %c) { map }                   contract; map      // [b, u], for each gate
    %n = tensor.group "map_1"(%o, %c1) { map }                         ..
                                                                       map; map; yield }

A program has some units, all their gates and what becomes of them (passes/lower/cpu/gates.py): threads wait once a step
and not once for each of three kernels, and exchange the new state alone. Weights are sliced when the model is compiled.

Fires on a product of rows with a weight, if nobody but maps reads the result, in slices of as many whole vectors. Must
not fire where a map reads a place that it computes, nor for a GPU.
Effect on an AMD EPYC (Zen 3), least times of alternating processes: two LSTM layers of 128 units, 50 steps, 447 to 417
us on one thread, 344 to 296 on two; batch 8 1.0 and 1.0 to 1.1 times as fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from neuralc.dialects import graph
from neuralc.dialects.control import blocks_in
from neuralc.dialects.dims import Dim
from neuralc.dialects.tensor import AtOp, ContractOp, GroupOp, MapOp, PositionOp, SliceOp, YieldOp
from neuralc.dialects.tensor.subscripts import WHOLE
from neuralc.dialects.types import AnyTensor, DimsAttr, as_tensor, element_of, is_float, shape_of, tensor_type
from neuralc.grammar.diagnostics import error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.graph.weight_values import is_known
from neuralc.passes.locations import fuse_locations
from neuralc.passes.target import Target
from neuralc.passes.tensor.samples import readers


@dataclass(frozen=True)
class FuseGatesPass(ModulePass):
    """Makes one group of a product, and of the maps that read slices of it."""

    name = "tensor-fuse-gates"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        if context.target is None:
            raise error("E0824", "tensor-fuse-gates needs a target", help="add `--target cpu`")
        if context.target.name != "cpu":
            return
        for block in list(blocks_in(graph.the_model(module).block)):
            for op in list(block.ops):
                step = _step(op)
                if step is None:
                    continue
                if (reason := step.refusal(context.target)) is not None:
                    context.remark("missed", op, f"its gates go through memory: {reason}")
                    continue
                context.count("steps fused")
                context.remark("passed", step.merge(), f"one kernel: {len(step.slices)} gates and what is made of them")


@dataclass(frozen=True)
class _Step:
    """A product, the slices of its result in their order, and the groups of maps that read them."""

    product: GroupOp
    slices: tuple[SliceOp, ...]
    maps: tuple[GroupOp, ...]

    @property
    def contract(self) -> ContractOp:
        first = self.product.block.first_op
        if not isinstance(first, ContractOp):
            raise TypeError("a step begins with a product")
        return first

    @property
    def part(self) -> AnyTensor:
        """The type of a gate."""
        return as_tensor(self.slices[0].result.type)

    def refusal(self, target: Target) -> str | None:
        """Why the groups stay apart, or None."""
        words, result = self.contract.subscripts.operands, self.contract.subscripts.result
        column = result[-1]
        sides = [value for value, word in zip(self.contract.operands, words, strict=True) if word.endswith(column)]
        if "".join(words).count(column) != 1 or not sides or len(result) > 2 or not is_known(self._outside(sides[0])):
            return "its columns are not those of a weight"
        if len(self.contract.subscripts.reduced) != 1:
            return "its rows run along several loops"
        units = shape_of(self.part)[-1]
        if not isinstance(units, int) or units % target.lanes_of(self.part.element_type):
            return f"{units} units are no whole vectors"
        for group in (self.product, *self.maps):
            for op in group.block.ops:
                if isinstance(op, MapOp) and not _is_plain(op):
                    return "a map reads a place that it computes"
        if any(op.subscripts.operands != (op.subscripts.result,) * len(op.args) for op in self._gate_maps()):
            return "gates are combined with values of other shapes"
        return self._order_refusal()

    def _order_refusal(self) -> str | None:
        """Whether somebody reads what is made before all of it could be."""
        last, members = self.maps[-1], {self.product, *self.slices, *self.maps}
        results = {result for group in self.maps for result in group.res}
        op: Operation | None = self.product
        while op is not None and op is not last:
            if op not in members and any(operand in results for each in op.walk() for operand in each.operands):
                return "something else is made of one result before another"
            op = op.next_op
        return None

    def _gate_maps(self) -> list[MapOp]:
        return [op for group in self.maps for op in group.block.ops if isinstance(op, MapOp)]

    def _outside(self, argument: SSAValue) -> SSAValue:
        """The value that is an argument of the product's group."""
        return self.product.args[self.product.block.args.index(argument)]

    def merge(self) -> GroupOp:
        """One group in the place of the last one; its first result is the one that is made last."""
        last = self.maps[-1]
        builder = _Builder(last)
        made: dict[SSAValue, SSAValue] = {
            piece.result: builder.gate(self, number) for number, piece in enumerate(self.slices)
        }
        for group in self.maps:
            inner: dict[SSAValue, SSAValue] = {
                argument: made[value] if value in made else builder.operand(value)
                for argument, value in zip(group.block.args, group.args, strict=True)
            }
            for op in list(group.block.ops)[:-1]:
                builder.add(op, inner)
            made |= {result: inner[value] for result, value in zip(group.res, group.yielded, strict=True)}
        kept = [result for group in self.maps for result in group.res if self._is_read_outside(result)][::-1]
        merged = builder.finish(self.product.label.data, [made[result] for result in kept])
        merged.location = fuse_locations(op.location for op in (self.product, *self.maps))
        for old, new in zip(kept, merged.res, strict=True):
            new.name_hint = old.name_hint
            old.replace_all_uses_with(new)
        for op in (*reversed(self.maps), *self.slices, self.product):
            Rewriter.erase_op(op)
        return merged

    def _is_read_outside(self, result: SSAValue) -> bool:
        return any(reader not in self.maps for reader in readers(result))


class _Builder:
    """Writes the group of a step in front of its last member."""

    def __init__(self, place: GroupOp) -> None:
        self.place = place
        self.operands: list[SSAValue] = []
        self.block = Block()
        self.arguments: dict[SSAValue, SSAValue] = {}

    def operand(self, value: SSAValue) -> SSAValue:
        """A value from outside, as the group has it."""
        if value not in self.arguments:
            argument = self.block.insert_arg(value.type, len(self.operands))
            argument.name_hint = value.name_hint
            self.operands.append(value)
            self.arguments[value] = argument
        return self.arguments[value]

    def add(self, op: Operation, values: dict[SSAValue, SSAValue]) -> Operation:
        clone = op.clone(values)
        clone.location = op.location
        self.block.add_op(clone)
        return clone

    def gate(self, step: _Step, number: int) -> SSAValue:
        """The product for the columns of a gate, and the maps that finish it."""
        product, piece = step.product, step.slices[number]
        values: dict[SSAValue, SSAValue] = {}
        for op in list(product.block.ops)[:-1]:
            subscripts = op.subscripts if isinstance(op, ContractOp | MapOp) else None
            if subscripts is None:
                raise TypeError(f"{op.name} does not finish a product")
            column = subscripts.result[-1]
            for value, word in zip(op.operands, subscripts.operands, strict=True):
                if value not in values:
                    values[value] = self.operand(self._columns(step._outside(value), word, column, piece))
            clone = self.add(op, values)
            Rewriter.replace_value_with_new_type(clone.results[0], step.part)
            values[op.results[0]] = clone.results[0]
        return values[product.yielded[0]]

    def _columns(self, value: SSAValue, word: str, column: str, piece: SliceOp) -> SSAValue:
        """The part of a value that has the columns of a gate; all of it where it has none."""
        if column not in word:
            return value
        at, shape = word.index(column), list(shape_of(value.type))
        starts = [Dim.constant(0)] * len(shape)
        starts[at] = piece.starts.data[-1]
        shape[at] = shape_of(piece.result.type)[-1]
        result = tensor_type(shape, element_of(value.type))
        new = SliceOp.of(value, starts=DimsAttr(tuple(starts)), strides=(1,) * len(shape), result=result)
        new.location = self.place.location
        new.result.name_hint = value.name_hint
        Rewriter.insert_op(new, InsertPoint.before(self.place))
        return new.result

    def finish(self, label: str, results: Sequence[SSAValue]) -> GroupOp:
        self.block.add_op(YieldOp(results))
        merged = GroupOp(label, self.operands, [value.type for value in results], Region(self.block))
        Rewriter.insert_op(merged, InsertPoint.before(self.place))
        return merged


def _step(op: Operation) -> _Step | None:
    """The step that begins with an op; None where it is none."""
    if not isinstance(op, GroupOp) or len(op.res) != 1 or not isinstance(op.block.first_op, ContractOp):
        return None
    inner = list(op.block.ops)[1:-1]
    if not all(isinstance(each, MapOp) for each in inner) or not is_float(element_of(op.res[0].type)):
        return None
    pieces = [reader for reader in readers(op.res[0]) if isinstance(reader, SliceOp)]
    if len(pieces) < 2 or len(pieces) != len(list(readers(op.res[0]))):
        return None
    pieces.sort(key=lambda piece: piece.starts.data[-1].evaluate({}) if piece.starts.data[-1].is_static else -1)
    if not _are_equal_columns(op, pieces):
        return None
    maps = _maps_behind(op, pieces)
    return None if maps is None else _Step(op, tuple(pieces), maps)


def _are_equal_columns(product: GroupOp, pieces: Sequence[SliceOp]) -> bool:
    """Whether slices are the columns of a product, a part behind the other."""
    shape, part = shape_of(product.res[0].type), shape_of(pieces[0].result.type)
    width = part[-1]
    if not isinstance(width, int) or shape[-1] != len(pieces) * width:
        return False
    return all(
        shape_of(piece.result.type) == (*shape[:-1], width)
        and [*piece.starts.data] == [*[Dim.constant(0)] * (len(shape) - 1), Dim.constant(number * width)]
        and set(piece.literal("strides")) == {1}
        for number, piece in enumerate(pieces)
    )


def _maps_behind(product: GroupOp, pieces: Sequence[SliceOp]) -> tuple[GroupOp, ...] | None:
    """The groups of maps that read the slices, in their order; None where another op reads one."""
    found = {reader for piece in pieces for reader in readers(piece.result)}
    groups = [op for op in found if isinstance(op, GroupOp) and op.parent is product.parent]
    if len(groups) != len(found) or not all(_is_maps(group) for group in groups):
        return None
    places = {op: number for number, op in enumerate(product.parent.ops)} if product.parent is not None else {}
    return tuple(sorted(groups, key=places.__getitem__))


def _is_maps(group: GroupOp) -> bool:
    return all(isinstance(op, MapOp) for op in list(group.block.ops)[:-1])


def _is_plain(op: MapOp) -> bool:
    """Whether a map reads each operand at its own place, which it does not ask for."""
    inner = [each for each in op.block.ops if isinstance(each, AtOp | PositionOp)]
    return not inner and WHOLE not in op.subscripts.operands
