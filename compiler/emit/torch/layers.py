"""Graph ops that become `torch.nn` layers: their constructors, and where each of their parameters comes from.

| op                | layer              | kernel on disk -> torch                        |
|-------------------|--------------------|------------------------------------------------|
| graph.conv        | nn.Conv1d..3d      | [*window, in / groups, out] -> axes (out, in, *window) |
| graph.conv_transpose | nn.ConvTranspose1d..3d | [*window, in, out / groups] -> axes (in, out, *window) |
| graph.dense       | nn.Linear          | [in, units] -> axes (1, 0)                     |
| graph.batch_norm  | nn.BatchNorm1d..3d | vectors                                        |
| graph.prelu       | nn.PReLU           | a vector; otherwise written out with a parameter |
| graph.gather      | nn.Embedding       | rows of a table that is a weight               |
| graph.layer_norm, rms_norm, group_norm | nn.LayerNorm, RMSNorm, GroupNorm | vectors     |
| graph.lstm, gru, rnn | nn.LSTM, GRU, RNN | recurrent.py                                 |
| graph.dropout     | nn.Dropout, nn.Dropout1d..3d, nn.AlphaDropout | where torch has it          |
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import (
    ActivityRegularizerOp,
    BatchNormOp,
    ConstantOp,
    ConvOp,
    ConvTransposeOp,
    DenseOp,
    DropoutOp,
    GatherOp,
    GetWeightOp,
    GroupNormOp,
    GruOp,
    LayerNormOp,
    LstmOp,
    PreluOp,
    ReshapeOp,
    RmsNormOp,
    RnnOp,
    TransposeOp,
)
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.emit.layouts import Order
from neuralc.emit.placements import Neutral
from neuralc.emit.python.expressions import Value, call
from neuralc.emit.python.plan import LayerSpec, Parameter, sizes_of
from neuralc.emit.refusals import Refusals
from neuralc.emit.torch.attention import is_inside
from neuralc.emit.torch.orders import channel_of, is_per_channel
from neuralc.emit.torch.recurrent import recurrent_layer
from neuralc.emit.torch.recurrent_stacks import is_between_levels


def square(values: tuple[int, ...]) -> int | tuple[int, ...]:
    """`3` for (3, 3), as one writes it."""
    return values[0] if len(set(values)) == 1 else values


def symmetric_padding(pads: tuple[int, ...]) -> tuple[int, ...] | None:
    """The padding of each spatial dim where its low and high side agree; torch's layers take no other."""
    rank = len(pads) // 2
    return pads[:rank] if pads[:rank] == pads[rank:] else None


def layer_of(op: Operation, refusals: Refusals) -> LayerSpec | None:
    """The layer `op` becomes; None for an op that is an expression of `forward`, or that is refused."""
    make = _LAYERS.get(type(op))
    return None if make is None else make(op, refusals)


def _conv(op: ConvOp, refusals: Refusals) -> LayerSpec | None:
    if not is_float(element_of(op.x.type)):
        refusals.add(op, f"torch has no convolution of {element_of(op.x.type)}")
        return None
    *window, depth, out = sizes_of(op.kernel)
    options = _window_options(op, tuple(window), symmetric_padding(op.literal("pads")))
    constructor = call(f"nn.Conv{len(window)}d", depth * op.literal("groups"), out, **options)
    return LayerSpec("conv", constructor, (_conv_kernel(op), *_bias(op.bias)), optional=True)


def _window_options(
    op: ConvOp | ConvTransposeOp, window: tuple[int, ...], padding: tuple[int, ...] | None
) -> dict[str, Value]:
    """The options that convolutions share, without those at their defaults."""
    options = {"kernel_size": square(window), **function_options(op, padding)}
    if op.bias is None:
        options["bias"] = False
    return options


def function_options(op: ConvOp | ConvTransposeOp, padding: tuple[int, ...] | None) -> dict[str, Value]:
    """Those that the functions have too."""
    ones = (1,) * len(op.literal("strides"))
    options: dict[str, Value] = {}
    if op.literal("strides") != ones:
        options["stride"] = square(op.literal("strides"))
    if padding and any(padding):
        options["padding"] = square(padding)
    if op.literal("dilations") != ones:
        options["dilation"] = square(op.literal("dilations"))
    if op.literal("groups") != 1:
        options["groups"] = op.literal("groups")
    return options


def _conv_transpose(op: ConvTransposeOp, refusals: Refusals) -> LayerSpec | None:
    *window, depth, per_group = sizes_of(op.kernel)
    more, rank = op.literal("output_padding"), len(window)
    if not is_float(element_of(op.x.type)):
        refusals.add(op, f"torch has no convolution of {element_of(op.x.type)}")
        return None
    limits = zip(more, op.literal("strides"), op.literal("dilations"), strict=True)
    if any(extra >= max(stride, dilation) for extra, stride, dilation in limits):
        refusals.add(op, "torch adds less than a stride or a dilation to the result")
        return None
    options = _window_options(op, tuple(window), cropped_alike(op))
    if any(more):
        options["output_padding"] = square(more)
    constructor = call(f"nn.ConvTranspose{rank}d", depth, per_group * op.literal("groups"), **options)
    kernel, axes = _untransposed(op.kernel, (rank, rank + 1, *range(rank)))
    return LayerSpec("conv_transpose", constructor, (Parameter("weight", kernel, axes), *_bias(op.bias)), optional=True)


def cropped_alike(op: ConvTransposeOp) -> tuple[int, ...]:
    """What the layer takes from both ends of each dim; more from one end is taken behind it."""
    pads = op.literal("pads")
    rank = len(pads) // 2
    return tuple(map(min, pads[:rank], pads[rank:]))


def _untransposed(kernel: SSAValue, axes: Order) -> tuple[SSAValue, Order]:
    """What a kernel is a transpose of, and the axes of that in the same order."""
    source = kernel.owner
    if not isinstance(source, TransposeOp):
        return kernel, axes
    return source.operands[0], tuple(source.literal("perm")[axis] for axis in axes)


def _conv_kernel(op: ConvOp) -> Parameter:
    """[*window, in, out] as torch's [out, in, *window]. A depthwise kernel may stand on disk as Keras has it,
    [kh, kw, channels, multiplier]."""
    source, rank = op.kernel.owner, len(sizes_of(op.kernel)) - 2
    if isinstance(source, ReshapeOp):
        before, after = sizes_of(source.x), sizes_of(op.kernel)
        if len(before) == rank + 2 and before[:rank] == after[:rank] and after[rank] == 1:
            *window, channels, multiplier = before
            shape = (channels * multiplier, 1, *window) if multiplier > 1 else ()
            return Parameter("weight", source.x, (rank, rank + 1, *range(rank)), shape)
    kernel, axes = _untransposed(op.kernel, (rank + 1, rank, *range(rank)))
    return Parameter("weight", kernel, axes)


def _dense(op: DenseOp, refusals: Refusals) -> LayerSpec | None:
    if not is_float(element_of(op.x.type)):
        refusals.add(op, f"torch has no linear layer of {element_of(op.x.type)}")
        return None
    if len(sizes_of(op.kernel)) != 2:
        return None
    inputs, units = sizes_of(op.kernel)
    options: dict[str, Value] = {} if op.bias is not None else {"bias": False}
    constructor = call("nn.Linear", inputs, units, **options)
    return LayerSpec("dense", constructor, (_dense_kernel(op.kernel, inputs), *_bias(op.bias)), optional=True)


def _dense_kernel(kernel: SSAValue, inputs: int) -> Parameter:
    """[in, units] as torch's [units, in]. A kernel may stand on disk with heads of their own, as those of attention
    do: [in, heads, size] and [heads, size, out]."""
    source = kernel.owner
    if isinstance(source, ReshapeOp):
        sizes, count = sizes_of(source.x), 0
        while prod(sizes[:count]) < inputs:
            count += 1
        if prod(sizes[:count]) == inputs and len(sizes) > 2:
            axes = (*range(count, len(sizes)), *range(count))
            return Parameter("weight", source.x, axes, (prod(sizes[count:]), inputs))
    kernel, axes = _untransposed(kernel, (1, 0))
    return Parameter("weight", kernel, axes)


def _bias(bias: SSAValue | None) -> tuple[Parameter, ...]:
    """A vector; one of heads and sizes stands on disk as a matrix."""
    if bias is None:
        return ()
    if isinstance(bias.owner, ReshapeOp):
        sizes = sizes_of(bias.owner.x)
        return (Parameter("bias", bias.owner.x, tuple(range(len(sizes))), sizes_of(bias)),)
    return (Parameter("bias", bias, (0,)),)


def _batch_norm(op: BatchNormOp, refusals: Refusals) -> LayerSpec | None:
    rank = len(shape_of(op.x.type))
    if not 2 <= rank <= 5:
        refusals.add(op, f"torch has no batch norm for tensors of rank {rank}")
        return None
    # Keras: moving = momentum * moving + (1 - momentum) * batch; torch's momentum weighs the batch instead.
    momentum = float(f"{1.0 - op.literal('momentum'):.12g}")
    options: dict[str, Value] = {} if op.literal("epsilon") == 1e-5 else {"eps": op.literal("epsilon")}
    if momentum != 0.1:
        options["momentum"] = momentum
    absent = [
        name for name, value, usual in (("weight", op.gamma, 1), ("bias", op.beta, 0)) if _is_constant(value, usual)
    ]
    if len(absent) == 2:
        options["affine"] = False
    constructor = call(f"nn.BatchNorm{max(rank - 2, 1)}d", sizes_of(op.mean)[0], **options)
    sources = {"weight": op.gamma, "bias": op.beta, "running_mean": op.mean, "running_var": op.variance}
    held = tuple(Parameter(name, value, (0,)) for name, value in sources.items() if name not in absent)
    neutral = [NUMBER_OF_BATCHES]
    if len(absent) == 1:
        shape, number = sizes_of(op.mean), 1.0 if absent == ["weight"] else 0.0
        neutral.append(Neutral(absent[0], shape, number, np.dtype(np.float32)))
    return LayerSpec("batch_normalization", constructor, held, tuple(neutral), optional=True)


NUMBER_OF_BATCHES = Neutral("num_batches_tracked", (), 0, np.dtype(np.int64), counts=False)
"""What torch counts in a batch norm that has a momentum, and never reads."""


def _is_constant(value: SSAValue, number: float) -> bool:
    return isinstance(value.owner, ConstantOp) and value.owner.literal("value") == number


def _embedding(op: GatherOp, refusals: Refusals) -> LayerSpec | None:
    """Rows of a table; a table of vectors that no layer has is read by a subscript."""
    if (
        len(shape_of(op.x.type)) != 2
        or len(sizes_of(op.x)) != 2
        or op.literal("axis") != 0
        or not _computed(op.indices)
    ):
        return None
    if not is_float(element_of(op.x.type)):
        return None
    constructor = call("nn.Embedding", *sizes_of(op.x))
    return LayerSpec("embedding", constructor, (Parameter("weight", op.x, (0, 1)),), optional=True)


def _computed(value: SSAValue) -> bool:
    """True for what depends on an input of the run; what is written into the model may count rows from the end."""
    owner = value.owner
    return not isinstance(owner, GetWeightOp | ConstantOp)


def _norm(op: LayerNormOp | RmsNormOp, refusals: Refusals) -> LayerSpec | None:
    """With weights of the normalized shape; others are factors and summands behind the function."""
    shape = shape_of(op.x.type)
    normalized = shape[normalize_axis(op.literal("axis"), len(shape)) :]
    if any(shape_of(operand.type) != normalized for operand in op.operands[1:]):
        return None
    sizes = sizes_of(op.scale)
    options: dict[str, Value] = {} if op.literal("epsilon") == 1e-5 else {"eps": op.literal("epsilon")}
    named = {"weight": op.scale}
    if isinstance(op, RmsNormOp):
        options = {"eps": op.literal("epsilon")}
    elif op.bias is None:
        options["bias"] = False
    else:
        named["bias"] = op.bias
    function, kind = ("nn.RMSNorm", "rms_norm") if isinstance(op, RmsNormOp) else ("nn.LayerNorm", "layer_norm")
    constructor = call(function, sizes[0] if len(sizes) == 1 else sizes, **options)
    axes = tuple(range(len(sizes)))
    held = tuple(Parameter(name, value, axes) for name, value in named.items())
    return LayerSpec(kind, constructor, held, optional=True)


def _group_norm(op: GroupNormOp, refusals: Refusals) -> LayerSpec | None:
    if len(shape_of(op.x.type)) < 2:
        return None
    (channels,) = sizes_of(op.scale)
    options: dict[str, Value] = {} if op.literal("epsilon") == 1e-5 else {"eps": op.literal("epsilon")}
    held = (Parameter("weight", op.scale, (0,)), Parameter("bias", op.bias, (0,)))
    return LayerSpec("group_norm", call("nn.GroupNorm", op.literal("groups"), channels, **options), held, optional=True)


def _prelu(op: PreluOp, refusals: Refusals) -> LayerSpec | None:
    if not is_per_channel(op.x, op.alpha):
        return None
    # Keras keeps the shared axes of alpha with size 1: the channel goes first, then the ones fall away.
    *shared, channels = sizes_of(op.alpha)
    axes = (len(shared), *range(len(shared)))
    held = Parameter("weight", op.alpha, axes, (channels,) if shared else ())
    return LayerSpec("p_re_lu", call("nn.PReLU", channels), (held,), optional=True)


def _dropout(op: DropoutOp, refusals: Refusals) -> LayerSpec | None:
    """torch drops single values or whole channels; anything else is written out, or part of another layer."""
    if is_between_levels(op) or is_inside(op):
        return None
    channel, rank = channel_of(op), len(shape_of(op.x.type))
    if op.literal("kind") == "gaussian" or (op.literal("shared") and channel is None):
        return None
    names = {
        ("zeros", False): "nn.Dropout",
        ("zeros", True): f"nn.Dropout{rank - 2}d",
        ("alpha", False): "nn.AlphaDropout",
        ("alpha", True): "nn.FeatureAlphaDropout",
    }
    return LayerSpec("dropout", call(names[op.literal("kind"), channel is not None], op.literal("rate")))


def _activity_regularizer(op: ActivityRegularizerOp, refusals: Refusals) -> LayerSpec:
    """A module of the file, which keeps what is added to the loss."""
    factors: dict[str, Value] = {key: op.literal(key) for key in ("l1", "l2") if op.literal(key)}
    return LayerSpec("activity_regularization", call("ActivityRegularization", **factors))


_LAYERS: dict[type[Operation], Callable[..., LayerSpec | None]] = {
    ActivityRegularizerOp: _activity_regularizer,
    ConvOp: _conv,
    ConvTransposeOp: _conv_transpose,
    DenseOp: _dense,
    BatchNormOp: _batch_norm,
    PreluOp: _prelu,
    DropoutOp: _dropout,
    GatherOp: _embedding,
    GroupNormOp: _group_norm,
    GruOp: recurrent_layer,
    LayerNormOp: _norm,
    LstmOp: recurrent_layer,
    RmsNormOp: _norm,
    RnnOp: recurrent_layer,
}
