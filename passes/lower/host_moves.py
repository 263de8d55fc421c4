"""Where values are written: into the inside of a padding, into a part of a concatenation, or to memory of their own.

    %0 = tensor.group .. -> tensor<2x3xf32>            %b = kernel.alloc -> ref<[2, 8]>
    %1 = tensor.group .. -> tensor<2x5xf32>     ->     %0 = kernel.view %b offset 0 -> ref<[2, 3], f32, [8, 1]>
    %2 = tensor.concat %0, %1 {dim = 1}                launch .. %0
                                                       %1 = kernel.view %b offset 3 -> ref<[2, 5], f32, [8, 1]>
                                                       launch .. %1

A value that only a concatenation reads, or that is padded, is made in its place. One that lies elsewhere (an input, a
weight, a view, a value with other readers) is copied there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import kernel, tensor
from neuralc.dialects.control import Choice, Scan
from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.kernel import RefType
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import AnyTensor, as_tensor, shape_of, tensor_type
from neuralc.grammar.diagnostics import error
from neuralc.passes.locations import span_of
from neuralc.passes.lower import views
from neuralc.passes.lower.memory import Memory
from neuralc.passes.lower.padding import unread_dims
from neuralc.passes.lower.schedule import schedules_of
from neuralc.passes.target import Target


class HostProgram(Protocol):
    """The part of tensor-to-kernel that moves need."""

    target: Target
    memory: dict[SSAValue, Memory]
    places: dict[SSAValue, Memory]

    def alloc_like(self, type_: AnyTensor, name: str | None) -> Memory: ...
    def viewed(self, source: Memory, ref: RefType, offset: Dim | None = None) -> Memory: ...
    def copy(self, value: SSAValue, source: Memory, target: Memory) -> None: ...
    def launch(self, func: kernel.FuncOp, args: Sequence[SSAValue]) -> None: ...
    def status(self) -> SSAValue: ...


def can_be_placed(value: SSAValue) -> bool:
    """Whether a value can be written to a place of the reader's choice."""
    match value.owner:
        case tensor.GroupOp() | Choice() | tensor.PadOp() | tensor.ConcatOp():
            return True
        case tensor.ScatterOp() | tensor.CumulateOp() | tensor.TopKOp():
            return True
        case Scan() as op:
            return value in op.res[len(op.carried) :]
        case _:
            return False


@dataclass
class Placement:
    """Gives every value that a kernel makes its memory."""

    host: HostProgram
    made: dict[SSAValue, Memory] = field(default_factory=dict)
    """Buffers of paddings and concatenations that were asked for before their op."""
    parts: set[tuple[Operation, int]] = field(default_factory=set)
    """Operands that were written where a padding or concatenation wants them."""

    def target(self, value: SSAValue) -> Memory:
        """Where a value is to be written."""
        if value in self.host.places:
            return self.host.places[value]
        readers = [use for use in value.uses if isinstance(use.operation, tensor.PadOp)]
        readers = readers or [use for use in value.uses if isinstance(use.operation, tensor.ConcatOp)]
        if not readers or (isinstance(readers[0].operation, tensor.ConcatOp) and not value.has_one_use()):
            return self.host.alloc_like(as_tensor(value.type), value.name_hint)
        op, number = readers[0].operation, readers[0].index
        self.parts.add((op, number))
        if isinstance(op, tensor.PadOp):
            return self._interior(op, self._padded(op))
        return self._part(op, number, self._buffer(op.results[0]))

    def _buffer(self, value: SSAValue) -> Memory:
        """The memory of a value whose parts are written one by one."""
        if value not in self.made:
            self.made[value] = self.target(value)
        return self.made[value]

    # -- concatenation -----------------------------------------------------------------------------------------------

    def concat(self, op: tensor.ConcatOp) -> Memory:
        buffer = self._buffer(op.result)
        for number, value in enumerate(op.xs):
            if (op, number) not in self.parts:
                self.host.copy(value, self.host.memory[value], self._part(op, number, buffer))
        return buffer

    def _part(self, op: Operation, number: int, buffer: Memory) -> Memory:
        """The part of a concatenation that an operand fills."""
        if not isinstance(op, tensor.ConcatOp):
            raise TypeError(f"{op.name} has no parts")
        dim = op.literal("dim")
        before = Dim.constant(0)
        for value in op.xs[:number]:
            before += as_dim(shape_of(value.type)[dim])
        ref = RefType.of(shape_of(op.xs[number].type), buffer.ref.element_type, buffer.ref.strides)
        return self.host.viewed(buffer, ref, before * buffer.ref.strides[dim])

    # -- padding -----------------------------------------------------------------------------------------------------

    def pad(self, op: tensor.PadOp) -> Memory:
        if (op, 0) in self.parts:
            return self.made[op.result]
        inside = self.host.memory[op.x]
        build_pad = schedules_of(self.host.target).pad
        if build_pad is None:
            self.host.copy(op.x, inside, self._interior(op, self._padded(op)))
            return self.made[op.result]
        padded = self.target(op.result)
        func, refs = build_pad("pad", inside.ref, padded.ref, op.literal("low"), to_literal(op.value))
        args = [self.host.viewed(memory, ref).value for memory, ref in zip((inside, padded), refs, strict=True)]
        self.host.launch(func, args)
        return padded

    def _padded(self, op: tensor.PadOp) -> Memory:
        """The buffer with its border filled; what the padding surrounds is not written yet."""
        padded = self._buffer(op.result)
        boxes, around = self._borders(op, padded)
        if boxes:
            value, target = to_literal(op.value), self.host.target
            func, refs = schedules_of(target).fill("border", [box.ref for box in boxes], around, value, target)
            args = [self.host.viewed(box, ref).value for box, ref in zip(boxes, refs, strict=True)]
            self.host.launch(func, args)
        return padded

    def _interior(self, op: tensor.PadOp, padded: Memory) -> Memory:
        offset = Dim.constant(0)
        for low, stride in zip(op.literal("low"), padded.ref.strides, strict=True):
            offset += as_dim(stride) * low
        ref = RefType.of(shape_of(op.x.type), padded.ref.element_type, padded.ref.strides)
        return self.host.viewed(padded, ref, offset)

    def _borders(self, op: tensor.PadOp, padded: Memory) -> tuple[list[Memory], int]:
        """The border as boxes, and how many leading dims all of them share."""
        low, high, inner = op.literal("low"), op.literal("high"), shape_of(op.x.type)
        dims = [dim for dim in range(len(inner)) if low[dim] or high[dim]]
        if not dims:
            return [], 0
        around = dims[0]
        runs = self._runs(op, padded, dims) or _sides(op, padded, dims)
        boxes: list[Memory] = []
        for offset, shape, steps in runs:
            if all(size != 0 for size in (*inner[:around], *shape)):
                ref = RefType.of(
                    [*inner[:around], *shape], padded.ref.element_type, [*padded.ref.strides[:around], *steps]
                )
                boxes.append(self.host.viewed(padded, ref, offset))
        return boxes, around

    def _runs(self, op: tensor.PadOp, padded: Memory, dims: Sequence[int]) -> list[Box]:
        """Rows of a picture: what is right of a row and left of the next one is one run. Empty for another form."""
        low, high, inner = op.literal("low"), op.literal("high"), shape_of(op.x.type)
        around = dims[0]
        if dims[1:] and dims[1] in unread_dims(op):
            return []
        if len(dims) != 2 or dims[1] != around + 1 or not padded.ref.is_dense:
            return []
        rows, columns = as_dim(inner[around]), as_dim(inner[dims[1]])
        if not low[around] and not (rows.is_static and rows.value):
            return []  # there may be no row, and nothing above it
        step, row = as_dim(padded.ref.strides[dims[1]]), as_dim(padded.ref.strides[around])
        above, below = (row * low[around], row * high[around])
        left, right = step * low[dims[1]], step * high[dims[1]]
        first, last = (left, right) if around in unread_dims(op) else (above + left, below + right)
        return [
            (above + left - first, [simplest(first)], [1]),
            (above + left + step * columns, [simplest(rows - 1), simplest(left + right)], [simplest(row), 1]),
            (above + left + row * (rows - 1) + step * columns, [simplest(last)], [1]),
        ]


Box = tuple[Dim, list[int | Dim], list[int | Dim]]
"""Offset, sizes and strides of a part of a border, without the dims around it."""


def _sides(op: tensor.PadOp, padded: Memory, dims: Sequence[int]) -> list[Box]:
    """What lies before and behind the value along each dim; the corners belong to the outer one."""
    low, high, inner = op.literal("low"), op.literal("high"), shape_of(op.x.type)
    strides, around = [as_dim(stride) for stride in padded.ref.strides], dims[0]
    out: list[Box] = []
    for dim in (dim for dim in dims if dim not in unread_dims(op)):
        base = Dim.constant(0)
        for earlier in range(dim):
            base += strides[earlier] * low[earlier]
        shape = [*inner[around:dim], 0, *padded.ref.shape[dim + 1 :]]
        for extent, start in ((low[dim], 0), (high[dim], as_dim(inner[dim]) + low[dim])):
            shape[dim - around] = extent
            out.append((base + strides[dim] * start, list(shape), list(padded.ref.strides[around:])))
    return out


# -- slices and moves ------------------------------------------------------------------------------------------------


def slice_view(host: HostProgram, op: tensor.SliceOp) -> Memory:
    """The same memory from another start on, with longer strides."""
    source = host.memory[op.x]
    offset = Dim.constant(0)
    for start, stride in zip(op.starts.data, source.ref.strides, strict=True):
        offset += start * stride
    if 0 in shape_of(op.result.type):
        offset = Dim.constant(0)  # nothing is read, and nothing may lie behind the end
    return host.viewed(source, views.slice_of(op, source.ref), offset)


def move(host: HostProgram, placement: Placement, op: Operation, *, in_place: bool = False) -> None:
    """An op with a kernel of its own, `in_place` in the memory of its operand. Raises E0702 where there is none."""
    found = schedules_of(host.target).moves.get(type(op))
    if found is None:
        raise error("E0702", f"{op.name} has no kernel for {host.target.name}", span_of(op.location))
    operands = [host.memory[value] for value in op.operands]
    # A kernel that works on a copy of its operand reads that copy alone, so the two may be one.
    results = operands[:1] if in_place else [placement.target(value) for value in op.results]
    for value, memory in zip(op.results, results, strict=True):
        host.memory[value] = memory
    if found.copies and not in_place:
        host.copy(op.operands[0], operands[0], results[0])
    for ref in found.scratch(op, operands[0].ref):
        results.append(host.alloc_like(tensor_type(ref.shape, ref.element_type), "scratch"))
    func, checks = found.build(op, [memory.ref for memory in operands], [memory.ref for memory in results], host.target)
    args = [memory.value for memory in (*operands, *results)]
    host.launch(func, [*args, host.status()] if checks else args)
