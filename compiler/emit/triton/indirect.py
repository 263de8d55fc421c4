"""Gathers, scatters and checks in Triton's words.

    kernel.gather %x, %places, %ok {other = 0.0}   ->   tl.load(x + places, mask=ok, other=0.0)
    kernel.scatter %one, %y, %place                ->   tl.store(y + place, one)
    kernel.check %ok, %status {code = 910}         ->   tl.atomic_max(status, tl.max(tl.where(ok, 0, 910)))

Threads store a tile in no order, so that only a scatter of one value is what the kernel level says.
"""

from __future__ import annotations

from xdsl.ir import SSAValue

from neuralc.dialects import kernel
from neuralc.emit.python.expressions import Expression, binary, call, name
from neuralc.emit.triton.layout import Argument, single
from neuralc.emit.triton.scope import Scope, number_of, tile_type


def gather_arguments(op: kernel.GatherOp, scope: Scope) -> list[Argument]:
    """The arguments of `tl.load`."""
    arguments = [_address(op.ref, op.offsets, scope)]
    if op.mask is not None:
        other = number_of(tile_type(op.result), op.other_value)
        arguments += [single(scope.exact(op.mask), "mask"), single(other, "other")]
    return arguments


def scatter_arguments(op: kernel.ScatterOp, scope: Scope) -> list[Argument]:
    """The arguments of `tl.store`, without `mask=` as stores have it."""
    masks = [] if op.mask is None else [single(scope.exact(op.mask))]
    return [_address(op.ref, op.offsets, scope), single(scope.exact(op.value)), *masks]


def check_call(op: kernel.CheckOp, scope: Scope) -> Expression:
    code = call("tl.where", scope.exact(op.ok), 0, op.literal("code"))
    worst = call("tl.max", code) if tile_type(op.ok).rank else code
    return call("tl.atomic_max", scope.text(op.status), worst)


def _address(ref: SSAValue, offsets: SSAValue, scope: Scope) -> Argument:
    return single(binary("+", scope.text(ref), name(str(scope.exact(offsets)))))
