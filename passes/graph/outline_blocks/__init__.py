"""graph-outline-blocks: blocks of a flat model become functions, as a person would have written them.

    %0 = graph.dense %x, %a -> ..                    graph.func @mlp(%x: .., %dense.kernel: .., %dense_1.kernel: ..) {
    %1 = graph.relu %0 -> ..                           ..
    %2 = graph.dense %1, %b -> ..                    }
    %3 = graph.dense %2, %c -> ..            ->      %0 = graph.call @mlp(%x, %a, %b) path "blocks.0" -> ..
    %4 = graph.relu %3 -> ..                         %1 = graph.call @mlp(%0, %c, %d) path "blocks.1" -> ..
    %5 = graph.dense %4, %d -> ..

Framework code has a class for a function and a loop over equal ones: of a flat model it would be one long list. Where
ops know the modules of the source that they are in (passes/scopes.py), these are the blocks, one in the other as they
were. Where no op does, stretches of ops that come again with other weights are (repeated.py).

Weights become arguments, named by what stands behind the path of the block. Equal functions are one; those that differ
in sizes are several of one name, `block`, `block_1`, which emitters write as one class with parameters. graph-inline
gives the flat model again, its ops perhaps in another order that computes the same.

Must not take apart what holds together: a part of a module whose ops stand among others that need them in between is
left where it is, and so are reads and writes of states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.graph.outline_blocks.extract import Functions, replace_by_call
from neuralc.passes.graph.outline_blocks.groups import Group, held_weights, members
from neuralc.passes.graph.outline_blocks.naming import weight_names
from neuralc.passes.graph.outline_blocks.repeated import Limits, repeated_groups
from neuralc.passes.graph.outline_blocks.scoped import scoped_groups, splits_recurrent_layer


@dataclass(frozen=True)
class OutlineBlocksPass(ModulePass):
    name = "graph-outline-blocks"
    min_ops: int = 3
    """Fewest ops of a block: what is smaller is as short where it stands."""
    max_ops: int = 256
    """Most ops of a block that is found by its repetition."""
    max_inputs: int = 4
    """Most values that such a block takes, weights aside."""

    def run(self, module: ModuleOp, context: PassContext) -> None:
        functions = Functions(module)
        arguments = weight_arguments(module)
        for function in [op for op in module.body.block.ops if isinstance(op, graph.FunctionLike)]:
            self._outline(function, "", arguments.get(function, {}), functions, context)

    def _outline(
        self,
        function: graph.FunctionLike,
        around: str,
        arguments: Mapping[SSAValue, str],
        functions: Functions,
        context: PassContext,
    ) -> None:
        """Take the blocks out of a function, which stands for the module `around` of the source, and out of these."""
        held = {**arguments, **held_weights(function.block)}
        ops = members(function.block)
        groups = scoped_groups(ops, held, around, self.min_ops)
        scoped = bool(groups)
        if not groups and not around and isinstance(function, graph.ModelOp):
            groups = repeated_groups(ops, held, Limits(self.min_ops, self.max_ops, self.max_inputs))
            groups = [group for group in groups if not splits_recurrent_layer(group.ops, ops)]
        functions.name(groups)
        new: dict[graph.FuncOp, tuple[str, Mapping[SSAValue, str]]] = {}
        for group in groups:
            made, is_new = functions.of(group, function)
            weights = made.arguments[len(group.inputs) :]
            names = dict(zip(weights, weight_names(group), strict=True))
            call = replace_by_call(group, made, group.path)
            context.remark("passed", call, f"{len(group.ops)} ops are @{made.sym_name.data} at `{group.path}`")
            context.count("blocks")
            if is_new and scoped:
                new[made] = group.scope, names
        for made, (path, held_there) in new.items():  # equal ones are found before they are taken apart themselves
            self._outline(made, path, held_there, functions, context)


def weight_arguments(module: ModuleOp) -> dict[graph.FunctionLike, dict[SSAValue, str]]:
    """The arguments of functions that are weights in every call, by their names."""
    table = graph.symbols(module)
    found: dict[graph.FunctionLike, dict[SSAValue, str]] = {}
    given: dict[SSAValue, bool] = {}
    functions = [op for op in module.body.block.ops if isinstance(op, graph.FunctionLike)]
    for function in reversed(functions):  # a caller stands behind what it calls
        held = {
            argument: name for argument in function.arguments if given.get(argument) and (name := argument.name_hint)
        }
        found[function] = held
        weights = {**held, **held_weights(function.block)}
        for call in [op for op in function.block.ops if isinstance(op, graph.CallOp)]:
            callee = table[call.callee.root_reference.data]
            if isinstance(callee, graph.FuncOp):
                for argument, value in zip(callee.arguments, call.args, strict=True):
                    given[argument] = given.get(argument, True) and value in weights
    return found


__all__ = ["Group", "OutlineBlocksPass", "scoped_groups", "weight_arguments"]
