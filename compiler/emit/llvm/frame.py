"""What is known while one kernel is being written: where the builder stands, and the LLVM values of kernel values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from xdsl.ir import Operation, SSAValue

from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.kernel import FuncOp, TileType
from neuralc.emit.llvm.access import SCRATCH_BYTES
from neuralc.emit.llvm.halves import converts_halves
from neuralc.emit.llvm.index import IndexArithmetic, IndexValue
from neuralc.emit.llvm.names import short
from neuralc.emit.llvm.scalars import Scalars
from neuralc.emit.llvm.tiles import Tiles
from neuralc.emit.llvm.types import I8, POINTER, Grid, Value
from neuralc.grammar.diagnostics import NeuralcError, error
from neuralc.passes.locations import span_of
from neuralc.passes.target import Target


class Frame:
    """One LLVM function and the values that exist in it."""

    def __init__(self, func: FuncOp, function: Any, target: Target) -> None:
        self.func = func
        self.function = function
        self.target = target
        self.builder: Any = ir.IRBuilder(function.append_basic_block("entry"))
        self.index = IndexArithmetic(self.builder)
        self.scalars = Scalars(self.builder, target.has_fma, converts_halves(target))
        self.tiles = Tiles(self.builder, self.scalars)
        self.program = IndexValue.of(0)
        self.values: dict[SSAValue, IndexValue | Grid] = {}
        """Index values and tiles."""
        self.pointers: dict[SSAValue, Value] = {}
        """Where references point."""
        self._symbols: dict[str, IndexValue] = {}
        self._sizes: dict[Dim, IndexValue] = {}
        self._scratch: Value | None = None

    # -- kernel values -----------------------------------------------------------------------------------------------

    def tile(self, value: SSAValue) -> Grid:
        grid = self.values[value]
        if isinstance(grid, IndexValue):
            raise error("E9901", f"an index value stands where {value.type} is wanted")
        return grid

    def place(self, value: SSAValue) -> IndexValue:
        index = self.values[value]
        if not isinstance(index, IndexValue):
            raise error("E9901", f"{value.type} stands where an index value is wanted")
        return index

    def set_tiles(self, values: Sequence[SSAValue], grids: Sequence[Grid]) -> None:
        self.values.update(zip(values, grids, strict=True))

    def name(self, result: SSAValue) -> None:
        """Give the instructions of a value the name it has in the kernel."""
        if result.name_hint is None or result not in self.values:
            return
        written = self.values[result]
        if isinstance(written, IndexValue):
            _rename(written.value, short(result.name_hint))
            return
        for place in np.ndindex(*written.shape):
            _rename(written[place], ".".join([short(result.name_hint), *map(str, place)]))

    # -- sizes -------------------------------------------------------------------------------------------------------

    def set_dim(self, name: str, argument: Value) -> IndexValue:
        self._symbols[name] = IndexValue(argument, 0, True)
        return self._symbols[name]

    def size(self, dim: int | Dim) -> IndexValue:
        """The value of a dim expression, computed where it is first asked for: before the first program."""
        key = as_dim(dim)
        if key not in self._sizes:
            self._sizes[key] = self.index.dim(simplest(key), self._symbols.__getitem__)
        return self._sizes[key]

    # -- memory of the frame -----------------------------------------------------------------------------------------

    def allocate(self, type_: Any, count: int, name: str) -> Value:
        """Memory on the stack, one for all programs and all rounds of loops."""
        with self.builder.goto_entry_block():
            memory = self.builder.alloca(ir.ArrayType(type_, count), name=name)
        memory.align = 64
        memory.type = POINTER  # llvmlite gives an alloca the type of what it points to
        return memory

    def scratch(self) -> Value:
        """Where masked-out scalars and vectors are read from and written to."""
        if self._scratch is None:
            self._scratch = self.allocate(I8, SCRATCH_BYTES, "masked_out")
        return self._scratch


def refuse(op: Operation, reason: str) -> NeuralcError:
    """What kernel-verify-target would have said, for IR that did not pass it."""
    return error("E0830", reason, span_of(op.location), help="`neuralc-opt -p kernel-verify-target` names all of these")


def tile_type(value: SSAValue) -> TileType:
    if not isinstance(value.type, TileType):
        raise error("E9901", f"expected a tile, got {value.type}")
    return value.type


def _rename(value: Value | None, name: str) -> None:
    """Name an instruction that llvmlite has numbered; constants and arguments have no such name."""
    if isinstance(value, ir.Instruction) and value.name.startswith("."):
        value.name = name
