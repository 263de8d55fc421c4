"""graph-raise-layers: what an exporter took apart is the layer again that a person wrote.

    %0 = graph.div %x, %root2 -> ..
    %1 = graph.erf %0 -> ..
    %2 = graph.add %1, %one -> ..                    %4 = graph.gelu %x -> ..
    %3 = graph.mul %x, %2 -> ..              ->
    %4 = graph.mul %3, %half -> ..

For code that people read and keep: emitters of framework code run it on imported models. Each family of layers has a
file of patterns: products with weights (linear), directions and steps of recurrent layers (directions, steps), sums of
products (einsums), axes of size 1 (unit_axes), activations, means (statistics), norms and softmax, other spellings of
norms (variances), indices, and known places (indexing). A pattern names the forms that exporters write; what it does
not recognise stays as it is. At the end views of weights are declared as weights.

Numbers are compared as fp32 holds them, since exporters round them: `0.044714998` is the 0.044715 of the gelu. So
results may differ by one rounding of such a number. Must not fire where the parts mean something else at any value:
an exp without its maximum taken off is no softmax, it overflows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from xdsl.dialects.builtin import ModuleOp

from neuralc.passes.base import ModulePass, Numerics, PassContext
from neuralc.passes.driver import RewritePattern, rewrite
from neuralc.passes.graph.canonicalize import CanonicalAxes, NamedClamps
from neuralc.passes.graph.canonicalize_values import DoubleNegation
from neuralc.passes.graph.canonicalize_views import ViewOfConstant
from neuralc.passes.graph.raise_layers import (
    activations,
    directions,
    einsums,
    indices,
    linear,
    norms,
    statistics,
    steps,
    unit_axes,
    variances,
)
from neuralc.passes.graph.raise_layers.indexing import GatherOfAll
from neuralc.passes.graph.raise_layers.weights import Declared, declare_views

PATTERNS: Sequence[RewritePattern[Any]] = (
    *linear.PATTERNS,
    *directions.PATTERNS,
    *steps.PATTERNS,
    *einsums.PATTERNS,
    *unit_axes.PATTERNS,
    *indices.PATTERNS,
    *activations.PATTERNS,
    *statistics.PATTERNS,
    *variances.PATTERNS,
    *norms.PATTERNS,
    CanonicalAxes(),
    NamedClamps(),
    DoubleNegation(),
    ViewOfConstant(),
)


@dataclass(frozen=True)
class RaiseLayersPass(ModulePass):
    name = "graph-raise-layers"
    numerics: ClassVar[Numerics] = "rounded"
    tolerance: ClassVar[float] = 1e-6

    views: bool = True
    """Whether views of weights are declared as weights; else they stay ops, for who writes another file of weights."""
    sums: bool = False
    """Whether the sum of the two biases of a recurrent layer is declared too, for forms whose layers have one."""
    transposed_kernels: bool = True
    """Whether kernels of products and convolutions that a transpose makes are; a form may take them as they lie."""

    def run(self, module: ModuleOp, context: PassContext) -> None:
        rewrite(module, [*PATTERNS, GatherOfAll(context.weights)], context)
        if self.views:
            declare_views(module, context, Declared(self.sums, self.transposed_kernels))
