"""Which order of axes each value has in the emitted code.

torch's convolutions, pools and batch norms want channels at axis 1, those of Keras last; a `.nr` model has them last,
an ONNX model at axis 1. The analysis gives every value an *order*: axis i of the emitted tensor holds axis `order[i]`
of the model's. Layers that want an order (`Demand`) get it, everything else follows its operand, so that a permute is
written only where the layout is observable: at the model's inputs and outputs, before a flatten, a dense layer over the
last axis, a broadcast against a shorter shape.

A graph.transpose moves nothing at all: it only renames the axes of what it is applied to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects.graph import (
    ArgReduceOp,
    AveragePoolOp,
    BatchNormOp,
    BinaryOp,
    BitcastOp,
    CallOp,
    CastOp,
    ConcatOp,
    ConvOp,
    ConvTransposeOp,
    CumulateOp,
    DenseOp,
    DetOp,
    EinsumOp,
    ExpandOp,
    FuncOp,
    FunctionLike,
    GatherOp,
    GroupNormOp,
    LayerNormOp,
    LogSoftmaxOp,
    LrnOp,
    MatmulOp,
    MaxPoolOp,
    PadOp,
    PreluOp,
    ReduceOp,
    ReshapeOp,
    ResizeOp,
    ReturnOp,
    RmsNormOp,
    SliceOp,
    SoftmaxOp,
    TopKOp,
    TrainingOp,
    TransposeOp,
    UnaryOp,
    WhereOp,
)
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.types import Shape, shape_of

Order: TypeAlias = tuple[int, ...]
Demand: TypeAlias = Callable[[Operation], "Order | None"]
"""The order in which a form takes the first operand of an op; None where it takes any."""


Makes: TypeAlias = Callable[[SSAValue], "Order | None"]
"""The order in which a form makes a value whatever its operands are; None where they decide."""


FOLLOWING = (
    UnaryOp,
    ConvOp,
    ConvTransposeOp,
    MaxPoolOp,
    AveragePoolOp,
    BatchNormOp,
    GroupNormOp,
    LrnOp,
    CastOp,
    TrainingOp,
    PreluOp,
    SoftmaxOp,
    LogSoftmaxOp,
    ReduceOp,
    PadOp,
    ResizeOp,
    SliceOp,
    ConcatOp,
)
"""Ops whose result has the order of their operands. Others get the first one in the model's own order, unless a form
asks for another: what a region yields, what a state keeps."""


def _as_analyzed(value: SSAValue) -> Order | None:
    return None


def natural(value: SSAValue) -> Order:
    """The order of the model itself."""
    return tuple(range(len(shape_of(value.type))))


def channels_second(rank: int, axis: int) -> Order:
    """The order with the model's `axis` at axis 1, the others as they come."""
    first, *others = (i for i in range(rank) if i != axis)
    return (first, axis, *others)


def channels_last(rank: int, axis: int) -> Order:
    """The order with the model's `axis` behind the others."""
    return (*(i for i in range(rank) if i != axis), axis)


def permuted(shape: Shape, order: Order) -> Shape:
    return tuple(shape[axis] for axis in order)


def conversion(have: Order, want: Order) -> Order:
    """The arguments of `permute` that take a tensor from one order to another."""
    return tuple(have.index(axis) for axis in want)


def usual_order(op: Operation) -> Order | None:
    """What every form demands: the model's own order where an op names axes or sizes that a form writes as they are."""
    match op:
        case DenseOp() | MatmulOp() | EinsumOp() | DetOp() | ReshapeOp():
            return natural(op.operands[0])
        case WhereOp() | CastOp() | BitcastOp() | ArgReduceOp() | CumulateOp() | TopKOp():
            return natural(op.operands[0])
        case ResizeOp() | ExpandOp() | GatherOp():
            return natural(op.operands[0])
        case GroupNormOp() | LayerNormOp() | RmsNormOp() | LrnOp():
            return natural(op.operands[0])
        case _:
            return None


class Layouts:
    """The orders of all values of a module: `orders[value]`, and what op wants of its operands: `needs[op]`."""

    def __init__(
        self, table: Mapping[str, Operation], weights: frozenset[SSAValue], demand: Demand, makes: Makes = _as_analyzed
    ) -> None:
        self.orders: dict[SSAValue, Order] = {}
        self.needs: dict[Operation, tuple[Order, ...]] = {}
        self._table = table
        self._weights = weights
        self._demand = demand
        self._makes = makes

    def analyze(self, function: FunctionLike, arguments: Sequence[Order]) -> None:
        """Give an order to every value of `function` and of the functions it calls."""
        self.orders.update(zip(function.arguments, arguments, strict=True))
        self._analyze_block(function.block)

    def analyze_region(self, block: Block) -> None:
        """Give an order to every value of a region of control flow, whose arguments have the model's own."""
        self.orders.update({argument: natural(argument) for argument in block.args})
        self._analyze_block(block)

    def _analyze_block(self, block: Block) -> None:
        for op in block.ops:
            needs = self._needs(op)
            self.needs[op] = needs
            for index, result in enumerate(op.results):
                self.orders[result] = self._makes(result) or self._result_order(op, index, needs)

    def callee(self, op: CallOp) -> FunctionLike:
        function = self._table[op.callee.root_reference.data]
        assert isinstance(function, FunctionLike), "the verifier resolves callees"
        return function

    # -- operands ----------------------------------------------------------------------------------------------------

    def _needs(self, op: Operation) -> tuple[Order, ...]:
        have = [self.orders[operand] for operand in op.operands]
        match op:
            case CallOp():
                return self._call_needs(op, have)
            case BinaryOp():
                order = self._common_order(op, have)
                rank = len(order)
                return tuple(
                    order if len(own) == rank else natural(x) for own, x in zip(have, op.operands, strict=True)
                )
            case ConcatOp():
                # All in the order that the first one of them has which is not the model's.
                return (next((order for order in have if order != natural(op.result)), have[0]),) * len(have)
            case ReshapeOp() if self._moves_only_ones(op.x):
                return (have[0],)
            case ReturnOp():
                # A model keeps its own layout to the outside; a function hands over what it computed.
                inside = isinstance(op.parent_op(), FuncOp)
                return tuple(have) if inside else tuple(natural(x) for x in op.operands)
        if not op.operands:
            return ()
        first, *others = (natural(operand) for operand in op.operands)
        follows = isinstance(op, (*FOLLOWING, TransposeOp, RecurrentOp))
        return (self._demand(op) or (self._followed_order(op, have[0]) if follows else first), *others)

    def _followed_order(self, op: Operation, have: Order) -> Order:
        """The operand's own order; but an input goes where its users want it before anything is done with it."""
        if op.operands[0].owner is op.parent_block() and have == natural(op.operands[0]):
            return self._wanted(op.operands[0]) or have
        return have

    def _common_order(self, op: BinaryOp, have: Sequence[Order]) -> Order:
        rank = len(shape_of(op.results[0].type))
        result = tuple(range(rank))
        full = [order for order in have if len(order) == rank]
        short = [x for x, order in zip(op.operands, have, strict=True) if len(order) < rank]
        if any(size != 1 for operand in short for size in shape_of(operand.type)):
            return result  # aligned with the model's last axes
        return next((order for order in full if order != result), result)

    def _call_needs(self, op: CallOp, have: Sequence[Order]) -> tuple[Order, ...]:
        function = self.callee(op)
        if not all(argument in self.orders for argument in function.arguments):
            wanted = [self._wanted(argument) or order for argument, order in zip(function.arguments, have, strict=True)]
            self.analyze(function, wanted)
        return tuple(self.orders[argument] for argument in function.arguments)

    def _moves_only_ones(self, x: SSAValue) -> bool:
        shape, order = shape_of(x.type), self.orders[x]
        kept = [axis for axis in order if shape[axis] != 1]
        return kept == sorted(kept)

    def _wanted(self, value: SSAValue) -> Order | None:
        """The first order other than the natural one that a user of `value` wants, seen through what follows it."""
        if value in self._weights:
            return None
        for use in value.uses:
            op, order = use.operation, None
            if isinstance(op, CallOp):
                argument = self.callee(op).arguments[use.index]
                order = self.orders[argument] if argument in self.orders else self._wanted(argument)
            elif isinstance(op, UnaryOp | TrainingOp | BinaryOp) and shape_of(op.results[0].type) == shape_of(
                value.type
            ):
                order = self._wanted(op.results[0])
            elif use.index == 0:
                order = self._demand(op)
            if order is not None and order != natural(value):
                return order
        return None

    # -- results -----------------------------------------------------------------------------------------------------

    def _result_order(self, op: Operation, index: int, needs: Sequence[Order]) -> Order:
        match op:
            case CallOp():
                returned = self.callee(op).terminator.operands[index]
                return self.orders[returned]
            case TransposeOp():
                perm = op.literal("perm")
                return tuple(perm.index(axis) for axis in needs[0])
            case ReduceOp() if not op.literal("keepdims"):
                return _without(needs[0], op.literal("axes"))
            case BinaryOp():
                rank = len(shape_of(op.results[0].type))
                return next(order for order in (*needs, natural(op.results[0])) if len(order) == rank)
            case ReshapeOp() | DenseOp():
                return natural(op.results[0])
            case RecurrentOp():
                return needs[0] if index == 0 else natural(op.results[index])
            case _ if isinstance(op, FOLLOWING):
                return needs[0]
            case _:
                return natural(op.results[index])


def _without(order: Order, axes: Sequence[int]) -> Order:
    """The order of what is left when `axes` are reduced away."""
    gone = {axis % len(order) for axis in axes}
    kept = [axis for axis in range(len(order)) if axis not in gone]
    return tuple(kept.index(axis) for axis in order if axis not in gone)
