"""Ops of plugins, as their packages say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.plugins import op_plugin
from neuralc.grammar.diagnostics import error


def _custom(evaluator: Evaluator, op: graph.CustomOp, *operands: Array) -> Array | Sequence[Array]:
    plugin = op_plugin(op.layer.data)
    if plugin is None:
        raise error("E0704", f"no plugin brings the layer `{op.layer.data}`")
    return plugin.semantics(op.values, *operands)


SEMANTICS: Mapping[type[Operation], Semantics] = {graph.CustomOp: _custom}
