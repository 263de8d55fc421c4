"""Transformer layers (Vaswani et al. 2017): attention and a feed-forward net, each with a shortcut and a layer norm.

A layer's block takes the place of its feed-forward net; a dense map brings the result back to the width of the input
where it has another one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, shape_of
from neuralc.frontends.nr.functions import Function
from neuralc.frontends.nr.layers.heads import multi_head_attention
from neuralc.frontends.nr.layers.sequences import one_or_many, require_sequences
from neuralc.frontends.nr.layers.shared import Lowering, known
from neuralc.frontends.nr.layers.values import dropout, layer_norm, same
from neuralc.frontends.nr.site import LayerError, Site, Values, shown
from neuralc.grammar.binding import Bound
from neuralc.grammar.signatures import find

PASSED_ON = ("dropout", "use_bias", "kernel_initializer", "bias_initializer")
"""Arguments that the attention of a layer takes as they are."""


@one_or_many("x")
def encoder(
    site: Site,
    arguments: Bound,
    x: SSAValue,
    padding_mask: SSAValue | None = None,
    attention_mask: SSAValue | None = None,
) -> SSAValue:
    require_sequences(x)
    padding = site.mask(x) if padding_mask is None else padding_mask
    result = _encoder_layer(site, arguments, x, padding, attention_mask)
    site.put_mask(result, padding)
    return result


@one_or_many("x")
def decoder(
    site: Site,
    arguments: Bound,
    x: SSAValue,
    memory: SSAValue | None = None,
    padding_mask: SSAValue | None = None,
    attention_mask: SSAValue | None = None,
    memory_padding_mask: SSAValue | None = None,
    memory_attention_mask: SSAValue | None = None,
) -> SSAValue:
    require_sequences(x)
    padding = site.mask(x) if padding_mask is None else padding_mask
    if memory is not None and memory_padding_mask is None:
        memory_padding_mask = site.mask(memory)
    result = _decoder_layer(
        site, arguments, x, memory, padding, attention_mask, memory_padding_mask, memory_attention_mask
    )
    site.put_mask(result, padding)
    return result


@one_or_many("x")
def transformer(
    site: Site,
    arguments: Bound,
    x: SSAValue,
    target: SSAValue | None = None,
    padding_mask: SSAValue | None = None,
    target_padding_mask: SSAValue | None = None,
) -> SSAValue:
    """Encoder layers over x, decoder layers over the target, with a last norm for each as PyTorch has it."""
    require_sequences(x)
    padding = site.mask(x) if padding_mask is None else padding_mask
    target = x if target is None else target
    target_padding = site.mask(target) if target_padding_mask is None else target_padding_mask
    memory, whole = x, Bound({**arguments.values, "use_causal_mask": False})
    for index in range(arguments["num_encoder_layers"]):
        memory = _encoder_layer(_inside(site, f"encoder.{index}"), whole, memory, padding, None)
    if arguments["num_encoder_layers"]:
        memory = layer_norm(site.sub("encoder.norm", "LayerNormalization"), memory, arguments["epsilon"])
    for index in range(arguments["num_decoder_layers"]):
        place = _inside(site, f"decoder.{index}")
        target = _decoder_layer(place, arguments, target, memory, target_padding, None, padding, None)
    if not arguments["num_decoder_layers"]:
        return memory
    result = layer_norm(site.sub("decoder.norm", "LayerNormalization"), target, arguments["epsilon"])
    site.put_mask(result, target_padding)
    return result


def _inside(site: Site, name: str) -> Site:
    """A part of the layer that has the layer's block, with weights of its own."""
    part, block = site.sub(name), site.block
    if block is None:
        return part

    def nested(*values: SSAValue, inside: str = "", function: Function | None = None) -> Values:
        return block(*values, inside=f"{name}.{inside}", function=function)

    return replace(part, block=nested)


def _encoder_layer(
    site: Site, arguments: Bound, x: SSAValue, padding: SSAValue | None, pairs: SSAValue | None
) -> SSAValue:
    def attention(y: SSAValue) -> SSAValue:
        return _attend(site.sub("attention", "MultiHeadAttention"), arguments, y, y, padding, pairs)

    x = _sublayer(site, arguments, "attention", x, attention)
    return _sublayer(site, arguments, "feed_forward", x, lambda y: _feed_forward(site, arguments, y))


def _decoder_layer(
    site: Site,
    arguments: Bound,
    x: SSAValue,
    memory: SSAValue | None,
    padding: SSAValue | None,
    pairs: SSAValue | None,
    memory_padding: SSAValue | None,
    memory_pairs: SSAValue | None,
) -> SSAValue:
    """Without a memory, the layer of a decoder that stands alone (Liu et al. 2018): self-attention only."""

    def attention(y: SSAValue) -> SSAValue:
        return _attend(site.sub("attention", "MultiHeadAttention"), arguments, y, y, padding, pairs)

    x = _sublayer(site, arguments, "attention", x, attention)
    if memory is not None:
        given = memory

        def cross(y: SSAValue) -> SSAValue:
            place = site.sub("cross_attention", "MultiHeadAttention")
            return _attend(place, arguments, y, given, memory_padding, memory_pairs, to_itself=False)

        x = _sublayer(site, arguments, "cross_attention", x, cross)
    return _sublayer(site, arguments, "feed_forward", x, lambda y: _feed_forward(site, arguments, y))


def _sublayer(site: Site, arguments: Bound, name: str, x: SSAValue, part: Callable[[SSAValue], SSAValue]) -> SSAValue:
    """norm(x + part(x)) as in the paper, or x + part(norm(x)) (Xiong et al. 2020)."""
    norm, epsilon = site.sub(f"{name}_norm", "LayerNormalization"), arguments["epsilon"]
    first = arguments["normalize_first"]
    made = dropout(site.sub(name), part(layer_norm(norm, x, epsilon) if first else x), arguments["dropout"])
    joined = site.add(graph.AddOp.of(x, made), name)
    return joined if first else layer_norm(norm, joined, epsilon)


def _attend(
    site: Site,
    arguments: Bound,
    query: SSAValue,
    value: SSAValue,
    padding: SSAValue | None,
    pairs: SSAValue | None,
    *,
    to_itself: bool = True,
) -> SSAValue:
    """Multi-head attention to the steps of a value that its padding mask lets through."""
    width, heads = known(shape_of(query.type)[-1], "the last axis"), arguments["num_heads"]
    key_dim = arguments["key_dim"]
    if key_dim is None and width % heads:
        raise LayerError(
            f"{heads} heads cannot share the {width} features of {shown(query)} evenly",
            help=f"choose `num_heads` so that it divides {width}, or say `key_dim`",
        )
    bound = with_defaults(
        "MultiHeadAttention",
        num_heads=heads,
        key_dim=key_dim or width // heads,
        use_causal_mask=to_itself and arguments["use_causal_mask"],
        rotary=to_itself and arguments["rotary"],
        cache=arguments.get("cache") if to_itself else None,
        **{name: arguments[name] for name in PASSED_ON},
    )
    result = multi_head_attention(site, bound, query, value, value_mask=padding, attention_mask=pairs)
    return result if isinstance(result, SSAValue) else result[0]


def with_defaults(layer: str, **arguments: Any) -> Bound:
    """The arguments of another layer, with its defaults for those that are not given."""
    signature = find(layer)
    if signature is None:
        raise ValueError(f"no layer is called {layer}")
    return Bound({**{parameter.name: parameter.default for parameter in signature.all_parameters}, **arguments})


def _feed_forward(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """The layer's block, or two dense maps with the activation between; the result has the width of x."""
    width = known(shape_of(x.type)[-1], "the last axis")
    names = ("use_bias", "kernel_initializer", "bias_initializer")
    options = {name: arguments[name] for name in names}
    if site.block is None:
        hidden = site.layer(
            "feed_forward.hidden", "Dense", x, units=arguments["ff_dim"], activation=arguments["activation"], **options
        )
        hidden = dropout(site.sub("feed_forward"), hidden, arguments["dropout"])
        return site.layer("feed_forward.output", "Dense", hidden, units=width, **options)
    made = site.body(x, inside="feed_forward")
    if len(made) != 1:
        raise ShapeError(f"its block gives {len(made)} values, one is needed")
    before, after = shape_of(x.type), shape_of(made[0].type)
    if len(before) != len(after):
        raise ShapeError(f"its block turns {shown(x)} into {shown(made[0])}: only the features may change")
    for axis, (mine, other) in enumerate(zip(before[:-1], after[:-1], strict=True)):
        same(site, f"sizes of axis {axis} before and after its block", mine, other)
    if after[-1] == width:
        return made[0]
    changed = f"this block turns {shown(x)} into {shown(made[0])}"
    site.warn("W0405", f"{changed}: a linear map leads back", f"write `Dense({width})` at its end if that is meant")
    return site.layer("projection", "Dense", made[0], units=width, **options)


LOWERINGS: dict[str, Lowering] = {
    "TransformerEncoder": encoder,
    "TransformerDecoder": decoder,
    "Transformer": transformer,
}
