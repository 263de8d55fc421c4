"""graph-dce: what no output and no later run depends on goes: ops, functions, weights, states, dims.

    graph.weight @unused : tensor<4xf32>
    graph.model @m(%x: ..) -> (..) .. {                      graph.model @m(%x: ..) -> (..) .. {
      %0 = graph.exp %x -> ..                       ->         %1 = graph.relu %x -> ..
      %1 = graph.relu %x -> ..                                 graph.return %1
      graph.return %1                                        }
    }

A weight stays when it is read, or when a weight that stays is derived from it, or a state that stays begins with it; a
dim stays while a type names it. What is written to a state stays, and so does a state that is read or written. Inputs
of the model stay, used or not: they are its interface.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, SymbolRefAttr, TensorType
from xdsl.ir import Attribute, Operation
from xdsl.rewriter import Rewriter

from neuralc.dialects.graph import DimOp, FuncOp, StateOp, WeightOp, symbols
from neuralc.dialects.types import DimAttr, DimsAttr, shape_of, symbols_of
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.driver import rewrite


def _references(op: Operation) -> Iterator[str]:
    """Symbols that an op or the ops inside it name."""
    for inner in op.walk():
        for attribute in (*inner.properties.values(), *inner.attributes.values()):
            yield from _symbols_in(attribute)


def _symbols_in(attribute: Attribute) -> Iterator[str]:
    match attribute:
        case SymbolRefAttr():
            yield attribute.root_reference.data
        case ArrayAttr():
            for element in attribute:
                yield from _symbols_in(element)
        case DictionaryAttr():
            for element in attribute.data.values():
                yield from _symbols_in(element)
        case _:
            return


REMOVABLE = (FuncOp, WeightOp, StateOp)
"""What goes when nothing names it."""


def _live(table: Mapping[str, Operation]) -> set[str]:
    """Symbols that are reached from what always stays: the model, and whatever runs it."""
    waiting = [name for name, op in table.items() if not isinstance(op, (*REMOVABLE, DimOp))]
    live: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in live and name in table:
            live.add(name)
            waiting.extend(_references(table[name]))
    return live


def _dims_in_types(module: ModuleOp) -> set[str]:
    found: set[str] = set()
    for op in module.walk():
        types = [result.type for result in op.results]
        types += [argument.type for region in op.regions for block in region.blocks for argument in block.args]
        for attribute in (*types, *op.properties.values(), *op.attributes.values()):
            found |= _dims_of(attribute)
    return found


def _dims_of(attribute: Attribute) -> frozenset[str]:
    match attribute:
        case TensorType():
            return symbols_of(shape_of(attribute))
        case DimAttr():
            return attribute.data.symbols
        case DimsAttr():
            return symbols_of(attribute.data)
        case _:
            return frozenset()


@dataclass(frozen=True)
class DcePass(ModulePass):
    name = "graph-dce"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        rewrite(module, (), context)
        table = symbols(module)
        live = _live(table)
        self._erase({n: op for n, op in table.items() if isinstance(op, REMOVABLE) and n not in live}, context)
        named = _dims_in_types(module)
        self._erase({n: op for n, op in table.items() if isinstance(op, DimOp) and n not in named}, context)

    def _erase(self, dead: Mapping[str, Operation], context: PassContext) -> None:
        for name, op in dead.items():
            context.remark("passed", op, f"removed @{name}: nothing reads it")
            Rewriter.erase_op(op)
