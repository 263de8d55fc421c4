"""Loop metadata: the unrolling a kernel wants is in its IR, so LLVM is told to add none."""

from __future__ import annotations

from typing import Any

from llvmlite import ir


def disable_unrolling(module: Any, latch: Any) -> None:
    """Mark the loop that a branch closes: `!llvm.loop.unroll.disable`."""
    option = module.add_metadata(["llvm.loop.unroll.disable"])
    loop = ir.values.MDValue(module, (), name=str(len(module.metadata)))
    # LLVM takes a loop's identity from a node that names itself first.
    loop.operands = (loop, option)
    latch.set_metadata("llvm.loop", loop)
