"""How the result of each op is written as an expression; what becomes a statement is not decided here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from xdsl.dialects.builtin import IntegerType, bf16, f16
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import arith, kernel
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import is_float, numpy_dtype
from neuralc.emit.python.expressions import Expression, binary, call, method, name
from neuralc.emit.triton.access import Ranges
from neuralc.emit.triton.functions import CALLED_HELPERS, COMBINE, SPELLINGS, TAKES_NUMBERS, cast
from neuralc.emit.triton.legality import INDEX_OPS
from neuralc.emit.triton.scope import Scope, Written, constant_index, index_of, number_of, subscript, tile_type
from neuralc.emit.triton.types import ELEMENTS


class Values:
    """The expressions of one kernel. `helpers` collects the names of the helper functions they call."""

    def __init__(self, scope: Scope, ranges: Ranges, helpers: set[str]) -> None:
        self._scope, self._ranges, self._helpers = scope, ranges, helpers

    def value(self, op: Operation) -> Written:
        """How the result of an op is written."""
        if isinstance(op, arith.ConstantOp):
            return Written(name(str(index_of(op))))
        if type(op) in INDEX_OPS:
            return Written(self._index(op))
        return _WRITERS[type(op)](self, op)

    def _index(self, op: Operation) -> Expression:
        lhs, rhs = (self._scope.text(operand) for operand in op.operands)
        word = INDEX_OPS[type(op)]
        return call(word, lhs, rhs) if word.startswith("tl.") else binary(word, lhs, rhs)

    def _program_id(self, op: kernel.ProgramIdOp) -> Written:
        return Written(name("tl.program_id(0)"))

    def _to_index(self, op: kernel.ToIndexOp) -> Written:
        return Written(cast(self._scope.exact(op.source), IntegerType(32)))

    def _splat(self, op: kernel.SplatOp) -> Written:
        tile = tile_type(op.result)
        if op.source is None:
            return Written(number_of(tile, op.literal("value")), (), number=True)
        start = self._scope.text(op.source)
        if isinstance(constant_index(op.source), int):
            return Written(start, (), number=True)
        # A loop counter is a plain int in Triton's interpreter: `tl.cast` takes it, the method `.to` would not.
        wide = tile.element_type != IntegerType(32)
        return Written(call("tl.cast", start, name(ELEMENTS[tile.element_type].triton)) if wide else start)

    def _iota(self, op: kernel.IotaOp) -> Written:
        tile, made = tile_type(op.result), self._ranges.of_iota(op)
        if made is not None:
            return Written(made, tile.shape)
        places = name(f"tl.arange(0, {tile.shape[0]})")
        if op.start is not None and str(self._scope.text(op.start)) != "0":
            places = binary("+", self._scope.text(op.start), places)
        return Written(places if tile.element_type == IntegerType(32) else cast(places, tile.element_type), tile.shape)

    def _map(self, op: kernel.MapOp) -> Written:
        function = op.literal("fn")
        written = [self._scope.written(operand) for operand in op.operands]
        # A Python number takes the type of the tensor beside it, and has none on its own.
        values = written[1:] if function == "select" else written
        if function not in TAKES_NUMBERS or all(value.number for value in values):
            written = [self.tensor(operand) for operand in op.operands]
        elif function == "select":
            written[0] = self.tensor(op.operands[0])
        self._helpers.update(CALLED_HELPERS.get(function, ()))
        text = SPELLINGS[function]([value.text for value in written], tile_type(op.operands[-1]).element_type)
        return Written(text, _broadcast_shape([value.shape for value in written]))

    def tensor(self, value: SSAValue) -> Written:
        """A value that is a tensor and not a Python number."""
        written = self._scope.written(value)
        return Written(self._scope.exact(value), tile_type(value).shape) if written.number else written

    def _broadcast(self, op: kernel.BroadcastOp) -> Written:
        source, tile, dims = self._scope.written(op.source), tile_type(op.result), op.literal("dims")
        if not source.shape:
            return source
        kept = tuple(dim in dims for dim in range(tile.rank))
        sizes = dict(zip(dims, source.shape, strict=True))
        return Written(subscript(source.text, kept), tuple(sizes.get(dim, 1) for dim in range(tile.rank)))

    def _reshape(self, op: kernel.ReshapeOp) -> Written:
        tile = tile_type(op.result)
        return Written(call("tl.reshape", self._scope.exact(op.source), name(str(list(tile.shape)))), tile.shape)

    def _transpose(self, op: kernel.TransposeOp) -> Written:
        tile, perm, source = tile_type(op.result), op.literal("perm"), self._scope.exact(op.source)
        text = call("tl.trans", source) if perm == (1, 0) else call("tl.permute", source, name(str(list(perm))))
        return Written(text, tile.shape)

    def _convert(self, op: kernel.ConvertOp) -> Written:
        source, target = tile_type(op.source).element_type, tile_type(op.result).element_type
        written = self.tensor(op.source)
        value, shape = written.text, written.shape
        if is_float(source) and is_integer(target):
            self._helpers.add("to_integer")
            limits = np.iinfo(numpy_dtype(target).name)
            text = call("to_integer", value, name(ELEMENTS[target].triton), int(limits.min), int(limits.max))
            return Written(text, shape)
        return Written(cast(value, target) if source != target else value, shape)

    def _reduce(self, op: kernel.ReduceOp) -> Written:
        tile, kind, axis = tile_type(op.result), op.literal("kind"), op.literal("axis")
        element, source = tile.element_type, self._scope.exact(op.source)
        if kind != "add":
            helper = COMBINE[kind, is_float(element)]
            self._helpers.add(helper)
            return Written(call("tl.reduce", source, axis, name(helper)), tile.shape)
        if element in (f16, bf16):  # accumulated in fp32, as everywhere
            return Written(
                cast(call("tl.sum", method(source, "to", name("tl.float32")), axis=axis), element), tile.shape
            )
        if isinstance(element, IntegerType) and element.width.data < 32:  # tl.sum widens these
            return Written(cast(call("tl.sum", source, axis=axis), element), tile.shape)
        return Written(call("tl.sum", source, axis=axis), tile.shape)

    def _dot(self, op: kernel.DotOp) -> Written:
        lhs, rhs, acc = op.lhs, op.rhs, self._scope.written(op.acc)
        tile = tile_type(op.result)
        arguments: list[Any] = [self._scope.exact(lhs), self._scope.exact(rhs)]
        named: dict[str, Any] = {}
        if not (
            acc.number and float(str(acc.text)) == 0.0 and ELEMENTS[tile.element_type].signature in ("fp32", "i32")
        ):
            arguments.append(self._scope.exact(op.acc))
        if ELEMENTS[tile_type(lhs).element_type].signature == "fp32":
            named["input_precision"] = op.literal("precision")
        if ELEMENTS[tile.element_type].signature not in ("fp32", "i32"):
            named["out_dtype"] = name(ELEMENTS[tile.element_type].triton)
        return Written(call("tl.dot", *arguments, **named), tile.shape)


_WRITERS: dict[type[Operation], Callable[[Values, Any], Written]] = {
    kernel.ProgramIdOp: Values._program_id,
    kernel.ToIndexOp: Values._to_index,
    kernel.SplatOp: Values._splat,
    kernel.IotaOp: Values._iota,
    kernel.MapOp: Values._map,
    kernel.BroadcastOp: Values._broadcast,
    kernel.ReshapeOp: Values._reshape,
    kernel.TransposeOp: Values._transpose,
    kernel.ConvertOp: Values._convert,
    kernel.ReduceOp: Values._reduce,
    kernel.DotOp: Values._dot,
}


def _broadcast_shape(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape Triton gives the result of an op on operands of these shapes."""
    return tuple(np.broadcast_shapes(*shapes))
