"""Writes each kernel.func as an LLVM function `void @"kernel.f"(i64 begin, i64 end, i64 dims.., ptr noalias refs..)`.

The function runs programs begin to end of the grid; threads are ranges. Everything was decided before: a loop of the
kernel is a loop here, with one phi a vector, and a tile is its vectors. What a CPU has no form for is refused.

    kernel.loop %k = 0 to 784 step 1 iter(%acc = %zero)       loop.k:
                                                                %k = phi i64 [0, %program], [%k.next, %loop.k]
                                                         ->     %acc.0.0 = phi <8 x float> ..    (one a vector)
      %d = kernel.dot %a, %b, %acc                              %d.0.0 = call <8 x float> @llvm.fma.v8f32(..)
      kernel.yield %d                                           br i1 %more, label %loop.k, label %after.k
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue

from neuralc.dialects.kernel import CheckOp, FuncOp, LoopOp, RefType, ReturnOp, YieldOp
from neuralc.emit.llvm.frame import Frame
from neuralc.emit.llvm.index import IndexValue
from neuralc.emit.llvm.loops import disable_unrolling
from neuralc.emit.llvm.names import short
from neuralc.emit.llvm.operations import write_op
from neuralc.emit.llvm.types import I64, POINTER, Grid, Value
from neuralc.passes.target import Target

PREFIX = "kernel."
"""Of the functions of kernels. A kernel may be called `exp`; a function of that name would be the C library's."""
ENOUGH = 2500
"""Instructions in a module from which the next kernel begins another one: about 60 ms of LLVM."""


def emit_kernels(module: ModuleOp, target: Target, closed: Callable[[Any], None] | None = None) -> Any:
    """An llvmlite module with a function for every kernel.func of `module`; the host program may be added to it.

    With `closed` the kernels are spread over modules, which are given to it as soon as they hold enough; the module
    that is returned has declarations of all kernels. Raises NeuralcError E0830 for an op or a type that kernels on a
    CPU do not have.
    """
    kernels = [op for op in module.ops if isinstance(op, FuncOp)]
    part, elsewhere, held = _part(target), list[Any](), 0
    for op in kernels:
        if closed is not None and held >= ENOUGH:
            elsewhere += [function for function in part.functions if not function.is_declaration]
            closed(part)
            part, held = _part(target), 0
        function = emit_kernel(op, part, target)
        held += sum(len(block.instructions) for block in function.blocks)
    if closed is not None and held:  # the host program is written and compiled beside the last kernels
        elsewhere += [function for function in part.functions if not function.is_declaration]
        closed(part)
        part = _part(target)
    for function in elsewhere:
        if function.name.startswith(PREFIX):
            ir.Function(part, function.function_type, function.name)
    return part


def _part(target: Target) -> Any:
    part = ir.Module(name="kernels")
    part.triple = target.triple
    return part


def function_name(kernel: str) -> str:
    """The LLVM function of a kernel."""
    return f"{PREFIX}{kernel}"


def emit_kernel(func: FuncOp, module: Any, target: Target) -> Any:
    """Write one kernel into an llvmlite module; returns the llvmlite function."""
    parameters = [I64, I64, *[I64] * len(func.dims), *[POINTER] * len(func.references)]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), parameters), function_name(func.sym_name.data))
    function.attributes.add("nounwind")
    _write_function(Frame(func, function, target))
    return function


def _write_function(frame: Frame) -> None:
    func, function, builder = frame.func, frame.function, frame.builder
    begin, end, *rest = function.args
    begin.name, end.name = "begin", "end"
    _bind_arguments(frame, rest)
    sizes, program, done = (ir.Block(function, name) for name in ("sizes", "program", "done"))
    function.blocks += [sizes, program]
    builder.cbranch(builder.icmp_signed("<", begin, end), sizes, done)

    # Once, and only if a program runs: every dim is at least 1 then, so that no size divides by zero.
    builder.position_at_end(sizes)
    for argument in func.references:
        if isinstance(argument.type, RefType):
            for size in (*argument.type.shape, *argument.type.strides):
                frame.size(size)
    builder.branch(program)

    builder.position_at_end(program)
    number = builder.phi(I64, "program_id")
    number.add_incoming(begin, sizes)
    frame.program = IndexValue(number, 0, True)
    _write_block(frame, func.block)
    following = builder.add(number, ir.Constant(I64, 1), "next_program", flags=["nuw", "nsw"])
    number.add_incoming(following, builder.block)
    latch = builder.cbranch(builder.icmp_signed("<", following, end), program, done)
    disable_unrolling(function.module, latch)
    function.blocks.append(done)
    builder.position_at_end(done)
    builder.ret_void()


def _bind_arguments(frame: Frame, arguments: Sequence[Any]) -> None:
    func = frame.func
    count = len(func.dims)
    checked = {op.status for op in func.body.walk() if isinstance(op, CheckOp)}
    for value, name, argument in zip(func.dim_arguments, func.dims, arguments[:count], strict=True):
        argument.name = name
        frame.values[value] = frame.set_dim(name, argument)
    for number, (value, argument) in enumerate(zip(func.references, arguments[count:], strict=True)):
        argument.name = short(value.name_hint) or f"ref{number}"
        # Other threads write the status as well; the result may take the place of an operand.
        if value not in checked and not (func.in_place and (number in func.in_place or func.written[number])):
            argument.add_attribute("noalias")
        frame.pointers[value] = argument


def _write_block(frame: Frame, block: Block) -> None:
    for op in block.ops:
        if isinstance(op, LoopOp):
            _write_loop(frame, op)
        elif not isinstance(op, YieldOp | ReturnOp):
            write_op(frame, op)


# -- loops -----------------------------------------------------------------------------------------------------------


def _write_loop(frame: Frame, op: LoopOp) -> None:
    """A loop tested at its end, entered only if it runs at least once; one round or none is straight code."""
    trips = op.constant_trips
    initial = [frame.tile(value) for value in op.initial]
    lower, upper = _bound(frame, op.lower), _bound(frame, op.upper)
    if trips == 0:
        frame.set_tiles(op.res, initial)
    elif trips == 1:
        frame.set_tiles(op.res, _write_body(frame, op, lower, initial))
    else:
        _write_rounds(frame, op, lower, upper, initial)


def _write_rounds(frame: Frame, op: LoopOp, lower: IndexValue, upper: IndexValue, initial: Sequence[Grid]) -> None:
    builder, certain = frame.builder, op.constant_trips is not None
    name = short(op.counter.name_hint) or "i"
    start, stop = frame.index.materialize(lower), frame.index.materialize(upper)
    before = builder.block
    body, after = frame.function.append_basic_block(f"loop.{name}"), ir.Block(frame.function, f"after.{name}")
    if certain:
        builder.branch(body)
    else:
        builder.cbranch(builder.icmp_signed("<", start, stop), body, after)

    builder.position_at_end(body)
    counter = builder.phi(I64, name)
    counter.add_incoming(start, before)
    phis = [_phis(frame, value, grid, before) for value, grid in zip(op.carried, initial, strict=True)]
    results = _write_body(frame, op, IndexValue(counter, 0, lower.nonnegative), phis)
    following = builder.add(counter, ir.Constant(I64, op.stride), f"{name}.next", flags=["nsw"])
    last = builder.block
    counter.add_incoming(following, last)
    for grid, result in zip(phis, results, strict=True):
        _add_incoming(grid, result, last)
    latch = builder.cbranch(builder.icmp_signed("<", following, stop), body, after)
    disable_unrolling(frame.function.module, latch)

    frame.function.blocks.append(after)
    builder.position_at_end(after)
    if not certain:
        merged = [_phis(frame, value, grid, before) for value, grid in zip(op.res, initial, strict=True)]
        for grid, result in zip(merged, results, strict=True):
            _add_incoming(grid, result, last)
        results = merged
    frame.set_tiles(op.res, results)


def _bound(frame: Frame, bound: SSAValue | int) -> IndexValue:
    return frame.place(bound) if isinstance(bound, SSAValue) else IndexValue.of(bound)


def _write_body(frame: Frame, op: LoopOp, counter: IndexValue, carried: Sequence[Grid]) -> list[Grid]:
    """The ops of one round; returns what it yields."""
    frame.values[op.counter] = counter
    frame.set_tiles(op.carried, carried)
    _write_block(frame, op.block)
    return [frame.tile(value) for value in op.yielded]


def _phis(frame: Frame, value: SSAValue, initial: Grid, before: Any) -> Grid:
    """One phi a vector, so far with the value it has from `before`."""
    out = np.empty(initial.shape, dtype=np.object_)
    for place in np.ndindex(*out.shape):
        first: Value = initial[place]
        out[place] = frame.builder.phi(first.type, ".".join([short(value.name_hint) or "carried", *map(str, place)]))
    _add_incoming(out, initial, before)
    return out


def _add_incoming(phis: Grid, values: Grid, block: Any) -> None:
    for phi, value in zip(phis.flat, values.flat, strict=True):
        phi.add_incoming(value, block)
