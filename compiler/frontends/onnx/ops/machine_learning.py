"""The operators of domain ai.onnx.ml that are plain arithmetic (https://onnx.ai/onnx/operators, ai.onnx.ml)."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import f32, i64

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, is_float
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.values import Value

DOMAIN = "ai.onnx.ml"


def _row(node: Node, name: str) -> Value:
    return node.constant(np.array(node.reals(name), np.float32), f32)


def _floats(node: Node) -> Value:
    return node.cast(node.input(0), f32)


@onnx_op("Scaler", domain=DOMAIN, makes=("graph.sub", "graph.mul", "graph.cast"))
def scaler(node: Node) -> Value:
    """(x - offset) * scale, one value each or one for all."""
    x = _floats(node)
    if node.has("offset"):
        x = node.sub(x, _row(node, "offset"))
    return node.mul(x, _row(node, "scale")) if node.has("scale") else x


@onnx_op("Normalizer", domain=DOMAIN, makes=("graph.abs", "graph.reduce", "graph.div", "graph.where"))
def normalizer(node: Node) -> Value:
    """Each row divided by its maximum, its L1 or its L2 norm; a row of zeros stays."""
    x, kind = _floats(node), node.string("norm", "MAX")
    axis = (x.rank - 1,)
    if kind == "MAX":
        size = node.reduce(node.emit(graph.AbsOp, x), "maximum", axis, keepdims=True)
    elif kind == "L1":
        size = node.reduce(node.emit(graph.AbsOp, x), "sum", axis, keepdims=True)
    elif kind == "L2":
        size = node.emit(graph.SqrtOp, node.reduce(node.mul(x, x), "sum", axis, keepdims=True))
    else:
        raise ShapeError(f"a norm `{kind}`")
    zero = node.emit(graph.EqualOp, size, node.scalar(0, size))
    return node.div(x, node.emit(graph.WhereOp, zero, node.scalar(1, size), size))


@onnx_op("Binarizer", domain=DOMAIN, makes=("graph.greater", "graph.cast"))
def binarizer(node: Node) -> Value:
    x = node.input(0)
    limit = node.real("threshold", 0.0)
    return node.cast(node.emit(graph.GreaterOp, x, node.scalar(limit, x)), x.element)


@onnx_op("Imputer", domain=DOMAIN, makes=("graph.equal", "graph.is_nan", "graph.where"))
def imputer(node: Node) -> Value:
    """Replaces one value, for floats usually NaN, by one per feature."""
    x = node.input(0)
    if is_float(x.element):
        new, old = _row(node, "imputed_value_floats"), node.real("replaced_value_float", 0.0)
        if np.isnan(old):
            return node.emit(graph.WhereOp, node.emit(graph.IsNanOp, x), node.cast(new, x.element), x)
    else:
        new, old = node.indices(node.integers("imputed_value_int64s")), node.integer("replaced_value_int64", 0)
    hit = node.emit(graph.EqualOp, x, node.scalar(old, x))
    return node.emit(graph.WhereOp, hit, node.cast(new, x.element), x)


@onnx_op("ArrayFeatureExtractor", domain=DOMAIN, makes=("graph.gather",))
def array_feature_extractor(node: Node) -> Value:
    """The columns of the given numbers, in two dims."""
    x, places = node.inputs
    flat = node.reshape(places, (places.shape[-1],))
    out = node.emit(graph.GatherOp, x, flat, axis=x.rank - 1)
    return node.reshape(out, (1, *out.shape)) if out.rank == 1 else out


@onnx_op("FeatureVectorizer", domain=DOMAIN, makes=("graph.concat", "graph.cast"), unread=("inputdimensions",))
def feature_vectorizer(node: Node) -> Value:
    rows = [node.cast(x, f32) for x in node.inputs]
    return node.concat(rows, rows[0].rank - 1)


@onnx_op("LinearRegressor", domain=DOMAIN, makes=("graph.dense", "graph.cast"))
def linear_regressor(node: Node) -> Value:
    targets = node.integer("targets", 1)
    scores = _linear(node, "coefficients", "intercepts", targets)
    return _transformed(node, scores)


@onnx_op("LinearClassifier", domain=DOMAIN, makes=("graph.dense", "graph.arg_reduce", "graph.gather"))
def linear_classifier(node: Node) -> list[Value]:
    """The label of the highest score, and the scores. Two classes may share one score: its sign decides."""
    if node.has("classlabels_strings"):
        node.refuse("with labels that are strings")
    labels = node.integers("classlabels_ints")
    if len(labels) < 2:
        node.refuse("with less than two labels")
    rows = len(node.reals("coefficients")) // max(int(str(node.input(0).shape[-1])), 1)
    scores = _linear(node, "coefficients", "intercepts", rows)
    if rows == 1:
        scores = node.concat([node.emit(graph.NegOp, scores), scores], 1)
    best = node.emit(graph.ArgReduceOp, scores, kind="max", axis=1)
    label = node.emit(graph.GatherOp, node.indices(labels), node.cast(best, i64), axis=0)
    node.integer("multi_class", 0)
    return [label, _transformed(node, scores)]


def _linear(node: Node, kernel: str, bias: str, units: int) -> Value:
    x = _floats(node)
    if x.rank == 1:
        x = node.reshape(x, (1, x.shape[0]))
    weights = np.array(node.reals(kernel), np.float32)
    if units < 1 or len(weights) % units:
        raise ShapeError(f"{len(weights)} coefficients for {units} results")
    y = node.emit(graph.DenseOp, x, node.constant(np.ascontiguousarray(weights.reshape(units, -1).T), f32))
    return node.add(y, _row(node, bias)) if node.has(bias) else y


def _transformed(node: Node, scores: Value) -> Value:
    kind = node.string("post_transform", "NONE")
    if kind == "SOFTMAX":
        return node.emit(graph.SoftmaxOp, scores, axis=scores.rank - 1)
    if kind == "LOGISTIC":
        return node.emit(graph.SigmoidOp, scores)
    if kind != "NONE":
        node.refuse(f"with the transform {kind}")
    return scores
