"""Addresses and masks of loads and stores.

    kernel.load %x[%m0 over 0 masked, %k over 1]   ->   offs_m = m0 + tl.arange(0, 64)
                                                        offs_k = k + tl.arange(0, 16)
                                                        tl.load(x + offs_m[:, None] * 784 + offs_k[None, :],
                                                                mask=offs_m[:, None] < batch, other=0.0)

Each range of consecutive places is one variable, made where its start is known and used by every access that spans it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from xdsl.dialects.builtin import IntegerType
from xdsl.ir import SSAValue

from neuralc.dialects import kernel
from neuralc.emit.python.expressions import Expression, binary, name
from neuralc.emit.triton.bounds import is_non_negative
from neuralc.emit.triton.layout import Argument, chain
from neuralc.emit.triton.scope import Scope, constant_index, subscript, tile_type
from neuralc.emit.triton.sizes import size_expression

Start = SSAValue | int


class Ranges:
    """The variables of a kernel that hold consecutive places, named by the kernel's own iota where it has one."""

    def __init__(self, func: kernel.FuncOp, scope: Scope) -> None:
        self._scope = scope
        self._names: dict[tuple[Start, int], str] = {}
        self._sizes: dict[Start, list[int]] = {}
        self._hints: dict[tuple[Start, int], str] = {}
        for op in func.walk():
            if isinstance(op, kernel.LoadOp | kernel.StoreOp):
                for index in op.indices:
                    if index.over is not None and not index.is_gather:
                        sizes = self._sizes.setdefault(constant_index(index.place), [])
                        size = op.tile_type.shape[index.over]
                        sizes += [size] if size not in sizes else []
            elif isinstance(op, kernel.IotaOp) and op.result.name_hint:
                self._hints.setdefault(_key(op), op.result.name_hint)

    @property
    def constant_starts(self) -> list[int]:
        return [start for start in self._sizes if isinstance(start, int)]

    def starting_at(self, start: Start) -> list[tuple[str, Expression]]:
        """The assignments to make once `start` is known: variable and value."""
        made = []
        for size in self._sizes.get(start, ()):
            variable = self._scope.claim(self._hints.get((start, size)) or self._wanted_name(start, size))
            self._names[start, size] = variable
            span = name(f"tl.arange(0, {size})")
            first = name(str(start)) if isinstance(start, int) else self._scope.text(start)
            made.append((variable, span if start == 0 else binary("+", first, span)))
        return made

    def variable(self, start: Start, size: int) -> Expression:
        return name(self._names[start, size])

    def of_iota(self, op: kernel.IotaOp) -> Expression | None:
        """The variable that already holds what an iota makes."""
        made = self._names.get(_key(op))
        return name(made) if made is not None and tile_type(op.result).element_type == IntegerType(32) else None

    def _wanted_name(self, start: Start, size: int) -> str:
        if isinstance(start, int):
            alone = self.constant_starts == [start] and self._sizes[start] == [size]
            return "offs" if alone else f"offs_{size}"
        stem = re.sub(r"_?\d+$", "", start.name_hint or "")
        return f"offs_{stem}" if stem else "offs"


def _key(op: kernel.IotaOp) -> tuple[Start, int]:
    """Start and size of an iota."""
    return constant_index(0 if op.start is None else op.start), tile_type(op.result).shape[0]


class Access:
    """One load or store: its address and mask."""

    def __init__(
        self, op: kernel.LoadOp | kernel.StoreOp, scope: Scope, ranges: Ranges, dims: Mapping[str, str]
    ) -> None:
        self._op, self._scope, self._ranges, self._dims = op, scope, ranges, dims
        self._rank = op.tile_type.rank

    def address(self) -> Argument:
        ref = self._op.ref_type
        terms, constant = [str(self._scope.text(self._op.ref))], 0
        for index, stride in zip(self._op.indices, ref.strides, strict=True):
            place = constant_index(index.place)
            if isinstance(place, int) and index.over is None and isinstance(stride, int):
                constant += place * stride
                continue
            if stride == 0 and index.over is None:
                continue
            offset = self._place(index)
            if stride != 1:
                offset = binary("*", offset, size_expression(stride, self._dims))
            terms.append(str(offset))
        if constant:
            terms.append(str(constant))
        return chain("+", terms)

    def mask(self) -> Argument | None:
        """The condition that every masked dim is inside; None where no dim is masked."""
        conditions: list[str] = []
        for index, size in zip(self._op.indices, self._op.ref_type.shape, strict=True):
            if index.masked:
                place = self._place(index)
                if not is_non_negative(index.place):
                    conditions.append(f"({binary('>=', place, name('0'))})")
                conditions.append(f"({binary('<', place, size_expression(size, self._dims))})")
        if len(conditions) == 1:  # parentheses are for what stands between two `&`
            conditions = [conditions[0][1:-1]]
        return chain("&", conditions, "mask") if conditions else None

    def _place(self, index: kernel.Index) -> Expression:
        start = constant_index(index.place)
        if index.over is None:
            return name(str(start)) if isinstance(start, int) else self._scope.text(start)
        kept = tuple(dim == index.over for dim in range(self._rank))
        if index.is_gather and isinstance(start, SSAValue):
            return subscript(self._scope.exact(start), kept) if tile_type(start).rank else self._scope.text(start)
        return subscript(self._ranges.variable(start, self._op.tile_type.shape[index.over]), kept)
