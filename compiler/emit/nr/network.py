"""Writes a network: items in order, names where a value is used away from the chain, clauses around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import InitializerAttr, ModelOp, WeightOp, declared_dims, symbols
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import is_float
from neuralc.emit.nr.activations import fold_activations
from neuralc.emit.nr.body import Body, Inexpressible
from neuralc.emit.nr.inputs import input_clause
from neuralc.emit.nr.lowering import lower
from neuralc.emit.nr.names import LayerNames, ValueNames, scope_of, simple
from neuralc.emit.nr.plan import Item, plan
from neuralc.emit.nr.text import Word, arguments, written
from neuralc.emit.nr.values import Held, Value
from neuralc.emit.nr.weights import Box, Origin, overlap
from neuralc.emit.refusals import Refusals
from neuralc.grammar.signatures import Signature, find


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
    """The program of a model whose functions stand where they are called."""

    def __init__(self, module: ModuleOp, model: ModelOp, refusals: Refusals) -> None:
        self._module, self._model, self._refusals = module, model, refusals
        self._declared = {name: op for name, op in symbols(module).items() if isinstance(op, WeightOp)}
        self._weights: dict[str, Origin] = {}

    def program(self) -> Program:
        body, items = self._planned()
        self._refusals.raise_if_any()
        model = self._model
        values = ValueNames()
        names = [values.give(value, simple(name)) for name, value in zip(model.inputs, body.inputs, strict=True)]
        try:
            clause = input_clause(names, body.inputs, declared_dims(self._module))
        except ValueError as problem:
            self._refusals.add(model, str(problem))
            self._refusals.raise_if_any()
            raise
        lines = _Lines(values, items, body, self._declared)
        texts = lines.texts(list(zip(model.outputs, body.results, strict=True)))
        self._weights.update(lines.weights)
        head = [f"network {simple(model.sym_name.data)} {{", f"  input: {clause.text}", "  layers:"]
        head += [f"    {line}" for line in texts or ["Identity()"]]
        if lines.outputs:
            head.append(f"  outputs: {lines.outputs}")
        return Program("\n".join(head) + "\n", "}\n", self._weights)

    def _planned(self) -> tuple[Body, list[Item]]:
        """The items of the model; weights that several uses need are held by none of them."""
        loose: frozenset[str] = frozenset()
        while True:
            refusals = Refusals("a program")
            body = lower(self._model, {}, loose, refusals)
            try:
                items = plan(body)
            except Inexpressible as problem:
                refusals.add(self._model, str(problem))
                items = []
            shared = _shared_weights(items) - loose
            if not shared:
                self._refusals.extend(refusals)
                return body, fold_activations(items, body.results)
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


class _Lines:
    """The items of a body as text."""

    def __init__(self, values: ValueNames, items: Sequence[Item], body: Body, declared: Mapping[str, WeightOp]) -> None:
        self._values, self._items, self._body, self._declared = values, items, body, declared
        self._layers = LayerNames()
        self.weights: dict[str, Origin] = {}
        self.outputs = ""

    def texts(self, outputs: Sequence[tuple[str, Value]]) -> list[str]:
        named = self._named(outputs)
        running = tuple(self._body.inputs) if len(self._body.inputs) == 1 else ()
        lines = []
        for item in self._items:
            lines.append(self._line(item, running, named))
            running = item.results[:1]
        last = running[0] if running else None
        if self.outputs == "" and (len(outputs) > 1 or outputs[0][1] is not last or outputs[0][0] != self._last):
            shown = [self._values.give(value) for _, value in outputs]
            self.outputs = shown[0] if len(shown) == 1 else f"({', '.join(shown)})"
        return lines

    @property
    def _last(self) -> str:
        return self._layers.scope.last

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
        if not (single and self._usual_last() == outputs[0][0]):
            for name, value in outputs:
                needed.add(value)
                self._values.give(value, simple(name))
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
    def _line(self, item: Item, running: tuple[Value, ...], named: set[Value]) -> str:
        signature = _signature(item)
        path, own = self._layers.path(item)
        given = {**item.call.arguments, **self._rules(item, signature)}
        if own is not None:
            given["name"] = own
        shown = list(arguments(signature, given))
        for leaf, value in item.weights.items():
            if isinstance(value.source, Held):
                self.weights[f"{path}.{leaf}" if leaf else path] = value.source.origin
        applied = ""
        if not self._in_chain(item, running):
            uses = [self._values.give(value) for value in item.inputs]
            uses += [f"{name}={_several([self._values.give(v) for v in vs])}" for name, vs in item.named.items()]
            if signature.inputs.flexible and not shown:
                shown = uses
            elif signature.inputs.many and item.call.name != "Lambda":
                shown = [*uses, *shown]
            else:
                applied = f"({', '.join(uses)})"
        return f"{self._targets(item, named)}{item.call.name}({', '.join(shown)}){applied}"

    def _targets(self, item: Item, named: set[Value]) -> str:
        if len(item.results) == 1:
            if item.results[0] not in named:
                return ""
            return f"{self._values.give(item.results[0], None if item.results[0].hint else scope_of(item))} = "
        words = [
            self._values.give(result) if result in named else self._values.give(result, f"_{scope_of(item)}")
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


def _signature(item: Item) -> Signature:
    signature = find(item.call.name)
    if signature is None:
        raise ValueError(f"no layer is called {item.call.name}")
    return signature


__all__ = ["InitializerAttr", "Program", "Writer"]
