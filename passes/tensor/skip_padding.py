"""tensor-skip-padding: kernels leave out the rows of zeros that windows find above and below a small picture.

    %p = tensor.pad %x {low = [0, 2, 2, 0], ..}        %p = tensor.pad %x {low = [0, 2, 2, 0], .., unread = [1]}
    %w = tensor.window %p {sizes = [5, 5], ..}    ->   %w = ..
    %y = tensor.group { contract "nhwijc,ijc->nhwc" }  %y = ..

A 5x5 window over a picture of two rows has three rows of zeros or more; they add nothing to its sum. In a depthwise
convolution a program has one row of pixels, and the rows of the window are a loop: it then begins and ends with the
picture, and nobody writes the padding above and below (passes/lower/cpu/contract.py, host_moves.py). What is left and
right of the picture stays, since the pixels of a tile have their windows in different places there.
Fires where all that read the padded value are windows of such contractions, and the padding is zeros. Must not fire
where the window is so small that its rows are written out straight: a loop costs more than the zeros of a 3x3 window;
nor for matrix products over windows, whose tiles have pixels of several rows; nor on a GPU.
Effect on one Zen 3 core, PP-OCR's classifier, whose pictures have 2 or 3 rows: 490 -> 402 us a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.control import blocks_in
from neuralc.dialects.syntax import to_attribute
from neuralc.grammar.diagnostics import error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.lower.cpu.contract import is_written_out
from neuralc.passes.lower.cpu.roles import find_roles
from neuralc.passes.lower.nest import merge_loops
from neuralc.passes.lower.padding import overhangs
from neuralc.passes.tensor.pack_weights import nest_of


@dataclass(frozen=True)
class SkipPaddingPass(ModulePass):
    """Marks paddings that nobody reads."""

    name = "tensor-skip-padding"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        if context.target is None:
            raise error("E0824", "tensor-skip-padding needs a target", help="add `--target cpu`")
        if context.target.name != "cpu":
            return
        for block in blocks_in(graph.the_model(module).block):
            for op in block.ops:
                if isinstance(op, tensor.PadOp) and (dims := _unread(op)):
                    op.properties["unread"] = to_attribute(dims)
                    context.remark("passed", op, f"the zeros around it along dims {list(dims)} are skipped")


def _unread(pad: tensor.PadOp) -> tuple[int, ...]:
    """The dims of a padding along which every reader can leave it out."""
    common: set[int] | None = None
    for group, index in _readers(pad.result):
        found = _skippable(group, index) if isinstance(group, tensor.GroupOp) else set()
        common = found if common is None else common & found
    return tuple(sorted(common or ()))


def _readers(value: SSAValue) -> Iterator[tuple[object, int]]:
    """What reads a value behind transpositions and windows, and which operand it is."""
    for use in value.uses:
        if isinstance(use.operation, tensor.TransposeOp | tensor.WindowOp):
            yield from _readers(use.operation.results[0])
        else:
            yield use.operation, use.index


def _skippable(group: tensor.GroupOp, index: int) -> set[int]:
    """The dims of the padding behind an operand that its contraction reads row by row."""
    contract = group.block.first_op
    if not isinstance(contract, tensor.ContractOp):
        return set()
    positions = [number for number, each in enumerate(contract.operands) if _is_argument(each, index)]
    if len(positions) != 1 or any(
        _is_argument(each, index) for op in list(group.block.ops)[1:] for each in op.operands
    ):
        return set()
    nest = nest_of(group)
    merged = merge_loops(nest, find_roles(nest).vector)
    roles = find_roles(merged, find_roles(nest).vector)
    if not roles.elementwise:
        return set()
    word, loops = contract.subscripts.operands[positions[0]], nest.stages[0].loops
    found: set[int] = set()
    for each in overhangs(group.args[index]):
        position, place = loops[word[each.position]], loops[word[each.place]]
        in_rows = position in roles.rows or position == roles.vector
        inner = roles.reduced[roles.reduced.find(place) + 1 :]
        if not in_rows and place in roles.reduced and inner and not is_written_out(merged, place + inner):
            found.add(each.dim)
    return found


def _is_argument(value: SSAValue, index: int) -> bool:
    return isinstance(value, BlockArgument) and value.index == index
