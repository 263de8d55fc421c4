"""The host program as a Python function on torch tensors: allocate, view, launch, return the outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import Block, SSAValue

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.types import format_shape
from neuralc.emit.python.expressions import Expression, binary, call, literal, method, name
from neuralc.emit.python.names import Names, identifier
from neuralc.emit.python.writer import Writer
from neuralc.emit.triton.hints import launch_of
from neuralc.emit.triton.kernels import RESERVED
from neuralc.emit.triton.legality import MAX_SPAN
from neuralc.emit.triton.scope import ref_type
from neuralc.emit.triton.sizes import HOST_WORDS, size_expression
from neuralc.emit.triton.types import ELEMENTS
from neuralc.grammar.diagnostics import error
from neuralc.passes.locations import span_of


class HostPrinter:
    """Writes `run(inputs.., weights)`. Buffers are 1-D tensors: kernels know shapes and strides, and take addresses."""

    def __init__(self, host: kernel.HostOp, funcs: Sequence[kernel.FuncOp], names: Mapping[str, str]) -> None:
        self._host = host
        self._funcs = {func.sym_name.data: func for func in funcs}
        self._kernels = names
        self._writer = Writer()
        self._names = Names(RESERVED | set(names.values()) | {"weights", "arena", "device"})
        self._buffers: dict[SSAValue, Expression] = {}
        self._dims: dict[str, str] = {}
        self._cell: Expression | None = None
        """The status of the run."""

    def text(self) -> str:
        host = self._host
        inputs = [
            self._buffer(argument, label, "in")
            for argument, label in zip(host.input_arguments, host.inputs, strict=True)
        ]
        with self._writer.block(f"def run({', '.join([*inputs, 'weights'])}):"):
            self._writer.docstring(*self._description())
            self._bind_dims()
            for argument in host.input_arguments:
                self._check_input(argument)
            self._check_reach()
            self._allocate_results()
            self._make_status()
            self._block(host.block)
            self._check_status()
            outputs = [str(self._buffers[argument]) for argument in host.output_arguments]
            self._writer.line(f"return {', '.join(outputs)}")
        return self._writer.text

    def _buffer(self, value: SSAValue, wanted: str, role: str) -> str:
        """A variable for a buffer; `role` tells it from a kernel of the same name."""
        plain = identifier(wanted)
        claimed = self._names.claim(f"{plain}_{role}" if plain in self._names and plain != role else plain)
        self._buffers[value] = name(claimed)
        return claimed

    def _size(self, size: int | Dim) -> Expression:
        return size_expression(size, self._dims, HOST_WORDS)

    # -- the beginning -----------------------------------------------------------------------------------------------

    def _description(self) -> tuple[str, ...]:
        host = self._host
        takes = [
            f"{label}: {_describe(argument)}" for label, argument in zip(host.inputs, host.input_arguments, strict=True)
        ]
        gives = [
            f"{label}: {_describe(argument)}"
            for label, argument in zip(host.outputs, host.output_arguments, strict=True)
        ]
        return (
            f"Run {host.sym_name.data} on tensors of one GPU.",
            "\n".join([*(f"Takes {line}" for line in takes), *(f"Gives {line}" for line in gives)]),
            "`weights` maps names, as in weights.safetensors, to tensors of that GPU.",
        )

    def _bind_dims(self) -> None:
        """Each symbol from the first input dim that gives it: `S`, else `S * 4`, which is checked with the shapes."""
        found = [
            (*linear, f"{self._buffers[argument]}.shape[{axis}]")
            for argument in self._host.input_arguments
            for axis, size in enumerate(ref_type(argument).shape)
            if isinstance(size, Dim) and (linear := size.linear) is not None
        ]
        for symbol, factor, offset, value in sorted(found, key=lambda each: each[1:3] != (1, 0)):
            if symbol not in self._dims:
                self._dims[symbol] = self._names.claim(identifier(symbol))
                whole = f"({value} {'-' if offset > 0 else '+'} {abs(offset)})" if offset else value
                self._writer.line(f"{self._dims[symbol]} = {whole}{f' // {factor}' if factor != 1 else ''}")

    def _check_input(self, argument: SSAValue) -> None:
        """Kernels trust shapes and strides: what does not fit is an error, not a wild read."""
        ref, variable = ref_type(argument), self._buffers[argument]
        shape, dtype = self._shape(ref), ELEMENTS[ref.element_type].torch
        with self._writer.block(f"if {variable}.shape != {shape} or {variable}.dtype != {dtype}:"):
            found = f"{variable} is {{{variable}.dtype}} {{tuple({variable}.shape)}}"
            wanted = f"{dtype} {format_shape(ref.shape)}"
            self._writer.statement("raise ", call("ValueError", name(f'f"{found}, not {wanted}"')))
        self._writer.line(f"{variable} = {variable}.contiguous()")

    def _check_reach(self) -> None:
        """Kernels index with 32 bits: refuse arrays they could not reach."""
        spans = {ref_type(value).span for value in self._references() if not ref_type(value).span.is_static}
        largest_spans = [span for span in spans if not any(_never_exceeds(span, other) for other in spans - {span})]
        if largest_spans:
            reached = [str(self._size(span)) for span in sorted(largest_spans, key=str)]
            largest = f"max({', '.join(reached)})" if len(reached) > 1 else reached[0]
            with self._writer.block(f"if {largest} >= 2**{MAX_SPAN.bit_length() - 1}:"):
                self._writer.line('raise ValueError("too large: kernels index with 32 bits")')

    def _references(self) -> list[SSAValue]:
        inside = [value for op in self._host.walk() for value in op.results if isinstance(value.type, kernel.RefType)]
        return [*self._host.block.args, *inside]

    def _allocate_results(self) -> None:
        inputs = self._host.input_arguments
        owner = self._buffers[inputs[0]] if inputs else name("next(iter(weights.values()))")
        self._writer.line(f"device = {owner}.device")
        for argument, label in zip(self._host.output_arguments, self._host.outputs, strict=True):
            ref = ref_type(argument)
            variable = self._buffer(argument, label, "out")
            self._allocate(variable, name(self._shape(ref)), ELEMENTS[ref.element_type].torch)
        arena = self._host.arena
        if arena is not None and arena.data != Dim(()):
            self._allocate("arena", self._size(arena.data), "torch.uint8")

    def _shape(self, ref: kernel.RefType) -> str:
        """The shape as a tuple."""
        sizes = [str(self._size(size)) for size in ref.shape]
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    def _allocate(self, variable: str, size: Expression, dtype: str) -> None:
        self._writer.statement(f"{variable} = ", call("torch.empty", size, dtype=name(dtype), device=name("device")))

    # -- the program -------------------------------------------------------------------------------------------------

    def _block(self, block: Block) -> None:
        before = self._writer.text
        for op in block.ops:
            match op:
                case kernel.WeightOp():
                    self._buffers[op.result] = name(f"weights[{literal(op.weight_name)}]")
                case kernel.StateOp() | kernel.NextStateOp():
                    raise error(
                        "E0860",
                        f"{op.name} as Triton: what a model keeps between runs is not compiled for cuda yet",
                        span_of(op.location),
                    )
                case kernel.AllocOp():
                    variable = self._buffer(op.result, op.result.name_hint or "buffer", "buffer")
                    ref = ref_type(op.result)
                    self._allocate(variable, self._size(ref.span), ELEMENTS[ref.element_type].torch)
                case kernel.ArenaOp():
                    self._arena(op)
                case kernel.StatusOp():
                    self._buffers[op.result] = name(str(self._cell))
                case kernel.ViewOp():
                    self._view(op)
                case kernel.LaunchOp():
                    self._launch(op)
                case kernel.IfOp():
                    condition = binary(op.relation.data, self._size(op.lhs.data), self._size(op.rhs.data))
                    self._choice(str(condition), op.then_body.block, op.else_body.block)
                case kernel.BranchOp():
                    self._choice(self._holds(op.condition), op.then_body.block, op.else_body.block)
                case kernel.ForOp():
                    self._counted(op)
                case kernel.WhileOp():
                    self._repeated(op)
        if self._writer.text == before:
            self._writer.line("pass")

    def _arena(self, op: kernel.ArenaOp) -> None:
        variable = self._buffer(op.result, op.result.name_hint or "buffer", "buffer")
        start, end = self._size(op.offset.data), self._size(op.offset.data + ref_type(op.result).bytes)
        part = name(f"arena[{_slice('' if str(start) == '0' else str(start), str(end))}]")
        self._writer.statement(
            f"{variable} = ", method(part, "view", name(ELEMENTS[ref_type(op.result).element_type].torch))
        )

    def _make_status(self) -> None:
        """One cell for the whole program, where a kernel checks its data."""
        if any(isinstance(op, kernel.StatusOp) for op in self._host.walk()):
            self._cell = name(self._names.claim("status"))
            value = call("torch.zeros", 1, dtype=name("torch.int32"), device=name("device"))
            self._writer.statement(f"{self._cell} = ", value)

    def _check_status(self) -> None:
        if self._cell is not None:
            with self._writer.block(f"if code := int({self._cell}):"):
                self._writer.line('raise ValueError(f"E0{code}: the data of this run is not what the model can take")')

    def _view(self, op: kernel.ViewOp) -> None:
        source = self._buffers[op.source]
        if op.offset.data == Dim(()):
            self._buffers[op.result] = source
            return
        variable = self._buffer(op.result, op.result.name_hint or "view", "view")
        self._writer.line(f"{variable} = {source}.view(-1)[{_slice(str(self._size(op.offset.data)), '')}]")

    def _launch(self, op: kernel.LaunchOp) -> None:
        func = self._funcs[op.callee_name]
        sizes = dict(zip(func.dims, op.dims.data, strict=True))
        grid = self._size(func.grid.data.substitute(sizes))
        launch = launch_of(func)
        arguments = [*(self._size(size) for size in op.dims.data), *(self._buffers[buffer] for buffer in op.args)]
        head = f"{self._kernels[op.callee_name]}[({grid},)]"
        self._writer.statement("", call(head, *arguments, num_warps=launch.num_warps, num_stages=launch.num_stages))

    def _choice(self, condition: str, then_block: Block, else_block: Block) -> None:
        with self._writer.block(f"if {condition}:"):
            self._block(then_block)
        if else_block.first_op:
            with self._writer.block("else:"):
                self._block(else_block)

    def _counted(self, op: kernel.ForOp) -> None:
        counter = self._counter(op.counter.data)
        trips = self._size(op.trips.data)
        with self._writer.block(f"for {counter} in range({trips}):"):
            self._block(op.body.block)
        self._dims[op.counter.data] = f"({trips})"

    def _repeated(self, op: kernel.WhileOp) -> None:
        counter = self._counter(op.counter.data)
        self._writer.line(f"{counter} = 0")
        within = "" if op.limit is None else f"{counter} < {self._size(op.limit.data)} and "
        with self._writer.block(f"while {within}{self._holds(op.condition)}:"):
            self._block(op.body.block)
            self._writer.line(f"{counter} += 1")

    def _counter(self, symbol: str) -> str:
        """A variable for a counter, which is a size in the body of its loop."""
        self._dims[symbol] = self._names.claim(identifier(symbol))
        return self._dims[symbol]

    def _holds(self, condition: SSAValue) -> str:
        """The truth value in memory: the host waits for it."""
        return f"bool({self._buffers[condition]}.view(-1)[0])"


def _never_exceeds(size: Dim, other: Dim) -> bool:
    """True when one size is at most another for all values of the dims, which are not negative."""
    return all(coefficient >= 0 for _, coefficient in (other - size).terms)


def _slice(start: str, end: str) -> str:
    """Bounds of a slice as a formatter writes them: blanks around the colon where a bound is an expression."""
    if all(bound == "" or bound.isidentifier() or bound.isdigit() for bound in (start, end)):
        return f"{start}:{end}"
    return f"{start} : {end}".strip()


def _describe(value: SSAValue) -> str:
    ref = ref_type(value)
    return f"{ELEMENTS[ref.element_type].torch.removeprefix('torch.')} {format_shape(ref.shape)}"
