"""Gathers and scatters in LLVM, and the checks in front of them.

| op      | form                                                                                   |
|---------|----------------------------------------------------------------------------------------|
| gather  | `llvm.masked.gather` for elements of four or eight bytes, as processors have it; else lane by lane |
| scatter | lane by lane, in order, so that of equal places the last one stays                     |
| check   | one branch on whether any value is false; behind it an atomic maximum, the same in any order of threads |

A place that is masked out goes to a scratch address where it is one of its own, so that no lane is a branch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from llvmlite import ir

from neuralc.dialects.kernel.types import TileType
from neuralc.emit.llvm.access import aligned
from neuralc.emit.llvm.instructions import constant, from_lanes, intrinsic, lane
from neuralc.emit.llvm.types import (
    I1,
    I32,
    POINTER,
    Grid,
    Value,
    alignment,
    empty_grid,
    from_memory,
    in_memory,
    lanes_of,
    to_memory,
    with_lanes,
)

GATHERED_BYTES = (4, 8)
"""Sizes of elements that x86 and AArch64 gather in one instruction."""


@dataclass(frozen=True)
class Indirect:
    """The elements of a reference at offsets from its start."""

    builder: Any
    pointer: Value
    tile: TileType
    """The tile that is read or written."""
    scratch: Callable[[], Value]
    """An address that may always be read and written."""

    def gather(self, offsets: Grid, mask: Grid | None, other: float | int) -> Grid:
        out = empty_grid(self.tile)
        for place in np.ndindex(*out.shape):
            out[place] = self._gather(offsets[place], None if mask is None else mask[place], other)
        return out

    def scatter(self, value: Grid, offsets: Grid, mask: Grid | None) -> None:
        for place in np.ndindex(*value.shape):
            stored = to_memory(self.builder, self.tile.element_type, value[place])
            addresses = self._addresses(offsets[place], None if mask is None else mask[place])
            for number, address in enumerate(addresses):
                self.builder.store(lane(self.builder, stored, number), address, align=self._alignment)

    # -- one vector --------------------------------------------------------------------------------------------------

    def _gather(self, offsets: Value, mask: Value | None, other: float | int) -> Value:
        count = lanes_of(offsets)
        if count > 1 and self._alignment in GATHERED_BYTES:
            return self._instruction(offsets, mask, other)
        memory = in_memory(self.tile.element_type)
        addresses = self._addresses(offsets, mask)
        loaded = [self.builder.load(address, align=self._alignment, typ=memory) for address in addresses]
        value = from_memory(self.builder, self.tile.element_type, from_lanes(self.builder, loaded))
        return value if mask is None else self.builder.select(mask, value, constant(value.type, other))

    def _instruction(self, offsets: Value, mask: Value | None, other: float | int) -> Value:
        type_ = with_lanes(in_memory(self.tile.element_type), lanes_of(offsets))
        chosen = constant(with_lanes(I1, lanes_of(offsets)), 1) if mask is None else mask
        addresses = self._address(offsets)
        args = [addresses, chosen, constant(type_, other)]
        value = intrinsic(self.builder, "masked.gather", args, type_, [type_, addresses.type])
        value.arg_attributes[0] = aligned(self._alignment)
        return value

    def _addresses(self, offsets: Value, mask: Value | None) -> list[Value]:
        """The address of each lane; of scratch memory where it is masked out."""
        out = []
        for number in range(lanes_of(offsets)):
            address = self._address(lane(self.builder, offsets, number))
            if mask is not None:
                address = self.builder.select(lane(self.builder, mask, number), address, self.scratch())
            out.append(address)
        return out

    def _address(self, offsets: Value) -> Value:
        address = self.builder.gep(self.pointer, [offsets], source_etype=in_memory(self.tile.element_type))
        address.type = with_lanes(POINTER, lanes_of(offsets))  # llvmlite does not count the lanes of an offset
        return address

    @property
    def _alignment(self) -> int:
        return alignment(self.tile.element_type)


def check(builder: Any, function: Any, ok: Grid, status: Value, code: int) -> None:
    """Raise the status to `code` unless every value is true."""
    every: Value = reduce(builder.and_, [ok[place] for place in np.ndindex(*ok.shape)])
    if lanes_of(every) > 1:
        every = intrinsic(builder, "vector.reduce.and", [every], I1, [every.type])
    wrong, after = ir.Block(function, "wrong"), ir.Block(function, "checked")
    builder.cbranch(every, after, wrong)
    function.blocks += [wrong, after]
    builder.position_at_end(wrong)
    builder.atomic_rmw("umax", status, ir.Constant(I32, code), "monotonic")
    builder.branch(after)
    builder.position_at_end(after)
