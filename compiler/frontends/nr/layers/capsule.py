"""Capsules: vectors whose length says whether something is there, routed by agreement (Sabour et al. 2017)."""

from __future__ import annotations

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import product, simplest
from neuralc.dialects.types import shape_of
from neuralc.frontends.nr.layers.shared import Lowering, known, weight
from neuralc.frontends.nr.layers.values import einsum, number, reshape, scaled, total
from neuralc.frontends.nr.site import LayerError, Site, shown
from neuralc.grammar.binding import Bound


def capsule(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """Procedure 1 of the paper. What agrees with the sum of all is listened to more in the next round."""
    shape = shape_of(x.type)
    if len(shape) < 3:
        raise LayerError(
            f"it takes capsules (batch, capsules, features), its input is {shown(x)}",
            help="write `Reshape((capsules, features))` before it",
        )
    count, features = known(simplest(product(shape[1:-1])), "the number of capsules"), known(shape[-1], "the features")
    outputs, size = arguments["num_capsules"], arguments["dim_capsules"]
    kernel = weight(site, arguments, "kernel", (count, outputs, features, size), x)
    inputs = reshape(site, x, (shape[0], count, features), "inputs")
    votes = einsum(site, "bid,ijde->bije", inputs, kernel, suffix="votes")
    # All logits are 0 in the first round: each capsule sends the same to all.
    result = squash(site, scaled(site, total(site, votes, (1,), suffix="sums"), 1.0 / outputs, "share"))
    logits: SSAValue | None = None
    for _ in range(arguments["routings"] - 1):
        agreement = einsum(site, "bije,bje->bij", votes, result, suffix="agreement")
        logits = agreement if logits is None else site.add(graph.AddOp.of(logits, agreement), "logits")
        coupling = site.add(graph.SoftmaxOp.of(logits), "coupling")
        result = squash(site, einsum(site, "bij,bije->bje", coupling, votes, suffix="sums"))
    return result


def squash(site: Site, s: SSAValue) -> SSAValue:
    """Equation 1: |s|^2 / (1 + |s|^2) times s / |s|, written so that a vector of zeros stays one."""
    norm = total(site, site.add(graph.MulOp.of(s, s), "squares"), (-1,), keepdims=True, suffix="norm")
    length = site.add(graph.SqrtOp.of(norm), "length")
    factor = site.add(graph.DivOp.of(length, site.add(graph.AddOp.of(norm, number(site, 1.0, norm, "one")), "norm")))
    return site.add(graph.MulOp.of(s, factor), "squashed")


LOWERINGS: dict[str, Lowering] = {"Capsule": capsule}
