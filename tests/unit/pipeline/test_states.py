"""Models with states through whole pipelines: fed in pieces they compute what they do on the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from support.compare import Array, assert_close
from support.graph_modules import GraphModule, tensor
from support.pipelines import NATIVE, assert_levels_agree, assert_native_agrees, compile_native, passes_of
from support.stateful_models import CAPACITY, FEATURES, HEADS, UNITS, WIDTH, Model, cached_attention, stateful_lstm
from xdsl.dialects.builtin import bf16, f16, f64, i1, i8, i64
from xdsl.ir import Attribute, SSAValue

from neuralc import runtime
from neuralc.dialects import graph, kernel
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import numpy_dtype
from neuralc.passes.base import PassContext
from neuralc.passes.target import Target

LEVELS = [0, *(pytest.param(opt, marks=pytest.mark.thorough) for opt in (1, 2))]


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def native(model: Model, opt: int = 2, threads: int = 1) -> runtime.Model:
    return compile_native(model.module, model.weights, opt, Target.host(), threads=threads)


# -- recurrence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opt", LEVELS)
def test_a_recurrent_layer_goes_on_where_it_was(opt: int) -> None:
    """The reference for the whole sequence is one run of the interpreter, which begins with zeros."""
    x = normal(7, 3, FEATURES)
    (whole,) = run_module(stateful_lstm().module, [x], stateful_lstm().weights)
    model = native(stateful_lstm(), opt)
    for _ in range(2):
        pieces = [model(piece) for piece in (x[:1], x[1:3], x[3:])]
        assert_close(np.concatenate(pieces), whole, NATIVE)
        model.reset()


def test_after_a_reset_a_state_may_have_other_sizes() -> None:
    model = native(stateful_lstm())
    for batch in (2, 9, 1):
        x = normal(4, batch, FEATURES, seed=batch)
        (whole,) = run_module(stateful_lstm().module, [x], stateful_lstm().weights)
        assert_close(np.concatenate([model(x[:2]), model(x[2:])]), whole, NATIVE)
        with pytest.raises(runtime.ModelError) as caught:
            model(normal(4, batch + 1, FEATURES))
        assert caught.value.code == "E0912"
        assert "reset()" in str(caught.value)
        model.reset()


# -- caches ----------------------------------------------------------------------------------------------------------


def causal_attention(q: Array, k: Array, v: Array) -> Array:
    """Of all positions at once, in float64."""
    scores = np.einsum("qhd,khd->hqk", *(each.astype(np.float64) for each in (q, k)))
    scores[:, *np.triu_indices(len(q), 1)] = -np.inf
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.einsum("hqk,khd->qhd", weights / weights.sum(axis=-1, keepdims=True), v.astype(np.float64))


def sequence() -> tuple[Array, Array, Array]:
    q, k, v = (normal(CAPACITY, HEADS, WIDTH, seed=seed) for seed in range(3))
    return q, k, v


def pieces(count: Sequence[int]) -> list[slice]:
    ends = np.cumsum(count)
    return [slice(end - size, end) for end, size in zip(ends, count, strict=True)]


@pytest.mark.parametrize("opt", LEVELS)
@pytest.mark.thorough
def test_a_cache_of_keys_and_values_is_filled_run_by_run(opt: int) -> None:
    q, k, v = sequence()
    model = native(cached_attention(), opt)
    for counts in ([5, 1, 1, 3, 2], [1] * CAPACITY):
        found = np.concatenate([model(q[part], k[part], v[part]) for part in pieces(counts)])
        assert_close(found, causal_attention(q, k, v), NATIVE)
        model.reset()


@pytest.mark.parametrize("opt", [0, 2])
def test_a_cache_is_changed_in_place(opt: int) -> None:
    """No second memory, and no copy of it: of all that is launched, nothing but scatters writes the caches."""
    module = cached_attention().module
    for each in passes_of(opt):
        each.run_in(module, PassContext(target=Target.host()))
    swapped = {op.state_name for op in module.walk() if isinstance(op, kernel.NextStateOp)}
    assert swapped == {"count"}
    copies = [op for op in module.walk() if isinstance(op, kernel.LaunchOp) and op.callee_name.startswith("copy")]
    assert not copies


@pytest.mark.thorough
def test_a_full_cache_ends_the_run_and_begins_anew() -> None:
    q, k, v = sequence()
    model = native(cached_attention())
    model(q[:9], k[:9], v[:9])
    with pytest.raises(runtime.ModelError) as caught:
        model(q[:4], k[:4], v[:4])
    assert caught.value.code == "E0910"
    assert_close(model(q, k, v), causal_attention(q, k, v), NATIVE)


@pytest.mark.thorough
def test_the_number_of_threads_changes_nothing() -> None:
    q, k, v = sequence()
    one, four = (native(cached_attention(), threads=threads) for threads in (1, 4))
    for part in pieces([5, 1, 6]):
        np.testing.assert_array_equal(one(q[part], k[part], v[part]), four(q[part], k[part], v[part]))


# -- all levels ------------------------------------------------------------------------------------------------------


FEW = {
    stateful_lstm: {"x": normal(3, 2, FEATURES)},
    cached_attention: {name: array[:4] for name, array in zip("qkv", sequence(), strict=True)},
}


@pytest.mark.thorough
@pytest.mark.parametrize("opt", [0, 2])
@pytest.mark.parametrize("make", FEW)
def test_levels_agree(make: Callable[[], Model], opt: int) -> None:
    model = make()
    assert_levels_agree(model.module, model.weights, [FEW[make]], opt, Target.cpu("haswell"))


@pytest.mark.thorough
@pytest.mark.parametrize("element", [f16, bf16, f64, i8, i64, i1], ids=str)
@pytest.mark.parametrize("opt", [0, 2])
def test_states_of_all_types_begin_as_declared(element: Attribute, opt: int) -> None:
    """The state that the run finds is its output; what it leaves is its input."""
    build, type_ = GraphModule(), tensor("batch", 3, element=element)
    initial = build.state("number", type_, 1)

    def body(x: SSAValue) -> Sequence[SSAValue]:
        build.weight("start", np.array([1, 0, 1]).astype(numpy_dtype(element)))
        build.state("weight", type_, "start")
        found = [graph.GetStateOp(name, type_).result for name in (initial, "weight")]
        for name in (initial, "weight"):
            graph.SetStateOp(name, x)
        return found

    x = np.array([[0, 1, 0], [1, 1, 0]]).astype(numpy_dtype(element))
    model = compile_native(build.model({"x": type_}, body), build.weights, opt, Target.host())
    for wanted in ([np.ones((2, 3)), [[1, 0, 1]] * 2], [x, x]):
        for found, expected in zip(model(x), wanted, strict=True):
            np.testing.assert_array_equal(found, np.asarray(expected, x.dtype))


# -- where the next value comes from ---------------------------------------------------------------------------------

STATE = tensor("batch", UNITS)


def read(name: str) -> SSAValue:
    return graph.GetStateOp(name, STATE).result


def swap(x: SSAValue) -> SSAValue:
    a, b = read("a"), read("b")
    graph.SetStateOp("a", b)
    graph.SetStateOp("b", graph.AddOp.of(a, x).result)
    return graph.SubOp.of(a, b).result


def from_an_input(x: SSAValue) -> SSAValue:
    graph.SetStateOp("a", x)
    graph.SetStateOp("b", read("a"))
    return read("b")


def into_both(x: SSAValue) -> SSAValue:
    new = graph.AddOp.of(x, read("a")).result
    graph.SetStateOp("a", new)
    graph.SetStateOp("b", new)
    return new


def part_of_a_concatenation(x: SSAValue) -> SSAValue:
    new = graph.MulOp.of(x, read("a")).result
    graph.SetStateOp("a", graph.AddOp.of(new, x).result)
    graph.SetStateOp("b", new)
    return graph.ConcatOp.of(new, read("b"), axis=1).result


def set_before_it_is_read(x: SSAValue) -> SSAValue:
    graph.SetStateOp("a", graph.ExpOp.of(graph.MinimumOp.of(x, read("b")).result).result)
    return graph.AddOp.of(read("a"), read("b")).result


def transposed(x: SSAValue) -> SSAValue:
    square = graph.EinsumOp.of(x, read("a"), spec="bi,bj->ij").result
    turned = graph.TransposeOp.of(square, perm=(1, 0)).result
    graph.SetStateOp("square", turned)
    graph.SetStateOp("a", x)
    return graph.SubOp.of(graph.GetStateOp("square", turned.type).result, square).result


BODIES = [swap, from_an_input, into_both, part_of_a_concatenation, set_before_it_is_read, transposed]


@pytest.mark.parametrize("opt", LEVELS)
@pytest.mark.parametrize("body", BODIES)
def test_a_state_may_be_set_to_any_value(body: Callable[[SSAValue], SSAValue], opt: int) -> None:
    build = GraphModule()
    build.state("a", STATE, 0.5)
    build.state("b", STATE)
    build.state("square", tensor(UNITS, UNITS))
    module = build.model({"x": STATE}, body)
    inputs = [{"x": normal(batch, UNITS, seed=batch)} for batch in (3, 1)]
    assert_native_agrees(module, build.weights, inputs, opt)
