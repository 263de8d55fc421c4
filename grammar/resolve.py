"""From a syntax tree to a checked network: imports, names, arguments, macros; every error is told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from neuralc.grammar import tree as t
from neuralc.grammar.binding import Given, bind
from neuralc.grammar.clauses import Clauses
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, error, listed, suggest
from neuralc.grammar.expansion import MAX_LAYERS, Expansion, output_names, too_deep, too_many
from neuralc.grammar.inputs import Inputs
from neuralc.grammar.library import Library, Unit
from neuralc.grammar.names import Mentioned, Name, Names
from neuralc.grammar.program import Program, Use
from neuralc.grammar.recursion import deep_recursion
from neuralc.grammar.reporter import Reporter
from neuralc.grammar.search_names import search_names
from neuralc.grammar.searches import Searches
from neuralc.grammar.syntax_errors import MAX_NESTING
from neuralc.grammar.values import Scope, Word

NOT_SET = Word("")
"""Stands for a parameter that no setting gives a value."""


def resolve(file: t.File, network: str | None = None, settings: Mapping[str, object] | None = None) -> Program:
    """The checked network of a file; `network` chooses among several.

    `settings` are the values of `--set`, for searches and for parameters of the network, by name. Raises NeuralcError
    with all errors found, UsageError for settings that fit nothing.
    """
    program = examine(file, network, settings)
    if program.errors:
        raise NeuralcError(list(program.errors))
    return program


def examine(file: t.File, network: str | None = None, settings: Mapping[str, object] | None = None) -> Program:
    """As `resolve`, with the errors of items in the result: what is right can be looked at further.

    Raises NeuralcError where there is nothing to look at.
    """
    with deep_recursion():
        chosen = choose(file, network)
        report = Reporter()
        unit = Library(report).unit(file.span.source, file)
        searches = Searches(search_names(chosen, unit), settings)
        program = _Resolver(report, unit, chosen, searches).run(file)
    if not program.errors:
        searches.check()
    return program


def choose(file: t.File, name: str | None) -> t.Network:
    """The network that is meant: the one of a name, or the one that no other uses. Raises NeuralcError E0207."""
    names = [network.name.value for network in file.networks]
    if not names:
        raise error("E0207", "the file defines no network", file.span, help="add `network Name { ... }`")
    if name is None:
        mains = _mains(file)
        if len(mains) != 1:
            shown = listed(names)
            raise error("E0207", f"the file has several networks: {shown}", help=f"choose one: `--network {names[0]}`")
        return mains[0]
    for network in file.networks:
        if network.name.value == name:
            return network
    raise error("E0207", f"the file has no network `{name}`", note=f"it has {listed(names)}", help=suggest(name, names))


def _mains(file: t.File) -> list[t.Network]:
    """The networks that no other one of the file uses as a layer."""
    used: set[str] = set()
    mentioned = Mentioned()
    for macro in file.macros:
        used |= mentioned.by(macro.block.items).called
    for network in file.networks:
        layers = [clause for clause in network.clauses if isinstance(clause, t.LayersClause)]
        called = {name for clause in layers for name in mentioned.by(clause.items).called}
        used |= called - {network.name.value}
    return [network for network in file.networks if network.name.value not in used] or list(file.networks)


class _Resolver:
    """One network of a file."""

    def __init__(self, report: Reporter, unit: Unit, network: t.Network, searches: Searches) -> None:
        self.report, self.unit, self.network, self.searches = report, unit, network, searches
        self.expansion = Expansion(report, searches)

    def run(self, file: t.File) -> Program:
        network = self.network
        scope = self._parameters()
        inputs = [clause for clause in network.clauses if isinstance(clause, t.InputClause)]
        layers = [clause for clause in network.clauses if isinstance(clause, t.LayersClause)]
        self._once(inputs, layers)
        clauses = Clauses(self.report, self.searches, scope, file.research)
        for clause in network.clauses:
            if isinstance(clause, t.Setting | t.Section):
                clauses.add(clause)
        ports = Inputs(self.report, scope, self.searches)
        found = ports.read(inputs[0]) if inputs else ()
        if network.name.value in ports.sizes:
            message = f"`{network.name.value}` is the name of the network and of a size"
            self.report(Diagnostic("E0208", message, network.name.span, (), "choose another name for the size"))
        names = Names()
        for declared in found:
            names.define(declared.name, Name(declared.span, branch=True))
        wanted = output_names(network)
        results = [] if wanted is None else [name.value for name in wanted]
        self.expansion.start(network, self.unit)
        body = self.expansion.body(layers[0].items if layers else (), self.unit, scope, names, results)
        outputs = self.expansion.outputs(wanted, names)
        if wanted is None and body.steps and body.steps[-1].targets and body.steps[-1].applied:
            outputs = (Use(body.steps[-1].targets[0], body.steps[-1].node.span),)
        self.expansion.warn_unused(names)
        if layers and not layers[0].items:
            self.report(Diagnostic("E0113", "`layers:` holds no layer", layers[0].keyword, (), "add `Output(10)`"))
        if body.size > MAX_LAYERS:
            raise NeuralcError([too_many(network.name.span, body.size)])
        if body.depth > MAX_NESTING:
            raise NeuralcError([too_deep(network.name.span)])
        errors = tuple(sorted(self.report.errors, key=_position))
        if not body.steps or not inputs or len(found) < len(inputs[0].inputs):
            raise NeuralcError(list(errors))
        return Program(
            network.name.value,
            network.name.span,
            found,
            tuple(ports.sizes.values()),
            tuple(ports.constraints),
            body,
            outputs,
            clauses.data,
            clauses.weights,
            clauses.weights_span,
            clauses.seed,
            tuple(sorted(self.report.messages, key=_position)),
            errors,
        )

    def _parameters(self) -> Scope:
        """Values of the network's own parameters: those that were set, else the defaults."""
        network = self.network
        definition = self.unit.definitions.get(network.name.value)
        if definition is None or not network.parameters:
            return {}
        place = network.name.span
        parameters = self.expansion.parameters(definition)
        given = [
            Given(parameter.name, value, place)
            for parameter in parameters
            if (value := self.searches.parameter(parameter.name, NOT_SET)) is not NOT_SET
        ]
        bound = bind(f"`{network.name.value}`", parameters, (), given, place, self._parameter_problem)
        if bound is None:
            raise NeuralcError(list(self.report.errors))
        return self.expansion.filled(definition, bound)

    def _parameter_problem(self, found: Diagnostic) -> None:
        """Arguments of the network that is compiled come from the command line."""
        if found.code == "E0301":
            found = replace(found, help="give it a value with `--set NAME=VALUE`, or a default in the program")
        self.report(found)

    def _once(self, inputs: list[t.InputClause], layers: list[t.LayersClause]) -> None:
        name = self.network.name
        for what, found in (("input", inputs), ("layers", layers)):
            if not found:
                self.report(Diagnostic("E0111", f"network `{name.value}` has no `{what}:` clause", name.span))
            for extra in found[1:]:
                self.report(Diagnostic("E0112", f"this network has a second `{what}`", extra.span))


def _position(diagnostic: Diagnostic) -> tuple[str, int, str]:
    span = diagnostic.span
    return ("", -1, diagnostic.code) if span is None else (span.source.name, span.start, diagnostic.code)
