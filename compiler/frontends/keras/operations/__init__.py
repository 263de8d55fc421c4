"""Functions of keras.ops that were applied to values of a model, as graph ops: one function each in `OPERATIONS`.

    {"module": "keras.src.ops.numpy", "class_name": "Mean", "config": {"axis": 1, ..}}   ->   numpy.Mean(x, axis=1)

Keras saves the function as a class. What its constructor takes is in the configuration, what it is applied to in the
call; a handler takes both under the names that Keras has for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation, SSAValue

from neuralc.dialects.types import ShapeError, element_of, element_type_of
from neuralc.frontends.keras.model_config import Call, LayerConfig, Tensor
from neuralc.frontends.keras.operations import elementwise, neural, reductions, shapes
from neuralc.frontends.keras.operations.elementwise import Handler
from neuralc.frontends.keras.operations.shapes import Ellipsis, Slice
from neuralc.frontends.keras.operations.types import type_named
from neuralc.frontends.nr.expressions.builder import Builder, is_kind
from neuralc.frontends.nr.expressions.values import Value
from neuralc.frontends.nr.layers.shared import Lowering
from neuralc.frontends.nr.site import Site, Values
from neuralc.grammar.binding import Bound

OPERATIONS: Mapping[str, Handler] = {
    **elementwise.OPERATIONS,
    **reductions.OPERATIONS,
    **shapes.OPERATIONS,
    **neural.OPERATIONS,
}
"""Family and class of Keras -> what writes the graph ops."""


REASONS: Mapping[str, str] = {
    "Sparsemax": "Keras computes something else than the sparsemax of its paper, which is what the language has",
    "Shape": "sizes are known when the model is built: use those of `x.shape`, or -1",
}
"""Why an operation of Keras is not compiled, where there is more to say than that."""


class Unknown(Exception):
    """An operation that is not compiled; the message is the reason."""


def name_of(layer: LayerConfig) -> str:
    """`numpy.Mean`, the key of `OPERATIONS`."""
    family = layer.module.removeprefix("keras.src.").removeprefix("ops.")
    return f"{family}.{layer.class_name}"


def lowering_of_operation(layer: LayerConfig, call: Call, usual: str) -> Lowering:
    """What writes an operation; `usual` is the float type of its functions of integers. Raises Unknown."""
    handler = OPERATIONS.get(name_of(layer))
    if handler is None:
        raise Unknown(REASONS.get(layer.class_name, "neuralc has no such function"))
    names = _names(handler)
    named = {
        key: value
        for key, value in {**layer.config, **call.kwargs}.items()
        if key != "name" and (value is not None or names is None or key in names)
    }
    try:
        signature(handler).bind(None, *call.args, **named)
    except TypeError as problem:
        raise Unknown(f"its arguments are others: {problem}") from None

    def lower(site: Site, arguments: Bound, *values: SSAValue) -> Values:
        given = iter(values)
        b = _Named(site, element_type_of(type_named(usual)))
        constants = _Constants(b, values)
        positional = [_value(part, given, constants) for part in call.args]
        result = handler(b, *positional, **{key: _value(part, given, constants) for key, part in named.items()})
        results = result if isinstance(result, tuple) else (result,)
        tensors = tuple(each for each in results if isinstance(each, SSAValue))
        if len(tensors) < len(results):
            raise ShapeError("its result is no value of the model")
        b.name_results(tensors)
        return tensors

    return lower


@dataclass(frozen=True)
class _Named(Builder):
    """The result of an operation has its name, what is made on the way the names of graph ops behind that."""

    made: set[SSAValue] = field(default_factory=set)

    def add(self, op: Operation) -> SSAValue:
        result = self.site.add(op, op.name.rpartition(".")[2])
        self.made.add(result)
        return result

    def name_results(self, results: Values) -> None:
        for result in results:
            if result in self.made or (result.name_hint or "").startswith(f"{self.site.path}."):
                result.name_hint = self.site.path


def _names(handler: Handler) -> set[str] | None:
    """The arguments of a handler; None where it takes any."""
    parameters = signature(handler).parameters.values()
    return None if any(each.kind is each.VAR_KEYWORD for each in parameters) else {each.name for each in parameters}


# --- arguments -------------------------------------------------------------------------------------------------------
def _value(argument: Any, given: Iterator[SSAValue], constants: _Constants) -> Any:
    """An argument as handlers take it: values of the model in their order, tuples, ranges, arrays as weights."""
    match argument:
        case Tensor():
            return next(given)
        case list() | tuple():
            return tuple(_value(part, given, constants) for part in argument)
        case {"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": step}}:
            return Slice(start, stop, step)
        case {"class_name": "__ellipsis__"}:
            return Ellipsis()
        case {"class_name": "__numpy__" | "__tensor__"}:
            return constants.next(array_of(argument))
        case {"class_name": "__tuple__", "config": {"items": list() as items}}:
            return tuple(_value(part, given, constants) for part in items)
        case dict():
            raise ShapeError(f"an argument of the class `{argument.get('class_name')}` is not compiled")
        case _:
            return argument


class _Constants:
    """Arrays among arguments: weights that training leaves alone, in the type of the values that they meet."""

    def __init__(self, b: Builder, values: Values) -> None:
        self._b, self._count = b, 0
        self._floats = next((value for value in values if is_kind(value, "f")), None)

    def next(self, array: NDArray[Any]) -> Value:
        if array.ndim == 0:
            number: Value = array.item()
            return number
        like = self._b.usual if self._floats is None else element_of(self._floats.type)
        name = "constant" if self._count == 0 else f"constant_{self._count}"
        self._count += 1
        held = self._b.site.weight(name, array.shape, like, "zeros", trainable=False)
        return held if array.dtype.kind == "f" else self._b.cast(held, array.dtype)


def arrays_in(value: Any) -> Iterator[NDArray[Any]]:
    """The arrays among the arguments of a call that become weights, in order."""
    match value:
        case {"class_name": "__numpy__" | "__tensor__"}:
            array = array_of(value)
            if array.ndim:
                yield array
        case Call():
            yield from arrays_in([value.args, value.kwargs])
        case list() | tuple():
            for part in value:
                yield from arrays_in(part)
        case Mapping():
            for part in value.values():
                yield from arrays_in(part)


def array_of(value: Mapping[str, Any]) -> NDArray[Any]:
    """An array that is written out in the configuration. Raises ShapeError."""
    config = value["config"]
    try:
        return np.asarray(config["value"], type_named(config["dtype"]))
    except (KeyError, TypeError, ValueError) as problem:
        raise ShapeError(f"an array of the configuration is none: {problem}") from None
