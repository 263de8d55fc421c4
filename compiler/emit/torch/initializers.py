"""How parameters start when no weights are loaded: Keras initializers by their names in `torch.nn.init`.

Most models give every kernel one initializer; then the model's `__init__` says so once, in a loop over its layers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph import InitializerAttr
from neuralc.dialects.types import Shape, shape_of
from neuralc.emit.python.expressions import Value, call, name
from neuralc.emit.python.plan import ClassPlan, FreeWeight, Layer
from neuralc.emit.python.writer import Writer
from neuralc.grammar.configured import Configured
from neuralc.grammar.initializers import INITIALIZER, SCALED

_NORMS = ("batch_normalization", "group_norm", "layer_norm", "rms_norm")
_NORM_DEFAULTS = {"weight": "ones", "bias": "zeros", "running_mean": "zeros", "running_var": "ones"}

Options: TypeAlias = dict[str, Value]


def call_of(init: InitializerAttr | None, rank: int = 2) -> str | None:
    """The call that initializes `{}`, which has so many axes; None where torch has no function for it."""
    if init is None:
        return None
    arguments = INITIALIZER.arguments(Configured(init.called.data, init.plain_arguments))
    found = _function(init.called.data, arguments, rank)
    if found is None:
        return None
    function, options = found
    if arguments.get("seed") is not None:
        options["generator"] = name(f"torch.Generator().manual_seed({arguments['seed']})")
    # torch finds no fans of a vector; of its row of a matrix it finds the length.
    row = f"[{', '.join(['None'] * (2 - rank))}]" if rank < 2 and function.startswith("kaiming") else ""
    return call(f"nn.init.{function}", name(f"{{}}{row}"), **options).text


def _function(init: str, arguments: Mapping[str, Any], rank: int) -> tuple[str, Options] | None:
    """The function of torch.nn.init by its Keras name, and its options. Normals of Keras that are cut end at two
    deviations."""
    match init:
        case "zeros" | "ones":
            return f"{init}_", {}
        case "constant":
            return "constant_", {"val": arguments["value"]}
        case "identity" if arguments["gain"] == 1.0:
            return "eye_", {}
        case "orthogonal":
            return "orthogonal_", {} if arguments["gain"] == 1.0 else {"gain": arguments["gain"]}
        case "random_uniform":
            return "uniform_", {"a": arguments["minval"], "b": arguments["maxval"]}
        case "random_normal" | "truncated_normal":
            return _normal(init, arguments["mean"], arguments["stddev"])
        case "variance_scaling" | "stft" | "unit_forget" | "identity":
            return _scaled(arguments, rank) if init == "variance_scaling" else None
        case _:
            return _scaled({**arguments, **SCALED[init]}, rank)


def _normal(init: str, mean: float, deviation: float) -> tuple[str, Options]:
    around: Options = {} if mean == 0.0 else {"mean": mean}
    if init == "random_normal":
        return "normal_", {**around, "std": deviation}
    return "trunc_normal_", {**around, "std": deviation, "a": mean - 2 * deviation, "b": mean + 2 * deviation}


def _scaled(arguments: Mapping[str, Any], rank: int) -> tuple[str, Options] | None:
    """Variance scale / fan: torch says it by the slope of a leaky_relu, whose square and 1 add up to 2 / scale.

    Both fans of a vector are its length.
    """
    scale, mode = arguments["scale"], arguments["mode"] if rank > 1 else "fan_in"
    if arguments["input_axes"] is not None or (mode != "fan_avg" and scale > 2.0):
        return None
    kind = "uniform_" if arguments["distribution"] == "uniform" else "normal_"
    if mode == "fan_avg":
        return f"xavier_{kind}", {} if scale == 1.0 else {"gain": math.sqrt(scale)}
    options: Options = {} if mode == "fan_in" else {"mode": mode}
    if scale in (1.0, 2.0):
        return f"kaiming_{kind}", {**options, "nonlinearity": "linear" if scale == 1.0 else "relu"}
    return f"kaiming_{kind}", {"a": math.sqrt(2.0 / scale - 1.0), **options}


@dataclass(frozen=True)
class Common:
    """The calls that initialize all convolutions and dense layers of a module."""

    kernel: str
    bias: str | None


def common_initializers(classes: Iterable[ClassPlan]) -> Common | None:
    """What all kernels and all biases of a module start from; None where that is not one thing."""
    layers = [layer for plan in classes for layer in kernel_layers(plan)]
    kernels = {call_of(layer.init.get("weight")) for layer in layers}
    biases = {call_of(layer.init.get("bias"), 1) for layer in layers if "bias" in layer.weights}
    if len(layers) < 2 or len(kernels) != 1 or len(biases) > 1:
        return None
    kernel, bias = next(iter(kernels)), next(iter(biases), None)
    if kernel is None or (biases and bias is None):
        return None
    return Common(kernel, bias)


def kernel_layers(plan: ClassPlan) -> list[Layer]:
    return [member for member in plan.members if isinstance(member, Layer) and member.spec.kind in ("conv", "dense")]


def write_common(writer: Writer, classes: Sequence[ClassPlan], common: Common) -> None:
    """The loop of the model's `__init__` that initializes every kernel and bias."""
    layers = [layer for plan in classes for layer in kernel_layers(plan)]
    types = sorted({layer.spec.constructor.head for layer in layers})
    with writer.block("for layer in self.modules():"), writer.block(f"if isinstance(layer, {' | '.join(types)}):"):
        writer.line(common.kernel.format("layer.weight"))
        if common.bias is None:
            return
        if all("bias" in layer.weights for layer in layers):
            writer.line(common.bias.format("layer.bias"))
        else:
            with writer.block("if layer.bias is not None:"):
                writer.line(common.bias.format("layer.bias"))


def own_initializers(plan: ClassPlan, *, kernels_too: bool) -> list[str]:
    """The lines of a class's `__init__` for what no common rule and no default of torch covers."""
    lines = []
    for member in plan.members:
        if isinstance(member, Layer):
            kernel = member.spec.kind in ("conv", "dense")
            usual = _NORM_DEFAULTS if member.spec.kind in _NORMS else {}
            for parameter, init in member.init.items():
                if not (kernels_too or not kernel) or init.called.data == usual.get(parameter):
                    continue
                name = f"self.{member.attribute}.{parameter}"
                forget, shape = init.called.data == "unit_forget", _shape(member, parameter)
                lines += _unit_forget(name, shape) if forget else [_line(init, name, len(shape))]
        elif isinstance(member, FreeWeight) and member.init and member.init.called.data not in ("zeros", "ones"):
            lines.append(_line(member.init, f"self.{member.attribute}", len(member.shape)))
    return lines


def _unit_forget(name: str, shape: Shape) -> list[str]:
    """Ones for the forget gate of an LSTM, which is the second of four."""
    units = as_dim(shape[-1]).value // 4
    return [f"nn.init.zeros_({name})", f"nn.init.ones_({name}[{units}:{2 * units}])"]


def _shape(layer: Layer, parameter: str) -> Shape:
    """Of the weight, whose axes the layer may have in another order."""
    return next(shape_of(each.value.type) for each in layer.spec.parameters if each.name == parameter)


def _line(init: InitializerAttr, parameter: str, rank: int) -> str:
    written = call_of(init, rank)
    if written is None:
        return f"# torch has no initializer like `{init.called.data}`: {parameter} has to be loaded"
    return written.format(parameter)
