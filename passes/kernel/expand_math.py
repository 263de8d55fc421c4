"""kernel-expand-math: write exp, log, tanh, erf and pow of fp32 and fp16 tiles as polynomials.

    %1 = kernel.map exp %0          ->   %2 = kernel.map maximum %0, %low ..
                                         %n = kernel.map round_even ..
                                         %r = kernel.map fma %n, %ln2, ..
                                         %p = kernel.map fma ..                    (6 times)
                                         %1 = kernel.map ldexp %p, %n

Why: a CPU has no such instruction, and a call of the C library per lane is 6 to 10 times slower than the polynomial in
vectors. The formulas and their errors are in elementary.py; infinities, NaN and subnormal results are right, and exp of
-inf is exactly 0. fp16 is computed in fp32 and rounded once.
Must not fire on fp64, which keeps the C library's functions lane by lane (the emitter calls them), nor for a GPU, which
has its own. Values change by the stated ulps: `--check-each` compares in rounded mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import ModuleOp, f16, f32

from neuralc.dialects.kernel import MapOp, TileType
from neuralc.passes.base import ModulePass, Numerics, PassContext
from neuralc.passes.driver import RewritePattern, Rewriter, rewrite
from neuralc.passes.kernel.elementary import FORMULAS, Expression


class ExpandFunction(RewritePattern[MapOp]):
    """A function with a formula becomes its formula, in fp32."""

    op_types = (MapOp,)

    def rewrite(self, op: MapOp, rewriter: Rewriter) -> None:
        formula = FORMULAS.get(op.literal("fn"))
        tile = op.result.type
        if formula is None or not isinstance(tile, TileType) or tile.element_type not in (f16, f32):
            return
        expression = Expression(op.result)
        args = list(op.args)
        if tile.element_type == f16:
            args = [expression.convert(arg, f32) for arg in args]
        result = formula(expression, *args)
        if tile.element_type == f16:
            expression.convert(result, f16)
        rewriter.replace(op, expression.ops)


@dataclass(frozen=True)
class ExpandMathPass(ModulePass):
    name = "kernel-expand-math"
    numerics: ClassVar[Numerics] = "rounded"
    tolerance: ClassVar[float] = 1e-5

    def run(self, module: ModuleOp, context: PassContext) -> None:
        rewrite(module, [ExpandFunction()], context)
