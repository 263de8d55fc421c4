"""One kernel.func as one @triton.jit function, statement by statement; decides nothing about the computation."""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence
from pathlib import Path

from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects import kernel
from neuralc.emit.python.expressions import Expression, call, name
from neuralc.emit.python.writer import Writer
from neuralc.emit.triton.access import Access, Ranges
from neuralc.emit.triton.functions import HELPERS
from neuralc.emit.triton.indirect import check_call, gather_arguments, scatter_arguments
from neuralc.emit.triton.layout import single, write_assignment, write_call
from neuralc.emit.triton.plan import Plan, is_free
from neuralc.emit.triton.scope import Scope, Written, number_of, tile_type
from neuralc.emit.triton.values import Values
from neuralc.passes.locations import file_positions

RESERVED = frozenset(dir(builtins)) | frozenset(HELPERS) | {"tl", "triton", "torch", "run"}
"""Names that variables of a kernel do not take."""

MAX_INLINE_TEXT = 50
"""Characters of an expression that is written where it is read; longer ones get a line of their own."""

DEFAULT_NAMES: dict[type[Operation], str] = {
    kernel.ProgramIdOp: "program",
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
        self._values = Values(self._scope, self._ranges, self.helpers)

    def write(self) -> tuple[str, ...]:
        """Write the function; gives the names of its parameters."""
        parameters: list[str] = []
        for argument, dim in zip(self._func.dim_arguments, self._func.dims, strict=True):
            self._dims[dim] = self._name(argument, self._scope.claim(dim))
            parameters.append(self._dims[dim])
        for number, argument in enumerate(self._func.references):
            hint = argument.name_hint or f"ref_{number}"
            parameters.append(self._name(argument, self._scope.claim(hint)))
        origin = _origin(self._func)
        if origin:
            self._writer.line(f"# {origin}")
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
            case kernel.ReturnOp() | kernel.YieldOp() | kernel.PrefetchOp():
                return  # many warps a core wait for memory at once: a GPU needs no hint
            case kernel.LoopOp():
                self._loop(op)
                return
            case kernel.StoreOp():
                self._store(op)
                return
            case kernel.ScatterOp():
                write_call(self._writer, "", "tl.store", scatter_arguments(op, self._scope))
                return
            case kernel.CheckOp():
                self._writer.statement("", check_call(op, self._scope))
                return
            case kernel.LoadOp():
                self._load(op)
            case kernel.GatherOp():
                arguments = gather_arguments(op, self._scope)
                write_call(self._writer, f"{self._define(op)} = ", "tl.load", arguments)
            case _:
                self._pure(op)
        for result in op.results:
            self._write_ranges(result)

    def _pure(self, op: Operation) -> None:
        """An op on values: a statement, or kept to be written where it is read."""
        (result,), written = op.results, self._values.value(op)
        is_range = isinstance(op, kernel.IotaOp) and self._ranges.of_iota(op) is not None
        short = is_free(op) or len(str(written.text)) <= MAX_INLINE_TEXT
        if is_range or (self._plan.is_inline(op) and short):
            self._scope.set(result, written)
            return
        promised = self._scope.has(result)
        variable = self._define(op)
        if promised:  # the variable of a loop, whose shape stays the same from round to round
            written = Written(self._scope.exact(result, written), self._scope.written(result).shape)
        write_assignment(self._writer, variable, written.text)
        self._scope.set(result, Written(name(variable), written.shape))

    def _define(self, op: Operation) -> str:
        """The variable of an op's result: the one it was promised by a loop, or a new one."""
        (result,) = op.results
        if not self._scope.has(result):
            self._name(result, self._scope.claim(result.name_hint or self._default_name(op)))
        return str(self._scope.text(result))

    def _default_name(self, op: Operation) -> str:
        """A name for a value that has none in the IR."""
        if isinstance(op, kernel.LoadOp | kernel.GatherOp):
            return f"{self._scope.text(op.ref)}_tile"
        return DEFAULT_NAMES.get(type(op), "index")

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
        value = single(self._values.tensor(op.value).text)
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


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z_]\w*", text)


def _origin(func: kernel.FuncOp) -> str:
    """Where in the model the kernel comes from."""
    places = [(Path(place.filename.data).name, place.line.data) for place in file_positions(func.location)]
    if not places:
        return ""
    lines = sorted({line for file, line in places if file == places[0][0]})
    return f"{places[0][0]}, line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"
