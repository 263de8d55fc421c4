"""The `input:` clause of a program: shapes without the batch where all inputs have one, named sizes, their bounds."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.graph import DimOp
from neuralc.dialects.types import Shape, numpy_dtype
from neuralc.emit.nr.sizes import symbol_of
from neuralc.emit.nr.text import slot
from neuralc.emit.nr.values import Value
from neuralc.frontends.sizes import LARGEST

BATCH = "batch"

_MULTIPLE = re.compile(r"(?P<name>[A-Za-z_]\w*) \* (?P<factor>\d+)")
"""A size that is a symbol times a number, which is what `H % 16 == 0` makes of H."""


@dataclass(frozen=True)
class InputClause:
    """What stands behind `input:`, and the size that is the batch."""

    text: str
    batch: int | Dim | None


def input_clause(
    names: Sequence[str], values: Sequence[Value], dims: Mapping[str, DimOp], *, bounds: bool = True
) -> InputClause:
    """The clause for inputs of these names; without `bounds` a network that is a layer, which gets what it is given.

    Raises ValueError for sizes that no clause says.
    """
    batch = common_batch(values)
    renamed = {str(batch): BATCH} if isinstance(batch, Dim) else {}
    said: list[str] = [f"{BATCH} == {batch}"] if isinstance(batch, int) else []
    named: dict[str, str] = {}
    plain = {symbol for value in values for size in value.shape if (symbol := symbol_of(size)) is not None}
    ports = []
    for name, value in zip(names, values, strict=True):
        shape = value.shape if batch is None or value.shape[:1] != (batch,) else value.shape[1:]
        sizes = [_size(size, name, axis, renamed, named, plain) for axis, size in enumerate(shape)]
        if not bounds:  # a number may be a parameter of the network
            usual = [*["size"] * (len(shape) - 1), "features"]
            sizes = [slot(*each) if each[1].isdigit() else each[1] for each in zip(usual, sizes, strict=False)]
        brackets = "()" if len(shape) < value.rank else "[]"
        dtype = numpy_dtype(value.element).name
        shown = f"{brackets[0]}{', '.join(sizes)}{brackets[1]}{'' if dtype == 'float32' else f' {dtype}'}"
        ports.append(shown if len(names) == 1 and name == "input" else f"{name}: {shown}")
    multiples = {found[0]: (name, found[1]) for text, name in named.items() if (found := _multiple(text, plain))}
    used_symbols = {symbol for value in values for size in value.shape for symbol in as_dim(size).symbols}
    for symbol, dim in dims.items():
        if symbol not in used_symbols:
            continue
        used, factor = multiples.get(symbol, (renamed.get(symbol, symbol), 1))
        low, high = dim.minimum.data.value, None if dim.maximum is None else dim.maximum.data.value
        said += [f"{used} >= {low * factor}"] if low > 1 else []
        said += [f"{used} <= {high * factor}"] if high is not None and high < LARGEST else []
    for text, name in named.items():
        found = _multiple(text, plain)
        said.append(f"{name} % {found[1]} == 0" if found else f"{name} == {text}")
    where = f" where {', '.join(said)}" if said and bounds else ""
    text = ports[0] if len(ports) == 1 else f"{{ {', '.join(ports)} }}"
    return InputClause(text + where, batch)


def common_batch(values: Sequence[Value]) -> int | Dim | None:
    """The size that stands first in every input, if it is a number or one name."""
    first = {value.shape[0] if value.rank else None for value in values}
    if len(first) != 1:
        return None
    (size,) = first
    if size is None or size == 0 or (isinstance(size, Dim) and symbol_of(size) is None):
        return None
    return size


def _size(
    size: int | Dim, port: str, axis: int, renamed: Mapping[str, str], named: dict[str, str], plain: Collection[str]
) -> str:
    """The name or number of a size; `named` gets the names of those that are more than a symbol, by their texts."""
    if isinstance(size, int):
        return str(size)
    symbol = symbol_of(size)
    if symbol is not None:
        return renamed.get(symbol, symbol)
    text = str(size)
    if "(" in text:
        raise ValueError(f"the size {text} of the input `{port}` is no sum of products")
    wanted = usual = f"{port}_dim{axis + 1}"
    if found := _multiple(text, plain):
        wanted = found[0].removesuffix(f"_by_{found[1]}")
    return named.setdefault(text, usual if wanted in {*named.values(), *plain, found and found[0]} else wanted)


def _multiple(text: str, plain: Collection[str]) -> tuple[str, int] | None:
    """The symbol and the number of a size that is their product, where no input has the symbol as a size of its own."""
    found = _MULTIPLE.fullmatch(text)
    return (found["name"], int(found["factor"])) if found and found["name"] not in plain else None


def batch_shape(shape: Shape, batch: int | Dim | None) -> bool:
    return batch is not None and shape[:1] == (batch,)
