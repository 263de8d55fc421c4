"""kernel-canonicalize, tiles: maps of constants folded; what gives back its operand goes.

Only identities that hold for every value, NaN, infinities and -0.0 included: `x * 1`, `x - 0.0`, `x + -0.0`,
`maximum(x, -inf)`, not `x + 0.0`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import kernel, scalar
from neuralc.dialects.kernel.tiles import as_tile
from neuralc.dialects.kernel.types import TileType
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import is_float, numpy_dtype
from neuralc.passes.driver import RewritePattern, Rewriter

Number = float | int | bool


def splat_of(value: SSAValue) -> Number | None:
    """The number that fills a tile."""
    owner = value.owner
    if isinstance(owner, kernel.SplatOp) and owner.value is not None:
        number: Number = to_literal(owner.value)
        return float(number) if is_float(as_tile(owner.result.type).element_type) else number
    return None


def splat(value: Number, tile: TileType) -> kernel.SplatOp:
    return kernel.SplatOp.of(result=tile, value=value)


def _is_negative_zero(number: Number) -> bool:
    return number == 0 and math.copysign(1.0, number) < 0


def _is_neutral(name: str, number: Number, element_is_float: bool, *, on_the_right: bool) -> bool:
    """Whether a function of x and this number is x for every x."""
    match name:
        case "mul":
            return number == 1
        case "div":
            return number == 1 and on_the_right
        case "add":
            return _is_negative_zero(number) if element_is_float else number == 0
        case "sub":
            return on_the_right and number == 0 and not (element_is_float and _is_negative_zero(number))
        case "maximum":
            return number == -math.inf
        case "minimum":
            return number == math.inf
        case "and":
            return bool(number)
        case "or" | "xor":
            return not number
        case _:
            return False


class FoldMap(RewritePattern[kernel.MapOp]):
    """A function of constants is a constant, in float64: it is rounded once, where it is used."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.MapOp,)

    def rewrite(self, op: kernel.MapOp, rewriter: Rewriter) -> None:
        numbers = [splat_of(argument) for argument in op.args]
        tile = as_tile(op.result.type)
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers):
            return
        elements = [as_tile(argument.type).element_type for argument in op.args]
        operands = [
            np.asarray(number, np.float64 if is_float(element) else numpy_dtype(element))
            for number, element in zip(known, elements, strict=True)
        ]
        with np.errstate(all="ignore"):
            folded = np.asarray(scalar.lookup(op.literal("fn")).evaluate(*operands))
        value = folded if is_float(tile.element_type) else folded.astype(numpy_dtype(tile.element_type))
        rewriter.replace(op, splat(value.item(), tile))


class DropNeutralMap(RewritePattern[kernel.MapOp]):
    """x * 1, x / 1, x - 0.0; max(x, x); select(c, x, x); neg(neg(x))."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.MapOp,)

    def rewrite(self, op: kernel.MapOp, rewriter: Rewriter) -> None:
        found = self._same(op.literal("fn"), list(op.args))
        if found is not None:
            rewriter.replace(op, results=[found])

    def _same(self, name: str, args: Sequence[SSAValue]) -> SSAValue | None:
        match name, args:
            case (("maximum" | "minimum" | "maxnum" | "minnum" | "and" | "or"), [x, y]) if x == y:
                return x
            case "select", [condition, x, y]:
                chosen = splat_of(condition)
                return x if x == y or chosen else y if chosen is not None else None
            case (("neg" | "not"), [x]):
                inner = x.owner
                twice = isinstance(inner, kernel.MapOp) and inner.literal("fn") == name
                return inner.args[0] if isinstance(inner, kernel.MapOp) and twice else None
            case _, [x, y]:
                element_is_float = is_float(as_tile(x.type).element_type)
                for kept, other, on_the_right in ((x, y, True), (y, x, False)):
                    number = splat_of(other)
                    if number is not None and _is_neutral(name, number, element_is_float, on_the_right=on_the_right):
                        return kept
        return None


class MapBeforeBroadcast(RewritePattern[kernel.MapOp]):
    """A map of tiles that were broadcast alike is the broadcast of their map: fewer elements are computed."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.MapOp,)

    def rewrite(self, op: kernel.MapOp, rewriter: Rewriter) -> None:
        sources = [value.owner for value in op.args if splat_of(value) is None]
        broadcasts = [owner for owner in sources if isinstance(owner, kernel.BroadcastOp)]
        if not broadcasts or len(broadcasts) < len(sources):
            return
        first = broadcasts[0]
        source = as_tile(first.source.type)
        if any(
            other.literal("dims") != first.literal("dims")
            or (as_tile(other.source.type).shape, as_tile(other.source.type).lanes) != (source.shape, source.lanes)
            or any(use.operation is not op for use in other.result.uses)
            for other in broadcasts
        ):
            return
        new_ops: list[Operation] = []
        args: list[SSAValue] = []
        for value in op.args:
            number, owner = splat_of(value), value.owner
            if number is not None:
                filled = splat(number, source.with_element(as_tile(value.type).element_type))
                new_ops.append(filled)
                args.append(filled.result)
            elif isinstance(owner, kernel.BroadcastOp):
                args.append(owner.source)
        mapped = kernel.MapOp.of(*args, fn=op.literal("fn"), rounded=op.literal("rounded"))
        mapped.result.name_hint = op.result.name_hint
        wide = kernel.BroadcastOp.of(mapped.result, result=op.result.type, dims=first.literal("dims"))
        rewriter.replace(op, [*new_ops, mapped, wide], fused=broadcasts)


class SimplifyBroadcast(RewritePattern[kernel.BroadcastOp]):
    """Of a constant, to its own type, of a broadcast."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.BroadcastOp,)

    def rewrite(self, op: kernel.BroadcastOp, rewriter: Rewriter) -> None:
        number, inner = splat_of(op.source), op.source.owner
        if number is not None:
            rewriter.replace(op, splat(number, as_tile(op.result.type)))
        elif op.source.type == op.result.type:
            rewriter.replace(op, results=[op.source])
        elif isinstance(inner, kernel.BroadcastOp) and _lanes_allow(inner, op):
            dims = tuple(op.literal("dims")[dim] for dim in inner.literal("dims"))
            rewriter.replace(op, kernel.BroadcastOp.of(inner.source, result=op.result.type, dims=dims), fused=[inner])


def _lanes_allow(inner: kernel.BroadcastOp, outer: kernel.BroadcastOp) -> bool:
    """Vectors that the inner broadcast made out of scalars are kept by the outer one: then one op cannot do both."""
    source, result = as_tile(inner.source.type), as_tile(outer.result.type)
    if result.lanes <= 1:
        return True
    dims = [outer.literal("dims")[dim] for dim in inner.literal("dims")]
    keeps_last = bool(dims) and dims[-1] == result.rank - 1
    return source.lanes == (result.lanes if keeps_last else 1)


class SimplifyReshape(RewritePattern[kernel.ReshapeOp]):
    """Of a constant, to its own shape, of a reshape."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.ReshapeOp,)

    def rewrite(self, op: kernel.ReshapeOp, rewriter: Rewriter) -> None:
        number, inner = splat_of(op.source), op.source.owner
        if number is not None:
            rewriter.replace(op, splat(number, as_tile(op.result.type)))
        elif op.source.type == op.result.type:
            rewriter.replace(op, results=[op.source])
        elif isinstance(inner, kernel.ReshapeOp):
            rewriter.replace(op, kernel.ReshapeOp.of(inner.source, result=op.result.type), fused=[inner])


class SimplifyTranspose(RewritePattern[kernel.TransposeOp]):
    """Of a constant, that moves nothing, of a transpose."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.TransposeOp,)

    def rewrite(self, op: kernel.TransposeOp, rewriter: Rewriter) -> None:
        number, inner, perm = splat_of(op.source), op.source.owner, op.literal("perm")
        if number is not None:
            rewriter.replace(op, splat(number, as_tile(op.result.type)))
        elif tuple(perm) == tuple(range(len(perm))):
            rewriter.replace(op, results=[op.source])
        elif isinstance(inner, kernel.TransposeOp):
            joined = tuple(inner.literal("perm")[axis] for axis in perm)
            rewriter.replace(op, kernel.TransposeOp.of(inner.source, perm=joined), fused=[inner])


class SimplifyConvert(RewritePattern[kernel.ConvertOp]):
    """To its own type, of a constant, of a change of lanes."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.ConvertOp,)

    def rewrite(self, op: kernel.ConvertOp, rewriter: Rewriter) -> None:
        source, result, inner = as_tile(op.source.type), as_tile(op.result.type), op.source.owner
        number = splat_of(op.source)
        if source == result:
            rewriter.replace(op, results=[op.source])
        elif number is not None and _is_exact(number, source):
            dtype = np.dtype(np.float64) if is_float(result.element_type) else numpy_dtype(result.element_type)
            rewriter.replace(op, splat(scalar.convert(np.asarray(number), dtype).item(), result))
        elif isinstance(inner, kernel.ConvertOp) and _changes_lanes(inner) and _changes_lanes(op):
            rewriter.replace(op, kernel.ConvertOp.of(inner.source, result=result), fused=[inner])


def _changes_lanes(op: kernel.ConvertOp) -> bool:
    return as_tile(op.source.type).element_type == as_tile(op.result.type).element_type


def _is_exact(number: Number, tile: TileType) -> bool:
    """Whether an element holds the number without rounding: a wider type would show that it was rounded."""
    value = np.asarray(number).astype(numpy_dtype(tile.element_type)).item()
    return bool(value == number or (isinstance(number, float) and math.isnan(number)))


class ReduceOneElement(RewritePattern[kernel.ReduceOp]):
    """A reduction of one element is a reshape."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (kernel.ReduceOp,)

    def rewrite(self, op: kernel.ReduceOp, rewriter: Rewriter) -> None:
        source, result = as_tile(op.source.type), as_tile(op.result.type)
        if source.shape[op.literal("axis")] != 1 or source.lanes != result.lanes:
            return
        if source.lanes > 1 and source.shape[-1:] != result.shape[-1:]:
            return
        rewriter.replace(op, kernel.ReshapeOp.of(op.source, result=result))


TILE_PATTERNS: tuple[RewritePattern[Any], ...] = (
    FoldMap(),
    DropNeutralMap(),
    MapBeforeBroadcast(),
    SimplifyBroadcast(),
    SimplifyReshape(),
    SimplifyTranspose(),
    SimplifyConvert(),
    ReduceOneElement(),
)
