"""Brings what exporters take apart together again: a matrix product with a weight and its bias are a dense layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.rewriter import Rewriter as IrRewriter

from neuralc.dialects import graph
from neuralc.dialects.types import element_of, is_float
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


def with_states(module: ModuleOp) -> frozenset[str]:
    """The functions that are called with states of the model: what they keep is given back to the caller."""
    table, found = graph.symbols(module), set[str]()
    states: list[SSAValue] = [op.result for op in module.walk() if isinstance(op, graph.GetStateOp)]
    while states:
        value = states.pop()
        for use in value.uses:
            op = use.operation
            if isinstance(op, graph.CallOp):
                name = op.callee.root_reference.data
                found.add(name)
                callee = table[name]
                states += [callee.arguments[use.index]] if isinstance(callee, graph.FuncOp) else []
    return frozenset(found)


def expand_derived(module: ModuleOp) -> None:
    """A weight that is computed from others is computed where it is read."""
    table = graph.symbols(module)
    todo = [op for op in module.walk() if isinstance(op, graph.GetWeightOp)]
    while todo:
        op = todo.pop()
        weight, block = table[op.weight_name], op.parent_block()
        if not isinstance(weight, graph.WeightOp) or weight.body is None or block is None:
            continue
        types = [argument.type for argument in weight.body.block.args]
        sources = [graph.GetWeightOp(name, type_) for name, type_ in zip(weight.source_names, types, strict=True)]
        values: dict[SSAValue, SSAValue] = {
            argument: source.result for argument, source in zip(weight.body.block.args, sources, strict=True)
        }
        *inner, end = weight.body.block.ops
        copies = [each.clone(values) for each in inner]
        block.insert_ops_before([*sources, *copies], op)
        op.result.replace_all_uses_with(values[end.operands[0]])
        IrRewriter.erase_op(op)
        todo += [*sources, *(copy for copy in copies if isinstance(copy, graph.GetWeightOp))]


class Swish(RewritePattern[graph.MulOp]):
    """x * sigmoid(x) is silu(x)."""

    op_types = (graph.MulOp,)

    def rewrite(self, op: graph.MulOp, rewriter: Rewriter) -> None:
        for x, gate in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
            sigmoid = gate.owner
            if isinstance(sigmoid, graph.SigmoidOp) and sigmoid.x is x and gate.uses.get_length() == 1:
                rewriter.replace(op, graph.SiluOp.of(x), fused=[sigmoid])
                return


class BoundedRelu(RewritePattern[graph.MinimumOp]):
    """min(max(x, 0), 6) is relu6(x)."""

    op_types = (graph.MinimumOp,)

    def rewrite(self, op: graph.MinimumOp, rewriter: Rewriter) -> None:
        inner = op.lhs.owner
        if not isinstance(inner, graph.MaximumOp) or not _is_number(op.rhs, 6) or not _is_number(inner.rhs, 0):
            return
        if inner.lhs.type == op.result.type and is_float(element_of(op.result.type)):
            rewriter.replace(op, graph.Relu6Op.of(inner.lhs), fused=[inner])


def _is_number(x: SSAValue, number: float) -> bool:
    return isinstance(x.owner, graph.ConstantOp) and x.owner.literal("value") == number


def tidy(module: ModuleOp) -> None:
    """The values stay what they are."""
    layers: list[RewritePattern[Any]] = [MatmulWithWeight(), BiasOfLayer(), Swish(), BoundedRelu()]
    views: list[RewritePattern[Any]] = [ViewOfConstant(), ComposeReshapes(), ComposeSlices()]
    rewrite(module, [*layers, *views], PassContext(), erase_dead=False)
    DcePass().run(module, PassContext())
