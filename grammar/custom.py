"""Layers that nothing defines: a plugin may bring them, and until then a model can be looked at."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic, warning
from neuralc.grammar.parameters import Plain, Unfit, Whole
from neuralc.grammar.program import CustomNode
from neuralc.grammar.values import is_broken, plain

if TYPE_CHECKING:
    from neuralc.grammar.items import Walk

CUSTOM = re.compile(r"[A-Z]\w*Layer")
"""Names of layers that a plugin may bring; others that nothing defines are mistakes."""


def custom(walk: Walk, item: t.Layer, shape: tuple[int, ...] | None = None) -> CustomNode | None:
    """The use of such a layer; `shape` is that of its result without the batch, where it is known."""
    name = item.name.value
    fed = walk.fed(item, many=True)
    given = walk.given(item.arguments)
    if item.block is not None:
        walk.report(Diagnostic("E0309", f"`{name}` takes no block", item.block.span))
        return None
    if fed is None or any(is_broken(each.value) for each in given):
        return None
    note = ("its result is taken to have the shape of its input",) if shape is None else ()
    message = f"no plugin brings the layer `{name}`, so this model can be looked at and not compiled"
    walk.report(replace(warning("W0204", message, item.name.span), notes=note))
    names = [each.name or f"argument_{index}" for index, each in enumerate(given)]
    try:
        values = [Plain().convert(each.value).value for each in given]
    except Unfit as unfit:
        walk.report(unfit.diagnostic(f"an argument of `{name}`", item.span))
        return None
    return CustomNode(name, dict(zip(names, values, strict=True)), shape, fed, item.span, item.name.span)


def custom_shape(walk: Walk, item: t.Layer) -> CustomNode | None:
    """`CustomShape(MyLayer, (32, 32))`: such a layer, with the shape of its result."""
    layer, shape = (item.arguments[0].value, item.arguments[1].value) if len(item.arguments) == 2 else (None, None)
    if not isinstance(layer, t.Name | t.Call) or shape is None:
        message = "`CustomShape` takes a layer and the shape of its result"
        walk.report(Diagnostic("E0301", message, item.span, (), "write `CustomShape(MyLayer, (32, 32))`"))
        return None
    name = layer if isinstance(layer, t.Name) else layer.name
    if not CUSTOM.fullmatch(name.value) or walk.is_layer(name.value):
        message = f"`CustomShape` is for layers that a plugin brings, whose names end in `Layer`, not `{name.value}`"
        walk.report(Diagnostic("E0305", message, layer.span, (), "a known layer says itself what shape it gives"))
        return None
    sizes = _sizes(walk, shape)
    if sizes is None:
        return None
    arguments = layer.arguments if isinstance(layer, t.Call) else ()
    return custom(walk, replace(item, name=name, arguments=arguments), sizes)


def _sizes(walk: Walk, value: t.Value) -> tuple[int, ...] | None:
    sizes = plain(walk.evaluate(value))
    parts = sizes if isinstance(sizes, tuple) else (sizes,)
    try:
        return tuple(int(Whole(1).convert(part).value) for part in parts)
    except Unfit as unfit:
        walk.report(unfit.diagnostic("a size of the shape", value.span))
        return None
