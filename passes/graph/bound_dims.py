"""graph-bound-dims: a symbolic size is at least what the layers need.

    graph.dim @H from 1                                             graph.dim @H from 5
    %1 = graph.conv %x, %k -> tensor<?x..xf32, <H - 4>>      ->     %1 = graph.conv %x, %k -> tensor<?x..xf32, <H - 4>>

A window has no place in a picture that is smaller than it. Shapes say so of constant sizes when the op is built, of
symbolic ones this pass says it once for the whole model, so that a run with a smaller size is refused before anything
is computed. Sizes that several symbols make together are not looked at: layers make none that falls below 1.
An error where the declared maximum is smaller than what the layers need.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Operation

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import DimAttr, DimOp, declared_dims
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
        for name, dim in declared_dims(module).items():
            own = {size: op for op, size in reversed(sizes) if size.symbols == {name}}
            minimum = dim.minimum.data.value
            tried = range(minimum, minimum + SEARCH)
            needed = next((n for n in tried if all(_exists(size, name, n) for size in own)), minimum)
            if needed > minimum:
                reason = next(op for size, op in own.items() if not _exists(size, name, needed - 1))
                self._raise_minimum(dim, needed, reason)
                context.remark("passed", reason, f"`{name}` is at least {needed}: with less, this has no values")

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


def _exists(size: Dim, symbol: str, value: int) -> bool:
    return size.evaluate({symbol: value}) >= 1
