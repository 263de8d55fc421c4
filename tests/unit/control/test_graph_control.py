"""graph.if, graph.loop and graph.scan: what they compute, on every level and as native code, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from support.compare import Array
from support.graph_modules import GraphModule, tensor
from support.pipelines import compile_native
from support.regions import arrays, assert_everywhere, choose, loop, number, scan, true
from xdsl.dialects.builtin import ModuleOp, f32, i1, i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.base import PassContext
from neuralc.passes.registry import parse_pipeline
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module
from neuralc.runtime import ModelError

pytestmark = pytest.mark.thorough

RNG = np.random.default_rng(0)


def add(a: SSAValue, b: SSAValue) -> SSAValue:
    return graph.AddOp.of(a, b).result


def mul(a: SSAValue, b: SSAValue) -> SSAValue:
    return graph.MulOp.of(a, b).result


def lower(module: ModuleOp) -> ModuleOp:
    for each in parse_pipeline("graph-to-tensor"):
        each.run_in(module, PassContext())
    verify_module(module)
    return module


def flag(value: bool) -> Array:
    return np.asarray(value)


def test_if_runs_the_side_that_its_condition_says() -> None:
    def body(c: SSAValue, x: SSAValue, y: SSAValue) -> Sequence[SSAValue]:
        return choose(c, lambda: [add(x, y), x], lambda: [mul(x, x), y])

    module = GraphModule().model({"c": tensor(element=i1), "x": tensor(2, 5), "y": tensor(2, 5)}, body)
    given = arrays(RNG, x=(2, 5), y=(2, 5))
    x, y = (each.astype(np.float64) for each in given.values())
    inputs = [{"c": flag(True), **given}, {"c": flag(False), **given}]
    assert_everywhere(module, WeightStore(), inputs, [[x + y, x], [x * x, y]])


def test_scan_carries_stacks_and_walks_backwards() -> None:
    def body(a: SSAValue, x: SSAValue) -> Sequence[SSAValue]:
        return scan("S", [a], [x], lambda s, e: [add(s, e), add(s, e), mul(s, e)], reverse=[0, 1, 0])

    module = GraphModule().model({"a": tensor(3), "x": tensor("S", 3)}, body)
    inputs, expected = [], []
    for size in (1, 4, 7):
        given = arrays(RNG, a=(3,), x=(size, 3))
        a, x = (each.astype(np.float64) for each in given.values())
        sums = a + np.cumsum(x, 0)
        before = np.concatenate([a[None], sums[:-1]])
        inputs.append(given)
        expected.append([sums[-1], sums[::-1], before * x])
    assert_everywhere(module, WeightStore(), inputs, expected)


def test_scan_of_no_rounds_hands_its_first_values_on() -> None:
    def body(a: SSAValue, b: SSAValue, x: SSAValue) -> Sequence[SSAValue]:
        return scan("S", [a, b], [x], lambda s, t, e: [add(s, e), add(t, s), add(s, e)])

    module = GraphModule().model({"a": tensor(3), "b": tensor(3), "x": tensor("S", 3)}, body)
    dims = next(op for op in module.body.block.ops if isinstance(op, graph.DimOp))
    dims.properties["minimum"] = graph.DimAttr(graph.DimOp("S", 0).minimum.data)
    given = arrays(RNG, a=(3,), b=(3,), x=(0, 3))
    expected = [given["a"].astype(np.float64), given["b"].astype(np.float64), np.zeros((0, 3))]
    assert_everywhere(module, WeightStore(), [given], [expected])


def test_carried_values_may_change_places_be_handed_on_and_be_stacked_twice() -> None:
    def body(a: SSAValue, b: SSAValue, c: SSAValue, x: SSAValue) -> Sequence[SSAValue]:
        def step(s: SSAValue, t: SSAValue, u: SSAValue, e: SSAValue) -> Sequence[SSAValue]:
            new = add(s, e)
            return [t, s, u, new, new, e, t, u]

        return scan(3, [a, b, c], [x], step)

    module = GraphModule().model({"a": tensor(4), "b": tensor(4), "c": tensor(4), "x": tensor(3, 4)}, body)
    given = arrays(RNG, a=(4,), b=(4,), c=(4,), x=(3, 4))
    a, b, c, x = (each.astype(np.float64) for each in given.values())
    first, second = np.stack([a, b, a]), np.stack([b, a, b])
    expected = [b, a, c, first + x, first + x, x, second, np.stack([c, c, c])]
    assert_everywhere(module, WeightStore(), [given], [expected])


def test_a_loop_counts_and_stacks_where_its_rounds_are_known() -> None:
    def body(a: SSAValue) -> Sequence[SSAValue]:
        def step(i: SSAValue, s: SSAValue) -> Sequence[SSAValue]:
            s = add(s, graph.CastOp.of(i, result=tensor()).result)
            return [true(), s, mul(s, s)]

        return loop([a], step, trips=5, condition=true())

    module = GraphModule().model({"a": tensor(3)}, body)
    given = arrays(RNG, a=(3,))
    a = given["a"].astype(np.float64)
    sums = a + np.cumsum(np.arange(5.0))[:, None]
    assert_everywhere(module, WeightStore(), [given], [[sums[-1], sums**2]])
    lowered = lower(module)
    assert any(op.name == "tensor.scan" for op in lowered.walk())
    assert not any(op.name == "tensor.while" for op in lowered.walk())


def test_a_loop_ends_where_its_condition_fails_or_its_limit_is_reached() -> None:
    """Newton's method for a square root: numbers, truth values and tensors are carried."""

    def body(x: SSAValue, limit: SSAValue, go: SSAValue) -> Sequence[SSAValue]:
        def step(i: SSAValue, guess: SSAValue, rounds: SSAValue, last: SSAValue) -> Sequence[SSAValue]:
            better = mul(add(guess, graph.DivOp.of(x, guess).result), number(0.5, x))
            error = graph.AbsOp.of(graph.SubOp.of(better, guess).result).result
            again = graph.GreaterOp.of(error, number(1e-3, x)).result
            return [again, better, add(rounds, number(1, rounds)), again]

        start = graph.ConstantOp.of(result=tensor(element=i64), value=0).result
        return loop([x, start, go], step, limit=limit, condition=go)

    types = {"x": tensor(), "limit": tensor(element=i64), "go": tensor(element=i1)}
    module = GraphModule().model(types, body)
    x = np.asarray(2.0, np.float32)

    def expected(limit: int, go: bool) -> list[Array]:
        guess, rounds, again = 2.0, 0, go
        while again and rounds < limit:
            better = (guess + 2.0 / guess) * 0.5
            again, guess, rounds = abs(better - guess) > 1e-3, better, rounds + 1
        return [np.asarray(guess), np.asarray(rounds), np.asarray(again)]

    cases = [(10, True), (2, True), (0, True), (10, False), (-3, True)]
    inputs = [{"x": x, "limit": np.asarray(limit), "go": flag(go)} for limit, go in cases]
    assert_everywhere(module, WeightStore(), inputs, [expected(limit, go) for limit, go in cases])


def test_control_flow_nests_and_captures_across_levels() -> None:
    def body(x: SSAValue, w: SSAValue, limit: SSAValue) -> Sequence[SSAValue]:
        def outer(s: SSAValue, e: SSAValue) -> Sequence[SSAValue]:
            def inner(i: SSAValue, t: SSAValue) -> Sequence[SSAValue]:
                large = graph.GreaterOp.of(total(t), number(1.0, t)).result
                return choose(large, lambda: [mul(t, number(0.5, t))], lambda: [add(t, mul(w, e))])

            (t,) = loop([s], inner, limit=limit)
            return [t, t]

        return scan(3, [w], [x], outer)

    def total(t: SSAValue) -> SSAValue:
        return graph.ReduceOp.of(t, kind="sum", axes=(0,), keepdims=False).result

    module = GraphModule().model({"x": tensor(3, 4), "w": tensor(4), "limit": tensor(element=i64)}, body)
    inputs, expected = [], []
    for limit in (0, 1, 4):
        given = arrays(RNG, x=(3, 4), w=(4,))
        x, w = (each.astype(np.float64) for each in given.values())
        s, rows = w, []
        for e in x:
            for _ in range(limit):
                s = s * 0.5 if s.sum() > 1 else s + w * e
            rows.append(s)
        inputs.append({**given, "limit": np.asarray(limit)})
        expected.append([s, np.stack(rows)])
    assert_everywhere(module, WeightStore(), inputs, expected)


def test_weights_are_read_and_folded_inside_of_regions() -> None:
    module = GraphModule()
    kernel = RNG.standard_normal((4, 4)).astype(np.float32)
    scale = RNG.standard_normal(4).astype(np.float32)

    def body(x: SSAValue, a: SSAValue) -> Sequence[SSAValue]:
        w = graph.MulOp.of(module.weight("kernel", kernel), module.weight("scale", scale)).result
        return scan(3, [a], [x], lambda s, e: [add(graph.DenseOp.of(s, w).result, e)])

    made = module.model({"x": tensor(3, 2, 4), "a": tensor(2, 4)}, body)
    given = arrays(RNG, x=(3, 2, 4), a=(2, 4))
    x, s = (each.astype(np.float64) for each in given.values())
    for e in x:
        s = s @ (kernel.astype(np.float64) * scale) + e
    assert_everywhere(made, module.weights, [given], [[s]])


def test_stacking_in_rounds_that_data_decides_is_refused_with_the_reason() -> None:
    def by_condition(a: SSAValue, c: SSAValue) -> Sequence[SSAValue]:
        return loop([a], lambda i, s: [c, s, s], trips=4, condition=c)

    module = GraphModule().model({"a": tensor(3), "c": tensor(element=i1)}, by_condition)
    with pytest.raises(NeuralcError, match=r"stacks results.*a condition") as raised:
        lower(module)
    assert raised.value.diagnostics[0].code == "E0701"

    def by_limit(a: SSAValue, n: SSAValue) -> Sequence[SSAValue]:
        return loop([a], lambda i, s: [s, s], trips=4, limit=n)

    module = GraphModule().model({"a": tensor(3), "n": tensor(element=i64)}, by_limit)
    with pytest.raises(NeuralcError, match=r"stacks results.*a limit that is computed"):
        lower(module)


def test_a_limit_that_is_a_constant_counts_the_rounds() -> None:
    def body(a: SSAValue) -> Sequence[SSAValue]:
        limit = graph.ConstantOp.of(result=tensor(element=i64), value=3).result
        return loop([a], lambda i, s: [add(s, s)], limit=limit)

    module = GraphModule().model({"a": tensor(3)}, body)
    given = arrays(RNG, a=(3,))
    expected = run_module(module, given, WeightStore())
    np.testing.assert_array_equal(expected[0], given["a"].astype(np.float64) * 8)
    assert any(op.name == "tensor.scan" for op in lower(module).walk())


def test_element_types_of_carried_values_stay_what_they_are() -> None:
    def body(a: SSAValue, n: SSAValue, c: SSAValue) -> Sequence[SSAValue]:
        def step(i: SSAValue, s: SSAValue, m: SSAValue, b: SSAValue) -> Sequence[SSAValue]:
            return [s, add(m, m), graph.LogicalNotOp.of(b).result]

        return loop([a, n, c], step, trips=3)

    types = {"a": tensor(2, element=f32), "n": tensor(2, element=i64), "c": tensor(2, element=i1)}
    module = GraphModule().model(types, body)
    given = {"a": np.ones(2, np.float32), "n": np.asarray([3, -4]), "c": np.asarray([True, False])}
    assert_everywhere(module, WeightStore(), [given], [[given["a"], given["n"] * 8, ~given["c"]]])


def test_an_index_outside_fails_the_run_where_its_round_is_run() -> None:
    def body(x: SSAValue, table: SSAValue, i: SSAValue) -> Sequence[SSAValue]:
        return scan("S", [], [x, i], lambda e, j: [mul(e, graph.GatherOp.of(table, j, axis=0).result)])

    module = GraphModule().model({"x": tensor("S", 4), "t": tensor(3, 4), "i": tensor("S", element=i64)}, body)
    given = {**arrays(RNG, x=(3, 4), t=(3, 4)), "i": np.asarray([0, 2, 1])}
    assert_everywhere(module, WeightStore(), [given])
    wrong = {**given, "i": np.asarray([0, 3, 1])}
    with pytest.raises(NeuralcError, match="E0910"):
        run_module(module, wrong, WeightStore())
    model = compile_native(module.clone(), WeightStore(), 2, Target.host())
    with pytest.raises(ModelError, match="E0910"):
        model(**wrong)
    model(**given)


def test_the_stack_of_an_inner_scan_may_be_a_slice_of_an_outer_one() -> None:
    """The inner stack holds its carried value as well, so it lies in rows of its own: its values are copied out."""

    def body(x: SSAValue, a: SSAValue) -> Sequence[SSAValue]:
        def outer(s: SSAValue) -> Sequence[SSAValue]:
            def inner(t: SSAValue, e: SSAValue) -> Sequence[SSAValue]:
                new = add(t, e)
                return [new, new, mul(t, e)]

            return scan(3, [s], [x], inner)

        return scan(2, [a], [], outer)

    module = GraphModule().model({"x": tensor(3, 4), "a": tensor(4)}, body)
    given = arrays(RNG, x=(3, 4), a=(4,))
    x, s = (each.astype(np.float64) for each in given.values())
    sums, products = [], []
    for _ in range(2):
        rows = s + np.cumsum(x, 0)
        products.append(np.concatenate([s[None], rows[:-1]]) * x)
        sums.append(rows)
        s = rows[-1]
    assert_everywhere(module, WeightStore(), [given], [[s, np.stack(sums), np.stack(products)]])
