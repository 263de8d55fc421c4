"""How each op of the graph level becomes torch code, and which ones nobody has written in torch's words yet."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import Operation

from neuralc.emit.python.form import Lowering
from neuralc.emit.torch import (
    lower_axes,
    lower_functions,
    lower_indexing,
    lower_layers,
    lower_moves,
    lower_recurrent,
    lower_training,
)

LOWERINGS: Mapping[type[Operation], Lowering] = {
    **lower_layers.LOWERINGS,
    **lower_moves.LOWERINGS,
    **lower_indexing.LOWERINGS,
    **lower_functions.LOWERINGS,
    **lower_axes.LOWERINGS,
    **lower_training.LOWERINGS,
    **lower_recurrent.LOWERINGS,
}

WITHOUT_CODE: Mapping[str, str] = {
    f"graph.{name}": "it is not written in torch's words yet"
    for name in (
        "arg_max_pool", "custom", "deform_conv", "dequantize", "fold", "gather_elements", "gather_nd", "grid_sample",
        "if", "loop", "max_roi_pool", "quantize", "reverse_sequence", "roi_align", "scan",
        "scatter_elements", "scatter_nd",
    )
}  # fmt: skip
"""Ops of the graph level that E0850 names, and why."""
