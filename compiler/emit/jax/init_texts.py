"""The text of the helper functions that make the parameters of a layer, with the options that the file uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from neuralc.emit.jax.layer_texts import LayerTexts
from neuralc.emit.python.writer import Writer

_GLOROT, _ORTHOGONAL = "nn.initializers.glorot_uniform()", "nn.initializers.orthogonal()"

SINGLETONS = {"glorot_uniform": _GLOROT, "orthogonal": _ORTHOGONAL}
"""Initializers that have a name in the file where they are the default of an argument."""


class InitTexts:
    """Writes `init_dense` and the like. `calls` is asked for the options of their calls; `dtype` is written at each.

    Those of `without_bias` make layers that never have one.
    """

    def __init__(self, calls: LayerTexts, dtype: str, without_bias: frozenset[str]) -> None:
        self._calls = calls
        self._without_bias = without_bias
        self._dtype = f", {dtype}" if dtype else ""

    def write(self, writer: Writer, function: str) -> None:
        writer.blank(2)
        _WRITERS[function](self, writer, function)

    def _has(self, function: str, option: str) -> bool:
        return self._calls.has(function, option)

    def _options(self, function: str, usual: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """Parameters for the initializers that calls give, and how each array is made: by those or by the usual."""
        given = {key for key in usual if self._has(function, f"{key}_init")}
        names = {made_by: name for name, made_by in SINGLETONS.items()}
        parameters = [f"{key}_init: Initializer = {names.get(usual[key], usual[key])}" for key in usual if key in given]
        return parameters, {key: f"{key}_init" if key in given else usual[key] for key in usual}

    def array(self, made_by: str, shape: str) -> str:
        """A new array: `jnp.zeros(units)` for the initializers that need no key."""
        constant = made_by.removeprefix("nn.initializers.")
        if made_by != constant and constant in ("zeros", "ones"):
            size = shape[1:-2] if shape.endswith(",)") else shape
            return f"jnp.{constant}({size}{self._dtype})"
        return f"{made_by}(key, {shape}{self._dtype})"

    def definition(
        self, writer: Writer, function: str, parameters: list[str], docstring: str, lines: list[str]
    ) -> None:
        writer.definition(function, parameters, "Params")
        with writer.indented():
            writer.docstring(docstring)
            writer.code(*lines)

    def kernel_layer(
        self,
        writer: Writer,
        function: str,
        sizes: list[str],
        docstring: str,
        shape: str,
        bias_shape: str,
        after: str = "",
    ) -> None:
        """A layer with a kernel, and a bias that calls may leave out."""
        made, ways = self._options(function, {"kernel": _GLOROT, "bias": "nn.initializers.zeros"})
        optional = self._has(function, "use_bias")
        parameters = ["key: Array", *sizes]
        parameters += ["use_bias: bool = True"] if optional else []
        kernel = f"{self.array(ways['kernel'], shape)}{after}"
        bias = self.array(ways["bias"], bias_shape)
        if function in self._without_bias:
            docstring = re.sub(r",? and a bias", "", docstring)
            lines = [f'return {{"kernel": {kernel}}}']
        else:
            lines = [f"kernel = {kernel}"]
            lines += ["if not use_bias:", '    return {"kernel": kernel}'] if optional else []
            lines += [f'return {{"kernel": kernel, "bias": {bias}}}']
        self.definition(writer, function, parameters + made, docstring, lines)


def _dense(texts: InitTexts, writer: Writer, function: str) -> None:
    linear = function == "init_linear"
    docstring = f"A kernel {'[units, inputs]' if linear else '[inputs, units]'} and a bias."
    sizes = ["inputs: int", "units: int"]
    texts.kernel_layer(writer, function, sizes, docstring, "(inputs, units)", "(units,)", ".T" if linear else "")


def _einsum_dense(texts: InitTexts, writer: Writer, function: str) -> None:
    sizes = ["shape: Sequence[int]", "units: int | Sequence[int]"]
    texts.kernel_layer(writer, function, sizes, "A kernel of a shape and a bias of all its units.", "shape", "units")


def _conv(texts: InitTexts, writer: Writer, function: str) -> None:
    sizes = ["window: Sequence[int]", "inputs: int", "filters: int"]
    after, shape, channels = "", "(*window, inputs, filters)", "(filters,)"
    if texts._has(function, "groups"):
        sizes.append("groups: int = 1")
        channels = "(groups * filters,)"
    if texts._has(function, "layout"):
        sizes.append('layout: str = ""')
        after = ".transpose(axes)"
    docstring = "A kernel [*window, inputs, filters] and a bias."
    if not after:
        texts.kernel_layer(writer, function, sizes, docstring, shape, channels)
        return
    sizes[-1] = "layout: str"
    texts.kernel_layer(
        writer,
        function,
        sizes,
        "A kernel with its axes in an order of `layout`, and a bias.",
        shape,
        channels,
        '.transpose(["DHWIO"[-2 - len(window) :].index(axis) for axis in layout])',
    )


def _depthwise(texts: InitTexts, writer: Writer, function: str) -> None:
    sizes = ["window: Sequence[int]", "channels: int", "multiplier: int"]
    docstring = "A kernel [*window, channels, multiplier] and a bias."
    shape = "(*window, channels, multiplier)"
    texts.kernel_layer(writer, function, sizes, docstring, shape, "(channels * multiplier,)")


def _norm(texts: InitTexts, writer: Writer, function: str) -> None:
    words = {"gamma": "scale", "beta": "center"}
    usual = {"gamma": "nn.initializers.ones", "beta": "nn.initializers.zeros"}
    size = "channels: int | tuple[int, ...]"
    if function == "init_batch_norm":
        usual |= {"moving_mean": "nn.initializers.zeros", "moving_variance": "nn.initializers.ones"}
        size = "channels: int"
    if function == "init_rms_norm":
        del usual["beta"], words["beta"]
    made, ways = texts._options(function, usual)
    optional = {key: word for key, word in words.items() if texts._has(function, word)}
    parameters = [size, *(f"{word}: bool = True" for word in optional.values()), *made]
    if "(key" in "".join(texts.array(way, "channels") for way in ways.values()):
        parameters.insert(0, "key: Array")
    arrays = {key: texts.array(way, "channels") for key, way in ways.items()}
    fixed = [f'"{key}": {array}' for key, array in arrays.items() if key not in optional]
    docstring = {"init_batch_norm": "Scale, offset and statistics.", "init_rms_norm": "A scale."}
    lines: list[str] = []
    if not optional:
        lines = _dictionary("return ", fixed)
    else:
        lines = _dictionary("params = ", fixed) if fixed else ["params = {}"]
        for key, word in optional.items():
            lines += [f"if {word}:", f'    params["{key}"] = {arrays[key]}']
        lines += ["return params"]
    texts.definition(writer, function, parameters, docstring.get(function, "Scale and offset."), lines)


def _dictionary(before: str, items: list[str]) -> list[str]:
    whole = f"{before}{{{', '.join(items)}}}"
    if len(whole) <= 84:
        return [whole]
    return [f"{before}{{", *(f"    {item}," for item in items), "}"]


def _recurrent(texts: InitTexts, writer: Writer, function: str) -> None:
    gates = {"init_lstm": 4, "init_gru": 3, "init_rnn": 1}[function]
    width = "units" if gates == 1 else f"{gates} * units"
    usual = {"kernel": _GLOROT, "recurrent_kernel": _ORTHOGONAL, "bias": "nn.initializers.zeros"}
    made, ways = texts._options(function, usual)
    parameters = ["key: Array", "inputs: int", "units: int"]
    rows = texts._has(function, "reset_after")
    parameters += ["reset_after: bool = False"] if rows else []
    bias = texts.array(ways["bias"], f"({width},)")
    lines, what = ["first, second = jax.random.split(key)"], "Kernels of all gates and a bias."
    if function == "init_lstm" and ways["bias"] == usual["bias"]:
        bias = f"{bias}.at[units : 2 * units].set(1)"
        what = "Kernels of all gates and a bias that remembers at first."
    if rows:
        lines += [f"shape = (2, {width}) if reset_after else ({width},)"]
        bias = texts.array(ways["bias"], "shape")
    kernel = texts.array(ways["kernel"], f"(inputs, {width})").replace("(key,", "(first,")
    recurrent = texts.array(ways["recurrent_kernel"], f"(units, {width})").replace("(key,", "(second,")
    items = [f'"kernel": {kernel}', f'"recurrent_kernel": {recurrent}', f'"bias": {bias}']
    texts.definition(
        writer,
        function,
        parameters + made,
        what,
        [*lines, f"return {{{', '.join(items)}}}"],
    )


_WRITERS: Mapping[str, Callable[[InitTexts, Writer, str], None]] = {
    "init_batch_norm": _norm,
    "init_conv": _conv,
    "init_conv_transpose": _conv,
    "init_dense": _dense,
    "init_depthwise_conv": _depthwise,
    "init_einsum_dense": _einsum_dense,
    "init_gru": _recurrent,
    "init_linear": _dense,
    "init_lstm": _recurrent,
    "init_norm": _norm,
    "init_rms_norm": _norm,
    "init_rnn": _recurrent,
}

NAMES = frozenset(_WRITERS)
"""What these functions are called."""
