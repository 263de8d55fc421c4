"""Graph ops that become layers: a branch of the tree of parameters, and a helper function of the file that applies it.

| op                   | layer | its parameters, as they lie in the file |
|----------------------|-------|------------------------------------------|
| graph.conv           | conv1d to conv3d, depthwise_conv1d to depthwise_conv3d | kernel in any order of axes, bias |
| graph.conv_transpose | conv1d_transpose to conv3d_transpose | kernel in any order of axes, bias |
| graph.dense          | dense, linear for a kernel [units, in], einsum_dense for one with heads | kernel, bias |
| graph.batch_norm     | batch_norm | gamma, beta, moving_mean, moving_variance |
| graph.layer_norm, graph.group_norm, graph.rms_norm | the same | gamma, beta |
| graph.lstm, graph.gru, graph.rnn | the same | kernel, recurrent_kernel, bias |

A layer whose parameters are computed is the same function, applied to a dictionary of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import (
    BatchNormOp,
    ConstantOp,
    ConvOp,
    ConvTransposeOp,
    DenseOp,
    GroupNormOp,
    GruOp,
    LayerNormOp,
    LstmOp,
    RmsNormOp,
    RnnOp,
    TransposeOp,
)
from neuralc.dialects.types import shape_of
from neuralc.emit.jax.kernels import depthwise_source, kernel_layout, stored_kernel
from neuralc.emit.python.expressions import Expression, Value, call, name
from neuralc.emit.python.heads import heads_of
from neuralc.emit.python.plan import LayerSpec, Parameter, sizes_of

Arrays = dict[str, SSAValue]
KEY = name("next(keys)")


def arrays_of(op: Operation) -> Arrays:
    """The parameters of an op by the names that its helper function has for them."""
    return _ARRAYS[type(op)](op)


def layer_of(op: Operation) -> LayerSpec | None:
    """The layer `op` becomes; None for an op that is an expression, or one whose parameters are computed in part."""
    make = _CONSTRUCTORS.get(type(op))
    if make is None:
        return None
    held = tuple(
        Parameter(parameter, value, tuple(range(len(shape_of(value.type)))))
        for parameter, value in arrays_of(op).items()
    )
    # A norm without scale and offset has no branch of the tree.
    return LayerSpec(op.name.removeprefix("graph."), make(op), held, optional=True) if held else None


# -- parameters --------------------------------------------------------------------------------------------------------


def _conv_arrays(op: ConvOp) -> Arrays:
    return {"kernel": depthwise_source(op) or stored_kernel(op), **_bias(op.bias)}


def _conv_transpose_arrays(op: ConvTransposeOp) -> Arrays:
    return {"kernel": stored_kernel(op), **_bias(op.bias)}


def _dense_arrays(op: DenseOp) -> Arrays:
    if (heads := heads_of(op)) is not None:
        return {"kernel": heads.kernel, **_bias(heads.bias)}
    source = op.kernel.owner
    return {"kernel": source.x if isinstance(source, TransposeOp) else op.kernel, **_bias(op.bias)}


def is_linear(op: DenseOp) -> bool:
    """True for a kernel that is stored [units, in]."""
    return isinstance(op.kernel.owner, TransposeOp)


def _bias(bias: SSAValue | None) -> Arrays:
    return {} if bias is None else {"bias": bias}


def _batch_norm_arrays(op: BatchNormOp) -> Arrays:
    own = {"gamma": op.gamma, "beta": op.beta}
    given = {key: value for key, value in own.items() if not is_constant(value, _NEUTRAL[key])}
    return {**given, "moving_mean": op.mean, "moving_variance": op.variance}


_NEUTRAL = {"gamma": 1, "beta": 0}


def is_constant(value: SSAValue, number: float) -> bool:
    return isinstance(value.owner, ConstantOp) and value.owner.literal("value") == number


def _norm_arrays(op: LayerNormOp | GroupNormOp | RmsNormOp) -> Arrays:
    found = dict(zip(("gamma", "beta"), op.operands[1:], strict=False))
    return {key: value for key, value in found.items() if not is_constant(value, _NEUTRAL[key])}


def _recurrent_arrays(op: LstmOp | GruOp | RnnOp) -> Arrays:
    return {"kernel": op.kernel, "recurrent_kernel": op.recurrent, "bias": op.bias}


_ARRAYS: Mapping[type[Operation], Callable[[Any], Arrays]] = {
    BatchNormOp: _batch_norm_arrays,
    ConvOp: _conv_arrays,
    ConvTransposeOp: _conv_transpose_arrays,
    DenseOp: _dense_arrays,
    GroupNormOp: _norm_arrays,
    GruOp: _recurrent_arrays,
    LayerNormOp: _norm_arrays,
    LstmOp: _recurrent_arrays,
    RmsNormOp: _norm_arrays,
    RnnOp: _recurrent_arrays,
}


# -- how they are made -------------------------------------------------------------------------------------------------


def _init_conv(op: ConvOp) -> Expression:
    if depthwise_source(op) is not None:
        *window, channels, multiplier = sizes_of(depthwise_source(op) or op.kernel)
        return _with_bias("init_depthwise_conv", op, tuple(window), channels, multiplier, **square_stride(op))
    *window, inputs, filters = sizes_of(op.kernel)
    return _with_bias("init_conv", op, tuple(window), inputs, filters, **_layout(op), **square_stride(op))


def _init_conv_transpose(op: ConvTransposeOp) -> Expression:
    *window, inputs, filters = sizes_of(op.kernel)
    grouped: dict[str, Value] = {} if op.literal("groups") == 1 else {"groups": op.literal("groups")}
    return _with_bias(
        "init_conv_transpose", op, tuple(window), inputs, filters, **grouped, **_layout(op), **square_stride(op)
    )


def square_stride(op: ConvOp | ConvTransposeOp) -> dict[str, Value]:
    """The stride where it is one number, and not 1. Functions that differ in it are one function with a parameter."""
    strides = set(op.literal("strides"))
    return {"stride": op.literal("strides")[0]} if len(strides) == 1 and strides != {1} else {}


def _layout(op: ConvOp | ConvTransposeOp) -> dict[str, Value]:
    layout = kernel_layout(op)
    return {} if layout.endswith("IO") else {"layout": layout}


def _init_dense(op: DenseOp) -> Expression:
    if (heads := heads_of(op)) is not None:
        units: Value = heads.units[0] if len(heads.units) == 1 else heads.units
        return _with_bias("init_einsum_dense", op, sizes_of(heads.kernel), units)
    inputs, units = sizes_of(op.kernel)
    return _with_bias("init_linear" if is_linear(op) else "init_dense", op, inputs, units)


def _with_bias(function: str, op: Any, *sizes: Value, **options: Value) -> Expression:
    return call(function, KEY, *sizes, **options, **({} if op.bias is not None else {"use_bias": False}))


def _init_batch_norm(op: BatchNormOp) -> Expression:
    return call("init_batch_norm", sizes_of(op.mean)[0], **_absent(op))


def _init_norm(op: LayerNormOp | GroupNormOp | RmsNormOp) -> Expression:
    sizes = sizes_of(op.operands[1])
    size: Value = sizes[0] if len(sizes) == 1 else sizes
    return call("init_rms_norm" if isinstance(op, RmsNormOp) else "init_norm", size, **_absent(op))


def _absent(op: Operation) -> dict[str, Value]:
    """The options that leave out a scale or an offset."""
    wanted = ("gamma",) if isinstance(op, RmsNormOp) else ("gamma", "beta")
    words = {"gamma": "scale", "beta": "center"}
    return {words[key]: False for key in wanted if key not in arrays_of(op)}


def _init_recurrent(op: LstmOp | GruOp | RnnOp) -> Expression:
    inputs = sizes_of(op.kernel)[0]
    rows: dict[str, Value] = {"reset_after": True} if len(sizes_of(op.bias)) == 2 else {}
    return call(f"init_{op.name.removeprefix('graph.')}", KEY, inputs, op.units, **rows)


_CONSTRUCTORS: Mapping[type[Operation], Callable[[Any], Expression]] = {
    BatchNormOp: _init_batch_norm,
    ConvOp: _init_conv,
    ConvTransposeOp: _init_conv_transpose,
    DenseOp: _init_dense,
    GroupNormOp: _init_norm,
    GruOp: _init_recurrent,
    LayerNormOp: _init_norm,
    LstmOp: _init_recurrent,
    RmsNormOp: _init_norm,
    RnnOp: _init_recurrent,
}
