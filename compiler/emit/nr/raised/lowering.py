"""A raised layer in a body: a layer with its values and weights, at the path where the model has these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.nr.body import Body, Inexpressible
from neuralc.emit.nr.raised.layer import LayerOp
from neuralc.emit.nr.recurrent import level_path
from neuralc.emit.nr.values import Held, Value


def layer(body: Body, op: LayerOp) -> Sequence[Value]:
    inputs: list[Value] = []
    named: dict[str, tuple[Value, ...]] = {}
    weights: dict[str, Value] = {}
    for role, operand in op.by_role:
        value = body[operand]
        if role.startswith("."):
            if not body.is_held(value):
                raise Inexpressible("a weight of a layer is used elsewhere too")
            weights[role[1:]] = value
        elif role[0].isalpha() and not role.endswith("="):
            inputs.append(value)
        else:
            name = role.removesuffix("=")
            named[name] = (*named.get(name, ()), body.tensor(value))
    results = [(shape_of(result.type), element_of(result.type)) for result in op.res]
    path = level_path(op, weights) or path_of(weights)
    return body.layers(op.layer.data, inputs, results, op.call_arguments, weights, named=named, path=path)


def path_of(weights: Mapping[str, Value]) -> str | None:
    """Where the weights of a layer are in the model: `encoder.0` of `encoder.0.attention.query.kernel`, .."""
    symbols = {leaf: value.source.origin.symbols for leaf, value in weights.items() if isinstance(value.source, Held)}
    stems = {
        symbol.removesuffix(f".{leaf}") if symbol.endswith(f".{leaf}") else ""
        for leaf, found in symbols.items()
        for symbol in found
    }
    if len(stems) == 1 and "" not in stems:
        return stems.pop()
    parts = [symbol.split(".")[:-1] for found in symbols.values() for symbol in found]
    common: list[str] = []
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        common.append(level[0])
    return ".".join(common) or None


LOWERINGS: Mapping[type[Operation], Callable[..., Any]] = {LayerOp: layer}
