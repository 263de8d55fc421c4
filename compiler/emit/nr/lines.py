"""The items of a body as lines of a program: names where a value is used away from the chain, applied where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neuralc.dialects.graph import WeightOp
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import is_float
from neuralc.emit.nr.names import LayerNames, ValueNames, scope_of, short, simple, wanted_path
from neuralc.emit.nr.plan import Item
from neuralc.emit.nr.planned import Planned
from neuralc.emit.nr.text import Word, arguments, call_arguments, written
from neuralc.emit.nr.values import Held, Value
from neuralc.emit.nr.weights import Origin
from neuralc.grammar.parameters import Parameter
from neuralc.grammar.signatures import Signature, find

SHORT = 60
"""The longest block that stands on one line."""


class Lines:
    """The items of a body as text."""

    def __init__(
        self,
        values: ValueNames,
        planned: Planned,
        declared: Mapping[str, WeightOp],
        *,
        is_macro: bool = False,
        searched: Mapping[str, Word] | None = None,
        block: Item | None = None,
    ) -> None:
        """`declared` says how weights begin, `searched` which arguments of layers are searches, by their paths.

        The items are those of a `block`, or all.
        """
        self.values, self._items, self._body, self._declared = values, planned.items, planned.body, declared
        self.is_macro = is_macro
        self._searched = searched or {}
        self._planned = planned
        self._start = tuple(planned.body.inputs) if len(planned.body.inputs) == 1 else ()
        self._layers = LayerNames()
        if block is not None:
            self._items, self._start = list(block.block), block.inputs
            self._layers = LayerNames(within=block.path or "")
        self._handles: dict[Item, str] = {}
        self.weights: dict[str, Origin] = {}
        self.outputs = ""

    def texts(self, outputs: Sequence[tuple[str, Value]]) -> list[str]:
        named = self._named(outputs)
        running = self._start
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
        running = self._start
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
            return [f"{self._targets(item, named)}{self._handle(item.first)}({self._applied(item, running)})"]
        if item in self._shared:
            made = self._layer(item, running, "")
            handle = self._handle(item)
            return [f"{handle} = {made}", f"{self._targets(item, named)}{handle}({self._applied(item, running)})"]
        return [f"{self._targets(item, named)}{self._layer(item, running)}"]

    @property
    def _shared(self) -> set[Item]:
        return {item.first for item in self._items if item.first is not None}

    def _handle(self, item: Item) -> str:
        """The name of a shared layer, by which it is applied."""
        if item not in self._handles:
            path = wanted_path(item) or scope_of(item)
            self._handles[item] = self.values.claim(simple(short(path)) if "." in path else f"{path}_layer")
        return self._handles[item]

    def _applied(self, item: Item, running: tuple[Value, ...]) -> str:
        """The values that an item is applied to; nothing where it takes the running one."""
        if self._in_chain(item, running):
            return ""
        uses = [self.values.give(value) for value in item.inputs]
        uses += [f"{name}={_several([self.values.give(v) for v in vs])}" for name, vs in item.named.items()]
        return ", ".join(uses)

    def _layer(self, item: Item, running: tuple[Value, ...], applied: str | None = None) -> str:
        """A layer with its arguments; applied to what it is of, where the chain does not lead there."""
        path, own = self._path(item)
        signature = find(item.call.name)
        inside = self._block(item, path)
        for leaf, value in item.weights.items() if not item.block else ():
            if isinstance(value.source, Held):
                self.weights[f"{path}.{leaf}" if leaf else path] = value.source.origin
        given = {**item.call.arguments, **({} if signature is None else self._rules(item, signature))}
        given |= {} if own is None else {"name": own}
        given |= {name: self._searched[f"{path}.{name}"] for name in given if f"{path}.{name}" in self._searched}
        shown = list(arguments(signature, given)) if signature is not None else call_arguments(given)
        if applied is None and not self._in_chain(item, running):
            applied = self._applied(item, running)
            merge = signature is not None and signature.inputs.flexible and item.call.name != "Lambda"
            if merge and signature is not None and (signature.inputs.many or not shown):
                shown, applied = [applied, *shown], None
        times = f" * {item.count}" if item.count > 1 else ""
        return f"{item.call.name}({', '.join(shown)}){f'({applied})' if applied else ''}{inside}{times}"

    def _block(self, item: Item, path: str) -> str:
        """The block of a layer that has one."""
        if not item.block:
            return ""
        inner = Lines(self.values, self._planned, self._declared, is_macro=True, block=item)
        lines = inner.texts([("", item.block[-1].results[0])])
        self.weights.update({f"{path}.{name}": origin for name, origin in inner.weights.items()})
        short_enough = sum(map(len, lines)) < SHORT
        return f" {{ {' '.join(lines)} }}" if short_enough else "\n".join([" {", *lines, "}"])

    def _path(self, item: Item) -> tuple[str, str | None]:
        if item in self._shared:
            handle = self._handle(item)
            wanted = wanted_path(item)
            if wanted is None or wanted == handle or not self._layers.scope.is_free(wanted):
                return self._layers.scope.unique(handle), None
            path, own = self._layers.path(item)
            return path, own or path  # else it has the name of its handle
        return self._layers.path(item)

    def _targets(self, item: Item, named: set[Value]) -> str:
        if len(item.results) == 1:
            if item.results[0] not in named:
                return ""
            path = wanted_path(item) if item.weights else None
            usual = None if item.results[0].hint else scope_of(item)
            return f"{self.values.give(item.results[0], usual if path is None else short(path))} = "
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
                parameter = rule_parameter(signature, leaf, kind)
                if parameter is None or rule is None or rule_text(rule) in (parameter.default, "unit_forget"):
                    continue
                found[parameter.name] = rule_text(rule)
            if leaf == "bias" and op.init is not None and signature.parameter("unit_forget_bias") is not None:
                found["unit_forget_bias"] = op.init.called.data == "unit_forget"
        if trainable and not any(trainable) and is_float(next(iter(item.weights.values())).element):
            found["trainable"] = False
        return found


def rule_parameter(signature: Signature, leaf: str, kind: str) -> Parameter | None:
    """The parameter that says how a weight begins, or what training does with it."""
    names = [f"{leaf}_{kind}", f"{leaf.partition('_')[0]}_{kind}"] if leaf else [kind]
    if leaf == "recurrent_bias":
        names = [f"bias_{kind}"]
    if leaf == "kernel":
        names.append(f"depthwise_{kind}")
    return next((found for name in names if (found := signature.parameter(name)) is not None), None)


def rule_text(rule: Any) -> Any:
    """An initializer, a regularizer or a constraint as the language writes it."""
    arguments = rule.plain_arguments
    if not arguments:
        return rule.called.data
    shown = ", ".join(f"{key}={written(value)}" for key, value in arguments.items())
    return Word(f"{rule.called.data}({shown})")


def _several(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"({', '.join(names)})"
