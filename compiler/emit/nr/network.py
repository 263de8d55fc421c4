"""Writes a network: items in order, names where a value is used away from the chain, clauses around them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.dialects.builtin import ModuleOp, StringAttr, TensorType
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from neuralc.dialects.graph import (
    CallOp,
    FuncOp,
    FunctionLike,
    GetWeightOp,
    InitializerAttr,
    ReshapeOp,
    TransposeOp,
    WeightOp,
    declared_dims,
    symbols,
    the_model,
)
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.emit.nr.activations import fold_activations
from neuralc.emit.nr.body import Body, Inexpressible
from neuralc.emit.nr.groups import repeated, shared_layers
from neuralc.emit.nr.inputs import input_clause
from neuralc.emit.nr.lowering import CallLowering, lower
from neuralc.emit.nr.names import LayerNames, ValueNames, scope_of, short, simple, wanted_path
from neuralc.emit.nr.plan import Item, plan
from neuralc.emit.nr.text import Word, arguments, call_arguments, written
from neuralc.emit.nr.values import Held, Value
from neuralc.emit.nr.weights import Box, Origin, overlap
from neuralc.emit.python.names import class_name
from neuralc.emit.refusals import Refusals
from neuralc.grammar.signatures import Signature, find, layer_names

FORM = "a program"


@dataclass(frozen=True)
class Program:
    """The text of a program, with `{weights}` where its weights clause stands, and where its weights come from."""

    head: str
    tail: str
    weights: Mapping[str, Origin]

    def text(self, weights_file: str | None = None) -> str:
        """With the name of the file that its weights stand in, if they stand in one."""
        from neuralc.emit.nr.emitter import formatted

        clause = "" if weights_file is None or not self.weights else f"  weights: {written(weights_file)}\n"
        return formatted(self.head + clause + self.tail)


class Writer:
    """The program of a module: its functions as macros and networks, its model as the last network."""

    def __init__(self, module: ModuleOp, refusals: Refusals) -> None:
        self._module, self._model, self._refusals = module, the_model(module), refusals
        self._table = symbols(module)
        self._declared = {name: op for name, op in self._table.items() if isinstance(op, WeightOp)}
        self._definitions = Definitions(module, self._table)

    @property
    def inexpressible(self) -> frozenset[str]:
        """The functions that have to stand where they are called."""
        return self._definitions.inexpressible

    def program(self) -> Program:
        refusals, model = Refusals(FORM), self._model
        found = planned(model, {}, self._definitions.call, refusals)
        if self.inexpressible:
            return Program("", "", {})
        self._refusals.extend(refusals)
        self._refusals.raise_if_any()
        values = ValueNames(self._definitions.names)
        names = [values.give(value, simple(name)) for name, value in zip(model.inputs, found.body.inputs, strict=True)]
        try:
            clause = input_clause(names, found.body.inputs, declared_dims(self._module))
        except ValueError as problem:
            self._refusals.add(model, str(problem))
            self._refusals.raise_if_any()
            raise
        lines = Lines(values, found, self._declared)
        texts = lines.texts(list(zip(model.outputs, found.body.results, strict=True)))
        head = [*self._definitions.texts, f"network {simple(model.sym_name.data)} {{", f"  input: {clause.text}"]
        head += ["  layers:", *(f"    {line}" for line in texts)]
        if lines.outputs:
            head.append(f"  outputs: {lines.outputs}")
        return Program("\n".join(head) + "\n", "}\n", lines.weights)


class Definitions:
    """The functions of a module as macros and networks, each text once."""

    def __init__(self, module: ModuleOp, table: Mapping[str, Operation]) -> None:
        self._table = table
        self._weights = WeightArguments(module, table)
        self._made: dict[str, Definition | None] = {}
        self._by_text: dict[tuple[str, str], Definition] = {}
        self.texts: list[str] = []
        self.inexpressible: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        return [definition.name for definition in self._by_text.values()]

    def call(self, body: Body, op: CallOp) -> Sequence[Value]:
        """The use of a function. Raises Inexpressible."""
        symbol = op.callee.root_reference.data
        if symbol not in self._made:
            self._made[symbol] = self._definition(symbol)
        definition = self._made[symbol]
        given = [body[x] for x in op.args]
        arguments = self._weights.of(symbol)
        if definition is None or not all(isinstance(given[i].source, Held) for i in arguments):
            self.inexpressible |= {symbol}
            raise Inexpressible("its function is said where it is called")
        outer = {
            name: value.source.origin
            for name, value in ((arguments[i], given[i]) for i in arguments)
            if isinstance(value.source, Held)
        }
        weights = {}
        for leaf, origin in definition.weights.items():
            made = origin.within(outer)
            weights[leaf] = Value((), given[0].element, Held(made), leaf)
        results = [(shape_of(result.type), element_of(result.type)) for result in op.results]
        inputs = [value for i, value in enumerate(given) if i not in arguments]
        path = op.path.data if op.path else None
        return body.layers(definition.name, inputs, results, {}, weights, path=path)

    def _definition(self, symbol: str) -> Definition | None:
        """A macro or a network; None for what neither says."""
        function = self._table[symbol]
        if not isinstance(function, FunctionLike):
            raise TypeError(f"@{symbol} is no function")
        refusals = Refusals(FORM)
        weights = {function.arguments[i]: name for i, name in self._weights.of(symbol).items()}
        if any(isinstance(x.type, TensorType) is False for x in function.arguments):
            return None
        try:
            found = planned(function, weights, self.call, refusals)
            clause, texts, outputs, names = self._text(function, found)
        except (Inexpressible, ValueError):
            return None
        if refusals.found or not found.body.inputs:
            return None
        base = re.sub(r"_\d+$", "", symbol)
        body = "\n".join([clause, *texts, outputs])
        known = self._by_text.get((base, body))
        if known is None:
            known = self._new(class_name(base), clause, texts, outputs, names)
            self._by_text[base, body] = known
        return Definition(known.name, names)

    def _text(self, function: FunctionLike, found: Planned) -> tuple[str, list[str], str, dict[str, Origin]]:
        values = ValueNames()
        inputs, results = found.body.inputs, found.body.results
        lines = Lines(values, found, {})
        if len(inputs) == len(results) == 1:
            lines.is_macro = True
            texts = lines.texts([("", results[0])])
            if not lines.outputs:
                return "", texts, "", lines.weights
            values, lines = ValueNames(), Lines(ValueNames(), found, {})
        names = [lines.values.give(value, short(value.hint) or f"x{i}") for i, value in enumerate(inputs)]
        clause = input_clause(names, inputs, {}, bounds=False)
        texts = lines.texts([(short(value.hint) or f"y{i}", value) for i, value in enumerate(results)])
        return clause.text, texts, lines.outputs, lines.weights

    def _new(
        self, name: str, clause: str, texts: Sequence[str], outputs: str, weights: Mapping[str, Origin]
    ) -> Definition:
        taken = {*map(str.lower, self.names), *(layer.lower() for layer in layer_names())}
        while name.lower() in taken:
            name = f"{name}Block" if not name.endswith("Block") else f"{name}1"
        if clause:
            inside = [f"  input: {clause}", "  layers:", *(f"    {line}" for line in texts)]
            inside += [f"  outputs: {outputs}"] if outputs else []
            text = "\n".join([f"network {name} {{", *inside, "}"])
        else:
            text = "\n".join([f"define {name}() {{", *(f"  {line}" for line in texts), "}"])
        self.texts.append(text + "\n")
        return Definition(name, weights)


@dataclass(frozen=True)
class Definition:
    """A macro or a network of the program, and its weights by their paths within it."""

    name: str
    weights: Mapping[str, Origin]


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
            self._known[symbol] = {
                i: argument.name_hint or f"weight_{i}"
                for i, argument in enumerate(arguments)
                if calls and all(self._is_weight(op.args[i]) for op in calls)
            }
        return self._known[symbol]

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


@dataclass(frozen=True)
class Planned:
    """A body, and its items."""

    body: Body
    items: list[Item]


def planned(function: FunctionLike, weights: Mapping[SSAValue, str], call: CallLowering, refusals: Refusals) -> Planned:
    """The items of a function; weights that several uses need are held by none of them."""
    loose: frozenset[str] = frozenset()
    while True:
        found = Refusals(FORM)
        body = lower(function, weights, loose, call, found)
        try:
            items = plan(body)
        except Inexpressible as problem:
            found.add(function, str(problem))
            items = []
        shared = _shared_weights(items) - loose
        if not shared:
            refusals.extend(found)
            return Planned(body, repeated(shared_layers(fold_activations(items, body.results))))
        loose |= shared


def _shared_weights(items: Sequence[Item]) -> frozenset[str]:
    """Weights of which more than one layer would hold the same places."""
    seen: dict[str, list[Box | None]] = {}
    shared: set[str] = set()
    for item in items:
        for value in item.weights.values():
            boxes = list(value.source.origin.boxes()) if isinstance(value.source, Held) else []
            for symbol, box in boxes:
                shared |= {symbol} if any(overlap(box, other) for other in seen.get(symbol, ())) else set()
            for symbol, box in boxes:
                seen.setdefault(symbol, []).append(box)
    return frozenset(shared)


class Lines:
    """The items of a body as text."""

    def __init__(self, values: ValueNames, planned: Planned, declared: Mapping[str, WeightOp]) -> None:
        self.values, self._items, self._body, self._declared = values, planned.items, planned.body, declared
        self.is_macro = False
        self._layers = LayerNames()
        self._handles: dict[Item, str] = {}
        self.weights: dict[str, Origin] = {}
        self.outputs = ""

    def texts(self, outputs: Sequence[tuple[str, Value]]) -> list[str]:
        named = self._named(outputs)
        running = tuple(self._body.inputs) if len(self._body.inputs) == 1 else ()
        lines = []
        if self.is_macro and any(value in named for value in running):
            # What a macro is applied to has no name in it.
            lines.append(f"{self.values.give(running[0], 'x')} = Identity()")
        for item in self._items:
            lines += self._lines(item, running, named)
            running = item.results[:1]
        lines += self._again(outputs)
        if not lines:
            named_first = "" if len(self._body.inputs) == 1 else f"({self.values.give(self._body.inputs[0])})"
            lines.append(f"Identity(){named_first}")
        last = running[0] if running else None
        if len(outputs) > 1 or outputs[0][1] is not last or (outputs[0][0] != self._last and not self.is_macro):
            shown = [self.values.give(value) for _, value in self._outputs]
            self.outputs = shown[0] if len(shown) == 1 else f"({', '.join(shown)})"
        return lines

    @property
    def _last(self) -> str:
        return self._layers.scope.last

    def _again(self, outputs: Sequence[tuple[str, Value]]) -> list[str]:
        """A value that is given twice has two names."""
        self._outputs: list[tuple[str, Value]] = []
        lines = []
        for name, value in outputs:
            if any(value is other for _, other in self._outputs):
                copy = Value(value.shape, value.element, value.source, name)
                lines.append(f"{self.values.give(copy, simple(name))} = Identity()({self.values.give(value)})")
                self._outputs.append((name, copy))
            else:
                self._outputs.append((name, value))
        return lines

    # --- names of values ---------------------------------------------------------------------------------------------
    def _named(self, outputs: Sequence[tuple[str, Value]]) -> set[Value]:
        """The values that need a name, with names for the outputs."""
        needed: set[Value] = set()
        running: tuple[Value, ...] = tuple(self._body.inputs) if len(self._body.inputs) == 1 else ()
        for item in self._items:
            if not self._in_chain(item, running):
                needed.update(item.uses)
            running = item.results[:1]
        single = len(outputs) == 1 and running[:1] == (outputs[0][1],)
        if not (single and (self.is_macro or self._usual_last() == outputs[0][0])):
            for name, value in outputs:
                if value not in needed or not self.values.given(value):
                    self.values.give(value, simple(name))
                needed.add(value)
        return needed

    def _usual_last(self) -> str:
        """The name that the front end gives the last value."""
        layers = LayerNames()
        for item in self._items:
            layers.path(item)
        return layers.scope.last

    def _in_chain(self, item: Item, running: tuple[Value, ...]) -> bool:
        if not item.inputs and not item.named:
            return True
        return item.inputs == running and not item.named

    # --- one line ----------------------------------------------------------------------------------------------------
    def _lines(self, item: Item, running: tuple[Value, ...], named: set[Value]) -> list[str]:
        if item.first is not None:
            return [f"{self._targets(item, named)}{self._handle(item.first)}({self._applied(item)})"]
        if item in self._shared:
            made = self._layer(item, running, "")
            handle = self._handle(item)
            return [f"{handle} = {made}", f"{self._targets(item, named)}{handle}({self._applied(item)})"]
        return [f"{self._targets(item, named)}{self._layer(item, running)}"]

    @property
    def _shared(self) -> set[Item]:
        return {item.first for item in self._items if item.first is not None}

    def _handle(self, item: Item) -> str:
        """The name of a shared layer, by which it is applied."""
        if item not in self._handles:
            path = wanted_path(item) or scope_of(item)
            self._handles[item] = self.values.claim(short(path) if "." in path else f"{path}_layer")
        return self._handles[item]

    def _applied(self, item: Item) -> str:
        uses = [self.values.give(value) for value in item.inputs]
        uses += [f"{name}={_several([self.values.give(v) for v in vs])}" for name, vs in item.named.items()]
        return ", ".join(uses)

    def _layer(self, item: Item, running: tuple[Value, ...], applied: str | None = None) -> str:
        """A layer with its arguments; applied to what it is of, where the chain does not lead there."""
        signature = find(item.call.name)
        path, own = self._path(item)
        for leaf, value in item.weights.items():
            if isinstance(value.source, Held):
                self.weights[f"{path}.{leaf}" if leaf else path] = value.source.origin
        given = {**item.call.arguments, **({} if signature is None else self._rules(item, signature))}
        given |= {} if own is None else {"name": own}
        shown = list(arguments(signature, given)) if signature is not None else call_arguments(given)
        if applied is None and not self._in_chain(item, running):
            applied = self._applied(item)
            inside = signature is not None and signature.inputs.flexible and item.call.name != "Lambda"
            if inside and signature is not None and (signature.inputs.many or not shown):
                shown, applied = [applied, *shown], None
        times = f" * {item.count}" if item.count > 1 else ""
        return f"{item.call.name}({', '.join(shown)}){f'({applied})' if applied else ''}{times}"

    def _path(self, item: Item) -> tuple[str, str | None]:
        if item in self._shared:
            handle = self._handle(item)
            wanted = wanted_path(item)
            if wanted is None or wanted == handle or not self._layers.scope.is_free(wanted):
                return self._layers.scope.unique(handle), None
        return self._layers.path(item)

    def _targets(self, item: Item, named: set[Value]) -> str:
        if len(item.results) == 1:
            if item.results[0] not in named:
                return ""
            return f"{self.values.give(item.results[0], None if item.results[0].hint else scope_of(item))} = "
        words = [
            self.values.give(result) if result in named else self.values.give(result, f"_{scope_of(item)}")
            for result in item.results
        ]
        return f"{', '.join(words)} = "

    def _rules(self, item: Item, signature: Signature) -> dict[str, Any]:
        """How the weights of a layer begin, and what training does with them, where that is not as usual."""
        found: dict[str, Any] = {}
        trainable = []
        for leaf, value in item.weights.items():
            if not isinstance(value.source, Held):
                continue
            op = self._declared.get(value.source.origin.symbols[0])
            if op is None:
                continue
            if not leaf.startswith("moving_"):
                trainable.append("trainable" not in op.attributes or bool(to_literal(op.attributes["trainable"])))
            for kind, rule in (
                ("initializer", op.init),
                ("regularizer", op.regularizer),
                ("constraint", op.constraint),
            ):
                parameter = signature.parameter(f"{leaf}_{kind}" if leaf else kind)
                if parameter is not None and rule is not None and rule_text(rule) != parameter.default:
                    found[parameter.name] = rule_text(rule)
        if trainable and not any(trainable) and is_float(next(iter(item.weights.values())).element):
            found["trainable"] = False
        return found


def rule_text(rule: Any) -> Any:
    """An initializer, a regularizer or a constraint as the language writes it."""
    arguments = rule.plain_arguments
    if not arguments:
        return rule.called.data
    shown = ", ".join(f"{key}={written(value)}" for key, value in arguments.items())
    return Word(f"{rule.called.data}({shown})")


def _several(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


__all__ = ["InitializerAttr", "Program", "Writer"]
