"""The verifier: everything that is wrong with a module, at once and with its place.

xDSL's own walk stops at the first error, prints the whole module with it, and does not check that a value is defined
before it is used nor that a symbol exists. This one checks each op, dominance, and symbol references.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr, SymbolRefAttr
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.traits import IsolatedFromAbove, IsTerminator, NoTerminator, OpTrait, SymbolTable
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.common import UsesSymbols
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source, suggest
from neuralc.passes.locations import span_of

CODE = "E0490"
"""Diagnostic code of IR that is not valid."""


def verify_module(module: ModuleOp, source: Source | None = None) -> None:
    """Raise one NeuralcError with every fault of the module; return when there is none.

    `source` is the text the module was parsed from, when the caller has it: messages then show the line.
    """
    faults = list(check_module(module, source))
    if faults:
        raise NeuralcError(faults)


def check_module(module: ModuleOp, source: Source | None = None) -> Iterator[Diagnostic]:
    """The faults of a module, in the order of its text."""
    for op, message, help in _Check().operation(module):
        yield Diagnostic(CODE, f"`{op.name}`: {message}", span_of(op.location, source), help=help)


_Fault = tuple[Operation, str, str | None]


class _Check:
    """One walk over a module. Values in scope and symbol tables are stacks that follow the nesting."""

    def __init__(self) -> None:
        self._scopes: list[set[SSAValue]] = []
        self._isolated_at: list[int] = []  # depth of `_scopes` that each isolated op may not look beyond
        self._symbols: list[dict[str, Operation]] = []

    def operation(self, op: Operation) -> Iterator[_Fault]:
        table = _has(op, SymbolTable)
        repeated = list(self._enter_symbol_table(op)) if table else []
        yield from repeated
        if not repeated:  # the trait would say it again, without a place
            yield from self._own_rules(op)
        yield from self._references(op)
        isolated = _has(op, IsolatedFromAbove)
        if isolated:
            self._isolated_at.append(len(self._scopes))
        for region in op.regions:
            yield from self._region(region, op)
        if isolated:
            self._isolated_at.pop()
        if table:
            self._symbols.pop()

    def _own_rules(self, op: Operation) -> Iterator[_Fault]:
        """What the op says about itself: constraints, its verifier, its traits; attributes checked on construction."""
        try:
            op.verify_()
            if isinstance(op, UsesSymbols):
                op.verify_symbols(ChainMap(*reversed(self._symbols)))  # the nearest first
        except (VerifyException, ValueError) as fault:
            yield op, _sentence(fault), None

    def _region(self, region: Region, parent: Operation) -> Iterator[_Fault]:
        # Our regions have one block. Among several, a value counts as visible in all: order alone cannot tell.
        unordered = len(region.blocks) > 1
        scope: set[SSAValue] = set()
        self._scopes.append(scope)
        if unordered:
            for block in region.blocks:
                scope.update(block.args)
                scope.update(result for op in block.ops for result in op.results)
        for block in region.blocks:
            scope.update(block.args)
            yield from self._block(block, scope, parent)
        self._scopes.pop()

    def _block(self, block: Block, scope: set[SSAValue], parent: Operation) -> Iterator[_Fault]:
        for op in block.ops:
            if _has(op, IsTerminator) and op.next_op is not None:
                yield op, "a terminator must be the last op of its block", None
            yield from self._dominance(op)
            yield from self.operation(op)
            scope.update(op.results)
        last = block.last_op
        if parent.has_trait(NoTerminator) or (last is not None and last.has_trait(IsTerminator)):
            return
        if last is None:
            yield parent, "its block is empty and needs a terminator", None
        else:
            yield last, f"it ends a block of `{parent.name}` and is not a terminator", None

    def _dominance(self, op: Operation) -> Iterator[_Fault]:
        floor = self._isolated_at[-1] if self._isolated_at else 0
        for index, operand in enumerate(op.operands):
            if any(operand in scope for scope in self._scopes[floor:]):
                continue
            name = f"%{operand.name_hint}" if operand.name_hint else f"operand {index}"
            if any(operand in scope for scope in self._scopes[:floor]):
                yield op, f"{name} is defined outside of the isolated region", None
            else:
                yield op, f"{name} is used before it is defined", None

    def _enter_symbol_table(self, op: Operation) -> Iterator[_Fault]:
        table: dict[str, Operation] = {}
        self._symbols.append(table)
        for region in op.regions:
            for inner in (inner for block in region.blocks for inner in block.ops):
                name = _symbol_name(inner)
                if name is None:
                    continue
                if name in table:
                    yield inner, f"symbol @{name} is defined twice", None
                table[name] = inner

    def _references(self, op: Operation) -> Iterator[_Fault]:
        for attribute in (*op.properties.values(), *op.attributes.values()):
            for reference in _symbol_references(attribute):
                name = reference.root_reference.data
                if any(name in table for table in self._symbols):
                    continue
                known = (known for table in self._symbols for known in table)
                yield op, f"symbol @{name} is not defined", suggest(name, known)


def _has(op: Operation, trait: type[OpTrait]) -> bool:
    """Whether an op is known to have a trait: of an op of no dialect nothing is known."""
    return op.has_trait(trait, value_if_unregistered=False)


def _symbol_name(op: Operation) -> str | None:
    name = op.properties.get("sym_name", op.attributes.get("sym_name"))
    return name.data if isinstance(name, StringAttr) else None


def _symbol_references(attribute: Attribute) -> Iterator[SymbolRefAttr]:
    match attribute:
        case SymbolRefAttr():
            yield attribute
        case ArrayAttr():
            for element in attribute:
                yield from _symbol_references(element)
        case _:
            return


def _sentence(fault: Exception) -> str:
    """The message of an xDSL error without the module that it drags along."""
    text = str(fault).strip() or type(fault).__name__
    joined = " ".join(line.strip() for line in text.splitlines() if line.strip())
    return joined[:1].lower() + joined[1:]
