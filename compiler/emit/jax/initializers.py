"""How parameters start when no weights are loaded: Keras initializers in the words of `jax.nn.initializers`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from neuralc.dialects.graph import InitializerAttr
from neuralc.emit.python.expressions import Expression, Value, call, literal, name
from neuralc.grammar.configured import Configured
from neuralc.grammar.initializers import INITIALIZER
from neuralc.initial_values import fans

KEY = name("next(keys)")
DEFAULTS = {"kernel": "glorot_uniform", "recurrent_kernel": "orthogonal", "gamma": "ones", "moving_variance": "ones"}
"""What the helper functions that make layers start with; what is not named starts with zeros."""


def array_of(init: InitializerAttr | None, shape: tuple[int, ...], options: Mapping[str, Value]) -> Expression:
    """A new array; without an initializer, as a weight that is always loaded, zeros. `options` may give the dtype."""
    size: Value = shape[0] if len(shape) == 1 else shape
    kind, arguments = _arguments(init)
    key = KEY if arguments.get("seed") is None else name(f"jax.random.key({arguments['seed']})")
    match kind:
        case "zeros" | "ones":
            return call(f"jnp.{kind}", size, **options)
        case "constant":
            return call("jnp.full", size, arguments["value"], **options)
        case "identity":
            eye = call("jnp.eye", *shape, **options)
            return eye if arguments["gain"] == 1.0 else name(f"{arguments['gain']} * {eye}")
        case "unit_forget":
            width = shape[-1] // 4
            start = array_of(_named(arguments["others"]), shape, options)
            return name(f"{start}.at[{width}:{2 * width}].set(1)")
        case "random_uniform":
            low, high = arguments["minval"], arguments["maxval"]
            return call("jax.random.uniform", key, shape, **options, minval=low, maxval=high)
        case "random_normal" | "truncated_normal" if arguments["mean"] != 0.0:
            return name(f"{arguments['mean']!r} + {_drawn(kind, arguments)}({key}, {literal(shape)})")
        case _ if len(shape) < 2 and kind not in ("random_normal", "truncated_normal"):
            limit = math.sqrt(3.0 / max(fans(shape)))
            return call("jax.random.uniform", key, shape, **options, minval=-limit, maxval=limit)
        case _:
            return call(_drawn(kind, arguments), key, shape, *options.values())


def function_of(init: InitializerAttr) -> str:
    """A function of a key and a shape, for the options of the helper functions."""
    kind, arguments = _arguments(init)
    match kind:
        case "zeros" | "ones":
            return f"nn.initializers.{kind}"
        case "constant":
            return f"nn.initializers.constant({arguments['value']!r})"
        case "random_uniform":
            low, high = arguments["minval"], arguments["maxval"]
            return f"partial(jax.random.uniform, minval={low!r}, maxval={high!r})"
        case "identity":
            return f"lambda key, shape: {arguments['gain']!r} * jnp.eye(*shape)"
        case "random_normal" | "truncated_normal" if arguments["mean"] != 0.0:
            return f"lambda key, shape: {arguments['mean']!r} + {_drawn(kind, arguments)}(key, shape)"
        case "unit_forget":
            return "unit_forget"
        case _:
            return _drawn(kind, arguments)


def is_default(layer: str, parameter: str, init: InitializerAttr) -> bool:
    """True for what the helper function that makes the layer starts a parameter with by itself."""
    kind, arguments = _arguments(init)
    usual = "unit_forget" if (layer, parameter) == ("lstm", "bias") else DEFAULTS.get(parameter, "zeros")
    plain = INITIALIZER.arguments(Configured(kind))
    return usual == kind and {**arguments, "seed": None} == {**plain, "seed": None}


def has_function(init: InitializerAttr | None) -> bool:
    """False for the initializers that `jax.nn.initializers` has nothing like."""
    return init is None or init.called.data != "stft"


def _arguments(init: InitializerAttr | None) -> tuple[str, Mapping[str, Any]]:
    if init is None:
        return "zeros", INITIALIZER.arguments(Configured("zeros"))
    return init.called.data, INITIALIZER.arguments(Configured(init.called.data, init.plain_arguments))


def _named(kind: str) -> InitializerAttr:
    return InitializerAttr.named(kind)


def _drawn(kind: str, arguments: Mapping[str, Any]) -> str:
    """The function of `jax.nn.initializers`; its normals that are cut end at two deviations, as Keras's do."""
    match kind:
        case "orthogonal":
            return call("nn.initializers.orthogonal", *_unless(arguments["gain"], 1.0)).text
        case "random_normal":
            return call("nn.initializers.normal", arguments["stddev"]).text
        case "truncated_normal":
            return call("nn.initializers.truncated_normal", arguments["stddev"]).text
        case "variance_scaling":
            distribution = {"untruncated_normal": "normal"}.get(arguments["distribution"], arguments["distribution"])
            axes = {key: arguments[f"{key}put_axes"] for key in ("in", "out")}
            options: dict[str, Value] = {f"{key}_axis": axis for key, axis in axes.items() if axis is not None}
            return call(
                "nn.initializers.variance_scaling", arguments["scale"], arguments["mode"], distribution, **options
            ).text
        case _:
            return call(f"nn.initializers.{kind}").text


def _unless(value: float, usual: float) -> list[float]:
    return [] if value == usual else [value]
