"""Checks the clauses of a network that do not compute: training, execution, weights, tests. What they say is kept.

`Clauses.data` holds, by the name of the clause: `loss` and `metrics` as tuples of Configured, `optimizer` as one,
`train`, `execution`, `benchmark` and `test` as dictionaries, `research` as Research notes, `searches` as Searched.
A search stays a Space unless the command line decided it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from neuralc.grammar import tree as t
from neuralc.grammar.binding import Given, bind
from neuralc.grammar.configured import Configured, Keeper, Kept
from neuralc.grammar.diagnostics import Diagnostic, Span, note, suggest
from neuralc.grammar.parameters import Kind, Parameters, Unfit, names
from neuralc.grammar.quoted import unquoted
from neuralc.grammar.research import research_notes
from neuralc.grammar.searches import Searches
from neuralc.grammar.training.kinds import Device
from neuralc.grammar.training.losses import LOSSES
from neuralc.grammar.training.metrics import METRICS
from neuralc.grammar.training.optimizers import OPTIMIZERS
from neuralc.grammar.training.sections import SECTIONS
from neuralc.grammar.training.table import CallOf, Table, called_table
from neuralc.grammar.values import Applied, Evaluated, Report, Scope, Space, evaluate, is_broken, plain

ALIASES = {"execute": "execution"}
"""Other names of sections."""

_FOLLOWED = {"device": ("auto", "cpu"), "target": ("auto", "cpu", "cuda"), "precision": ("fp32",)}
"""What `execution` may say and have; any number of threads too."""


def check_device(text: str, span: Span, report: Report) -> None:
    """`cpu`, `cuda:0` and the like, of a layer or of the whole model."""
    try:
        Device().convert(text)
    except Unfit as unfit:
        report(unfit.diagnostic("`device`", span))


@dataclass
class Clauses:
    """Collects the settings and sections of one network. `scope` holds the parameters of the network."""

    report: Report
    searches: Searches = field(default_factory=Searches)
    scope: Scope = field(default_factory=dict)
    research: Sequence[t.Research] = ()
    weights: str | None = None
    weights_span: Span | None = None
    seed: int | None = None
    _kept: dict[str, Any] = field(default_factory=dict)
    _seen: dict[str, Span] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.research:
            self._kept["research"] = research_notes(self.research, self.report)

    @property
    def data(self) -> dict[str, Any]:
        """What the clauses say, and the searches that the model met so far."""
        return self._kept | ({"searches": dict(self.searches.met)} if self.searches.met else {})

    def add(self, clause: t.Setting | t.Section) -> None:
        key = ALIASES.get(clause.name.value, clause.name.value)
        first = self._seen.setdefault(key, clause.name.span)
        if first is not clause.name.span:
            where = f"the first one is in line {first.line}"
            self.report(Diagnostic("E0112", f"this network has a second `{key}`", clause.name.span, (where,)))
        elif isinstance(clause, t.Section):
            self._entries(key, SECTIONS[key], clause.settings)
        else:
            self._setting(key, clause)

    # --- settings ----------------------------------------------------------------------------------------------------
    def _setting(self, key: str, clause: t.Setting) -> None:
        handlers: Mapping[str, Callable[[str, t.Setting], None]] = {
            "loss": self._losses,
            "optimizer": self._optimizer,
            "metrics": self._metrics,
            "weights": self._weights,
            "init": self._init,
            "outputs": self._outputs,
        }
        direct = names(SECTIONS["train"])
        if key in handlers:
            handlers[key](key, clause)
        elif key in direct:
            self._entries("train", SECTIONS["train"], (clause,))
        else:
            known = ["input", "layers", *handlers, *direct, *SECTIONS]
            self.report(
                Diagnostic("E0206", f"a network has no clause `{key}`", clause.name.span, (), suggest(key, known))
            )

    def _one(self, clause: t.Setting) -> t.Value | None:
        if len(clause.values) == 1:
            return clause.values[0]
        self.report(Diagnostic("E0305", f"`{clause.name.value}` takes one value", clause.values[1].span))
        return None

    def _evaluate(self, value: t.Value) -> Evaluated:
        return evaluate(value, self.scope, self.report, self.searches)

    def _call(self, about: str, table: Table, value: t.Value) -> Kept:
        """`Adam`, `"adam"`, `Adam(...)`, `"Adam(...)"` or a search among such."""
        found = self._evaluate(unquoted(value, table, self.report))
        return None if is_broken(found) else Keeper(self.report).keep(about, CallOf(table), found, value.span)

    def _calls(self, about: str, table: Table, clause: t.Setting) -> tuple[Kept, ...]:
        """One value or several, in brackets or without."""
        items = [
            item
            for value in clause.values
            for item in (value.items if isinstance(value, t.Sequence) else (value,))
        ]  # fmt: skip
        return tuple(kept for item in items if (kept := self._call(about, table, item)) is not None)

    def _losses(self, key: str, clause: t.Setting) -> None:
        """One loss for all outputs, or one for each."""
        self._kept[key] = self._calls("`loss`", LOSSES, clause)

    def _metrics(self, key: str, clause: t.Setting) -> None:
        self._kept[key] = self._calls("`metrics`", METRICS, clause)

    def _optimizer(self, key: str, clause: t.Setting) -> None:
        value = self._one(clause)
        kept = None if value is None else self._call("`optimizer`", OPTIMIZERS, value)
        if kept is not None:
            self._kept[key] = kept
            self._one_rate()

    def _one_rate(self) -> None:
        """The learning rate stands in the optimizer or in `train`, whichever clause comes first."""
        train, optimizer = self._kept.get("train", {}), self._kept.get("optimizer")
        if "learning_rate" in train and optimizer is not None and _has_rate(optimizer):
            message = "`learning_rate` is given twice, in `train` and in `optimizer`"
            self.report(Diagnostic("E0304", message, self._seen["optimizer"], (), "leave it out of `train`"))

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
        evaluated = plain(self._evaluate(value))
        if isinstance(evaluated, Applied) and evaluated.name == "seed" and len(evaluated.arguments) == 1:
            evaluated = plain(evaluated.arguments[0][1])
        if is_broken(evaluated):
            return
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
    def _given(self, entry: t.Setting, kind: Kind | None) -> Given:
        table, trees = None if kind is None else called_table(kind), entry.values
        if table is not None:
            trees = tuple(unquoted(value, table, self.report) for value in trees)
        values = tuple(map(self._evaluate, trees))
        return Given(entry.name.value, values[0] if len(values) == 1 else values, entry.span, entry.name.span)

    def _entries(self, section: str, parameters: Parameters, entries: tuple[t.Setting, ...]) -> None:
        if not entries:
            return
        kinds = {parameter.name: parameter.kind for parameter in parameters}
        given = [self._given(entry, kinds.get(entry.name.value)) for entry in entries]
        bound = bind(f"`{section}`", parameters, (), given, entries[0].span, self.report)
        if bound is None:
            return
        kept: dict[str, Kept] = {}
        for parameter in parameters:
            if parameter.name in bound.written:
                about, value, span = f"`{parameter.name}`", bound.written[parameter.name], bound.spans[parameter.name]
                kept[parameter.name] = Keeper(self.report).keep(about, parameter.kind, value, span)
        if "early_stopping" in kept:
            kept["early_stopping"] = _stopping(kept["early_stopping"])
        before: dict[str, Kept] = self._kept.get(section, {})
        for name in kept:
            if name in before:
                self.report(Diagnostic("E0304", f"`{name}` is given twice, in `{section}` too", bound.spans[name]))
        self._kept[section] = before | {name: value for name, value in kept.items() if value is not None}
        if section == "train":
            self._one_rate()
        if section == "execution" and any(value not in _FOLLOWED.get(name, (value,)) for name, value in kept.items()):
            self.report(execution_note(entries[0].span))


def _stopping(kept: Kept) -> Kept:
    """`early_stopping: true` and `early_stopping: 5` as the callback they stand for."""
    match kept:
        case bool():
            return Configured("EarlyStopping") if kept else None
        case Space(kind="choice"):
            return replace(kept, values=tuple(map(_stopping, kept.values)))
        case int() | Space():
            return Configured("EarlyStopping", {"patience": kept})
        case _:
            return kept


def _has_rate(optimizer: Kept) -> bool:
    match optimizer:
        case Configured():
            return "learning_rate" in optimizer.arguments or any(map(_has_rate, optimizer.arguments.values()))
        case Space():
            return any(map(_has_rate, optimizer.values))
        case _:
            return False


def execution_note(span: Span) -> Diagnostic:
    message = "of `execution` only `target` and `threads` have an effect: as defaults of the command line"
    return note("W0702", message, span, help="`--target cuda`, `--threads 2` override them")


def placement_note(span: Span) -> Diagnostic:
    return note("W0701", "the device of a single layer has no effect yet: the whole model runs on one target", span)
