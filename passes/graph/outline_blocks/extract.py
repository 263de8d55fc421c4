"""A group of ops becomes a function and a call of it; equal functions are one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xdsl.dialects.builtin import LocationAttr, ModuleOp, UnknownLoc
from xdsl.ir import Block, Operation, OpResult, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from neuralc.dialects import graph
from neuralc.passes.graph.outline_blocks.groups import Group
from neuralc.passes.graph.outline_blocks.naming import block_name, input_names, numbered, parts_of, weight_names


class Functions:
    """The functions of a module: new ones get symbols of their own."""

    def __init__(self, module: ModuleOp) -> None:
        self._symbols = set(graph.symbols(module))
        self._names: dict[object, str] = {}
        """What blocks of one form are called."""
        self._named: dict[str, Group] = {}
        self._inputs: dict[object, list[str]] = {}
        """What their inputs are called: one class has one name for each."""
        self._made: dict[str, list[graph.FuncOp]] = {}

    def of(self, group: Group, before: Operation) -> tuple[graph.FuncOp, bool]:
        """The function of a group, and whether it is new; then it stands before the op that will call it."""
        name = self._names[group.form]
        inputs = self._inputs.setdefault(group.form, input_names(group))
        body = _body(group, inputs)
        made = self._made.setdefault(name, [])
        for other in made:
            if other.body.is_structurally_equivalent(body):
                return other, False
        function = graph.FuncOp(self._symbol(name), [value.type for value in group.results], body)
        made.append(function)
        Rewriter.insert_op(function, InsertPoint.before(before))
        return function, True

    def name(self, groups: Sequence[Group]) -> None:
        """Give blocks of one form a name. Of forms that would have one name the shortest has it."""
        for group in sorted(groups, key=lambda group: len(group.ops)):
            if group.form not in self._names:
                self._names[group.form] = self._unused(block_name(group), group)
                self._named[self._names[group.form]] = group

    def _unused(self, base: str, group: Group) -> str:
        if base not in self._named:
            return base
        more = [part for part in parts_of(group) if part not in parts_of(self._named[base])]
        numbers = range(2, len(self._named) + 3)
        names = [*(f"{base}_{part}" for part in more), *(f"{base}{number}" for number in numbers)]
        return next(each for each in names if each not in self._named)

    def _symbol(self, name: str) -> str:
        symbol = next(
            text for number in range(len(self._symbols) + 1) if (text := f"{name}_{number}" if number else name)
            not in self._symbols
        )  # fmt: skip
        self._symbols.add(symbol)
        return symbol


def _body(group: Group, names: Sequence[str]) -> Region:
    inputs, weights = group.inputs, group.weights
    block = Block(arg_types=[value.type for value in (*inputs, *weights.values())])
    for argument, name in zip(block.args, [*names, *weight_names(group)], strict=True):
        argument.name_hint = name
    values: dict[SSAValue, SSAValue] = dict(zip(inputs, block.args, strict=False))
    of_weight = dict(zip(weights, block.args[len(inputs) :], strict=True))
    values.update((value, of_weight[group.held[value]]) for value in group.operands if value in group.held)
    for op in group.ops:
        for operand in op.operands:
            if isinstance(operand.owner, graph.ConstantOp) and operand not in values:
                block.add_op(operand.owner.clone(values))
        block.add_op(op.clone(values))
    for value in (result for op in block.ops for result in op.results):
        value.name_hint = below(value.name_hint, group.path, value)
    block.add_op(graph.ReturnOp([values[value] for value in group.results]))
    return Region(block)


def below(name: str | None, path: str, value: OpResult) -> str | None:
    """What a value is called inside of a block: without the path of that; by its op where only a number is left."""
    inside = name.removeprefix(f"{path}.") if name and path else name or ""
    return value.op.name.partition(".")[2] if re.fullmatch(r"v?[\d_]*", inside) else numbered(inside)


def replace_by_call(group: Group, function: graph.FuncOp, path: str) -> graph.CallOp:
    """Put a call in the place of the last op of a group; what reads the group and stands in front of it goes behind.

    Groups that went before may have moved ops of this one: where they stand now counts.
    """
    arguments = [*group.inputs, *group.weights.values()]
    call = graph.CallOp(function.sym_name.data, arguments, [value.type for value in group.results], path)
    call.location = _place_of(group)
    ops = [op for op in group.block.ops if op in group.inside]
    Rewriter.insert_op(call, InsertPoint.after(ops[-1]))
    behind: Operation = call
    for op in _readers_between(ops):
        op.detach()
        Rewriter.insert_op(op, InsertPoint.after(behind))
        behind = op
    for old, new in zip(group.results, call.results, strict=True):
        new.name_hint = re.sub(r"[^\w.]+", "_", path) if len(call.results) == 1 else old.name_hint
        old.replace_all_uses_with(new)
    constants = {value.owner for op in group.ops for value in op.operands if isinstance(value.owner, graph.ConstantOp)}
    for op in reversed(group.ops):
        Rewriter.erase_op(op)
    for constant in constants:
        if not any(result.uses for result in constant.results):
            Rewriter.erase_op(constant)
    return call


def _readers_between(ops: Sequence[Operation]) -> Sequence[Operation]:
    """Ops between these, which stand in their order, that read what they make, directly or not."""
    found: list[Operation] = []
    inside = set(ops)
    made = {value for op in ops for value in op.results}
    op: Operation | None = ops[0]
    while op is not None and op is not ops[-1]:
        if op not in inside and any(value in made for value in op.operands):
            found.append(op)
            made.update(op.results)
        op = op.next_op
    return found


def _place_of(group: Group) -> LocationAttr:
    """Where a call is: in the module that its ops have in common."""
    return UnknownLoc()
