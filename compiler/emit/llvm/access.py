"""Loads and stores in LLVM: addresses with folded constants, whole vectors where memory is contiguous, masks by lane.

An access is written vector by vector, in one of three forms, which follow from the stride of the last tile dim:

| last dim                | load                                | store |
|-------------------------|-------------------------------------|-------|
| contiguous              | one vector, `llvm.masked.load` where lanes are cut off | one vector, `llvm.masked.store` |
| stride 0                | one scalar in all lanes             | lane by lane |
| other strides, gathers  | lane by lane                        | lane by lane |

A whole scalar or vector that is masked out goes to a scratch address instead: no branches, and every address is valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from xdsl.ir import Attribute

from neuralc.dialects.kernel.types import TileType
from neuralc.emit.llvm.addresses import Addresses
from neuralc.emit.llvm.instructions import constant, from_lanes, intrinsic, lane, splat
from neuralc.emit.llvm.types import (
    POINTER,
    Grid,
    Value,
    alignment,
    empty_grid,
    from_memory,
    in_memory,
    lanes,
    to_memory,
    with_lanes,
)

SCRATCH_BYTES = 512
"""Room for the widest vector any tile has: 64 lanes of eight bytes."""


@dataclass(frozen=True)
class Access:
    """One load or store."""

    builder: Any
    addresses: Addresses
    promised: int | None = None
    """The alignment in bytes that the op promises for every vector."""

    @property
    def tile(self) -> TileType:
        return self.addresses.tile

    # -- whole tiles -------------------------------------------------------------------------------------------------

    def load(self, other: float | int) -> Grid:
        out = empty_grid(self.tile)
        for place in np.ndindex(*out.shape):
            out[place] = self._load_vector(self._first_element(place), other)
        return out

    def store(self, value: Grid) -> None:
        for place in np.ndindex(*value.shape):
            self._store_vector(self._first_element(place), value[place])

    def _first_element(self, place: tuple[int, ...]) -> tuple[int, ...]:
        return (*place[:-1], place[-1] * lanes(self.tile)) if place else ()

    # -- one vector --------------------------------------------------------------------------------------------------

    def _load_vector(self, element: tuple[int, ...], other: float | int) -> Value:
        count = lanes(self.tile)
        if count == 1:
            return self._load_whole(element, 1, other)
        if self.addresses.vector_stride == 1:
            mask = self.addresses.lane_mask(element)
            return self._load_whole(element, count, other) if mask is None else self._load_lanes(element, mask, other)
        if self.addresses.vector_stride == 0 and not self.addresses.masked_along_lanes:
            return splat(self.builder, self._load_whole(element, 1, other), count)
        each = [self._load_whole((*element[:-1], element[-1] + i), 1, other) for i in range(count)]
        return from_lanes(self.builder, each)

    def _store_vector(self, element: tuple[int, ...], value: Value) -> None:
        count = lanes(self.tile)
        if count > 1 and self.addresses.vector_stride != 1:
            for i in range(count):
                self._store_whole((*element[:-1], element[-1] + i), lane(self.builder, value, i))
            return
        mask = self.addresses.lane_mask(element) if count > 1 else None
        if mask is None:
            self._store_whole(element, value)
            return
        args = [self._to_memory(value), self.addresses.address(element), mask]
        call = intrinsic(self.builder, "masked.store", args, ir.VoidType(), [args[0].type, POINTER])
        call.arg_attributes[1] = aligned(self._alignment(1))

    def _load_whole(self, element: tuple[int, ...], count: int, other: float | int) -> Value:
        """A scalar, or a vector that is inside or outside as a whole."""
        address, condition = self._safe_address(element)
        value = self.builder.load(address, align=self._alignment(count), typ=self._memory_type(count))
        value = self._from_memory(value)
        return value if condition is None else self.builder.select(condition, value, constant(value.type, other))

    def _load_lanes(self, element: tuple[int, ...], mask: Value, other: float | int) -> Value:
        type_ = self._memory_type(lanes(self.tile))
        args = [self.addresses.address(element), mask, constant(type_, other)]
        value = intrinsic(self.builder, "masked.load", args, type_, [type_, POINTER])
        value.arg_attributes[0] = aligned(self._alignment(1))
        return self._from_memory(value)

    def _store_whole(self, element: tuple[int, ...], value: Value) -> None:
        address, _ = self._safe_address(element)
        self.builder.store(self._to_memory(value), address, align=alignment(self._element_type))

    def _safe_address(self, element: tuple[int, ...]) -> tuple[Value, Value | None]:
        """An address that may be read and written, and the condition under which it is the element's own."""
        condition, address = self.addresses.condition(element), self.addresses.address(element)
        if condition is None:
            return address, None
        return self.builder.select(condition, address, self.addresses.scope.scratch()), condition

    # -- types -------------------------------------------------------------------------------------------------------

    @property
    def _element_type(self) -> Attribute:
        return self.addresses.ref.element_type

    def _memory_type(self, count: int) -> Any:
        return with_lanes(in_memory(self._element_type), count)

    def _alignment(self, count: int) -> int:
        natural = alignment(self._element_type)
        return max(self.promised or 0, natural) if count == lanes(self.tile) > 1 else natural

    def _from_memory(self, value: Value) -> Value:
        return from_memory(self.builder, self._element_type, value)

    def _to_memory(self, value: Value) -> Value:
        return to_memory(self.builder, self._element_type, value)


def aligned(bytes_: int) -> Any:
    """The attribute of a pointer argument that says how it is aligned."""
    attributes = ir.values.ArgumentAttributes()
    attributes.align = bytes_
    return attributes
