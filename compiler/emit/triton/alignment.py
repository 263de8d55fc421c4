"""Which memory arguments of a kernel always start at a multiple of 16 bytes: Triton vectorizes only what it knows.

Memory of inputs, outputs, weights and intermediate values comes from the CUDA allocator or from a file mapped into it,
aligned to 64 bytes at least; views and places in the arena are as aligned as their offsets are.
"""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.types import element_bytes
from neuralc.emit.triton.scope import ref_type

BYTES = 16


def aligned_references(module: ModuleOp) -> dict[str, list[bool]]:
    """For each kernel, which of its memory arguments are aligned in every launch; all, where it is never launched."""
    found = {
        func.sym_name.data: [True] * len(func.references) for func in module.walk() if isinstance(func, kernel.FuncOp)
    }
    for op in module.walk():
        if isinstance(op, kernel.LaunchOp):
            flags = found[op.callee_name]
            for place, buffer in enumerate(op.args):
                flags[place] = flags[place] and is_aligned(buffer)
    return found


def is_aligned(buffer: SSAValue) -> bool:
    """True when the memory is known to start at a multiple of 16 bytes."""
    owner = buffer.owner
    if isinstance(owner, Block):
        return True
    match owner:
        case kernel.ArenaOp():
            return _is_multiple(owner.offset.data)
        case kernel.ViewOp():
            size = element_bytes(ref_type(owner.result).element_type)
            return is_aligned(owner.source) and _is_multiple(owner.offset.data * size)
        case _:
            return True


def _is_multiple(offset: Dim) -> bool:
    return offset.divisible_by(BYTES)
