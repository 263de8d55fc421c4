"""Functions of a module as macros and networks: those that differ in arguments alone are one, with parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from neuralc.dialects.graph import CallOp, FuncOp, FunctionLike, GetWeightOp, ReshapeOp, TransposeOp
from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.nr.body import Body, Inexpressible
from neuralc.emit.nr.inputs import input_clause
from neuralc.emit.nr.lines import Lines
from neuralc.emit.nr.names import ValueNames, short
from neuralc.emit.nr.planned import Planned, planned
from neuralc.emit.nr.text import Word, filled, slots
from neuralc.emit.nr.values import Held, Value
from neuralc.emit.nr.weights import Origin
from neuralc.emit.python.names import Names, class_name
from neuralc.emit.refusals import Refusals
from neuralc.grammar.signatures import layer_names


@dataclass
class Definition:
    """One function: the macro or network that says it, with which arguments, and its weights by their paths within."""

    symbol: str
    clause: str
    lines: Sequence[str]
    outputs: str
    weights: Mapping[str, Origin]
    name: str = ""
    arguments: Mapping[str, Word] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The name without a number, which says no more than that there are others."""
        return re.sub(r"_\d+$", "", self.symbol)

    @property
    def text(self) -> str:
        return "\n".join([self.clause, *self.lines, self.outputs])


class Definitions:
    """The functions of a module, those that are called before those that call them."""

    def __init__(self, module: ModuleOp, table: Mapping[str, Operation], form: str) -> None:
        self._table, self._form = table, form
        self._weights = WeightArguments(module, table)
        self._known: dict[str, Definition] = {}
        self._layers = frozenset(name.lower() for name in layer_names())
        self._taken = Names(self._layers)
        self.texts: list[str] = []
        self.names: list[str] = []
        self.inexpressible: frozenset[str] = frozenset()
        for level in _levels(table):
            self._level(level)

    # --- calls -------------------------------------------------------------------------------------------------------
    def call(self, body: Body, op: CallOp) -> Sequence[Value]:
        """The use of a function. Raises Inexpressible."""
        symbol = op.callee.root_reference.data
        definition, given, places = self._known.get(symbol), [body[x] for x in op.args], self._weights.of(symbol)
        if definition is None or not all(isinstance(given[i].source, Held) for i in places):
            self.inexpressible |= {symbol}
            raise Inexpressible("its function is said where it is called")
        outer = {
            places[i]: value.source.origin
            for i, value in enumerate(given)
            if i in places and isinstance(value.source, Held)
        }
        weights = {
            leaf: Value((), given[0].element, Held(origin.within(outer)), leaf)
            for leaf, origin in definition.weights.items()
        }
        results = [(shape_of(result.type), element_of(result.type)) for result in op.results]
        inputs = [value for i, value in enumerate(given) if i not in places]
        path = op.path.data if op.path else None
        return body.layers(definition.name, inputs, results, definition.arguments, weights, path=path)

    # --- definitions -------------------------------------------------------------------------------------------------
    def _level(self, symbols: Sequence[str]) -> None:
        """Functions that call none of each other."""
        groups: dict[tuple[str, str], list[Definition]] = {}
        for symbol in symbols:
            definition = self._definition(symbol)
            if definition is None:
                self.inexpressible |= {symbol}
            else:
                pattern = filled(definition.text, (f"<{name}>" for name, _ in slots(definition.text)))
                groups.setdefault((definition.base, pattern), []).append(definition)
        for (base, _), members in groups.items():
            self._define(base, members)

    def _definition(self, symbol: str) -> Definition | None:
        """A function as a macro or a network; None for what neither says."""
        function = self._table[symbol]
        if not isinstance(function, FunctionLike):
            raise TypeError(f"@{symbol} is no function")
        weights = {function.arguments[i]: name for i, name in self._weights.of(symbol).items()}
        refusals = Refusals(self._form)
        try:
            found = planned(function, weights, self.call, refusals)
            if refusals.found or not found.body.inputs:
                return None
            return _written(symbol, found)
        except (Inexpressible, ValueError):
            return None

    def _define(self, base: str, members: Sequence[Definition]) -> None:
        """Functions whose texts differ in arguments alone become one macro, or one network."""
        name = self._free(class_name(base))
        columns = list(zip(*(slots(member.text) for member in members), strict=True))
        parameters: dict[tuple[str, ...], str] = {}
        names, shown = Names(), []
        for column in columns:
            values = tuple(value for _, value in column)
            if len(set(values)) == 1:
                shown.append(values[0])
                continue
            if values not in parameters:
                parameters[values] = names.claim(column[0][0])
            shown.append(parameters[values])
        for index, member in enumerate(members):
            member.name = name
            member.arguments = {parameter: Word(values[index]) for values, parameter in parameters.items()}
            self._known[member.symbol] = member
        self.texts.append(_text(name, members[0], list(parameters.values()), shown))
        self.names.append(name)

    def _free(self, name: str) -> str:
        """A name that no layer and no other definition has, in any case."""
        base = f"{name}Block" if name.lower() in self._layers else name
        wanted, number = base, 0
        while wanted.lower() in self._taken:
            number += 1
            wanted = f"{base}_{number}" if base[-1].isdigit() else f"{base}{number}"
        self._taken.claim(wanted.lower())
        return wanted


def _written(symbol: str, found: Planned) -> Definition:
    """A macro where one value becomes one; else a network, which names what it takes and gives. Raises ValueError."""
    inputs, results = found.body.inputs, found.body.results
    if len(inputs) == len(results) == 1:
        lines = Lines(ValueNames(), found, {}, is_macro=True)
        texts = lines.texts([("", results[0])])
        if not lines.outputs:
            return Definition(symbol, "", texts, "", lines.weights)
    lines = Lines(ValueNames(), found, {})
    names = [lines.values.give(value, short(value.hint) or f"x{i}") for i, value in enumerate(inputs)]
    clause = input_clause(names, inputs, {}, bounds=False)
    texts = lines.texts([(short(value.hint) or f"y{i}", value) for i, value in enumerate(results)])
    return Definition(symbol, clause.text, texts, lines.outputs, lines.weights)


def _text(name: str, definition: Definition, parameters: Sequence[str], values: Sequence[str]) -> str:
    head = f"{name}({', '.join(parameters)})" if parameters else name
    clause, *lines, outputs = filled(definition.text, values).split("\n")
    if not clause:
        return "\n".join([f"define {head} {{", *(f"  {line}" for line in lines), "}", ""])
    inside = [f"  input: {clause}", "  layers:", *(f"    {line}" for line in lines)]
    inside += [f"  outputs: {outputs}"] if outputs else []
    return "\n".join([f"network {head} {{", *inside, "}", ""])


def _levels(table: Mapping[str, Operation]) -> list[list[str]]:
    """Functions that call no other, then those that call only these, and so on."""
    depths: dict[str, int] = {}

    def depth(symbol: str) -> int:
        if symbol not in depths:
            called = {op.callee.root_reference.data for op in table[symbol].walk() if isinstance(op, CallOp)}
            depths[symbol] = 1 + max(map(depth, called), default=0)
        return depths[symbol]

    functions = [symbol for symbol, op in table.items() if isinstance(op, FuncOp)]
    for symbol in functions:
        depth(symbol)
    return [[symbol for symbol in functions if depths[symbol] == level] for level in sorted(set(depths.values()))]


class WeightArguments:
    """Which arguments of functions are weights, wherever they are called."""

    def __init__(self, module: ModuleOp, table: Mapping[str, Operation]) -> None:
        self._table = table
        self._calls: dict[str, list[CallOp]] = {}
        self._known: dict[str, dict[int, str]] = {}
        for op in module.walk():
            if isinstance(op, CallOp):
                self._calls.setdefault(op.callee.root_reference.data, []).append(op)

    def of(self, symbol: str) -> dict[int, str]:
        """The places of the arguments that are weights, and their names in the function."""
        if symbol not in self._known:
            function = self._table[symbol]
            calls = self._calls.get(symbol, [])
            arguments = function.arguments if isinstance(function, FunctionLike) else ()
            names = Names()  # two arguments may have one hint, which ends before the number in its name
            held = [i for i in range(len(arguments)) if calls and all(self._is_weight(op.args[i]) for op in calls)]
            self._known[symbol] = {
                i: names.claim(self._inside(i, calls) or arguments[i].name_hint or f"weight_{i}") for i in held
            }
        return self._known[symbol]

    def _inside(self, index: int, calls: Sequence[CallOp]) -> str | None:
        """What a weight is called below the paths of the calls: a name of the IR does not begin with a number."""
        found = set()
        for op in calls:
            path, name = op.path.data if op.path else "", self._name(op.args[index])
            found.add(name.removeprefix(f"{path}.") if path and name.startswith(f"{path}.") else None)
        return found.pop() if len(found) == 1 else None

    def _name(self, x: SSAValue) -> str:
        owner = x.owner
        if isinstance(owner, TransposeOp | ReshapeOp):
            return self._name(owner.operands[0])
        if isinstance(owner, GetWeightOp):
            return owner.weight_name
        return self.of(_symbol(owner.parent_op()))[x.index] if isinstance(x, BlockArgument) else ""

    def _is_weight(self, x: SSAValue) -> bool:
        owner = x.owner
        if isinstance(owner, GetWeightOp):
            return True
        if isinstance(owner, TransposeOp | ReshapeOp):
            return self._is_weight(owner.operands[0])
        if isinstance(owner, Block) and isinstance(owner.parent_op(), FuncOp):
            function = owner.parent_op()
            return isinstance(x, BlockArgument) and x.index in self.of(_symbol(function))
        return False


def _symbol(function: Operation | None) -> str:
    name = function.properties["sym_name"] if function is not None else None
    return name.data if isinstance(name, StringAttr) else ""
