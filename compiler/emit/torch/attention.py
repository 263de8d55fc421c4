"""Products and a softmax that are `F.scaled_dot_product_attention`: found from the last product backwards.

    scores = matmul(q, k^T) * scale          where(mask, scores, -inf), or scores + mask
    weights = softmax(scores)                where(mask, weights, 0), dropout
    matmul(weights, v)

torch gives 0 for a query whose mask of truth values leaves out every key. A softmax over -inf or -1e9 alone gives
something else there, so such a mask has to make zeros behind it, or be causal, which leaves out no query. Of a row
of -inf that is added torch makes 0 too, where the softmax of the model is NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from xdsl.dialects.builtin import i1
from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import (
    AddOp,
    ConstantOp,
    DivOp,
    DropoutOp,
    EinsumOp,
    IotaOp,
    LessEqualOp,
    MatmulOp,
    MulOp,
    ReshapeOp,
    SoftmaxOp,
    WhereOp,
)
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.layouts import Order

LEAST = -1e9
"""What a score is at least so that its key counts, beside others that count."""

_SCORES, _MIXED = "bqnh,bknh->bnqk", "bnqk,bknh->bqnh"


@dataclass(frozen=True)
class Attention:
    """The operands with the orders of their axes that make them [.., heads, places, size]."""

    query: SSAValue
    key: SSAValue
    value: SSAValue
    orders: tuple[Order, Order, Order]
    scale: float
    """0 for the usual one, 1 over the root of the size."""
    mask: SSAValue | None = None
    is_causal: bool = False
    dropout: DropoutOp | None = None


def attention_of(op: Operation) -> Attention | None:
    """The attention that a product ends."""
    if not isinstance(op, MatmulOp | EinsumOp) or len(op.operands) != 2:
        return None
    weights, value = op.operands[0], op.operands[1]
    if isinstance(op, EinsumOp) and _spelled(op) != _MIXED:
        return None
    dropout, zeros = None, None
    inner = _made_alone(weights)
    if isinstance(inner, DropoutOp) and inner.literal("kind") == "zeros" and not inner.literal("shared"):
        dropout, inner = inner, _made_alone(inner.x)
    if isinstance(inner, WhereOp) and _number(inner.operands[2]) == 0:
        zeros, inner = inner.operands[0], _made_alone(inner.operands[1])
    if not isinstance(inner, SoftmaxOp) or normalize_axis(inner.literal("axis"), len(shape_of(inner.x.type))) != (
        len(shape_of(inner.x.type)) - 1
    ):
        return None
    scores, mask, is_causal = _unmasked(inner.x, zeros)
    if scores is None or (zeros is not None and mask is None):
        return None
    return _of_scores(op, scores, value, mask, is_causal, dropout)


def _of_scores(
    op: MatmulOp | EinsumOp,
    scores: SSAValue,
    value: SSAValue,
    mask: SSAValue | None,
    is_causal: bool,
    dropout: DropoutOp | None,
) -> Attention | None:
    scores, factor = _unscaled(scores)
    product = _made_alone(scores)
    if type(product) is not type(op) or (isinstance(product, EinsumOp) and _spelled(product) != _SCORES):
        return None
    assert product is not None, "of the type of the op"
    query, before = _unscaled(product.operands[0])
    key, rank = product.operands[1], len(shape_of(product.operands[1].type))
    size = shape_of(query.type)[-1]
    shapes = [shape_of(each.type) for each in (query, key, value)]
    if not isinstance(size, int) or rank < 3 or {len(shape) for shape in shapes} != {rank}:
        return None
    if any(shape[: rank - 2] != shapes[0][: rank - 2] for shape in shapes) and isinstance(op, MatmulOp):
        return None
    usual = tuple(range(rank))
    turned, heads_first = (*usual[:-2], rank - 1, rank - 2), (0, 2, 1, 3)
    orders = (usual, turned, usual) if isinstance(op, MatmulOp) else (heads_first,) * 3
    scale = factor * before
    usual_scale = math.isclose(scale, size**-0.5, rel_tol=1e-12)
    return Attention(query, key, value, orders, 0.0 if usual_scale else scale, mask, is_causal, dropout)


def is_inside(op: DropoutOp) -> bool:
    """True for the dropout of an attention, which is an option of it."""
    found = [attention_of(use.operation) for use in op.result.uses]
    return any(attention is not None and attention.dropout is op for attention in found)


# -- parts -------------------------------------------------------------------------------------------------------------


def _unmasked(value: SSAValue, zeros: SSAValue | None) -> tuple[SSAValue | None, SSAValue | None, bool]:
    """The scores in front of a mask, the mask, and whether it is causal; no scores where torch masks otherwise."""
    op = _made_alone(value)
    if isinstance(op, WhereOp):
        condition, scores, other = op.operands
        number = _number(other)
        if number is None or number > LEAST or element_of(condition.type) != i1:
            return None, None, False
        if zeros is condition:
            return scores, condition, False
        return (scores, None, True) if zeros is None and _looks_back(condition) else (None, None, False)
    if isinstance(op, AddOp) and zeros is None:
        lhs, rhs = op.operands
        scores, mask = (lhs, rhs) if _is_scores(lhs) else (rhs, lhs)
        fits = _is_scores(scores) and shape_of(op.result.type) == shape_of(scores.type)
        return (scores, mask, False) if fits else (None, None, False)
    return value, None, False


def _is_scores(value: SSAValue) -> bool:
    return isinstance(_unscaled(value)[0].owner, MatmulOp | EinsumOp)


def _looks_back(condition: SSAValue) -> bool:
    """True for a comparison of numbers of keys, along the last axis, with those of queries along the one before."""
    while isinstance(condition.owner, ReshapeOp):
        condition = condition.owner.operands[0]
    op = condition.owner
    if not isinstance(op, LessEqualOp) or len(shape_of(op.operands[0].type)) < 1:
        return False
    keys, queries = (_numbers(value) for value in op.operands)
    return keys == -1 and queries == -2


def _numbers(value: SSAValue) -> int | None:
    """The axis from the end along which a value counts from 0."""
    shape = shape_of(value.type)
    while isinstance(value.owner, ReshapeOp):
        value = value.owner.operands[0]
    along = [axis - len(shape) for axis, size in enumerate(shape) if size != 1]
    return along[0] if isinstance(value.owner, IotaOp) and len(along) == 1 else None


def _unscaled(value: SSAValue) -> tuple[SSAValue, float]:
    """What is multiplied by a number, and that."""
    op = value.owner
    if isinstance(op, MulOp | DivOp) and value.has_one_use():
        number = _number(op.operands[1])
        if number is not None and shape_of(op.operands[0].type) == shape_of(value.type):
            return op.operands[0], number if isinstance(op, MulOp) else 1 / number
    return value, 1.0


def _number(value: SSAValue) -> float | None:
    return float(value.owner.literal("value")) if isinstance(value.owner, ConstantOp) else None


def _made_alone(value: SSAValue) -> Operation | None:
    """The op that makes a value which nothing else reads."""
    return value.owner if isinstance(value.owner, Operation) and value.has_one_use() else None


def _spelled(op: EinsumOp) -> str:
    """The letters of a product as those here, where it is one of these."""
    text = str(op.literal("spec")).replace(" ", "")
    for wanted in (_SCORES, _MIXED):
        letters = dict(zip((c for c in text if c.isalpha()), (c for c in wanted if c.isalpha()), strict=False))
        if len(set(letters.values())) == len(letters) and "".join(letters.get(c, c) for c in text) == wanted:
            return wanted
    return text
