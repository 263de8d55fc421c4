"""Writes kernels: a cursor with one method per op, used by tensor-to-kernel, by passes and by tests.

with_builder = KernelBuilder("scale", ["n"], [("x", RefType.of([n], f32)), ("y", RefType.of([n], f32))])
x, y = with_builder.references
tile = with_builder.load(x, [Index(start, over=0)], TileType.of([8], f32, 8))
...
func = with_builder.finish(grid)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xdsl.dialects.builtin import IndexType, IntegerAttr, LocationAttr, UnknownLoc
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from neuralc.dialects import arith, scalar
from neuralc.dialects.dims import Dim, Function
from neuralc.dialects.kernel.indirect import CheckOp, GatherOp, ScatterOp, ToIndexOp
from neuralc.dialects.kernel.memory import Index, LoadOp, LocalOp, PrefetchOp, StoreOp
from neuralc.dialects.kernel.structure import FuncOp, LoopOp, ProgramIdOp, ReturnOp, YieldOp
from neuralc.dialects.kernel.tiles import (
    BroadcastOp,
    ConvertOp,
    DotOp,
    IotaOp,
    MapOp,
    ReduceOp,
    ReshapeOp,
    SplatOp,
    TransposeOp,
)
from neuralc.dialects.kernel.types import RefType, TileType

IndexLike = SSAValue | int


class KernelBuilder:
    """Builds one kernel.func; index arithmetic on constants is folded on the way."""

    def __init__(self, name: str, dims: Sequence[str], references: Sequence[tuple[str, RefType]]) -> None:
        self.name = name
        self.dims = list(dims)
        self.location: LocationAttr = UnknownLoc()
        self._block = Block(arg_types=[*[IndexType()] * len(dims), *[type_ for _, type_ in references]])
        self._root = self._block
        self._constants: dict[int, SSAValue] = {}
        for argument, hint in zip(self._block.args, [*dims, *[hint for hint, _ in references]], strict=True):
            argument.name_hint = hint
        # By the names given: a printed hint may lose its number.
        self._named = dict(zip((hint for hint, _ in references), self.references, strict=True))

    def reference(self, name: str) -> SSAValue:
        """The memory argument of a name."""
        return self._named[name]

    @property
    def references(self) -> Sequence[SSAValue]:
        return self._root.args[len(self.dims) :]

    def dim(self, name: str) -> SSAValue:
        """The index value of a listed dim."""
        return self._root.args[self.dims.index(name)]

    def add(self, op: Operation, hint: str | None = None) -> SSAValue:
        """Append an op with one result."""
        self.append(op)
        if hint:
            op.results[0].name_hint = hint
        return op.results[0]

    def append(self, op: Operation) -> None:
        if isinstance(op.location, UnknownLoc):
            op.location = self.location
        self._block.add_op(op)

    # -- index arithmetic --------------------------------------------------------------------------------------------

    def index(self, value: IndexLike) -> SSAValue:
        """An index value; constants are made once, at the start of the kernel."""
        if isinstance(value, SSAValue):
            return value
        if value not in self._constants:
            op = arith.ConstantOp(IntegerAttr(value, IndexType()))
            op.location = self.location
            op.result.name_hint = f"c{value}"
            first = self._root.first_op
            if first is None:
                self._root.add_op(op)
            else:
                self._root.insert_op_before(op, first)
            self._constants[value] = op.result
        return self._constants[value]

    def size(self, dim: int | Dim) -> IndexLike:
        """The value of a dim expression: a constant, or index arithmetic over the dim arguments."""
        if isinstance(dim, int):
            return dim
        total: IndexLike = 0
        for monomial, coefficient in dim.terms:
            factor: IndexLike = coefficient
            for atom in monomial:
                if isinstance(atom, Function):
                    lhs, rhs = self.size(atom.lhs), self.size(atom.rhs)
                    factor = self.mul(factor, self._function(atom.name, lhs, rhs))
                else:
                    factor = self.mul(factor, self.dim(atom.name))
            total = self.plus(total, factor)
        return total

    def _function(self, name: str, lhs: IndexLike, rhs: IndexLike) -> IndexLike:
        match name:
            case "floordiv":
                return self.div(lhs, rhs)
            case "ceildiv":
                return self.div(self.minus(self.plus(lhs, rhs), 1), rhs)
            case "mod":
                return self.rem(lhs, rhs)
            case "min":
                return self.minimum(lhs, rhs)
            case _:
                return self.maximum(lhs, rhs)

    def plus(self, lhs: IndexLike, rhs: IndexLike, hint: str | None = None) -> IndexLike:
        if isinstance(lhs, int) and isinstance(rhs, int):
            return lhs + rhs
        if lhs == 0 or rhs == 0:
            return rhs if lhs == 0 else lhs
        return self.add(arith.AddiOp(self.index(lhs), self.index(rhs)), hint)

    def minus(self, lhs: IndexLike, rhs: IndexLike, hint: str | None = None) -> IndexLike:
        if isinstance(lhs, int) and isinstance(rhs, int):
            return lhs - rhs
        return lhs if rhs == 0 else self.add(arith.SubiOp(self.index(lhs), self.index(rhs)), hint)

    def mul(self, lhs: IndexLike, rhs: IndexLike, hint: str | None = None) -> IndexLike:
        if isinstance(lhs, int) and isinstance(rhs, int):
            return lhs * rhs
        if lhs == 0 or rhs == 0:
            return 0
        if lhs == 1 or rhs == 1:
            return rhs if lhs == 1 else lhs
        return self.add(arith.MuliOp(self.index(lhs), self.index(rhs)), hint)

    def div(self, lhs: IndexLike, rhs: IndexLike, hint: str | None = None) -> IndexLike:
        """Floor division of non-negative values."""
        if isinstance(lhs, int) and isinstance(rhs, int):
            return lhs // rhs
        return lhs if rhs == 1 else self.add(arith.DivUIOp(self.index(lhs), self.index(rhs)), hint)

    def rem(self, lhs: IndexLike, rhs: IndexLike, hint: str | None = None) -> IndexLike:
        """Remainder of non-negative values."""
        if isinstance(lhs, int) and isinstance(rhs, int):
            return lhs % rhs
        return 0 if rhs == 1 else self.add(arith.RemUIOp(self.index(lhs), self.index(rhs)), hint)

    def minimum(self, lhs: IndexLike, rhs: IndexLike, hint: str | None = None) -> IndexLike:
        if isinstance(lhs, int) and isinstance(rhs, int):
            return min(lhs, rhs)
        return self.add(arith.MinSIOp(self.index(lhs), self.index(rhs)), hint)

    def maximum(self, lhs: IndexLike, rhs: IndexLike, hint: str | None = None) -> IndexLike:
        if isinstance(lhs, int) and isinstance(rhs, int):
            return max(lhs, rhs)
        return self.add(arith.MaxSIOp(self.index(lhs), self.index(rhs)), hint)

    def program_id(self, hint: str = "program") -> SSAValue:
        return self.add(ProgramIdOp(), hint)

    def unravel(self, linear: IndexLike, sizes: Sequence[int | Dim], hints: Sequence[str]) -> list[IndexLike]:
        """Row-major coordinates of a linear index; the first size is not needed to compute them."""
        out: list[IndexLike] = []
        rest = linear
        for size, hint in list(zip(sizes, hints, strict=True))[:0:-1]:
            value = self.size(size)
            out.append(self.rem(rest, value, hint))
            rest = self.div(rest, value)
        if isinstance(rest, SSAValue) and rest is not linear and sizes:
            rest.name_hint = hints[0]
        return [rest, *reversed(out)] if sizes else []

    # -- tiles -------------------------------------------------------------------------------------------------------

    def splat(self, value: float | int | SSAValue, tile: TileType, hint: str | None = None) -> SSAValue:
        if isinstance(value, SSAValue):
            return self.add(SplatOp.of(value, result=tile), hint)
        return self.add(SplatOp.of(result=tile, value=value), hint)

    def iota(self, start: IndexLike, tile: TileType, hint: str | None = None) -> SSAValue:
        return self.add(IotaOp.of(*([] if start == 0 else [self.index(start)]), result=tile), hint)

    def map(self, function: str, *args: SSAValue, hint: str | None = None) -> SSAValue:
        return self.add(MapOp.of(*args, fn=function), hint)

    def broadcast(self, source: SSAValue, dims: Sequence[int], tile: TileType, hint: str | None = None) -> SSAValue:
        if source.type == tile:
            return source
        return self.add(BroadcastOp.of(source, result=tile, dims=tuple(dims)), hint)

    def reshape(self, source: SSAValue, shape: Sequence[int], hint: str | None = None) -> SSAValue:
        tile = tile_of(source).with_shape(shape)
        return source if source.type == tile else self.add(ReshapeOp.of(source, result=tile), hint)

    def transpose(self, source: SSAValue, perm: Sequence[int], hint: str | None = None) -> SSAValue:
        return self.add(TransposeOp.of(source, perm=tuple(perm)), hint)

    def convert(self, source: SSAValue, tile: TileType, hint: str | None = None) -> SSAValue:
        return source if source.type == tile else self.add(ConvertOp.of(source, result=tile), hint)

    def reduce(self, kind: str, source: SSAValue, axis: int, hint: str | None = None) -> SSAValue:
        tile = tile_of(source)
        scalar.identity(kind, tile.element_type)
        shape = tile.shape[:axis] + tile.shape[axis + 1 :]
        lanes = tile.lanes if axis != tile.rank - 1 else min(tile.lanes, 1)
        return self.add(
            ReduceOp.of(source, result=TileType.of(shape, tile.element_type, lanes), kind=kind, axis=axis), hint
        )

    def dot(
        self, lhs: SSAValue, rhs: SSAValue, acc: SSAValue, precision: str = "ieee", hint: str | None = None
    ) -> SSAValue:
        return self.add(DotOp.of(lhs, rhs, acc, precision=precision), hint)

    # -- memory and structure ----------------------------------------------------------------------------------------

    def load(
        self,
        ref: SSAValue,
        indices: Sequence[Index],
        tile: TileType,
        *,
        other: float | int | None = None,
        align: int | None = None,
        hint: str | None = None,
    ) -> SSAValue:
        return self.add(LoadOp(ref, indices, tile, other=other, align=align), hint)

    def store(self, value: SSAValue, ref: SSAValue, indices: Sequence[Index]) -> None:
        self.append(StoreOp(value, ref, indices))

    def prefetch(self, ref: SSAValue, offset: IndexLike) -> None:
        """The cache line `offset` elements behind the start of `ref` is wanted soon."""
        self.append(PrefetchOp.of(ref, self.index(offset)))

    def gather(
        self,
        ref: SSAValue,
        offsets: SSAValue,
        mask: SSAValue | None = None,
        *,
        other: float | int | None = None,
        hint: str | None = None,
    ) -> SSAValue:
        """The elements at `offsets` (i64 or i32, in elements from the start of `ref`); `other` where masked out."""
        properties: dict[str, Any] = {} if other is None else {"other": other}
        return self.add(GatherOp.of(ref, offsets, *([] if mask is None else [mask]), **properties), hint)

    def scatter(self, value: SSAValue, ref: SSAValue, offsets: SSAValue, mask: SSAValue | None = None) -> None:
        self.append(ScatterOp.of(value, ref, offsets, *([] if mask is None else [mask])))

    def check(self, ok: SSAValue, status: SSAValue, code: int) -> None:
        """The run fails with `code` (910, 911) unless every value of the i1 tile is true; the program goes on."""
        self.append(CheckOp.of(ok, status, code=code))

    def to_index(self, source: SSAValue, hint: str | None = None) -> SSAValue:
        """A rank-0 integer tile as an index value."""
        return self.add(ToIndexOp.of(source), hint)

    def local(self, type_: RefType, hint: str | None = None) -> SSAValue:
        return self.add(LocalOp(type_), hint)

    def memory(self, name: str, type_: RefType) -> SSAValue:
        """Scratch memory of one program that `reference` gives by its name."""
        return self._named.setdefault(name, self.local(type_, name))

    def loop(
        self,
        lower: IndexLike,
        upper: IndexLike,
        step: int,
        initial: Sequence[SSAValue],
        body: Callable[..., Sequence[SSAValue]],
        hint: str = "k",
    ) -> list[SSAValue]:
        """`body(counter, *carried)` appends the loop's ops and gives the values of the next round."""
        block = Block(arg_types=[IndexType(), *[value.type for value in initial]])
        block.args[0].name_hint = hint
        for argument, value in zip(block.args[1:], initial, strict=True):
            argument.name_hint = value.name_hint
        outer, self._block = self._block, block
        values = body(*block.args)
        self.append(YieldOp(list(values or ())))
        self._block = outer
        op = LoopOp(lower, upper, step, initial, Region(block))
        self.append(op)
        for result, value in zip(op.res, initial, strict=True):
            result.name_hint = value.name_hint
        return list(op.res)

    def finish(self, grid: Dim | int, attributes: dict[str, Attribute] | None = None) -> FuncOp:
        self.append(ReturnOp())
        size = grid if isinstance(grid, Dim) else Dim.constant(grid)
        func = FuncOp(self.name, self.dims, size, Region(self._root), attributes)
        func.location = self.location
        return func


def tile_of(value: SSAValue) -> TileType:
    """The tile type of a value. Raises TypeError for another type: the caller built it."""
    if not isinstance(value.type, TileType):
        raise TypeError(f"expected a tile, got {value.type}")
    return value.type
