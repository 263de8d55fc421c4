"""The functional style: a function makes each layer where it applies it, and gives it a name.

x = layers.Conv2D(64, 3, padding="same", name="conv")(x)
x = residual(x, 64, name="residual-0")
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from neuralc.dialects.graph import ModelOp
from neuralc.emit.keras.layer_names import LayerNames, layer_name
from neuralc.emit.keras.reserved import FUNCTION_NAMES
from neuralc.emit.keras.style import KerasForm, functional_plans
from neuralc.emit.python.classes import input_names
from neuralc.emit.python.expressions import Expression, call, literal, name
from neuralc.emit.python.names import Names, function_name, identifier
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.plan import Child, ClassPlan, Layer
from neuralc.emit.python.sharing import SharedClass

FLAT: Mapping[Kind, frozenset[Kind]] = {
    Kind.ACTIVATION: frozenset({Kind.ARITHMETIC}),
    Kind.ARITHMETIC: frozenset({Kind.ARITHMETIC, Kind.LAYER, Kind.SUBSCRIPT}),
    Kind.CHOICE: frozenset({Kind.SUBSCRIPT}),
    Kind.LAYER: frozenset({Kind.SUBSCRIPT}),
    Kind.SUBSCRIPT: frozenset({Kind.SUBSCRIPT}),
    Kind.VIEW: frozenset({Kind.PERMUTE, Kind.SUBSCRIPT}),
}
"""What is written inside of what: each layer has a line."""

INDEX = "index"
"""The variable of a loop over blocks."""


@dataclass
class Styles:
    """The styles of the classes of one file. `constructors` says how each one makes what it holds, once it is known."""

    constructors: dict[str, Mapping[str, Expression]] = field(default_factory=dict)
    counts: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """How many blocks each list holds."""
    functions: dict[str, str] = field(default_factory=dict)
    """The names of the functions that classes are."""
    is_shared: bool = False
    """Whether it is known which blocks are one; before, constructors do not count in comparing them."""

    def forms(self, plans: Sequence[ClassPlan], form: KerasForm) -> Mapping[str, KerasForm]:
        functional, names = functional_plans(plans), Names(FUNCTION_NAMES | form.local_names)
        self.functions = {
            plan.name: names.claim(function_name(plan.function.sym_name.data))
            for plan in plans
            if plan.name in functional
        }
        return {
            plan.name: Functional(plan, self, form).form() if plan.name in self.functions else form for plan in plans
        }

    def know(self, shared: SharedClass) -> None:
        """Take how a class is written that stands for several functions."""
        self.is_shared = True
        for text in shared.variants:
            self.constructors[text.plan.name], self.counts[text.plan.name] = shared.constructors, shared.counts

    def made(self, plan: ClassPlan, path: str) -> Expression:
        """How a class makes a layer or a block, in terms of its own parameters."""
        return self.constructors[plan.name][path]


class Functional:
    """One function of the functional style."""

    def __init__(self, plan: ClassPlan, styles: Styles, form: KerasForm) -> None:
        self._plan = plan
        self._form = form
        self._styles = styles
        self._is_model = isinstance(plan.function, ModelOp)
        inputs = frozenset(plan.function.inputs) if isinstance(plan.function, ModelOp) else frozenset()
        self._names = LayerNames(plan, inputs)
        calls = Counter(child.path for child in plan.child_at.values())
        self.repeated = [member for member in plan.members if isinstance(member, Child) and calls[member.path] > 1]
        """Blocks that are applied more than once, which have variables too."""
        uses = Counter(layer.attribute for op, layer in plan.layer_at.items() if not _is_direction(layer, op.name))
        self.shared = [member for member in plan.members if isinstance(member, Layer) and uses[member.attribute] > 1]
        """Layers that are applied more than once, which have variables."""

    def form(self) -> KerasForm:
        """The form in which the function is written."""
        form = self._form
        taken = {layer.attribute for layer in self.shared} | {_variable(child) for child in self.repeated}
        own = replace(
            form,
            functional=True,
            style="functional",
            layer=self._layer,
            applied=self._child,
            nested=FLAT,
            loop=lambda _, attribute: (INDEX, lambda: self._over(attribute)),
            local_names=form.local_names | {"name", *self._styles.functions.values()} | taken,
            indent=4,
        )
        return replace(own, returned=self._returned(own)) if self._is_model else own

    def constructor(self, layer: Layer) -> Expression:
        """How a layer is made; one with weights has a name, which is part of their paths."""
        made = self._styles.made(self._plan, layer.attribute)
        if not layer.weights:
            return made
        return Expression(made.head, (*(made.arguments or ()), f"name={self._named(self._names.of(layer.attribute))}"))

    def _layer(self, layer: Layer, arguments: Sequence[Expression]) -> Expression:
        if layer in self.shared or not self._styles.is_shared:
            return call(layer.attribute, *arguments)
        return _applied(self.constructor(layer), arguments)

    def _child(self, child: Child, held: str, arguments: Sequence[Expression]) -> Expression:
        if not self._styles.is_shared:
            return call(child.path, *arguments)
        if child in self.repeated:
            return call(_variable(child), *arguments)
        made = self._made(child)
        if held != self._held(child):
            own = self._named(f"{self._names.of_list(child.attribute)}-{{{held}}}", formatted=True)
        else:
            own = self._named(self._names.of(child.path))
        rest = (*(made.arguments or ()), f"name={own}")
        if child.plan.name in self._styles.functions:
            function = self._styles.functions[child.plan.written]
            return Expression(function, (*(argument.text for argument in arguments), *rest))
        return _applied(Expression(made.head, rest), arguments)

    def _made(self, child: Child) -> Expression:
        is_listed = child.attribute in self._styles.counts[self._plan.name]
        return self._styles.made(self._plan, child.attribute if is_listed else child.path)

    def variables(self) -> Iterator[tuple[str, Expression]]:
        """What is applied more than once, and how it is made."""
        for layer in self.shared:
            yield layer.attribute, self.constructor(layer)
        for child in self.repeated:
            made, own = self._made(child), self._named(self._names.of(child.path))
            yield _variable(child), Expression(made.head, (*(made.arguments or ()), f"name={own}"))

    def _over(self, attribute: str) -> str:
        """The numbers of the blocks of a list; its length does not count in comparing blocks."""
        count = self._styles.counts.get(self._plan.name, {}).get(attribute)
        return "..." if count is None else f"range({count})"

    def _held(self, child: Child) -> str:
        """What stands for a block that is not in a loop."""
        return self._form.access(child.attribute, child.index)

    def _named(self, own: str, *, formatted: bool = False) -> str:
        """The source of a name: in a block it begins with the name of the block."""
        if self._is_model:
            return f'f"{own}"' if formatted else literal(own)
        return f'f"{{name}}-{own}"'

    def _returned(self, form: KerasForm) -> Callable[[Sequence[str]], Expression]:
        inputs = input_names(self._plan, replace(form, returned=lambda results: call("keras.Model")))
        model = layer_name(self._plan.function.sym_name.data)

        def returned(results: Sequence[str]) -> Expression:
            return call("keras.Model", name(bracketed(inputs)), name(bracketed(results)), name=model)

        return returned


def _variable(child: Child) -> str:
    """The variable of a block that is applied more than once."""
    return identifier(child.path)


def _is_direction(layer: Layer, op: str) -> bool:
    """True for the two ops that a layer of both directions stands for; the op that joins them applies it."""
    return layer.spec.kind == "bidirectional" and op != "graph.concat"


def bracketed(names: Sequence[str]) -> str:
    """`x`, or `[x, y]`."""
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _applied(made: Expression, arguments: Sequence[Expression]) -> Expression:
    return Expression(made.head, made.arguments or (), tail=f"({', '.join(argument.text for argument in arguments)})")
