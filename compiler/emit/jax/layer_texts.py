"""The text of the helper functions of layers, with the options that the file uses and no others."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import BatchNormOp, ConvOp, ConvTransposeOp, GroupNormOp, LayerNormOp, RmsNormOp
from neuralc.dialects.graph.shapes import CHANNELS_LAST
from neuralc.emit.jax.conventions import Conventions
from neuralc.emit.python.expressions import Value, literal
from neuralc.emit.python.writer import Writer

Used = Collection[str]
"""What the bodies use: names of helper functions, and of their features."""


class LayerTexts:
    """Writes helper functions of layers. `calls` are the texts of the bodies, in which options are looked for."""

    def __init__(self, conventions: Conventions, used: Used, calls: str) -> None:
        self._conventions = conventions
        self._used = used
        self._calls = calls

    def write(self, writer: Writer) -> list[str]:
        """Write those that are used; the names of static helper functions that they call."""
        needed: list[str] = []
        for function in sorted(self._used):
            make = next((make for ends, make in _WRITERS.items() if _is(function, ends)), None)
            if make is not None:
                writer.blank(2)
                make(self, writer, function)
        return needed

    def has(self, function: str, option: str) -> bool:
        """True where a call of the function gives an option."""
        return any(re.search(rf"\b{option}=", call) for call in self._calls_of(function))

    def _calls_of(self, function: str) -> list[str]:
        """The text behind each call's bracket, up to the one that closes it."""
        found, opening = [], f"{function}("
        start = self._calls.find(opening)
        while start >= 0:
            before = self._calls[start - 1]
            depth, end = 1, start + len(opening)
            while depth:
                depth += {"(": 1, ")": -1}.get(self._calls[end], 0)
                end += 1
            if not (before.isalnum() or before in "_."):
                found.append(self._calls[start + len(opening) : end])
            start = self._calls.find(opening, start + 1)
        return found

    def default(self, kind: type[Operation], option: str) -> Any:
        return self._conventions.defaults[kind, option]

    def biased(self, function: str, name: str = "bias") -> bool | None:
        """True where all calls have a parameter, None where some have."""
        some, others = f"{function}:{name}" in self._used, f"{function} without {name}" in self._used
        return None if some and others else some

    def add(self, function: str, name: str, operator: str, vector: str, before: str = "x") -> list[str]:
        """The lines that apply a parameter which all calls, some or none have."""
        match self.biased(function, name):
            case None:
                return [f'if "{name}" in params:', f"    {before} = {before} {operator} {vector}"]
            case True:
                return [f"{before} = {before} {operator} {vector}"]
            case _:
                return []

    @property
    def padding(self) -> Value:
        """Of most convolutions."""
        found: Value = self._conventions.padding
        return found

    def layout(self, kind: type[Operation], rank: int) -> tuple[str, str]:
        return self._conventions.layouts[kind, rank]


def _is(function: str, pattern: str) -> bool:
    """`conv2d` is a `conv?d`."""
    return len(function) == len(pattern) and all(b in ("?", a) for a, b in zip(function, pattern, strict=True))


def _returning(lines: Sequence[str]) -> list[str]:
    """The last assignment to x as what is returned."""
    last = max(index for index, line in enumerate(lines) if not line.startswith(" "))
    if not lines[last].startswith("x = "):
        return [*lines, "return x"]
    return [*lines[:last], lines[last].replace("x = ", "return ", 1), *lines[last + 1 :]]


def _function(writer: Writer, name: str, parameters: Sequence[str], docstring: str, lines: Sequence[str]) -> None:
    writer.definition(name, parameters, "Array")
    with writer.indented():
        writer.docstring(docstring)
        writer.code(*_returning(lines))


def _dense(texts: LayerTexts, writer: Writer, function: str) -> None:
    if function == "einsum_dense":
        lines = ['x = jnp.einsum(equation, x, params["kernel"])', *texts.add(function, "bias", "+", 'params["bias"]')]
        if texts.biased(function):
            lines = ['x = jnp.einsum(equation, x, params["kernel"]) + params["bias"]']
        parameters = ["params: Params", "x: Array", "equation: str"]
        _function(writer, function, parameters, "The product of x and a kernel that has more than two axes.", lines)
        return
    product = {"dense": 'x = x @ params["kernel"]', "linear": 'x = x @ params["kernel"].T'}[function]
    shape = {"dense": "[in, units]", "linear": "[units, in]"}[function]
    match texts.biased(function):
        case True:
            lines = [f'{product} + params["bias"]']
        case _:
            lines = [product, *texts.add(function, "bias", "+", 'params["bias"]')]
    _function(writer, function, ["params: Params", "x: Array"], f"x [.., in] times a kernel {shape}.", lines)


# -- convolutions ------------------------------------------------------------------------------------------------------


_CONV_OPTIONS = ("stride", "strides", "padding", "dilation", "groups", "layout", "crop")


def _conv(texts: LayerTexts, writer: Writer, function: str) -> None:
    depthwise, transposed = function.startswith("depthwise_"), function.endswith("_transpose")
    rank = int(next(letter for letter in function if letter.isdigit()))
    kind = ConvTransposeOp if transposed else ConvOp
    data, kernel = texts.layout(kind, rank)
    if depthwise:
        kernel = f"{CHANNELS_LAST[rank][1:-1]}IO"
    options = {key for key in _CONV_OPTIONS if texts.has(function, key)}
    ones = str((1,) * rank)
    parameters = ["params: Params", "x: Array"]
    parameters += ["stride: int = 1"] if "stride" in options else []
    parameters += [_strides_parameter(options, ones)] if "strides" in options else []
    parameters += (
        [f"padding: str | Sequence[tuple[int, int]] = {literal(texts.padding)}"] if "padding" in options else []
    )
    parameters += [f"crop: Sequence[tuple[int, int]] = {((0, 0),) * rank}"] if "crop" in options else []
    parameters += [f"dilation: Sequence[int] = {ones}"] if "dilation" in options else []
    parameters += ["groups: int = 1"] if "groups" in options else []
    parameters += [f'layout: str = "{data} {kernel}"'] if "layout" in options else []
    lines = ["data, kernel = layout.split()"] if "layout" in options else []
    names = "(data, kernel, data)" if "layout" in options else f'("{data}", "{kernel}", "{data}")'
    write = _transposed_lines if transposed else _conv_lines
    lines += write(options, rank, depthwise, names, kernel, texts.padding)
    lines += texts.add(function, "bias", "+", _bias(options, data, rank))
    _function(writer, function, parameters, _conv_docstring(transposed, depthwise, data, kernel, options), lines)


def _strides_parameter(options: Collection[str], ones: str) -> str:
    """Strides that differ, beside the one for all dims where calls give that too."""
    return "strides: Sequence[int] | None = None" if "stride" in options else f"strides: Sequence[int] = {ones}"


def _strides(options: Collection[str], rank: int) -> str:
    one = f"({', '.join(['stride' if 'stride' in options else '1'] * rank)}{',' if rank == 1 else ''})"
    if "strides" not in options:
        return one
    return f"strides or {one}" if "stride" in options else "strides"


def _conv_docstring(transposed: bool, depthwise: bool, data: str, kernel: str, options: Collection[str]) -> str:
    layout = "" if "layout" in options else f": x {data}, kernel {kernel}"
    if depthwise:
        return "A filter for each channel: kernel [*window, channels, multiplier]."
    return f"The adjoint of a convolution{layout}." if transposed else f"Convolution{layout}."


def _bias(options: Collection[str], data: str, rank: int) -> str:
    if "layout" in options:
        return 'params["bias"].reshape([-1 if axis == "C" else 1 for axis in data[1:]])'
    return 'params["bias"]' if data.endswith("C") else f'params["bias"].reshape(-1, {", ".join(["1"] * rank)})'


def _conv_lines(
    options: Set[str], rank: int, depthwise: bool, names: str, kernel: str, usual_padding: Value
) -> list[str]:
    arguments = ["x", "kernel" if depthwise and "layout" not in options else 'params["kernel"]']
    lines = []
    if depthwise:
        lines = ['kernel = params["kernel"]', f"kernel = kernel.reshape(*kernel.shape[:{rank}], 1, -1)"]
        arguments[1] = "kernel"
        channel = 'x.shape[data.index("C")]' if "layout" in options else f"x.shape[{names[2:].index('C')}]"
        if "layout" in options:
            lines = [
                "data, axes = layout.split()",
                'kernel = params["kernel"]',
                f"kernel = kernel.reshape(*kernel.shape[:{rank}], 1, -1)",
            ]
            names = "(data, axes, data)"
    arguments.append(_strides(options, rank))
    arguments.append("padding" if "padding" in options else literal(usual_padding))
    arguments += ["rhs_dilation=dilation"] if "dilation" in options else []
    arguments.append(f"dimension_numbers={names}")
    if depthwise:
        arguments.append(f"feature_group_count={channel}")
    elif "groups" in options:
        arguments.append("feature_group_count=groups")
    return [*lines, f"x = lax.conv_general_dilated({', '.join(arguments)})"]


def _transposed_lines(
    options: Set[str], rank: int, depthwise: bool, names: str, kernel: str, usual_padding: Value
) -> list[str]:
    """Places of x stand `strides` apart; the kernel is turned around, and reaches over both ends."""
    window = [kernel.index(axis) for axis in CHANNELS_LAST[rank][1:-1]]
    lines = []
    if "layout" in options:
        lines += ['axes = tuple(kernel.index(axis) for axis in data if axis not in "NC")']
        sizes, turned, source = "[taps.shape[axis] for axis in axes]", "axes", "taps"
        lines += ['taps = params["kernel"]']
    else:
        first = window == list(range(rank))
        sizes, turned, source = (
            (f"kernel.shape[:{rank}]" if first else f"kernel.shape[{window[0]}:]"),
            str(tuple(window)),
            "kernel",
        )
        if not first and window[-1] != rank + 1:
            sizes = f"[kernel.shape[axis] for axis in {tuple(window)}]"
        lines += ['kernel = params["kernel"]']
    reach = "(size - 1) * rate" if "dilation" in options else "size - 1"
    variables = "size, rate" if "dilation" in options else "size"
    zipped = f"zip({sizes}, dilation, strict=True)" if "dilation" in options else sizes
    if "crop" in options:
        variables = f"{variables}, (low, high)"
        zipped = f"zip({sizes}, {'dilation, ' if 'dilation' in options else ''}crop, strict=True)"
        lines.append(f"padding = [({reach} - low, {reach} - high) for {variables} in {zipped}]")
    else:
        lines.append(f"padding = [({reach}, {reach}) for {variables} in {zipped}]")
    if "groups" in options:
        lines += _grouped_lines(options, names, kernel, source)
    arguments = ["x", f"jnp.flip({source}, {turned})", str((1,) * rank), "padding"]
    arguments += [f"lhs_dilation={_strides(options, rank)}"] if {"stride", "strides"} & options else []
    arguments += ["rhs_dilation=dilation"] if "dilation" in options else []
    arguments.append(f"dimension_numbers={names}")
    arguments += ["feature_group_count=groups"] if "groups" in options else []
    return [*lines, f"x = lax.conv_general_dilated({', '.join(arguments)})"]


def _grouped_lines(options: Collection[str], names: str, kernel: str, source: str) -> list[str]:
    """lax groups the results of a kernel, the model the inputs: the groups move over."""
    if "layout" in options:
        inputs, outputs = 'kernel.index("I")', 'kernel.index("O")'
        return [
            f"parts = jnp.split({source}, groups, axis={inputs})",
            f"{source} = jnp.concatenate(parts, axis={outputs})",
        ]
    return [
        f"parts = jnp.split({source}, groups, axis={kernel.index('I')})",
        f"{source} = jnp.concatenate(parts, axis={kernel.index('O')})",
    ]


# -- normalizations ----------------------------------------------------------------------------------------------------


def _batch_norm(texts: LayerTexts, writer: Writer, function: str) -> None:
    by_axis = "batch_norm:axis" in texts._used
    epsilon, momentum = (texts.default(BatchNormOp, key) for key in ("epsilon", "momentum"))
    parameters = ["params: Params", "x: Array", "train: Training | None"]
    parameters += ["axis: int = -1"] if by_axis else []
    parameters += [f"epsilon: float = {literal(epsilon)}", f"momentum: float = {literal(momentum)}"]
    axes = "tuple(i for i in range(x.ndim) if i != axis % x.ndim)" if by_axis else "tuple(range(x.ndim - 1))"
    lines = ['mean, variance = params["moving_mean"], params["moving_variance"]']
    lines += ["if train is not None:", f"    axes = {axes}"]
    lines += ["    batch_mean, batch_variance = x.mean(axes), x.var(axes)"]
    lines += [f"    train.move({name}, batch_{name}, momentum)" for name in ("mean", "variance")]
    lines += ["    mean, variance = batch_mean, batch_variance"]
    gamma, beta = (texts.biased(function, key) for key in ("gamma", "beta"))
    scale = "scale = lax.rsqrt(variance + epsilon)"
    lines += [f'{scale} * params["gamma"]' if gamma else scale]
    lines += texts.add(function, "gamma", "*", 'params["gamma"]', "scale") if gamma is None else []
    if by_axis:
        lines += ["shape = [-1 if i == axis % x.ndim else 1 for i in range(x.ndim)]"]
        lines += ["x = (x - mean.reshape(shape)) * scale.reshape(shape)"]
        offset = 'params["beta"].reshape(shape)'
    else:
        lines += ["x = (x - mean) * scale"]
        offset = 'params["beta"]'
    if beta is True:
        lines[-1] += f" + {offset}"
    elif beta is None:
        lines += texts.add(function, "beta", "+", offset)
    docstring = "x standardized along each channel: in training by the batch."
    _function(writer, function, parameters, docstring, lines)


def _layer_norm(texts: LayerTexts, writer: Writer, function: str) -> None:
    kind = LayerNormOp if function == "layer_norm" else RmsNormOp
    parameters = ["params: Params", "x: Array"]
    parameters += ["axis: int | Sequence[int] = -1"] if texts.has(function, "axis") else []
    parameters += [f"epsilon: float = {literal(texts.default(kind, 'epsilon'))}"]
    axis = "axis" if texts.has(function, "axis") else "-1"
    if kind is LayerNormOp:
        lines = [f"mean, variance = x.mean({axis}, keepdims=True), x.var({axis}, keepdims=True)"]
        value, docstring = "(x - mean) * lax.rsqrt(variance + epsilon)", "x standardized along its last axis."
    else:
        lines = [f"square = jnp.square(x).mean({axis}, keepdims=True)"]
        value, docstring = "x * lax.rsqrt(square + epsilon)", "x over its root mean square along its last axis."
    _scaled(texts, writer, function, parameters, docstring, [*lines, f"x = {value}"], "")


def _scaled(
    texts: LayerTexts,
    writer: Writer,
    function: str,
    parameters: Sequence[str],
    docstring: str,
    lines: Sequence[str],
    shaped: str,
) -> None:
    """A normalization with its scale and its offset, where it has them."""
    scale, offset = (f'params["{key}"]{shaped}' for key in ("gamma", "beta"))
    *first, last = lines
    if texts.biased(function, "gamma") is True and texts.biased(function, "beta") is not None:
        last = f"{last} * {scale}" + (f" + {offset}" if texts.biased(function, "beta") else "")
        _function(writer, function, parameters, docstring, [*first, last])
        return
    more = [*texts.add(function, "gamma", "*", scale), *texts.add(function, "beta", "+", offset)]
    _function(writer, function, parameters, docstring, [*lines, *more])


def _group_norm(texts: LayerTexts, writer: Writer, function: str) -> None:
    by_axis = texts.has(function, "axis")
    parameters = ["params: Params", "x: Array", "groups: int"]
    parameters += ["axis: int = -1"] if by_axis else []
    parameters += [f"epsilon: float = {texts.default(GroupNormOp, 'epsilon')!r}"]
    if by_axis:
        lines = [
            "axis = axis % x.ndim",
            "parts = (*x.shape[:axis], groups, -1, *x.shape[axis + 1 :])",
            "grouped = x.reshape(parts)",
            "axes = tuple(i for i in range(1, grouped.ndim) if i != axis)",
        ]
    else:
        lines = [
            "grouped = x.reshape(*x.shape[:-1], groups, -1)",
            "axes = tuple(i for i in range(1, grouped.ndim) if i != x.ndim - 1)",
        ]
    lines += [
        "mean, variance = grouped.mean(axes, keepdims=True), grouped.var(axes, keepdims=True)",
        "grouped = (grouped - mean) * lax.rsqrt(variance + epsilon)",
    ]
    lines[-2:-1] = ["mean = grouped.mean(axes, keepdims=True)", "variance = grouped.var(axes, keepdims=True)"]
    lines += ["x = grouped.reshape(x.shape)"]
    shaped = ".reshape(-1, *[1] * (x.ndim - 1 - axis))" if by_axis else ""
    if shaped:
        lines.insert(-1, "shape = (-1, *[1] * (x.ndim - 1 - axis))")
        shaped = ".reshape(shape)"
    _scaled(texts, writer, function, parameters, "x standardized within each group of channels.", lines, shaped)


_WRITERS: Mapping[str, Callable[[LayerTexts, Writer, str], None]] = {
    "batch_norm": _batch_norm,
    "conv?d": _conv,
    "conv?d_transpose": _conv,
    "dense": _dense,
    "depthwise_conv?d": _conv,
    "einsum_dense": _dense,
    "group_norm": _group_norm,
    "layer_norm": _layer_norm,
    "linear": _dense,
    "rms_norm": _layer_norm,
}

NAMES = frozenset(
    pattern.replace("?", rank) for pattern in _WRITERS for rank in (("1", "2", "3") if "?" in pattern else ("",))
)
"""What these functions are called."""
