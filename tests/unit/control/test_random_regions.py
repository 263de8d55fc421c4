"""Random programs with nested control flow keep their results through every pass, and as native code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from support.compare import Array
from support.graph_modules import GraphModule, tensor
from support.pipelines import EXACT, NATIVE, POLYNOMIALS, assert_same, compile_native, passes_of
from support.regions import choose, loop, scan
from support.tables import few_of
from xdsl.dialects.builtin import ModuleOp, i1, i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import PassContext
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module

ROWS, COLUMNS, TIMES = 3, 5, 4
SEEDS = [*few_of([range(1), range(1, 6)]), pytest.param(range(6, 120), marks=pytest.mark.slow)]


class Program:
    """Values of [rows, columns], made by layers and by control flow around them."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.builder = GraphModule()

    def make(self) -> tuple[ModuleOp, WeightStore, dict[str, Array]]:
        types = {
            "x": tensor("S", ROWS, COLUMNS),
            "a": tensor(ROWS, COLUMNS),
            "b": tensor(ROWS, COLUMNS),
            "c": tensor(element=i1),
            "n": tensor(element=i64),
        }

        def body(x: SSAValue, a: SSAValue, b: SSAValue, c: SSAValue, n: SSAValue) -> Sequence[SSAValue]:
            self.sequence, self.flag, self.count = x, c, n
            values = self.layers([a, b], 0)
            return values[-3:]

        module = self.builder.model(types, body)
        inputs = {
            "x": self.array(TIMES, ROWS, COLUMNS),
            "a": self.array(ROWS, COLUMNS),
            "b": self.array(ROWS, COLUMNS),
            "c": np.asarray(bool(self.rng.integers(2))),
            "n": np.asarray(int(self.rng.integers(4))),
        }
        return module, self.builder.weights, inputs

    def array(self, *shape: int) -> Array:
        return self.rng.standard_normal(shape).astype(np.float32)

    def layers(self, values: Sequence[SSAValue], depth: int) -> list[SSAValue]:
        known = list(values)
        for _ in range(int(self.rng.integers(2, 6))):
            known += self.step(known, depth)
        return known

    def step(self, known: Sequence[SSAValue], depth: int) -> Sequence[SSAValue]:
        kind = self.rng.integers(9 if depth < 2 else 6)
        x, y = self.pick(known), self.pick(known)
        match kind:
            case 0 | 1:
                return [graph.AddOp.of(x, y).result]
            case 2:
                return [graph.MulOp.of(graph.TanhOp.of(x).result, y).result]
            case 3:
                return [graph.SoftmaxOp.of(x, axis=-1).result]
            case 4:
                weight = self.builder.weight("w", self.array(COLUMNS, COLUMNS) / 3)
                return [graph.TanhOp.of(graph.DenseOp.of(x, weight).result).result]
            case 5:
                turned = graph.TransposeOp.of(x, perm=(1, 0)).result
                return [graph.ReshapeOp.of(graph.SigmoidOp.of(turned).result, result=x.type).result]
            case 6:
                return choose(self.flag, lambda: self.ends(known, depth, 2), lambda: self.ends(known, depth, 2))
            case 7:
                return self.recurrence(known, depth)
            case _:
                carried = [x, y]
                return loop(carried, lambda i, *s: self.ends([*s, *known], depth, 2), limit=self.count)

    def recurrence(self, known: Sequence[SSAValue], depth: int) -> Sequence[SSAValue]:
        flags = [int(flag) for flag in self.rng.integers(0, 2, 3)]
        start = [self.pick(known), self.pick(known)]

        def body(s: SSAValue, t: SSAValue, e: SSAValue) -> Sequence[SSAValue]:
            ends = self.ends([s, t, e, *known], depth, 4)
            # At times a value is carried and stacked, handed on, or both change places.
            match self.rng.integers(4):
                case 0:
                    return [ends[0], t, ends[0], ends[1]]
                case 1:
                    return [t, s, ends[0], ends[1]]
                case _:
                    return ends

        h, c, first, second = scan("S", start, [self.sequence], body, flags)
        summed = [graph.ReduceOp.of(each, kind="sum", axes=(0,), keepdims=False).result for each in (first, second)]
        scaled = [graph.TanhOp.of(each).result for each in summed]
        return [h, c, *scaled]

    def ends(self, known: Sequence[SSAValue], depth: int, count: int) -> list[SSAValue]:
        return [self.bounded(value) for value in self.layers(known, depth + 1)[-count:]]

    def bounded(self, value: SSAValue) -> SSAValue:
        """At most 1, so that nothing grows from round to round; at times the value itself, which no op makes here."""
        return value if self.rng.integers(4) == 0 else graph.TanhOp.of(value).result

    def pick(self, known: Sequence[SSAValue]) -> SSAValue:
        return known[int(self.rng.integers(len(known)))]


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_every_pass_keeps_the_results(seeds: range) -> None:
    for seed in seeds:
        module, weights, inputs = Program(seed).make()
        verify_module(module)
        expected = run_module(module, inputs, weights)
        context = PassContext(target=Target.cpu("haswell"), weights=weights)
        tolerance = EXACT
        for each in passes_of(seed % 3):
            each.run_in(module, context)
            verify_module(module)
            tolerance = POLYNOMIALS if each.name == "kernel-expand-math" else tolerance
            assert_same(run_module(module, inputs, weights), expected, tolerance)


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_native_code_agrees_for_any_number_of_rounds(seeds: range) -> None:
    for seed in seeds:
        module, weights, inputs = Program(seed).make()
        model = compile_native(module.clone(), weights, seed % 3, Target.host(), threads=1 + seed % 2)
        for times, flag, count in ((TIMES, True, 2), (1, False, 0), (2, True, 1)):
            given = {**inputs, "x": inputs["x"][:times], "c": np.asarray(flag), "n": np.asarray(count)}
            found = model(**given)
            expected = run_module(module, given, weights)
            assert_same(found if isinstance(found, tuple) else [found], expected, NATIVE)
