"""One kernel.func as one @triton.jit function, statement by statement; decides nothing about the computation."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerType, f16
from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects import kernel
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import is_float, numpy_dtype
from neuralc.emit.python.expressions import Expression, binary, call, method, name
from neuralc.emit.python.writer import Writer
from neuralc.emit.triton.access import Access, Ranges
from neuralc.emit.triton.functions import CALLED_HELPERS, COMBINE, HELPERS, SPELLINGS, TAKES_NUMBERS, cast
from neuralc.emit.triton.layout import single, write_call
from neuralc.emit.triton.legality import INDEX_OPS
from neuralc.emit.triton.plan import Plan
from neuralc.emit.triton.scope import Scope, Written, constant_index, index_of, number_of, subscript, tile_type
from neuralc.emit.triton.types import ELEMENTS

RESERVED = frozenset(dir(builtins)) | frozenset(HELPERS) | {"tl", "triton", "torch", "run"}
"""Names that variables of a kernel do not take."""

DEFAULT_NAMES: dict[type[Operation], str] = {
    kernel.ProgramIdOp: "program",
    kernel.LoadOp: "loaded",
    kernel.IotaOp: "places",
    kernel.DotOp: "acc",
    kernel.ReduceOp: "reduced",
    kernel.MapOp: "value",
    kernel.ConvertOp: "converted",
    kernel.ReshapeOp: "reshaped",
    kernel.TransposeOp: "transposed",
}


class KernelPrinter:
    """Writes one kernel. `helpers` collects the names of the helper functions it calls."""

    def __init__(self, func: kernel.FuncOp, title: str, writer: Writer) -> None:
        self.helpers: set[str] = set()
        self._func, self._title, self._writer = func, title, writer
        self._plan = Plan(func)
        self._scope = Scope(RESERVED | {title})
        self._dims: dict[str, str] = {}
        self._ranges = Ranges(func, self._scope)

    def write(self) -> tuple[str, ...]:
        """Write the function; gives the names of its parameters."""
        parameters: list[str] = []
        for argument, dim in zip(self._func.dim_arguments, self._func.dims, strict=True):
            self._dims[dim] = self._name(argument, self._scope.claim(dim))
            parameters.append(self._dims[dim])
        for number, argument in enumerate(self._func.references):
            hint = argument.name_hint or f"ref_{number}"
            parameters.append(self._name(argument, self._scope.claim(hint)))
        self._writer.line("@triton.jit")
        head = f"def {self._title}({', '.join(parameters)}):"
        if self._writer.fits(head):
            self._writer.line(head)
        else:
            self._writer.broken(f"def {self._title}(", parameters, "):")
        with self._writer.indented():
            grid = self._func.grid.data
            self._writer.docstring(f"Grid: {grid} program{'' if str(grid) == '1' else 's'}.")
            for start in self._ranges.constant_starts:
                self._write_ranges(start)
            for argument in self._func.dim_arguments:
                self._write_ranges(argument)
            self._block(self._func.block)
        return tuple(parameters)

    # -- statements --------------------------------------------------------------------------------------------------

    def _block(self, block: Block) -> None:
        for op in block.ops:
            self._statement(op)

    def _statement(self, op: Operation) -> None:
        match op:
            case kernel.ReturnOp() | kernel.YieldOp():
                return
            case kernel.LoopOp():
                self._loop(op)
                return
            case kernel.StoreOp():
                self._store(op)
                return
            case kernel.LoadOp():
                self._load(op)
            case _:
                self._pure(op)
        for result in op.results:
            self._write_ranges(result)

    def _pure(self, op: Operation) -> None:
        """An op on values: a statement, or kept to be written where it is read."""
        (result,), written = op.results, self._value(op)
        is_range = isinstance(op, kernel.IotaOp) and self._ranges.of_iota(op) is not None
        if self._plan.is_inline(op) or is_range:
            self._scope.set(result, written)
            return
        promised = self._scope.has(result)
        variable = self._define(op)
        if promised:  # the variable of a loop, whose shape stays the same from round to round
            written = Written(self._scope.exact(result, written), self._scope.written(result).shape)
        self._writer.statement(f"{variable} = ", written.text)
        self._scope.set(result, Written(name(variable), written.shape))

    def _define(self, op: Operation) -> str:
        """The variable of an op's result: the one it was promised by a loop, or a new one."""
        (result,) = op.results
        if not self._scope.has(result):
            self._name(result, self._scope.claim(result.name_hint or DEFAULT_NAMES.get(type(op), "index")))
        return str(self._scope.text(result))

    def _name(self, value: SSAValue, text: str) -> str:
        self._scope.set_name(value, text)
        return text

    def _write_ranges(self, start: SSAValue | int) -> None:
        for variable, value in self._ranges.starting_at(start):
            self._writer.line(f"{variable} = {value}")

    def _load(self, op: kernel.LoadOp) -> None:
        access = Access(op, self._scope, self._ranges, self._dims)
        arguments, mask = [access.address()], access.mask()
        if mask is not None:
            arguments += [mask, single(number_of(op.tile_type, op.other_value), "other")]
        write_call(self._writer, f"{self._define(op)} = ", "tl.load", arguments)

    def _store(self, op: kernel.StoreOp) -> None:
        access = Access(op, self._scope, self._ranges, self._dims)
        mask = access.mask()
        value = single(self._tensor(op.value).text)
        write_call(self._writer, "", "tl.store", [access.address(), value, *([] if mask is None else [mask])])

    def _loop(self, op: kernel.LoopOp) -> None:
        names = [self._carried_name(op, *pair) for pair in zip(op.carried, op.initial, op.res, strict=True)]
        counter = self._name(op.counter, self._scope.claim(op.counter.name_hint or "i"))
        for value, carried, text in zip(op.yielded, op.carried, names, strict=True):
            if self._plan.may_overwrite(op, carried, value) and not isinstance(value.owner, kernel.LoopOp):
                self._name(value, text)
        with self._writer.block(f"for {counter} in {self._trip(op)}:"):
            self._write_ranges(op.counter)
            self._block(op.block)
            moves = [
                (text, self._scope.exact(value))
                for value, text in zip(op.yielded, names, strict=True)
                if str(self._scope.text(value)) != text
            ]
            self._assign(moves)
            if isinstance(op.block.first_op, kernel.YieldOp) and not moves:
                self._writer.line("pass")

    def _carried_name(self, op: kernel.LoopOp, carried: SSAValue, initial: SSAValue, result: SSAValue) -> str:
        """The variable of a loop-carried value: that of the initial value where no one else reads it."""
        written = self._scope.written(initial)
        is_variable = (
            not written.number and str(written.text).isidentifier() and written.shape == tile_type(initial).shape
        )
        if is_variable and self._plan.may_take_over(initial, op):
            text = str(written.text)
        else:
            hints = (result.name_hint, carried.name_hint, initial.name_hint)
            text = self._scope.claim(next((hint for hint in hints if hint), "carried"))
            self._writer.statement(f"{text} = ", self._scope.exact(initial))
        self._name(carried, text)
        return self._name(result, text)

    def _trip(self, op: kernel.LoopOp) -> Expression:
        lower, upper = (
            name(str(bound)) if isinstance(bound, int) else self._scope.text(bound) for bound in (op.lower, op.upper)
        )
        if op.stride != 1:
            return call("range", lower, upper, op.stride)
        return call("range", upper) if str(lower) == "0" else call("range", lower, upper)

    def _assign(self, moves: Sequence[tuple[str, Expression]]) -> None:
        """Give each variable its next value, all at once where one reads what another writes."""
        targets = {target for target, _ in moves}
        words = [set(_words(str(value))) for _, value in moves]
        independent = all(not (words[i] & (targets - {moves[i][0]})) for i in range(len(moves)))
        if independent or len(moves) < 2:
            for target, value in moves:
                self._writer.statement(f"{target} = ", value)
        else:
            left, right = ", ".join(target for target, _ in moves), ", ".join(str(value) for _, value in moves)
            self._writer.line(f"{left} = {right}")

    # -- expressions -------------------------------------------------------------------------------------------------

    def _value(self, op: Operation) -> Written:
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
            written = [self._tensor(operand) for operand in op.operands]
        elif function == "select":
            written[0] = self._tensor(op.operands[0])
        if function in CALLED_HELPERS:
            self.helpers.add(CALLED_HELPERS[function])
        text = SPELLINGS[function]([value.text for value in written], tile_type(op.operands[-1]).element_type)
        return Written(text, _broadcast_shape([value.shape for value in written]))

    def _tensor(self, value: SSAValue) -> Written:
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
        written = self._tensor(op.source)
        value, shape = written.text, written.shape
        if is_float(source) and is_integer(target):
            self.helpers.add("to_integer")
            limits = np.iinfo(numpy_dtype(target).name)
            text = call("to_integer", value, name(ELEMENTS[target].triton), int(limits.min), int(limits.max))
            return Written(text, shape)
        return Written(cast(value, target) if source != target else value, shape)

    def _reduce(self, op: kernel.ReduceOp) -> Written:
        tile, kind, axis = tile_type(op.result), op.literal("kind"), op.literal("axis")
        element, source = tile.element_type, self._scope.exact(op.source)
        if kind != "add":
            helper = COMBINE[kind, is_float(element)]
            self.helpers.add(helper)
            return Written(call("tl.reduce", source, axis, name(helper)), tile.shape)
        if element == f16:  # accumulated in fp32, as everywhere
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


_WRITERS: dict[type[Operation], Callable[[KernelPrinter, Any], Written]] = {
    kernel.ProgramIdOp: KernelPrinter._program_id,
    kernel.SplatOp: KernelPrinter._splat,
    kernel.IotaOp: KernelPrinter._iota,
    kernel.MapOp: KernelPrinter._map,
    kernel.BroadcastOp: KernelPrinter._broadcast,
    kernel.ReshapeOp: KernelPrinter._reshape,
    kernel.TransposeOp: KernelPrinter._transpose,
    kernel.ConvertOp: KernelPrinter._convert,
    kernel.ReduceOp: KernelPrinter._reduce,
    kernel.DotOp: KernelPrinter._dot,
}


def _broadcast_shape(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape Triton gives the result of an op on operands of these shapes."""
    return tuple(np.broadcast_shapes(*shapes))


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z_]\w*", text)
