"""Normalizations that StableHLO has ops for."""

from __future__ import annotations

from neuralc.dialects import graph
from neuralc.frontends.stablehlo.node import Node
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.values import Value


@stablehlo_op("stablehlo.batch_norm_inference", makes=("graph.batch_norm",))
def batch_norm_inference(node: Node) -> Value:
    """Operands: x, scale, offset, mean, variance."""
    return node.emit(graph.BatchNormOp, *node.inputs, axis=node.integer("feature_index"), epsilon=node.real("epsilon"))
