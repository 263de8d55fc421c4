"""A body under construction: what the lowerings of ops add layers and formulas to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.types import Shape, element_of, numpy_dtype, shape_of
from neuralc.emit.nr.expressions import function, listed, number
from neuralc.emit.nr.sizes import Places, places_of, size_text
from neuralc.emit.nr.values import Call, Formula, Held, Input, Number, Render, Step, Value
from neuralc.emit.nr.weights import Move, Origin
from neuralc.emit.python.expressions import Expression

Lowering: TypeAlias = Callable[..., "Value | Sequence[Value]"]
"""`lower(body, op)` gives the values of the results of an op. Raises Inexpressible."""


class Inexpressible(Exception):
    """The reason for which no layer and no formula says what an op does."""


class Body:
    """The layers and formulas of one function, in order."""

    def __init__(self, loose: frozenset[str] = frozenset()) -> None:
        """`loose` are weights that no layer holds: several uses of them have to be one."""
        self.inputs: list[Value] = []
        self.made: list[Step | Value] = []
        """Layers and values of formulas, in the order of the ops that they come from."""
        self.results: list[Value] = []
        self._loose = loose
        self._values: dict[SSAValue, Value] = {}
        self.hint = ""
        """What the op that is lowered is called."""

    # --- values ------------------------------------------------------------------------------------------------------
    def input(self, x: SSAValue) -> Value:
        value = Value(shape_of(x.type), element_of(x.type), Input(), x.name_hint or "")
        self.inputs.append(value)
        self._values[x] = value
        return value

    def weight(self, x: SSAValue, symbol: str) -> Value:
        """A weight of the model, or one that a function is called with."""
        value = Value(shape_of(x.type), element_of(x.type), Held(Origin(symbol)), symbol)
        self._values[x] = value
        return value

    def bind(self, op: Operation, values: Value | Sequence[Value]) -> None:
        found = (values,) if isinstance(values, Value) else tuple(values)
        for result, value in zip(op.results, found, strict=True):
            self._values[result] = value
            if result.name_hint and not value.hint:
                value.hint = result.name_hint

    def lowered(self, op: Operation, lowering: Lowering) -> Value:
        """The one result of an op that stands in no module."""
        found = lowering(self, op)
        op.drop_all_references()
        return found if isinstance(found, Value) else found[0]

    def stand_in(self, op: Operation) -> None:
        """Values for the results of an op that was refused, so that the rest of the module is looked at too."""
        self.bind(op, [Value(shape_of(x.type), element_of(x.type), Input()) for x in op.results])

    def __getitem__(self, x: SSAValue) -> Value:
        return self._values[x]

    def operands(self, op: Operation) -> list[Value]:
        return [self._values[x] for x in op.operands]

    def is_held(self, value: Value, rank: int | None = None) -> bool:
        """Whether a layer can hold a value: it is a weight that nothing else uses in another way."""
        return (
            isinstance(value.source, Held)
            and self._loose.isdisjoint(value.source.origin.symbols)
            and (rank is None or value.rank == rank)
        )

    # --- what is made ------------------------------------------------------------------------------------------------
    def layer(
        self,
        name: str,
        x: Value,
        shape: Shape,
        arguments: Mapping[str, Any] | None = None,
        weights: Mapping[str, Value] | None = None,
        *,
        element: Attribute | None = None,
        named: Mapping[str, tuple[Value, ...]] | None = None,
    ) -> Value:
        """A layer of one value and one result."""
        (result,) = self.layers(name, (x,), [(shape, element or x.element)], arguments, weights, named=named)
        return result

    def layers(
        self,
        name: str,
        inputs: Sequence[Value],
        results: Sequence[tuple[Shape, Attribute]],
        arguments: Mapping[str, Any] | None = None,
        weights: Mapping[str, Value] | None = None,
        *,
        named: Mapping[str, tuple[Value, ...]] | None = None,
        path: str | None = None,
    ) -> tuple[Value, ...]:
        """A layer with any number of values and results."""
        given = tuple(map(self.tensor, inputs))
        step = Step(Call(name, arguments or {}), given, named or {}, weights or {}, hint=self.hint, path=path)
        step.results = tuple(Value(shape, element, step) for shape, element in results)
        self.made.append(step)
        return step.results

    def formula(
        self,
        inputs: Sequence[Value],
        render: Render,
        shape: Shape,
        element: Attribute,
        *,
        layer: Call | None = None,
        apart: bool = False,
        axes: tuple[int, ...] | None = None,
        view: bool = False,
        cut: tuple[Sequence[Dim], Sequence[int]] | None = None,
        sized: Sized | None = None,
    ) -> Value:
        """An expression of values; `layer` says it where it stands alone."""
        given = tuple(self.tensor(x) for x in inputs)
        reads = sized is not None and sized.reads
        value = Value(shape, element, Formula(given, render, layer, apart, axes, view, cut, reads), self.hint)
        self.made.append(value)
        return value

    def several(self, formula: Formula, results: Sequence[tuple[Shape, Attribute]]) -> tuple[Value, ...]:
        """A formula that is a tuple."""
        step = Step(Call("Lambda"), formula.inputs, hint=self.hint, formula=formula)
        step.results = tuple(Value(shape, element, step) for shape, element in results)
        self.made.append(step)
        return step.results

    def tensor(self, x: Value) -> Value:
        """A number as a tensor; another value as it is."""
        if not isinstance(x.source, Number):
            return x
        value, dtype, sized = x.source.value, numpy_dtype(x.element).name, self.sized(x.shape)

        def render(expressions: Sequence[Expression]) -> Expression:
            return function("full", listed(sized.texts(expressions)), number(value), dtype)

        return self.formula(sized.extra, render, x.shape, x.element)

    def number(self, value: bool | int | float, shape: Shape, element: Attribute) -> Value:
        return Value(shape, element, Number(value))

    def moved(self, x: Value, move: Move, plain: Value) -> Value:
        """A weight with its axes moved; `plain` is the formula that says so where no layer holds it."""
        source, formula = x.source, plain.source
        if not isinstance(source, Held) or not isinstance(formula, Formula) or not self.is_held(x):
            return plain
        self.made.remove(plain)
        return Value(plain.shape, plain.element, Held(source.origin.moved(move), formula), x.hint)

    def joined(self, xs: Sequence[Value], axis: int, plain: Value) -> Value:
        """Weights one behind the other, as `moved`."""
        sources, formula = [x.source for x in xs], plain.source
        origins = [source.origin for source in sources if isinstance(source, Held)]
        if len(origins) != len(xs) or not isinstance(formula, Formula) or not all(map(self.is_held, xs)):
            return plain
        self.made.remove(plain)
        return Value(plain.shape, plain.element, Held(Origin(move=Move(along=axis), parts=tuple(origins)), formula))

    def weight_moved(self, x: Value, move: Move) -> Value:
        """A weight that a layer holds, as the layer keeps it."""
        source = x.source
        if not isinstance(source, Held):
            raise TypeError(f"{x} is no weight")
        shape: Shape = move.shape or tuple(x.shape[axis] for axis in move.axes or ())
        return Value(shape, x.element, Held(source.origin.moved(move)), x.hint)

    # --- sizes -------------------------------------------------------------------------------------------------------
    def sized(self, shape: Shape, *first: Value) -> Sized:
        """How a formula says sizes: from the shapes of its own values, else of those that are there already.

        Raises Inexpressible.
        """
        wanted = set().union(*(as_dim(size).symbols for size in shape))
        used: list[Value] = []
        for value in (*first, *self.inputs, *(each for each in self._values.values())):
            if not wanted:
                break
            found = places_of(value.shape)
            if wanted & found.keys() and not isinstance(value.source, Number | Held) and value not in used:
                used.append(value)
                wanted -= found.keys()
        if wanted:
            raise Inexpressible(f"the size {', '.join(sorted(wanted))} is no size of a value that is there")
        return Sized(tuple(value for value in used if value not in first), shape, tuple(first))


class Sized:
    """Sizes in a formula: the values they are read from, besides those that it has, and their texts."""

    def __init__(self, extra: tuple[Value, ...], shape: Shape, first: tuple[Value, ...]) -> None:
        self.extra, self._shape, self._first = extra, shape, first
        self.reads = bool(set().union(*(as_dim(size).symbols for size in shape)))

    def texts(self, expressions: Sequence[Expression]) -> list[str]:
        """The sizes, given the expressions of the formula's own values and of `extra`, in order."""
        return list(map(self.reader(expressions), self._shape))

    def reader(self, expressions: Sequence[Expression]) -> Callable[[int | Dim], str]:
        """What says a size of the symbols of these sizes."""
        places: Places = {}
        for value, expression in zip((*self._first, *self.extra), expressions, strict=False):
            for symbol, axis in places_of(value.shape).items():
                places.setdefault(symbol, f"{expression.within(ATOM)}.shape[{axis}]")
        return lambda size: size_text(size, places)


ATOM = Expression("x").precedence
