"""graph-bound-dims: a symbolic size is at least what the layers need.

    graph.dim @H from 1                                             graph.dim @H from 5
    %1 = graph.conv %x, %k -> tensor<?x..xf32, <H - 4>>      ->     %1 = graph.conv %x, %k -> tensor<?x..xf32, <H - 4>>

A window has no place in a picture that is smaller than it. Shapes say so of constant sizes when the op is built, of
symbolic ones this pass says it once for the whole model, so that a run with a smaller size is refused before anything
is computed. A dim that may be 0 stays so: values made of it are empty as well. Sizes that several symbols make
together are not looked at: layers make none that falls below 1.
A slice of a dim of known size that runs along a symbol bounds it from above as well: 512 positions are embedded, so
the sequence is no longer than that.
An error where what is declared and what the layers need leave no size.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Operation

from neuralc.dialects.dims import Dim, Symbol, as_dim
from neuralc.dialects.graph import DimAttr, DimOp, SliceOp, declared_dims
from neuralc.dialects.types import shape_of
from neuralc.grammar.diagnostics import error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.locations import span_of

SEARCH = 1 << 16
"""Sizes tried before a symbol is left as it was declared."""


@dataclass(frozen=True)
class BoundDimsPass(ModulePass):
    """Raises the minimum of every declared dim to the smallest size with which all values exist."""

    name = "graph-bound-dims"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        sizes = list(_symbolic_sizes(module))
        dims = declared_dims(module)
        for name, dim in dims.items():
            own = {size: op for op, size in reversed(sizes) if size.symbols == {name}}
            minimum = dim.minimum.data.value
            tried = range(minimum, minimum + SEARCH)
            needed = next((n for n in tried if all(_exists(size, name, n) for size in own)), minimum)
            if needed > minimum:
                reason = next(op for size, op in own.items() if not _exists(size, name, needed - 1))
                self._raise_minimum(dim, needed, reason)
                context.remark("passed", reason, f"`{name}` is at least {needed}: with less, this has no values")
        for op, room in sizes:
            limit = _limit(room) if isinstance(op, SliceOp) else None
            if limit is not None and limit[0] in dims:
                self._lower_maximum(dims[limit[0]], limit[1], op, context)

    def _lower_maximum(self, dim: DimOp, limit: int, reason: Operation, context: PassContext) -> None:
        if dim.maximum is not None and dim.maximum.data.value <= limit:
            return
        name = dim.sym_name.data
        if limit < dim.minimum.data.value:
            raise error(
                "E0401",
                f"{reason.name} needs `{name}` to be at most {limit}",
                span_of(reason.location),
                note=f"`{name}` is at least {dim.minimum.data}",
            )
        dim.properties["maximum"] = DimAttr(Dim.constant(limit))
        context.remark("passed", reason, f"`{name}` is at most {limit}: with more, this reads past the end")

    def _raise_minimum(self, dim: DimOp, needed: int, reason: Operation) -> None:
        if dim.maximum is not None and dim.maximum.data.value < needed:
            raise error(
                "E0401",
                f"{reason.name} needs `{dim.sym_name.data}` to be at least {needed}",
                span_of(reason.location),
                note=f"`{dim.sym_name.data}` is at most {dim.maximum.data}",
            )
        dim.properties["minimum"] = DimAttr(Dim.constant(needed))


def _symbolic_sizes(module: ModuleOp) -> Iterable[tuple[Operation, Dim]]:
    """Every symbolic size of every value, with the op that makes it, in the module's order."""
    for op in module.walk():
        for result in op.results:
            if isinstance(result.type, TensorType):
                yield from ((op, size) for size in shape_of(result.type) if isinstance(size, Dim))
        if isinstance(op, SliceOp):
            yield from ((op, room) for room in _rooms(op) if room.symbols)


def _rooms(op: SliceOp) -> Iterable[Dim]:
    """How many places there are up to the first and the last one that a slice reads, and behind them."""
    counts = shape_of(op.result.type)
    for size, start, step, count in zip(shape_of(op.x.type), op.starts.data, op.literal("steps"), counts, strict=True):
        if count != 0:
            last = start + (as_dim(count) - 1) * step
            yield from (start + 1, last + 1, as_dim(size) - start, as_dim(size) - last)


def _limit(room: Dim) -> tuple[str, int] | None:
    """The symbol and its largest value with which a room of the form b - a * symbol is at least 1."""
    constant, coefficient, name = 0, 0, ""
    for monomial, factor in room.terms:
        match monomial:
            case ():
                constant = factor
            case (Symbol(symbol),) if factor < 0 and not name:
                name, coefficient = symbol, -factor
            case _:
                return None
    return (name, (constant - 1) // coefficient) if name else None


def _exists(size: Dim, symbol: str, value: int) -> bool:
    found = size.evaluate({symbol: value})
    return found >= 1 or (value == 0 and found == 0)  # what is made of an empty value may be empty
