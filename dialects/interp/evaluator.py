"""Evaluates the ops of a block, value by value, with the numpy functions registered for each level.

The functions of a level stand in `SEMANTICS` of the module of its name (`interp/graph.py`, `interp/tensor.py`): op
class -> function of the evaluator, the op and its operands as arrays. Floats arrive as float64; the evaluator rounds
results and checks every shape against the op's type, so that a wrong shape function cannot hide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TypeAlias

from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.traits import IsTerminator

from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.graph import FuncOp, WeightOp
from neuralc.dialects.interp.numerics import Array, Numerics, finish, widen
from neuralc.dialects.interp.states import States
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import element_of, format_shape, shape_of
from neuralc.grammar.diagnostics import error

Trace: TypeAlias = Callable[[Operation, Sequence[Array]], None]
"""Called after each op of the model with its results."""

Semantics: TypeAlias = Callable[..., Array | Sequence[Array]]
"""`f(evaluator, op, *operands)` gives the result, or the results, before rounding."""

LEVELS = ("graph", "tensor")


def semantics_of(op: Operation) -> Semantics:
    """The function that defines an op. Raises E9901 for an op without one."""
    level = op.name.partition(".")[0]
    if level in LEVELS:
        table: Mapping[type[Operation], Semantics] = import_module(f"neuralc.dialects.interp.{level}").SEMANTICS
        if type(op) in table:
            return table[type(op)]
    raise error("E9901", f"`{op.name}` has no reference semantics")


class Weights:
    """The values of a module's weights; derived ones are computed when first read, and once."""

    def __init__(self, symbols: Mapping[str, Operation], store: Mapping[str, Array]) -> None:
        self._symbols = symbols
        self._store = store
        self._derived: dict[str, Array] = {}

    def value(self, name: str, numerics: Numerics) -> Array:
        """A weight as its type says. Raises E0504 where the store does not have it in its shape.

        A derived weight is computed in float64 and rounded once, however many ops and weights its region goes through:
        arithmetic at compile time costs nothing, and code generators embed the same bytes.
        """
        weight = self._declaration(name)
        return finish(self._exact(weight), weight.type.element_type, numerics)

    def _declaration(self, name: str) -> WeightOp:
        weight = self._symbols.get(name)
        if not isinstance(weight, WeightOp):
            raise error("E9901", f"@{name} is read and is not a graph.weight")
        return weight

    def _exact(self, weight: WeightOp) -> Array:
        name = weight.sym_name.data
        if weight.body is None:
            return self._stored(weight, name)
        if name not in self._derived:
            sources = [self._exact(self._declaration(source)) for source in weight.source_names]
            region = Evaluator(self._symbols, self, Numerics.EXACT, {})
            (self._derived[name],) = region.block(weight.body.block, sources)
        return self._derived[name]

    def _stored(self, weight: WeightOp, name: str) -> Array:
        if name not in self._store:
            raise error("E0504", f"weight `{name}` has no values", help="give a file with `--weights` or `weights:`")
        array, shape = self._store[name], shape_of(weight.type)
        if array.shape != shape:
            found = format_shape(array.shape)
            raise error("E0504", f"weight `{name}` has shape {found}, the model takes {format_shape(shape)}")
        return array


class Evaluator:
    """One evaluation of a module: the sizes of its symbols, its weights, and how results are rounded."""

    def __init__(
        self,
        symbols: Mapping[str, Operation],
        weights: Weights,
        numerics: Numerics,
        sizes: Mapping[str, int],
        trace: Trace | None = None,
        states: States | None = None,
    ) -> None:
        self.numerics = numerics
        self._symbols = symbols
        self._weights = weights
        self._sizes = sizes
        self._trace = trace
        self._states = states

    def shape(self, type_: Attribute) -> tuple[int, ...]:
        """The shape of a tensor type with the sizes of this evaluation."""
        return tuple(as_dim(size).evaluate(self._sizes) for size in shape_of(type_))

    def size(self, dim: Dim) -> int:
        """The value of a size expression in this evaluation."""
        return dim.evaluate(self._sizes)

    def block(self, block: Block, arguments: Sequence[Array]) -> list[Array]:
        """The values that the terminator of a block hands out."""
        values: dict[SSAValue, Array] = dict(zip(block.args, arguments, strict=True))
        for op in block.ops:
            operands = [values[operand] for operand in op.operands]
            if op.has_trait(IsTerminator):
                return operands
            values.update(zip(op.results, self.op(op, operands), strict=True))
        raise error("E9901", "a block without a terminator cannot be evaluated")

    def op(self, op: Operation, operands: Sequence[Array]) -> list[Array]:
        """The results of one op, rounded and of the shapes its types say."""
        # What only moves values leaves them as they are: a weight of a gigabyte is transposed without a wider copy.
        moves = isinstance(op, PlainOp) and op.MOVES
        found = semantics_of(op)(self, op, *(operands if moves else map(widen, operands)))
        arrays = found if isinstance(found, list | tuple) else [found]
        if not moves:
            arrays = [finish(a, element_of(r.type), self.numerics) for a, r in zip(arrays, op.results, strict=True)]
        results = [self._result(op, array, result.type) for array, result in zip(arrays, op.results, strict=True)]
        if self._trace is not None:
            self._trace(op, results)
        return results

    def call(self, name: str, arguments: Sequence[Array]) -> list[Array]:
        """Apply a graph.func."""
        function = self._symbols.get(name)
        if not isinstance(function, FuncOp):
            raise error("E9901", f"@{name} is called and is not a graph.func")
        return self.block(function.block, arguments)

    def weight(self, name: str) -> Array:
        return self._weights.value(name, self.numerics)

    @property
    def states(self) -> States:
        """What the model keeps between runs. Raises E9901 where no model is run: a derived weight has no state."""
        if self._states is None:
            raise error("E9901", "a state is accessed outside of a model")
        return self._states

    def _result(self, op: Operation, array: Array, type_: Attribute) -> Array:
        shape = self.shape(type_)
        if array.shape != shape:
            found = format_shape(array.shape)
            raise error("E9901", f"`{op.name}` evaluates to shape {found}, its type says {format_shape(shape)}")
        return array
