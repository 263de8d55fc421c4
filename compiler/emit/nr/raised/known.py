"""Which layers the ops of a body may be: from what marks a layer, its arguments and the shapes it is applied to.

What is found here is a guess that a template proves or not (template.py). The marks: a softmax of products for
attention, a slice of a table for learned positions, a bounded root for unit norms, an attention with a norm behind or
in front of it for the layers of a transformer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xdsl.ir import Block, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import shape_of
from neuralc.emit.nr.activations import NAMES
from neuralc.emit.nr.expressions import as_float32
from neuralc.emit.nr.raised.family import Family, only_user, typed, users_of
from neuralc.emit.nr.raised.layer import CARRIED, LayerOp
from neuralc.emit.nr.raised.template import Wanted
from neuralc.emit.nr.raised.walks import WALKS
from neuralc.emit.nr.text import Word
from neuralc.passes.graph.canonicalize_views import number_of


# --- norms and positions ---------------------------------------------------------------------------------------------
def unit_norms(block: Block) -> Iterator[Wanted]:
    for op in block.ops:
        if isinstance(op, graph.ReduceOp) and op.literal("kind") == "sum" and _bounds_root(op):
            square = op.x.owner
            if isinstance(square, graph.MulOp | graph.PowOp) and len(shape_of(square.lhs.type)) > 1:
                rank = len(shape_of(op.x.type))
                axes = tuple(normalize_axis(axis, rank) for axis in op.literal("axes"))
                given = {} if axes == (rank - 1,) else {"axis": axes}
                yield Wanted("UnitNormalization", given, {"x": typed(square.lhs)})


def _bounds_root(op: graph.ReduceOp) -> bool:
    root = only_user(op.result, graph.RsqrtOp)
    return root is not None and only_user(root.results[0], graph.MinimumOp) is not None


def positions(block: Block) -> Iterator[Wanted]:
    """Rows of a table from the first on, added to a sequence."""
    for op in block.ops:
        if not isinstance(op, graph.SliceOp) or len(shape_of(op.x.type)) != 2:
            continue
        longest, width = shape_of(op.x.type)
        add = only_user(op.result, graph.AddOp)
        if add is None or not isinstance(longest, int) or not isinstance(width, int):
            continue
        (x,) = [value for value in add.operands if value is not op.result] or (None,)
        if x is not None and len(shape_of(x.type)) == 3:
            given = {"max_length": longest, "learned": True}
            yield Wanted("PositionalEncoding", given, {"x": typed(x)}, bounds={"x": longest})


def kept_positions(block: Block) -> Iterator[Wanted]:
    """Rows of a table from the place on that the run before ended with, added to a sequence."""
    for op in block.ops:
        if not isinstance(op, graph.GatherOp) or not isinstance(op.indices.owner, graph.AddOp):
            continue
        places, longest = op.indices.owner, shape_of(op.x.type)[0]
        add = only_user(op.result, graph.AddOp)
        if add is None or not any(isinstance(value.owner, graph.GetStateOp) for value in places.operands):
            continue
        (x,) = [value for value in add.operands if value is not op.result] or (None,)
        if x is not None and isinstance(longest, int):
            given = {"max_length": longest, "learned": True, "stateful": True}
            yield Wanted("PositionalEncoding", given, {"x": typed(x)}, bounds={"x": longest})


# --- attention -------------------------------------------------------------------------------------------------------
def attentions(block: Block) -> Iterator[Wanted]:
    for op in block.ops:
        if isinstance(op, graph.SoftmaxOp):
            yield from _attention(op)


def _attention(op: graph.SoftmaxOp) -> Iterator[Wanted]:
    inner, mask = op.x.owner, None
    if isinstance(inner, graph.WhereOp):
        mask, inner = inner.operands[0], inner.operands[1].owner
    if not isinstance(inner, graph.EinsumOp) or len(inner.operands) != 2:
        return
    query = _projected(inner.operands[0])
    keys, cache = _uncached(inner.operands[1])
    key = _projected(keys)
    dropout = only_user(op.result, graph.DropoutOp)
    weights = op.result if dropout is None else dropout.results[0]
    mixed = only_user(weights, graph.EinsumOp)
    value = _projected(_uncached(mixed.operands[1])[0]) if mixed is not None else None
    if query is None or key is None or value is None or mixed is None:
        return
    *_, heads, key_dim = shape_of(query.heads.type)
    value_dim = shape_of(value.heads.type)[-1]
    given: dict[str, Any] = {"num_heads": heads, "key_dim": key_dim}
    given |= {} if value_dim == key_dim else {"value_dim": value_dim}
    given |= {} if dropout is None else {"dropout": dropout.literal("rate")}
    given |= {} if query.has_bias else {"use_bias": False}
    given |= {} if cache is None else {"cache": cache}
    inputs = {"query": typed(query.x)}
    if value.x is not query.x:
        inputs["value"] = typed(value.x)
        if key.x is not value.x:
            inputs["key"] = typed(key.x)
    if len(shape_of(query.x.type)) != 3:
        return
    if mask is None:
        yield Wanted("MultiHeadAttention", given, inputs)
        return
    causal = {**given, "use_causal_mask": True}
    yield Wanted("MultiHeadAttention", causal, inputs)
    for arguments in (given, causal):
        yield Wanted("MultiHeadAttention", arguments, inputs, is_masked=True)
    pairs = mask.owner.operands[0] if isinstance(mask.owner, graph.ReshapeOp) else mask
    if len(shape_of(pairs.type)) == 3:
        for arguments in (given, causal):
            yield Wanted("MultiHeadAttention", arguments, {**inputs, "attention_mask=": typed(pairs)})


def _uncached(value: SSAValue) -> tuple[SSAValue, int | None]:
    """The keys or values of this run, and how many the states have room for that they are written into."""
    op = value.owner
    if not isinstance(op, graph.ScatterElementsOp | graph.ScatterNdOp) or not isinstance(op.x.owner, graph.GetStateOp):
        return value, None
    turned, room = op.updates.owner, shape_of(op.x.type)[-1]
    return (turned.x if isinstance(turned, graph.TransposeOp) else value), room if isinstance(room, int) else None


class _Projection:
    """A dense map to heads: what it is of, and what it gives as [.., heads, size]."""

    def __init__(self, x: SSAValue, heads: SSAValue, has_bias: bool) -> None:
        self.x, self.heads, self.has_bias = x, heads, has_bias


def _projected(value: SSAValue) -> _Projection | None:
    if isinstance(value.owner, graph.MulOp) and number_of(value.owner.rhs) is not None:
        value = value.owner.lhs
    view = value.owner
    if not isinstance(view, graph.ReshapeOp) or len(shape_of(value.type)) < 4:
        return None
    product = view.x.owner
    if isinstance(product, graph.DenseOp):
        return _Projection(product.x, value, len(product.operands) > 2)
    return None


# --- transformers ----------------------------------------------------------------------------------------------------
def transformers(block: Block) -> Iterator[Wanted]:
    for op in block.ops:
        if isinstance(op, LayerOp) and op.layer.data == "MultiHeadAttention":
            yield from _transformer(op)


def _transformer(op: LayerOp) -> Iterator[Wanted]:
    """An encoder or a decoder around its attention: norms behind the sums, or in front of what is added."""
    arguments, roles = op.call_arguments, dict(op.by_role)
    value, dropout = _through_dropout(op.res[0])
    add = only_user(value, graph.AddOp)
    if add is None:
        return
    (x,) = [each for each in add.operands if each is not value] or (None,)
    norm = only_user(add.results[0], graph.LayerNormOp)
    if x is None or norm is None:
        return
    first = roles["query"] is not x
    hidden = only_user(norm.results[0], graph.DenseOp)
    if hidden is None:
        return
    activation = _activation(hidden.results[0])
    epsilon = as_float32(norm.literal("epsilon"))
    given: dict[str, Any] = {"num_heads": arguments["num_heads"], "ff_dim": shape_of(hidden.results[0].type)[-1]}
    width = shape_of(x.type)[-1]
    if arguments["key_dim"] * arguments["num_heads"] != width:
        given["key_dim"] = arguments["key_dim"]
    given |= {"dropout": dropout, "activation": activation, "normalize_first": first, "epsilon": epsilon}
    given |= {} if len(hidden.operands) > 2 else {"use_bias": False}
    causal = {"use_causal_mask": True} if arguments.get("use_causal_mask") else {}
    cache = {"cache": arguments["cache"]} if "cache" in arguments else {}
    inputs = {"x": typed(x)}
    if "attention_mask=" in roles:
        inputs["attention_mask="] = typed(roles["attention_mask="])
    is_masked = CARRIED in roles
    if causal:
        yield Wanted("TransformerDecoder", {**given, **cache}, inputs, is_masked=is_masked)
    if not cache:
        yield Wanted("TransformerEncoder", {**given, **causal}, inputs, is_masked=is_masked)


def _through_dropout(value: SSAValue) -> tuple[SSAValue, float]:
    dropout = only_user(value, graph.DropoutOp)
    if dropout is None:
        return value, 0.0
    return dropout.results[0], float(dropout.literal("rate"))


_ACTIVATIONS: Mapping[str, str] = {f"graph.{name}": name for name in NAMES.values()}


def _activation(value: SSAValue) -> str | Word:
    for user in users_of(value):
        if user.name in _ACTIVATIONS:
            name = _ACTIVATIONS[user.name]
            if isinstance(user, graph.GeluOp) and user.literal("approximate"):
                return Word("GELU(approximate=true)")
            return name
    return "linear"


FAMILIES: Sequence[Sequence[Family]] = (
    (unit_norms, positions, kept_positions, *WALKS, attentions),
    (transformers,),
)
"""Layers, then those that are made of them."""
