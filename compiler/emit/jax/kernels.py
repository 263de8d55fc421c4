"""How the weights of layers lie in the file: lax takes any order of axes, so a kernel keeps the one it is stored in."""

from __future__ import annotations

from xdsl.ir import SSAValue

from neuralc.dialects.graph import ConvOp, ConvTransposeOp, ReshapeOp, TransposeOp
from neuralc.dialects.graph.shapes import CHANNEL
from neuralc.dialects.types import shape_of

_SPATIAL = {1: "W", 2: "HW", 3: "DHW"}


def stored_kernel(op: ConvOp | ConvTransposeOp) -> SSAValue:
    """What a kernel is a transpose of, or the kernel."""
    source = op.kernel.owner
    return source.operands[0] if isinstance(source, TransposeOp) else op.kernel


def kernel_layout(op: ConvOp | ConvTransposeOp) -> str:
    """The axes of the stored kernel, in lax's letters: `HWIO`."""
    spatial = _SPATIAL[len(op.literal("strides"))]
    letters = f"{spatial}IO"
    source = op.kernel.owner
    if not isinstance(source, TransposeOp):
        return letters
    perm = source.literal("perm")
    return "".join(letters[perm.index(axis)] for axis in range(len(perm)))


def depthwise_source(op: ConvOp) -> SSAValue | None:
    """The kernel [*window, channels, multiplier] of a depthwise convolution, which the op has with one axis of both."""
    source, rank = op.kernel.owner, len(op.literal("strides"))
    if not isinstance(source, ReshapeOp) or op.literal("groups") != channels_of(op):
        return None
    before, after = shape_of(source.x.type), shape_of(op.kernel.type)
    fits = len(before) == rank + 2 and before[:rank] == after[:rank] and before[rank] == op.literal("groups")
    return source.x if fits and after[rank] == 1 else None


def channels_of(op: ConvOp | ConvTransposeOp) -> int | object:
    """How many channels x has."""
    return shape_of(op.x.type)[CHANNEL[op.literal("data_format")]]
