"""The `input:` clause of a program: shapes without the batch where all inputs have one, named sizes, their bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.graph import DimOp
from neuralc.dialects.types import Shape, numpy_dtype
from neuralc.emit.nr.sizes import symbol_of
from neuralc.emit.nr.values import Value
from neuralc.frontends.sizes import LARGEST

BATCH = "batch"


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
    ports = []
    for name, value in zip(names, values, strict=True):
        shape = value.shape if batch is None or value.shape[:1] != (batch,) else value.shape[1:]
        sizes = [_size(size, name, axis, renamed, named) for axis, size in enumerate(shape)]
        brackets = "()" if len(shape) < value.rank else "[]"
        dtype = numpy_dtype(value.element).name
        shown = f"{brackets[0]}{', '.join(sizes)}{brackets[1]}{'' if dtype == 'float32' else f' {dtype}'}"
        ports.append(shown if len(names) == 1 and name == "input" else f"{name}: {shown}")
    for symbol, dim in dims.items():
        used = renamed.get(symbol, symbol)
        low, high = dim.minimum.data.value, None if dim.maximum is None else dim.maximum.data.value
        if used not in {BATCH, *(s for value in values for size in value.shape for s in as_dim(size).symbols)}:
            continue
        said += [f"{used} >= {low}"] if low > 1 else []
        said += [f"{used} <= {high}"] if high is not None and high < LARGEST else []
    said += [f"{name} == {size}" for name, size in named.items()]
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


def _size(size: int | Dim, port: str, axis: int, renamed: Mapping[str, str], named: dict[str, str]) -> str:
    if isinstance(size, int):
        return str(size)
    symbol = symbol_of(size)
    if symbol is not None:
        return renamed.get(symbol, symbol)
    text = str(size)
    if "(" in text:
        raise ValueError(f"the size {text} of the input `{port}` is no sum of products")
    name = next((name for name, known in named.items() if known == text), f"{port}_dim{axis + 1}")
    named[name] = text
    return name


def batch_shape(shape: Shape, batch: int | Dim | None) -> bool:
    return batch is not None and shape[:1] == (batch,)
