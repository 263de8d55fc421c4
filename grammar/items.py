"""Checks the items of a body: finds what names mean, binds arguments, expands macros and networks.

Macros are hygienic: arguments are evaluated where the macro is used, and a body sees its own parameters only. Blocks
see the names of the body around them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from neuralc.grammar import tree as t
from neuralc.grammar.binding import Bound, Given, bind
from neuralc.grammar.clauses import check_device, placement_note
from neuralc.grammar.diagnostics import Diagnostic, Span, suggest, warning
from neuralc.grammar.inputs import Inputs
from neuralc.grammar.library import Definition, Unit
from neuralc.grammar.names import Name, Names, mentions
from neuralc.grammar.parameters import REQUIRED, Anything, Parameter, Parameters, Unfit, Whole
from neuralc.grammar.program import (
    RUNNING,
    Body,
    BranchNode,
    BrokenNode,
    Callee,
    CallNode,
    CustomNode,
    Fed,
    LayerNode,
    Node,
    RepeatNode,
    SharedNode,
    Step,
    Use,
)
from neuralc.grammar.signatures import COMMON, Signature, find, layer_names, snake_case, without_meaning
from neuralc.grammar.syntax_errors import MAX_NESTING
from neuralc.grammar.values import (
    Broken,
    Evaluated,
    LayerArgument,
    Scope,
    describe,
    evaluate,
    is_broken,
    plain,
)

MAX_DEPTH = MAX_NESTING
"""Deepest nesting of blocks and macros: what walks over a network recurses."""

CUSTOM = re.compile(r"[A-Z]\w*Layer")
"""Names of layers that a plugin may bring; others that nothing defines are mistakes."""


class Reporter:
    """Collects messages, each once; inside a macro they tell where the macro was used."""

    def __init__(self) -> None:
        self.errors: list[Diagnostic] = []
        self.messages: list[Diagnostic] = []
        self.expanding: list[tuple[Definition, Span]] = []
        self._seen: set[tuple[str, Span | None, str]] = set()

    def __call__(self, diagnostic: Diagnostic) -> None:
        key = (diagnostic.code, diagnostic.span, diagnostic.message)
        if key in self._seen:
            return
        self._seen.add(key)
        used = tuple(f"in `{each.name}`, used in line {span.line}" for each, span in reversed(self.expanding))
        kept = self.errors if diagnostic.severity == "error" else self.messages
        kept.append(replace(diagnostic, notes=diagnostic.notes + used) if used else diagnostic)


class Items:
    """One walk over the items of a network and of all it uses."""

    def __init__(self, report: Reporter) -> None:
        self.report = report
        self._expanded: dict[tuple[Definition, str], Callee] = {}
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
        self._depth += 1
        seen = mentions(items)
        names.called = seen.called & seen.assigned
        walk = _Walk(self, unit, scope, names, seen.values | frozenset(results))
        steps = tuple(walk.step(item) for item in items)
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
        bound = bind(f"`{name}`", parameters, (), given, item.name.span, self.report)
        if bound is None:
            return None
        callee = self._callee(definition, item.name.span, bound)
        return CallNode(callee, snake_case(name), fed, item.span, item.name.span, callee.body.size)

    def parameters(self, definition: Definition) -> Parameters:
        return tuple(
            Parameter(
                parameter.name.value,
                Anything(),
                REQUIRED if parameter.default is None else evaluate(parameter.default, {}, self.report),
                "a parameter without a default",
            )
            for parameter in definition.tree.parameters
        )

    def _callee(self, definition: Definition, place: Span, bound: Bound) -> Callee:
        key = (definition, repr(sorted((name, describe(plain(v))) for name, v in bound.values.items())))
        if key not in self._expanded:
            self.report.expanding.append((definition, place))
            self._chain.append(definition)
            self._expanded[key] = self.expand(definition, bound.values)
            self._chain.pop()
            self.report.expanding.pop()
        return self._expanded[key]

    def expand(self, definition: Definition, scope: Scope) -> Callee:
        """The body of a macro, or the parts of a network that compute."""
        tree, names = definition.tree, Names()
        if isinstance(tree, t.Macro):
            body = self.body(tree.block.items, definition.unit, scope, names)
            self.warn_unused(names)
            return Callee(definition.name, body)
        ports = Inputs(self.report, scope)
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
        return Callee(definition.name, body, inputs, outputs)

    def outputs(self, wanted: Sequence[t.Name] | None, names: Names) -> tuple[Use, ...] | None:
        """The values of an `outputs:` clause; unknown names are reported."""
        if wanted is None:
            return None
        uses = []
        for name in wanted:
            found = names.find(name.value)
            if found is None or not found.value:
                self.report(unknown_value(name, names))
            elif any(use.name == name.value for use in uses):
                self.report(Diagnostic("E0208", f"the output `{name.value}` is named twice", name.span))
            else:
                uses.append(Use(name.value, name.span))
        return tuple(uses)


class _Walk:
    """The items of one body."""

    def __init__(self, items: Items, unit: Unit, scope: Scope, names: Names, values: frozenset[str]) -> None:
        self.items, self.unit, self.scope, self.names, self.values = items, unit, scope, names, values
        self.report = items.report

    def step(self, item: t.Item) -> Step:
        if isinstance(item, t.Branch):
            return self._branch(item)
        if item.device is not None:
            self.items.place(item.device)
        node: Node | None = self._use(item)
        if node is not None and item.repeat is not None:
            node = self._repeated(node, item)
        if node is None:
            node = BrokenNode(item.span)
        return self._named(node, item)

    def _named(self, node: Node, item: t.Layer) -> Step:
        """Gives the names of an assignment."""
        if not item.targets:
            return Step(node)
        shared = len(item.targets) == 1 and item.targets[0].value in self.names.called
        applied = not shared or item.targets[0].value in self.values
        for target in item.targets:
            if self.scope and target.value in self.scope:
                message = f"`{target.value}` is a parameter here"
                self.report(Diagnostic("E0208", message, target.span, (), "choose another name"))
            self.names.define(target.value, Name(target.span, shared, applied))
        return Step(node, tuple(target.value for target in item.targets), shared, applied)

    def _branch(self, item: t.Branch) -> Step:
        entry = self.names.find(item.name.value)
        source = Use(item.name.value, item.name.span) if entry is not None and entry.value else None
        body = self.items.body(item.block.items, self.unit, self.scope, inner := Names(outer=self.names))
        self.items.warn_unused(inner)
        if not item.block.items and source is None:
            message = f"the branch `{item.name.value}` is empty"
            self.report(warning("W0203", message, item.span, help="an empty branch gives what it gets"))
        self.names.define(item.name.value, Name(item.name.span, branch=True))
        return Step(BranchNode(item.name.value, source, body, item.span, body.size))

    def _repeated(self, node: Node, item: t.Layer) -> Node | None:
        count = self._count(item.repeat) if item.repeat is not None else 1
        if count is None:
            return None
        if not isinstance(node, LayerNode | CallNode | CustomNode):
            message = f"`{item.name.value}` is one layer, repeating it would repeat its weights"
            self.report(Diagnostic("E0312", message, item.span, (), "call it as often as it is needed"))
            return None
        return node if count == 1 else RepeatNode(node, count, item.span, node.size * count)

    def _count(self, value: t.Value) -> int | None:
        count = evaluate(value, self.scope, self.report)
        if is_broken(count):
            return None
        try:
            return int(Whole(1).convert(count).value)
        except Unfit as unfit:
            self.report(replace(unfit.diagnostic("the number of repetitions", value.span), code="E0312"))
            return None

    # --- what a name means -------------------------------------------------------------------------------------------
    def _use(self, item: t.Layer) -> Node | None:
        if item.search is not None:
            return self._searched(item)
        name = item.name.value
        if self.names.has(name):
            return self._shared(item)
        definition = self.unit.find(name)
        if definition is not None:
            fed = self._fed(item, many=True)
            return None if fed is None else self.items.call(definition, item, self._given(item.arguments), fed)
        signature = find(name)
        if signature is not None:
            return self._layer(item, signature)
        if name.lower() == "customshape":
            return self._custom_shape(item)
        if CUSTOM.fullmatch(name):
            return self._custom(item, None)
        if (proper := without_meaning(name)) is not None:
            message = f"the layer `{proper}` has no meaning in this version of neuralc yet"
            self.report(Diagnostic("E0701", message, item.name.span))
        else:
            known = [*self.unit.definitions, *layer_names()]
            self.report(Diagnostic("E0201", f"unknown layer `{name}`", item.name.span, (), suggest(name, known)))
        return None

    def _searched(self, item: t.Layer) -> Node | None:
        """A search over layers: the first choice stands."""
        chosen = _first_call(item.search)
        if chosen is None:
            message = "a search stands here that is not one over layers"
            self.report(Diagnostic("E0308", message, item.span, (), "write `HPO(choice(Dense(8), Dense(16)))`"))
            return None
        found = evaluate(item.search, self.scope, self.report) if item.search is not None else None
        if is_broken(found):
            return None
        return self._use(as_item(chosen, item))

    def _shared(self, item: t.Layer) -> Node | None:
        """`enc(a)`: a layer that was named before, with its weights."""
        name = item.name.value
        entry = self.names.find(name)
        if entry is None or not entry.shared:
            help = "a name that is called is one given to a layer: `enc = Dense(8)`, `enc(a)`"
            self.report(Diagnostic("E0201", f"`{name}` is a value, not a layer", item.name.span, (), help))
            return None
        if item.block is not None:
            self.report(Diagnostic("E0309", f"`{name}` takes no block", item.block.span))
        arguments = item.arguments if item.applied is None else (*item.arguments, *item.applied)
        fed = self._values(arguments)
        return None if fed is None else SharedNode(name, fed, item.span)

    # --- values ------------------------------------------------------------------------------------------------------
    def _fed(self, item: t.Layer, *, many: bool) -> Fed | None:
        """What the second pair of parentheses names; the running value where there is none."""
        if item.applied is None:
            return RUNNING
        fed = self._values(item.applied)
        if fed is not None and len(fed.positional) > 1 and not many:
            message = f"`{item.name.value}` is applied to one value"
            self.report(Diagnostic("E0303", message, fed.positional[1].span, (), "join them: `Concatenate(a, b)`"))
            return None
        return fed

    def _values(self, arguments: Sequence[t.Argument]) -> Fed | None:
        """Names of values, as arguments. None where one is unknown, which is reported."""
        positional: list[Use] = []
        named: dict[str, tuple[Use, ...]] = {}
        broken = False
        for argument in arguments:
            uses = self._uses(argument.value)
            if uses is None:
                broken = True
            elif argument.name is None:
                positional += uses
            else:
                named[argument.name.value] = uses
        return None if broken else Fed(tuple(positional), named)

    def _uses(self, value: t.Value) -> tuple[Use, ...] | None:
        parts = value.items if isinstance(value, t.Sequence) else (value,)
        uses = []
        for part in parts:
            if not isinstance(part, t.Name):
                message = "the name of a value belongs here"
                self.report(Diagnostic("E0305", message, part.span, (), "name it first: `a = Dense(8)`"))
                return None
            entry = self.names.find(part.value)
            if entry is None or not entry.value:
                self.report(unknown_value(part, self.names))
                return None
            uses.append(Use(part.value, part.span))
        return tuple(uses)

    # --- layers ------------------------------------------------------------------------------------------------------
    def _layer(self, item: t.Layer, signature: Signature) -> LayerNode | None:
        written, fed = self._split(item, signature)
        given = self._given(written, signature)
        bound = bind(f"`{signature.name}`", signature.parameters, COMMON, given, item.name.span, self.report)
        body, branches, right = self._block(item, signature)
        if bound is None or fed is None or not right:
            return None
        size = 1 + (0 if body is None else body.size) + sum(branch.size for branch in branches)
        return LayerNode(signature, bound, fed, body, branches, item.span, item.name.span, size)

    def _split(self, item: t.Layer, signature: Signature) -> tuple[Sequence[t.Argument], Fed | None]:
        """Tells arguments from values: layers that take several values may name them in the first parentheses."""
        inputs = signature.inputs
        if not inputs.flexible:
            return item.arguments, self._fed(item, many=False)
        written: list[t.Argument] = []
        values: list[t.Argument] = []
        for argument in item.arguments:
            by_name = argument.name is not None and argument.name.value in inputs.names
            by_position = argument.name is None and not written and self._is_value(argument.value)
            (values if by_name or by_position else written).append(argument)
        return written, self._values([*values, *(item.applied or ())])

    def _is_value(self, value: t.Value) -> bool:
        return isinstance(value, t.Name) and value.value not in self.scope and self.names.has(value.value)

    def _block(self, item: t.Layer, signature: Signature) -> tuple[Body | None, tuple[BranchNode, ...], bool]:
        """The block of a layer as its signature wants it, and whether it is right."""
        block = item.block
        if block is None:
            if signature.block in ("none", "optional"):
                return None, (), True
            message = f"`{signature.name}` needs a block with at least one layer"
            self.report(Diagnostic("E0310", message, item.name.span, (), f"write `{signature.name} {{ ... }}`"))
            return None, (), False
        if signature.block == "none":
            self.report(Diagnostic("E0309", f"`{signature.name}` takes no block", block.span))
            return None, (), False
        if not block.items and signature.block != "optional":
            message = f"`{signature.name}` needs a block with at least one layer"
            self.report(Diagnostic("E0310", message, block.span, (), f"write `{signature.name} {{ ... }}`"))
            return None, (), False
        inner = Names(outer=self.names)
        body = self.items.body(block.items, self.unit, self.scope, inner)
        self.items.warn_unused(inner)
        if signature.block != "branches":
            return body, (), True
        branches = tuple(step.node for step in body.steps if isinstance(step.node, BranchNode))
        if len(branches) != len(body.steps):
            message = f"the block of `{signature.name}` holds branches only: `name: {{ ... }}`"
            self.report(Diagnostic("E0310", message, block.span))
            return None, (), False
        return None, branches, True

    def _given(self, arguments: Sequence[t.Argument], signature: Signature | None = None) -> list[Given]:
        return [
            Given(
                None if argument.name is None else argument.name.value,
                self._evaluated(argument.value, signature),
                argument.value.span,
                None if argument.name is None else argument.name.span,
            )
            for argument in arguments
        ]

    def _evaluated(self, value: t.Value, signature: Signature | None) -> Evaluated:
        """A value; where the signature has a layer among its parameters, a call of a layer is a layer."""
        if signature is None or not signature.takes_layers:
            return evaluate(value, self.scope, self.report)
        if isinstance(value, t.Sequence):
            return tuple(self._evaluated(part, signature) for part in value.items)
        call = _first_call(value) if isinstance(value, t.Hpo) else value
        if isinstance(call, t.Name) and self._is_layer(call.value):
            call = t.Call(call, (), None, call.span)
        if not isinstance(call, t.Call) or not self._is_layer(call.name.value):
            return evaluate(value, self.scope, self.report)
        node = self._use(as_item(call))
        if not isinstance(node, LayerNode | CallNode):
            return Broken()
        return LayerArgument(node.signature.name if isinstance(node, LayerNode) else node.callee.name, node)

    def _is_layer(self, name: str) -> bool:
        return name not in self.scope and (find(name) is not None or self.unit.find(name) is not None)

    # --- layers that nothing defines ---------------------------------------------------------------------------------
    def _custom(self, item: t.Layer, shape: tuple[int, ...] | None) -> CustomNode | None:
        name = item.name.value
        fed = self._fed(item, many=True)
        given = self._given(item.arguments)
        if item.block is not None:
            self.report(Diagnostic("E0309", f"`{name}` takes no block", item.block.span))
            return None
        if fed is None or any(is_broken(each.value) for each in given):
            return None
        note = ("its result is taken to have the shape of its input",) if shape is None else ()
        message = f"no plugin brings the layer `{name}`, so this model can be looked at and not compiled"
        self.report(replace(warning("W0204", message, item.name.span), notes=note))
        arguments = {each.name or f"argument_{i}": plain(each.value) for i, each in enumerate(given)}
        return CustomNode(name, arguments, shape, fed, item.span, item.name.span)

    def _custom_shape(self, item: t.Layer) -> Node | None:
        """`CustomShape(MyLayer, (32, 32))`: a layer that nothing defines, with the shape of its result."""
        layer, shape = (item.arguments[0].value, item.arguments[1].value) if len(item.arguments) == 2 else (None, None)
        if not isinstance(layer, t.Name | t.Call) or shape is None:
            message = "`CustomShape` takes a layer and the shape of its result"
            self.report(Diagnostic("E0301", message, item.span, (), "write `CustomShape(MyLayer, (32, 32))`"))
            return None
        call = layer if isinstance(layer, t.Call) else t.Call(layer, (), None, layer.span)
        sizes = self._sizes(shape)
        if sizes is None:
            return None
        inner = replace(as_item(call, item), applied=item.applied)
        if CUSTOM.fullmatch(call.name.value) and not self._is_layer(call.name.value):
            return self._custom(inner, sizes)
        message = f"`{call.name.value}` says itself what shape its result has"
        self.report(Diagnostic("E0305", message, call.span, (), "write `Reshape(...)` after it"))
        return None

    def _sizes(self, value: t.Value) -> tuple[int, ...] | None:
        sizes = plain(evaluate(value, self.scope, self.report))
        parts = sizes if isinstance(sizes, tuple) else (sizes,)
        try:
            return tuple(int(Whole(1).convert(part).value) for part in parts)
        except Unfit as unfit:
            self.report(unfit.diagnostic("a size of the shape", value.span))
            return None


def as_item(call: t.Call, like: t.Layer | None = None) -> t.Layer:
    """A call that stands where a value may, as an item; what follows it is that of `like`."""
    return t.Layer(
        (),
        call.name,
        None,
        call.arguments,
        None if like is None else like.applied,
        None,
        call.block or (None if like is None else like.block),
        None,
        call.span if like is None else like.span,
    )


def output_names(network: t.Network) -> list[t.Name] | None:
    """The names of the `outputs:` clause, None where there is none. What is no name was reported with the clauses."""
    for clause in network.clauses:
        if isinstance(clause, t.Setting) and clause.name.value == "outputs":
            parts = [part for value in clause.values for part in _parts(value)]
            return [part for part in parts if isinstance(part, t.Name)]
    return None


def unknown_value(name: t.Name, names: Names) -> Diagnostic:
    """An error for a name that no value has here."""
    if names.has(name.value):
        help = "a name that is only ever called is a layer; apply it: `a = enc(x)`"
        return Diagnostic("E0211", f"`{name.value}` is a layer, not a value", name.span, (), help)
    return Diagnostic(
        "E0211", f"no value is named `{name.value}` here", name.span, (), suggest(name.value, names.visible())
    )


def too_deep(place: Span | None) -> Diagnostic:
    return Diagnostic("E0106", f"blocks and macros nest more than {MAX_DEPTH} deep", place)


def _parts(value: t.Value) -> tuple[t.Value, ...]:
    return value.items if isinstance(value, t.Sequence) else (value,)


def _first_call(search: t.Value | None) -> t.Call | None:
    """The first layer of a search, of the first one inside it."""
    while isinstance(search, t.Hpo):
        search = search.values[0] if search.kind == "choice" else None
    return search if isinstance(search, t.Call) else None


def _depth(node: Node) -> int:
    """How deep blocks nest in a node."""
    match node:
        case RepeatNode():
            return _depth(node.node)
        case LayerNode():
            bodies = [node.body, *(branch.body for branch in node.branches)]
        case CallNode():
            bodies = [node.callee.body]
        case BranchNode():
            bodies = [node.body]
        case _:
            bodies = []
    return max((body.depth for body in bodies if body is not None), default=0)
