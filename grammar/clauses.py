"""Checks the clauses of a network that do not compute: training, execution, weights. What they say is kept as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from neuralc.grammar import tree as t
from neuralc.grammar.binding import Given, bind
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Span, note, suggest
from neuralc.grammar.parameters import Parameters, Unfit, names
from neuralc.grammar.parser import parse_value
from neuralc.grammar.training import DEVICES, LOSS, METRIC, OPTIMIZERS, RATE, SCHEDULES, SETTINGS
from neuralc.grammar.values import Applied, Evaluated, Report, Word, describe, evaluate, plain

_SECTION = {"execute": "execution"}


def check_device(text: str, span: Span, report: Report) -> None:
    """`cpu`, `cuda:0` and the like."""
    if not re.fullmatch(rf"({'|'.join(DEVICES)})(:\d+)?", text):
        known = ", ".join(DEVICES)
        report(Diagnostic("E0210", f'unknown device "{text}"', span, (f"devices are {known}, or one like cuda:0",)))


@dataclass
class Clauses:
    """Collects the settings and sections of one network."""

    report: Report
    data: dict[str, Any] = field(default_factory=dict)
    weights: str | None = None
    weights_span: Span | None = None
    seed: int | None = None
    _seen: dict[str, Span] = field(default_factory=dict)

    def add(self, clause: t.Setting | t.Section) -> None:
        key = _SECTION.get(clause.name.value, clause.name.value)
        first = self._seen.setdefault(key, clause.name.span)
        if first is not clause.name.span:
            where = f"the first one is in line {first.line}"
            self.report(Diagnostic("E0112", f"this network has a second `{key}`", clause.name.span, (where,)))
        elif isinstance(clause, t.Section):
            self._section(key, clause)
        else:
            self._setting(key, clause)

    # --- settings ----------------------------------------------------------------------------------------------------
    def _setting(self, key: str, clause: t.Setting) -> None:
        handlers: Mapping[str, Callable[[str, t.Setting], None]] = {
            "loss": self._loss,
            "optimizer": self._optimizer,
            "metrics": self._metrics,
            "weights": self._weights,
            "init": self._init,
            "outputs": self._outputs,
        }
        direct = names(SETTINGS["train"])
        if key in handlers:
            handlers[key](key, clause)
        elif key in direct:
            self._entries("train", SETTINGS["train"], (clause,))
        else:
            known = ["input", "layers", *handlers, *direct, *SETTINGS]
            self.report(
                Diagnostic("E0206", f"a network has no clause `{key}`", clause.name.span, (), suggest(key, known))
            )

    def _one(self, clause: t.Setting) -> t.Value | None:
        if len(clause.values) == 1:
            return clause.values[0]
        self.report(Diagnostic("E0305", f"`{clause.name.value}` takes one value", clause.values[1].span))
        return None

    def _loss(self, key: str, clause: t.Setting) -> None:
        value = self._one(clause)
        if value is None:
            return
        evaluated = evaluate(value, {}, self.report)
        if isinstance(evaluated, Applied) and not evaluated.arguments:
            evaluated = evaluated.name
        try:
            self.data[key] = LOSS.convert(evaluated).value
        except Unfit as unfit:
            self.report(unfit.diagnostic("`loss`", value.span))

    def _metrics(self, key: str, clause: t.Setting) -> None:
        found = []
        for value in clause.values:
            items = value.items if isinstance(value, t.Sequence) else (value,)
            for item in items:
                try:
                    found.append(METRIC.convert(evaluate(item, {}, self.report)).value)
                except Unfit as unfit:
                    self.report(unfit.diagnostic("a metric", item.span))
        self.data[key] = found

    def _optimizer(self, key: str, clause: t.Setting) -> None:
        value = self._one(clause)
        if value is None:
            return
        called = self._named_call(value, OPTIMIZERS, "E0203", "optimizer")
        if called is None:
            return
        name, parameters, given = called
        bound = bind(f"`{name}`", parameters, (), given, value.span, self.report)
        if bound is None:
            return
        written = {parameter: bound[parameter] for parameter in bound.spans}
        if RATE in written:
            written[RATE] = self._rate(written[RATE], bound.spans[RATE])
        self.data[key] = {"name": name, **{k: as_data(v) for k, v in written.items()}}

    def _rate(self, value: Evaluated, span: Span) -> Any:
        """A learning rate is a number above 0 or a schedule."""
        value = plain(value)
        if isinstance(value, str):
            value = plain(evaluate(parse_value(span.source, span, value), {}, self.report))
        if isinstance(value, Word | Applied):
            called = _find_call(value, SCHEDULES)
            if called is None:
                shown = value.text if isinstance(value, Word) else value.name
                message = f"unknown learning rate schedule `{shown}`"
                self.report(Diagnostic("E0203", message, span, (), suggest(shown, SCHEDULES)))
                return 0.0
            name, arguments = called
            bound = bind(f"`{name}`", SCHEDULES[name], (), arguments, span, self.report)
            return 0.0 if bound is None else {"name": name, **{k: as_data(bound[k]) for k in bound.spans}}
        if isinstance(value, bool) or not isinstance(value, int | float):
            message = f"a learning rate is a number or a schedule, not {describe(value)}"
            self.report(Diagnostic("E0305", message, span))
            return 0.0
        if value <= 0:
            self.report(Diagnostic("E0306", f"a learning rate is above 0, not {value}", span))
        return float(value)

    def _named_call(
        self, value: t.Value, table: Mapping[str, Parameters], code: str, what: str
    ) -> tuple[str, Parameters, list[Given]] | None:
        """`Adam`, `"adam"`, `Adam(...)` or `"Adam(...)"`."""
        try:
            inner = parse_value(value.span.source, value.span, value.value) if isinstance(value, t.Text) else value
        except NeuralcError:
            inner = value
        evaluated = plain(evaluate(inner, {}, self.report))
        found = _find_call(evaluated, table) if isinstance(evaluated, Word | Applied) else None
        if found is None:
            name = evaluated.name if isinstance(evaluated, Applied) else describe(evaluated).strip('"`')
            self.report(Diagnostic(code, f"unknown {what} `{name}`", value.span, (), suggest(name, table)))
            return None
        return found[0], table[found[0]], found[1]

    def _weights(self, key: str, clause: t.Setting) -> None:
        value = self._one(clause)
        if isinstance(value, t.Text):
            self.weights, self.weights_span = value.value, value.span
        elif value is not None:
            self.report(
                Diagnostic("E0305", "`weights` is the name of a file", value.span, (), 'write `"model.safetensors"`')
            )

    def _init(self, key: str, clause: t.Setting) -> None:
        value = self._one(clause)
        if value is None:
            return
        evaluated = plain(evaluate(value, {}, self.report))
        if isinstance(evaluated, Applied) and evaluated.name == "seed" and len(evaluated.arguments) == 1:
            evaluated = plain(evaluated.arguments[0][1])
        if isinstance(evaluated, bool) or not isinstance(evaluated, int) or evaluated < 0:
            self.report(Diagnostic("E0305", "`init` is a seed", value.span, (), "write `init: seed(0)`"))
            return
        self.seed = evaluated

    def _outputs(self, key: str, clause: t.Setting) -> None:
        """Names of values, which the walk over the layers looks up."""
        for value in clause.values:
            for part in value.items if isinstance(value, t.Sequence) else (value,):
                if not isinstance(part, t.Name):
                    message = "`outputs` lists names of values"
                    self.report(Diagnostic("E0305", message, part.span, (), "name it first: `a = Dense(8)`"))

    # --- sections ----------------------------------------------------------------------------------------------------
    def _section(self, key: str, clause: t.Section) -> None:
        self._entries(key, SETTINGS[key], clause.settings)

    def _entries(self, section: str, parameters: Parameters, entries: tuple[t.Setting, ...]) -> None:
        given = []
        for entry in entries:
            values = tuple(evaluate(value, {}, self.report) for value in entry.values)
            value = values[0] if len(values) == 1 else values
            given.append(Given(entry.name.value, value, entry.span, entry.name.span))
        place = entries[0].span if entries else None
        if place is None:
            return
        bound = bind(f"`{section}`", parameters, (), given, place, self.report)
        if bound is None:
            return
        device = bound.values.get("device")
        if device is not None:
            check_device(
                device if isinstance(device, str) else describe(device).strip("`"), bound.spans["device"], self.report
            )
        kept = self.data.setdefault(section, {})
        kept.update({name: as_data(bound[name]) for name in bound.spans})


def _find_call(value: Word | Applied, table: Mapping[str, Parameters]) -> tuple[str, list[Given]] | None:
    """The entry of a table that a word or a call names, in any case, with the arguments."""
    written = value.text if isinstance(value, Word) else value.name
    name = next((known for known in table if known.lower() == written.lower()), None)
    if name is None:
        return None
    if isinstance(value, Word):
        return name, []
    return name, [Given(argument, inner, span) for argument, inner, span in value.arguments]


def as_data(value: Any) -> Any:
    """A value as plain data: numbers, strings, lists, dictionaries with a `name` for calls."""
    value = plain(value) if not isinstance(value, dict | list) else value
    match value:
        case Word():
            return value.text
        case tuple():
            return [as_data(part) for part in value]
        case Applied():
            arguments = {name or f"argument_{i}": as_data(inner) for i, (name, inner, _) in enumerate(value.arguments)}
            return {"name": value.name, **arguments}
        case _:
            return value


def placement_note(span: Span) -> Diagnostic:
    return note("W0701", "the device of a single layer has no effect yet: the whole model runs on one target", span)
