"""Attention: torch's one function is products and a softmax here, which the passes fuse again."""

from __future__ import annotations

import math

import numpy as np
from xdsl.dialects.builtin import i1

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.frontends.sizes import Size
from neuralc.frontends.torch.node import Node
from neuralc.frontends.torch.ops.joining import repeated
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value


@aten(
    "scaled_dot_product_attention",
    makes=(
        "graph.matmul",
        "graph.transpose",
        "graph.mul",
        "graph.add",
        "graph.where",
        "graph.softmax",
        "graph.dropout",
    ),
)
def attention(
    node: Node,
    query: Value,
    key: Value,
    value: Value,
    attn_mask: Value | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Value:
    """softmax(q k^T * scale + mask) v. A row that a mask of truth values empties is 0, as torch computes it."""
    if dropout_p:
        node.refuse("with dropout at inference: pass `dropout_p` only where the module is training")
    if enable_gqa and key.shape[-3] != query.shape[-3]:
        key, value = (_shared(node, x, query.shape[-3]) for x in (key, value))
    width = query.shape[-1]
    if scale is None and isinstance(width, Dim):
        node.refuse(f"with heads of size {width}")
    factor = 1 / math.sqrt(int(str(width))) if scale is None else scale
    name, node.name = node.name, f"{node.name}.scores"
    turned = node.transpose(key, (*range(key.rank - 2), key.rank - 1, key.rank - 2))
    scores = node.emit(graph.MatmulOp, query, turned)
    scores = node.mul(scores, node.scalar(factor, scores))
    mask = causal(node, query.shape[-2], key.shape[-2]) if is_causal else attn_mask
    if mask is not None and mask.element == i1:
        scores = node.emit(graph.WhereOp, mask, scores, node.scalar(-math.inf, scores))
    elif mask is not None:
        scores = node.add(scores, node.cast(mask, scores.element))
    node.name = f"{name}.weights"
    weights = node.emit(graph.SoftmaxOp, scores, axis=-1)
    if mask is not None and mask.element == i1 and not is_causal:
        weights = node.emit(graph.WhereOp, mask, weights, node.scalar(0, weights))
    node.name = name
    return node.emit(graph.MatmulOp, weights, value)


def causal(node: Node, rows: Size, columns: Size) -> Value:
    """True where a query may look: at keys that are not behind it."""
    if isinstance(rows, int) and isinstance(columns, int):
        return node.constant(np.tri(rows, columns, dtype=bool), i1)
    down = node.reshape(node.iota(rows), (rows, 1))
    across = node.reshape(node.iota(columns), (1, columns))
    return node.emit(graph.LessEqualOp, across, down)


def _shared(node: Node, x: Value, heads: Size) -> Value:
    """Each head of keys or values for several of queries, one after the other."""
    own = x.shape[-3]
    if not isinstance(heads, int) or not isinstance(own, int) or heads % own:
        node.refuse(f"with {heads} heads of queries for {own} of keys")
    return repeated(node, x, heads // own, x.rank - 3)
