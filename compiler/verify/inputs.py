"""Inputs that a model makes sense of: arrays by element type, by name, and by what the model does with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.traits import SymbolTable

from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph import CallOp, FuncOp, GatherOp, declared_dims, declared_states, the_model
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import element_of, is_float, numpy_dtype, shape_of
from neuralc.grammar.diagnostics import error, suggest, usage_error

Array = NDArray[Any]

BATCH, SIZE = 2, 16
"""What symbolic sizes are that nobody says: of the first dim of an input, and of any other."""

PLAIN, SPATIAL = (17, 13, 19, 11, 23), (64, 96, 32, 128)
"""Sizes that `varied_sizes` gives in turn: different ones, so that none passes for another; odd ones, for vector code
that ends in the middle; of images, those that networks with strides divide."""

FOLLOWED = {"graph.reshape", "graph.cast", "graph.identity", "graph.slice", "graph.expand", "graph.concat"}
"""Ops whose result still holds the numbers of an operand."""


def chosen_sizes(module: ModuleOp, given: Mapping[str, int], batch: int = BATCH) -> dict[str, int]:
    """A size for every symbol of the module. Raises UsageError E0813 for one it does not have, or cannot be."""
    declared = declared_dims(module)
    for name in given:
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise usage_error(
                "E0813",
                f"`--sizes {name}={given[name]}`: the model has no size `{name}`",
                note=f"its sizes: {known}",
                help=suggest(name, declared),
            )
    leading = leading_sizes(module)
    sizes = {}
    for name, dim in declared.items():
        low = dim.minimum.data.value
        high = dim.maximum.data.value if dim.maximum is not None else None
        size = given.get(name, batch if name in leading else SIZE)
        bounded = max(low, size if high is None else min(size, high))
        if name in given and bounded != size:
            bounds = f"at least {low}" if high is None else f"from {low} to {high}"
            raise usage_error("E0813", f"`--sizes {name}={size}`: `{name}` is {bounds}")
        sizes[name] = bounded
    return sizes


def leading_sizes(module: ModuleOp) -> set[str]:
    """Those that are the first dim of an input."""
    shapes = [shape_of(argument.type) for argument in the_model(module).arguments]
    return {str(shape[0]) for shape in shapes if len(shape) > 1}


def varied_sizes(module: ModuleOp, given: Mapping[str, int]) -> dict[str, int]:
    """As `chosen_sizes`, with different small sizes for what is not given."""
    shapes = [shape_of(argument.type) for argument in the_model(module).arguments]
    spatial = {str(size) for shape in shapes if len(shape) > 3 for size in shape[1:]}
    plain, images = cycle(PLAIN), cycle(SPATIAL)
    declared, leading = declared_dims(module), leading_sizes(module)
    wanted = {name: next(images if name in spatial else plain) for name in declared if name not in leading}
    for name in wanted:
        dim = declared[name]
        high = wanted[name] if dim.maximum is None else dim.maximum.data.value
        wanted[name] = max(dim.minimum.data.value, min(wanted[name], high))
    return chosen_sizes(module, {**wanted, **given})


def make_inputs(module: ModuleOp, sizes: Mapping[str, int], seed: int, given: Mapping[str, Array]) -> dict[str, Array]:
    """An array for every input, those given as they are. Raises NeuralcError E0904 for sizes that make no shape."""
    model = the_model(module)
    arrays: dict[str, Array] = {}
    for name, argument in zip(model.inputs, model.arguments, strict=True):
        if name in given:
            arrays[name] = given[name]
            continue
        shape = tuple(as_dim(size).evaluate(sizes) for size in shape_of(argument.type))
        if any(size < 0 for size in shape):
            raise error("E0904", f"input `{name}` would have the shape {shape}", help="choose sizes with `--sizes`")
        generator = np.random.default_rng(int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8]))
        arrays[name] = _array(generator, name, shape, numpy_dtype(element_of(argument.type)), argument)
    return arrays


def sizes_of(module: ModuleOp, arrays: Mapping[str, Array]) -> dict[str, int]:
    """The symbols that are the size of a dim of a given input, with what the input says."""
    model, found = the_model(module), {}
    for name, argument in zip(model.inputs, model.arguments, strict=True):
        if name in arrays and arrays[name].ndim == len(shape_of(argument.type)):
            for size, actual in zip(shape_of(argument.type), arrays[name].shape, strict=True):
                symbols = as_dim(size).symbols
                if len(symbols) == 1 and str(size) in symbols:
                    found[str(size)] = actual
    return found


def first_states(module: ModuleOp, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> dict[str, Array]:
    """What each state begins with, in the sizes that inputs have."""
    found, sizes = {}, sizes_of(module, inputs)
    for name, state in declared_states(module).items():
        shape = [as_dim(size).evaluate(sizes) for size in shape_of(state.type)]
        first = to_literal(state.initial) if state.initial_weight is None else weights[state.initial_weight]
        found[name] = np.broadcast_to(np.asarray(first, numpy_dtype(element_of(state.type))), shape).copy()
    return found


def _array(
    generator: np.random.Generator, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], value: SSAValue
) -> Array:
    """Normal floats; numbers as large as what they index; masks and positions as their names say."""
    words = name.lower()
    if "mask" in words:
        return _mask(generator, shape).astype(dtype)
    if is_float(element_of(value.type)):
        indexed = min(_rows(value), default=0)
        drawn = generator.integers(0, indexed, shape) if indexed else generator.standard_normal(shape)
        return np.asarray(drawn).astype(dtype)
    if dtype == np.bool_:
        return generator.random(shape) < 0.5
    rows = list(_rows(value))
    if "position" in words and len(shape) > 0:
        places = np.broadcast_to(np.arange(shape[-1]), shape)
        return np.minimum(places, min(rows, default=shape[-1]) - 1).astype(dtype)
    if "type" in words or "segment" in words:
        rows.append(2)
    low, high = 0, min(rows, default=256 if dtype.itemsize == 1 else 8)
    if dtype == np.int8 and not rows:
        low, high = -128, 128
    return generator.integers(low, high, shape).astype(dtype)


def _mask(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Rows that begin with ones and end with zeros; the first row is all ones."""
    if not shape:
        return np.ones(())
    lengths = generator.integers(max(1, shape[-1] // 2), shape[-1] + 1, shape[:-1])
    mask = np.arange(shape[-1]) < lengths[..., None]
    if mask.ndim > 1 and mask.size:
        mask.reshape(-1, shape[-1])[0] = True
    return mask


def _rows(value: SSAValue, depth: int = 0) -> Iterator[int]:
    """How many rows the tables have that a value is an index into."""
    for use in value.uses:
        op = use.operation
        if isinstance(op, GatherOp) and use.index == 1:
            rows = shape_of(op.operands[0].type)[int(op.literal("axis"))]
            if isinstance(rows, int):
                yield rows
        elif isinstance(op, CallOp) and depth < 8:
            function = SymbolTable.lookup_symbol(op, op.callee)
            if isinstance(function, FuncOp):
                yield from _rows(function.arguments[use.index], depth + 1)
        elif op.name in FOLLOWED and depth < 8:
            for result in op.results:
                yield from _rows(result, depth + 1)
