"""graph-raise-idioms: the layer that several ops spell out, as frameworks leave it that export nothing but arithmetic.

    %m = graph.reduce %x {axes = [1], keepdims = true, kind = "maximum"}
    %d = graph.sub %x, %m
    %e = graph.exp %d                                                        %y = graph.softmax %x {axis = 1}
    %s = graph.reduce %e {axes = [1], keepdims = true, kind = "sum"}   ->
    %y = graph.div %e, %s

Softmax and its logarithm, means, layer, rms and batch norms, gelu in both forms, silu, sigmoid, relu, the bias of a
layer, transposes around an einsum. Equal ops should be one before (graph-cse): a rule asks whether two values are the
same, not whether they are equal. It is meant for what comes from StableHLO, ONNX or an exported program, before code
leaves again; a model that was written in layers has nothing to raise.

A rule keeps what others read: an inner value with another user stays computed beside the layer. A constant counts as
the real number that it is the nearest float of: 0.70710677 is sqrt(0.5) in fp32. So exact runs differ by that rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import ModuleOp

from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.driver import rewrite
from neuralc.passes.graph import raise_activations, raise_norms, raise_products, raise_reductions
from neuralc.passes.graph.canonicalize import ConstantsRight, NamedClamps, NeutralOperand, ScalarConstants
from neuralc.passes.graph.canonicalize_layers import BiasOfLayer, MatmulWithWeight
from neuralc.passes.graph.canonicalize_views import (
    ComposeExpands,
    ComposeReshapes,
    ComposeTransposes,
    ExpandBeforeBroadcast,
)

PATTERNS = (
    ComposeReshapes(), ComposeTransposes(), ComposeExpands(), ExpandBeforeBroadcast(),
    ConstantsRight(), ScalarConstants(), NeutralOperand(), NamedClamps(), MatmulWithWeight(), BiasOfLayer(),
    *raise_reductions.PATTERNS, *raise_norms.PATTERNS, *raise_activations.PATTERNS, *raise_products.PATTERNS,
)  # fmt: skip


@dataclass(frozen=True)
class RaiseIdiomsPass(ModulePass):
    name = "graph-raise-idioms"
    tolerance: ClassVar[float] = 1e-6

    def run(self, module: ModuleOp, context: PassContext) -> None:
        rewrite(module, PATTERNS, context)
