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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any

import numpy as np
from llvmlite import ir
from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel.memory import Index
from neuralc.dialects.kernel.types import RefType, TileType
from neuralc.emit.llvm.index import ZERO, IndexArithmetic, IndexValue
from neuralc.emit.llvm.instructions import constant, from_lanes, intrinsic, lane, lane_numbers, splat
from neuralc.emit.llvm.types import (
    I1,
    I32,
    I64,
    POINTER,
    Grid,
    Value,
    alignment,
    empty_grid,
    in_memory,
    is_signed,
    lanes,
    with_lanes,
)

SCRATCH_BYTES = 512
"""Room for the widest vector any tile has: 64 lanes of eight bytes."""


@dataclass
class Scope:
    """What an access needs to know of the function around it."""

    builder: Any
    index: IndexArithmetic
    size: Callable[[int | Dim], IndexValue]
    """The value of a dim expression."""
    scratch: Callable[[], Value]
    """An address that may always be read and written."""


@dataclass
class Access:
    """One load or store: the ref, its indices, and what has been computed for them so far."""

    scope: Scope
    pointer: Value
    ref: RefType
    indices: Sequence[Index]
    places: Mapping[SSAValue, IndexValue | Grid]
    tile: TileType
    promised: int | None = None
    """The alignment in bytes that the op promises for every vector."""
    _bases: dict[tuple[tuple[int, int], ...], Value] = field(default_factory=dict)
    _addresses: dict[tuple[str, int], Value] = field(default_factory=dict)
    _conditions: dict[tuple[int, int], Value] = field(default_factory=dict)
    _lane_masks: dict[tuple[int, int], Value] = field(default_factory=dict)

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
        if self._vector_stride == 1:
            mask = self._lane_mask(element)
            return self._load_whole(element, count, other) if mask is None else self._load_lanes(element, mask, other)
        if self._vector_stride == 0 and not self._masked_along_lanes:
            return splat(self.scope.builder, self._load_whole(element, 1, other), count)
        each = [self._load_whole((*element[:-1], element[-1] + i), 1, other) for i in range(count)]
        return from_lanes(self.scope.builder, each)

    def _store_vector(self, element: tuple[int, ...], value: Value) -> None:
        count = lanes(self.tile)
        if count > 1 and self._vector_stride != 1:
            for i in range(count):
                self._store_whole((*element[:-1], element[-1] + i), lane(self.scope.builder, value, i))
            return
        mask = self._lane_mask(element) if count > 1 else None
        if mask is None:
            self._store_whole(element, value)
            return
        builder = self.scope.builder
        value = self._to_memory(value)
        address, mask = self._address(element), self._with_conditions(mask, element)
        call = intrinsic(builder, "masked.store", [value, address, mask], ir.VoidType(), [value.type, POINTER])
        call.arg_attributes[1] = _aligned(self._alignment(1))

    def _load_whole(self, element: tuple[int, ...], count: int, other: float | int) -> Value:
        builder = self.scope.builder
        condition = self._condition(element)
        address = self._address(element)
        if condition is not None:
            address = builder.select(condition, address, self.scope.scratch())
        value = builder.load(address, align=self._alignment(count), typ=self._memory_type(count))
        value = self._from_memory(value)
        if condition is None:
            return value
        return builder.select(condition, value, constant(value.type, other))

    def _load_lanes(self, element: tuple[int, ...], mask: Value, other: float | int) -> Value:
        type_ = self._memory_type(lanes(self.tile))
        args = [self._address(element), self._with_conditions(mask, element), constant(type_, other)]
        value = intrinsic(self.scope.builder, "masked.load", args, type_, [type_, POINTER])
        value.arg_attributes[0] = _aligned(self._alignment(1))
        return self._from_memory(value)

    def _store_whole(self, element: tuple[int, ...], value: Value) -> None:
        builder = self.scope.builder
        condition = self._condition(element)
        address = self._address(element)
        if condition is not None:
            address = builder.select(condition, address, self.scope.scratch())
        builder.store(self._to_memory(value), address, align=alignment(self._element_type))

    # -- types -------------------------------------------------------------------------------------------------------

    @property
    def _element_type(self) -> Attribute:
        return self.ref.element_type

    def _memory_type(self, count: int) -> Any:
        return with_lanes(in_memory(self._element_type), count)

    def _alignment(self, count: int) -> int:
        natural = alignment(self._element_type)
        return max(self.promised or 0, natural) if count == lanes(self.tile) > 1 else natural

    def _from_memory(self, value: Value) -> Value:
        if self._element_type != i1:
            return value
        return self.scope.builder.icmp_unsigned("!=", value, constant(value.type, 0))

    def _to_memory(self, value: Value) -> Value:
        if self._element_type != i1:
            return value
        return self.scope.builder.zext(value, self._memory_type(lanes(self.tile) if value.type != I1 else 1))

    # -- addresses ---------------------------------------------------------------------------------------------------

    @cached_property
    def _strides(self) -> tuple[int | Dim, ...]:
        return self.ref.strides

    @cached_property
    def _along_lanes(self) -> list[int]:
        """The ref dims that move along the last tile dim."""
        return [number for number, index in enumerate(self.indices) if index.over == self.tile.rank - 1]

    @cached_property
    def _vector_stride(self) -> int | Dim | None:
        """The stride along the lanes; None for a gather, or where several ref dims move."""
        if len(self._along_lanes) != 1 or self.indices[self._along_lanes[0]].is_gather:
            return None
        return self._strides[self._along_lanes[0]]

    @property
    def _masked_along_lanes(self) -> list[int]:
        return [number for number in self._along_lanes if self.indices[number].masked]

    def _address(self, element: tuple[int, ...]) -> Value:
        """base + what is known at run time (shared by all elements with the same gathered rows) + a constant."""
        displacement, varying = self._start.constant, []
        for number, (index, stride) in enumerate(zip(self.indices, self._strides, strict=True)):
            if index.over is None:
                continue
            step = element[index.over]
            if index.is_gather or (isinstance(stride, Dim) and step):
                varying.append((number, step))
            elif isinstance(stride, int):
                displacement += step * stride
        base = self._base(tuple(varying))
        if displacement == 0:
            return base
        key = (base.get_reference(), displacement)
        if key not in self._addresses:
            self._addresses[key] = self._gep(base, ir.Constant(I64, displacement))
        return self._addresses[key]

    def _base(self, varying: tuple[tuple[int, int], ...]) -> Value:
        """The address of the first element of a row, without the constant part of the start."""
        if varying not in self._bases:
            arithmetic = self.scope.index
            offset = IndexValue(self._start.value)
            for number, step in varying:
                index, stride = self.indices[number], self.scope.size(self._strides[number])
                place = self._gathered(index, step) if index.is_gather else IndexValue.of(step)
                offset = arithmetic.add(offset, arithmetic.multiply(place, stride))
            at_start = offset.is_constant and offset.constant == 0
            base = self.pointer if at_start else self._gep(self.pointer, arithmetic.materialize(offset))
            self._bases[varying] = base
        return self._bases[varying]

    @cached_property
    def _start(self) -> IndexValue:
        """The offset of the first element, without gathered dims."""
        arithmetic, total = self.scope.index, ZERO
        for index, stride in zip(self.indices, self._strides, strict=True):
            if not index.is_gather:
                total = arithmetic.add(total, arithmetic.multiply(self._place(index), self.scope.size(stride)))
        return total

    def _gep(self, pointer: Value, offset: Value) -> Value:
        # Not inbounds: a start may lie outside and only its masked part inside.
        return self.scope.builder.gep(pointer, [offset], source_etype=in_memory(self._element_type))

    def _place(self, index: Index) -> IndexValue:
        if isinstance(index.place, int):
            return IndexValue.of(index.place)
        place = self.places[index.place]
        return place if isinstance(place, IndexValue) else ZERO

    def _gathered(self, index: Index, step: int) -> IndexValue:
        """Entry `step` of an index tile, as an index value."""
        if not isinstance(index.place, SSAValue) or not isinstance(index.place.type, TileType):
            return ZERO
        tile, grid = index.place.type, self.places[index.place]
        count = lanes(tile)
        value = lane(self.scope.builder, grid[step // count], step % count) if isinstance(grid, np.ndarray) else None
        wide = value if value.type == I64 else self._extend(tile.element_type, value)
        return IndexValue(wide)

    def _extend(self, element_type: Attribute, value: Value) -> Value:
        builder = self.scope.builder
        return (builder.sext if is_signed(element_type) else builder.zext)(value, I64)

    # -- masks -------------------------------------------------------------------------------------------------------

    def _condition(self, element: tuple[int, ...]) -> Value | None:
        """Whether an element is inside the masked dims; for a whole vector, those that do not move along its lanes."""
        whole_vector = lanes(self.tile) > 1 and self._vector_stride == 1
        parts = [
            self._inside(number, element[index.over] if index.over is not None else 0)
            for number, index in enumerate(self.indices)
            if index.masked and not (whole_vector and number in self._along_lanes)
        ]
        known = [part for part in parts if part is not None]
        return reduce(self.scope.builder.and_, known) if known else None

    def _inside(self, number: int, step: int) -> Value | None:
        """Whether place `step` of a masked dim is inside it; None where that is certain."""
        index, arithmetic = self.indices[number], self.scope.index
        size = self.scope.size(self.ref.shape[number])
        if index.is_gather:
            place = self._gathered(index, step)
        else:
            place = arithmetic.add(self._place(index), IndexValue.of(step))
        if place.is_constant and size.is_constant and 0 <= place.constant < size.constant:
            return None
        if (number, step) not in self._conditions:
            # Unsigned: a place below zero is a large number, outside as well.
            compare = self.scope.builder.icmp_unsigned("<", arithmetic.materialize(place), arithmetic.materialize(size))
            self._conditions[number, step] = compare
        return self._conditions[number, step]

    def _lane_mask(self, element: tuple[int, ...]) -> Value | None:
        """Which lanes of a contiguous vector are inside; None where all are, or where no lane dim is masked."""
        masks = [self._lanes_inside(number, element[-1]) for number in self._masked_along_lanes]
        known = [mask for mask in masks if mask is not None]
        return reduce(self.scope.builder.and_, known) if known else None

    def _lanes_inside(self, number: int, step: int) -> Value | None:
        count, arithmetic, builder = lanes(self.tile), self.scope.index, self.scope.builder
        start = arithmetic.add(self._place(self.indices[number]), IndexValue.of(step))
        left = arithmetic.subtract(self.scope.size(self.ref.shape[number]), start)
        if start.is_constant and start.constant >= 0 and left.is_constant and left.constant >= count:
            return None
        if (number, step) in self._lane_masks:
            return self._lane_masks[number, step]
        numbers = lane_numbers(with_lanes(I32, count))
        mask = builder.icmp_signed("<", numbers, self._lane_bound(left))
        if not (start.nonnegative or (start.is_constant and start.constant >= 0)):
            below = self._lane_bound(arithmetic.subtract(ZERO, start))
            mask = builder.and_(mask, builder.icmp_signed(">=", numbers, below))
        self._lane_masks[number, step] = mask
        return mask

    def _lane_bound(self, bound: IndexValue) -> Value:
        """A lane number to compare with, in all lanes; clamped so that it fits 32 bits."""
        arithmetic, count = self.scope.index, lanes(self.tile)
        clamped = arithmetic.extreme("smax", arithmetic.extreme("smin", bound, IndexValue.of(count)), ZERO)
        if clamped.is_constant:
            return constant(with_lanes(I32, count), clamped.constant)
        narrow = self.scope.builder.trunc(arithmetic.materialize(clamped), I32)
        return splat(self.scope.builder, narrow, count)

    def _with_conditions(self, mask: Value, element: tuple[int, ...]) -> Value:
        condition = self._condition(element)
        if condition is None:
            return mask
        return self.scope.builder.and_(mask, splat(self.scope.builder, condition, lanes(self.tile)))


def _aligned(bytes_: int) -> Any:
    attributes = ir.values.ArgumentAttributes()
    attributes.align = bytes_
    return attributes

