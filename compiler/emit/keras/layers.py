"""Graph ops that become Keras layers: their constructors, and where each of their weights comes from.

| op                   | layer | weights of the model -> Keras |
|----------------------|-------|--------------------------|
| graph.conv           | Conv1D..3D, DepthwiseConv1D, 2D | [*window, in / groups, out] as it is |
| graph.conv_transpose | Conv1DTranspose..3D | [*window, in, out] -> [*window, out, in] |
| graph.dense          | Dense | as it is |
| graph.gather         | Embedding, where a table is read by rows | as it is |
| graph.batch_norm, group_norm, layer_norm, rms_norm | of the same names | vectors |
| graph.prelu          | PReLU | slopes, axes in the order of the layer |
| graph.lstm, gru, rnn | LSTM, GRU, SimpleRNN, Bidirectional (recurrent.py) | as it is |

An op is left to an expression where its layer could not hold its weights, or does not have its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import (
    BatchNormOp,
    ConstantOp,
    ConvOp,
    ConvTransposeOp,
    DenseOp,
    FuncOp,
    GatherOp,
    GroupNormOp,
    LayerNormOp,
    PreluOp,
    ReshapeOp,
    RmsNormOp,
    TransposeOp,
)
from neuralc.dialects.graph.shapes import CHANNEL, normalize_axis
from neuralc.dialects.types import Shape, element_of, is_float, numpy_dtype, shape_of
from neuralc.emit.keras.activations import folded_name
from neuralc.emit.keras.orders import slope_axis
from neuralc.emit.keras.recurrent import RECURRENT
from neuralc.emit.keras.same_padding import is_causal, padding_name
from neuralc.emit.keras.training_layers import TRAINING
from neuralc.emit.layouts import channels_last, conversion, natural
from neuralc.emit.python.expressions import Value, call
from neuralc.emit.python.heads import heads_of
from neuralc.emit.python.plan import LayerSpec, Parameter, sizes_of
from neuralc.emit.refusals import Refusals


def layer_of(op: Operation, refusals: Refusals) -> LayerSpec | None:
    """The layer `op` becomes; None for an op that is an expression."""
    make = _LAYERS.get(type(op))
    return None if make is None else make(op)


def square(values: Sequence[int]) -> int | tuple[int, ...]:
    """`3` for (3, 3), as one writes it."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def spatial_sizes(op: ConvOp | ConvTransposeOp) -> Shape:
    """The sizes of the spatial dims."""
    shape, channel = shape_of(op.x.type), CHANNEL[op.literal("data_format")]
    return tuple(size for axis, size in enumerate(shape) if axis not in (0, channel % len(shape)))


def held(name: str, value: SSAValue) -> Parameter:
    """A weight that may stand on disk in another order of axes, or in another shape."""
    source = value.owner
    if isinstance(source, TransposeOp):
        return Parameter(name, source.operands[0], tuple(source.literal("perm")))
    if isinstance(source, ReshapeOp):
        return Parameter(name, source.x, natural(source.x), sizes_of(value))
    return Parameter(name, value, natural(value))


def float_options(value: SSAValue) -> dict[str, Value]:
    """The type of a layer that does not compute in Keras's usual one."""
    name = numpy_dtype(element_of(value.type)).name
    return {} if name == "float32" else {"dtype": name}


def is_constant(value: SSAValue | None, number: float) -> bool:
    return value is not None and isinstance(value.owner, ConstantOp) and value.owner.literal("value") == number


def _absent(**given: tuple[SSAValue | None, float]) -> dict[str, Value]:
    """`scale=False` for a scale that is not there, or is the number that changes nothing."""
    return {name: False for name, (value, usual) in given.items() if value is None or is_constant(value, usual)}


def _activation(op: Operation) -> dict[str, Value]:
    name = folded_name(op)
    return {} if name is None else {"activation": name}


# -- convolutions and dense layers -------------------------------------------------------------------------------------


def _conv(op: ConvOp) -> LayerSpec | None:
    *window, depth, out = sizes_of(op.kernel)
    strides, dilations, groups = (op.literal(name) for name in ("strides", "dilations", "groups"))
    # Keras takes strides or dilations, not both.
    if not is_float(element_of(op.x.type)) or (max(strides) > 1 and max(dilations) > 1):
        return None
    depthwise = depth == 1 and groups > 1 and len(window) < 3 and len(set(strides)) == 1
    options: dict[str, Value] = {}
    if max(strides) > 1:
        options["strides"] = square(strides)
    if (padding := conv_padding(op)) != "valid":
        options["padding"] = padding
    if max(dilations) > 1:
        options["dilation_rate"] = square(dilations)
    if depthwise and out != groups:
        options["depth_multiplier"] = out // groups
    if groups > 1 and not depthwise:
        options["groups"] = groups
    options |= _activation(op) | _bias_options(op.bias) | float_options(op.x)
    weights = (_depthwise_kernel(op) if depthwise else held("kernel", op.kernel), *_bias(op.bias))
    name = f"layers.{'Depthwise' if depthwise else ''}Conv{len(window)}D"
    return LayerSpec("conv", call(name, *(() if depthwise else (out,)), square(window), **options), weights)


def conv_padding(op: ConvOp) -> str:
    """Padding by its name in Keras; what has none is padded before, and the layer is `valid`."""
    window = sizes_of(op.kernel)[:-2]
    dilations, pads = op.literal("dilations"), op.literal("pads")
    # A window of one place needs no padding; blocks say `same`, as they do for their other windows.
    if max(window) == 1 and not any(pads) and isinstance(op.parent_op(), FuncOp):
        return "same"
    name = padding_name(spatial_sizes(op), window, op.literal("strides"), dilations, pads)
    if name is None and is_causal(window, dilations, pads):
        return "causal"
    return name or "valid"


def is_padded_before(op: ConvOp) -> bool:
    return conv_padding(op) == "valid" and any(op.literal("pads"))


def _depthwise_kernel(op: ConvOp) -> Parameter:
    """Keras has [*window, channels, multiplier], in which the channels of a group stand in a row."""
    *window, _, out = sizes_of(op.kernel)
    found, own = held("kernel", op.kernel), (*window, op.literal("groups"), out // op.literal("groups"))
    stored = tuple(sizes_of(found.value)[axis] for axis in found.axes)
    return Parameter("kernel", found.value, found.axes, () if stored == own else own)


def _bias_options(bias: SSAValue | None) -> dict[str, Value]:
    return {"use_bias": False} if bias is None else {}


def _bias(bias: SSAValue | None) -> tuple[Parameter, ...]:
    return () if bias is None else (held("bias", bias),)


def _conv_transpose(op: ConvTransposeOp) -> LayerSpec | None:
    *window, _, out = sizes_of(op.kernel)
    if not is_float(element_of(op.x.type)) or not has_transposed_layer(op):
        return None
    options: dict[str, Value] = {}
    if max(op.literal("strides")) > 1:
        options["strides"] = square(op.literal("strides"))
    if is_same_transposed(op):
        options["padding"] = "same"
    options |= _activation(op) | _bias_options(op.bias) | float_options(op.x)
    found, rank = held("kernel", op.kernel), len(window)
    if found.shape:
        return None
    axes = tuple(found.axes[axis] for axis in (*range(rank), rank + 1, rank))
    constructor = call(f"layers.Conv{rank}DTranspose", out, square(window), **options)
    return LayerSpec("conv_transpose", constructor, (Parameter("kernel", found.value, axes), *_bias(op.bias)))


def has_transposed_layer(op: ConvTransposeOp) -> bool:
    """Whether Keras's layer makes all that the result is cut from."""
    plain = op.literal("groups") == 1 and max(op.literal("dilations")) == 1
    return plain and (is_same_transposed(op) or all(high >= 0 for _, high in cropped(op)))


def is_same_transposed(op: ConvTransposeOp) -> bool:
    """True for what Keras calls `same`: a result of size times stride."""
    window, pads, rank = sizes_of(op.kernel)[:-2], op.literal("pads"), len(op.literal("strides"))
    totals = [max(k - stride, 0) for k, stride in zip(window, op.literal("strides"), strict=True)]
    more = tuple(max(stride - k, 0) for k, stride in zip(window, op.literal("strides"), strict=True))
    halves = (*(total // 2 for total in totals), *(total - total // 2 for total in totals))
    return rank > 0 and pads == halves and op.literal("output_padding") == more and any(totals)


def cropped(op: ConvTransposeOp) -> list[tuple[int, int]]:
    """What the op takes from both ends of each dim of the result of Keras's layer without padding."""
    window, rank = sizes_of(op.kernel)[:-2], len(op.literal("strides"))
    pads, more, strides = (op.literal(name) for name in ("pads", "output_padding", "strides"))
    return [(pads[i], max(strides[i] - window[i], 0) - more[i] + pads[i + rank]) for i in range(rank)]


def _dense(op: DenseOp) -> LayerSpec | None:
    if not is_float(element_of(op.x.type)) or len(shape_of(op.x.type)) < 2:
        return None
    options = _activation(op) | _bias_options(op.bias) | float_options(op.x)
    if (heads := heads_of(op)) is not None:
        shape = (*(None for _ in shape_of(op.x.type)[1:-1]), *heads.units)
        axes: dict[str, Value] = {} if heads.bias is None else {"bias_axes": heads.bias_axes}
        options = _activation(op) | axes | float_options(op.x)
        constructor = call("layers.EinsumDense", heads.equation, shape[0] if len(shape) == 1 else shape, **options)
        return LayerSpec("dense", constructor, (held("kernel", heads.kernel), *_bias(heads.bias)))
    units = sizes_of(op.kernel)[1]
    return LayerSpec("dense", call("layers.Dense", units, **options), (held("kernel", op.kernel), *_bias(op.bias)))


def _embedding(op: GatherOp) -> LayerSpec | None:
    shape = shape_of(op.x.type)
    if len(shape) != 2 or normalize_axis(op.literal("axis"), 2) != 0 or not is_float(element_of(op.x.type)):
        return None
    if not shape_of(op.indices.type) or not all(isinstance(size, int) for size in shape):
        return None
    constructor = call("layers.Embedding", *sizes_of(op.x), **float_options(op.x))
    return LayerSpec("embedding", constructor, (held("embeddings", op.x),), data=1)


# -- normalizations ----------------------------------------------------------------------------------------------------


def _batch_norm(op: BatchNormOp) -> LayerSpec | None:
    if len(shape_of(op.x.type)) < 2:
        return None
    options: dict[str, Value] = {
        name: op.literal(name) for name, usual in (("momentum", 0.99), ("epsilon", 1e-3)) if op.literal(name) != usual
    }
    absent = _absent(center=(op.beta, 0), scale=(op.gamma, 1))
    weights = {"gamma": op.gamma, "beta": op.beta, "moving_mean": op.mean, "moving_variance": op.variance}
    kept = [name for name in weights if {"gamma": "scale", "beta": "center"}.get(name) not in absent]
    constructor = call("layers.BatchNormalization", **options, **absent, **float_options(op.x))
    return LayerSpec("batch_normalization", constructor, tuple(held(name, weights[name]) for name in kept))


def _group_norm(op: GroupNormOp) -> LayerSpec:
    options: dict[str, Value] = {} if op.literal("epsilon") == 1e-3 else {"epsilon": op.literal("epsilon")}
    absent = _absent(center=(op.bias, 0), scale=(op.scale, 1))
    weights = _scale_and_shift(op.scale, op.bias, absent)
    constructor = call("layers.GroupNormalization", op.literal("groups"), **options, **absent, **float_options(op.x))
    return LayerSpec("group_normalization", constructor, weights)


def _scale_and_shift(scale: SSAValue, bias: SSAValue | None, absent: dict[str, Value]) -> tuple[Parameter, ...]:
    found = [] if "scale" in absent else [held("gamma", scale)]
    if bias is not None and "center" not in absent:
        found.append(held("beta", bias))
    return tuple(found)


def _layer_norm(op: LayerNormOp) -> LayerSpec | None:
    shape = shape_of(op.x.type)
    first = normalize_axis(op.literal("axis"), len(shape))
    absent = _absent(center=(op.bias, 0), scale=(op.scale, 1))
    weights = _scale_and_shift(op.scale, op.bias, absent)
    # The layer makes weights of the normalized dims.
    if first == 0 or any(shape_of(op.operands[1 + i].type) != shape[first:] for i in range(len(weights))):
        return None
    if any(not isinstance(size, int) for size in shape[first:]):
        return None
    options: dict[str, Value] = {} if first == len(shape) - 1 else {"axis": tuple(range(first, len(shape)))}
    if op.literal("epsilon") != 1e-3:
        options["epsilon"] = op.literal("epsilon")
    constructor = call("layers.LayerNormalization", **options, **absent, **float_options(op.x))
    return LayerSpec("layer_normalization", constructor, weights)


def _rms_norm(op: RmsNormOp) -> LayerSpec | None:
    shape = shape_of(op.x.type)
    last = normalize_axis(op.literal("axis"), len(shape)) == len(shape) - 1 > 0
    if not last or shape_of(op.scale.type) != shape[-1:] or not isinstance(shape[-1], int):
        return None
    options: dict[str, Value] = {} if op.literal("epsilon") == 1e-6 else {"epsilon": op.literal("epsilon")}
    constructor = call("layers.RMSNormalization", **options, **float_options(op.x))
    return LayerSpec("rms_normalization", constructor, (held("scale", op.scale),))


def _prelu(op: PreluOp) -> LayerSpec | None:
    rank, slopes = len(shape_of(op.x.type)), sizes_of(op.alpha)
    channel = slope_axis(op.x, op.alpha)
    if rank < 2 or isinstance(op.alpha.owner, ReshapeOp | TransposeOp):
        return None
    if channel is None:
        if slopes != shape_of(op.x.type)[1:]:
            return None
        return LayerSpec("p_re_lu", call("layers.PReLU", **float_options(op.x)), (held("alpha", op.alpha),))
    shared = tuple(range(1, rank - 1))
    options: dict[str, Value] = {"shared_axes": shared} if shared else {}
    own = (1,) * len(shared) + (slopes[channel - rank],)
    order = conversion(tuple(range(len(slopes))), _slope_order(len(slopes), channel - rank + len(slopes)))
    stored = tuple(slopes[axis] for axis in order)
    weight = Parameter("alpha", op.alpha, order, () if stored == own else own)
    return LayerSpec("p_re_lu", call("layers.PReLU", **options, **float_options(op.x)), (weight,))


def _slope_order(rank: int, axis: int) -> tuple[int, ...]:
    return channels_last(rank, axis)


_LAYERS: dict[type[Operation], Callable[..., LayerSpec | None]] = {
    BatchNormOp: _batch_norm,
    ConvOp: _conv,
    ConvTransposeOp: _conv_transpose,
    DenseOp: _dense,
    GatherOp: _embedding,
    GroupNormOp: _group_norm,
    LayerNormOp: _layer_norm,
    PreluOp: _prelu,
    RmsNormOp: _rms_norm,
    **RECURRENT,
    **TRAINING,
}
