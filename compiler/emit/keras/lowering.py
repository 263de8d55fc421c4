"""How each op of the graph level becomes Keras code, and which ones nobody has written in its words."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import Operation

from neuralc.emit.keras import (
    lower_axes,
    lower_functions,
    lower_indexing,
    lower_layers,
    lower_pools,
    lower_quantized,
    lower_recurrent,
    lower_resize,
    lower_views,
)
from neuralc.emit.python.form import Lowering

LOWERINGS: Mapping[type[Operation], Lowering] = {
    **lower_functions.LOWERINGS,
    **lower_layers.LOWERINGS,
    **lower_pools.LOWERINGS,
    **lower_axes.LOWERINGS,
    **lower_views.LOWERINGS,
    **lower_indexing.LOWERINGS,
    **lower_quantized.LOWERINGS,
    **lower_recurrent.LOWERINGS,
    **lower_resize.LOWERINGS,
}

WITHOUT_CODE: Mapping[str, str] = {
    "graph.custom": "nobody defines it",
    **{
        f"graph.{name}": "it is not written in Keras's words yet"
        for name in (
            "deform_conv", "fold", "grid_sample", "if", "loop", "max_roi_pool", "roi_align", "scan",
        )
    },
}  # fmt: skip
"""Ops of the graph level that E0850 names, and why."""
