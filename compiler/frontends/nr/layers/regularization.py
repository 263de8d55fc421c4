"""What only training does: kept in the model, the value itself at inference."""

from __future__ import annotations

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.frontends.nr.layers.shared import Lowering
from neuralc.frontends.nr.site import Site
from neuralc.grammar.binding import Bound


def dropout(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return site.add(graph.DropoutOp.of(x, rate=arguments["rate"]))


LOWERINGS: dict[str, Lowering] = {"Dropout": dropout}
