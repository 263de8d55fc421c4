"""Brings what exporters take apart together again: a matrix product with a weight and its bias are a dense layer."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.rewriter import Rewriter as IrRewriter

from neuralc.dialects import graph
from neuralc.passes.base import PassContext
from neuralc.passes.driver import RewritePattern, Rewriter, rewrite
from neuralc.passes.graph.canonicalize_layers import BiasOfLayer, MatmulWithWeight
from neuralc.passes.graph.canonicalize_views import ComposeReshapes, ComposeSlices, ViewOfConstant
from neuralc.passes.graph.dce import DcePass
from neuralc.passes.graph.inline import InlineCall


@dataclass(frozen=True)
class InlineSome(InlineCall):
    """Calls of some functions become copies of their bodies."""

    some: frozenset[str]

    def rewrite(self, op: graph.CallOp, rewriter: Rewriter) -> None:
        if op.callee.root_reference.data in self.some:
            super().rewrite(op, rewriter)


def inline(module: ModuleOp, names: frozenset[str]) -> None:
    """Puts the bodies of functions where they are called."""
    functions = {name: op for name, op in graph.symbols(module).items() if isinstance(op, graph.FuncOp)}
    for op in [op for op in module.body.block.ops if isinstance(op, graph.FunctionLike)]:
        rewrite(op, [InlineSome(functions, names)], PassContext(), erase_dead=False)
    for name in names:
        IrRewriter.erase_op(functions[name])


class Swish(RewritePattern[graph.MulOp]):
    """x * sigmoid(x) is silu(x)."""

    op_types = (graph.MulOp,)

    def rewrite(self, op: graph.MulOp, rewriter: Rewriter) -> None:
        for x, gate in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
            sigmoid = gate.owner
            if isinstance(sigmoid, graph.SigmoidOp) and sigmoid.x is x and gate.uses.get_length() == 1:
                rewriter.replace(op, graph.SiluOp.of(x), fused=[sigmoid])
                return


def tidy(module: ModuleOp) -> None:
    """The values stay what they are."""
    patterns = [MatmulWithWeight(), BiasOfLayer(), Swish(), ViewOfConstant(), ComposeReshapes(), ComposeSlices()]
    rewrite(module, patterns, PassContext(), erase_dead=False)
    DcePass().run(module, PassContext())
