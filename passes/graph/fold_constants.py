"""graph-fold-constants: what depends on weights alone is computed once, at compile time, as a derived weight.

    %k = graph.get_weight @conv.kernel -> ..       graph.weight @conv.kernel.folded : .. from (@conv.kernel, @scale) {
    %s = graph.get_weight @scale -> ..             ^bb0(%k: .., %s: ..):
    %0 = graph.neg %s -> ..                 ->       %0 = graph.neg %s -> ..
    %w = graph.mul %k, %0 -> ..                      %w = graph.mul %k, %0 -> ..
    %1 = graph.conv %x, %w -> ..                     graph.return %w
                                                   }
                                                   %w = graph.get_weight @conv.kernel.folded -> ..
                                                   %1 = graph.conv %x, %w -> ..

A whole chain becomes one region; chains in the regions of control flow as well. The values stay symbolic: the bytes
of weights are not read, a dump stays small, and with other weights the same module still means the same model. The
new weight has the name of its largest source. Ops on constants and counts alone become a constant where the result is
the same everywhere, a small table as a derived weight where it is not.

Must not fold a result that is larger than `max_bytes` and than the weights it is made of: a broadcast or an outer
product is cheaper to compute than to store. Such a value gets a `missed` remark. Nor a table of more than
`max_table_bytes`: what is made of counts alone is cheap to make.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from neuralc.dialects.control import blocks_in
from neuralc.dialects.graph import ConstantOp, GetWeightOp, ModelOp, ReturnOp, WeightOp, symbols
from neuralc.dialects.interp.evaluator import Evaluator, Weights
from neuralc.dialects.interp.numerics import Array, Numerics
from neuralc.dialects.types import as_tensor
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.graph.weight_values import can_be_known, is_leaf, is_worth_storing, static_bytes
from neuralc.passes.locations import fuse_locations


def _known_values(block: Block, max_bytes: int, context: PassContext) -> dict[SSAValue, frozenset[str]]:
    """The known values of a block with the weights each is made of, without those that are too large to store."""
    known: dict[SSAValue, frozenset[str]] = {}
    sizes: dict[str, int] = {}
    for op in block.ops:
        if isinstance(op, GetWeightOp):
            known[op.result] = frozenset([op.weight_name])
            sizes[op.weight_name] = static_bytes(as_tensor(op.result.type))
        elif is_leaf(op):
            known[op.results[0]] = frozenset()
        elif can_be_known(op) and all(operand in known for operand in op.operands):
            sources = frozenset().union(*(known[operand] for operand in op.operands))
            size, source_size = static_bytes(as_tensor(op.results[0].type)), sum(sizes[name] for name in sources)
            if not is_worth_storing(size, source_size, max_bytes):
                context.remark("missed", op, f"not folded: {size} bytes from {source_size} bytes of weights")
            else:
                known[op.results[0]] = sources
    return known


def _is_frontier(value: SSAValue, known: Container[SSAValue]) -> bool:
    """A computed value that something reads which is not known itself."""
    if isinstance(value.owner, Block) or is_leaf(value.owner):
        return False
    return any(not user.results or user.results[0] not in known for user in (use.operation for use in value.uses))


def _slice(value: SSAValue) -> list[Operation]:
    """The ops that compute a known value, reads of weights included, in an order in which they can run."""
    found: dict[Operation, None] = {}

    def visit(op: Operation | Block) -> None:
        if isinstance(op, Operation) and op not in found:
            for operand in op.operands:
                visit(operand.owner)
            found[op] = None

    visit(value.owner)
    return list(found)


def _splat(value: SSAValue) -> float | int | None:
    """The number at every place of a value computed from constants; None where places differ."""
    evaluator = Evaluator({}, Weights({}, {}), Numerics.EXACT, {})
    arrays: dict[SSAValue, Array] = {}
    with np.errstate(all="ignore"):
        for op in _slice(value):
            arrays[op.results[0]] = evaluator.op(op, [arrays[operand] for operand in op.operands])[0]
    array = arrays[value]
    number: float | int = array.flat[0].item() if array.size else 0
    return number if np.isfinite(number) and (array == number).all() else None


class _Folding:
    """Replaces frontier values; each new weight gets a name of its own."""

    def __init__(self, module: ModuleOp, max_table_bytes: int, context: PassContext) -> None:
        self._max_table_bytes = max_table_bytes
        self._context = context
        self._names = set(symbols(module))

    def fold(self, model: ModelOp, value: SSAValue) -> None:
        type_, ops = as_tensor(value.type), _slice(value)
        # Reads are looked up now: what was folded before this value is read as a weight by now.
        reads = [op for op in ops if isinstance(op, GetWeightOp)]
        if reads:
            self._replace(value, self._derive(model, value, reads, [op for op in ops if op not in reads]))
        elif (number := _splat(value)) is not None:
            self._replace(value, ConstantOp.of(result=type_, value=number))
        elif static_bytes(type_) <= self._max_table_bytes:
            self._replace(value, self._derive(model, value, [], ops))

    def _derive(
        self, model: ModelOp, value: SSAValue, reads: Sequence[GetWeightOp], ops: Sequence[Operation]
    ) -> GetWeightOp:
        """Declare the weight before the model, and read it."""
        sources = {read.weight_name: read.result for read in reads}
        block = Block(arg_types=[source.type for source in sources.values()])
        arguments = dict(zip(sources, block.args, strict=True))
        for name, argument in arguments.items():
            argument.name_hint = sources[name].name_hint
        values: dict[SSAValue, SSAValue] = {read.result: arguments[read.weight_name] for read in reads}
        block.add_ops([op.clone(values) for op in ops])
        block.add_op(ReturnOp([values[value]]))
        name, type_ = self._name(reads), as_tensor(value.type)
        weight = WeightOp(name, type_, sources=list(sources), body=Region(block))
        weight.location = fuse_locations(op.location for op in ops)
        Rewriter.insert_op(weight, InsertPoint.before(model))
        self._context.remark("passed", ops[-1], f"folded {len(ops)} ops into @{name}")
        self._context.count("weights derived")
        return GetWeightOp(name, type_)

    def _replace(self, value: SSAValue, new: GetWeightOp | ConstantOp) -> None:
        owner = value.owner
        if isinstance(owner, Block):
            return
        new.location = owner.location
        new.result.name_hint = value.name_hint
        Rewriter.insert_op(new, InsertPoint.before(owner))
        value.replace_all_uses_with(new.result)

    def _name(self, reads: Sequence[GetWeightOp]) -> str:
        """A new symbol that says where the values come from: `conv2d.kernel.folded`, `table.folded` from nothing."""
        largest = max(reads, key=lambda read: static_bytes(as_tensor(read.result.type)), default=None)
        base = largest.weight_name.partition(".folded")[0] + ".folded" if largest is not None else "table.folded"
        name = next(n for i in range(len(self._names) + 1) if (n := f"{base}_{i}" if i else base) not in self._names)
        self._names.add(name)
        return name


@dataclass(frozen=True)
class FoldConstantsPass(ModulePass):
    name = "graph-fold-constants"
    max_bytes: int = 1 << 26
    """Largest result to store that is much larger than the weights it is computed from."""
    max_table_bytes: int = 1 << 20
    """Largest result to store that no weight is needed for."""

    def run(self, module: ModuleOp, context: PassContext) -> None:
        folding = _Folding(module, self.max_table_bytes, context)
        for model in [op for op in module.body.block.ops if isinstance(op, ModelOp)]:
            for block in list(blocks_in(model.block)):
                known = _known_values(block, self.max_bytes, context)
                for value in [value for value in known if _is_frontier(value, known)]:
                    folding.fold(model, value)
                _erase_unread(block, known)


def _erase_unread(block: Block, known: Container[SSAValue]) -> None:
    """Remove what only the folded values read."""
    for op in reversed(list(block.ops)):
        if op.results and op.results[0] in known and not any(result.uses for result in op.results):
            Rewriter.erase_op(op)
