"""From what a body was lowered to, to the items of a program: which formulas go into others, what is a layer.

A formula with one user that is a formula too is written inside of it, while the line stays readable and the types stay
those of the graph: a layer behind a Lambda computes in the float type of what the Lambda was applied to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import f32
from xdsl.ir import Attribute

from neuralc.dialects.types import is_float, numpy_dtype
from neuralc.emit.nr.body import Body, Inexpressible
from neuralc.emit.nr.values import Call, Formula, Held, Input, Number, Step, Value
from neuralc.emit.python.expressions import Expression, name
from neuralc.grammar.signatures import find

LONGEST = 72
"""The longest expression that is made of several."""

PARAMETERS = ("x", "y", "z", "u", "v", "w")


@dataclass(eq=False)
class Item:
    """A layer of the program, applied to values; the last step before names."""

    call: Call
    inputs: tuple[Value, ...]
    results: tuple[Value, ...]
    named: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    weights: Mapping[str, Value] = field(default_factory=dict)
    hint: str = ""
    path: str | None = None
    """Of the use of a macro or a network, where its weights are in the model."""
    count: int = 1
    """How often it stands in a row; the weights of each round have its number in front."""
    first: Item | None = None
    """The item that it is again: a layer that is shared."""
    block: tuple[Item, ...] = ()
    """Of a layer with a block, the items in it."""

    @property
    def uses(self) -> tuple[Value, ...]:
        return (*self.inputs, *(value for values in self.named.values() for value in values))


def plan(body: Body) -> list[Item]:
    """The items of a body in order. Raises Inexpressible."""
    return _Plan(body).items()


class _Plan:
    def __init__(self, body: Body) -> None:
        self._body = body
        self._formulas: dict[Value, Formula] = {}
        self._users: Counter[Value] = Counter()
        self._solid: set[Value] = set(body.results)
        self._visit(body.results)
        self._inside: set[Value] = set()
        """Formulas that are written in their user."""
        self._items: list[Item] = []
        self._made: set[Value] = set()
        self._depends: dict[Value, bool] = {}

    # --- what is needed ----------------------------------------------------------------------------------------------
    def _visit(self, values: Iterable[Value]) -> None:
        """Everything that results are made of, and how often each value is used."""
        todo, seen = list(values), set[Value]()
        while todo:
            value = todo.pop()
            if value in seen:
                continue
            seen.add(value)
            formula = self._formula_of(value)
            if formula is not None:
                self._formulas[value] = formula
                self._users.update(dict.fromkeys(formula.inputs, 1))
                todo += formula.inputs
            elif isinstance(value.source, Step):
                self._solid.update(value.source.uses)
                todo += [*value.source.uses, *value.source.results]
        self.live = seen

    def _formula_of(self, value: Value) -> Formula | None:
        match value.source:
            case Formula():
                return value.source
            case Held(origin=origin, plain=plain) if origin.move is not None:
                if plain is None:
                    raise Inexpressible("a weight that a layer holds moved is used as it lies, too")
                return plain
        return None

    # --- items -------------------------------------------------------------------------------------------------------
    def items(self) -> list[Item]:
        for value in self._ordered():
            formula = self._formulas[value]
            self._choose(value, formula)
        for made in self._body.made:
            results = made.results if isinstance(made, Step) else (made,)
            # What is computed from weights alone stands before what uses it.
            if results[0] not in self._inside and any(x in self.live and self._of_inputs(x) for x in results):
                self._make(results[0])
        for value in self._body.results:
            self._make(value)
        return self._items

    def _of_inputs(self, value: Value) -> bool:
        """Whether a value depends on the inputs of the body."""
        known = self._depends.get(value)
        if known is None:
            formula = self._formula_of(value)
            uses = formula.inputs if formula is not None else ()
            uses = value.source.uses if isinstance(value.source, Step) else uses
            known = isinstance(value.source, Input) or any(map(self._of_inputs, uses))
            self._depends[value] = known
        return known

    def _ordered(self) -> list[Value]:
        """Formulas, each behind those that it reads."""
        found: dict[Value, None] = {}
        for value in self._formulas:
            self._behind(value, found)
        return list(found)

    def _behind(self, value: Value, found: dict[Value, None]) -> None:
        stack = [(value, False)]
        while stack:
            each, ready = stack.pop()
            if each in found or each not in self._formulas:
                continue
            if ready:
                found[each] = None
            else:
                stack.append((each, True))
                stack += [(x, False) for x in self._formulas[each].inputs]

    def _choose(self, value: Value, formula: Formula) -> None:
        """Which of the operands of a formula are written in it."""
        if formula.apart or formula.reads_sizes:
            return
        able = [x for x in dict.fromkeys(formula.inputs) if self._may_go_inside(x)]
        self._inside.update(able)
        by_length = sorted(able, key=lambda x: -len(self._expression(x).text))
        while by_length and not self._fits(value):
            self._inside.discard(by_length.pop(0))

    def _may_go_inside(self, x: Value) -> bool:
        formula = self._formulas.get(x)
        if formula is None or formula.apart or x in self._solid or self._is_activation(formula):
            return False
        return self._users[x] == 1 or not formula.inputs

    def _is_activation(self, formula: Formula) -> bool:
        """Whether a formula is an activation that goes into the layer before it."""
        if formula.layer is None or len(formula.inputs) != 1:
            return False
        source = formula.inputs[0].source
        signature = find(source.call.name) if isinstance(source, Step) else None
        return signature is not None and signature.parameter("activation") is not None

    def _fits(self, value: Value) -> bool:
        return len(self._expression(value).text) <= LONGEST and self._keeps_type(value)

    def _keeps_type(self, value: Value) -> bool:
        """Whether what follows finds the float type that the graph has."""
        return not is_float(value.element) or value.element == usual_type(self._leaves(value))

    def _leaves(self, value: Value) -> list[Value]:
        """The values that an expression is of, in order."""
        found: dict[Value, None] = {}
        for x in self._formulas[value].inputs:
            found.update(dict.fromkeys(self._leaves(x) if x in self._inside else [x]))
        return list(found)

    def _expression(self, value: Value, names: Mapping[Value, str] | None = None) -> Expression:
        formula = self._formulas[value]
        return formula.render([
            self._expression(x, names) if x in self._inside else name("x" if names is None else names[x])
            for x in formula.inputs
        ])  # fmt: skip

    # --- one item ----------------------------------------------------------------------------------------------------
    def _make(self, value: Value) -> None:
        """The item of a value that is not there yet."""
        if value in self._made or isinstance(value.source, Input):
            return
        if isinstance(value.source, Step):
            self._made.update(value.source.results)
            self._step(value.source)
            return
        self._made.add(value)
        formula = self._formulas.get(value)
        if formula is None:
            self._weight(value)
        elif formula.layer is not None and not any(x in self._inside for x in formula.inputs):
            inputs = formula.inputs[:1] if formula.view else formula.inputs
            self._add(Item(formula.layer, inputs, (value,), hint=value.hint))
        else:
            self._lambda(value)

    def _weight(self, value: Value) -> None:
        if not isinstance(value.source, Held):
            raise Inexpressible("a number is no value of a program by itself")
        arguments = {"shape": value.shape, "type": numpy_dtype(value.element).name}
        self._items.append(Item(Call("Weight", arguments), (), (value,), weights={"": value}, hint=value.hint))

    def _lambda(self, value: Value) -> None:
        leaves = self._leaves(value)
        if is_float(value.element) and value.element != usual_type(leaves or self._stand_in(value)):
            raise Inexpressible(f"a formula of other values gives no {value.element}")
        names = parameters(leaves)
        shown = self._expression(value, names).text
        leaves = leaves or self._stand_in(value)
        heads = ", ".join(names.values()) or PARAMETERS[0]
        self._add(Item(Call("Lambda", {"function": f"{heads}: {shown}"}), tuple(leaves), (value,), hint=value.hint))

    def _stand_in(self, value: Value) -> list[Value]:
        """What a formula of nothing is applied to: a value of its type, where there is one."""
        inputs = self._body.inputs
        return next(([x] for x in inputs if x.element == value.element), inputs[:1])

    def _step(self, step: Step) -> None:
        call, inputs = step.call, step.inputs
        if step.formula is not None:
            leaves = list(dict.fromkeys(step.formula.inputs))
            names = parameters(leaves)
            shown = step.formula.render([name(names[x]) for x in step.formula.inputs]).text
            call, inputs = Call("Lambda", {"function": f"{', '.join(names.values())}: {shown}"}), tuple(leaves)
        self._add(Item(call, inputs, step.results, step.named, step.weights, step.hint, step.path))

    def _add(self, item: Item) -> None:
        for value in item.uses:
            self._make(value)
        self._items.append(item)


def parameters(leaves: Sequence[Value]) -> dict[Value, str]:
    """The names of the values of an expression."""
    few = len(leaves) <= len(PARAMETERS)
    return {leaf: PARAMETERS[i] if few else f"x{i}" for i, leaf in enumerate(leaves)}


def usual_type(leaves: Sequence[Value]) -> Attribute:
    """The float type that a layer behind a Lambda of these values computes in."""
    return next((leaf.element for leaf in leaves if is_float(leaf.element)), f32)


__all__ = ["Item", "Number", "plan"]
