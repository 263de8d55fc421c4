"""Layers that bring their lowering: those of the table with the results that are used, and what Keras does unasked."""

from __future__ import annotations

from dataclasses import fields

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import element_type_of, shape_of, tensor_type
from neuralc.frontends.nr.layers import lowering_of
from neuralc.frontends.nr.layers.shared import Brought, Lowering
from neuralc.frontends.nr.site import Site, Values
from neuralc.grammar.binding import Bound
from neuralc.grammar.diagnostics import Span
from neuralc.grammar.program import Fed, LayerNode, Use
from neuralc.grammar.signatures import MANY, Signature


def with_results(signature: Signature, count: int) -> Brought:
    """A layer of the table that gives its first results alone.

    Keras says the type of each layer, so that no layer behind it goes back to another one (`retypes`)."""
    given = {field.name: getattr(signature, field.name) for field in fields(signature)}
    return Brought(**{**given, "retypes": True}, lower=only(lowering_of(signature), count))


def only(lower: Lowering, count: int) -> Lowering:
    """A lowering without the results that nothing uses."""

    def lowered(site: Site, arguments: Bound, *values: SSAValue, **named: SSAValue | Values) -> Values:
        results = lower(site, arguments, *values, **named)
        return (results,) if isinstance(results, SSAValue) else tuple(results)[:count]

    return lowered


def brought(name: str, path: str, lower: Lowering, uses: tuple[Use, ...], span: Span) -> LayerNode:
    """A layer without parameters, applied to values; `path` is its name in the model."""
    signature = Brought(name, (), "keras.ops", "", inputs=MANY, retypes=True, lower=lower)
    arguments = Bound({"name": path, "trainable": True, "dtype": None}, {"name": span})
    return LayerNode(signature, arguments, Fed(uses), None, (), span, span, 1)


def itself(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """The value under another name: an output that is an input too, or another output."""
    return site.add(graph.IdentityOp.of(x))


def with_mask(site: Site, arguments: Bound, x: SSAValue, mask: SSAValue) -> SSAValue:
    """The value with a mask that the call gives: what Keras does for models, and for layers that read the mask."""
    if site.mask(x) is mask:
        return x
    result = site.add(graph.IdentityOp.of(x))
    site.put_mask(result, mask)
    return result


def cast_to(dtype: str) -> Lowering:
    """The value as another type: what Keras does to the inputs of a model."""

    def lowered(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
        result = site.add(graph.CastOp.of(x, result=tensor_type(shape_of(x.type), element_type_of(dtype))))
        site.put_mask(result, site.mask(x))
        return result

    return lowered
