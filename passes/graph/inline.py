"""graph-inline: put the body of a graph.func in the place of each graph.call, so that one flat model remains.

    graph.func @block(%x: .., %k: ..) -> (..) {
      %0 = graph.dense %x, %k -> ..                     %k = graph.get_weight @block.kernel -> ..
      graph.return %0                                   %0 = graph.dense %a, %k -> ..
    }                                            ->
    %k = graph.get_weight @block.kernel -> ..
    %0 = graph.call @block(%a, %k) -> ..

Weights are arguments of functions, so their names do not change and shared weights stay shared. A value of the body is
named by its path (`encoder.0.dense`); its op is located at its own line, called from the line of the call. Functions go
when no call is left; emitters that write a class for each work on the module before this pass. A function that calls
itself is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import CallSiteLoc, LocationAttr, ModuleOp, StringAttr, UnknownLoc
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter as IrRewriter

from neuralc.dialects.graph import CallOp, FuncOp, ModelOp, symbols
from neuralc.grammar.diagnostics import error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.driver import RewritePattern, Rewriter, rewrite
from neuralc.passes.locations import span_of


@dataclass(frozen=True)
class InlineCall(RewritePattern[CallOp]):
    """A call becomes a copy of the body; calls in the copy are visited next."""

    functions: Mapping[str, FuncOp]
    op_types: ClassVar = (CallOp,)

    def rewrite(self, op: CallOp, rewriter: Rewriter) -> None:
        function = self.functions[op.callee.root_reference.data]
        values: dict[SSAValue, SSAValue] = dict(zip(function.arguments, op.args, strict=True))
        body = [inner.clone(values) for inner in function.block.ops if inner is not function.terminator]
        for copy in (inner for each in body for inner in each.walk()):
            copy.location = _called_from(copy.location, op.location)
            if op.path:
                _name_by_path(copy, op.path.data)
        results = [values[value] for value in function.terminator.operands]
        rewriter.remark("passed", op, f"inlined @{function.sym_name.data}")
        rewriter.replace(op, body, results)


def _name_by_path(op: Operation, path: str) -> None:
    """Values and calls of a body are called by where they stand in the model, as weights are."""
    for result in op.results:
        if result.name_hint:
            result.name_hint = f"{path}.{result.name_hint}"
    if isinstance(op, CallOp) and op.path:
        op.properties["path"] = StringAttr(f"{path}.{op.path.data}")


def _called_from(location: LocationAttr, caller: LocationAttr) -> LocationAttr:
    if isinstance(location, UnknownLoc) or isinstance(caller, UnknownLoc):
        return caller if isinstance(location, UnknownLoc) else location
    return CallSiteLoc(location, caller)


def _refuse_recursion(functions: Mapping[str, FuncOp]) -> None:
    """Raise E0490 for a function that reaches itself: inlining it would not end."""
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            cycle = " -> ".join(f"@{each}" for each in (*path[path.index(name) :], name))
            raise error("E0490", "a graph.func calls itself", span_of(functions[name].location), note=cycle)
        if name not in finished:
            for call in _calls(functions[name]):
                visit(call.callee.root_reference.data, (*path, name))
            finished.add(name)

    for name in functions:
        visit(name, ())


def _calls(op: Operation) -> Iterator[CallOp]:
    return (inner for inner in op.walk() if isinstance(inner, CallOp))


@dataclass(frozen=True)
class InlinePass(ModulePass):
    name = "graph-inline"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        functions = {name: op for name, op in symbols(module).items() if isinstance(op, FuncOp)}
        _refuse_recursion(functions)
        for model in [op for op in module.body.block.ops if isinstance(op, ModelOp)]:
            rewrite(model, [InlineCall(functions)], context, erase_dead=False)
        for function in functions.values():
            IrRewriter.erase_op(function)
