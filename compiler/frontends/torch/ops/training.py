"""Layers that act in training alone; they stay in the model, so that code that trains can be made of it."""

from __future__ import annotations

from neuralc.dialects import graph
from neuralc.frontends.torch.node import Node
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value

DROPOUTS = {"dropout": "zeros", "feature_dropout": "zeros", "alpha_dropout": "alpha", "feature_alpha_dropout": "alpha"}


@aten(*DROPOUTS, makes=("graph.dropout",))
def dropout(node: Node, x: Value, p: float, train: bool) -> Value:
    """feature_dropout drops whole channels."""
    if train and p:
        node.refuse("in training: pass `training=self.training`, or call `eval()` first")
    if not p:
        return x
    shared = tuple(range(2, x.rank)) if node.op.startswith("feature") else ()
    return node.emit(graph.DropoutOp, x, kind=DROPOUTS.get(node.op, "zeros"), rate=float(p), shared=shared)


@aten("native_dropout", makes=("graph.dropout",))
def native_dropout(node: Node, x: Value, p: float, train: bool | None) -> list[Value | None]:
    if node.wants(1):
        node.refuse("with the mask of what was dropped")
    return [dropout(node, x, p, bool(train)) if p else x, None]
