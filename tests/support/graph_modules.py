"""Small graph modules for tests: a model around a few ops, with weights declared as they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from xdsl.builder import ImplicitBuilder
from xdsl.dialects.builtin import ModuleOp, f32, i1
from xdsl.ir import Attribute, Block, Region, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.types import (
    AnyTensor,
    as_tensor,
    element_of,
    element_type_of,
    is_float,
    numpy_dtype,
    shape_of,
    symbols_of,
    tensor_type,
)
from neuralc.dialects.weights import WeightStore

Array = NDArray[Any]
Symbol: TypeAlias = graph.WeightOp | graph.StateOp | graph.FuncOp


class GraphModule:
    """A module under construction: symbols are collected, the model is written by `model`."""

    def __init__(self) -> None:
        self.weights = WeightStore()
        self.symbols: list[Symbol] = []
        self._used: set[str] = set()

    def weight(self, name: str, values: Array) -> SSAValue:
        """Declare a weight and read it at the point where ops are being added."""
        name = self.unique(name)
        type_ = tensor_type(values.shape, element_type_of(values.dtype))
        self.weights[name] = values
        self._declare(graph.WeightOp(name, type_))
        return graph.GetWeightOp(name, type_).result

    def derived(self, name: str, sources: Sequence[str], body: Callable[..., SSAValue]) -> SSAValue:
        """Declare a weight that `body` computes from others, and read it."""
        name = self.unique(name)
        known = {op.sym_name.data: op for op in self.symbols if isinstance(op, graph.WeightOp)}
        block = Block(arg_types=[known[source].type for source in sources])
        with ImplicitBuilder(block):
            result = body(*block.args)
            graph.ReturnOp([result])
        type_ = as_tensor(result.type)
        self._declare(graph.WeightOp(name, type_, sources=sources, body=Region(block)))
        return graph.GetWeightOp(name, type_).result

    def state(self, name: str, type_: AnyTensor, initial: float | str = 0) -> str:
        """Declare a state, for graph.GetStateOp and graph.SetStateOp."""
        name = self.unique(name)
        self._declare(graph.StateOp(name, type_, initial))
        return name

    def function(self, name: str, types: Sequence[Attribute], body: Callable[..., SSAValue]) -> str:
        """Declare a graph.func with one result."""
        name = self.unique(name)
        block = Block(arg_types=types)
        with ImplicitBuilder(block):
            result = body(*block.args)
            graph.ReturnOp([result])
        self._declare(graph.FuncOp(name, [result.type], Region(block)))
        return name

    def model(self, inputs: Mapping[str, Attribute], body: Callable[..., SSAValue | Sequence[SSAValue]]) -> ModuleOp:
        """The finished module, whose model takes `inputs` and returns what `body` does."""
        block = Block(arg_types=list(inputs.values()))
        for argument, name in zip(block.args, inputs, strict=True):
            argument.name_hint = name
        with ImplicitBuilder(block):
            found = body(*block.args)
            values = [found] if isinstance(found, SSAValue) else list(found)
            graph.ReturnOp(values)
        names = [f"y{i}" for i in range(len(values))]
        model = graph.ModelOp("m", list(inputs), names, [value.type for value in values], Region(block))
        dims = sorted(frozenset().union(*(symbols_of(shape_of(type_)) for type_ in inputs.values())))
        return ModuleOp([*(graph.DimOp(dim) for dim in dims), *self.symbols, model])

    def forget(self, kept: int) -> None:
        """Take back what was declared after the first `kept` symbols: nothing reads it."""
        for symbol in self.symbols[kept:]:
            self._used.discard(symbol.sym_name.data)
            self.weights.pop(symbol.sym_name.data, None)
        del self.symbols[kept:]

    def _declare(self, symbol: Symbol) -> None:
        if symbol.parent is not None:  # made while the model is being written: the builder put it there
            symbol.detach()
        self.symbols.append(symbol)

    def unique(self, name: str) -> str:
        found = next(n for i in range(len(self._used) + 1) if (n := f"{name}_{i}" if i else name) not in self._used)
        self._used.add(found)
        return found


def tensor(*shape: int | str | Dim, element: Attribute = f32) -> AnyTensor:
    """`tensor("batch", 8)` is tensor<?x8xf32, #graph.dims<batch>>."""
    return tensor_type([as_dim(size) for size in shape], element)


def single_op(op: type[Any], *operands: Array, result: Attribute | None = None, **properties: Any) -> ModuleOp:
    """A model that applies one op to its inputs `x0`, `x1`, ..."""
    types = {f"x{i}": tensor_type(x.shape, element_type_of(x.dtype)) for i, x in enumerate(operands)}
    return GraphModule().model(types, lambda *values: op.of(*values, result=result, **properties).result)


def random_array(rng: np.random.Generator, *shape: int, dtype: str = "float32") -> Array:
    return rng.standard_normal(shape).astype(dtype)


def random_value(rng: np.random.Generator, type_: Attribute, sizes: Mapping[str, int]) -> Array:
    """An array of a tensor type: normal numbers, integers of two digits, or truth values."""
    shape = [as_dim(size).evaluate(sizes) for size in shape_of(type_)]
    element = element_of(type_)
    if element == i1:
        return rng.random(shape) < 0.5
    numbers = rng.standard_normal(shape) if is_float(element) else rng.integers(-40, 40, shape)
    return numbers.astype(numpy_dtype(element))
