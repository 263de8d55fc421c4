"""run_module: what it accepts and refuses, how it rounds, what it shows to a trace, and how weights are derived."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.graph_modules import GraphModule, single_op, tensor
from xdsl.dialects.builtin import ModuleOp, f16
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.interp import Numerics, materialize, materialize_all, run_module
from neuralc.dialects.interp.evaluator import semantics_of
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module
from neuralc.passes.verifier import verify_module

NOTHING = WeightStore()


def add_model() -> ModuleOp:
    types = {"image": tensor("batch", 4), "mask": tensor("batch", 4)}
    return GraphModule().model(types, lambda a, b: graph.AddOp.of(a, b).result)


def zeros(*shape: int, dtype: str = "float32") -> Any:
    return np.zeros(shape, dtype)


# -- inputs ----------------------------------------------------------------------------------------------------------


def test_inputs_go_by_name_or_by_position() -> None:
    a, b = zeros(2, 4) + 1, zeros(2, 4) + 2
    (by_name,) = run_module(add_model(), {"mask": b, "image": a}, NOTHING)
    (by_position,) = run_module(add_model(), [a, b], NOTHING)
    np.testing.assert_array_equal(by_name, by_position)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([zeros(2, 4)], "the model takes 2 inputs, got 1"),
        ({"image": zeros(2, 4)}, "input `mask` is missing"),
        ({"image": zeros(2, 4), "mask": zeros(2, 4), "mas": zeros(1)}, "the model has no input `mas`"),
        ([zeros(2, 4), zeros(2, 4, dtype="int32")], "input `mask` is int32, the model takes float32"),
        ([zeros(2, 4), zeros(2, 4, dtype="float16")], "input `mask` is float16, the model takes float32"),
        ([zeros(2, 4), zeros(4)], r"input `mask` has shape \(4,\), the model takes \(batch, 4\)"),
        ([zeros(2, 5), zeros(2, 4)], "dim 1 of input `image` is 5, the model takes 4"),
        ([zeros(2, 4), zeros(3, 4)], "dim 0 of input `mask` is 3, the model takes batch = 2"),
        ([zeros(0, 4), zeros(0, 4)], "dim 0 of input `image` is 0, `batch` is at least 1"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs: Any, message: str) -> None:
    with pytest.raises(NeuralcError, match=message) as caught:
        run_module(add_model(), inputs, NOTHING)
    assert caught.value.diagnostics[0].code == "E0904"


def test_dims_that_are_expressions_are_checked() -> None:
    types = {"a": tensor("S", 2), "b": tensor(Dim.parse("2 * S"), 2)}
    module = GraphModule().model(types, lambda a, b: b)
    run_module(module, [zeros(3, 2), zeros(6, 2)], NOTHING)
    with pytest.raises(NeuralcError, match=r"dim 0 of input `b` is 5, the model takes S \* 2 = 6"):
        run_module(module, [zeros(3, 2), zeros(5, 2)], NOTHING)


# -- numerics --------------------------------------------------------------------------------------------------------


def test_exact_keeps_float64_whatever_the_type_says() -> None:
    module = GraphModule().model({"x": tensor(1, element=f16)}, lambda x: graph.AddOp.of(x, x).result)
    (found,) = run_module(module, [np.array([1 / 3])], NOTHING)
    assert found.dtype == np.float64
    assert found[0] == 2 / 3


def test_exact_takes_a_constant_as_written() -> None:

    def body(x: SSAValue) -> SSAValue:
        return graph.AddOp.of(x, graph.ConstantOp.of(result=tensor(1), value=0.1).result).result

    module = GraphModule().model({"x": tensor(1)}, body)
    assert run_module(module, [zeros(1)], NOTHING)[0][0] == 0.1


def test_rounded_rounds_once_per_op_to_the_result_type() -> None:
    x, kernel = np.full((1, 4096), 0.1, np.float16), np.full((4096, 1), 0.1, np.float16)
    module = single_op(graph.DenseOp, x, kernel)
    (found,) = run_module(module, [x, kernel], NOTHING, numerics="rounded")
    wide = 4096 * float(np.float16(0.1)) ** 2
    assert found.dtype == np.float16
    assert found[0, 0] == np.float16(wide)  # a float16 accumulator would stop near 32


def test_integers_wrap_around() -> None:
    x = np.array([100, -100], np.int8)
    (found,) = run_module(single_op(graph.AddOp, x, x), [x, x], NOTHING, numerics=Numerics.ROUNDED)
    np.testing.assert_array_equal(found, np.array([-56, 56], np.int8))


def test_integer_division_truncates() -> None:
    a, b = np.array([7, -7, 7, -7], np.int32), np.array([2, 2, -2, -2], np.int32)
    (found,) = run_module(single_op(graph.DivOp, a, b), [a, b], NOTHING)
    np.testing.assert_array_equal(found, [3, -3, -3, 3])


# -- weights ---------------------------------------------------------------------------------------------------------


def derived_module(kernel: Any) -> tuple[ModuleOp, WeightStore]:
    build = GraphModule()

    def body(x: SSAValue) -> SSAValue:
        build.weight("kernel", kernel)
        build.derived("root", ["kernel"], lambda k: graph.SqrtOp.of(k).result)
        squared = build.derived("squared", ["root", "root"], lambda a, b: graph.MulOp.of(a, b).result)
        return graph.MulOp.of(x, squared).result

    return build.model({"x": tensor("batch", 3)}, body), build.weights


def test_a_derived_weight_is_computed_in_float64_and_rounded_once() -> None:
    kernel = np.array([2.0, 3.0, 5.0], np.float32)
    module, weights = derived_module(kernel)
    verify_module(module)
    found = materialize(module, weights, "squared")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, kernel)  # rounding the root to float32 gives 1.9999999 for 2
    assert np.sqrt(kernel)[0] ** 2 != 2
    np.testing.assert_allclose(materialize(module, weights, "root", "exact"), np.sqrt(kernel.astype(np.float64)))


def test_materialize_all_shares_what_is_stored() -> None:
    module, weights = derived_module(np.array([2.0, 3.0, 5.0], np.float32))
    found = materialize_all(module, weights)
    assert set(found) == {"kernel", "root", "squared"}
    assert found["kernel"] is weights["kernel"]
    assert set(materialize_all(module, weights, ["root"])) == {"root"}


def test_swapping_a_source_swaps_what_is_derived_from_it() -> None:
    module, _ = derived_module(np.array([2.0, 3.0, 5.0], np.float32))
    (found,) = run_module(module, [zeros(1, 3) + 1], WeightStore({"kernel": np.array([4, 9, 16], np.float32)}))
    np.testing.assert_allclose(found, [[4, 9, 16]])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (WeightStore(), "weight `kernel` has no values"),
        (WeightStore({"kernel": zeros(4)}), r"weight `kernel` has shape \(4,\), the model takes \(3,\)"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights: WeightStore, message: str) -> None:
    module, _ = derived_module(zeros(3))
    with pytest.raises(NeuralcError, match=message) as caught:
        run_module(module, [zeros(1, 3)], weights)
    assert caught.value.diagnostics[0].code == "E0504"


# -- the rest --------------------------------------------------------------------------------------------------------


def test_trace_sees_every_op_of_the_model_with_its_results() -> None:
    module, weights = derived_module(np.array([2.0, 3.0, 5.0], np.float32))
    seen: list[tuple[str, Any]] = []
    run_module(module, [zeros(1, 3)], weights, trace=lambda op, results: seen.append((op.name, results[0].shape)))
    assert seen == [("graph.get_weight", (3,))] * 3 + [("graph.mul", (1, 3))]


def test_an_op_without_semantics_is_a_fault_of_neuralc() -> None:
    with pytest.raises(NeuralcError, match=r"`graph\.dim` has no reference semantics"):
        semantics_of(graph.DimOp("batch"))


def test_a_wrong_result_type_cannot_hide() -> None:
    module = single_op(graph.NegOp, zeros(2, 3))
    text = print_module(module).replace("-> tensor<2x3xf32>", "-> tensor<3x2xf32>")
    with pytest.raises(NeuralcError, match=r"`graph.neg` evaluates to shape \(2, 3\), its type says \(3, 2\)"):
        run_module(parse_module(text), [zeros(2, 3)], NOTHING)
