"""In which order of axes Keras takes the operands of an op: channels last, sequences with the batch in front."""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import (
    ArgMaxPoolOp,
    AveragePoolOp,
    BatchNormOp,
    BinaryOp,
    CallOp,
    ConcatOp,
    ConvOp,
    ConvTransposeOp,
    DropoutOp,
    GroupNormOp,
    LogSoftmaxOp,
    MaxPoolOp,
    PadOp,
    PreluOp,
    ReduceOp,
    ReshapeOp,
    ResizeOp,
    ReturnOp,
    SliceOp,
    SoftmaxOp,
    TrainingOp,
    TransposeOp,
    UnaryOp,
)
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.graph.shapes import CHANNEL, normalize_axis
from neuralc.dialects.types import shape_of
from neuralc.emit.layouts import Order, channels_last, natural, usual_order

BATCH_FIRST: Order = (1, 0, 2)
"""A sequence [time, batch, features] with the batch in front."""


FOLLOWING = (
    BinaryOp, CallOp, ConcatOp, LogSoftmaxOp, PadOp, ReduceOp, ReshapeOp, ReturnOp, SliceOp, SoftmaxOp, TrainingOp,
    TransposeOp, UnaryOp,
)  # fmt: skip
"""Ops that take their operands in any order of axes."""


def demanded_order(op: Operation) -> Order | None:
    """The order in which Keras takes the first operand of `op`; None where it takes any."""
    match op:
        case ConvOp() | ConvTransposeOp() | MaxPoolOp() | AveragePoolOp() | ArgMaxPoolOp():
            return channels_last(len(shape_of(op.x.type)), CHANNEL[op.literal("data_format")])
        case ResizeOp() if (channel := resized_channel(op)) is not None:
            return channels_last(len(shape_of(op.x.type)), channel)
        case BatchNormOp() | GroupNormOp():
            rank = len(shape_of(op.x.type))
            return channels_last(rank, normalize_axis(op.literal("axis"), rank))
        case PreluOp() if (channel := slope_axis(op.x, op.alpha)) is not None:
            return channels_last(len(shape_of(op.x.type)), channel)
        case DropoutOp() if (channel := dropped_channel(op)) is not None:
            return channels_last(len(shape_of(op.x.type)), channel)
        case RecurrentOp():
            return BATCH_FIRST
        case _ if op.operands and not isinstance(op, FOLLOWING):
            return natural(op.operands[0])
        case _:
            return usual_order(op)


def resized_channel(op: ResizeOp) -> int | None:
    """The channel axis of a resize that leaves batch and channels alone: the last axis, or axis 1."""
    rank = len(shape_of(op.x.type))
    before, after = shape_of(op.x.type), shape_of(op.result.type)
    scales = op.literal("scales") if "scales" in op.properties else [1.0] * rank
    kept = [axis for axis in range(rank) if before[axis] == after[axis] and scales[axis] == 1.0]
    if rank not in (3, 4, 5) or 0 not in kept:
        return None
    return next((axis for axis in (rank - 1, 1) if axis in kept), None)


def is_repeated(op: ResizeOp) -> bool:
    """True for a resize that repeats the places of all dims but the batch and the channels by whole factors."""
    if "scales" not in op.properties or op.literal("mode") != "nearest" or resized_channel(op) is None:
        return False
    floors = (op.literal("coordinates"), op.literal("nearest_mode")) == ("asymmetric", "floor")
    return floors and all(scale == int(scale) for scale in op.literal("scales"))


def slope_axis(x: SSAValue, alpha: SSAValue) -> int | None:
    """The one axis along which the slopes of a PReLU vary, where it is one; axis 0 is the batch."""
    rank, slopes = len(shape_of(x.type)), shape_of(alpha.type)
    varying = [rank - len(slopes) + axis for axis, size in enumerate(slopes) if size != 1]
    fits = len(varying) == 1 and varying[0] > 0 and shape_of(x.type)[varying[0]] == slopes[varying[0] - rank]
    return varying[0] if fits else None


def dropped_channel(op: DropoutOp) -> int | None:
    """The channel axis of a dropout that drops whole channels of a sequence, an image or a volume."""
    rank, shared = len(shape_of(op.x.type)), op.literal("shared")
    channels = [axis for axis in range(1, rank) if axis not in shared]
    alike = op.literal("kind") == "zeros" and rank in (3, 4, 5) and 0 not in shared
    return channels[0] if alike and len(channels) == 1 else None
