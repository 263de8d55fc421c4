"""tensor-fuse-attention: the products of rows, what is made of each row, and what the rows add up are one kernel.

    %s = tensor.group "scores"(%q, %k) { contract "bhqd,bhdk->bhqk" .. }         %y = tensor.group "y"(%q, %k, %v) {
    %p = tensor.group "softmax"(%s) { reduce .. map .. reduce .. map }       ->    contract, reduce, map, reduce, map,
    %y = tensor.group "y"(%p, %v) { contract "bhqk,bkhd->bqhd" }                   contract }

The scores of all rows outgrow a cache as the square of the sequence; a program makes those of some rows, in memory of
its own, and uses them while they are there (passes/lower/cpu/attention.py). Three launches and the waiting of threads
between them become one.

Fires on a contraction, rows over its last dim and a contraction that adds these up, each read by the next one alone,
whatever maps stand behind them, where rows and columns have known sizes and a tile of rows fits a cache.
Must not fire where a row is read by another op, where rows run along several loops (queries that share keys), on few
rows (a step of a decoder is a product of a vector), or for a GPU, whose blocks hold other parts.
Effect on an AMD EPYC (Zen 3), one thread and two, medians of alternating processes: 8 heads of 512 rows 10.4 to 9.8 ms
and 5.5 to 5.2, of 2048 rows 204 to 195 and 172 to 97 (134 MB of scores are gone), ViT-tiny 30.0 to 29.6 and 16.3 to
15.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from neuralc.dialects import graph
from neuralc.dialects.control import blocks_in
from neuralc.dialects.tensor import ContractOp, GroupOp, MapOp, ReduceOp, YieldOp
from neuralc.dialects.types import element_bytes, element_of, is_float, shape_of
from neuralc.grammar.diagnostics import error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.locations import fuse_locations
from neuralc.passes.lower.cpu.attention import rows_in_cache
from neuralc.passes.target import Target

FEW_ROWS = 4
"""Rows below which scores are products of a vector, which have kernels of their own."""
TILE_ROWS = 6
"""Rows of a tile, about: the scores of so many have to fit a cache."""


@dataclass(frozen=True)
class FuseAttentionPass(ModulePass):
    """Makes one group of the three of attention."""

    name = "tensor-fuse-attention"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        if context.target is None:
            raise error("E0824", "tensor-fuse-attention needs a target", help="add `--target cpu`")
        if context.target.name != "cpu":
            return
        for block in list(blocks_in(graph.the_model(module).block)):
            for op in list(block.ops):
                chain = _chain(op)
                if chain is None:
                    continue
                if (reason := _refusal(chain, context.target)) is not None:
                    context.remark("missed", chain[-1], f"its scores go through memory: {reason}")
                    continue
                context.count("attentions fused")
                context.remark("passed", _merge(chain), "one kernel: scores, rows and sums")


def _chain(op: Operation) -> tuple[GroupOp, GroupOp, GroupOp] | None:
    """The groups of scores, rows and sums that begin with an op; None where they are others."""
    scores = op if isinstance(op, GroupOp) and _is_product(op) else None
    rows = None if scores is None else _only_reader(scores)
    sums = None if rows is None or not _is_rows(rows) else _only_reader(rows)
    if scores is None or rows is None or sums is None or not _is_product(sums):
        return None
    product = sums.block.first_op
    made = [argument for argument, value in zip(sums.block.args, sums.args, strict=True) if value is rows.res[0]]
    if not isinstance(product, ContractOp) or [use.operation for use in made[0].uses] != [product]:
        return None
    return scores, rows, sums


def _only_reader(group: GroupOp) -> GroupOp | None:
    """The group that alone reads the only value of a group, as one of its operands."""
    uses = list(group.res[0].uses) if len(group.res) == 1 else []
    reader = uses[0].operation if len(uses) == 1 else None
    return reader if isinstance(reader, GroupOp) and reader.parent is group.parent else None


def _is_product(group: GroupOp) -> bool:
    """Whether a group is a contraction of floats and the maps that finish its tiles."""
    first, *others = group.block.ops
    return (
        isinstance(first, ContractOp)
        and is_float(element_of(first.result.type))
        and all(isinstance(op, MapOp) for op in others[:-1])
    )


def _is_rows(group: GroupOp) -> bool:
    """Whether a group makes rows of rows, by reductions over them."""
    ops = list(group.block.ops)[:-1]
    result = group.res[0].type
    rank = len(shape_of(result))
    reductions = [op for op in ops if isinstance(op, ReduceOp)]
    return (
        bool(reductions)
        and all(isinstance(op, MapOp | ReduceOp) for op in ops)
        and all(op.reduced == (rank - 1,) and shape_of(op.x.type) == shape_of(result) for op in reductions)
    )


def _refusal(chain: tuple[GroupOp, GroupOp, GroupOp], target: Target) -> str | None:
    """Why the groups stay apart, or None."""
    scores, rows, sums = chain
    made, result = scores.res[0].type, rows.res[0].type
    first, last = scores.block.first_op, sums.block.first_op
    if not (isinstance(first, ContractOp) and isinstance(last, ContractOp) and isinstance(made, TensorType)):
        return "they are no products"
    if made != result:
        return "rows have other types than scores"
    letters = _row_letters(first)
    if len(letters) != 1:
        return "rows run along several loops" if letters else "columns and rows run along the same loops"
    place = first.subscripts.result.index(letters[0])
    if (reason := _sums_refusal(last, sums, rows.res[0], place)) is not None:
        return reason
    shape = shape_of(made)
    count, columns = shape[place], shape[-1]
    if not isinstance(count, int) or not isinstance(columns, int):
        return "only the run knows how many there are"
    if count < FEW_ROWS:
        return "there are few rows"
    if not rows_in_cache(columns, element_bytes(element_of(made)), TILE_ROWS, target.caches):
        return f"a tile of {columns} columns fits no cache"
    return None


def _row_letters(scores: ContractOp) -> list[str]:
    """The loops of a product along which only the operand moves that does not move along its columns."""
    words, result = scores.subscripts.operands, scores.subscripts.result
    beside = [word for word in words if result[-1] in word]
    if len(beside) != 1 or words[0] == words[1]:
        return []
    return [letter for letter in result[:-1] if letter.isalpha() and letter not in beside[0]]


def _sums_refusal(last: ContractOp, sums: GroupOp, rows: SSAValue, place: int) -> str | None:
    """Why a contraction does not add up what is along rows, at `place` of their dims, or None."""
    own, other = last.subscripts.operands
    argument = next(inner for inner, value in zip(sums.block.args, sums.args, strict=True) if value is rows)
    if argument is last.rhs:
        own, other = other, own
    result = last.subscripts.result
    if {*last.subscripts.reduced} != {own[-1]} or own[-1] not in other:
        return "something else than rows is added up"
    if own[place] in other or own[place] not in result:
        return "rows are mixed"
    if len([letter for letter in result if letter.isalpha() and letter not in own]) != 1:
        return "sums have several loops of their own"
    return None


def _merge(chain: Sequence[GroupOp]) -> GroupOp:
    """One group in the place of the last one."""
    made = {group.res[0] for group in chain}
    operands = list(dict.fromkeys(value for group in chain for value in group.args if value not in made))
    block = Block(arg_types=[value.type for value in operands])
    values: dict[SSAValue, SSAValue] = dict(zip(operands, block.args, strict=True))
    for value, argument in zip(operands, block.args, strict=True):
        argument.name_hint = value.name_hint
    for group in chain:
        inner: dict[SSAValue, SSAValue] = {
            own: values[value] for own, value in zip(group.block.args, group.args, strict=True)
        }
        for op in list(group.block.ops)[:-1]:
            clone = op.clone(inner)
            clone.location = op.location
            block.add_op(clone)
        values[group.res[0]] = inner[group.yielded[0]]
    last = chain[-1]
    block.add_op(YieldOp([values[last.res[0]]]))
    merged = GroupOp(last.label.data, operands, [last.res[0].type], Region(block))
    merged.location = fuse_locations(group.location for group in chain)
    Rewriter.insert_op(merged, InsertPoint.after(last))
    merged.res[0].name_hint = last.res[0].name_hint
    last.res[0].replace_all_uses_with(merged.res[0])
    for group in reversed(chain):
        Rewriter.erase_op(group)
    return merged
