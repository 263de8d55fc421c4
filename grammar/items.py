"""Checks the items of one body: finds what names mean, binds arguments, tells arguments from values.

Macros are hygienic: arguments are evaluated where the macro is used, and a body sees its own parameters only. Blocks
see the names of the body around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeGuard

from neuralc.grammar import tree as t
from neuralc.grammar.binding import Given, bind
from neuralc.grammar.custom import CUSTOM, custom, custom_shape
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, suggest, warning
from neuralc.grammar.entry_points import entry_point_names
from neuralc.grammar.library import Unit
from neuralc.grammar.names import Name, Names
from neuralc.grammar.parameters import Unfit, Whole
from neuralc.grammar.plugins import LAYERS, LayerPlugin, expansion_of, layer_plugin
from neuralc.grammar.program import (
    RUNNING,
    Body,
    BranchNode,
    BrokenNode,
    CallNode,
    CustomNode,
    Fed,
    LayerNode,
    Node,
    RepeatNode,
    SharedNode,
    Step,
    Use,
    layers_in,
)
from neuralc.grammar.signatures import COMMON, Signature, find, layer_names
from neuralc.grammar.values import Broken, Evaluated, LayerArgument, Scope, evaluate, is_broken

if TYPE_CHECKING:
    from neuralc.grammar.expansion import Expansion


class Walk:
    """The items of one body."""

    def __init__(self, expansion: Expansion, unit: Unit, scope: Scope, names: Names, values: frozenset[str]) -> None:
        self.expansion, self.unit, self.scope, self.names, self.values = expansion, unit, scope, names, values
        self.report, self.searches = expansion.report, expansion.searches

    def step(self, item: t.Item) -> Step:
        if isinstance(item, t.Branch):
            return self._branch(item)
        if item.device is not None:
            self.expansion.place(item.device)
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
        for index, target in enumerate(item.targets):
            if self.scope and target.value in self.scope:
                message = f"`{target.value}` is a parameter here"
                self.report(Diagnostic("E0208", message, target.span, (), "choose another name"))
            # The first of several runs on: it has a name only so that the others can have theirs.
            runs_on = index == 0 and len(item.targets) > 1
            self.names.define(target.value, Name(target.span, shared, applied, runs_on))
        return Step(node, tuple(target.value for target in item.targets), shared, applied)

    def _branch(self, item: t.Branch) -> Step:
        entry = self.names.find(item.name.value)
        source = Use(item.name.value, item.name.span) if entry is not None and entry.value else None
        if entry is not None and entry.forked:
            message = f"the branch `{item.name.value}` goes on from what the branch of that name above gave"
            above = f"the one above stands at {entry.span}"
            help = "give it another name, and it starts from the running value"
            self.report(warning("W0205", message, item.name.span, note=above, help=help))
        body = self.expansion.body(item.block.items, self.unit, self.scope, inner := Names(outer=self.names))
        self.expansion.warn_unused(inner)
        if not item.block.items and source is None:
            message = f"the branch `{item.name.value}` is empty"
            self.report(warning("W0203", message, item.span, help="an empty branch gives what it gets"))
        forked = source is None or (entry is not None and entry.forked)
        self.names.define(item.name.value, Name(item.name.span, branch=True, forked=forked))
        return Step(BranchNode(item.name.value, source, body, item.span, max(1, body.size)))

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
        count = self.evaluate(value)
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
            fed = self.fed(item, many=True)
            return None if fed is None else self.expansion.call(definition, item, self.given(item.arguments), fed)
        if name in self.unit.missing:
            return None
        signature = find(name)
        if signature is not None:
            return self._layer(item, signature)
        if name.lower() == "customshape":
            return custom_shape(self, item)
        try:
            plugin = layer_plugin(name)
        except NeuralcError as problem:
            for found in problem.diagnostics:
                self.report(replace(found, span=item.name.span))
            return None
        if plugin is not None:
            return self._of_plugin(item, plugin)
        if CUSTOM.fullmatch(name):
            return custom(self, item)
        known = [*self.unit.definitions, *layer_names(), *entry_point_names(LAYERS)]
        self.report(Diagnostic("E0201", f"unknown layer `{name}`", item.name.span, (), suggest(name, known)))
        return None

    def _searched(self, item: t.Layer) -> Node | None:
        """A search over layers: the one that was set, or the first."""
        if item.search is None:
            return None
        chosen = self.searches.choose_layer(item.search, self.scope, self.report)
        return None if chosen is None else self._use(as_item(chosen, item))

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
    def fed(self, item: t.Layer, *, many: bool) -> Fed | None:
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
        given = self.given(written, signature)
        bound = bind(f"`{signature.name}`", signature.parameters, COMMON, given, item.name.span, self.report)
        body, branches, right = self._block(item, signature)
        if bound is None or fed is None or not right:
            return None
        inner = sum(part.size for part in (*branches, *layers_in(bound)))
        size = 1 + (0 if body is None else body.size) + inner
        return LayerNode(signature, bound, fed, body, branches, item.span, item.name.span, size)

    def _of_plugin(self, item: t.Layer, plugin: LayerPlugin) -> Node | None:
        """A layer that is a macro of its package, or one that its package writes in graph ops."""
        node = self._layer(item, plugin.signature)
        if node is None or plugin.expansion is None:
            return node
        values = {p.name: node.arguments[p.name] for p in plugin.signature.parameters}
        try:
            return self.expansion.expanded(expansion_of(plugin), values, item, node.fed)
        except NeuralcError as problem:
            for found in problem.diagnostics:
                self.report(found)
            return None

    def _split(self, item: t.Layer, signature: Signature) -> tuple[Sequence[t.Argument], Fed | None]:
        """Tells arguments from values: layers that take several values may name them in the first parentheses."""
        inputs = signature.inputs
        if not inputs.flexible:
            return item.arguments, self.fed(item, many=False)
        written: list[t.Argument] = []
        values: list[t.Argument] = []
        for argument in item.arguments:
            by_name = argument.name is not None and argument.name.value in inputs.names
            by_position = argument.name is None and not written and self._stands_for_value(argument.value, signature)
            (values if by_name or by_position else written).append(argument)
        return written, self._values([*values, *(item.applied or ())])

    def _stands_for_value(self, value: t.Value, signature: Signature) -> bool:
        """In a merge every bare word does that is no layer it takes; elsewhere those that a value has."""
        if not isinstance(value, t.Name) or value.value in self.scope:
            return False
        layer = signature.takes_layers and self.is_layer(value.value)
        return (signature.inputs.many and not layer) or self.names.has(value.value)

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
        body = self.expansion.body(block.items, self.unit, self.scope, inner)
        self.expansion.warn_unused(inner)
        if signature.block != "branches":
            return body, (), True
        branches = tuple(step.node for step in body.steps if isinstance(step.node, BranchNode))
        if len(branches) != len(body.steps):
            message = f"the block of `{signature.name}` holds branches only: `name: {{ ... }}`"
            self.report(Diagnostic("E0310", message, block.span))
            return None, (), False
        return None, branches, True

    def given(self, arguments: Sequence[t.Argument], signature: Signature | None = None) -> list[Given]:
        given: list[Given] = []
        for argument in arguments:
            value = self._evaluated(argument.value, signature)
            self.expansion.count(value, argument.value.span)
            name, place = (None, None) if argument.name is None else (argument.name.value, argument.name.span)
            given.append(Given(name, value, argument.value.span, place))
        return given

    def evaluate(self, value: t.Value) -> Evaluated:
        """A value with the arguments of the macro and the choices of the searches."""
        return evaluate(value, self.scope, self.report, self.searches)

    def _evaluated(self, value: t.Value, signature: Signature | None) -> Evaluated:
        """A value; where the signature has a layer among its parameters, a call of a layer is a layer."""
        if signature is None or not signature.takes_layers:
            return self.evaluate(value)
        if isinstance(value, t.Sequence):
            return tuple(self._evaluated(part, signature) for part in value.items)
        call = self.searches.choose_layer(value, self.scope, self.report) if self._is_layers(value) else value
        if isinstance(call, t.Name) and self.is_layer(call.value):
            call = t.Call(call, (), None, call.span)
        if not isinstance(call, t.Call) or not self.is_layer(call.name.value):
            return Broken() if call is None else self.evaluate(value)
        node = self._use(as_item(call))
        if not isinstance(node, LayerNode | CallNode):
            return Broken()
        name = node.signature.name if isinstance(node, LayerNode) else node.callee.name
        if node.fed != RUNNING:
            uses = [*node.fed.positional, *(use for uses in node.fed.named.values() for use in uses)]
            message = f"`{name}` gets its values from `{signature.name}`, which it is given to"
            named = [f"{name}={use.name}" for name, uses in node.fed.named.items() for use in uses]
            values = ", ".join([*(use.name for use in node.fed.positional), *named])
            help = f"give them to that: `{signature.name}({name}(...))({values})`"
            self.report(Diagnostic("E0303", message, uses[0].span, (), help))
            return Broken()
        return LayerArgument(name, node)

    def _is_layers(self, value: t.Value) -> TypeGuard[t.Hpo]:
        """Whether a value is a search over layers."""
        first: t.Value | None = value
        while isinstance(first, t.Hpo):
            first = first.values[0] if first.kind == "choice" else None
        return isinstance(value, t.Hpo) and isinstance(first, t.Call) and self.is_layer(first.name.value)

    def is_layer(self, name: str) -> bool:
        return name not in self.scope and (find(name) is not None or self.unit.find(name) is not None)


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


def unknown_value(name: t.Name, names: Names) -> Diagnostic:
    """An error for a name that no value has here."""
    if names.has(name.value):
        help = "a name that is only ever called is a layer; apply it: `a = enc(x)`"
        return Diagnostic("E0211", f"`{name.value}` is a layer, not a value", name.span, (), help)
    return Diagnostic(
        "E0211", f"no value is named `{name.value}` here", name.span, (), suggest(name.value, names.visible())
    )
