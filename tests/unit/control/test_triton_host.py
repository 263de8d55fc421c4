"""Control flow on a GPU: the host program is Python with loops and choices; Triton's interpreter runs the kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from support.compare import assert_close
from support.gpu_models import SM_80, lower
from support.graph_modules import GraphModule, tensor
from support.regions import arrays, choose, loop, scan
from support.triton_interpreter import interpreter
from xdsl.dialects.builtin import i1, i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.emit.triton import emit

pytestmark = pytest.mark.thorough

pytest.importorskip("triton")
pytest.importorskip("torch")


def test_loops_and_choices_run_on_the_host() -> None:
    builder = GraphModule()

    def body(x: SSAValue, a: SSAValue, c: SSAValue, n: SSAValue) -> Sequence[SSAValue]:
        h, ys = scan(
            "S", [a], [x], lambda s, e: [graph.TanhOp.of(graph.AddOp.of(s, e).result).result] * 2, reverse=[1, 1]
        )
        (z,) = choose(c, lambda: [h], lambda: [graph.MulOp.of(h, a).result])
        (w,) = loop([z], lambda i, s: [graph.AddOp.of(s, a).result], limit=n)
        return [ys, w]

    types = {
        "x": tensor("S", 3, 8),
        "a": tensor(3, 8),
        "c": tensor(element=i1),
        "n": tensor(element=i64),
    }
    module = builder.model(types, body)
    given = arrays(np.random.default_rng(0), x=(4, 3, 8), a=(3, 8))
    cases = [{**given, "c": np.asarray(flag), "n": np.asarray(count)} for flag, count in ((True, 2), (False, 3))]
    expected = [run_module(module, each, builder.weights) for each in cases]
    lower(module, builder.weights)
    source = emit(module, SM_80)
    assert "    for t in range(S):\n" in source
    for inputs, wanted in zip(cases, expected, strict=True):
        for found, result in zip(interpreter().run(source, inputs, builder.weights), wanted, strict=True):
            assert_close(found, result, 1e-5)
