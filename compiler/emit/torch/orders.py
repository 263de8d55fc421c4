"""In which order of axes torch takes the operands of an op: channels at axis 1."""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import (
    AveragePoolOp,
    BatchNormOp,
    ConcatOp,
    ConvOp,
    ConvTransposeOp,
    DropoutOp,
    GroupNormOp,
    MaxPoolOp,
    PreluOp,
    ResizeOp,
    WhereOp,
)
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.graph.shapes import CHANNEL, normalize_axis
from neuralc.dialects.types import shape_of
from neuralc.emit.layouts import Order, channels_second, natural, usual_order
from neuralc.emit.torch.recurrent import is_layer
from neuralc.emit.torch.recurrent_stacks import BATCH_FIRST, stack_of


def is_per_channel(x: SSAValue, alpha: SSAValue) -> bool:
    """True when a PReLU's alpha varies along the last axis of x only, which is what nn.PReLU does along axis 1."""
    shape, slopes = shape_of(x.type), shape_of(alpha.type)
    return len(shape) >= 2 and bool(slopes) and slopes[-1] == shape[-1] and all(size == 1 for size in slopes[:-1])


def demanded_order(op: Operation) -> Order | None:
    """The order in which torch takes the first operand of `op`; None where it takes any."""
    match op:
        case ConvOp() | ConvTransposeOp() | MaxPoolOp() | AveragePoolOp():
            channel = CHANNEL[op.literal("data_format")]
            return channels_second(channel + 1, channel) if channel > 1 else natural(op.x)
        case ResizeOp() if "scales" in op.properties:
            scales = op.literal("scales")
            channel = len(scales) - 1 if scales[-1] == 1.0 else 1
            return channels_second(len(scales), channel) if len(scales) > 2 else natural(op.x)
        case BatchNormOp() | GroupNormOp():
            rank = len(shape_of(op.x.type))
            axis = normalize_axis(op.literal("axis"), rank)
            # A vector has no batch axis to normalize over; the lowering refuses it.
            return channels_second(rank, axis) if rank > 1 else natural(op.x)
        case PreluOp():
            rank = len(shape_of(op.x.type))
            return channels_second(rank, rank - 1) if is_per_channel(op.x, op.alpha) else natural(op.x)
        case RecurrentOp():
            stack = stack_of(op)
            turned = stack is not None and stack.batch_first and is_layer(stack)
            return BATCH_FIRST if turned else natural(op.operands[0])
        case DropoutOp():
            dropped = channel_of(op)
            return None if dropped is None else channels_second(len(shape_of(op.x.type)), dropped)
        case _:
            return usual_order(op)


def made_order(value: SSAValue) -> Order | None:
    """A recurrent layer gives what joins its directions, and zeros at steps that do not count, as it has them."""
    if not isinstance(value.owner, ConcatOp | WhereOp):
        return None
    stack = stack_of(value.owner)
    return BATCH_FIRST if stack is not None and stack.batch_first and is_layer(stack) else None


def channel_of(op: DropoutOp) -> int | None:
    """The channel axis of a dropout that drops whole channels of a sequence, an image or a volume."""
    rank, shared = len(shape_of(op.x.type)), op.literal("shared")
    channels = [axis for axis in range(1, rank) if axis not in shared]
    return channels[0] if rank in (3, 4, 5) and len(channels) == 1 and 0 not in shared else None
