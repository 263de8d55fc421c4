"""Ops along axes: reductions, softmax, products, sorted values, running sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import Shape, element_of, is_float, numpy_dtype, shape_of
from neuralc.emit.nr.body import Body, Inexpressible
from neuralc.emit.nr.expressions import Expression, binary, function, indexed, method
from neuralc.emit.nr.pooling import global_pooling
from neuralc.emit.nr.values import Call, Value

REDUCTIONS = {
    "sum": "sum", "mean": "mean", "prod": "prod", "maximum": "max", "minimum": "min", "all": "all", "any": "any",
}  # fmt: skip


def _shown(axes: Sequence[int], rank: int) -> str:
    if len(axes) == rank:
        return "None"
    if len(axes) == 1:
        return str(-1 if axes[0] == rank - 1 and rank > 1 else axes[0])
    return str(tuple(axes))


def reduce(body: Body, op: graph.ReduceOp) -> Value:
    x, kind, keepdims = body.tensor(body[op.x]), op.literal("kind"), bool(op.literal("keepdims"))
    axes = tuple(sorted(normalize_axis(axis, x.rank) for axis in op.literal("axes")))
    shape, element = shape_of(op.result.type), x.element
    if not axes:
        return x
    squeezed = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
    if keepdims and global_pooling(x, kind, axes, keepdims) and _only_squeezed(op.result, squeezed):
        keepdims, shape = False, squeezed
    layer = global_pooling(x, kind, axes, keepdims)

    def render(e: Sequence[Expression]) -> Expression:
        given = ([] if len(axes) == x.rank else [f"axis={_shown(axes, x.rank)}"]) + (
            ["keepdims=True"] if keepdims else []
        )
        found = method(e[0], REDUCTIONS[kind], *given)
        return found if not _widens(kind, element) else method(found, "astype", numpy_dtype(element).name)

    made = None if layer is None else Call(*layer)
    return body.formula([x], render, shape, element, layer=made, apart=made is not None)


def _only_squeezed(value: SSAValue, shape: Shape) -> bool:
    """Whether all that is done with a value is to leave its axes of size 1 out."""
    users = [use.operation for use in value.uses]
    return bool(users) and all(isinstance(op, graph.ReshapeOp) and shape_of(op.result.type) == shape for op in users)


def _widens(kind: str, element: Any) -> bool:
    """Whether numpy gives a wider type than the op."""
    return kind in ("sum", "prod") and not is_float(element) and numpy_dtype(element).itemsize < 8


def arg_reduce(body: Body, op: graph.ArgReduceOp) -> Value:
    x, keepdims = body.tensor(body[op.x]), bool(op.literal("keepdims"))
    axis, shape = normalize_axis(op.literal("axis"), x.rank), shape_of(op.result.type)
    name = f"arg{op.literal('kind')}"
    last = op.literal("last")
    if last and not isinstance(x.shape[axis], int):
        raise Inexpressible("the last of equal values along an axis whose size is not known")

    def render(e: Sequence[Expression]) -> Expression:
        given = [f"axis={axis}", *(["keepdims=True"] if keepdims else [])]
        if not last:
            return method(e[0], name, *given)
        turned = function("flip", e[0], f"axis={axis}")
        return binary("-", Expression(str(int(str(x.shape[axis])) - 1)), method(turned, name, *given))

    return body.formula([x], render, shape, element_of(op.result.type))


def cumulate(body: Body, op: graph.CumulateOp) -> Value:
    x, axis = body.tensor(body[op.x]), normalize_axis(op.literal("axis"), body[op.x].rank)
    name, reverse, exclusive = f"cum{op.literal('kind')}", op.literal("reverse"), op.literal("exclusive")

    def render(e: Sequence[Expression]) -> Expression:
        value, along = e[0], f"axis={axis}"
        if reverse:
            value = function("flip", value, along)
        if exclusive:
            value = _shifted(value, axis, x.rank, 0 if op.literal("kind") == "sum" else 1)
        value = method(value, name, along)
        if _widens(op.literal("kind"), x.element):
            value = method(value, "astype", numpy_dtype(x.element).name)
        return function("flip", value, along) if reverse else value

    return body.formula([x], render, x.shape, x.element)


def _shifted(value: Expression, axis: int, rank: int, neutral: int) -> Expression:
    """One place further along an axis, with what changes nothing at the first one."""
    before = indexed(value, [":"] * axis + [":-1"])
    widths = ", ".join("(1, 0)" if i == axis else "(0, 0)" for i in range(rank))
    more = [] if neutral == 0 else [f"constant_values={neutral}"]
    return function("pad", before, f"({widths}{',' if rank == 1 else ''})", *more)


def softmax(body: Body, op: graph.SoftmaxOp | graph.LogSoftmaxOp) -> Value:
    x, axis = body.tensor(body[op.x]), normalize_axis(op.literal("axis"), body[op.x].rank)
    log = isinstance(op, graph.LogSoftmaxOp)
    shown = -1 if axis == x.rank - 1 else axis
    layer = Call("LogSoftmax" if log else "Softmax", {"axis": shown if log else (shown,)})
    name = "log_softmax" if log else "softmax"
    given = [] if shown == -1 else [f"axis={shown}"]
    return body.formula([x], lambda e: function(name, e[0], *given), x.shape, x.element, layer=layer, apart=True)


# --- products --------------------------------------------------------------------------------------------------------
def matmul(body: Body, op: graph.MatmulOp) -> Value:
    lhs, rhs = body.operands(op)
    shape = shape_of(op.results[0].type)
    if body.is_held(rhs, 2) and lhs.rank > 1 and is_float(lhs.element) and isinstance(lhs.shape[-1], int):
        return body.layer("Dense", lhs, shape, {"units": shape[-1], "use_bias": False}, {"kernel": rhs})
    return body.formula([lhs, rhs], lambda e: binary("@", e[0], e[1]), shape, lhs.element)


def einsum(body: Body, op: graph.EinsumOp) -> Value:
    inputs, spec = body.operands(op), op.literal("spec").replace(" ", "")
    return body.formula(
        inputs, lambda e: function("einsum", f"'{spec}'", *e), shape_of(op.result.type), inputs[0].element
    )


LOWERINGS: Mapping[type[Operation], Callable[..., Any]] = {
    graph.ReduceOp: reduce,
    graph.ArgReduceOp: arg_reduce,
    graph.CumulateOp: cumulate,
    graph.SoftmaxOp: softmax,
    graph.LogSoftmaxOp: softmax,
    graph.MatmulOp: matmul,
    graph.EinsumOp: einsum,
}
