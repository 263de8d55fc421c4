"""From a syntax tree to a checked network: finds names, binds arguments, expands macros, reports every error at once.

Macros are hygienic: arguments are evaluated where the macro is used, and a body sees its own parameters only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from neuralc.grammar import tree as t
from neuralc.grammar.binding import Bound, Given, bind
from neuralc.grammar.clauses import Clauses, check_device, placement_note
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Span, error, suggest, warning
from neuralc.grammar.parameters import REQUIRED, Anything, Parameter, Parameters, Unfit, Whole
from neuralc.grammar.program import Body, LayerNode, MacroNode, Node, Program, ProgramInput, RepeatNode
from neuralc.grammar.search_names import search_names
from neuralc.grammar.searches import Searches
from neuralc.grammar.signatures import COMMON, find, layer_names, snake_case, without_meaning
from neuralc.grammar.syntax_errors import MAX_NESTING
from neuralc.grammar.values import Scope, describe, evaluate, is_broken, plain

MAX_LAYERS = 20_000
"""Most layers after expansion. A model of more is a mistake (`Dense(8) * 1000000`), and would not compile in a day."""
MAX_DEPTH = MAX_NESTING
"""Deepest nesting of blocks and macros: what walks over a network recurses."""

ELEMENTS = {"float": "float32", "double": "float64", "half": "float16"}


def resolve(file: t.File, network: str | None = None, settings: Mapping[str, object] | None = None) -> Program:
    """The checked network of a file; `network` chooses among several, `settings` are the values of `--set`.

    Raises NeuralcError with all errors found, UsageError for settings that fit no search."""
    chosen = _choose(file, network)
    searches = Searches(search_names(chosen, (*file.macros, *file.networks)), settings)
    program = _Resolver(file, searches).run(chosen)
    searches.check()
    return program


def _choose(file: t.File, name: str | None) -> t.Network:
    names = [network.name.value for network in file.networks]
    if not names:
        raise error("E0207", "the file defines no network", file.span, help="add `network Name { ... }`")
    if name is None:
        if len(names) > 1:
            shown = ", ".join(names)
            raise error("E0207", f"the file has several networks: {shown}", help=f"choose one: `--network {names[0]}`")
        return file.networks[0]
    for network in file.networks:
        if network.name.value == name:
            return network
    raise error(
        "E0207", f"the file has no network `{name}`", note=f"it has {', '.join(names)}", help=suggest(name, names)
    )


class _Resolver:
    def __init__(self, file: t.File, searches: Searches) -> None:
        self.file = file
        self.searches = searches
        self.errors: list[Diagnostic] = []
        self.messages: list[Diagnostic] = []
        self.macros = {macro.name.value: macro for macro in file.macros}
        self.networks = {network.name.value for network in file.networks}
        self.expanding: list[tuple[str, Span]] = []
        self.expanded: dict[tuple[str, str], Body] = {}
        self.placed = False
        self.depth = 0

    def report(self, diagnostic: Diagnostic) -> None:
        """Collects a message, once; inside a macro it tells where the macro was used."""
        kept = self.errors if diagnostic.severity == "error" else self.messages
        if any((d.code, d.span, d.message) == (diagnostic.code, diagnostic.span, diagnostic.message) for d in kept):
            return
        used = tuple(f"in `{name}`, used in line {span.line}" for name, span in reversed(self.expanding))
        kept.append(replace(diagnostic, notes=diagnostic.notes + used) if used else diagnostic)

    def run(self, network: t.Network) -> Program:
        self._definitions()
        clauses = Clauses(self.report, self.searches, research=self.file.research)
        inputs = [clause for clause in network.clauses if isinstance(clause, t.InputClause)]
        layers = [clause for clause in network.clauses if isinstance(clause, t.LayersClause)]
        for what, found in (("input", inputs), ("layers", layers)):
            if not found:
                self.report(
                    Diagnostic("E0111", f"network `{network.name.value}` has no `{what}:` clause", network.name.span)
                )
            for extra in found[1:]:
                self.report(Diagnostic("E0112", f"this network has a second `{what}`", extra.span))
        for clause in network.clauses:
            if isinstance(clause, t.Setting | t.Section):
                clauses.add(clause)
        program_input = self._input(inputs[0]) if inputs else None
        body = self._body(layers[0].items, {}) if layers else None
        if layers and not layers[0].items:
            self.report(Diagnostic("E0113", "`layers:` holds no layer", layers[0].keyword, (), "add `Output(10)`"))
        if body is not None and body.size > MAX_LAYERS:
            self.report(
                Diagnostic("E0313", f"the network has {body.size} layers, the most is {MAX_LAYERS}", network.name.span)
            )
        if body is not None and body.depth > MAX_DEPTH:
            self.report(_too_deep(network.name.span))
        if self.errors or body is None or program_input is None:
            raise NeuralcError(sorted(self.errors, key=_position))
        return Program(
            network.name.value,
            network.name.span,
            program_input,
            body,
            clauses.data,
            clauses.weights,
            clauses.weights_span,
            clauses.seed,
            tuple(sorted(self.messages, key=_position)),
        )

    # --- definitions -------------------------------------------------------------------------------------------------
    def _definitions(self) -> None:
        seen: dict[str, Span] = {}
        names = [macro.name for macro in self.file.macros] + [network.name for network in self.file.networks]
        for name in names:
            first = seen.setdefault(name.value, name.span)
            if first is not name.span:
                where = f"the first one is in line {first.line}"
                self.report(Diagnostic("E0208", f"`{name.value}` is defined twice", name.span, (where,)))
        for macro in self.file.macros:
            if find(macro.name.value) is not None:
                message = f"the macro `{macro.name.value}` hides the layer of that name"
                self.report(warning("W0201", message, macro.name.span))
            parameters = [parameter.name.value for parameter in macro.parameters]
            for index, parameter in enumerate(macro.parameters):
                if parameter.name.value in parameters[:index]:
                    message = f"`{macro.name.value}` has two parameters `{parameter.name.value}`"
                    self.report(Diagnostic("E0208", message, parameter.span))
        for network in self.file.networks:
            if network.name.value == "batch":
                message = "`batch` is the name of the batch dimension"
                self.report(Diagnostic("E0208", message, network.name.span, (), "choose another name for the network"))
        for clause in self.file.imports:
            message = "imports have no meaning in this version of neuralc yet"
            self.report(Diagnostic("E0703", message, clause.span, (), "copy the macros into this file"))

    # --- input -------------------------------------------------------------------------------------------------------
    def _input(self, clause: t.InputClause) -> ProgramInput | None:
        if len(clause.inputs) > 1:
            message = "networks with several inputs have no meaning in this version of neuralc yet"
            self.report(Diagnostic("E0703", message, clause.inputs[1].span))
            return None
        for constraint in clause.constraints:
            message = "`where` has no meaning in this version of neuralc yet"
            self.report(Diagnostic("E0703", message, constraint.span, (), "leave it out"))
        written = clause.inputs[0]
        dims = list(written.shape.items)
        origin = "implied batch"
        if dims and _is_none(dims[0]):
            origin = f"{dims[0].span}"
            dims = dims[1:]
        sizes = [self._size(dim) for dim in dims]
        element = "float32"
        if written.dtype is not None:
            element = ELEMENTS.get(written.dtype.value, written.dtype.value)
            if element == "bfloat16":
                message = "bfloat16 inputs have no meaning in this version of neuralc yet"
                self.report(Diagnostic("E0703", message, written.dtype.span))
        if any(size is None for size in sizes):
            return None
        name = "input" if written.name is None else written.name.value
        return ProgramInput(name, tuple(size for size in sizes if size is not None), element, origin, written.span)

    def _size(self, dim: t.Value) -> int | None:
        if isinstance(dim, t.Name):
            message = "sizes other than the batch must be numbers in this version of neuralc"
            self.report(Diagnostic("E0703", f"{message}; found `{dim.value}`", dim.span))
            return None
        value = evaluate(dim, {}, self.report, self.searches)
        if is_broken(value):
            return None
        try:
            return int(Whole(1).convert(value).value)
        except Unfit as unfit:
            self.report(replace(unfit.diagnostic("a size of the input shape", dim.span), code="E0402"))
            return None

    # --- layers ------------------------------------------------------------------------------------------------------
    def _body(self, items: Sequence[t.Item], scope: Scope) -> Body:
        if self.depth == MAX_DEPTH:
            self.report(_too_deep(items[0].name.span if items else None))
            return Body((), 0, 0)
        self.depth += 1
        nodes = [node for item in items if (node := self._item(item, scope)) is not None]
        self.depth -= 1
        return Body(tuple(nodes), sum(node.size for node in nodes), 1 + max(map(_depth, nodes), default=0))

    def _item(self, item: t.Item, scope: Scope) -> Node | None:
        if isinstance(item, t.Branch):
            message = f"the branch `{item.name.value}` has no meaning in this version of neuralc yet"
            self.report(Diagnostic("E0703", message, item.name.span))
            return None
        if item.target is not None or item.applied is not None:
            message = "values with names have no meaning in this version of neuralc yet"
            place = item.target.span if item.target is not None else item.name.span
            self.report(Diagnostic("E0703", message, place, (), "write the layers as one chain"))
            return None
        if item.device is not None:
            check_device(item.device.value, item.device.span, self.report)
            if not self.placed:
                self.placed = True
                self.report(placement_note(item.device.span))
        node = self._use(item, scope)
        if item.repeat is None:
            return node
        count = self._count(item.repeat, scope)
        if node is None or count is None:
            return None
        return node if count == 1 else RepeatNode(node, count, item.span, node.size * count)

    def _count(self, value: t.Value, scope: Scope) -> int | None:
        count = evaluate(value, scope, self.report, self.searches)
        if is_broken(count):
            return None
        try:
            return int(Whole(1).convert(count).value)
        except Unfit as unfit:
            self.report(replace(unfit.diagnostic("the number of repetitions", value.span), code="E0312"))
            return None

    def _use(self, item: t.Layer, scope: Scope) -> LayerNode | MacroNode | None:
        name = item.name.value
        macro = self.macros.get(name)
        if macro is None and find(name) is None:
            macro = next((m for key, m in self.macros.items() if key.lower() == name.lower()), None)
        if macro is not None:
            return self._macro(macro, item, scope)
        if find(name) is not None:
            return self._layer(item, scope)
        if name in self.networks:
            message = f"using the network `{name}` as a layer has no meaning in this version of neuralc yet"
            self.report(Diagnostic("E0703", message, item.name.span, (), "make it a macro: `define`"))
        elif (proper := without_meaning(name)) is not None:
            message = f"the layer `{proper}` has no meaning in this version of neuralc yet"
            self.report(Diagnostic("E0701", message, item.name.span))
        else:
            known = [*self.macros, *layer_names()]
            self.report(Diagnostic("E0201", f"unknown layer `{name}`", item.name.span, (), suggest(name, known)))
        return None

    def _given(self, arguments: Sequence[t.Argument], scope: Scope) -> list[Given]:
        return [
            Given(
                None if argument.name is None else argument.name.value,
                evaluate(argument.value, scope, self.report, self.searches),
                argument.value.span,
                None if argument.name is None else argument.name.span,
            )
            for argument in arguments
        ]

    def _layer(self, item: t.Layer, scope: Scope) -> LayerNode | None:
        signature = find(item.name.value)
        if signature is None:
            return None
        given = self._given(item.arguments, scope)
        bound = bind(f"`{signature.name}`", signature.parameters, COMMON, given, item.name.span, self.report)
        body = None if item.block is None else self._body(item.block.items, scope)
        if item.block is not None and not signature.block:
            self.report(Diagnostic("E0309", f"`{signature.name}` takes no block", item.block.span))
            return None
        if signature.block and (body is None or item.block is None or not item.block.items):
            message = f"`{signature.name}` needs a block with at least one layer"
            self.report(Diagnostic("E0310", message, item.name.span, (), f"write `{signature.name} {{ ... }}`"))
            return None
        if bound is None:
            return None
        return LayerNode(signature, bound, body, item.span, item.name.span, 1 + (0 if body is None else body.size))

    def _macro(self, macro: t.Macro, item: t.Layer, scope: Scope) -> MacroNode | None:
        name = macro.name.value
        if item.block is not None:
            self.report(Diagnostic("E0309", f"the macro `{name}` takes no block", item.block.span))
        chain = [used for used, _ in self.expanding]
        if name in chain:
            circle = " -> ".join([*chain[chain.index(name) :], name])
            self.report(
                Diagnostic("E0209", f"the macro `{name}` uses itself", item.name.span, (f"the circle is {circle}",))
            )
            return None
        given = self._given(item.arguments, scope)
        bound = bind(f"`{name}`", self._parameters(macro), (), given, item.name.span, self.report)
        if bound is None:
            return None
        body = self._expand(macro, item.name.span, bound)
        return MacroNode(snake_case(name), body, item.span, item.name.span, body.size)

    def _parameters(self, macro: t.Macro) -> Parameters:
        return tuple(
            Parameter(
                parameter.name.value,
                Anything(),
                REQUIRED if parameter.default is None else evaluate(parameter.default, {}, self.report, self.searches),
                "a parameter of the macro without a default",
            )
            for parameter in macro.parameters
        )

    def _expand(self, macro: t.Macro, place: Span, bound: Bound) -> Body:
        key = (macro.name.value, repr(sorted((name, describe(plain(v))) for name, v in bound.values.items())))
        if key not in self.expanded:
            self.expanding.append((macro.name.value, place))
            self.expanded[key] = self._body(macro.block.items, bound.values)
            self.expanding.pop()
        return self.expanded[key]


def _depth(node: Node) -> int:
    inner = node.node if isinstance(node, RepeatNode) else node
    return 0 if inner.body is None else inner.body.depth


def _too_deep(place: Span | None) -> Diagnostic:
    return Diagnostic("E0106", f"blocks and macros nest more than {MAX_DEPTH} deep", place)


def _is_none(value: t.Value) -> bool:
    return isinstance(value, t.Name) and value.value.lower() == "none"


def _position(diagnostic: Diagnostic) -> tuple[int, str]:
    return (diagnostic.span.start if diagnostic.span is not None else -1, diagnostic.code)
