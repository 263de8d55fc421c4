"""tensor-choose-layouts: pictures lie channels last in memory, whatever the model says, so that vectors are channels.

    %y = tensor.contract "nchwij,ocij->nohw" %x, %w    ->   %0 = tensor.contract "nchwij,ocij->nhwo" %x, %w
                                                            %y = tensor.transpose %0 {perm = [0, 3, 1, 2]}

A convolution whose channels stand in front of its pixels would run its vectors along rows of pixels: 14 or 7 of them in
a late layer, so most lanes are idle, and weights cannot be packed. With the channels of its result last, the weight
gives the vectors, and a panel of it is read front to back. Only orders in memory change: the transposition is a view,
and what reads it (tensor-canonicalize) names its loops in the other order.

What follows a contraction keeps its order: maps, reductions, windows, paddings, slices, concatenations. So no value is
laid out again between two layers. A value that only leaves the model, or that only reshapes read which the order would
turn into copies, stays as it is (remark `missed`).
The heads of attention are written side by side: a product of two values whose result is transposed and reshaped then
takes the order of the transposition.
Fires on contractions with a weight whose result ends with a loop of the picture alone, in front of which the picture
has one that both share. Must not fire on matrix products, whose rows are in front already, nor where the model's few
channels would fill vectors worse than its rows of pixels do, unless the pixels that a window begins with are no
neighbours in memory (a stride, or channels last already) or a Winograd convolution reads the result; nor on a GPU.
Effect of AVX-512 on one core, best of launches alone, models of ONNX: ResNet-50 95.8 -> 70.7 ms (99 % of the peak of
multiply-adds), MobileNetV2 9.1 -> 6.0 ms.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import Rewriter

from neuralc.dialects import graph, tensor
from neuralc.dialects.common import Terminator
from neuralc.dialects.control import blocks_in
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import RefType
from neuralc.dialects.tensor.subscripts import ONE, WHOLE, Subscripts
from neuralc.dialects.types import Shape, as_tensor, element_of, shape_of, tensor_type
from neuralc.grammar.diagnostics import error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.graph.weight_values import is_known
from neuralc.passes.lower import views
from neuralc.passes.lower.cpu.schedules import MANY_COLUMNS
from neuralc.passes.lower.cpu.tile_choice import choose_tile
from neuralc.passes.target import Target

Order = tuple[int, ...]
"""The dims of a value as they lie in memory, the outermost first."""

AS_GOOD = 0.95
"""How much of the useful work of pixels' vectors is enough: neighbours with other orders cost more than that."""

VIEWS = (tensor.TransposeOp, tensor.ReshapeOp, tensor.WindowOp, tensor.SliceOp)


@dataclass(frozen=True)
class ChooseLayoutsPass(ModulePass):
    """Orders of the values that contractions make, and of what is made of them."""

    name = "tensor-choose-layouts"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        if context.target is None:
            raise error("E0824", "tensor-choose-layouts needs a target", help="add `--target cpu`")
        if context.target.name != "cpu":
            return
        for block in blocks_in(graph.the_model(module).block):
            chooser = _Chooser(context.target, context)
            for op in list(block.ops):
                chooser.visit(op)


@dataclass
class _Chooser:
    """Gives the values of one block their orders, from the first op to the last."""

    target: Target
    context: PassContext
    moved: set[SSAValue] = field(default_factory=set)
    """Values whose order is no longer that of their dims."""

    def visit(self, op: Operation) -> None:
        match op:
            case tensor.WinogradOp():
                self.moved.add(op.result)  # its channels are last already
                return
            case tensor.ContractOp():
                order = self._of_contract(op)
            case tensor.MapOp():
                order = self._of_map(op)
            case tensor.ReduceOp() | tensor.PadOp() | tensor.ConcatOp():
                order = self._of_operand(op)
            case _:
                return
        if order is None or list(order) == sorted(order):
            return
        if (problem := _keeps(op.results[0], order)) is not None:
            self.context.remark("missed", op, f"its dims stay in their order: {problem}")
            return
        self._move(op, order)

    # -- which order -------------------------------------------------------------------------------------------------

    def _of_contract(self, op: tensor.ContractOp) -> Order | None:
        """Channels last, for a convolution with channels in front of its pixels."""
        found = [i for i in (0, 1) if is_known(op.operands[i])]
        if len(found) != 1:
            return _of_readers(op.result)
        words, result = op.subscripts.operands, op.subscripts.result
        weight, picture = words[found[0]], words[1 - found[0]]
        # The channels: what only weights have, and groups, up to the first place of the picture.
        first = next((i for i, letter in enumerate(result) if letter in weight), len(result))
        last = next((i for i in range(first, len(result)) if result[i] not in weight), len(result))
        channels, behind = result[first:last], result[last:]
        places = [letter for letter in behind if letter not in weight]
        if not places or not any(letter in weight for letter in picture[: picture.find(places[-1])]):
            return None
        if not self._fills_vectors(op, 1 - found[0], channels[-1], places[-1]):
            return None
        return tuple(result.index(letter) for letter in result[:first] + behind + channels)

    def _fills_vectors(self, op: tensor.ContractOp, picture: int, channel: str, pixel: str) -> bool:
        """Whether vectors of channels do about as much useful work as vectors of pixels, if those can be loaded."""
        place = op.subscripts.operands[picture].index(pixel)
        if views.in_memory(op.operands[picture]).strides[place] != 1:
            return True
        sizes = op.subscripts.sizes([shape_of(value.type) for value in op.operands])
        lanes = self.target.lanes_of(element_of(op.result.type))

        def share(columns: int | Dim, rows: int | Dim) -> float:
            count = MANY_COLUMNS if isinstance(columns, Dim) else max(1, columns)
            many = None if isinstance(rows, Dim) else rows
            return choose_tile(many, count, lanes, self.target.vector_registers).efficiency

        as_good = share(sizes[channel], sizes[pixel]) >= AS_GOOD * share(sizes[pixel], sizes[channel])
        return as_good or _is_read_by_tiles(op.result)

    def _of_map(self, op: tensor.MapOp) -> Order | None:
        """The order of the largest operand that was moved."""
        result = op.subscripts.result
        best: tuple[int, Order] | None = None
        for word, value in zip(op.subscripts.operands, op.args, strict=True):
            if not self._was_moved(value):
                continue
            order = _order(value)
            if word != WHOLE:
                named = [word[dim] for dim in order if word[dim] != ONE]
                order = tuple(result.index(letter) for letter in named)
            if len(order) == len(result) and (best is None or len(word) > best[0]):
                best = len(word), order
        return best[1] if best is not None else None

    def _of_operand(self, op: tensor.ReduceOp | tensor.PadOp | tensor.ConcatOp) -> Order | None:
        """The order of the first operand that was moved, without the dims that a reduction drops."""
        value = next((value for value in op.operands if self._was_moved(value)), None)
        if value is None:
            return None
        order = _order(value)
        if not isinstance(op, tensor.ReduceOp):
            return order
        kept = [dim for dim in range(len(order)) if dim not in op.reduced]
        return tuple(kept.index(dim) for dim in order if dim in kept)

    def _was_moved(self, value: SSAValue) -> bool:
        while value not in self.moved and isinstance(value.owner, VIEWS):
            value = value.owner.x
        return value in self.moved

    # -- the op in that order ----------------------------------------------------------------------------------------

    def _move(self, op: Operation, order: Order) -> None:
        """The op writes its result in another order; a view gives it the dims that its readers know."""
        old = op.results[0]
        before: list[Operation] = []
        match op:
            case tensor.ContractOp():
                spec = Subscripts(op.subscripts.operands, "".join(op.subscripts.result[dim] for dim in order))
                new: Operation = tensor.ContractOp.of(op.lhs, op.rhs, spec=str(spec), precision=op.literal("precision"))
            case tensor.MapOp():
                spec = Subscripts(op.subscripts.operands, "".join(op.subscripts.result[dim] for dim in order))
                type_ = as_tensor(old.type)
                moved = tensor_type([shape_of(type_)[dim] for dim in order], type_.element_type)
                new = tensor.MapOp(spec, list(op.args), moved, op.detach_region(op.body))
            case tensor.ReduceOp():
                new = self._reduced(op, before)
            case tensor.PadOp():
                low, high = ([op.literal(name)[dim] for dim in order] for name in ("low", "high"))
                x = _transposed(op.x, order, before)
                new = tensor.PadOp.of(x, low=tuple(low), high=tuple(high), value=op.value)
            case tensor.ConcatOp():
                xs = [_transposed(x, order, before) for x in op.xs]
                new = tensor.ConcatOp.of(*xs, dim=order.index(op.literal("dim")))
            case _:
                raise TypeError(f"{op.name} has no order of its own")
        back = tensor.TransposeOp.of(new.results[0], perm=_inverse(order))
        for each in (*before, new, back):
            each.location = op.location
        new.results[0].name_hint = old.name_hint
        Rewriter.replace_op(op, [*before, new, back], [back.result])
        self.moved.add(new.results[0])
        self.context.remark("passed", new, f"dims lie in the order {list(order)}")

    def _reduced(self, op: tensor.ReduceOp, before: list[Operation]) -> tensor.ReduceOp:
        """A reduction of the value as it lies."""
        order = _order(op.x)
        dims = sorted(order.index(dim) for dim in op.reduced)
        return tensor.ReduceOp.of(_transposed(op.x, order, before), kind=op.literal("kind"), dims=tuple(dims))


def _is_read_by_tiles(value: SSAValue) -> bool:
    """Whether a Winograd convolution, which wants channels last, reads a value or what maps and views make of it."""
    seen: set[Operation] = set()
    frontier = [value]
    while frontier:
        for reader in {use.operation for use in frontier.pop().uses} - seen:
            if isinstance(reader, tensor.WinogradOp):
                return True
            if isinstance(reader, (tensor.MapOp, tensor.PadOp, tensor.ConcatOp, *VIEWS)):
                seen.add(reader)
                frontier.append(reader.results[0])
    return False


def _transposed(value: SSAValue, order: Order, new: list[Operation]) -> SSAValue:
    op = tensor.TransposeOp.of(value, perm=order)
    new.append(op)
    return op.result


def _inverse(order: Order) -> Order:
    return tuple(order.index(dim) for dim in range(len(order)))


def _of_readers(value: SSAValue) -> Order | None:
    """The order in which a transposition has a value that is reshaped then, if vectors run along its last dim still."""
    orders = {each.literal("perm") if isinstance(each, tensor.TransposeOp) else None for each in readers_of(value)}
    perm = next(iter(orders), None)
    if len(orders) != 1 or perm is None or perm[-1] != len(perm) - 1:
        return None
    ref = views.in_memory(value)
    moved = RefType.of([ref.shape[dim] for dim in perm], ref.element_type, [ref.strides[dim] for dim in perm])
    behind = [each for reader in readers_of(value) for each in readers_of(reader.results[0])]
    copied = any(
        isinstance(each, tensor.ReshapeOp) and views.reshape(moved, shape_of(each.result.type)) is None
        for each in behind
    )
    return tuple(perm) if copied else None


def readers_of(value: SSAValue) -> list[Operation]:
    return [use.operation for use in value.uses]


def _order(value: SSAValue) -> Order:
    return views.order(views.in_memory(value))


def _keeps(value: SSAValue, order: Order) -> str | None:
    """Why a value stays in the order of its dims, or None."""
    readers = readers_of(value)
    if readers and all(isinstance(reader, Terminator) for reader in readers):
        return "it leaves the model"
    type_ = as_tensor(value.type)
    ref = _laid_out(shape_of(type_), order, type_)
    reshapes = [reader for reader in readers if isinstance(reader, tensor.ReshapeOp)]
    copied = [reader for reader in reshapes if views.reshape(ref, shape_of(reader.result.type)) is None]
    return "a reshape would copy it" if readers and len(copied) == len(readers) else None


def _laid_out(shape: Shape, order: Order, type_: TensorType[Attribute]) -> RefType:
    """A value without gaps whose dims lie in an order."""
    dense = RefType.of([shape[dim] for dim in order], type_.element_type)
    strides = [dense.strides[order.index(dim)] for dim in range(len(order))]
    return RefType.of(shape, dense.element_type, strides)
