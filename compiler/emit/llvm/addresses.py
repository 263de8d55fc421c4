"""Addresses and masks of one access: constants folded, what is known at run time computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any

from llvmlite import ir
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel.memory import Index
from neuralc.dialects.kernel.types import RefType, TileType
from neuralc.emit.llvm.index import ZERO, IndexArithmetic, IndexValue
from neuralc.emit.llvm.instructions import constant, lane, lane_numbers, splat
from neuralc.emit.llvm.types import I32, I64, Grid, Value, in_memory, is_signed, lanes, with_lanes


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
class Addresses:
    """Where the elements of a tile are in memory, and which of them are inside of the reference.

    An element is named by its place in the tile; for a vector, by the place of its first lane."""

    scope: Scope
    pointer: Value
    ref: RefType
    indices: Sequence[Index]
    places: Mapping[SSAValue, IndexValue | Grid]
    tile: TileType
    _bases: dict[tuple[tuple[int, int], ...], Value] = field(default_factory=dict)
    _addresses: dict[tuple[str, int], Value] = field(default_factory=dict)
    _conditions: dict[tuple[int, int], Value] = field(default_factory=dict)
    _lane_masks: dict[tuple[int, int], Value] = field(default_factory=dict)

    @cached_property
    def _strides(self) -> tuple[int | Dim, ...]:
        return self.ref.strides

    @cached_property
    def _along_lanes(self) -> list[int]:
        """The ref dims that move along the last tile dim."""
        return [number for number, index in enumerate(self.indices) if index.over == self.tile.rank - 1]

    @cached_property
    def vector_stride(self) -> int | Dim | None:
        """The stride along the lanes; None for a gather, or where several ref dims move."""
        if len(self._along_lanes) != 1 or self.indices[self._along_lanes[0]].is_gather:
            return None
        return self._strides[self._along_lanes[0]]

    @property
    def masked_along_lanes(self) -> list[int]:
        return [number for number in self._along_lanes if self.indices[number].masked]

    def address(self, element: tuple[int, ...]) -> Value:
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
        return self.scope.builder.gep(pointer, [offset], source_etype=in_memory(self.ref.element_type))

    def _place(self, index: Index) -> IndexValue:
        """The scalar part of an index; 0 for an index tile."""
        if isinstance(index.place, int):
            return IndexValue.of(index.place)
        place = self.places[index.place]
        return place if isinstance(place, IndexValue) else ZERO

    def _gathered(self, index: Index, step: int) -> IndexValue:
        """Entry `step` of an index tile, as an index value."""
        if not isinstance(index.place, SSAValue) or not isinstance(index.place.type, TileType):
            return ZERO
        tile, grid = index.place.type, self.places[index.place]
        if isinstance(grid, IndexValue):
            return grid
        value = lane(self.scope.builder, grid[step // lanes(tile)], step % lanes(tile))
        return IndexValue(value if value.type == I64 else self._extend(tile.element_type, value))

    def _extend(self, element_type: Attribute, value: Value) -> Value:
        builder = self.scope.builder
        return (builder.sext if is_signed(element_type) else builder.zext)(value, I64)

    # -- masks -------------------------------------------------------------------------------------------------------

    def condition(self, element: tuple[int, ...]) -> Value | None:
        """Whether an element is inside the masked dims; for a whole vector, those that do not move along its lanes."""
        whole_vector = lanes(self.tile) > 1 and self.vector_stride == 1
        parts = [
            self._inside(number, element[index.over] if index.over is not None else 0)
            for number, index in enumerate(self.indices)
            if index.masked and not (whole_vector and number in self._along_lanes)
        ]
        known = [part for part in parts if part is not None]
        return reduce(self.scope.builder.and_, known) if known else None

    def _inside(self, number: int, step: int) -> Value | None:
        """Whether place `step` of a masked dim is inside it; None where that is certain."""
        if (number, step) in self._conditions:
            return self._conditions[number, step]
        index, arithmetic = self.indices[number], self.scope.index
        size = self.scope.size(self.ref.shape[number])
        offset = self._gathered(index, step) if index.is_gather else IndexValue.of(step)
        place = arithmetic.add(self._place(index), offset)
        if place.is_constant and size.is_constant and 0 <= place.constant < size.constant:
            return None
        # Unsigned: a place below zero is a large number, outside as well.
        compare = self.scope.builder.icmp_unsigned("<", arithmetic.materialize(place), arithmetic.materialize(size))
        self._conditions[number, step] = compare
        return compare

    def lane_mask(self, element: tuple[int, ...]) -> Value | None:
        """Which lanes of a contiguous vector are inside; None where none is cut off along the lanes."""
        masks = [self._lanes_inside(number, element[-1]) for number in self.masked_along_lanes]
        known = [mask for mask in masks if mask is not None]
        if not known:
            return None
        mask = reduce(self.scope.builder.and_, known)
        whole = self.condition(element)
        return (
            mask if whole is None else self.scope.builder.and_(mask, splat(self.scope.builder, whole, lanes(self.tile)))
        )

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
