"""The structure that framework code of an imported model is written from: layers and blocks, as a person has them.

An exporter leaves one list of small ops. Before code is written for it, these become layers again and the layers
blocks: graph-raise-layers and graph-outline-blocks, on a copy. The values stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import PassContext
from neuralc.passes.graph.outline_blocks import OutlineBlocksPass
from neuralc.passes.graph.raise_layers import RaiseLayersPass
from neuralc.passes.registry import parse_pipeline
from neuralc.passes.verifier import verify_module


def with_structure(
    module: ModuleOp,
    weights: WeightStore | None = None,
    raised: Callable[[ModuleOp], None] | None = None,
    **declared: bool,
) -> ModuleOp:
    """A module that says the same in layers and functions. Weights keep their names.

    With the bytes of weights, gathers of known places become what they are. Views of weights are declared as weights:
    which of them, the options `declared` of graph-raise-layers say. `raised` finds what else a form has as one layer,
    before blocks are looked for.
    """
    copy = module.clone()
    context = PassContext(weights=weights)
    for each in (RaiseLayersPass(**declared), *parse_pipeline("graph-cse,graph-dce")):
        each.run_in(copy, context)
    if raised is not None:
        raised(copy)
    OutlineBlocksPass().run_in(copy, context)
    verify_module(copy)
    return copy
