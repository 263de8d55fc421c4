"""kernel-canonicalize: one written form for each thing a kernel can say, and nothing that has no effect.

    %c0 = arith.constant 0 : index                             %x2 = kernel.load %x[%p, 0 over 0] -> ..
    %q = arith.addi %p, %c0 : index                       ->   %y = kernel.map exp %x2 -> ..
    %x2 = kernel.load %x[%q, %c0 over 0] -> ..                 kernel.store %y, ..
    %y = kernel.loop %k = 0 to 1 step 1 iter(%a = %x2) { .. exp .. }

Index arithmetic is folded, constants become numbers in accesses and loop bounds (`canonicalize_index.py`); maps,
broadcasts, reshapes and conversions that change nothing go (`canonicalize_tiles.py`); loops that run once are inlined,
those that never run or that nobody needs go (`canonicalize_loops.py`); equal values are computed once
(`common_values.py`). Why: lowering may then write down what is general and simple, and every later pass and emitter
sees few forms.

Must not fire where a value could change: `x + 0.0` is not `x` for x = -0.0, `x * 0.0` is not 0.0 for NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import kernel
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.driver import rewrite
from neuralc.passes.kernel.canonicalize_index import INDEX_PATTERNS
from neuralc.passes.kernel.canonicalize_loops import LOOP_PATTERNS
from neuralc.passes.kernel.canonicalize_tiles import TILE_PATTERNS
from neuralc.passes.kernel.common_values import merge_common_values

PATTERNS = (*INDEX_PATTERNS, *TILE_PATTERNS, *LOOP_PATTERNS)


@dataclass(frozen=True)
class CanonicalizePass(ModulePass):
    name = "kernel-canonicalize"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        for func in [op for op in module.body.block.ops if isinstance(op, kernel.FuncOp)]:
            changed = True
            while changed:  # equal operands make more ops equal, and more patterns fire
                rewrite(func, PATTERNS, context)
                changed = merge_common_values(func.block, context)
