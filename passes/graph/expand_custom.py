"""graph-expand-custom: ops that a plugin brings are written in ops of the graph level.

    %1 = graph.custom "fourier_features" %0 {count = 4} -> ..     ->     %1 = graph.mul %0, %c -> ..
                                                                         %2 = graph.sin %1 -> ..

The plugin is looked up by the name of the op among the installed packages, and imported now if it was not before. An
op whose plugin gives other types than it has is refused. Ops that nobody brings stay: `graph-to-tensor` refuses all of
them at once. Remark `passed: written by <package>`.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint
from xdsl.rewriter import Rewriter as IrRewriter

from neuralc.dialects.graph import CustomOp
from neuralc.dialects.plugins import OPS, OpPlugin, op_plugin
from neuralc.grammar.diagnostics import error
from neuralc.grammar.entry_points import entry_point
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.locations import span_of


@dataclass(frozen=True)
class ExpandCustomPass(ModulePass):
    """Replaces every graph.custom that an installed package defines."""

    name = "graph-expand-custom"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        for op in [op for op in module.walk() if isinstance(op, CustomOp)]:
            plugin = op_plugin(op.layer.data)
            if plugin is not None:
                point = entry_point(OPS, op.layer.data)
                context.remark("passed", op, f"written by {point.value if point is not None else op.layer.data}")
                _expand(op, plugin)


def _expand(op: CustomOp, plugin: OpPlugin) -> None:
    def add(new: Operation) -> SSAValue:
        new.location = op.location
        IrRewriter.insert_op(new, InsertPoint.before(op))
        return new.results[0]

    found = plugin.lower(add, op.values, *op.xs)
    values = [found] if isinstance(found, SSAValue) else list(found)
    if [value.type for value in values] != [result.type for result in op.results]:
        given = ", ".join(str(value.type) for value in values)
        wanted = ", ".join(str(result.type) for result in op.results)
        message = f"the plugin of `{op.layer.data}` writes ({given}), the op has ({wanted})"
        raise error("E0705", message, span_of(op.location))
    for old, new in zip(op.results, values, strict=True):
        new.name_hint = new.name_hint or old.name_hint
        old.replace_all_uses_with(new)
    IrRewriter.erase_op(op)
