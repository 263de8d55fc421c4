"""Bodies of networks, macros and blocks: checked once for each set of arguments."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

from neuralc.grammar import tree as t
from neuralc.grammar.binding import Bound, Given, bind
from neuralc.grammar.clauses import check_device, placement_note
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Span, warning
from neuralc.grammar.inputs import Inputs
from neuralc.grammar.items import Walk, unknown_value
from neuralc.grammar.library import Definition, Unit
from neuralc.grammar.names import Mentioned, Name, Names, names_in
from neuralc.grammar.parameters import REQUIRED, Anything, Parameter, Parameters
from neuralc.grammar.program import Body, BranchNode, Callee, CallNode, Fed, LayerNode, Node, RepeatNode, Use
from neuralc.grammar.reporter import Reporter
from neuralc.grammar.searches import Searches
from neuralc.grammar.signatures import snake_case
from neuralc.grammar.signatures.base import NAME
from neuralc.grammar.syntax_errors import MAX_NESTING
from neuralc.grammar.values import Evaluated, Scope, evaluate, identity, parts_of

MAX_DEPTH = MAX_NESTING
"""Deepest nesting of blocks and macros: what walks over a network recurses."""

MAX_LAYERS = 20_000
"""Most layers after expansion. A model of more is a mistake (`Dense(8) * 1000000`), and would not compile in a day."""

MAX_PARTS = 1000
"""Most values in an argument of a macro: where a macro passes on `(n, n)`, they double with each one."""

MAX_VALUES = 200_000
"""Most values in all arguments of layers and macros together: ten for each of so many layers."""


class Expansion:
    """One walk over the items of a network and of all it uses."""

    def __init__(self, report: Reporter, searches: Searches) -> None:
        self.report, self.searches = report, searches
        self._expanded: dict[Hashable, tuple[Scope, Callee]] = {}
        """By definition and arguments; these are kept, so that no other ones can have their identity."""
        self._items = self._values = 0
        self._mentioned = Mentioned()
        self._made: dict[Definition, Sequence[tuple[t.Parameter, bool]]] = {}
        self._placed = False
        self._depth = 0
        self._chain: list[Definition] = []

    def start(self, network: t.Network, unit: Unit) -> None:
        """Says which network the walk begins with: it cannot be a layer of itself."""
        definition = unit.definitions.get(network.name.value)
        self._chain = [] if definition is None else [definition]

    def body(
        self, items: Sequence[t.Item], unit: Unit, scope: Scope, names: Names, results: Sequence[str] = ()
    ) -> Body:
        """The checked items of a body; `results` are names that are used after it."""
        if self._depth == MAX_DEPTH:
            self.report(too_deep(items[0].name.span if items else None))
            return Body((), 0, 0)
        self._items += len(items)
        if self._items > MAX_LAYERS:
            self.report(too_many(items[0].span))
            raise NeuralcError(self.report.errors)
        self._depth += 1
        seen = self._mentioned.by(items)
        names.called = seen.called & seen.assigned
        walk = Walk(self, unit, scope, names, seen.values | frozenset(results))
        steps = tuple(walk.step(item) for item in items)
        for target in steps[-1].targets[:1] if steps else ():
            names.find(target)  # the last value is the result, whatever it is called
        self._depth -= 1
        return Body(
            steps,
            sum(step.node.size for step in steps),
            1 + max((_depth(step.node) for step in steps), default=0),
            names.captured,
        )

    def warn_unused(self, names: Names) -> None:
        """Says which names nothing uses."""
        for name, entry in names.left():
            self.report(warning("W0202", f"the name `{name}` is not used", entry.span))

    def place(self, device: t.Text) -> None:
        check_device(device.value, device.span, self.report)
        if not self._placed:
            self._placed = True
            self.report(placement_note(device.span))

    def count(self, value: Evaluated, place: Span) -> None:
        """Adds up the values in arguments. Raises NeuralcError where there are more than there may be."""
        self._values += parts_of(value, MAX_VALUES)[0]
        if self._values > MAX_VALUES:
            self.report(Diagnostic("E0313", f"the arguments hold more than {MAX_VALUES} values together", place))
            raise NeuralcError(self.report.errors)

    # --- macros and networks -----------------------------------------------------------------------------------------
    def call(self, definition: Definition, item: t.Layer, given: Sequence[Given], fed: Fed) -> CallNode | None:
        """The use of a macro or a network, expanded once for each set of arguments."""
        name = definition.name
        if item.block is not None:
            self.report(Diagnostic("E0309", f"`{name}` takes no block", item.block.span))
        if definition in self._chain:
            names = [used.name for used in self._chain[self._chain.index(definition) :]] + [name]
            kind = "macro" if isinstance(definition.tree, t.Macro) else "network"
            circle = f"the circle is {' -> '.join(names)}"
            self.report(Diagnostic("E0209", f"the {kind} `{name}` uses itself", item.name.span, (circle,)))
            return None
        parameters = self.parameters(definition)
        common = () if any(parameter.name == NAME.name for parameter in parameters) else (NAME,)
        bound = bind(f"`{name}`", parameters, common, given, item.name.span, self.report)
        if bound is None:
            return None
        node = self.expanded(definition, self.filled(definition, bound), item, fed)
        if node is None or not common or bound[NAME.name] is None:
            return node
        return replace(node, named=bound[NAME.name], named_at=bound.spans[NAME.name])

    def expanded(self, definition: Definition, values: Scope, item: t.Layer, fed: Fed) -> CallNode | None:
        """A call of a definition with values for all its parameters."""
        for name, value in values.items():
            if parts_of(value, MAX_PARTS)[0] > MAX_PARTS:
                message = f"`{definition.name}`: `{name}` is made of more than {MAX_PARTS} values"
                self.report(Diagnostic("E0313", message, item.name.span))
                return None
        callee = self._callee(definition, item.name.span, values)
        size = max(1, callee.body.size)
        return CallNode(callee, snake_case(definition.name), fed, item.span, item.name.span, size)

    def parameters(self, definition: Definition) -> Parameters:
        """Those of a macro or a network; a default that is made of others comes with `filled`."""
        return tuple(
            Parameter(parameter.name.value, Anything(), self._default(parameter, made), "a parameter without a default")
            for parameter, made in self._with_made(definition)
        )

    def _default(self, parameter: t.Parameter, made: bool) -> object:
        if parameter.default is None:
            return REQUIRED
        return None if made else self._evaluated(parameter.default, {})

    def filled(self, definition: Definition, bound: Bound) -> Scope:
        """The values of all parameters, with the defaults that are made of parameters before them."""
        values: dict[str, Evaluated] = {}
        for parameter, made in self._with_made(definition):
            default, name = parameter.default, parameter.name.value
            if default is None or not made or name in bound.spans:
                values[name] = bound.values[name]
            else:
                values[name] = self._evaluated(default, values)
        return values

    def _with_made(self, definition: Definition) -> Sequence[tuple[t.Parameter, bool]]:
        """The parameters, each with whether its default is made of some before it."""
        if definition not in self._made:
            self._made[definition] = tuple(made_of_earlier(definition))
        return self._made[definition]

    def _evaluated(self, value: t.Value, scope: Scope) -> Evaluated:
        return evaluate(value, scope, self.report, self.searches)

    def _callee(self, definition: Definition, place: Span, values: Scope) -> Callee:
        key = (definition, tuple((name, identity(value)) for name, value in values.items()))
        if key not in self._expanded:
            self.report.expanding.append((definition, place))
            self._chain.append(definition)
            self._expanded[key] = values, self.expand(definition, values)
            self._chain.pop()
            self.report.expanding.pop()
        return self._expanded[key][1]

    def expand(self, definition: Definition, scope: Scope) -> Callee:
        """The body of a macro, or the parts of a network that compute."""
        tree, names = definition.tree, Names()
        if isinstance(tree, t.Macro):
            body = self.body(tree.block.items, definition.unit, scope, names)
            self.warn_unused(names)
            return Callee(definition.name, body)
        ports = Inputs(self.report, scope, self.searches)
        found = [clause for clause in tree.clauses if isinstance(clause, t.InputClause)]
        layers = [clause for clause in tree.clauses if isinstance(clause, t.LayersClause)]
        inputs = tuple(port for clause in found[:1] for port in ports.read(clause))
        for port in inputs:
            names.define(port.name, Name(port.span, branch=True))
        wanted = output_names(tree)
        items = layers[0].items if layers else ()
        body = self.body(items, definition.unit, scope, names, [] if wanted is None else [n.value for n in wanted])
        outputs = self.outputs(wanted, names)
        self.warn_unused(names)
        return Callee(definition.name, body, inputs, outputs, tuple(ports.sizes.values()), tuple(ports.constraints))

    def outputs(self, wanted: Sequence[t.Name] | None, names: Names) -> tuple[Use, ...] | None:
        """The values of an `outputs:` clause; unknown names are reported."""
        if wanted is None:
            return None
        uses: list[Use] = []
        taken: set[str] = set()
        for name in wanted:
            found = names.find(name.value)
            if found is None or not found.value:
                self.report(unknown_value(name, names))
            elif name.value in taken:
                self.report(Diagnostic("E0208", f"the output `{name.value}` is named twice", name.span))
            else:
                uses.append(Use(name.value, name.span))
                taken.add(name.value)
        return tuple(uses)


def made_of_earlier(definition: Definition) -> Iterator[tuple[t.Parameter, bool]]:
    """The parameters of a definition, each with whether its default is made of some before it."""
    names: set[str] = set()
    for parameter in definition.tree.parameters:
        default = parameter.default
        yield parameter, default is not None and any(name in names for name in names_in(default))
        names.add(parameter.name.value)


def output_names(network: t.Network) -> list[t.Name] | None:
    """The names of the `outputs:` clause, None where there is none. What is no name was reported with the clauses."""
    for clause in network.clauses:
        if isinstance(clause, t.Setting) and clause.name.value == "outputs":
            parts = [part for value in clause.values for part in _parts(value)]
            return [part for part in parts if isinstance(part, t.Name)]
    return None


def too_deep(place: Span | None) -> Diagnostic:
    return Diagnostic("E0106", f"blocks and macros nest more than {MAX_DEPTH} deep", place)


def too_many(place: Span, layers: int | None = None) -> Diagnostic:
    has = f"more than {MAX_LAYERS} layers" if layers is None else f"{layers} layers, the most is {MAX_LAYERS}"
    return Diagnostic("E0313", f"the network has {has}", place)


def _parts(value: t.Value) -> tuple[t.Value, ...]:
    return value.items if isinstance(value, t.Sequence) else (value,)


def _depth(node: Node) -> int:
    """How deep blocks nest in a node."""
    match node:
        case RepeatNode():
            return _depth(node.node)
        case LayerNode():
            layers = max((_depth(layer) for layer in node.layers), default=0)
            return max(layers, _deepest(node.body, *(branch.body for branch in node.branches)))
        case CallNode():
            return _deepest(node.callee.body)
        case BranchNode():
            return _deepest(node.body)
        case _:
            return 0


def _deepest(*bodies: Body | None) -> int:
    return max((body.depth for body in bodies if body is not None), default=0)
