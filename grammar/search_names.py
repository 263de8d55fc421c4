"""Names of the searches of a network, by which `--set` finds them: where each `HPO(...)` stands.

    Dense(HPO(choice(32, 64)))                        dense.units, the second one dense_1.units
    Residual { Conv2D(8, 3) * HPO(choice(2, 3)) }     residual.conv2d.repeat
    define Block(n=HPO(choice(8, 16))) { .. }         Block.n, in its body Block.conv2d.filters
    optimizer: Adam(HPO(log_range(1e-4, 1e-2)))       optimizer.learning_rate
    train { batch_size: HPO(choice(32, 64)) }         train.batch_size
    metrics: [TopKCategoricalAccuracy(HPO(..))]       metrics.top_k_categorical_accuracy.k
    HPO(choice(Dense(8), Conv2D(8, 3)))               layer; in its options layer.dense.units

Layers are counted as the names of weights are. What stands in a macro goes by the name of the macro, since it has one
value in all its uses. A search that is an option of another has no name: the outer one goes over its values too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Span
from neuralc.grammar.library import Definition, Unit
from neuralc.grammar.names import Mentioned
from neuralc.grammar.parameters import names
from neuralc.grammar.quoted import unquoted
from neuralc.grammar.signatures import find, snake_case
from neuralc.grammar.training.callbacks import CALLBACKS
from neuralc.grammar.training.losses import LOSSES
from neuralc.grammar.training.metrics import METRICS
from neuralc.grammar.training.optimizers import OPTIMIZERS, SCHEDULES
from neuralc.grammar.training.sections import SECTIONS
from neuralc.grammar.training.table import Table, called_table

_TABLES: dict[str, Table] = {
    "loss": LOSSES,
    "metrics": METRICS,
    "optimizer": OPTIMIZERS,
    "learning_rate": SCHEDULES,
    "callbacks": CALLBACKS,
    "early_stopping": CALLBACKS,
}
"""What the calls of a clause are entries of; in all others they are layers."""

_PLURAL = ("metrics", "callbacks")
"""Clauses that are lists of things even where one thing stands in them."""


def search_names(network: t.Network, unit: Unit) -> dict[Span, str]:
    """The name of each search that the network comes to, by its place. `unit` is the file it stands in."""
    walk = _Walk(unit)
    walk.main(network)
    walk.pending_definitions()
    return walk.found


@dataclass
class _Counter:
    """Names within one body: `dense`, `dense_1`."""

    used: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def take(self, name: str) -> str:
        taken, count = name, self.counts.get(name, 0)
        while taken in self.used:
            count += 1
            taken = f"{name}_{count}"
        self.counts[name] = count
        self.used.add(taken)
        return taken


class _Walk:
    def __init__(self, unit: Unit) -> None:
        self._mentioned = Mentioned()
        self.found: dict[Span, str] = {}
        self._unit = unit
        self._names = _Counter()
        self._used: list[Definition] = []

    # --- definitions -------------------------------------------------------------------------------------------------
    def main(self, network: t.Network) -> None:
        self._parameters(network.parameters, "")
        self.network(network, "")

    def network(self, network: t.Network, path: str) -> None:
        for clause in network.clauses:
            match clause:
                case t.InputClause():
                    self._inputs(clause, path)
                case t.LayersClause():
                    self._items(clause.items, path)
                case t.Section() if not path:
                    section = {"execute": "execution"}.get(clause.name.value, clause.name.value)
                    for setting in clause.settings:
                        self._setting(setting, _join(section, setting.name.value))
                case t.Setting() if not path:
                    name = clause.name.value
                    self._setting(clause, _join("train", name) if name in names(SECTIONS["train"]) else name)

    def _inputs(self, clause: t.InputClause, path: str) -> None:
        for given in clause.inputs:
            name = "input" if given.name is None else given.name.value
            self._values(given.shape.items, _join(path, name))

    def pending_definitions(self) -> None:
        """Searches of the macros and networks that were used, once for all uses; one may use others."""
        for definition in self._used:
            self._unit = definition.unit
            self._parameters(definition.tree.parameters, definition.name)
            if isinstance(definition.tree, t.Network):
                self.network(definition.tree, definition.name)
            else:
                self._items(definition.tree.block.items, definition.name)

    def _parameters(self, parameters: Iterable[t.Parameter], path: str) -> None:
        for parameter in parameters:
            if parameter.default is not None:
                self._value(parameter.default, _join(path, parameter.name.value))

    # --- layers ------------------------------------------------------------------------------------------------------
    def _items(self, items: Sequence[t.Item], path: str) -> None:
        seen = self._mentioned.by(items)
        called, counter = seen.called & seen.assigned, _Counter()
        for item in items:
            if isinstance(item, t.Branch):
                self._items(item.block.items, _join(path, counter.take(item.name.value)))
            elif item.name.value not in called:
                self._layer(item, path, counter, called)

    def _layer(self, layer: t.Layer, path: str, counter: _Counter, called: frozenset[str]) -> None:
        """A layer whose name is called later has that name."""
        shared = len(layer.targets) == 1 and layer.targets[0].value in called
        name = layer.targets[0].value if shared else self._scope(_layer_name(layer))
        inner = _join(path, counter.take(_given_name(layer) or name))
        if layer.search is not None:
            self._search(layer.search, _join(path, "layer"))
        self._layer_arguments(layer.name.value, layer.arguments, inner)
        for argument in layer.applied or ():
            self._value(argument.value, inner)
        if layer.block is not None:
            self._items(layer.block.items, inner)
        if layer.repeat is not None:
            self._value(layer.repeat, _join(inner, "repeat"))

    def _scope(self, name: str, table: Table | None = None) -> str:
        """The name that goes into a path: `conv2d`, `mean_squared_error` for `mse`."""
        entry = None if table is None else table.find(name)
        if entry is not None:
            return snake_case(entry.name)
        signature = None if self._unit.find(name) is not None else find(name)
        return snake_case(name) if signature is None else signature.scope

    def _layer_arguments(self, name: str, arguments: Sequence[t.Argument], path: str) -> None:
        definition = self._unit.find(name)
        if definition is not None and definition not in self._used:
            self._used.append(definition)
        known = self._layer_parameters(name, definition)
        for index, argument in enumerate(arguments):
            if argument.name is not None:
                own = argument.name.value
            else:
                own = known[index] if index < len(known) else str(index)
            self._value(argument.value, _join(path, own))

    def _layer_parameters(self, name: str, definition: Definition | None) -> list[str]:
        if definition is not None:
            return [parameter.name.value for parameter in definition.tree.parameters]
        signature = find(name)
        return [] if signature is None else names(signature.parameters)

    # --- values ------------------------------------------------------------------------------------------------------
    def _setting(self, setting: t.Setting, path: str) -> None:
        table = _TABLES.get(setting.name.value)
        values: Sequence[t.Value] = setting.values
        if table is not None:
            # What is wrong in a string is reported where the clause is checked.
            values = [unquoted(value, table, lambda diagnostic: None) for value in values]
        if len(values) == 1 and (isinstance(values[0], t.Sequence) or setting.name.value not in _PLURAL):
            self._value(values[0], path, table)
        else:
            self._values(values, path, table)

    def _values(self, values: Iterable[t.Value], path: str, table: Table | None = None) -> None:
        """Several values: things go by their names, others by their index."""
        counter = _Counter()
        for index, value in enumerate(values):
            name = str(index)
            if table is not None and isinstance(value, t.Call):
                name = counter.take(self._scope(value.name.value, table))
            self._value(value, _join(path, name), table)

    def _value(self, value: object, path: str, table: Table | None = None) -> None:
        match value:
            case t.Hpo():
                self._search(value, path, table)
            case t.Call():
                self._call(value, path, table)
            case t.Sequence():
                self._values(value.items, path, table)
            case t.Calculation():
                for operand in value.operands:
                    self._value(operand, path)
            case _:
                self._other(value, path)

    def _call(self, call: t.Call, path: str, table: Table | None) -> None:
        entry = None if table is None else table.find(call.name.value)
        if entry is None:
            self._layer_arguments(call.name.value, call.arguments, path)
            if call.block is not None:
                self._items(call.block.items, path)
            return
        for index, argument in enumerate(call.arguments):
            parameter = entry.parameter(None if argument.name is None else argument.name.value, index)
            if parameter is None:
                self._value(argument.value, _join(path, str(index)))
            else:
                self._value(argument.value, _join(path, parameter.name), called_table(parameter.kind))

    def _search(self, search: t.Hpo, path: str, table: Table | None = None) -> None:
        name = self._names.take(path)
        self.found[search.span] = name
        self._options(search.values, name, table, _Counter())

    def _options(self, options: Iterable[t.Value], path: str, table: Table | None, counter: _Counter) -> None:
        """Searches inside calls have names of their own; in other options they are part of the outer search."""
        for option in options:
            match option:
                case t.Hpo():
                    self._options(option.values, path, table, counter)
                case t.Sequence():
                    self._options(option.items, path, table, counter)
                case t.Call():
                    self._call(option, _join(path, counter.take(self._scope(option.name.value, table))), table)
                case t.Name() if self._unit.find(option.value) is not None:
                    self._layer_arguments(option.value, (), path)

    def _other(self, node: object, path: str) -> None:
        """Whatever else the tree holds: searches in it go by the path they are found on."""
        if isinstance(node, tuple | list):
            for part in node:
                self._value(part, path)
        elif is_dataclass(node) and not isinstance(node, Span):
            for each in fields(node):
                self._value(getattr(node, each.name), path)


def _given_name(layer: t.Layer) -> str | None:
    for argument in layer.arguments:
        if argument.name is not None and argument.name.value == "name":
            return argument.value.value if isinstance(argument.value, t.Text | t.Name) else None
    return None


def _layer_name(layer: t.Layer) -> str:
    """The name of a layer; of a search among layers, that of the first one, so that others count as their weights."""
    option: object = layer.search
    while isinstance(option, t.Hpo):
        option = option.values[0]
    if isinstance(option, t.Call):
        return option.name.value
    return option.value if isinstance(option, t.Name) else layer.name.value


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
