"""Models with states for tests: a recurrent layer that is fed in pieces, and attention with a key/value cache."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from support.graph_modules import GraphModule, tensor
from xdsl.dialects.builtin import ModuleOp, i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.types import DimAttr
from neuralc.dialects.weights import WeightStore

UNITS, FEATURES = 8, 5
GATES = 4 * UNITS


@dataclass(frozen=True)
class Model:
    module: ModuleOp
    weights: WeightStore


def stateful_lstm(seed: int = 0) -> Model:
    """An LSTM over [time, batch, features] whose states go on from run to run; gives the outputs of all times."""
    rng, build = np.random.default_rng(seed), GraphModule()
    state = tensor("batch", UNITS)
    for name in ("h", "c"):
        build.state(name, state)

    def weight(name: str, *shape: int) -> SSAValue:
        return build.weight(name, (0.4 * rng.standard_normal(shape)).astype(np.float32))

    def body(x: SSAValue) -> SSAValue:
        kernel, recurrent, bias = (
            weight("k", FEATURES, 4 * UNITS),
            weight("r", UNITS, 4 * UNITS),
            weight("b", 4 * UNITS),
        )
        h, c = (graph.GetStateOp(name, state).result for name in ("h", "c"))
        ys, last_h, last_c = graph.LstmOp.of(x, kernel, recurrent, bias, h, c).results
        graph.SetStateOp("h", last_h)
        graph.SetStateOp("c", last_c)
        return ys

    return Model(build.model({"x": tensor("T", "batch", FEATURES)}, body), build.weights)


HEADS, WIDTH, CAPACITY = 2, 4, 12


def cached_attention() -> Model:
    """Attention of new positions over all so far, [new, heads, width] each; keys and values of up to CAPACITY stay.

    `count` is how many there are. A position that does not fit is an index out of range.
    """
    build = GraphModule()
    cache, new, one = tensor(CAPACITY, HEADS, WIDTH), tensor("new", HEADS, WIDTH), tensor(element=i64)
    build.state("keys", cache)
    build.state("values", cache)
    build.state("count", one)

    def body(q: SSAValue, k: SSAValue, v: SSAValue) -> SSAValue:
        count = graph.GetStateOp("count", one).result
        places = graph.AddOp.of(graph.IotaOp.of(result=tensor("new", element=i64)).result, count).result
        column = graph.ReshapeOp.of(places, result=tensor("new", 1, element=i64)).result
        filled = []
        for name, update in (("keys", k), ("values", v)):
            filled.append(graph.ScatterNdOp.of(graph.GetStateOp(name, cache).result, column, update).result)
            graph.SetStateOp(name, filled[-1])
        size = graph.SizeOp.of(dim=DimAttr(Dim.symbol("new"))).result
        graph.SetStateOp("count", graph.AddOp.of(count, size).result)
        scores = graph.EinsumOp.of(q, filled[0], spec="qhd,khd->hqk").result
        positions = graph.IotaOp.of(result=tensor(CAPACITY, element=i64)).result
        seen = graph.LessEqualOp.of(positions, column).result
        masked = graph.WhereOp.of(seen, scores, graph.ConstantOp.of(result=tensor(), value=-1e9).result).result
        return graph.EinsumOp.of(graph.SoftmaxOp.of(masked).result, filled[1], spec="hqk,khd->qhd").result

    return Model(build.model({"q": new, "k": new, "v": new}, body), WeightStore())
