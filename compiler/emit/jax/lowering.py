"""How each op of the graph level becomes JAX code, and which ones have none."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import Operation

from neuralc.emit.jax import (
    lower_control,
    lower_functions,
    lower_indexing,
    lower_layers,
    lower_moves,
    lower_pools,
    lower_recurrent,
    lower_resize,
    lower_sampling,
    lower_states,
    lower_training,
)
from neuralc.emit.python.form import Lowering

LOWERINGS: Mapping[type[Operation], Lowering] = {
    **lower_layers.LOWERINGS,
    **lower_pools.LOWERINGS,
    **lower_recurrent.LOWERINGS,
    **lower_functions.LOWERINGS,
    **lower_moves.LOWERINGS,
    **lower_resize.LOWERINGS,
    **lower_indexing.LOWERINGS,
    **lower_sampling.LOWERINGS,
    **lower_control.LOWERINGS,
    **lower_states.LOWERINGS,
    **lower_training.LOWERINGS,
}

WITHOUT_CODE: Mapping[str, str] = {"graph.custom": "its meaning is a function of numpy, which JAX cannot trace"}
"""Ops of the graph level that E0850 names, and why."""
