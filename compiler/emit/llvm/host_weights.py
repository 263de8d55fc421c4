"""The weights of an artifact: one block of bytes, each weight at a multiple of 64.

Code knows a weight as an offset into the block. A library holds the block as read-only data; a model that runs in this
process reads it where numpy put it. It is made weight by weight, and what was mapped from a file is let go again, so
that no second copy of all of them exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import WeightOp as WeightDeclaration
from neuralc.dialects.graph import symbols
from neuralc.dialects.interp.run import materialize
from neuralc.dialects.kernel import HostOp, RefType, WeightOp
from neuralc.dialects.types import element_of, numpy_dtype, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import error
from neuralc.passes.locations import span_of

ALIGNMENT = 64

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Place:
    """Where a weight lies in the block."""

    offset: int
    size: int
    dtype: np.dtype[np.generic]


@dataclass(frozen=True)
class WeightLayout:
    """The places of all weights that a host program reads or its states begin with, and the size of the block."""

    places: Mapping[str, Place]
    size: int

    @staticmethod
    def of(host: HostOp, initial: Iterable[WeightDeclaration] = ()) -> WeightLayout:
        """`initial` are those that states begin with. Raises E0840 for one that is not dense and of constant size."""
        types: dict[str, RefType] = {}
        for op in host.walk():
            if isinstance(op, WeightOp) and op.weight_name not in types:
                type_ = op.result.type
                if not isinstance(type_, RefType) or type_.symbols or not type_.is_dense:
                    raise error("E0840", f"weight @{op.weight_name} is not dense: {type_}", span_of(op.location))
                types[op.weight_name] = type_
        for weight in initial:
            types.setdefault(weight.sym_name.data, RefType.of(shape_of(weight.type), element_of(weight.type)))
        places: dict[str, Place] = {}
        end = 0
        for name, type_ in types.items():
            places[name] = Place(end, type_.bytes.value, numpy_dtype(type_.element_type))
            end = _aligned(end + places[name].size)
        return WeightLayout(places, end)


def fill(layout: WeightLayout, module: ModuleOp, store: WeightStore) -> Bytes:
    """The block, 64-byte aligned. Raises E0504 for a weight without values."""
    block, end = aligned_bytes(layout.size), 0
    for chunk in chunks(layout, module, store):
        block[end : end + len(chunk)] = np.frombuffer(chunk, np.uint8)
        end += len(chunk)
    return block


def chunks(layout: WeightLayout, module: ModuleOp, store: WeightStore) -> Iterator[memoryview]:
    """The bytes of the block in order, a weight at a time. Raises E0504 for a weight without values."""
    table = symbols(module)
    end = 0
    for name, place in layout.places.items():
        declared = table.get(name)
        if not isinstance(declared, WeightDeclaration):
            raise error("E0490", f"kernel.weight of @{name}, which the module does not declare")
        if numpy_dtype(element_of(declared.type)) != place.dtype:
            raise error("E0490", f"kernel.weight @{name} is read as {place.dtype}, declared as {declared.type}")
        values: NDArray[Any] = materialize(module, store, name)
        if values.nbytes != place.size:
            raise error("E0490", f"kernel.weight @{name} is {place.size} bytes, its values are {values.nbytes}")
        yield memoryview(bytes(place.offset - end))
        end = place.offset + place.size
        yield np.ascontiguousarray(values).reshape(-1).view(np.uint8).data
        store.release()
    yield memoryview(bytes(layout.size - end))


def aligned_bytes(size: int) -> Bytes:
    """Zeros that begin at a multiple of 64."""
    raw = np.zeros(size + ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size]


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
