"""Which order of axes each value has in an ONNX graph: channels at axis 1 where an operator has them there.

Weights are values as well: a kernel that a convolution reads as [out, in, height, width] is stored like that, so that
no node turns it. Everything else is the analysis that emitters share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.control import Control
from neuralc.dialects.graph import (
    ArgMaxPoolOp,
    AveragePoolOp,
    BatchNormOp,
    BinaryOp,
    CallOp,
    CastOp,
    ConcatOp,
    ConvOp,
    ConvTransposeOp,
    DenseOp,
    FunctionLike,
    GetWeightOp,
    GroupNormOp,
    LogSoftmaxOp,
    LrnOp,
    MaxPoolOp,
    PadOp,
    PreluOp,
    ReduceOp,
    ResizeOp,
    ReturnOp,
    SliceOp,
    SoftmaxOp,
    TrainingOp,
    TransposeOp,
    UnaryOp,
    WeightOp,
    YieldOp,
)
from neuralc.dialects.graph.shapes import CHANNEL, normalize_axis
from neuralc.dialects.types import shape_of
from neuralc.emit.layouts import Layouts, Order, channels_second, natural

FOLLOWERS = (
    BinaryOp, CastOp, ConcatOp, LogSoftmaxOp, PadOp, PreluOp, ReduceOp, ReturnOp, SliceOp, SoftmaxOp, TrainingOp,
    TransposeOp, UnaryOp,
)  # fmt: skip
"""Ops that are written for any order of axes."""


def demanded_order(op: Operation) -> Order | None:
    """The order in which ONNX takes the first operand of `op`; None where it takes any."""
    match op:
        case ConvOp() | ConvTransposeOp() | MaxPoolOp() | ArgMaxPoolOp() | AveragePoolOp():
            return channels_second(len(shape_of(op.x.type)), CHANNEL[op.literal("data_format")])
        case BatchNormOp() | GroupNormOp() | LrnOp():
            rank = len(shape_of(op.x.type))
            return channels_second(rank, normalize_axis(op.literal("axis"), rank)) if rank > 1 else natural(op.x)
        case PreluOp() if not is_per_channel(op) and len(shape_of(op.alpha.type)) != len(shape_of(op.x.type)) - 1:
            return natural(op.x)
        case ResizeOp() if len(shape_of(op.x.type)) > 2:
            return channels_second(len(shape_of(op.x.type)), _channel_of(op))
        case _ if isinstance(op, FOLLOWERS) or not op.operands:
            return None
        case _:
            return natural(op.operands[0])


def _channel_of(op: ResizeOp) -> int:
    """The axis that is not resized, which is the last one or the one behind the batch."""
    before, after = shape_of(op.x.type), shape_of(op.result.type)
    return len(before) - 1 if before[-1] == after[-1] else 1


def is_per_channel(op: PreluOp) -> bool:
    """True when alpha varies along the last axis of x only, and can go with it to another place."""
    shape, slopes = shape_of(op.x.type), shape_of(op.alpha.type)
    return len(shape) >= 2 and bool(slopes) and slopes[-1] == shape[-1] and all(size == 1 for size in slopes[:-1])


def kernel_order(op: Operation) -> Order | None:
    """The order in which ONNX takes the kernel of a convolution; None for other ops."""
    if not isinstance(op, ConvOp | ConvTransposeOp):
        return None
    rank = len(shape_of(op.kernel.type))
    window = tuple(range(rank - 2))
    return (rank - 1, rank - 2, *window) if isinstance(op, ConvOp) else (rank - 2, rank - 1, *window)


def weight_values(model: FunctionLike, table: Mapping[str, Operation]) -> frozenset[SSAValue]:
    """Values that are weights: reads of them, and arguments of functions that get nothing else."""
    found: set[SSAValue] = set()
    others: set[SSAValue] = set()
    calls = [op for _, op in _calls(model, table)]
    for op in model.walk():
        if isinstance(op, GetWeightOp):
            found.add(op.results[0])
    for op in calls:
        function = table[op.callee.root_reference.data]
        assert isinstance(function, FunctionLike), "the verifier resolves callees"
        for argument, value in zip(function.arguments, op.args, strict=True):
            (found if value in found else others).add(argument)
    return frozenset(found - others)


def _calls(function: FunctionLike, table: Mapping[str, Operation]) -> Iterator[tuple[FunctionLike, CallOp]]:
    """All calls that a function makes, those of its callees behind it."""
    done: set[str] = set()
    waiting = [function]
    while waiting:
        current = waiting.pop(0)
        for op in current.walk():
            if not isinstance(op, CallOp):
                continue
            yield current, op
            name = op.callee.root_reference.data
            callee = table[name]
            if name not in done and isinstance(callee, FunctionLike):
                done.add(name)
                waiting.append(callee)


class OnnxLayouts(Layouts):
    """The shared analysis with the wishes of ONNX, and with weights and regions of control flow."""

    def __init__(self, table: Mapping[str, Operation], model: FunctionLike) -> None:
        super().__init__(table, weight_values(model, table), demanded_order)
        self.of_weights: dict[str, Order] = {}
        """The order in which each weight is stored."""
        reads = [op for op in model.walk() if isinstance(op, GetWeightOp)]
        for op in reads:
            wish = self._weight_wish(op.results[0])
            if wish is not None:
                self.of_weights.setdefault(op.weight_name, wish)
        for name, weight in table.items():
            if isinstance(weight, WeightOp):
                self.of_weights.setdefault(name, tuple(range(len(shape_of(weight.type)))))

    def _needs(self, op: Operation) -> tuple[Order, ...]:
        match op:
            case Control():
                for captures in op.captures:
                    self._analyze_region(captures.region.block.args, captures.region.block.ops)
                return tuple(natural(operand) for operand in op.operands)
            case YieldOp():
                return tuple(natural(operand) for operand in op.operands)
            case TransposeOp():
                return (self._transposed(op),)
            case PreluOp() if len(shape_of(op.alpha.type)) == len(shape_of(op.x.type)) - 1:
                first, alpha = super()._needs(op)
                # Slopes for each place of a sample: in the order of the sample, where the batch stays in front.
                return (first, tuple(axis - 1 for axis in first[1:])) if first[0] == 0 else (natural(op.x), alpha)
            case ConvOp() | ConvTransposeOp():
                first, _, *rest = super()._needs(op)
                return (first, kernel_order(op) or natural(op.kernel), *rest)
            case DenseOp() if len(shape_of(op.x.type)) == 2:
                first, _, *rest = super()._needs(op)
                return (first, self.orders[op.kernel], *rest)
            case _:
                return super()._needs(op)

    def _result_order(self, op: Operation, index: int, needs: Sequence[Order]) -> Order:
        match op:
            case GetWeightOp():
                return self.of_weights[op.weight_name]
            case GroupNormOp() | LrnOp() | CastOp():
                return needs[0]
            case _:
                return super()._result_order(op, index, needs)

    def _transposed(self, op: TransposeOp) -> Order:
        """The operand as it is where that is what users want; else in the order that makes the result the model's own.

        Without the second, a transpose would be written once for each user.
        """
        have, perm = self.orders[op.operands[0]], tuple(op.literal("perm"))
        result = tuple(perm.index(axis) for axis in have)
        if self._is_of_weight(op) or result == natural(op.results[0]) or self._wanted(op.results[0]) == result:
            return have
        if any(use.index == 1 and self._takes_kernel(use.operation, result) for use in op.results[0].uses):
            return have
        return perm

    def _is_of_weight(self, op: Operation) -> bool:
        """Whether an op is a transpose of a weight, which is stored as it is needed."""
        value = op.operands[0]
        while isinstance(value.owner, TransposeOp):
            value = value.owner.operands[0]
        return value in self._weights

    def _takes_kernel(self, op: Operation, order: Order) -> bool:
        return kernel_order(op) == order or (isinstance(op, DenseOp) and len(shape_of(op.x.type)) == 2)

    def _analyze_region(self, arguments: Sequence[SSAValue], ops: Iterable[Operation]) -> None:
        self.orders.update((argument, natural(argument)) for argument in arguments)
        for op in ops:
            self.needs[op] = self._needs(op)
            for index, result in enumerate(op.results):
                self.orders[result] = self._result_order(op, index, self.needs[op])

    def _weight_wish(self, value: SSAValue) -> Order | None:
        """The order in which the first user with a preference wants a weight, seen through calls and transposes."""
        for use in value.uses:
            op, wish = use.operation, None
            if isinstance(op, CallOp):
                argument = self.callee(op).arguments[use.index]
                wish = self._weight_wish(argument) if argument in self._weights else None
            elif isinstance(op, TransposeOp):
                perm, behind = op.literal("perm"), self._weight_wish(op.results[0])
                wish = None if behind is None else tuple(perm[axis] for axis in behind)
            elif use.index == 1 and isinstance(op, ConvOp | ConvTransposeOp):
                wish = kernel_order(op)
            elif use.index == 1 and isinstance(op, DenseOp) and len(shape_of(op.x.type)) != 2:
                wish = natural(value)
            if wish is not None:
                return wish
        return None
