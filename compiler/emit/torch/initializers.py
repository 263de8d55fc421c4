"""How parameters start when no weights are loaded: Keras initializers by their names in `torch.nn.init`.

Most models give every kernel one initializer; then the model's `__init__` says so once, in a loop over its layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from neuralc.dialects.graph import InitializerAttr
from neuralc.emit.python.writer import Writer
from neuralc.emit.torch.plan import ClassPlan, FreeWeight, Layer

# Keras draws random_normal, random_uniform and truncated_normal with a scale of 0.05; a truncated normal ends at two
# standard deviations. Its he_* and lecun_* are variance scaling by fan-in, with a gain of 2 and of 1.
_CALLS = {
    "glorot_uniform": "nn.init.xavier_uniform_({})",
    "glorot_normal": "nn.init.xavier_normal_({})",
    "he_uniform": 'nn.init.kaiming_uniform_({}, nonlinearity="relu")',
    "he_normal": 'nn.init.kaiming_normal_({}, nonlinearity="relu")',
    "lecun_uniform": 'nn.init.kaiming_uniform_({}, nonlinearity="linear")',
    "lecun_normal": 'nn.init.kaiming_normal_({}, nonlinearity="linear")',
    "random_normal": "nn.init.normal_({}, std=0.05)",
    "random_uniform": "nn.init.uniform_({}, -0.05, 0.05)",
    "truncated_normal": "nn.init.trunc_normal_({}, std=0.05, a=-0.1, b=0.1)",
    "zeros": "nn.init.zeros_({})",
    "ones": "nn.init.ones_({})",
}

_BATCH_NORM_DEFAULTS = {"weight": "ones", "bias": "zeros", "running_mean": "zeros", "running_var": "ones"}


def call_of(init: InitializerAttr | None) -> str | None:
    """The call that initializes `{}`; None where torch has no function for it."""
    return None if init is None or init.arguments.data else _CALLS.get(init.called.data)


@dataclass(frozen=True)
class Common:
    """The calls that initialize all convolutions and dense layers of a module."""

    kernel: str
    bias: str | None


def common_initializers(classes: Iterable[ClassPlan]) -> Common | None:
    """What all kernels and all biases of a module start from; None where that is not one thing."""
    layers = [layer for plan in classes for layer in kernel_layers(plan)]
    kernels = {call_of(layer.init.get("weight")) for layer in layers}
    biases = {call_of(layer.init.get("bias")) for layer in layers if "bias" in layer.weights}
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
            usual = _BATCH_NORM_DEFAULTS if member.spec.kind == "batch_normalization" else {}
            for parameter, init in member.init.items():
                call = call_of(init)
                if (kernels_too or not kernel) and call is not None and call != _CALLS.get(usual.get(parameter, "")):
                    lines.append(call.format(f"self.{member.attribute}.{parameter}"))
        elif isinstance(member, FreeWeight):
            call = call_of(member.init)
            if call not in (None, _CALLS["zeros"], _CALLS["ones"]):
                lines.append(call.format(f"self.{member.attribute}"))
    return lines
